"""Bearer tokens: made and revoked by their owner, shown once, and what they open."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qaflow.errors import Forbidden, Invalid, Missing, Refused, Unproven
from qaflow.store import accounts as rows
from qaflow.store import sessions, tokens
from qaflow.store.db import Driver, reading, utc
from qaflow.store.tokens import Row

from .accounts.passwords import MOST_DAYS, PREFIX, TOKEN_BYTES, shown_of, token_hash
from .accounts.sessions import SignedIn, posts
from .streams import person_fact
from .words import NAME_LENGTH, clean_name
from .work import AnySession, Origin, Writer, transact

SCOPES = ("read", "work", "office", "admin", "events", "readings")
"""What a token can be for: to look; to act in cycles, inbox, warnings and tasks; the quality office's acts; those of
administrators; the stream of events; to hand readings in.  Each but `events` and `readings` lets look as well."""
LOOKING = frozenset(("read", "work", "office", "admin"))
USED_EVERY = timedelta(minutes=1)  # or every request would write
MOST = 50  # tokens of one person
LONGEST = 200  # signs of a token's text

__all__ = ["SCOPES", "Bearer", "Row", "bearer", "checked", "issued", "listed", "make", "require", "revoke", "revoked"]


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """Who sends a request with a token, and for what the token is."""

    token: int
    scopes: frozenset[str]
    me: SignedIn


def bearer(session: AnySession, text: str, now: datetime) -> Bearer:
    """Return who bears a token; `Unproven` where it is unknown, revoked, over, or its account is disabled."""
    digest = token_hash(text[:LONGEST])
    driver = reading(session)
    try:
        found = tokens.bearing(driver, digest) if text else None
        if found is None or found.disabled_at is not None or found.is_system or _over(found.expires_at, now):
            raise Unproven("token.invalid", "this token opens nothing: it is unknown, revoked or expired")
        held = sessions.held(driver, found.college, found.person)
        kinds, titles = posts(session, driver, found.college, held, now)
    finally:
        session.rollback()
    if found.last_used_at is None or found.last_used_at < utc(now - USED_EVERY):
        transact(session, lambda d: tokens.used(d, found.id, utc(now)))
    me = SignedIn(session="", person=found.person, college=found.college, login=found.login, name=found.name,
                  language=found.language, device="", kinds=kinds, titles=titles,
                  program=found.program_since is not None)  # fmt: skip
    return Bearer(token=found.id, scopes=scopes_of(found.scopes), me=me)


def _over(expires: str | None, now: datetime) -> bool:
    return expires is not None and expires <= utc(now)


def scopes_of(text: str | None) -> frozenset[str]:
    """Return what a stored token is for; one without scopes is for everything."""
    return frozenset(SCOPES if text is None else text.split())


def require(one: Bearer, scope: str) -> None:
    """Require that a token is for something: the one place where scopes are asked."""
    if scope in one.scopes or (scope == "read" and one.scopes & LOOKING):
        return
    raise Forbidden("token.scope", f"this token is not for {scope!r}; it is for {', '.join(sorted(one.scopes))}",
                    scope=scope)  # fmt: skip


def listed(session: AnySession, me: SignedIn, now: datetime) -> list[Row]:
    """Return a person's tokens that still open something, the newest first."""
    try:
        return tokens.of(reading(session), me.person, utc(now))
    finally:
        session.rollback()


def make(session: AnySession, origin: Origin, me: SignedIn, name: str, scopes: Sequence[str], days: int,
         within: Collection[str] = SCOPES) -> tuple[int, str]:  # fmt: skip
    """Make a token of one's own; returns its number and its text, which is shown this once.

    Raises `Invalid` for scopes that there are not or beyond ``within`` (those of the token that asks), `Refused` where
    there are too many, or for a program: or a token that leaked would outlive its revocation by those it made.
    """
    kept = checked(name, scopes, days, within)
    if me.program:
        raise Refused("account.program", "a program makes no tokens: an administrator does")
    return transact(session, lambda driver: issued(driver, origin, me.person, kept, scopes, days))


def issued(driver: Driver, origin: Origin, person: int, name: str, scopes: Sequence[str],
           days: int) -> tuple[int, str]:  # fmt: skip
    """Write a new token of somebody's; the caller has asked for the right, and `checked` what is wanted."""
    if len(tokens.of(driver, person, utc(origin.now))) >= MOST:
        raise Refused("token.too_many", f"nobody has more than {MOST} tokens: revoke one first")
    text = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    writer, expires = Writer(driver, origin), utc(origin.now + timedelta(days=days))
    person_fact(driver, writer, person, "TokenIssued", {"expires": expires, "scopes": sorted(set(scopes))})
    rows.put_token(driver, person, token_hash(text), name, writer.at, expires, shown_of(text),
                   " ".join(sorted(set(scopes))), origin.person)  # fmt: skip
    writer.flush()
    return tokens.number(driver, token_hash(text)), text


def checked(name: str, scopes: Sequence[str], days: int, within: Collection[str] = SCOPES) -> str:
    """Return a token's name as it is kept; refuse names, scopes and times that cannot be."""
    kept = clean_name(name)
    if not kept or len(kept) > NAME_LENGTH:
        raise Invalid("text.blank" if not kept else "text.too_long", f"say in 1 to {NAME_LENGTH} signs what it is for",
                      errors=[{"pointer": "/name", "code": "text.blank" if not kept else "text.too_long"}])  # fmt: skip
    unknown = [one for one in scopes if one not in SCOPES or one not in within]
    if unknown or not scopes:
        raise Invalid("token.scopes", f"a token is for some of {', '.join(s for s in SCOPES if s in within)}",
                      errors=[{"pointer": "/scopes", "code": "token.scopes"}])  # fmt: skip
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("value.range", f"a token lasts 1 to {MOST_DAYS} days, not {days}")
    return kept


def revoke(session: AnySession, origin: Origin, me: SignedIn, number: int) -> None:
    """Revoke one of one's own tokens; `Missing` where there is none such."""
    transact(session, lambda driver: revoked(driver, origin, me.person, number))


def revoked(driver: Driver, origin: Origin, person: int, number: int) -> None:
    """Revoke a token of somebody's; the caller has asked for the right."""
    writer = Writer(driver, origin)
    if not tokens.revoke(driver, person, number, writer.at):
        raise Missing("token.not_found", f"no token {number}")
    person_fact(driver, writer, person, "TokensRevoked", {"count": 1})
    writer.flush()
