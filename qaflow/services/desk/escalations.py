"""Escalations (督办): overdue work that came to a supervisor, the ladder of one item, and a reminder that counts once.

Which level comes next and when stands on the work item; whom it will ask is found as the tick finds them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, cast

from qaflow.engine import decide as engine
from qaflow.engine import ladder
from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import Definition, Label
from qaflow.engine.snapshot import Data
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import page as cycle_page
from qaflow.services.cycles import rights as cycle_rights
from qaflow.services.cycles.acting import Acting, hold
from qaflow.services.cycles.page import CyclePage
from qaflow.services.once import Once
from qaflow.services.policy import OFFICE, SUPERVISORS, Reach
from qaflow.services.sweeping.escalating import Supervisors
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import cycles as cycle_rows
from qaflow.store import escalations as rows
from qaflow.store import people
from qaflow.store.db import Driver, instant, reading, utc
from qaflow.store.escalations import ALL, BELOW, BOXES, EXTENDED, MINE, Facet, Fired, Reminded, Row
from qaflow.store.sweep import LateItem
from qaflow.store.waiting import units

from .inbox import bounds

LINES = 50
ANY = -1
SOON = timedelta(minutes=10)  # so long a second reminder by the same person is the same one
TODAY, WEEK, LATER, END = range(4)
"""How near the next level of a ladder is: the groups of a list."""
OF_ITEM = ("DeadlineExtended", "DeadlineMoved", "ItemTransferred", "ItemReminded", "WorkEscalated")
"""Kinds of facts that tell what befell a work item since it was opened."""

__all__ = ["ALL", "ANY", "BELOW", "BOXES", "EXTENDED", "MINE", "Case", "Chosen", "Raised", "look", "raised", "remind"]


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
    sight, over = _reaches(driver, college, person, today)
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


def _reaches(driver: Driver, college: CollegeView, person: int, today: date) -> tuple[Reach, Reach]:
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
    reminders = _reminders(rows.reminded(driver, [row.cycle for row in found]) if found else ())
    lines = []
    for row in found:
        definition = compiled(session, driver, row.definition).definition
        told = reminders.get((row.cycle, row.no), [])
        lines.append(Line(
            row=row, track=_track(college, row), stage=_stage(definition, row), reminded=len(told),
            ladder=rungs(college, definition, row, fired.get(row.id, ()), reach),
            last=told[-1].at if told else None,
        ))  # fmt: skip
    return lines


def _reminders(found: Sequence[Reminded]) -> dict[tuple[int, int], list[Reminded]]:
    by_item: dict[tuple[int, int], list[Reminded]] = {}
    for one in found:
        by_item.setdefault((one.cycle, json.loads(one.data)["item"]), []).append(one)
    return by_item


def _track(college: CollegeView, row: Row) -> Label | None:
    track = college.config.track_by_key.get((row.layer, row.track))
    return track.name if track else None


def _stage(definition: Definition, row: Row) -> Label | None:
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


class Deadline(NamedTuple):
    """One deadline of an item: its number, its day, the levels that fired on it."""

    number: int
    due: str
    fired: tuple[Fired, ...]


class Event(NamedTuple):
    """Something that befell the item."""

    kind: str
    at: str
    who: str | None  # None: the system
    for_: str | None
    to: str | None
    data: Data
    texts: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One overdue item: its ladder, its deadlines, what befell it, and what this person may do about it."""

    row: Row
    page: CyclePage
    track: Label | None
    stage: Label | None
    ladder: tuple[Rung, ...]
    late: int | None  # working days; None where it is not late, or no calendar says
    acts: tuple[str, ...]
    mine: bool  # I hold it
    deadlines: tuple[Deadline, ...]
    events: tuple[Event, ...]
    reminded: int
    last: str | None
    preview: tuple[Rung, ...]  # with another deadline


def look(session: AnySession, origin: Origin, me: SignedIn, item: int, due: date | None = None) -> Case:
    """Return one item, with the ladder that another day would give; `Missing` where it is not theirs to oversee."""
    try:
        return _look(session, origin, me, item, due)
    except Missing:
        raise Missing("item.not_found", f"no work item {item}") from None
    finally:
        session.rollback()


def _look(session: AnySession, origin: Origin, me: SignedIn, item: int, due: date | None) -> Case:
    driver = reading(session)
    row = rows.one(driver, me.college, item) if me.college is not None else None
    if row is None or me.college is None:
        raise Missing("item.not_found", f"no work item {item}")
    college = view(session, driver, me.college)
    today = college.calendar.local_day(origin.now)
    sight, over = _reaches(driver, college, me.person, today)
    scope = policy.Scope(college=college.id, subject=row.subject, layer=row.layer, unit=row.unit)
    overseen = over.covers(scope) or rows.came(driver, college.id, item, sight.params)
    if not overseen:
        raise Missing("item.not_found", f"no work item {item}")
    session.rollback()  # the page of a cycle reads in a transaction of its own
    page = cycle_page.look(session, origin, row.cycle)
    driver = reading(session)
    return _case(session, driver, origin, college, sight, row, page, today, due)


def _case(session: AnySession, driver: Driver, origin: Origin, college: CollegeView, sight: Reach, row: Row,
          page: CyclePage, today: date, due: date | None) -> Case:  # fmt: skip
    definition = page.definition
    fired = rows.fired(driver, college.id, [row.id]).get(row.id, [])
    names = _addressees(driver, college, definition, row, today)
    told = _reminders(rows.reminded(driver, [row.cycle])).get((row.cycle, row.no), [])
    events = _events(driver, page, row)
    anew = row._replace(due=due.isoformat(), level=0, next_level=None, next_at=None) if due else None
    return Case(
        row=row, page=page, track=_track(college, row), stage=_stage(definition, row), mine=row.holder == sight.person,
        ladder=rungs(college, definition, row, fired, sight, names), late=_late(college.calendar, row, today),
        acts=_acts(session, driver, origin, page, row), deadlines=_deadlines(row, events, fired), events=events,
        reminded=len(told), last=told[-1].at if told else None,
        preview=rungs(college, definition, anew, (), sight, names) if anew else (),
    )  # fmt: skip


def _late(calendar: Calendar, row: Row, today: date) -> int | None:
    try:
        late = calendar.working_between(calendar.next_working(date.fromisoformat(row.due)), today)
    except CalendarGap:
        return None
    return late if late > 0 and row.state == "open" else None


def _addressees(driver: Driver, college: CollegeView, definition: Definition, row: Row,
                today: date) -> dict[int, str | None]:  # fmt: skip
    """Return whom each level would ask today, by the rule by which the tick asks."""
    finder = Supervisors(driver, college, today.isoformat())
    item = LateItem(row.id, college.id, row.cycle, row.no, row.kind, row.holder, row.due, row.deadline_no, row.level,
                    row.next_at or "", row.layer, row.unit, row.subject, row.definition, 0, "")  # fmt: skip
    asked = {n: finder.of(level.to, item) for n, level in enumerate(definition.ladder, 1)}
    names = people.names(driver, sorted({p for p in asked.values() if p is not None}))
    return {n: names[p][0] if p in names else None for n, p in asked.items()}


def _acts(session: AnySession, driver: Driver, origin: Origin, page: CyclePage, row: Row) -> tuple[str, ...]:
    """Return what this person may do about the item; taking over is a transfer to oneself."""
    owed = next((one for one in page.owed if one.no == row.no), None)
    found: list[str] = [a for a in ("remind", "extend", "transfer") if owed is not None and a in owed.acts]
    if "transfer" in found and not owed.mine and _may_take(session, driver, origin, row):  # type: ignore[union-attr]
        found.append("take_over")
    return tuple(found)


def _may_take(session: AnySession, driver: Driver, origin: Origin, row: Row) -> bool:
    loaded = cycle_rows.load(driver, row.cycle, lock=False)
    if loaded is None:
        return False
    acting = Acting(session, cast(Driver, Once(driver)), origin, *loaded, Writer(driver, origin))
    args = {"item": row.no, "reason": "?"}
    found = engine.decide(acting.compiled, acting.snap, "transfer", args, acting.context(holder=origin.person))
    return not isinstance(found, engine.Refusal)


def _events(driver: Driver, page: CyclePage, row: Row) -> tuple[Event, ...]:
    facts = [f for f in page.history if f["kind"] in OF_ITEM and f["data"].get("item") == row.no]
    names = people.names(driver, sorted({f["data"]["to"] for f in facts if f["data"].get("to")}))
    return tuple(
        Event(f["kind"], f["at"], f["actor"], f["on_behalf_of"],
              names.get(f["data"].get("to") or 0, (None,))[0], f["data"], f["texts"])
        for f in facts
    )  # fmt: skip


def _deadlines(row: Row, events: Sequence[Event], fired: Sequence[Fired]) -> tuple[Deadline, ...]:
    """Return every deadline that the item had, the present one last."""
    days = {e.data["deadline_no"] - 1: e.data["from"] for e in events if e.kind == "DeadlineExtended"}
    days[row.deadline_no] = row.due
    return tuple(
        Deadline(number, day, tuple(one for one in fired if one.deadline_no == number))
        for number, day in sorted(days.items())
    )


def remind(session: AnySession, origin: Origin, cycle: int, args: Data, revision: int | None = None) -> bool:
    """Remind a work item's holder; the same person's second reminder in a few minutes is the first one again."""
    checked = cycles.check_args("remind", args)

    def body(driver: Driver) -> bool:
        acting = hold(session, driver, origin, cycle)
        cycle_rights.for_whom(acting, "remind", checked)
        told = _reminders(rows.reminded(driver, [cycle]))
        just = [one for (_, no), all_ in told.items() if str(no) == str(checked.get("item")) for one in all_
                if one.actor == origin.actor and origin.now - instant(one.at) < SOON]  # fmt: skip
        if not just:
            cycles.act(acting, "remind", checked, revision)
            cycles.finish(acting)
        return not just

    return transact(session, body)
