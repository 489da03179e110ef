"""Passwords and tokens: kept only as hashes, shown or asked for once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from qaflow.errors import Invalid, Refused
from qaflow.services.streams import PersonStreams, person_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import accounts as rows
from qaflow.store import installation
from qaflow.store.db import Driver, reading, utc

from .book import find, require_right
from .password_rules import settled

PREFIX = "qaflow_"  # by which a token is known where it should not be
TOKEN_BYTES = 32
TOKEN_SHOWN = 6
MOST_DAYS = 3660
HASHER = PasswordHasher()


def password(session: AnySession, origin: Origin, login: str, text: str, listed: Path | None = None) -> None:
    """Set somebody's password; `Invalid` says what is wrong with it (`password_rules.settled`)."""
    known = find(reading(session), login)
    session.rollback()
    digest = HASHER.hash(settled(known.login, known.name, text, listed))

    def body(driver: Driver) -> None:
        account = find(driver, login)
        if origin.person != account.id:
            require_right(session, driver, origin, account.college_id)
        if account.disabled_at is not None or account.is_system:
            raise Refused("account.disabled", f"{account.login} cannot sign in")
        if account.program_since is not None:
            raise Refused("account.program", f"{account.login} is a program's: it acts by tokens alone")
        writer = Writer(driver, origin)
        person_fact(driver, writer, account.id, "PasswordSet", {})
        rows.set_password(driver, account.id, digest)
        writer.flush()

    transact(session, body)


def share(session: AnySession, origin: Origin, persons: Collection[int], text: str) -> None:
    """Give several persons one password: those by whom a sandbox is visited, which holds nothing worth a secret."""
    digest = HASHER.hash(text)

    def body(driver: Driver) -> None:
        found = installation.row(driver)
        if found is None or not found.sandbox:
            raise Refused("password.shared", "only in a sandbox do people share a password")
        writer = Writer(driver, origin)
        streams = PersonStreams(driver, writer, persons)
        for person in sorted(persons):
            streams.fact(person, "PasswordSet", {})
            rows.set_password(driver, person, digest)
        streams.save()
        writer.flush()

    transact(session, body)


def proven(driver: Driver, login: str, text: str) -> rows.Account | None:
    """Return the account where the password is its own and it is not disabled, else None."""
    account = rows.by_logins(driver, [login]).get(login)
    known = account.password_hash if account is not None else None
    try:
        fits: bool = HASHER.verify(known or _nobody(), text)
    except (VerificationError, InvalidHashError):
        fits = False
    return account if fits and known and account is not None and account.disabled_at is None else None


def _nobody() -> str:
    """Return what no password fits and costs as much to compare: an unknown login takes as long as a wrong password.

    It is written, not reckoned: a process that signs nobody in has not to pay for a hash as it starts.
    """
    salt, digest = (base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=")
                    for n in (HASHER.salt_len, HASHER.hash_len))  # fmt: skip
    return f"$argon2id$v=19$m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}${salt}${digest}"


def token_for(session: AnySession, origin: Origin, login: str, name: str = "", days: int | None = None) -> str:
    """Make a bearer token and return its text, which is shown this once: only its SHA-256 is kept."""
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise Invalid("value.range", f"a token lasts 1 to {MOST_DAYS} days, not {days}")
    text = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)

    def body(driver: Driver) -> None:
        account = find(driver, login)
        if origin.person != account.id:
            require_right(session, driver, origin, account.college_id)
        if account.disabled_at is not None or account.is_system:
            raise Refused("account.disabled", f"{account.login} is disabled or no person's: it gets no token")
        writer = Writer(driver, origin)
        expires = utc(origin.now + timedelta(days=days)) if days is not None else None
        person_fact(driver, writer, account.id, "TokenIssued", {"expires": expires} if expires else {})
        rows.put_token(driver, account.id, token_hash(text), name, writer.at, expires, shown_of(text),
                       made_by=origin.person)  # fmt: skip
        writer.flush()

    transact(session, body)
    return text


def revoke_tokens(session: AnySession, origin: Origin, login: str) -> int:
    """Revoke every token of a person; returns how many there were."""

    def body(driver: Driver) -> int:
        account = find(driver, login)
        if origin.person != account.id:
            require_right(session, driver, origin, account.college_id)
        writer = Writer(driver, origin)
        count = rows.revoke_tokens(driver, account.id, writer.at)
        if count:
            person_fact(driver, writer, account.id, "TokensRevoked", {"count": count})
        writer.flush()
        return count

    return transact(session, body)


def shown_of(text: str) -> str:
    """Return the first signs of a token, by which its owner knows it again and nobody can use it."""
    return text[: len(PREFIX) + TOKEN_SHOWN]


def token_hash(text: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(text.encode()).hexdigest()
