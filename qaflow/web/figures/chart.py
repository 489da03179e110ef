"""The small figure of a warning: readings over time with target and limits, in places that the template draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from flask_babel import gettext as _

from qaflow.engine.control import Limits
from qaflow.services.cycles.warnings import Measured, Story
from qaflow.web.words import clock, college, day

LINE = 16  # so far apart stand the words beside two lines
LEFT, TOP, BOTTOM = 12, 16, 28
ROOM = 0.08  # above the highest and below the lowest
SIGNS = ".12g"


class Size(NamedTuple):
    """How large the figure is drawn: never scaled, or its words could not be read on a phone."""

    width: int
    height: int
    right: int  # room for the words beside the lines


WIDE, PHONE = Size(640, 240, 150), Size(326, 220, 110)


class Mark(NamedTuple):
    """One reading: its place, shape (inside, beyond, opening) and words."""

    x: float
    y: float
    shape: str
    words: str


class Rule(NamedTuple):
    """One line over the whole width: target or limit, with the place of its words."""

    y: float
    label: float
    kind: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything in its place."""

    size: Size
    rules: tuple[Rule, ...]
    marks: tuple[Mark, ...]
    path: str
    days: tuple[tuple[float, str, str], ...]  # x, how the text is anchored, the day


def figures(value: float, unit: str | None = None) -> str:
    """Return a measured value as it was given, with its unit."""
    return f"{value:{SIGNS}}{unit or ''}"


def chart(story: Story, size: Size) -> Chart | None:
    """Return the figure of a warning; None where its point was never read."""
    if story.limits is None or not story.readings:
        return None
    lines = _lines(story.limits, story.row.unit)
    low, high = _range([one.value for one in story.readings] + [value for value, _kind, _words in lines])
    first, last = (datetime.fromisoformat(story.readings[n].at) for n in (0, -1))
    inner, span = size.width - LEFT - size.right, (last - first).total_seconds()

    def across(one: Measured) -> float:
        share = (datetime.fromisoformat(one.at) - first).total_seconds() / span if span else 0.5
        return round(LEFT + 8 + (inner - 16) * share, 1)

    def down(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (size.height - TOP - BOTTOM), 1)

    marks = tuple(Mark(across(one), down(one.value), _shape(one), words_of(one, story.row.unit))
                  for one in story.readings)  # fmt: skip
    return Chart(size=size, rules=_rules([(down(v), kind, words) for v, kind, words in lines]), marks=marks,
                 path=" ".join(f"{m.x},{m.y}" for m in marks), days=_days(story.readings, marks))  # fmt: skip


def words_of(one: Measured, unit: str | None) -> str:
    """Return one reading in words: when, how much, and how it lies."""
    words = {"inside": _("within the limits"), "beyond": _("beyond the limit"), "opening": _("opened this warning")}
    return f"{on(one.at)} {figures(one.value, unit)} {words[_shape(one)]}"


def on(at: str) -> str:
    """Return the day of a stored instant by the college's clocks."""
    view, moment = college(), datetime.fromisoformat(at)
    return day(view.calendar.local_day(moment) if view else moment.date())


def at(stored: str) -> str:
    """Return the time of day of a stored instant by the college's clocks."""
    return clock(datetime.fromisoformat(stored))


def _shape(one: Measured) -> str:
    return "opening" if one.opening else "beyond" if one.severity else "inside"


def _lines(limits: Limits, unit: str | None) -> list[tuple[float, str, str]]:
    """Return the values that count by the point's direction, with their words."""
    found = [(limits.target, "target", _("target %(value)s", value=figures(limits.target, unit)))]
    if limits.lower is not None and limits.direction in ("higher", "band"):
        found.append((limits.lower, "limit", _("lower limit %(value)s", value=figures(limits.lower, unit))))
    if limits.upper is not None and limits.direction in ("lower", "band"):
        found.append((limits.upper, "limit", _("upper limit %(value)s", value=figures(limits.upper, unit))))
    return found


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * ROOM or abs(high) * ROOM or 1.0
    return low - room, high + room


def _rules(lines: Sequence[tuple[float, str, str]]) -> tuple[Rule, ...]:
    """Return the lines from above to below, their words moved down where they would lie on one another."""
    found: list[Rule] = []
    for y, kind, words in sorted(lines):
        label = max(y + 4, found[-1].label + LINE) if found else y + 4
        found.append(Rule(y, label, kind, words))
    return tuple(found)


def _days(found: Sequence[Measured], marks: Sequence[Mark]) -> tuple[tuple[float, str, str], ...]:
    if len(found) == 1:
        return ((marks[0].x, "middle", on(found[0].at)),)
    return (marks[0].x, "start", on(found[0].at)), (marks[-1].x, "end", on(found[-1].at))
