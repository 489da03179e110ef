"""Accounts of programs (外部系统): neighbour systems that act by tokens which administrators make and revoke.

Nobody signs in by such an account, it has no password and stands in for nobody.  What it may do is what the roles of
the account say, given as to a person, within what its token is for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from qaflow.errors import Missing, Refused
from qaflow.services import tokens
from qaflow.services.files.cells import cell_value
from qaflow.services.places.organisation import ACCOUNTS, Desk, desk
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import tokens as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.tokens import Program, Row

from . import book, enrolling
from .sessions import SignedIn

LISTED = 200


class Opened(NamedTuple):
    """A program with its tokens that still open something, the newest first."""

    program: Program
    tokens: list[Row]


def listed(session: AnySession, origin: Origin, me: SignedIn) -> list[Program]:
    """Return the programs of one's own college by login."""
    try:
        at = desk(session, reading(session), origin, me, ACCOUNTS)
        return rows.programs(at.driver, at.college.id, utc(origin.now), LISTED)
    finally:
        session.rollback()


def one(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Opened:
    """Return a program of one's own college with its tokens."""
    try:
        at = desk(session, reading(session), origin, me, ACCOUNTS)
        return Opened(_found(at, origin, number), rows.of(at.driver, number, utc(origin.now)))
    finally:
        session.rollback()


def add(session: AnySession, origin: Origin, me: SignedIn, login: str, name: str) -> int:
    """Add an account of a program; returns its number.  It may do nothing until it has a role and a token."""
    checked: str = cell_value(enrolling.LOGIN, login)
    called: str = cell_value(enrolling.NAME, name)

    def body(driver: Driver) -> int:
        at = desk(session, driver, origin, me, ACCOUNTS)
        new = book.NewPerson(checked, called, program=True)
        (number,) = book.add_people(driver, writer := Writer(driver, origin), origin, at.college.id, [new])
        writer.flush()
        return number

    return transact(session, body)


def issue(session: AnySession, origin: Origin, me: SignedIn, number: int, name: str, scopes: Sequence[str], days: int,
          within: Collection[str] = tokens.SCOPES) -> tuple[int, str]:  # fmt: skip
    """Make a token of a program; returns its number and its text, which is shown this once.

    Raises as `tokens.make`, and `Refused` for a disabled program and for one that asks for itself.
    """
    kept = tokens.checked(name, scopes, days, within)

    def body(driver: Driver) -> tuple[int, str]:
        found = _found(desk(session, driver, origin, me, ACCOUNTS), origin, number)
        if found.disabled_at is not None:
            raise Refused("account.disabled", f"{found.login} is disabled")
        if me.program:
            raise Refused("account.program", "a program makes no tokens: an administrator does")
        return tokens.issued(driver, origin, number, kept, scopes, days)

    return transact(session, body)


def revoke(session: AnySession, origin: Origin, me: SignedIn, number: int, token: int) -> None:
    """Revoke a token of a program; `Missing` where there is none such."""

    def body(driver: Driver) -> None:
        _found(desk(session, driver, origin, me, ACCOUNTS), origin, number)
        tokens.revoked(driver, origin, number, token)

    transact(session, body)


def _found(at: Desk, origin: Origin, number: int) -> Program:
    found = rows.programs(at.driver, at.college.id, utc(origin.now), 1, number)
    if not found:
        raise Missing("person.not_found", f"no program {number}")
    return found[0]
