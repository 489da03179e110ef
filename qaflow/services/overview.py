"""What a person's roles cover, in figures: goals, warnings, rounds and tasks, with trends and the lists behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from qaflow.engine.definition import Label
from qaflow.errors import Invalid, Missing
from qaflow.store import overview as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.overview import SPANS, WHATS, Facet

from . import policy
from .college import CollegeView, view
from .inbox import bounds
from .sessions import SignedIn
from .work import AnySession, Origin

LINES = 50
MOST_PAGES = 1000
OWN = 20
"""So many subjects for which somebody answers are named on the page; the others are in the list of portraits."""
MONTHS = 12
YEAR_BEGINS = 9  # the month in which a teaching year begins, where no term of the college says it
FAR = "9999-12-31"

__all__ = ["OWN", "WHATS", "Behind", "Chosen", "Overview", "Section", "Span", "behind", "look"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is listed: the number, of one layer or kind of task, of one span ("" is all)."""

    what: str = "running"
    group: str = ""
    span: str = ""
    page: int = 1


class Span(NamedTuple):
    """A month or a term of a trend: the key that addresses name, its name (a month has none), first and last day."""

    key: str
    name: Label | None
    first: date
    following: date


class Row(NamedTuple):
    """One layer's (or kind of task's) numbers, by what they count."""

    group: str
    name: Label | None
    numbers: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the overview: the numbers in all and by group, and what of them lies in each span of time."""

    key: str
    rows: tuple[Row, ...]
    total: Mapping[str, int]
    spans: tuple[Span, ...]
    trend: Mapping[str, tuple[int, ...]]

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to count and never was."""
        return not any(self.total.values()) and not any(map(any, self.trend.values()))


class Own(NamedTuple):
    """A subject for which the reader answers."""

    id: int
    name: str
    layer: Label


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The page: what is covered, in four sections, and the reader's own subjects."""

    whole: bool
    covers: bool
    sections: tuple[Section, ...]
    own: tuple[Own, ...]
    more_own: int


SECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "goals": (("goals",), ("goals", "attained", "missed", "unmeasured"), ("goals_ended", "goals_met")),
    "warnings": (("warnings",), ("warnings", "major", "minor"), ("opened", "settled")),
    "rounds": (("rounds", "closed"), ("running", "late", "complete", "incomplete"), ("complete", "incomplete")),
    "tasks": (("tasks",), ("tasks", "tasks_done", "tasks_going", "tasks_planned", "tasks_late"),
              ("tasks", "tasks_done")),
}  # fmt: skip
"""Each section's kinds of rows, its numbers, and those of which it shows a trend."""


class Desk:
    """One person's look at their college now: what they reach, and the spans of time that are counted."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn) -> None:
        """Find what the person reaches; `Missing` where they belong to no college."""
        if me.college is None:
            raise Missing("college.not_found", "this person belongs to no college")
        self.driver, self.origin, self.me = driver, origin, me
        self.college: CollegeView = view(session, driver, me.college)
        self.today = self.college.calendar.local_day(origin.now)
        layers = [layer.key for layer in self.college.config.layers]
        self.reach = policy.reach(driver, self.college.id, layers, me.person, self.today.isoformat())
        self.whole = set(layers) <= set(self.reach.layers)
        self.names = {layer.key: layer.name for layer in self.college.config.layers}
        self.shared = self._shared()
        self._spans: dict[str, tuple[Span, ...]] = {}

    def _shared(self) -> dict[str, Any]:
        floor, _, _ = bounds(self.college.calendar, self.today)
        midnight = self.college.calendar.start_of(self.today + timedelta(days=1))
        return self.reach.params | {
            "college": self.college.id, "today": self.today.isoformat(), "floor": floor, "now": utc(self.origin.now),
            "cut": utc(midnight)[10:], "year": self.year.first.year,
            "s_unit_ids": _numbers(self.reach.units), "s_person_ids": _numbers(self.reach.persons),
            "s_subject_ids": _numbers(self.reach.subjects),
        }  # fmt: skip

    @property
    def year(self) -> Span:
        """The teaching year that runs: from the first of September on."""
        begins = self.today.year - (self.today.month < YEAR_BEGINS)
        return Span("", None, date(begins, YEAR_BEGINS, 1), date(begins + 1, YEAR_BEGINS, 1))

    def spans(self, kind: str) -> tuple[Span, ...]:
        """Return the spans of a kind's trend: terms for goals, the year's months for tasks, else the last months."""
        if kind not in self._spans:
            self._spans[kind] = self._drawn(kind)
        return self._spans[kind]

    def _drawn(self, kind: str) -> tuple[Span, ...]:
        if kind == "goals":
            return self._terms()
        first = self.year.first if kind == "tasks" else _month(self.today, 1 - MONTHS)
        return tuple(Span(day.isoformat()[:7], None, day, _month(day, 1))
                     for day in (_month(first, n) for n in range(MONTHS)))  # fmt: skip

    def _terms(self) -> tuple[Span, ...]:
        """Return the last terms that have begun, the days between two with the one before."""
        begun = [t for t in self.college.calendar.terms if t.starts <= self.today][-SPANS:]
        if not begun:
            return (Span(self.year.first.isoformat()[:4], None, self.year.first, self.year.following),)
        names = {key: Label(zh=zh, en=en) for key, zh, en in rows.terms(self.driver, self.college.id)}
        ends = [t.starts for t in begun[1:]] + [max(begun[-1].ends, self.today) + timedelta(days=1)]
        return tuple(Span(t.key, names.get(t.key), t.starts, end) for t, end in zip(begun, ends, strict=True))

    def params(self, kind: str) -> dict[str, Any]:
        """Return the parameters of a kind's statements."""
        spans = self.spans(kind)
        firsts = [self.edge(kind, span.first) for span in spans] + [FAR] * (SPANS - len(spans))
        until = self.edge(kind, spans[-1].following)
        return self.shared | {f"b{n}": first for n, first in enumerate(firsts)} | {"until": until}

    def edge(self, kind: str, day: date) -> str:
        """Return a day as the kind's times are written: instants or days."""
        days = kind in ("goals", "tasks")
        return day.isoformat() if days else utc(self.college.calendar.start_of(day))

    def named(self, kind: str, group: str) -> Label | None:
        """Return a layer's name; kinds of task have theirs from the page."""
        return None if kind == "tasks" else self.names.get(group, Label(zh=group, en=group))


def _numbers(texts: Sequence[str]) -> list[int]:
    """Return the numbers of texts ``number:layer``."""
    return sorted({int(one.partition(":")[0]) for one in texts})


def _month(day: date, later: int) -> date:
    """Return the first day of a month so many months later."""
    count = day.year * MONTHS + day.month - 1 + later
    return date(count // MONTHS, count % MONTHS + 1, 1)


def _opened(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[Desk], Any]) -> Any:
    try:
        return body(Desk(session, reading(session), origin, me))
    finally:
        session.rollback()


def look(session: AnySession, origin: Origin, me: SignedIn) -> Overview:
    """Return the figures of what a person's roles and responsibility cover."""
    found: Overview = _opened(session, origin, me, _look)
    return found


def _look(desk: Desk) -> Overview:
    own, many = rows.own(desk.driver, desk.shared, OWN)
    sections = tuple(_section(desk, key) for key in SECTIONS)
    reach = desk.reach
    return Overview(
        whole=desk.whole, sections=sections, more_own=many - len(own),
        covers=bool(many or reach.layers or reach.units or reach.subjects),
        own=tuple(Own(number, name, desk.names.get(layer, Label(zh=layer, en=layer))) for number, name, layer in own),
    )  # fmt: skip


def _section(desk: Desk, key: str) -> Section:
    kinds, numbers, trend = SECTIONS[key]
    found = {kind: rows.facets(desk.driver, kind, desk.whole, desk.params(kind)) for kind in kinds}
    groups = sorted({f.group for facets in found.values() for f in facets}, key=_order(desk))
    spans = desk.spans(kinds[-1])
    lines = [Row(group, desk.named(key, group), {what: _sum(found, what, group) for what in numbers})
             for group in groups]  # fmt: skip
    return Section(
        key=key, rows=tuple(line for line in lines if any(line.numbers.values())), spans=spans,
        total={what: sum(line.numbers[what] for line in lines) for what in numbers},
        trend={what: _over(found, what, len(spans)) for what in trend},
    )  # fmt: skip


def _order(desk: Desk) -> Callable[[str], tuple[int, str]]:
    order = {key: at for at, key in enumerate((*desk.names, *TASK_KINDS))}
    return lambda group: (order.get(group, len(order)), group)


TASK_KINDS = ("key", "routine", "ad_hoc")


def _sum(found: Mapping[str, Sequence[Facet]], what: str, group: str) -> int:
    of = WHATS[what]
    return sum(f.many for f in found[of.kind] if f.group == group and f.state in of.states)


def _over(found: Mapping[str, Sequence[Facet]], what: str, many: int) -> tuple[int, ...]:
    of, sums = WHATS[what], [0] * SPANS
    for facet in found[of.kind]:
        at = facet.spans.get(of.time, -1)
        if at >= 0 and facet.state in of.states:
            sums[at] += facet.many
    return tuple(sums[:many])


class Behind(NamedTuple):
    """A page of the list behind a number."""

    kind: str
    many: int
    lines: tuple[tuple[Any, ...], ...]
    more: bool
    group: Label | None
    span: Span | None
    names: Mapping[str, Label]


def behind(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Behind:
    """Return a page of what a number counts, by the same condition."""
    if chosen.what not in WHATS or not 1 <= chosen.page <= MOST_PAGES:
        raise Invalid("query.unknown", f"no list {chosen.what!r}")
    found: Behind = _opened(session, origin, me, lambda desk: _behind(desk, chosen))
    return found


def _behind(desk: Desk, chosen: Chosen) -> Behind:
    what = WHATS[chosen.what]
    span = next((s for s in desk.spans(what.kind) if s.key == chosen.span), None) if what.time else None
    offset = (chosen.page - 1) * LINES
    params = desk.params(what.kind) | {
        "states": list(what.states), "group": chosen.group, "ever": span is None, "limit": LINES, "offset": offset,
        "from": desk.edge(what.kind, span.first) if span else "",
        "to": desk.edge(what.kind, span.following) if span else "",
    }  # fmt: skip
    many, lines = rows.page(desk.driver, chosen.what, desk.whole, params)
    group = desk.named(what.kind, chosen.group) if chosen.group else None
    return Behind(what.kind, many, tuple(lines), many > offset + LINES, group, span, desk.names)
