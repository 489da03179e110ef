"""Any history of a college for its quality office: entries searched and placed in their chains (engine rules, 7)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qaflow.engine.dates import between
from qaflow.engine.definition import Label
from qaflow.engine.replay import named
from qaflow.errors import Missing
from qaflow.services.college import CollegeView, compiled
from qaflow.services.work import AnySession, Origin
from qaflow.store import content
from qaflow.store import trail as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.journal import Entry
from qaflow.store.trail import Row

from .review import office

LINES = 50
NOBODY = "0"
BEYOND = 2**62  # above every number of an entry
STREAMS = ("cycle", "person", "college")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is searched for; "", 0 and () are all."""

    person: str = ""
    unit: int = 0
    kinds: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    subject: str = ""
    stream: str = ""
    door: str = ""
    after: int = BEYOND


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry with names: of who acted, of what it is about, and of its stages."""

    entry: Entry
    data: Mapping[str, Any]
    who: str | None  # None: the program
    for_: str | None
    subject: str
    cycle: rows.CycleOf | None
    stages: Mapping[str, Label]
    said: tuple[str | None, ...] = ()  # an erased one is None


@dataclass(frozen=True, kw_only=True)
class Trail:
    """A page of history, and where it goes on."""

    college: CollegeView
    lines: tuple[Line, ...]
    following: int | None
    looked: str | None  # so far back was looked, where the page is not full
    units: tuple[tuple[int, Label], ...]
    unknown: bool = False  # nobody has the name that was asked for


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One entry whole, with its neighbours and the definition that it obeyed."""

    line: Line
    persons: Mapping[int, str]
    definition: tuple[Label, int] | None
    newer: bool


def search(session: AnySession, origin: Origin, college: int | None, asked: Asked) -> Trail:
    """Return a page of the college's history, the newest entries first."""
    driver = reading(session)
    try:
        seen = office(session, driver, origin, college, "audit")
        units = tuple((number, Label(zh=zh, en=en)) for number, zh, en in rows.units(driver, seen.id))
        params = _params(driver, seen, asked)
        if params["person"] == NOBODY:
            return Trail(college=seen, lines=(), following=None, looked=None, units=units, unknown=True)
        found = rows.page(driver, params)
        shown = found.rows[:LINES]
        following = shown[-1].id if len(found.rows) > LINES else found.far[0] if found.far else None
        return Trail(college=seen, lines=_lines(session, driver, shown), units=units, following=following,
                     looked=found.far[1] if found.far else None)  # fmt: skip
    finally:
        session.rollback()


def _params(driver: Driver, college: CollegeView, asked: Asked) -> dict[str, Any]:
    first, last = between(college.calendar.tz, asked.first, asked.last)
    text = "".join(f"!{sign}" if sign in "%_!" else sign for sign in asked.subject)
    return {
        "college": college.id, "own": f"college:{college.key}", "unit": asked.unit,
        "person": _who(driver, college, asked),
        "subject": f"%{text}%" if text else "", "door": asked.door,
        "streams": f"{asked.stream}:%" if asked.stream else "",
        "every": 0 if asked.kinds else 1, "kinds": list(asked.kinds), "id": asked.after, "limit": LINES + 1,
        "first": utc(first), "last": utc(last),
    }  # fmt: skip


def _who(driver: Driver, college: CollegeView, asked: Asked) -> str:
    if not asked.person or asked.person in ("system", "operator"):
        return asked.person
    found = rows.person_named(driver, college.id, asked.person)
    return str(found[0]) if found else NOBODY


def _lines(session: AnySession, driver: Driver, found: Sequence[Row]) -> tuple[Line, ...]:
    entries = [row.entry for row in found]
    data = [_data(entry) for entry in entries]
    cycles = rows.cycles(driver, [n for e in entries if (n := number_of(e.stream, "cycle")) is not None])
    people = rows.persons(driver, sorted(_persons(entries)))
    texts = content.get_many(driver, sorted({h for e, d in zip(entries, data, strict=True) for h in hashes(e.kind, d)}))
    return tuple(_line(session, driver, e, d, cycles, people, texts) for e, d in zip(entries, data, strict=True))


def _line(session: AnySession, driver: Driver, entry: Entry, data: Mapping[str, Any],
          cycles: Mapping[int, rows.CycleOf], people: Mapping[int, tuple[int | None, str]],
          texts: Mapping[str, str | None]) -> Line:  # fmt: skip
    cycle = cycles.get(number_of(entry.stream, "cycle") or 0)
    about = people.get(number_of(entry.stream, "person") or 0)
    of = compiled(session, driver, entry.definition).definition if entry.definition and cycle else None
    stages = {one.key: one.name for one in of.stages} if of else {}
    return Line(
        entry=entry, data=data, who=_name(entry.actor, people), for_=_name(entry.on_behalf_of, people),
        subject=cycle.subject if cycle else about[1] if about else "", cycle=cycle, stages=stages,
        said=tuple(texts[h] for h in hashes(entry.kind, data) if h in texts),
    )  # fmt: skip


def _data(entry: Entry) -> dict[str, Any]:
    try:
        found = json.loads(entry.data)
    except ValueError:  # changed from outside: the proof names it, the page shows what is left
        return {}
    return found if isinstance(found, dict) else {}


def hashes(kind: str, data: Mapping[str, Any]) -> list[str]:
    """Return the words that a fact names, but for forms: those stand with their stage."""
    try:
        forms = {data.get("content"), *(part.get("content") for part in data.values() if isinstance(part, dict))}
        return [h for h in named(kind, dict(data)) if h not in forms]
    except (KeyError, TypeError, AttributeError):
        return []


def number_of(stream: str, kind: str) -> int | None:
    """Return the number of the cycle or person that a stream belongs to."""
    of, _, key = stream.partition(":")
    return int(key) if of == kind and key.isascii() and key.isdecimal() and len(key) < 18 else None


def _persons(entries: Iterable[Entry]) -> set[int]:
    acted = {int(n) for e in entries for n in (e.actor, e.on_behalf_of) if n and n.isdecimal()}
    return acted | {n for e in entries if (n := number_of(e.stream, "person")) is not None}


def _name(number: str | None, people: Mapping[int, tuple[int | None, str]]) -> str | None:
    if number is None or not number.isdecimal():
        return None
    return people.get(int(number), (None, ""))[1]


def one(session: AnySession, origin: Origin, college: int | None, stream: str, seq: int) -> Detail:
    """Return one entry of this college's history; another college's is not there."""
    driver = reading(session)
    try:
        seen = office(session, driver, origin, college, "audit")
        if not _ours(driver, seen, stream):
            raise Missing("object.not_found", f"no entry {seq} of {stream}")
        found = rows.one(driver, stream, seq)
        if found is None:
            raise Missing("object.not_found", f"no entry {seq} of {stream}")
        (line,) = _lines(session, driver, [found])
        return Detail(line=line, persons=_meant(driver, seen, line.data), definition=_version(driver, found.entry),
                      newer=rows.one(driver, stream, seq + 1) is not None)  # fmt: skip
    finally:
        session.rollback()


def _ours(driver: Driver, college: CollegeView, stream: str) -> bool:
    cycle, person = number_of(stream, "cycle"), number_of(stream, "person")
    if cycle is not None:
        found = rows.cycles(driver, [cycle]).get(cycle)
        return found is not None and found.college == college.id
    if person is not None:
        return rows.persons(driver, [person]).get(person, (None, ""))[0] == college.id
    return stream == f"college:{college.key}"


def _meant(driver: Driver, college: CollegeView, data: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of the persons whom a fact names by number."""
    wanted = {v for k, v in data.items() if k in PERSONS and isinstance(v, int)}
    for item in data.get("items", ()):
        if isinstance(item, dict) and isinstance(item.get("holder"), int):
            wanted.add(item["holder"])
    found = rows.persons(driver, sorted(wanted))
    return {number: name for number, (of, name) in found.items() if of == college.id}


PERSONS = frozenset(("by", "signer", "to", "person", "responsible", "holder"))


def _version(driver: Driver, entry: Entry) -> tuple[Label, int] | None:
    if entry.definition is None:
        return None
    found = rows.definitions(driver, [entry.definition]).get(entry.definition)
    return (Label(zh=found[0], en=found[1]), found[2]) if found else None
