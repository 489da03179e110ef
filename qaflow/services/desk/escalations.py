"""Escalations (督办): overdue work that came to a supervisor, or lies in what they oversee, each with its ladder.

Which level comes next and when stands on the work item; whom it will ask is found as the tick finds them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from qaflow.engine import ladder
from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import Definition, Label
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.policy import OFFICE, SUPERVISORS, Reach
from qaflow.services.work import AnySession, Origin
from qaflow.store import escalations as rows
from qaflow.store.db import Driver, instant, reading, utc
from qaflow.store.escalations import ALL, BELOW, BOXES, EXTENDED, MINE, Facet, Fired, Reminded, Row
from qaflow.store.waiting import units

from .inbox import bounds

LINES = 50
ANY = -1
TODAY, WEEK, LATER, END = range(4)
"""How near the next level of a ladder is: the groups of a list."""
__all__ = ["ALL", "ANY", "BELOW", "BOXES", "EXTENDED", "MINE", "Chosen", "Raised", "raised"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a person looks at: a list, its filters ("", 0 and `ANY` are all), the item after which to go on."""

    box: str = MINE
    layer: str = ""
    kind: str = ""
    unit: int = 0
    level: int = ANY
    when: int = ANY
    after: int = 0

    def fits(self, facet: Facet, but: str = "") -> bool:
        """Tell whether the filters let a facet through, one of them left aside."""
        texts = all(not value or name == but or getattr(facet, name) == value for name, value in
                    (("layer", self.layer), ("kind", self.kind), ("unit", self.unit)))  # fmt: skip
        return texts and all(value == ANY or name == but or getattr(facet, name) == value for name, value in
                             (("level", self.level), ("when", self.when)))  # fmt: skip


class Choice(NamedTuple):
    """One value of a filter and how much it would show."""

    value: Any
    name: Label | None
    many: int


class Rung(NamedTuple):
    """One level of a ladder: whom it asks, when, what it does, and how far it is (fired, skipped, next, ahead)."""

    level: int
    role: Label
    name: str | None
    day: date | None
    act: str
    state: str
    mine: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """One overdue item as the list shows it."""

    row: Row
    track: Label | None
    stage: Label | None
    ladder: tuple[Rung, ...]
    reminded: int
    last: str | None  # reminder


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A page of a list, how much each list holds, by level, and what it can be narrowed by."""

    chosen: Chosen
    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(BOXES, 0))
    total: int = 0
    groups: tuple[tuple[int, int, tuple[Line, ...]], ...] = ()
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    following: int | None = None


def raised(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Raised:
    """Return a page of the overdue work that came to a person or lies in their scope."""
    if me.college is None:
        return Raised(chosen=chosen)
    try:
        driver = reading(session)
        return _raised(session, driver, view(session, driver, me.college), origin, me.person, chosen)
    finally:
        session.rollback()


def _raised(session: AnySession, driver: Driver, college: CollegeView, origin: Origin, person: int,
            chosen: Chosen) -> Raised:  # fmt: skip
    today = college.calendar.local_day(origin.now)
    sight, over = reaches(driver, college, person, today)
    params = {box: _params(driver, college, sight if box == MINE else over, today, chosen) for box in (MINE, ALL)}
    asked = params[MINE] if chosen.box == MINE else params[ALL]
    counts = rows.counts(driver, (MINE,), params[MINE]) | rows.counts(driver, (ALL, BELOW, EXTENDED), params[ALL])
    facets = rows.facets(driver, chosen.box, asked) if counts[chosen.box] else []
    shown = [f for f in facets if chosen.fits(f)]
    found = rows.page(driver, chosen.box, asked) if shown else []
    lines = _lines(session, driver, college, sight, found[:LINES])
    sums = {when: sum(f.many for f in shown if f.when == when) for when in (TODAY, WEEK, LATER, END)}
    return Raised(chosen=chosen, counts=counts, total=sum(sums.values()), groups=_grouped(lines, sums, asked),
                  choices=_choices(driver, college, facets, chosen),
                  following=found[LINES - 1].id if len(found) > LINES else None)  # fmt: skip


def reaches(driver: Driver, college: CollegeView, person: int, today: date) -> tuple[Reach, Reach]:
    """Return what a person may see, and what their roles let them oversee."""
    layers = [layer.key for layer in college.config.layers]
    sight = policy.reach(driver, college.id, layers, person, today.isoformat())
    return sight, policy.reach(driver, college.id, layers, person, today.isoformat(), SUPERVISORS | OFFICE)


def _params(driver: Driver, college: CollegeView, reach: Reach, today: date, chosen: Chosen) -> dict[str, Any]:
    calendar = college.calendar
    week = today + timedelta(days=7 - today.weekday())
    return reach.params | {
        "college": college.id, "s_ids": _ids(reach), "floor": bounds(calendar, today)[0],
        "tomorrow": utc(calendar.start_of(today + timedelta(days=1))), "week": utc(calendar.start_of(week)),
        "layer": chosen.layer, "kind": chosen.kind, "unit": chosen.unit, "level": chosen.level, "when": chosen.when,
        "after": (rows.place(driver, college.id, chosen.after) or "") if chosen.after else "",
        "after_id": chosen.after, "limit": LINES + 1,
    }  # fmt: skip


def _ids(reach: Reach) -> list[int]:
    return sorted({int(one.partition(":")[0]) for one in reach.persons})


def _lines(session: AnySession, driver: Driver, college: CollegeView, reach: Reach,
           found: Sequence[Row]) -> list[Line]:  # fmt: skip
    fired = rows.fired(driver, college.id, [row.id for row in found]) if found else {}
    reminded = reminders(rows.reminded(driver, [row.cycle for row in found]) if found else ())
    lines = []
    for row in found:
        definition = compiled(session, driver, row.definition).definition
        told = reminded.get((row.cycle, row.no), [])
        lines.append(Line(
            row=row, track=track_of(college, row), stage=stage_of(definition, row), reminded=len(told),
            ladder=rungs(college, definition, row, fired.get(row.id, ()), reach),
            last=told[-1].at if told else None,
        ))  # fmt: skip
    return lines


def reminders(found: Sequence[Reminded]) -> dict[tuple[int, int], list[Reminded]]:
    """Return the reminders by cycle and number of the item."""
    by_item: dict[tuple[int, int], list[Reminded]] = {}
    for one in found:
        by_item.setdefault((one.cycle, json.loads(one.data)["item"]), []).append(one)
    return by_item


def track_of(college: CollegeView, row: Row) -> Label | None:
    """Return the name of an item's track."""
    track = college.config.track_by_key.get((row.layer, row.track))
    return track.name if track else None


def stage_of(definition: Definition, row: Row) -> Label | None:
    """Return the name of an item's stage."""
    stage = definition.by_key.get(row.stage)
    return stage.name if stage else None


def rungs(college: CollegeView, definition: Definition, row: Row, fired: Sequence[Fired], reach: Reach,
          names: Mapping[int, str | None] | None = None) -> tuple[Rung, ...]:  # fmt: skip
    """Return the ladder of an item's present deadline: levels that fired as they are on record, then those to come."""
    here = {one.level: one for one in fired if one.deadline_no == row.deadline_no}
    ahead = _days(definition, date.fromisoformat(row.due), college.calendar)
    mine = {one for one in reach.persons if one.endswith(f":{row.layer}")}
    found = []
    for number, level in enumerate(definition.ladder, 1):
        past = here.get(number)
        if past is not None:
            day = college.calendar.local_day(instant(past.fired_at))
            state = "skipped" if past.outcome == "skipped" else "fired"
            found.append(Rung(number, role_name(college, past.role), past.name, day, past.act, state,
                              f"{past.to}:{row.layer}" in mine))  # fmt: skip
            continue
        coming = number == row.next_level and row.next_at is not None
        day_ = college.calendar.local_day(instant(row.next_at)) if coming and row.next_at else ahead.get(number)
        found.append(Rung(number, role_name(college, level.to), (names or {}).get(number), day_, level.act,
                          "next" if coming else "ahead", False))  # fmt: skip
    return tuple(found)


def _days(definition: Definition, due: date, calendar: Calendar) -> dict[int, date]:
    """Return the day of each level of a deadline; none beyond the adopted calendar."""
    try:
        return {r.level: calendar.local_day(r.at) for r in ladder.rungs(definition.ladder, due, calendar)}
    except CalendarGap:
        return {}


def role_name(college: CollegeView, key: str) -> Label:
    """Return what the college calls a role, or the first post of a neutral kind."""
    found = college.config.roles_of(key)
    return found[0].name if found else Label(zh=key, en=key)


def _grouped(lines: Sequence[Line], sums: Mapping[int, int],
             params: Mapping[str, Any]) -> tuple[tuple[int, int, tuple[Line, ...]], ...]:  # fmt: skip
    def when(line: Line) -> int:
        at = line.row.next_at
        return END if at is None else TODAY if at < params["tomorrow"] else WEEK if at < params["week"] else LATER

    found = ((one, sums[one], tuple(line for line in lines if when(line) == one)) for one in sums)
    return tuple(group for group in found if group[2])


def _choices(driver: Driver, college: CollegeView, facets: Sequence[Facet],
             chosen: Chosen) -> dict[str, tuple[Choice, ...]]:  # fmt: skip
    found = units(driver, college.id, sorted({f.unit for f in facets})) if facets else {}
    named: dict[str, Mapping[Any, Label]] = {
        "layer": {layer.key: layer.name for layer in college.config.layers},
        "unit": {key: Label(zh=zh, en=en or zh) for key, (zh, en) in found.items()},
    }
    return {name: _values(facets, name, chosen, named.get(name, {}))
            for name in ("level", "when", "layer", "unit", "kind")}  # fmt: skip


def _values(facets: Sequence[Facet], name: str, chosen: Chosen, named: Mapping[Any, Label]) -> tuple[Choice, ...]:
    sums: dict[Any, int] = {}
    for facet in facets:
        value = getattr(facet, name)
        sums[value] = sums.get(value, 0) + (facet.many if chosen.fits(facet, but=name) else 0)
    order = {key: at for at, key in enumerate(named)}
    keys = sorted(sums, key=lambda key: (order.get(key, len(order)), str(key)))
    return tuple(Choice(key, named.get(key), sums[key]) for key in keys)
