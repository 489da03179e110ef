"""Absences: noted before somebody goes, by themselves or an administrator; who is away, and what falls due meanwhile.

An absence moves no work: a deputy acts meanwhile, where one is appointed (engine rules, 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from qaflow.engine.dates import iso_day
from qaflow.errors import Forbidden, Invalid, Missing, Refused
from qaflow.services.college import view
from qaflow.services.cycles.acting import keep
from qaflow.services.places.organisation import ACCOUNTS, Desk, desk, read
from qaflow.services.streams import PersonStreams
from qaflow.services.work import AnySession, LostRace, Origin, Writer, transact
from qaflow.store import absences as rows
from qaflow.store import content, directory
from qaflow.store.absences import Absence
from qaflow.store.db import Driver, reading
from qaflow.store.profile import Appointment

from .sessions import SignedIn

SOON = timedelta(days=30)
LONGEST = timedelta(days=366)
LISTED = 500


class Away(NamedTuple):
    """Somebody who is or will be away: who stands in, whether for every day, and how much falls due meanwhile."""

    absence: Absence
    reason: str
    deputies: tuple[Appointment, ...]
    covered: bool
    due: int
    now: bool


def note(session: AnySession, origin: Origin, me: SignedIn, person: int, starts: str, ends: str,
         reason: str = "") -> int:  # fmt: skip
    """Note that somebody is away from one day to another, both included; returns the absence's number.

    Whoever will be away notes it, or an administrator.  The same once more, as a double click makes it, is the one
    that stands.  Raises `Invalid` (``absence.dates``) and `Refused` (``absence.overlap``).
    """
    first, last = _days(starts, ends)

    def body(driver: Driver) -> int:
        college = _college(session, driver, origin, me, person)
        streams = PersonStreams(driver, writer := Writer(driver, origin), [person])  # locks: two notes wait
        for other in rows.of_person(driver, college, person, first):
            if (other.starts, other.ends) == (first, last):
                return other.id
            if other.starts <= last:
                raise Refused("absence.overlap", f"away from {other.starts} to {other.ends} already")
        (number,) = driver.reserve("absence", 1)
        kept = keep(driver, reason) if reason.strip() else ""
        data = {"absence": number, "starts": first, "ends": last} | ({"reason": kept} if kept else {})
        streams.fact(person, "AbsenceNoted", data)
        rows.put(driver, (number, college, person, first, last, kept, writer.at, origin.person))
        streams.save()
        writer.flush()
        return number

    return transact(session, body)


def _days(starts: str, ends: str) -> tuple[str, str]:
    try:
        first, last = iso_day(starts), iso_day(ends)
    except (TypeError, Invalid):
        raise Invalid("date.invalid", "write days as YYYY-MM-DD") from None
    if not timedelta(0) <= last - first <= LONGEST:
        raise Invalid("absence.dates", f"from {first} to {last}: a year at most, the last day not before the first")
    return first.isoformat(), last.isoformat()


def _college(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, person: int) -> int:
    """Return the college in which a person may note or end somebody's absence."""
    if me.person != person:
        at = desk(session, driver, origin, me, ACCOUNTS)
        found = directory.account(driver, at.college.id, person)
        if found is None:
            raise Missing("person.not_found", f"no person {person}")
        if found.disabled_at is not None:
            raise Refused("account.disabled", f"{found.login} is disabled")
        return at.college.id
    if me.college is None:
        raise Missing("person.not_found", f"no person {person} of a college")
    return me.college


def end(session: AnySession, origin: Origin, me: SignedIn, number: int) -> int:
    """End an absence: it was a mistake, or the person is back; returns whose it was."""

    def body(driver: Driver) -> int:
        found = rows.one(driver, number)
        if found is None or not _may_end(session, driver, origin, me, found):
            raise Missing("absence.not_found", f"no standing absence {number}")
        streams = PersonStreams(driver, writer := Writer(driver, origin), [found.person])
        streams.fact(found.person, "AbsenceEnded", {"absence": number})
        if not rows.end(driver, number, writer.at):
            raise LostRace
        streams.save()
        writer.flush()
        return found.person

    return transact(session, body)


def _may_end(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, found: Absence) -> bool:
    """Tell whether an absence is one's own, or an administrator of the college asks; others do not know of it."""
    if found.college != me.college:
        return False
    try:
        return found.person == me.person or bool(desk(session, driver, origin, me, ACCOUNTS))
    except Forbidden:
        return False


def near(session: AnySession, origin: Origin, me: SignedIn) -> tuple[Away, ...]:
    """Return who is away today or will be within a month."""

    def body(at: Desk) -> tuple[Away, ...]:
        today = date.fromisoformat(at.day)
        found = rows.near(at.driver, at.college.id, at.day, (today + SOON).isoformat(), LISTED)
        return tuple(told(at.driver, at.college.id, at.day, found))

    return read(session, origin, me, body)


def mine(session: AnySession, origin: Origin, me: SignedIn) -> tuple[Absence, ...]:
    """Return one's own absences that last or come."""
    if me.college is None:
        return ()
    driver = reading(session)
    try:
        today = view(session, driver, me.college).calendar.local_day(origin.now).isoformat()
        return tuple(rows.of_person(driver, me.college, me.person, today))
    finally:
        session.rollback()


def told(driver: Driver, college: int, day: str, found: Sequence[Absence]) -> list[Away]:
    """Return absences with who stands in and what falls due meanwhile."""
    if not found:
        return []
    last = max(a.ends for a in found)
    texts = content.get_many(driver, [a.reason for a in found if a.reason])
    standing: dict[int, list[Appointment]] = {}
    for one in directory.deputies(driver, college, sorted({a.person for a in found}), day, last):
        standing.setdefault(one.person, []).append(one)
    return [_away(driver, day, a, texts, standing.get(a.person, [])) for a in found]


def _away(driver: Driver, day: str, absence: Absence, texts: Mapping[str, str | None],
          standing: Sequence[Appointment]) -> Away:  # fmt: skip
    deputies = tuple(d for d in standing if d.starts <= absence.ends and d.ends >= absence.starts)
    due = directory.open_count(driver, absence.college, absence.person, absence.ends)
    reason = texts.get(absence.reason) or ""
    covered = _covered(max(absence.starts, day), absence.ends, deputies)
    return Away(absence, reason, deputies, covered, due, absence.starts <= day)


def _covered(first: str, last: str, deputies: Sequence[Appointment]) -> bool:
    """Tell whether on every day somebody stands in for all of the work."""
    bare, end = date.fromisoformat(first), date.fromisoformat(last)
    for one in sorted((d for d in deputies if not d.role and not d.layer), key=lambda d: d.starts):
        ends = date.fromisoformat(one.ends)
        if date.fromisoformat(one.starts) > bare:
            break
        if ends >= end:  # asked first: the last of all days has none after it
            return True
        bare = max(bare, ends + timedelta(days=1))
    return False
