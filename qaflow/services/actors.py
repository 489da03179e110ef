"""Who acts: proven by a token, or free to choose in a sandbox; never taken from input elsewhere (engine rules, 8)."""

from __future__ import annotations

from datetime import datetime

from qaflow.errors import Forbidden, Missing, Unproven
from qaflow.store import accounts, people
from qaflow.store.db import Driver, reading, utc

from .accounts.passwords import token_hash
from .ports import Ports
from .running.installation import now_of
from .words import clean_code
from .work import AnySession, Origin


def resolve(session: AnySession, driver: Driver, as_login: str | None, token: str, sandbox: bool,
            now: datetime | None = None) -> people.Person:  # fmt: skip
    """Return the person who acts at the command line.

    In a sandbox ``--as`` is believed.  Elsewhere the token says who it is, and must be that user's own.  Raises
    `Unproven`, `Missing` (a sandbox's unknown login) and `Forbidden` (``actor.disabled``).
    """
    wanted = clean_code(as_login) if as_login else None
    if sandbox and wanted:
        found = people.by_login(driver, wanted)
        if found is None:
            raise Missing("person.not_found", f"no account {wanted!r}")
        return enabled(driver, found)
    found = from_token(driver, token, now)
    if wanted is not None and found.login != wanted:
        raise Unproven("actor.unproven", f"the token in QAFLOW_TOKEN is not {wanted}'s: set it to that user's own")
    return found


def from_token(driver: Driver, token: str, now: datetime | None = None) -> people.Person:
    """Return whose token this is; `Unproven` where it is unknown, revoked or expired (or its end cannot be told)."""
    known = accounts.token(driver, token_hash(token)) if token else None
    if known is None or (known[1] is not None and (now is None or known[1] <= utc(now))):
        raise Unproven("actor.unproven", "who acts is not proven: set QAFLOW_TOKEN to that user's token")
    if known[2] is not None:
        raise Forbidden("token.scope", "this token is for the API: make one without scopes for the command line")
    found = people.by_id(driver, known[0])
    if found is None:
        raise Unproven("actor.unproven", "who acts is not proven: the token's account is gone")
    return enabled(driver, found)


def enabled(driver: Driver, person: people.Person) -> people.Person:
    """Return the person, unless their account is disabled or the program's own."""
    account = accounts.by_logins(driver, [person.login])[person.login]
    if person.disabled_at is not None:
        raise Forbidden("actor.disabled", f"{person.login} is disabled and cannot act")
    if account.is_system:
        raise Forbidden("actor.system", f"{person.login} is the program's own account: it decides nothing")
    return person


def as_user(session: AnySession, ports: Ports, login: str | None, door: str = "cli") -> tuple[Origin, int]:
    """Return the origin of a person's act at the command line, and the person's number."""
    now, real, sandbox = now_of(session, ports)
    driver = reading(session)
    person = resolve(session, driver, login, ports.settings.token, sandbox, now)
    session.rollback()
    return Origin(now=now, recorded=real, door=door, person=person.id, account=person.login), person.id
