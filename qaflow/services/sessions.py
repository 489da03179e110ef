"""Sessions of the web door: begun at sign-in, kept on the server, dead as soon as what they rest on changes.

A session remembers what the password and the roles were when it began.  Whoever resumes it compares, so that every way
of changing either (page, command, import) ends it, and so does the disabling of the account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from qaflow.engine.definition import Label
from qaflow.store import people
from qaflow.store import sessions as rows
from qaflow.store.db import Driver, reading, utc

from .college import view
from .installation import present
from .passwords import token_hash
from .ports import Ports
from .streams import digest_of
from .work import AnySession, transact

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
KEPT = timedelta(days=180)  # so long an ended session tells who was signed in, and a browser stays known
SEEN_EVERY = timedelta(minutes=1)  # or every page would write
ID_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A person at a browser, and what they are today."""

    session: str  # the hash by which the session is kept
    person: int
    college: int | None
    login: str
    name: str
    language: str
    device: str
    kinds: frozenset[str]  # neutral kinds of the roles that count today
    titles: tuple[Label, ...]  # the posts as the college calls them


def begin(session: AnySession, ports: Ports, person: int, device: str, address: str) -> str:
    """Begin a session and return its id, which is told this once: only its hash is kept."""
    text = secrets.token_urlsafe(ID_BYTES)
    now = ports.clock.now()

    def body(driver: Driver) -> None:
        found = people.by_id(driver, person)
        assert found is not None
        rows.forget(driver, person, utc(now - KEPT))
        held = rows.held(driver, found.college_id, person)
        values = {"hash": token_hash(text), "person_id": person, "device": device, "address": address,
                  "created_at": utc(now), "secret_stamp": _stamp(rows.secret(driver, person)),
                  "roles_stamp": _stamp(held)}  # fmt: skip
        rows.put(driver, values)

    transact(session, body)
    return text


def resume(session: AnySession, ports: Ports, text: str) -> SignedIn | None:
    """Return who is signed in by a session's id; None where it is unknown, over or dead, which then is written."""
    now, digest = ports.clock.now(), token_hash(text)
    driver = reading(session)
    try:
        row = rows.live(driver, digest)
        if row is None:
            return None
        held = rows.held(driver, row.college, row.person)
        why = _over(row, held, now)
        found = _signed_in(session, driver, digest, row, held, present(driver, now))
    finally:
        session.rollback()
    if why is not None:
        _end(session, digest, now, why)
        return None
    if row.seen_at < utc(now - SEEN_EVERY):
        transact(session, lambda d: rows.seen(d, digest, utc(now)))
    return found


def _over(row: rows.Row, held: list[rows.Held], now: datetime) -> str | None:
    """Return why a session is over, or None."""
    if row.disabled_at is not None:
        return "disabled"
    if row.secret_stamp != _stamp(row.password_hash):
        return "password"
    if row.roles_stamp != _stamp(held):
        return "roles"
    if row.created_at <= utc(now - LONGEST):
        return "old"
    return "idle" if row.seen_at <= utc(now - IDLE) else None


def _stamp(of: object) -> str:
    return digest_of([of])


def _signed_in(session: AnySession, driver: Driver, digest: str, row: rows.Row, held: list[rows.Held],
               now: datetime) -> SignedIn:  # fmt: skip
    kinds, titles = posts(session, driver, row.college, held, now)
    return SignedIn(session=digest, person=row.person, college=row.college, login=row.login, name=row.name,
                    language=row.language, device=row.device, kinds=kinds, titles=titles)  # fmt: skip


def posts(session: AnySession, driver: Driver, number: int | None, held: list[rows.Held],
          now: datetime) -> tuple[frozenset[str], tuple[Label, ...]]:  # fmt: skip
    """Return the kinds and names of the roles that count today."""
    if number is None:
        return frozenset(), ()
    college = view(session, driver, number)
    day = college.calendar.local_day(now).isoformat()
    today = [h for h in held if (h.starts or day) <= day <= (h.ends or day)]
    named = college.config.role_by_key
    titles = tuple(named[key].name for key in dict.fromkeys(h.role for h in today) if key in named)
    return frozenset(h.kind for h in today), titles


def end(session: AnySession, ports: Ports, text: str) -> None:
    """End a session: the person signed out."""
    _end(session, token_hash(text), ports.clock.now(), "out")


def _end(session: AnySession, digest: str, now: datetime, why: str) -> None:
    transact(session, lambda driver: rows.end(driver, digest, utc(now), why))


def why_ended(session: AnySession, text: str) -> str | None:
    """Return why a session ended: out, idle, old, password, roles, disabled; None where it never was."""
    try:
        return rows.why_ended(reading(session), token_hash(text))
    finally:
        session.rollback()
