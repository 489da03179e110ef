"""The inbox's read side: who owes what and until when, and what one person's boxes hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import Definition, Label
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.cycles import watching
from qaflow.services.work import AnySession, Origin
from qaflow.store import inbox as rows
from qaflow.store import people
from qaflow.store import waiting as lists
from qaflow.store.db import Driver, reading
from qaflow.store.inbox import Work
from qaflow.store.waiting import BOXES, SORTS, Facet, Row

PAGE = 5000
LINES = 50
LATE, TODAY, WEEK, AHEAD = range(4)
"""How near a deadline is: the groups of a list."""
ANY = -1

__all__ = ["BOXES", "SORTS", "Chosen", "Inbox", "Line", "Work", "look", "open_work", "waiting"]


def open_work(driver: Driver, college: int, after: int = 0) -> Iterator[Work]:
    """Yield a college's live items (open, or their clock stopped) above an item's number, in the order of coming."""
    while True:
        found = rows.since(driver, college, after, PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1].id


def look(driver: Driver, ids: Sequence[int]) -> list[Work]:
    """Return items as they stand now, whatever their state, ordered by cycle and number."""
    return rows.look(driver, ids)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a person looks at: a box, its filters ("", 0 and `ANY` are all), its order, and where in it to go on."""

    box: str = "mine"
    layer: str = ""
    stage: str = ""
    kind: str = ""
    unit: int = 0
    when: int = ANY
    sort: str = "due"
    after: tuple[str, int] | None = None

    def fits(self, facet: Facet, *, but: str = "") -> bool:
        """Tell whether the filters let a facet through, one of them left aside."""
        wanted = {"layer": self.layer, "stage": self.stage, "kind": self.kind, "unit": self.unit or ""}
        kept = all(not value or name == but or getattr(facet, name) == value for name, value in wanted.items())
        return kept and (but == "when" or self.when in (ANY, facet.when))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item as its two lines say it, with the names of the college."""

    row: Row
    when: int
    layer: Label
    track: Label | None
    stage: Label | None
    raised: Label | None  # up to whom it was escalated


class Choice(NamedTuple):
    """One value of a filter and how much it would show."""

    value: Any
    name: Label | None
    many: int


class Next(NamedTuple):
    """The next cycle that begins for a person."""

    day: str
    subject: str
    layer: Label
    track: Label | None


class Group(NamedTuple):
    """Lines of one page that belong together: by nearness, unit or stage as they are ordered; how many in all."""

    of: int | Label | None
    many: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """A page of a box, what each box holds, and what the list can be narrowed by."""

    chosen: Chosen
    counts: Mapping[str, int]
    groups: tuple[Group, ...] = ()
    total: int = 0
    late: int = 0
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    following: tuple[str, int] | None = None
    coming: Next | None = None


def waiting(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Inbox:
    """Return a page of what waits for a person; empty where they belong to no college.

    A deputy sees the absent person's work as far as the appointment reaches: its layer, its role.
    """
    if me.college is None:
        return Inbox(chosen=chosen, counts=dict.fromkeys(BOXES, 0))
    driver = reading(session)
    try:
        return _read(session, driver, view(session, driver, me.college), me.person, origin, chosen)
    finally:
        session.rollback()


def _read(session: AnySession, driver: Driver, college: CollegeView, person: int, origin: Origin,
          chosen: Chosen) -> Inbox:  # fmt: skip
    today = college.calendar.local_day(origin.now)
    params = _params(driver, college, person, today, chosen)
    counts = lists.counts(driver, params)
    facets = lists.facets(driver, chosen.box, params) if counts[chosen.box] else []
    shown = [f for f in facets if chosen.fits(f)]
    found = lists.page(driver, chosen.box, chosen.sort, params) if shown else []
    units = lists.units(driver, college.id, sorted({f.unit for f in facets})) if facets else {}
    stages = _Stages(session, driver, facets)
    lines = tuple(_line(stages, college, params, chosen.box, row) for row in found[:LINES])
    sums = {when: sum(f.many for f in shown if f.when == when) for when in (LATE, TODAY, WEEK, AHEAD)}
    return Inbox(chosen=chosen, counts=counts, groups=_grouped(chosen, lines, shown, units), total=sum(sums.values()),
                 late=sums[LATE], choices=_choices(college, stages, facets, chosen, units),
                 following=_place(chosen, found[LINES - 1], units) if len(found) > LINES else None,
                 coming=_coming(driver, college, person) if not counts[chosen.box] else None)  # fmt: skip


def _params(driver: Driver, college: CollegeView, person: int, today: date, chosen: Chosen) -> dict[str, Any]:
    floor, now, week = bounds(college.calendar, today)
    whole, parts = _absent(driver, college, person, today.isoformat())
    absent = sorted({int(pair.partition(":")[0]) for pair in (*whole, *parts)})
    place, last = chosen.after or (("~", 0) if (chosen.box, chosen.sort) == ("done", "due") else ("", 0))
    seen = watching.seen(driver, college.id, person, today.isoformat())
    return {"college": college.id, "person": person, "seen": seen, "absent": absent, "both": [person, *absent],
            "whole": whole, "parts": parts, "floor": floor, "today": now, "week": week, "layer": chosen.layer,
            "stage": chosen.stage, "kind": chosen.kind, "unit": chosen.unit, "when": chosen.when, "after": place,
            "after_id": last, "limit": LINES + 1}  # fmt: skip


def bounds(calendar: Calendar, today: date) -> tuple[str, str, str]:
    """Return the first deadline that is not late, the last that is due today, and the last of this week.

    A deadline on a day off is due on the next working day (engine rules, 6), so it is late only after that.
    """
    try:
        floor = calendar.back_working(today, 1) + timedelta(days=1)
        now = today if calendar.is_working(today) else floor - timedelta(days=1)
        week = calendar.back_working(today + timedelta(days=7 - today.weekday()), 1)
    except CalendarGap:
        floor, now, week = today, today, today + timedelta(days=6 - today.weekday())
    return floor.isoformat(), now.isoformat(), week.isoformat()


def _absent(driver: Driver, college: CollegeView, person: int, day: str) -> tuple[list[str], list[str]]:
    """Return for whom a person stands in today: whole as ``person:layer:``, for one role ``person:layer:role``."""
    standing = lists.appointed(driver, college.id, day)
    if all(one.deputy != person for one in standing):
        return [], []
    whole: list[str] = []
    parts: list[str] = []
    for layer in college.config.layers:
        for absent, role in _chain(standing, person, layer.key):
            (parts if role else whole).append(f"{absent}:{layer.key}:{role or ''}")
    return whole, parts


def _chain(standing: Sequence[lists.Appointed], person: int, layer: str) -> list[tuple[int, str | None]]:
    """Follow deputies of deputies as `people.stands_in_for` does, on appointments already read."""
    found: dict[int, str | None] = {}
    asked = [person]
    for _ in range(people.MAX_CHAIN):
        near = [a for one in asked for a in standing if a.deputy == one and a.layer in (None, layer)]
        asked = []
        for one in near:
            if one.person != person and one.person not in found:
                found[one.person] = one.role
                asked.append(one.person)
    return list(found.items())


class _Stages:
    """The definitions of what a box holds, by hash and by one of their cycles."""

    def __init__(self, session: AnySession, driver: Driver, facets: Sequence[Facet]) -> None:
        self._session, self._driver = session, driver
        one = {(f.layer, f.stage): f.cycle for f in facets if f.cycle is not None and f.stage}
        hashes = lists.hashes(driver, set(one.values())) if one else {}
        self.names = {stage: label for (_, stage), cycle in one.items() if cycle in hashes
                      and (label := self.label(hashes[cycle], stage)) is not None}  # fmt: skip

    def definition(self, digest: str | None) -> Definition | None:
        return compiled(self._session, self._driver, digest).definition if digest else None

    def label(self, digest: str | None, stage: str | None) -> Label | None:
        definition = self.definition(digest)
        found = definition.by_key.get(stage) if definition and stage else None
        return found.name if found else None


def _line(stages: _Stages, college: CollegeView, params: Mapping[str, Any], box: str, row: Row) -> Line:
    definition = stages.definition(row.definition)
    raised = None
    if definition is not None and 0 < row.level <= len(definition.ladder) and box != "done":
        roles = college.config.roles_of(definition.ladder[row.level - 1].to)
        raised = roles[0].name if roles else None
    track = college.config.track_by_key.get((row.layer, row.track or ""))
    return Line(row=row, when=_when(row.due, params) if box != "done" else AHEAD, layer=college.layer_name(row.layer),
                track=track.name if track else None, stage=stages.label(row.definition, row.stage),
                raised=raised)  # fmt: skip


def _when(due: str | None, params: Mapping[str, Any]) -> int:
    near = (params["floor"] > due, params["today"] >= due, params["week"] >= due) if due else ()
    return near.index(True) if True in near else AHEAD


Units = Mapping[int, tuple[str, str]]


def _grouped(chosen: Chosen, lines: Sequence[Line], shown: Sequence[Facet], units: Units) -> tuple[Group, ...]:
    """Put the lines of a page under the headings that their order has."""
    if chosen.sort == "due" and chosen.box != "done":
        found = ((when, [f for f in shown if f.when == when], [x for x in lines if x.when == when])
                 for when in (LATE, TODAY, WEEK, AHEAD))  # fmt: skip
        return tuple(_group(when, facets, few) for when, facets, few in found if few)
    if chosen.sort == "unit":
        ids = dict.fromkeys(line.row.unit_id for line in lines)
        return tuple(_group(_unit(units, one), [f for f in shown if f.unit == one],
                            [x for x in lines if x.row.unit_id == one]) for one in ids)  # fmt: skip
    if chosen.sort == "stage":
        stages = {line.row.stage: line.stage for line in lines}
        return tuple(_group(label, [f for f in shown if f.stage == one], [x for x in lines if x.row.stage == one])
                     for one, label in stages.items())  # fmt: skip
    return (_group(None, shown, lines),) if lines else ()


def _group(of: int | Label | None, facets: Sequence[Facet], lines: Sequence[Line]) -> Group:
    return Group(of, sum(f.many for f in facets), tuple(lines))


def _unit(units: Units, number: int) -> Label | None:
    zh, en = units.get(number, ("", ""))
    return Label(zh=zh, en=en or zh) if zh else None


def _place(chosen: Chosen, row: Row, units: Units) -> tuple[str, int]:
    return lists.place(chosen.box, chosen.sort, row, units.get(row.unit_id, ("", ""))[0]), row.id


def _choices(college: CollegeView, stages: _Stages, facets: Sequence[Facet], chosen: Chosen,
             units: Units) -> dict[str, tuple[Choice, ...]]:  # fmt: skip
    named: dict[str, Mapping[Any, Label]] = {
        "layer": {layer.key: layer.name for layer in college.config.layers},
        "stage": stages.names,
        "unit": {key: Label(zh=zh, en=en or zh) for key, (zh, en) in units.items()},
    }
    return {
        name: _values(facets, name, chosen, named.get(name, {})) for name in ("layer", "stage", "kind", "unit", "when")
    }


def _values(facets: Sequence[Facet], name: str, chosen: Chosen, named: Mapping[Any, Label]) -> tuple[Choice, ...]:
    sums: dict[Any, int] = {}
    for facet in facets:
        value = getattr(facet, name)
        if value is not None:
            sums[value] = sums.get(value, 0) + (facet.many if chosen.fits(facet, but=name) else 0)
    order = {key: at for at, key in enumerate(named)}
    keys = sorted(sums, key=lambda key: (order.get(key, len(order)), str(key)))
    return tuple(Choice(key, named.get(key), sums[key]) for key in keys)


def _coming(driver: Driver, college: CollegeView, person: int) -> Next | None:
    found = lists.next_start(driver, college.id, person)
    if found is None:
        return None
    day, subject, layer, key = found
    track = college.config.track_by_key.get((layer, key))
    return Next(day, subject, college.layer_name(layer), track.name if track else None)
