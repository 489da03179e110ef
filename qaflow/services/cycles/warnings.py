"""Warnings (预警) for those who may see them: the open ones by layer and age, and the whole life of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.control import Limits, breach
from qaflow.engine.definition import Label
from qaflow.engine.snapshot import Data
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.points.limits import LimitBook
from qaflow.services.work import AnySession, Origin
from qaflow.store import content, people, readings
from qaflow.store import warnings as rows
from qaflow.store.db import Driver, instant, reading, utc
from qaflow.store.waiting import units
from qaflow.store.warnings import CLOSED, OPEN, Facet, One, Row, Step

from . import page as cycle_page
from .acts import TEXTS
from .page import CyclePage

LINES = 50
AGES = (3, 10, 20)  # working days: the last of each bucket but the last
ANY = -1
SINCE = timedelta(days=366)  # so far back reaches the list of what was settled
READINGS = 400
BEFORE = 11  # so many readings before the opening stand in the small figure
SHOWN = 24

__all__ = ["AGES", "ANY", "CLOSED", "OPEN", "Chosen", "Listed", "Story", "listed", "look"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a person looks at: a list, its filters ("", 0 and `ANY` are all), the warning after which to go on."""

    box: str = OPEN
    layer: str = ""
    unit: int = 0
    state: str = ""
    severity: str = ""
    kind: str = ""
    age: int = ANY
    mine: int = 0
    sort: str = ""  # as the list usually stands
    after: str = ""

    def fits(self, facet: Facet, but: Sequence[str] = ()) -> bool:
        """Tell whether the filters let a facet through, some of them left aside."""
        wanted = {"layer": self.layer, "unit": self.unit, "state": self.state, "severity": self.severity,
                  "kind": self.kind, "mine": self.mine}  # fmt: skip
        kept = all(not value or name in but or getattr(facet, name) == value for name, value in wanted.items())
        return kept and ("age" in but or self.age in (ANY, facet.age))


class Choice(NamedTuple):
    """One value of a filter and how much it would show."""

    value: Any
    name: Label | None
    many: int


class Across(NamedTuple):
    """One layer's open warnings by age."""

    layer: str
    name: Label
    by_age: tuple[int, ...]

    @property
    def many(self) -> int:
        """All of them."""
        return sum(self.by_age)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One warning as the list shows it."""

    row: Row
    layer: Label
    track: Label | None
    steps: tuple[Step, ...]
    days: int | None  # working days since it was opened


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of warnings, how many there are, by layer and age, and what the list can be narrowed by."""

    chosen: Chosen
    total: int = 0
    all: int = 0  # without filters
    across: tuple[Across, ...] = ()
    lines: tuple[Line, ...] = ()
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    following: str | None = None


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of the warnings that a person may see; empty where they belong to no college."""
    if me.college is None:
        return Listed(chosen=chosen)
    try:
        driver = reading(session)
        return _listed(driver, view(session, driver, me.college), origin, me.person, chosen)
    finally:
        session.rollback()


def _listed(driver: Driver, college: CollegeView, origin: Origin, person: int, chosen: Chosen) -> Listed:
    today = college.calendar.local_day(origin.now)
    params = _params(driver, college, origin, person, today, chosen)
    facets = rows.facets(driver, chosen.box, params)
    shown = [f for f in facets if chosen.fits(f)]
    sort = chosen.sort or rows.USUAL[chosen.box]
    place = rows.place(driver, college.id, sort, chosen.after) if chosen.after else None
    found = rows.page(driver, chosen.box, params, sort, place) if shown else []
    steps = rows.steps(driver, found[:LINES])
    named = {layer.key: layer.name for layer in college.config.layers}
    return Listed(
        chosen=chosen, total=sum(f.many for f in shown), all=sum(f.many for f in facets),
        across=_across(facets, named, chosen), choices=_choices(driver, college, facets, named, chosen),
        lines=tuple(_line(college, row, steps.get(row.id, ()), today) for row in found[:LINES]),
        following=found[LINES - 1].id if len(found) > LINES else None,
    )  # fmt: skip


def _params(driver: Driver, college: CollegeView, origin: Origin, person: int, today: date,
            chosen: Chosen) -> dict[str, Any]:  # fmt: skip
    layers = [layer.key for layer in college.config.layers]
    sight = policy.reach(driver, college.id, layers, person, today.isoformat())
    firsts = enumerate(youngest(college.calendar, today), 1)
    ages = {f"age{n}": utc(college.calendar.start_of(day)) for n, day in firsts}
    return sight.params | ages | {
        "college": college.id, "since": utc(origin.now - SINCE), "layer": chosen.layer, "unit": chosen.unit,
        "state": chosen.state, "severity": chosen.severity, "kind": chosen.kind, "age": chosen.age,
        "mine": chosen.mine, "limit": LINES + 1,
    }  # fmt: skip


def youngest(calendar: Calendar, today: date) -> tuple[date, ...]:
    """Return for each bucket of age but the last the first day on which what is in it can have been opened."""
    try:
        base = today if calendar.is_working(today) else calendar.back_working(today, 1)
        return tuple(calendar.back_working(base, days) for days in AGES)
    except CalendarGap:
        return tuple(today - timedelta(days=days) for days in AGES)


def _line(college: CollegeView, row: Row, steps: Sequence[Step], today: date) -> Line:
    track = college.config.track_by_key.get((row.layer, row.track or ""))
    return Line(row=row, layer=college.layer_name(row.layer), track=track.name if track else None, steps=tuple(steps),
                days=_days(college.calendar, row.opened_at, today))  # fmt: skip


def _days(calendar: Calendar, opened: str, today: date) -> int | None:
    try:
        return calendar.working_between(local(calendar, opened), today)
    except CalendarGap:
        return None


def local(calendar: Calendar, at: str) -> date:
    """Return the day of a stored instant by the college's clocks."""
    return calendar.local_day(instant(at))


def _across(facets: Sequence[Facet], named: Mapping[str, Label], chosen: Chosen) -> tuple[Across, ...]:
    kept = [f for f in facets if chosen.fits(f, but=("layer", "age"))]
    found = []
    for key, name in named.items():
        sums = [sum(f.many for f in kept if f.layer == key and f.age == age) for age in range(len(AGES) + 1)]
        if any(sums):
            found.append(Across(key, name, tuple(sums)))
    return tuple(found)


def _choices(driver: Driver, college: CollegeView, facets: Sequence[Facet], layers: Mapping[str, Label],
             chosen: Chosen) -> dict[str, tuple[Choice, ...]]:  # fmt: skip
    found = units(driver, college.id, sorted({f.unit for f in facets})) if facets else {}
    named: dict[str, Mapping[Any, Label]] = {
        "layer": layers,
        "unit": {key: Label(zh=zh, en=en or zh) for key, (zh, en) in found.items()},
    }
    return {name: _values(facets, name, chosen, named.get(name, {}))
            for name in ("layer", "unit", "state", "severity", "kind", "age", "mine")}  # fmt: skip


def _values(facets: Sequence[Facet], name: str, chosen: Chosen, named: Mapping[Any, Label]) -> tuple[Choice, ...]:
    sums: dict[Any, int] = {}
    for facet in facets:
        value = getattr(facet, name)
        sums[value] = sums.get(value, 0) + (facet.many if chosen.fits(facet, but=(name,)) else 0)
    order = {key: at for at, key in enumerate(named)}
    keys = sorted(sums, key=lambda key: (order.get(key, len(order)), str(key)))
    return tuple(Choice(key, named.get(key), sums[key]) for key in keys)


class Measured(NamedTuple):
    """One reading of the figure: how it lies to the limits, and whether it opened the warning."""

    id: int
    at: str
    value: float
    source: str
    severity: str | None  # beyond a limit: minor, major
    opening: bool


class Event(NamedTuple):
    """One step of a warning's life."""

    kind: str
    at: str
    who: str | None  # None: the system
    for_: str | None
    texts: Mapping[str, str | None]
    data: Data


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the page of a warning shows; `page` is its cycle's, whose acts on it this person may do."""

    row: Row
    more: One
    college: CollegeView
    layer: Label
    track: Label | None
    page: CyclePage | None
    acts: tuple[str, ...]
    steps: tuple[Step, ...]
    texts: Mapping[str, str | None]
    life: tuple[Event, ...]
    limits: Limits | None
    readings: tuple[Measured, ...]  # those of the figure
    many: int  # readings of the whole span
    days: int | None


def look(session: AnySession, origin: Origin, me: SignedIn, warning: str, whole: bool = False) -> Story:
    """Return a warning's page, with all readings of its round where ``whole``; `Missing` where it is not theirs."""
    try:
        return _look(session, origin, me, warning, whole)
    except Missing:
        raise Missing("warning.not_found", f"no warning {warning}") from None
    finally:
        session.rollback()


def _look(session: AnySession, origin: Origin, me: SignedIn, warning: str, whole: bool) -> Story:
    driver = reading(session)
    found = rows.one(driver, me.college, warning) if me.college is not None else None
    if found is None or me.college is None:
        raise Missing("warning.not_found", f"no warning {warning}")
    row, more = found
    college = view(session, driver, me.college)
    today = college.calendar.local_day(origin.now)
    page = None
    if row.cycle is None:
        _require_reach(driver, college, me.person, today, more)
    else:
        session.rollback()  # the page of a cycle reads in a transaction of its own
        page = cycle_page.look(session, origin, row.cycle)
        driver = reading(session)
    facts = rows.life(driver, college.id, f"college:{college.key}", row.subject, warning)
    life, texts = _life(driver, facts, more)
    limits, measured = _readings(driver, college, row, more, life)
    warned = next((w for w in page.warnings if w.life.id == warning), None) if page else None
    line = _line(college, row, rows.steps(driver, [row]).get(row.id, ()), today)
    return Story(
        row=row, more=more, college=college, layer=line.layer, track=line.track, page=page, steps=line.steps,
        acts=warned.acts if warned else (), texts=texts, life=life, limits=limits, days=line.days,
        readings=measured if whole else around(measured), many=len(measured),
    )  # fmt: skip


def _require_reach(driver: Driver, college: CollegeView, person: int, today: date, more: One) -> None:
    """Require that a warning without a cycle lies within a person's reach, as its subject does."""
    layers = [layer.key for layer in college.config.layers]
    scope = policy.Scope(college=college.id, subject=more.subject, layer=more.layer, unit=more.unit)
    if not policy.reach(driver, college.id, layers, person, today.isoformat()).covers(scope, more.responsible):
        raise Missing("warning.not_found", f"no warning {more.id}")


def _life(driver: Driver, facts: Sequence[tuple[Any, ...]],
          more: One) -> tuple[tuple[Event, ...], dict[str, str | None]]:  # fmt: skip
    """Return the steps of a life with names and words, and the words that stand with the warning now."""
    read = [(kind, at, actor, for_, json.loads(data)) for kind, at, actor, for_, data in facts]
    hashes = {name: value for name in ("cause", "measure", "reason") if (value := getattr(more, name))}
    said = [_hashes(data) for *_, data in read]
    texts = content.get_many(driver, sorted({h for of in (hashes, *said) for h in of.values()}))
    names = people.names(driver, sorted({int(n) for _, _, a, f, _ in read for n in (a, f) if n and n.isdigit()}))

    def name(number: str | None) -> str | None:
        return names.get(int(number), ("", ""))[0] if number and number.isdigit() else None

    life = tuple(Event(kind, at, name(actor), name(for_), {k: texts.get(h) for k, h in own.items()}, data)
                 for (kind, at, actor, for_, data), own in zip(read, said, strict=True))  # fmt: skip
    return life, {key: texts.get(value) for key, value in hashes.items()}


def _hashes(data: Data) -> dict[str, str]:
    inner = [part for part in (data.get("set"), data.get("warning")) if isinstance(part, dict)]
    flat = {k: v for part in (data, *inner) for k, v in part.items()}
    return {k: v for k, v in flat.items() if k in TEXTS and isinstance(v, str) and len(v) == 64}


def _readings(driver: Driver, college: CollegeView, row: Row, more: One,
              life: Sequence[Event]) -> tuple[Limits | None, tuple[Measured, ...]]:  # fmt: skip
    """Return a point's limits and the readings of the round, the one that opened the warning marked."""
    point = readings.point(driver, college.id, row.point) if row.point is not None else None
    if point is None:
        return None, ()
    book = LimitBook(driver, college.id, [point], college.calendar)
    first = next((e.data["warning"].get("reading") for e in life if e.kind == "WarningOpened"), None)
    found = readings.of(driver, college.id, point.id, row.subject, _span(college, row, more), READINGS)
    judged = [(r, book.at(point.id, row.subject, r.at).limits) for r in found]
    standing = next((limits for r, limits in judged if r.id == first), None)
    return standing or book.at(point.id, row.subject, row.opened_at).limits, tuple(
        Measured(r.id, r.at, r.value, r.source, breach(limits, r.value), r.id == first) for r, limits in judged
    )


def _span(college: CollegeView, row: Row, more: One) -> tuple[str, str]:
    """Return the round's period, widened to hold the opening; a year round the opening where there is no cycle."""
    opened = local(college.calendar, row.opened_at)
    first = date.fromisoformat(more.start) if more.start else opened - SINCE
    last = date.fromisoformat(more.end) if more.end else opened + SINCE
    first, last = min(first, opened), max(last, opened + timedelta(days=1))
    return utc(college.calendar.start_of(first)), utc(college.calendar.start_of(last))


def around(found: Sequence[Measured]) -> tuple[Measured, ...]:
    """Return the readings near the opening: some before it, those after, no more than the figure holds."""
    at = next((n for n, one in enumerate(found) if one.opening), max(0, len(found) - SHOWN + BEFORE))
    first = max(0, at - BEFORE)
    return tuple(found[first : first + SHOWN])
