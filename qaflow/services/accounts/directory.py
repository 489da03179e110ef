"""People as the organisation's pages show them: a list, one person whole, and the work that somebody holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from qaflow.engine.definition import Label
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.college import CollegeView, compiled
from qaflow.services.places.organisation import LINES, Desk, read
from qaflow.services.work import AnySession, Origin
from qaflow.store import absences as absence_rows
from qaflow.store import directory as rows
from qaflow.store import profile
from qaflow.store import subjects as subject_rows
from qaflow.store.db import Driver, utc
from qaflow.store.directory import Account, Listed, Open, Role, Session
from qaflow.store.keyset import Place
from qaflow.store.profile import Appointment
from qaflow.store.subjects import SubjectRow

from .absences import Away, told
from .sessions import IDLE, SignedIn

SESSIONS = 20
STATES = ("active", "disabled", "all")


class Chosen(NamedTuple):
    """What a list of people is narrowed to, its order, and the place after which it goes on."""

    text: str = ""
    unit: int = 0
    role: str = ""
    state: str = "active"
    sort: str = "login"
    after: Place | None = None


class Held(NamedTuple):
    """A role that somebody holds, with the post's name, and whether it counts today, later or no more."""

    row: Role
    name: Label | None
    when: str  # now, coming, past


class People(NamedTuple):
    """One page of a list of people."""

    lines: tuple[tuple[Listed, tuple[Held, ...]], ...]
    total: int
    following: Place | None
    chosen: Chosen


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person as the administrator sees them."""

    account: Account
    roles: tuple[Held, ...]
    deputies: tuple[Appointment, ...]  # who stand in for them
    stands_in: tuple[Appointment, ...]
    absences: tuple[Away, ...]
    subjects: tuple[SubjectRow, ...]
    items: int
    sessions: tuple[Session, ...]
    today: date


class Task(NamedTuple):
    """A work item with its stage as the definition calls it."""

    row: Open
    stage: Label | None


class Work(NamedTuple):
    """The live work that somebody holds, a page of it."""

    account: Account
    lines: tuple[Task, ...]
    total: int
    following: int | None
    open_to_me: bool
    last: str | None


def people(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> People:
    """Return a page of the college's people."""

    def body(at: Desk) -> People:
        narrowed = {k: v for k, v in chosen._asdict().items() if k not in ("sort", "after")}
        found = rows.people(at.driver, at.college.id, at.day, chosen.sort, chosen.after, LINES + 1, **narrowed)
        total = rows.count(at.driver, at.college.id, at.day, **narrowed)
        more = found[LINES - 1][1] if len(found) > LINES else None
        return People(_with_roles(at, [one for one, _ in found[:LINES]]), total, more, chosen)

    return read(session, origin, me, body)


def leavers(session: AnySession, origin: Origin, me: SignedIn) -> tuple[tuple[Listed, tuple[Held, ...]], ...]:
    """Return the disabled people who still hold work or answer for subjects (what nobody may overlook)."""
    return read(session, origin, me, lambda at: _with_roles(at, rows.leavers(at.driver, at.college.id, LINES * 10)))


def _with_roles(at: Desk, found: Sequence[Listed]) -> tuple[tuple[Listed, tuple[Held, ...]], ...]:
    by: dict[int, list[Held]] = {}
    for row in rows.roles(at.driver, at.college.id, [one.id for one in found]):
        by.setdefault(row.person, []).append(_held(at.college, row, at.day))
    return tuple((one, tuple(by.get(one.id, ()))) for one in found)


def _held(college: CollegeView, row: Role, day: str) -> Held:
    known = college.config.role_by_key.get(row.role)
    when = "past" if row.ends and row.ends < day else "coming" if row.starts and row.starts > day else "now"
    return Held(row, known.name if known else None, when)


def account(at: Desk, person: int) -> Account:
    """Return an account of one's own college."""
    found = rows.account(at.driver, at.college.id, person)
    if found is None:
        raise Missing("person.not_found", f"no person {person}")
    return found


def one(session: AnySession, origin: Origin, me: SignedIn, person: int) -> Person:
    """Return one person whole."""

    def body(at: Desk) -> Person:
        found = account(at, person)
        college, driver = at.college.id, at.driver
        standing = profile.appointments(driver, college, person, at.day)
        away = told(driver, college, at.day, absence_rows.of_person(driver, college, person, at.day))
        sessions = rows.sessions(driver, person, utc(origin.recorded - IDLE), SESSIONS)
        return Person(
            account=found, today=date.fromisoformat(at.day),
            roles=tuple(_held(at.college, row, at.day) for row in rows.roles(driver, college, [person])),
            deputies=tuple(d for d in standing if d.person == person),
            stands_in=tuple(d for d in standing if d.deputy == person), absences=tuple(away),
            subjects=tuple(s for s in subject_rows.of_person(driver, college, person) if not s.ended),
            items=rows.open_count(driver, college, person), sessions=tuple(sessions),
        )  # fmt: skip

    return read(session, origin, me, body)


def work(session: AnySession, origin: Origin, me: SignedIn, person: int, after: int = 0,
         last: str | None = None) -> Work:  # fmt: skip
    """Return the live work that a person holds, all of it or what is due by a day."""

    def body(at: Desk) -> Work:
        found = account(at, person)
        items = rows.open_items(at.driver, at.college.id, person, LINES + 1, after, last)
        total = rows.open_count(at.driver, at.college.id, person, last)
        more = items[LINES - 1].id if len(items) > LINES else None
        sees = policy.sees_all(at.driver, at.college.id, me.person, at.day)
        return Work(found, tuple(tasks(session, at.driver, items[:LINES])), total, more, sees, last)

    return read(session, origin, me, body)


def tasks(session: AnySession, driver: Driver, items: Sequence[Open]) -> list[Task]:
    """Return items with the names of their stages."""
    names: dict[str, Mapping[str, Label]] = {}
    for digest in {item.definition for item in items}:
        names[digest] = {s.key: s.name for s in compiled(session, driver, digest).definition.stages}
    return [Task(item, names[item.definition].get(item.stage or "")) for item in items]
