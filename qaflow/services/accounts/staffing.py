"""People and their roles changed by hand: one person at a time, each act a fact in that person's stream."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple

from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.files.cells import cell_value
from qaflow.services.places.organisation import ACCOUNTS, desk
from qaflow.services.scopes import Scopes
from qaflow.services.words import day_of
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import accounts as account_rows
from qaflow.store import directory as rows
from qaflow.store import profile as appointments
from qaflow.store.db import Driver

from . import book, deputies, enrolling, passwords
from .directory import account
from .profile import colleague
from .sessions import SignedIn

SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read for another
GROUPS, GROUP = 4, 4


class Term(NamedTuple):
    """A role as somebody entered it: `scope` as files write it, days as text, "" for none."""

    role: str
    scope: str = "college"
    starts: str = ""
    ends: str = ""


def add(session: AnySession, origin: Origin, me: SignedIn, login: str, name: str, language: str,
        role: str = "", scope: str = "college", mail: str = "") -> int:  # fmt: skip
    """Add a person, with a role and a mail address where they are named; returns their number."""
    key = transact(session, lambda driver: desk(session, driver, origin, me, ACCOUNTS).college.key)
    roles = [f"{role}@{scope}"] if role else []
    return int(enrolling.enrol(session, origin, login, name, key, language, roles, mail)["id"])


def rename(session: AnySession, origin: Origin, me: SignedIn, person: int, name: str, language: str,
           mail: str | None = None) -> None:  # fmt: skip
    """Give a person another name, the language in which the program speaks to them, or a mail address.

    ``mail`` is the address that the college keeps: "" takes it away, None leaves it. One that the person chose on
    their profile stays, and counts before it. Raises `Invalid` (``mail.address``, ``text.*``, ``value.unknown``).
    """
    called: str = cell_value(enrolling.NAME, name)
    address: str | None = cell_value(enrolling.MAIL, mail or "")
    if language not in book.LANGUAGES:
        raise Invalid("value.unknown", f"language {language!r}: one of {', '.join(book.LANGUAGES)}")

    def body(driver: Driver) -> None:
        found = account(desk(session, driver, origin, me, ACCOUNTS), person)
        writer = Writer(driver, origin)
        if (found.name, found.language) != (called, language):
            book.rename(driver, writer, [(person, called, language)])
        if mail is not None and found.mail != address:
            book.readdress(driver, writer, [(person, address)])
        writer.flush()

    transact(session, body)


def grant(session: AnySession, origin: Origin, me: SignedIn, person: int, term: Term) -> int:
    """Let a person hold a role between two days; the same one once more is the one that stands.

    Raises `Refused` (``grant.self``: nobody gives a role to themselves) and `Invalid`.
    """
    starts, ends = day_of(term.starts), day_of(term.ends)
    if starts and ends and ends < starts:
        raise Invalid("date.order", f"the end {ends} lies before the start {starts}")

    def body(driver: Driver) -> int:
        at = desk(session, driver, origin, me, ACCOUNTS)
        if account(at, person).disabled_at is not None:
            raise Invalid("ref.disabled_user", "a disabled account holds no new role")
        scope = Scopes(driver, at.college).read(term.scope)
        wanted = book.NewGrant(person, term.role, *scope, starts=starts, ends=ends)
        standing = [r.id for r in rows.roles(driver, at.college.id, [person]) if _same(r, wanted)]
        if standing:
            return standing[0]
        (number,) = book.grant_many(driver, writer := Writer(driver, origin), origin, at.college, [wanted])
        writer.flush()
        return number

    return transact(session, body)


def _same(held: rows.Role, new: book.NewGrant) -> bool:
    standing = (held.role, held.scope, held.scope_id, held.layer, held.starts, held.ends)
    return standing == (new.role, new.scope, new.scope_id, new.layer, new.starts, new.ends)


def revoke(session: AnySession, origin: Origin, me: SignedIn, person: int, number: int, reason: str = "") -> None:
    """Take a role away from a person; one that is gone already stays gone."""

    def standing(driver: Driver) -> bool:
        at = desk(session, driver, origin, me, ACCOUNTS)
        account(at, person)
        found = account_rows.one_grant(driver, number)
        return found is not None and (found["college_id"], found["person_id"]) == (at.college.id, person)

    if transact(session, standing):
        book.revoke(session, origin, number, reason)


def generated() -> str:
    """Return a password for a person's first sign-in, easy to read out."""
    groups = ("".join(secrets.choice(SIGNS) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def password(session: AnySession, origin: Origin, me: SignedIn, person: int, text: str,
             listed: Path | None = None) -> None:  # fmt: skip
    """Set somebody's password: one's own is changed on one's own page, with the old one."""
    if person == me.person:
        raise Refused("password.own", "change your own password with the old one")
    found = transact(session, lambda driver: account(desk(session, driver, origin, me, ACCOUNTS), person))
    passwords.password(session, origin, found.login, text, listed)


def appoint(session: AnySession, origin: Origin, me: SignedIn, person: int, who: str, starts: str, ends: str,
            role: str | None = None, layer: str | None = None, reason: str = "") -> int:  # fmt: skip
    """Let somebody stand in for a person, as an administrator enters it; the same once more is the one that stands."""

    def known(driver: Driver) -> tuple[int, int | None]:
        at = desk(session, driver, origin, me, ACCOUNTS)
        account(at, person)
        deputy = colleague(driver, me, who)
        found = appointments.appointments(driver, at.college.id, person, at.day)
        wanted = (person, deputy, starts, ends, role, layer)
        same = (a.id for a in found if (a.person, a.deputy, a.starts, a.ends, a.role, a.layer) == wanted)
        return deputy, next(same, None)

    deputy, same = transact(session, known)
    if same is not None:
        return same
    return deputies.appoint(session, origin, person, deputy, starts, ends, role=role, layer=layer, reason=reason)


def end_deputy(session: AnySession, origin: Origin, me: SignedIn, person: int, number: int) -> None:
    """End an appointment that concerns a person of one's own college."""

    def known(driver: Driver) -> bool:
        at = desk(session, driver, origin, me, ACCOUNTS)
        account(at, person)
        return appointments.concerns(driver, number, at.college.id, person)

    if not transact(session, known):
        raise Missing("deputy.not_found", f"no standing appointment {number}")
    deputies.end(session, origin, number)
