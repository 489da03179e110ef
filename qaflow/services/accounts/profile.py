"""What a person does with their own account: password, language, deputies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from qaflow.errors import Invalid, Missing
from qaflow.services.college import CollegeView, view
from qaflow.services.ports import Ports
from qaflow.services.words import clean_code, clean_name
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import people
from qaflow.store import profile as rows
from qaflow.store.db import Driver, reading
from qaflow.store.profile import Appointment

from . import book, deputies, passwords
from .password_rules import settled
from .sessions import SignedIn
from .signin import Try, weigh

SAME_NAME = 6  # so many are listed where a name is not one person's


@dataclass(frozen=True, kw_only=True)
class Deputies:
    """Who stands in for a person, and for whom they stand in."""

    today: date
    mine: tuple[Appointment, ...]
    i_am: tuple[Appointment, ...]


def change_password(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, old: str, new: str) -> None:
    """Set one's own password, the old one proven; every session of the person dies by it.

    Raises `Invalid` (``password.*``), `Unproven` (``signin.wrong``) and `Refused` (``signin.too_many``).
    """
    kept = settled(me.login, me.name, new, ports.settings.breached_passwords)
    weigh(session, ports, Try(me.login, old, me.device, ""))
    if kept == old:
        raise Invalid("password.same", "the new password is the old one")
    passwords.password(session, origin, me.login, kept)


def spoken(session: AnySession, me: SignedIn) -> str:
    """Return the language in which one reads pages and notices, as it is kept now."""
    try:
        found = people.by_id(reading(session), me.person)
    finally:
        session.rollback()
    return found.language if found is not None else me.language


def speak(session: AnySession, origin: Origin, me: SignedIn, language: str) -> None:
    """Choose the language in which one reads pages and notices."""
    if language not in book.LANGUAGES:
        raise Invalid("value.unknown", f"language {language!r}: one of {', '.join(book.LANGUAGES)}")
    if language == me.language:
        return

    def body(driver: Driver) -> None:
        writer = Writer(driver, origin)
        book.rename(driver, writer, [(me.person, me.name, language)])
        writer.flush()

    transact(session, body)


def standing(session: AnySession, origin: Origin, me: SignedIn) -> Deputies | None:
    """Return a person's deputies and those for whom they stand in, now and to come; None without a college."""
    if me.college is None:
        return None
    driver = reading(session)
    try:
        today = view(session, driver, me.college).calendar.local_day(origin.now)
        found = rows.appointments(driver, me.college, me.person, today.isoformat())
    finally:
        session.rollback()
    mine = tuple(a for a in found if a.person == me.person)
    return Deputies(today=today, mine=mine, i_am=tuple(a for a in found if a.deputy == me.person))


def appoint(session: AnySession, origin: Origin, me: SignedIn, who: str, starts: str, ends: str,
            layer: str | None = None, reason: str = "") -> int:  # fmt: skip
    """Let a colleague, named by login or name, stand in for oneself; returns the appointment's number.

    The same appointment once more, as a double click makes it, is the one that stands.
    """
    deputy, standing_ = transact(session, lambda driver: _found(driver, me, who, starts))
    same = [a.id for a in standing_ if (a.person, a.deputy, a.starts, a.ends, a.layer) ==
            (me.person, deputy, starts, ends, layer or None)]  # fmt: skip
    if same:
        return same[0]
    return deputies.appoint(session, origin, me.person, deputy, starts, ends, layer=layer or None, reason=reason)


def end(session: AnySession, origin: Origin, me: SignedIn, number: int) -> None:
    """End an appointment early: the absent person's own, or by which one stands in; of others nothing is known here."""

    def known(driver: Driver) -> bool:
        return me.college is not None and rows.concerns(driver, number, me.college, me.person)

    if not transact(session, known):
        raise Missing("deputy.not_found", f"no standing appointment {number}")
    deputies.end(session, origin, number)


def _found(driver: Driver, me: SignedIn, who: str, day: str) -> tuple[int, list[Appointment]]:
    return colleague(driver, me, who), rows.appointments(driver, me.college or 0, me.person, day)


def colleague(driver: Driver, me: SignedIn, who: str) -> int:
    """Return the one person of the college who has this login or name."""
    text = clean_name(who)
    found = rows.colleagues(driver, me.college or 0, text, SAME_NAME)
    exact = [c for c in found if c.login == clean_code(who)] or found
    if not exact:
        raise Invalid("ref.unknown_user", f"nobody here has the login or name {text!r}")
    if len(exact) > 1:
        raise Invalid("ref.ambiguous_user", f"several persons are called {text!r}: give the login",
                      logins=[c.login for c in exact])  # fmt: skip
    return exact[0].id


def college(session: AnySession, me: SignedIn) -> CollegeView | None:
    """Return the college of a person as it stands, None without one."""
    if me.college is None:
        return None
    try:
        return view(session, reading(session), me.college)
    finally:
        session.rollback()
