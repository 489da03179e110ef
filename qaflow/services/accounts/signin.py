"""Sign-in: a password is weighed only while an account has guesses left, counted in the database for all processes.

A try is written as wrong before it is weighed, so that many at once cannot pass the limit together.  Strangers share
one allowance an account, a browser that the account has used before has its own: whoever guesses locks no owner out.
Nothing here tells a known account from an unknown one, neither in words nor in time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, TypeVar

from qaflow.errors import Refused, Unproven
from qaflow.services.ports import Ports
from qaflow.services.words import clean_code
from qaflow.services.work import AnySession, transact
from qaflow.store import accounts
from qaflow.store import sessions as rows
from qaflow.store.db import Driver, instant, reading, utc

from . import password_rules, passwords
from .password_rules import composed
from .sessions import KEPT

SPAN = timedelta(hours=1)
ALL, STRANGERS, DEVICE = 100, 60, 20
"""Wrong tries at one account in an hour: of everybody, of unknown browsers together, of one known browser."""
KEPT_GUESSES = timedelta(days=30)
CLEARED = 100  # old guesses dropped at each try: more than come in
LONGEST_LOGIN = 200
LONGEST_PASSWORD = 4 * password_rules.MOST  # no longer one can be set, so none fits
T = TypeVar("T")


class Try(NamedTuple):
    """Who tries from where; ``device`` is the hash of the browser's lasting mark, empty where it bears none."""

    login: str
    password: str
    device: str
    address: str
    provider: str = ""  # whose password it is; "" ours


def weigh(session: AnySession, ports: Ports, one: Try) -> accounts.Account:
    """Return the account where the password is its own.

    Raises `Unproven` (``signin.wrong``), and `Refused` (``signin.too_many``, with ``until``) without looking at the
    password where too many were wrong.
    """

    def weighing(login: str) -> accounts.Account | None:
        try:
            return passwords.proven(reading(session), login, composed(one.password[:LONGEST_PASSWORD]))
        finally:
            session.rollback()

    return counted(session, ports, one, weighing, "signin.wrong", "the login or the password is wrong")


def counted(session: AnySession, ports: Ports, one: Try, weighing: Callable[[str], T | None], code: str,
            detail: str) -> T:  # fmt: skip
    """Weigh a proof of whatever kind while the account has guesses left; `weighing` takes the login as it is kept.

    Raises `Unproven` (``code``) where it gives None, and `Refused` (``signin.too_many``) before it is asked.
    """
    login, known = _account(session, ports, one)
    kept = one._replace(login=login)  # however it was spelled: one allowance an account
    guess = transact(session, lambda driver: _admit(driver, ports, kept, known))
    found = weighing(login)
    if found is None:
        raise Unproven(code, detail)
    transact(session, lambda driver: rows.fits(driver, guess))
    return found


def key_of(ports: Ports, login: str, provider: str = "") -> str:
    """Return what is kept of a login that was typed: it may have been a password."""
    folded = (f"{provider}\0" if provider else "").encode() + clean_code(login).casefold().encode()
    return hmac.new(ports.settings.secret_key.encode(), folded, hashlib.sha256).hexdigest()


def _account(session: AnySession, ports: Ports, one: Try) -> tuple[str, bool]:
    """Return the login as it is kept, and whether this account has been used at this browser before."""
    typed = clean_code(one.login[:LONGEST_LOGIN])
    spellings = [typed, typed.lower(), typed.upper(), typed.capitalize()]
    since = utc(ports.clock.now() - KEPT)
    driver = reading(session)
    try:
        if one.provider:
            return typed, bool(one.device) and rows.knows_of(driver, one.provider, one.device, since)
        there = accounts.by_logins(driver, spellings)
        found = next((there[login] for login in spellings if login in there), None)
        if found is None:
            return typed, False
        return found.login, bool(one.device) and rows.knows(driver, found.id, one.device, since)
    finally:
        session.rollback()


def _admit(driver: Driver, ports: Ports, one: Try, known: bool) -> int:
    """Write the try and return its number; refuse it where the account has no guesses left."""
    now, account = ports.clock.now(), key_of(ports, one.login, one.provider)
    device = one.device if known else ""
    everybody, strangers, own, first = rows.tried(driver, account, device, utc(now - SPAN))
    if everybody >= ALL or (own >= DEVICE if known else strangers >= STRANGERS):
        until = instant(first) + SPAN if first else now + SPAN
        raise Refused("signin.too_many", "too many wrong passwords for this account; wait", until=utc(until))
    rows.forget_guesses(driver, utc(now - KEPT_GUESSES), CLEARED)
    return rows.put_guess(driver, account, device, one.address, utc(now))
