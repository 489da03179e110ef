"""The figure of the 8: where the beads, lines and words of a definition or a running cycle stand.

The slow loop stands above the crossing, the quick loop below it; travel goes down the right side (before), round the
quick loop (during) and up the left side (after).  The stage with the quick loop is the hinge and sits on the crossing.
Everything here is geometry as frozen values; `drawing_svg` writes it down.
"""

from __future__ import annotations

from collections.abc import Iterable

from qaflow.engine.definition import QUICK_STATES, Definition, Label, QuickLoop, Stage

from . import captions
from .figure_lines import Lines
from .figure_seats import CROWDED, DESK, LARGER, PHONE, Seats
from .figure_values import STATES, Bead, Chevron, Figure, Format, Mark, Part, Progress, Readout, Stroke, Text
from .figure_words import head_line, quick_texts, readout_texts, seam_texts, spoken, stage_note
from .lemniscate import Point

SMALL = 0.57  # a quick state's radius by a bead's
RICHEST = ((True, 3), (False, 3), (False, 2), (False, 1))  # with notes in three lines, then without, then in fewer


def lay_out(
    definition: Definition, language: str = "zh", phone: bool = False, progress: Progress | None = None
) -> Figure:
    """Lay out the figure of a definition, or of a cycle where ``progress`` is given."""
    form = PHONE if phone else DESK
    seats = Seats(definition, form)
    lines = Lines(definition, seats, progress)
    slow, quick = _Beads(definition, language, seats, lines).placed()
    texts = [*seam_texts(language, progress, form), *readout_texts(definition, language, progress, form)]
    if seats.has_loop:
        texts += quick_texts(language, progress, form)
    return Figure(
        width=form.width,
        height=form.height if seats.has_loop else form.lone,
        title=head_line(definition, language, progress),
        description=_description(definition, language),
        strokes=tuple(lines.strokes()),
        chevrons=tuple(lines.chevrons()),
        beads=slow,
        quick=quick,
        texts=tuple(texts),
    )


def _description(definition: Definition, language: str) -> str:
    zh = language == "zh"
    names = []
    for stage in definition.stages:
        name = _said(stage.name, language)
        if stage.key == definition.hinge and definition.quick:
            inner = [_said(n, language) for n in definition.quick.names]
            name += f"（{'、'.join(inner)}）" if zh else f" ({', '.join(inner)})"
        names.append(name)
    return " → ".join(names)


def _said(label: Label, language: str) -> str:
    return label.zh if language == "zh" else label.en


class _Beads:
    """The beads of one figure, with the fullest captions that find room."""

    def __init__(self, definition: Definition, language: str, seats: Seats, lines: Lines) -> None:
        self.definition, self.language, self.seats, self.lines = definition, language, seats, lines
        self.form, self.progress = seats.form, lines.progress
        self.room = (0.0, seats.form.width)

    def placed(self) -> tuple[tuple[Bead, ...], tuple[Bead, ...]]:
        """Return the beads of both loops: the first way without collisions, else that with the fewest."""
        found = []
        for notes, most in RICHEST:
            if notes and self.seats.crowded:
                continue
            slow = tuple(self._bead(i, stage, notes, most) for i, stage in enumerate(self.definition.stages))
            quick = tuple(self._quick(notes, most))
            hits = self._collisions((*slow, *quick))
            found.append((hits, slow, quick))
            if not hits:
                break
        _, slow, quick = min(found, key=lambda way: way[0])
        return slow, quick

    def _collisions(self, beads: tuple[Bead, ...]) -> int:
        return captions.collisions((b.caption.box for b in beads), (_box(b) for b in beads), self._line())

    def _line(self) -> Iterable[Point]:
        curves = [self.seats.right, self.seats.left, *([self.seats.loop] if self.seats.has_loop else [])]
        return (self.seats.to_page(p) for curve in curves for p in curve.stretch())

    def _mark(self, stage: Stage) -> Mark:
        if self.progress is None:
            return Mark(state="plan", note=stage_note(stage, self.language, self.form is PHONE))
        mark = self.progress.marks.get(stage.key)
        return mark or Mark(state="current" if stage.key == self.progress.current else "ahead")

    def _bead(self, index: int, stage: Stage, notes: bool, most: int) -> Bead:
        mark, seat, name = self._mark(stage), self.seats.seat(index), _said(stage.name, self.language)
        if seat is None:
            radius, size = self.seats.radius * LARGER, captions.HINGE_SIZE
            place, normal, reach = self.form.cross, self._hinge_side(), radius + 15
        else:
            radius, size = self.seats.radius, captions.NAME_SIZE
            curve, s = seat
            place = self.seats.to_page(curve.at(s))
            normal = captions.outward(curve.at(s), self.seats.middle, curve.heading(s))
            reach = radius + self.form.gap + (4 if mark.state in ("late", "returned") else 0)
        caption = captions.beside(
            place, normal, reach, name, self.room, note=mark.note if notes else "", most=most, size=size,
            tone="now" if mark.state == "current" else "", note_tone="late" if mark.late else "mute",
        )  # fmt: skip
        return Bead(
            key=stage.key, place=place, radius=radius, state=mark.state, number=index + 1, caption=caption,
            spoken=spoken(index + 1, name, mark, self.language), full=name,
        )  # fmt: skip

    def _hinge_side(self) -> Point:
        """The hinge's caption stands on the right, unless the beads there come too close."""
        return (-1.0, 0.0) if self.seats.before >= CROWDED > self.seats.after else (1.0, 0.0)

    def _quick(self, notes: bool, most: int) -> Iterable[Bead]:
        loop = self.definition.quick
        if loop is None or not self.seats.has_loop:
            return
        for index, key in enumerate(QUICK_STATES):
            yield self._quick_bead(index, key, loop, notes, most)

    def _quick_bead(self, index: int, key: str, loop: QuickLoop, notes: bool, most: int) -> Bead:
        name, mark = _said(loop.names[index], self.language), self._quick_mark(index, key)
        place = self.seats.to_page(self.seats.loop.at((index + 1) * self.seats.loop.length / (len(QUICK_STATES) + 1)))
        note, tone = mark.note if notes else "", "warn" if mark.state == "warning" else ""
        note_tone = "late" if mark.late else "mute"
        if index == 1:
            caption = captions.below(
                place, self.form.radius + 20.5, name, self.room, note=note, tone=tone, note_tone=note_tone
            )
        else:
            side = (-1.0, 0.0) if index == 0 else (1.0, 0.0)
            caption = captions.beside(
                place, side, self.form.radius + 8, name, self.room, note=note, most=most, tone=tone, note_tone=note_tone
            )
        return Bead(
            key=key, place=place, radius=self.form.radius * SMALL, state=mark.state, number=None,
            caption=caption, spoken=spoken(None, name, mark, self.language), full=name,
        )  # fmt: skip

    def _quick_mark(self, index: int, key: str) -> Mark:
        """Return a quick state's mark: given, or told by the leaf and the open warnings."""
        if self.progress is None:
            return Mark(state="plan")
        if key in self.progress.quick:
            return self.progress.quick[key]
        if key == "warn" and self.progress.open_warnings:
            return Mark(state="warning")
        if self.progress.leaf not in QUICK_STATES:
            return Mark(state="passed" if self.lines.walked else "ahead")
        here = QUICK_STATES.index(self.progress.leaf)
        return Mark(state="current" if index == here else "passed" if index < here else "ahead")


def _box(bead: Bead) -> captions.Box:
    (x, y), r = bead.place, bead.radius
    return captions.Box(x - r, y - r, x + r, y + r)


__all__ = [
    "STATES", "Bead", "Chevron", "Figure", "Format", "Mark", "Part", "Progress", "Readout", "Stroke", "Text", "lay_out",
]  # fmt: skip
