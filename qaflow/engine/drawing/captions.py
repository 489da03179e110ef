"""The words beside a bead: broken into lines, set outside the loop, and checked for collisions."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product

from .lemniscate import Point

NAME_SIZE = 15.0
HINGE_SIZE = 17.0
NOTE_SIZE = 12.5
SMALLER = (15.0, 13.0, 12.0)  # sizes for a name that would be cut
MARGIN = 4.0  # between a text and the edge of the picture
TILT = (0.86, -0.52)  # the outward direction near the top, where the normal would stack the labels over the beads
TALL = 1.1  # a line's height by its size, within one name
ASCENT = 0.85  # of a line above its baseline, by its size
DESCENT = 0.2
WIDE = {"W", "F", "A"}
LATIN_PLAIN, LATIN_BOLD = 0.55, 0.6  # mean widths of a letter that is not Chinese, by the size


@dataclass(frozen=True)
class Box:
    """A rectangle that nothing else may cover."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Box) -> bool:
        """Tell whether two boxes share an area."""
        beside = self.left < other.right and other.left < self.right
        return beside and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, kw_only=True)
class Caption:
    """A name in one or two lines with a note below it; ``y`` is the first baseline."""

    x: float
    y: float
    anchor: str  # start, middle, end
    lines: tuple[str, ...]
    note: str = ""
    size: float = NAME_SIZE
    tone: str = ""  # of the name: "", now, warn
    note_tone: str = "mute"  # mute, late

    @property
    def note_y(self) -> float:
        """The baseline of the note."""
        return self.y + (len(self.lines) - 1) * self.size * TALL + NAME_SIZE * TALL

    @property
    def box(self) -> Box:
        """The area that the words take."""
        breadth = max([width(line, self.size, bold=True) for line in self.lines] + [width(self.note, NOTE_SIZE)])
        left = self.x - breadth * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        last = self.note_y if self.note else self.note_y - NAME_SIZE * TALL
        return Box(left, self.y - self.size * ASCENT, left + breadth, last + self.size * DESCENT)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is; no font is at hand, so letters count by their kind."""
    latin = LATIN_BOLD if bold else LATIN_PLAIN
    return size * sum(1.0 if unicodedata.east_asian_width(c) in WIDE else latin for c in text)


def wrap(
    text: str, room: float, size: float, *, most: int = 2, bold: bool = True, halve: bool = True
) -> tuple[str, ...]:
    """Break a text into at most ``most`` lines that fit the room; what is left over becomes an ellipsis."""
    lines = [""]
    for piece in _pieces(text, room, size, bold) if halve else _words(text):
        if lines[-1] and width((lines[-1] + piece).rstrip(), size, bold=bold) > room:
            lines.append("")
        lines[-1] += piece
    lines = [line.strip() for line in lines]
    if len(lines) > most:
        lines = [*lines[: most - 1], _joined(lines[most - 1 :])]
    return tuple(_cut(line, room, size, bold) for line in lines)


def _joined(lines: Iterable[str]) -> str:
    joined = ""
    for line in lines:
        if joined.endswith("-"):
            joined = joined[:-1]
        elif joined and joined[-1].isascii() and line[:1].isascii():
            joined += " "
        joined += line
    return joined


def _pieces(text: str, room: float, size: float, bold: bool) -> Iterable[str]:
    """Yield what must stay on one line: a Chinese character, or a word; a word that is too long in two halves."""
    for word in _words(text):
        half = (len(word.strip()) + 1) // 2
        if width(word.strip(), size, bold=bold) > room and half > 2:
            yield word[:half] + "-"
            yield word[half:]
        else:
            yield word


def _words(text: str) -> Iterable[str]:
    word = ""
    for c in " ".join(text.split()):
        wide = unicodedata.east_asian_width(c) in WIDE
        if wide and word:
            yield word
            word = ""
        word += c
        if wide or c == " ":
            yield word
            word = ""
    if word:
        yield word


def _cut(line: str, room: float, size: float, bold: bool) -> str:
    if width(line, size, bold=bold) <= room:
        return line
    while line and width(line + "…", size, bold=bold) > room:
        line = line[:-1]
    return line.rstrip() + "…"


def _fitted(text: str, room: float, size: float, most: int) -> tuple[tuple[str, ...], float]:
    """Return the lines at the largest size at which nothing is cut; words are halved only where no size helps."""
    sizes = (size, *(s for s in SMALLER if s < size))
    for halve, tried in product((False, True), sizes):
        lines = wrap(text, room, tried, most=most, halve=halve)
        if not any(line.endswith("…") for line in lines):
            break
    return lines, tried


def _short(note: str, room: float) -> str:
    """Return the note if it fits: half a date would mislead."""
    return note if width(note, NOTE_SIZE) <= room else ""


def outward(place: Point, middle: Point, heading: float) -> Point:
    """Return the unit normal of the curve that points away from the middle of its loop."""
    normal = (math.sin(heading), -math.cos(heading))
    away = normal[0] * (place[0] - middle[0]) + normal[1] * (place[1] - middle[1])
    return normal if away >= 0 else (-normal[0], -normal[1])


def beside(place: Point, normal: Point, reach: float, text: str, room: Point, *, note: str = "", most: int = 2,
           size: float = NAME_SIZE, tone: str = "", note_tone: str = "mute") -> Caption:  # fmt: skip
    """Set a caption beside a bead along the normal; ``room`` holds the picture's left and right edge."""
    side = 1 if normal[0] >= 0 else -1
    if normal[1] < TILT[1]:
        normal, reach = (side * TILT[0], TILT[1]), reach + 4
    x, y = place[0] + reach * normal[0], place[1] + reach * normal[1]
    free = (room[1] - x if side > 0 else x - room[0]) - MARGIN
    lines, size = _fitted(text, free, size, most)
    shown = _short(note, free)
    y += -1.0 - 4.0 * max(normal[1], 0.0) if shown else size / 3
    y -= (len(lines) - 1) * size * TALL * (0.5 - 0.5 * normal[1])
    anchor = "start" if side > 0 else "end"
    return Caption(x=x, y=y, anchor=anchor, lines=lines, note=shown, size=size, tone=tone, note_tone=note_tone)


def below(place: Point, reach: float, text: str, room: Point, *, note: str = "", most: int = 1, tone: str = "",
          note_tone: str = "mute") -> Caption:  # fmt: skip
    """Set a caption under a bead, in the middle."""
    free = 2 * min(place[0] - room[0], room[1] - place[0]) - 2 * MARGIN
    lines, size = _fitted(text, free, NAME_SIZE, most)
    return Caption(
        x=place[0], y=place[1] + reach, anchor="middle", lines=lines, note=_short(note, free), size=size, tone=tone,
        note_tone=note_tone,
    )  # fmt: skip


def collisions(boxes: Iterable[Box], beads: Iterable[Box], line: Iterable[Point]) -> int:
    """Count the captions that cover one another, a bead or a point of the line."""
    words = tuple(boxes)
    obstacles = [*beads, *(Box(x, y, x, y) for x, y in line)]
    return sum(a.covers(b) for a, b in combinations(words, 2)) + sum(a.covers(b) for a, b in product(words, obstacles))
