"""Statistics of readings and warnings for whoever sees what they are of: one subject's readings, strata, causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from qaflow.engine.charts import Step
from qaflow.engine.control import Limits
from qaflow.engine.definition import Label
from qaflow.engine.statistics import capability, control_charts, frequencies, rules, samples
from qaflow.engine.statistics.capability import Capability
from qaflow.engine.statistics.control_charts import Panel
from qaflow.engine.statistics.frequencies import Bin
from qaflow.engine.statistics.rules import Finding
from qaflow.engine.statistics.samples import Summary
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.points.limits import LimitBook
from qaflow.services.work import AnySession, Origin
from qaflow.store import analysis as rows
from qaflow.store import limits, readings
from qaflow.store.analysis import Point, Subject
from qaflow.store.db import Driver, reading, utc
from qaflow.store.readings import Read

T = TypeVar("T")

__all__ = ["FEWEST", "Desk", "Listed", "Measured", "Point", "Study", "measured", "opened", "points", "study"]
LINES = 50
MOST = 400
"""So many readings of one subject are drawn: the last ones."""
FEWEST = 8
"""Readings below which no control chart is drawn (qaflow's own bound: limits of fewer mean little)."""
EVER = ("0000", "9999")
ALL = "all"
"""All terms and the time between them."""


class Desk:
    """One person's look at the readings of their college, now."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn) -> None:
        """Find what the person sees; `Missing` where they belong to no college."""
        if me.college is None:
            raise Missing("college.not_found", "this person belongs to no college")
        self.driver = driver
        self.college: CollegeView = view(session, driver, me.college)
        self.today = self.college.calendar.local_day(origin.now)
        keys = [layer.key for layer in self.college.config.layers]
        self.names = {layer.key: layer.name for layer in self.college.config.layers}
        sight = policy.reach(driver, self.college.id, keys, me.person, self.today.isoformat())
        self.params: dict[str, Any] = sight.params | {"college": self.college.id}

    def point(self, number: int) -> Point:
        """Return a point of a layer of which the person sees a subject; `Missing` otherwise."""
        found = rows.point(self.driver, self.college.id, number)
        if found is None or found.layer not in rows.layers(self.driver, self.params):
            raise Missing("point.not_found", f"no control point {number}")
        return found

    def term(self, asked: str) -> str:
        """Return the term that is asked for, else the running one or the last that began; `ALL` without terms."""
        known = self.college.calendar.terms
        if asked == ALL or asked in {t.key for t in known}:
            return asked
        return next((t.key for t in reversed(known) if t.starts <= self.today), ALL)

    def span(self, term: str) -> tuple[str, str]:
        """Return the instants between which a term lies, those of all time where it names none."""
        calendar = self.college.calendar
        found = next((t for t in calendar.terms if t.key == term), None)
        if found is None:
            return EVER
        return utc(calendar.start_of(found.starts)), utc(calendar.start_of(found.ends + timedelta(days=1)))


def opened(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[Desk], T]) -> T:
    """Read something of one's own college."""
    try:
        return body(Desk(session, reading(session), origin, me))
    finally:
        session.rollback()


class Listed(NamedTuple):
    """The points that were read, by layer."""

    layers: tuple[tuple[Label, tuple[Point, ...]], ...]


def points(session: AnySession, origin: Origin, me: SignedIn) -> Listed:
    """Return the points of the layers of which a person sees something."""

    def body(desk: Desk) -> Listed:
        found = rows.points(desk.driver, desk.college.id, rows.layers(desk.driver, desk.params))
        by = {key: tuple(one for one in found if one.layer == key) for key in desk.names}
        return Listed(tuple((desk.names[key], of) for key, of in by.items() if of))

    return opened(session, origin, me, body)


class Measured(NamedTuple):
    """A point and a page of the subjects it was read of."""

    point: Point
    layer: Label
    subjects: tuple[Subject, ...]
    following: int | None


def measured(session: AnySession, origin: Origin, me: SignedIn, number: int, after: int = 0) -> Measured:
    """Return the subjects within sight that a point was read of; `Missing` where none of its layer is in sight."""

    def body(desk: Desk) -> Measured:
        point = desk.point(number)
        key = desk.params | {"point": number, "layer": point.layer, "after": after, "limit": LINES + 1}
        found = rows.subjects(desk.driver, key)
        more = found[LINES - 1].id if len(found) > LINES else None
        return Measured(point, desk.names.get(point.layer, Label(zh=point.layer, en=point.layer)),
                        tuple(found[:LINES]), more)  # fmt: skip

    return opened(session, origin, me, body)


@dataclass(frozen=True, kw_only=True)
class Study:
    """One subject's readings of a point with everything that is reckoned of them."""

    point: Point
    subject: Subject
    readings: tuple[tuple[str, float], ...]  # (day by the college's clocks, value), oldest first
    steps: tuple[Step, ...]
    summary: Summary | None
    panels: tuple[Panel, ...]  # I and MR, none of too few readings
    findings: tuple[Finding, ...]  # of the first panel
    beyond: tuple[Finding, ...]  # of the ranges
    bins: tuple[Bin, ...]
    capability: Capability | None

    @property
    def now(self) -> Step:
        """The limits in force."""
        return self.steps[-1]


def study(session: AnySession, origin: Origin, me: SignedIn, number: int, subject: int) -> Study:
    """Return one subject's readings of a point; `Missing` where either is not in sight."""

    def body(desk: Desk) -> Study:
        point = desk.point(number)
        found = rows.subject(desk.driver, desk.params | {"layer": point.layer, "subject": subject})
        if found is None:
            raise Missing("subject.not_found", f"no subject {subject}")
        read = readings.of(desk.driver, desk.college.id, number, subject, EVER, MOST)
        return studied(point, found, [(local(desk.college, one), one.value) for one in read],
                       steps_of(desk, number, subject))  # fmt: skip

    return opened(session, origin, me, body)


def local(college: CollegeView, one: Read) -> str:
    """Return the day of a reading by the college's clocks."""
    return college.calendar.local_day(datetime.fromisoformat(one.at)).isoformat()


def studied(point: Point, subject: Subject, read: Sequence[tuple[str, float]], steps: Sequence[Step]) -> Study:
    """Return what is reckoned of readings in their order."""
    values = [value for _, value in read]
    panels = control_charts.individuals(values) if len(values) >= FEWEST else ()
    now = steps[-1]
    return Study(
        point=point, subject=subject, readings=tuple(read), steps=tuple(steps), panels=panels,
        summary=samples.summary(values) if values else None,
        findings=rules.findings(panels[0]) if panels else (), beyond=rules.findings(panels[1]) if panels else (),
        bins=frequencies.histogram(values), capability=capability.capability(values, now.lower, now.upper),
    )  # fmt: skip


def steps_of(desk: Desk, number: int, subject: int | None) -> tuple[Step, ...]:
    """Return a point's limits from day to day until today, as they count for a subject's readings (or for all)."""
    point = readings.point(desk.driver, desk.college.id, number)
    book = LimitBook(desk.driver, desk.college.id, [point] if point else [], desk.college.calendar)
    today = desk.today.isoformat()
    days = {row.valid_from for row in limits.of(desk.driver, desk.college.id, [number])
            if row.subject in (None, subject) and row.valid_from <= today}  # fmt: skip
    return tuple(_step(day, book.on(number, subject, day).limits) for day in ("", *sorted(days)))


def _step(day: str, found: Limits) -> Step:
    """Return the limits that count by a direction."""
    return Step(day, found.target, found.lower if found.below else None, found.upper if found.above else None)
