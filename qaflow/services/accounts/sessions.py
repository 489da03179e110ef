"""Sessions of the web door: begun at sign-in, kept on the server, dead as soon as what they rest on changes.

A session remembers what the password and the roles were when it began.  Whoever resumes it compares, so that every way
of changing either (page, command, import) ends it, and so does the disabling of the account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from qaflow.engine.definition import Label
from qaflow.services.college import view
from qaflow.services.policy import GUARDED
from qaflow.services.ports import Ended, Ports
from qaflow.services.running.installation import present
from qaflow.services.sealing import pack, unpack
from qaflow.services.streams import digest_of
from qaflow.services.work import AnySession, transact
from qaflow.store import people
from qaflow.store import sessions as rows
from qaflow.store.db import Driver, instant, reading, utc

from .passwords import token_hash

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
KEPT = timedelta(days=180)  # so long an ended session tells who was signed in, and a browser stays known
SEEN_EVERY = timedelta(minutes=1)  # or every page would write
ID_BYTES = 32
LEAVING = "leaving"


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
    provider: str | None = None  # by which they signed in; None: by a password of ours
    proven: datetime | None = None  # when they last proved who they are
    has_factor: bool = False  # whether one-time codes are asked of them
    must_enrol: bool = False  # whether the college wants codes of them and they have no key yet
    program: bool = False  # whether it is a program's account


class By(NamedTuple):
    """By which provider somebody came, what it calls the session, and the proof for its own sign-out."""

    provider: str
    session: str = ""
    proof: str = ""
    login: str = ""  # what was typed at a directory


def begin(session: AnySession, ports: Ports, person: int, device: str, address: str, by: By | None = None) -> str:
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
                  "roles_stamp": _stamp(held), "proven_at": utc(now), **_of(ports, by)}  # fmt: skip
        rows.put(driver, values)

    transact(session, body)
    return text


def _of(ports: Ports, by: By | None) -> dict[str, str | None]:
    if by is None:
        return {"provider": None, "provider_session": None, "sealed": None}
    return {"provider": by.provider, "provider_session": token_hash(by.session) if by.session else None,
            "sealed": pack(ports.settings.secret_key, LEAVING, {"proof": by.proof, "login": by.login})}  # fmt: skip


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
        found = _signed_in(session, driver, digest, row, held, present(driver, now), row.provider in ports.redirecting)
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
               now: datetime, elsewhere: bool) -> SignedIn:  # fmt: skip
    kinds, titles = posts(session, driver, row.college, held, now)
    return SignedIn(session=digest, person=row.person, college=row.college, login=row.login, name=row.name,
                    language=row.language, device=row.device, kinds=kinds, titles=titles, provider=row.provider,
                    proven=instant(row.proven_at or row.created_at), has_factor=row.has_factor,
                    must_enrol=row.asks_factor and not (row.has_factor or elsewhere) and bool(kinds & GUARDED),
                    )  # fmt: skip


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


def ended_by(session: AnySession, ports: Ports, provider: str, what: Ended) -> int:
    """End the sessions that a provider ended on its side; return how many."""
    now = utc(ports.clock.now())
    name = token_hash(what.session) if what.session else ""
    return transact(session, lambda driver: rows.end_of(driver, provider, now, name, what.subject))


def by(session: AnySession, ports: Ports, digest: str) -> By | None:
    """Return by which provider a session began, with the proof for its sign-out; None where it was none."""
    try:
        found = rows.sealed(reading(session), digest)
    finally:
        session.rollback()
    if found is None:
        return None
    kept = unpack(ports.settings.secret_key, LEAVING, found[1]) or {}
    return By(found[0], proof=kept.get("proof", ""), login=kept.get("login", ""))


def prove(session: AnySession, ports: Ports, digest: str) -> None:
    """Note that whoever is signed in proved anew who they are."""
    transact(session, lambda driver: rows.proven(driver, digest, utc(ports.clock.now())))


def why_ended(session: AnySession, text: str) -> str | None:
    """Return why a session ended, None where it never was.

    One of out, idle, old, password, roles, disabled, provider, second.
    """
    try:
        return rows.why_ended(reading(session), token_hash(text))
    finally:
        session.rollback()
