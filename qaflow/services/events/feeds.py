"""A person's private calendar: its address is made, renewed and revoked by them, shown once and kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import Label, Stage
from qaflow.errors import Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import compiled, view
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import feeds as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.feeds import Feed, Item

TOKEN_BYTES = 32
LONGEST = 200  # signs of a token
WITHDRAWN = timedelta(days=30)  # so long what is closed is told to be cancelled
USED_EVERY = timedelta(hours=1)  # or every reading would write
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A work item in a calendar: few words, nothing of what was written in it."""

    id: int
    cycle: int | None
    kind: str
    subject: str
    stage: Label | None
    day: date  # the last on which it is in time, a working day
    before: date  # the working day before, on which its alarm rings
    sequence: int  # grows whenever the deadline moves, and when the item is closed
    changed: datetime
    state: str  # open stopped done dropped


@dataclass(frozen=True, kw_only=True)
class Diary:
    """What a calendar holds, in whose language and by which clocks."""

    college: str
    language: str
    zone: ZoneInfo
    entries: tuple[Entry, ...]


def mine(session: AnySession, me: SignedIn) -> Feed | None:
    """Return one's calendar without its address, None where one has none."""
    try:
        return None if me.college is None else rows.of(reading(session), me.college, me.person)
    finally:
        session.rollback()


def renew(session: AnySession, origin: Origin, me: SignedIn) -> str:
    """Give one's calendar a new token and return it, this once; the one before opens nothing any more."""
    if me.college is None:
        raise Missing("college.not_found", "you belong to no college")
    college, token = me.college, secrets.token_urlsafe(TOKEN_BYTES)
    transact(session, lambda d: rows.put(d, college, me.person, _hash(token), utc(origin.now)))
    return token


def address(base: str, token: str) -> str:
    """Return where the calendar with this token is read; ``base`` is the installation's address."""
    return f"{base.rstrip('/')}/calendar/{token}.ics"


def revoke(session: AnySession, me: SignedIn) -> None:
    """Close one's calendar; closed once more it is closed all the same."""
    college = me.college
    if college is not None:
        transact(session, lambda d: rows.drop(d, college, me.person))


def read(session: AnySession, token: str, now: datetime) -> Diary:
    """Return what the calendar with this token holds now; `Missing` where it was revoked or its account disabled."""
    digest = _hash(token[:LONGEST])
    driver = reading(session)
    try:
        owner = rows.owner(driver, digest)
        if owner is None:
            raise Missing("feed.not_found", "no calendar has this address")
        college = view(session, driver, owner.college)
        found = rows.items(driver, owner.college, owner.person, utc(now - WITHDRAWN))
        entries = _entries(session, driver, college.calendar, found)
        name = getattr(college.config.name, owner.language, college.config.key)
    finally:
        session.rollback()
    if owner.used_at is None or owner.used_at < utc(now - USED_EVERY):
        transact(session, lambda d: rows.used(d, digest, utc(now)))
    return Diary(college=name, language=owner.language, zone=college.calendar.tz, entries=entries)


def _entries(session: AnySession, driver: Driver, calendar: Calendar, found: Sequence[Item]) -> tuple[Entry, ...]:
    hashes = {one.definition for one in found if one.definition}
    stages = {digest: compiled(session, driver, digest).definition.by_key for digest in hashes}
    return tuple(_entry(calendar, one, _named(stages, one)) for one in found)


def _named(stages: Mapping[str, Mapping[str, Stage]], item: Item) -> Label | None:
    found = stages.get(item.definition, {}).get(item.stage) if item.definition and item.stage else None
    return found.name if found else None


def _entry(calendar: Calendar, item: Item, stage: Label | None) -> Entry:
    due = date.fromisoformat(item.due)
    try:  # a deadline on a day off is the next working day's (engine rules, 6)
        day = calendar.next_working(due)
        before = calendar.back_working(day, 1)
    except CalendarGap:
        day, before = due, due - DAY
    closed = item.state not in ("open", "stopped")
    return Entry(id=item.id, cycle=item.cycle, kind=item.kind, subject=item.subject, stage=stage, day=day,
                 before=before, sequence=2 * item.deadline + closed,
                 changed=datetime.fromisoformat(item.closed_at or item.opened_at), state=item.state)  # fmt: skip


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
