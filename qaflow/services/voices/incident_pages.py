"""Quality incidents read: the list as it is narrowed, and one incident with its life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine.definition import Label
from qaflow.engine.incidents import STATES, Case, Rules, chosen, possible
from qaflow.errors import Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import content, people
from qaflow.store import incidents as rows
from qaflow.store.incidents import Row

from . import incident_rights
from .incident_desk import Desk

LINES = 50


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a list is narrowed to: the year of the event (0: all), and values of a case's facets."""

    year: int = 0
    wanted: Mapping[str, Any]
    page: int = 1


class Line(NamedTuple):
    """One incident of a list."""

    row: Row
    case: Case
    title: str | None
    owner: str | None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of incidents that somebody may read."""

    asked: Asked
    rules: Rules
    units: Mapping[int, Label]
    lines: tuple[Line, ...]
    many: int
    all: int
    more: bool
    years: tuple[int, ...]
    analyses: bool


def listed(session: AnySession, origin: Origin, me: SignedIn, asked: Asked) -> Listed:
    """Return a page of the incidents that somebody may read, as the filters narrow them."""
    try:
        desk = Desk(session, origin, me)
        found = desk.cases(asked.year)
        kept = {case.id for case in chosen([case for _, case in found], asked.wanted)}
        wanted = [(row, case) for row, case in found if case.id in kept]
        first = (asked.page - 1) * LINES
        return Listed(
            asked=asked, rules=desk.rules, units=desk.units(), lines=_lines(desk, wanted[first : first + LINES]),
            many=len(wanted), all=len(found), more=len(wanted) > first + LINES,
            years=tuple(rows.years(desk.driver, desk.college.id, desk.seen)), analyses=desk.analyses,
        )  # fmt: skip
    finally:
        session.rollback()


def _lines(desk: Desk, found: Sequence[tuple[Row, Case]]) -> tuple[Line, ...]:
    texts = content.get_many(desk.driver, [row.title for row, _ in found])
    owners = people.names(desk.driver, [row.owner_id for row, _ in found if row.owner_id is not None])
    return tuple(Line(row, case, texts.get(row.title), owners.get(row.owner_id or 0, (None, ""))[0])
                 for row, case in found)  # fmt: skip


class Step(NamedTuple):
    """One step of an incident's life: when, who (None: not told to this reader), and what was said."""

    state: str
    at: str
    who: str | None
    said: str | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One incident as somebody reads it; `acts` are those that they may do now."""

    row: Row
    case: Case
    rules: Rules
    unit: Label
    title: str | None
    owner: str | None
    owner_login: str
    subject: tuple[str, str, str] | None
    steps: tuple[Step, ...]
    acts: tuple[str, ...]
    overseen: bool
    today: date


SAID = {"reported": "account", "handled": "handling", "answered": "answer", "closed": "conclusion"}


def look(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Page:
    """Return an incident; `Missing` where it is not theirs to read.

    How it was handled is told to the office, the handler and those who look after the unit; who complained, to the
    office and the person alone.
    """
    try:
        desk = Desk(session, origin, me)
        row = rows.look(desk.driver, desk.college.id, number, desk.seen)
        if row is None:
            raise Missing("incident.unknown", f"no incident {number}")
        return _page(desk, row)
    finally:
        session.rollback()


def _page(desk: Desk, row: Row) -> Page:
    driver, person = desk.driver, desk.me.person
    may = incident_rights.may(driver, desk.college.id, row, person, desk.today.isoformat())
    names = people.names(driver, [n for n in (row.reported_by, row.owner_id, row.graded_by, row.handled_by,
                                              row.answered_by, row.closed_by) if n is not None])  # fmt: skip
    inside = incident_rights.oversees(desk.seen, row) or "handle" in may
    hashes = [h for h in (row.title, row.account, row.handling, row.answer, row.conclusion) if h]
    texts = content.get_many(driver, hashes)
    owner = names.get(row.owner_id or 0, (None, ""))
    return Page(
        row=row, case=desk.case(row), rules=desk.rules, unit=desk.units()[row.unit_id], title=texts.get(row.title),
        owner=owner[0], owner_login=owner[1], steps=tuple(_steps(row, names, texts, _hidden(row, person, may, inside))),
        subject=rows.subject(driver, desk.college.id, row.subject_id) if row.subject_id else None,
        acts=tuple(act for act in possible(row.state) if act in may), overseen=inside, today=desk.today,
    )  # fmt: skip


def _hidden(row: Row, person: int, may: frozenset[str], inside: bool) -> set[str]:
    """Return of which steps this reader does not learn everything."""
    hidden = set() if inside else {"handled", "closed"}
    if row.complaint and row.reported_by != person and "grade" not in may:
        hidden.add("reported")
    return hidden


def _steps(row: Row, names: Mapping[int, tuple[str, str]], texts: Mapping[str, str | None],
           hidden: set[str]) -> list[Step]:  # fmt: skip
    found = []
    for state in STATES:
        at, by = getattr(row, f"{state}_at"), getattr(row, f"{state}_by")
        if at is None:
            continue
        said = texts.get(getattr(row, SAID[state]) or "") if state in SAID else None
        tells = state == "reported" or state not in hidden
        found.append(Step(state, at, None if state in hidden else names.get(by, ("", ""))[0], said if tells else None))
    return found
