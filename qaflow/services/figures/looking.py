"""One person's look at what their roles cover: what they reach, and the spans of time that are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeVar

from qaflow.engine.definition import Label
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.desk.inbox import bounds
from qaflow.services.work import AnySession, Origin
from qaflow.store import overview as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.overview import SPANS

T = TypeVar("T")
MONTHS = 12
YEAR_BEGINS = 9  # assumed: the month in which a teaching year begins
FAR = "9999-12-31"


class Span(NamedTuple):
    """A month or a term of a trend: the key that addresses name, its name (a month has none), first and last day."""

    key: str
    name: Label | None
    first: date
    following: date


class Desk:
    """One person's look at their college now: what they reach, and the spans of time that are counted."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn,
                 kinds: frozenset[str] = policy.OPENS) -> None:  # fmt: skip
        """Find what the person reaches by these kinds of role; `Missing` where they belong to no college."""
        if me.college is None:
            raise Missing("college.not_found", "this person belongs to no college")
        self.session, self.driver, self.origin, self.me = session, driver, origin, me
        self.college: CollegeView = view(session, driver, me.college)
        self.today = self.college.calendar.local_day(origin.now)
        self.reach = self._reach(kinds)
        self.names = {layer.key: layer.name for layer in self.college.config.layers}
        self.whole = set(self.names) <= set(self.reach.layers)
        self.opens = kinds == policy.OPENS or self.reach == self._reach(policy.OPENS)
        self.shared = self._shared()
        self._spans: dict[str, tuple[Span, ...]] = {}

    def _reach(self, kinds: frozenset[str]) -> policy.Reach:
        layers, day = [layer.key for layer in self.college.config.layers], self.today.isoformat()
        return policy.reach(self.driver, self.college.id, layers, self.me.person, day, kinds)

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


def opened(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[Desk], T],
           kinds: frozenset[str] = policy.OPENS) -> T:  # fmt: skip
    """Let a body read at a person's desk, in one transaction."""
    try:
        return body(Desk(session, reading(session), origin, me, kinds))
    finally:
        session.rollback()
