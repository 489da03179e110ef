"""What is to be said of a college's chains: how many of each kind, and the list behind every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from qaflow.engine import chain_findings as engine
from qaflow.engine.chain_findings import FINDINGS, MOST_KEY, QUICKER, Conflict, Goal, Read
from qaflow.engine.definition import Label
from qaflow.errors import Invalid
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import chain_reads, people
from qaflow.store import chains as rows
from qaflow.store.chains import Entry

from .book import Book, Chosen, opened
from .trees import LINES, MOST_PAGES, Listed, made

UNMEASURED = "unmeasured"
"""Standards without an indicator."""
MOST_SHOWN = 50

__all__ = ["FINDINGS", "MOST_KEY", "QUICKER", "UNMEASURED", "Findings", "findings", "listed", "of_goal"]


class Crossed(NamedTuple):
    """A goal beside the one above it with which it conflicts, and why: ``direction`` or ``target``."""

    goal: Entry
    over: Entry
    why: str


class Laden(NamedTuple):
    """Who carries too many key goals at once: a person's name or a unit's."""

    what: str
    owner: int
    name: Label
    many: int


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The findings of all goals and standards that a person sees."""

    book: Book
    goals: int
    counts: Mapping[str, int]
    crossed: tuple[Crossed, ...]
    laden: tuple[Laden, ...]
    years: tuple[str, ...]


def findings(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Findings:
    """Return how many goals and standards have each finding, who conflicts and who carries too much."""
    try:
        book = opened(session, origin, me, chosen)
        goals = outline(book)
        crossed = engine.conflicts(goals)
        counts = Counter(kind for told in _found(book, goals, crossed).values() for kind in told)
        counts[UNMEASURED] = len(rows.unmeasured(book.driver, book.params))
        return Findings(book=book, goals=len(goals), counts=counts, crossed=_crossed(book, crossed),
                        laden=_laden(book, goals), years=tuple(rows.years(book.driver, book.college.id)))  # fmt: skip
    finally:
        session.rollback()


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of the goals, or standards, that have a finding."""
    if chosen.finding not in (*FINDINGS, UNMEASURED):
        raise Invalid("query.unknown", f"no finding {chosen.finding!r}")
    try:
        book = opened(session, origin, me, chosen)
        if chosen.finding == UNMEASURED:
            table, ids = "standard", rows.unmeasured(book.driver, book.params)
        else:
            found = _found(book, outline(book))
            table, ids = "goal", [i for i, told in found.items() if chosen.finding in told]
        offset = (min(max(chosen.page, 1), MOST_PAGES) - 1) * LINES
        entries = rows.entries(book.driver, table, book.college.id, ids[offset : offset + LINES])
        return made(book, table, len(ids), entries, offset)
    finally:
        session.rollback()


def of_goal(session: AnySession, origin: Origin, me: SignedIn, number: int) -> list[str]:
    """Return the findings of one goal; nothing where it is not there or not theirs to see."""
    try:
        book = opened(session, origin, me, thing=f"goal {number}")
        goals = outline(book, book.one("goal", number))
        served = {number} if chain_reads.has_below(book.driver, book.college.id, number) else set[int]()
        return engine.findings(goals, book.top, book.today, served).get(number, [])
    finally:
        session.rollback()


def outline(book: Book, about: Entry | None = None) -> list[Goal]:
    """Return every goal of a choice as the findings look at it, or what the findings of one goal need."""
    reads = chain_reads.reads(book.driver, book.college.id)
    return [_goal(book, row, reads) for row in rows.outline(book.driver, book.params, about)]


def _goal(book: Book, row: tuple[Any, ...], reads: Mapping[int, tuple[str, float, str, float]]) -> Goal:
    number, layer, parent, whole, indicator, unit, direction, target, weight, starts, ends, owner, owner_unit = row[:13]
    kind, standards, value, at = row[13:]
    return Goal(id=number, layer=layer, parent=parent, whole=bool(whole), indicator=indicator, unit=unit,
                direction=direction, target=target, weight=weight, starts=_day(starts), ends=_day(ends), owner=owner,
                owner_unit=owner_unit, kind=kind, standards=standards,
                reads=_reads(book, reads.get(number), value, at))  # fmt: skip


@lru_cache(maxsize=1024)  # periods repeat
def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _reads(book: Book, read: tuple[str, float, str, float] | None, value: float | None,
           at: str | None) -> tuple[Read, ...]:  # fmt: skip
    """Return the first and last reading of a goal's point, else the value that its owner stated."""
    found = [(read[0], read[1]), (read[2], read[3])] if read else [(at, value)] if value is not None and at else []
    local = book.college.calendar.local_day
    return tuple(Read(local(datetime.fromisoformat(str(when))), one) for when, one in found)


def _found(book: Book, goals: list[Goal], crossed: list[Conflict] | None = None) -> dict[int, list[str]]:
    params = book.reach.params | {"college": book.college.id}
    served = {p.parent for p in rows.pools(book.driver, params)}
    served |= {entry.above for entry, _ in rows.inner(book.driver, params) if entry.above is not None}
    return engine.findings(goals, book.top, book.today, served, crossed)


def _crossed(book: Book, crossed: list[Conflict]) -> tuple[Crossed, ...]:
    found = crossed[:MOST_SHOWN]
    ids = list({i for one in found for i in one[:2]})
    entries = {e.id: e for e in rows.entries(book.driver, "goal", book.college.id, ids)}
    return tuple(Crossed(entries[one.goal], entries[one.parent], one.why) for one in found)


def _laden(book: Book, goals: list[Goal]) -> tuple[Laden, ...]:
    found = engine.overloads(goals, book.today)
    names = people.names(book.driver, [one.owner for one in found if one.what == "person"])
    made_ = []
    for one in found:
        unit = book.units.get(one.owner) if one.what == "unit" else None
        zh = unit.name_zh if unit else names.get(one.owner, ("", ""))[1]
        name = Label(zh=zh, en=(unit.name_en if unit else None) or zh)
        made_.append(Laden(one.what, one.owner, name, len(one.goals)))
    return tuple(made_)
