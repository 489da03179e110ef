"""One-time codes (TOTP, RFC 6238) as a second proof beside a password, with recovery codes for a lost telephone.

No code is taken twice, guesses are counted with those at the password, and the key lies sealed in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

import pyotp

from qaflow.errors import Missing, Refused
from qaflow.services.accounts.directory import account
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.accounts.signin import Try, counted
from qaflow.services.places.organisation import ACCOUNTS, desk
from qaflow.services.ports import Ports
from qaflow.services.sealing import pack, unpack
from qaflow.services.streams import person_fact
from qaflow.services.words import clean_code
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import second_factors as rows
from qaflow.store import sessions as session_rows
from qaflow.store.db import Driver, reading, utc

PURPOSE = "second factor"
ISSUER = "qaflow"
STEP = 30  # seconds (RFC 6238, 5.2)
AROUND = (0, -1, 1)  # steps by which a telephone's clock may differ
CODES, GROUPS, GROUP = 10, 4, 4
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
LONGEST_CODE = 60


class Enrolment(NamedTuple):
    """A key that is not in use yet: as text, and as the address that telephones read as a picture."""

    key: str
    address: str


def asked(session: AnySession, person: int) -> bool:
    """Tell whether a person's sign-in by password needs a code."""
    try:
        found = rows.factor(reading(session), person)
    finally:
        session.rollback()
    return found is not None and found.confirmed_at is not None


def left(session: AnySession, person: int) -> int:
    """Return how many recovery codes a person has."""
    try:
        return rows.codes_left(reading(session), person)
    finally:
        session.rollback()


def offer(session: AnySession, ports: Ports, me: SignedIn) -> Enrolment:
    """Return the key that a person is to take into their telephone: the same until it is confirmed."""

    def body(driver: Driver) -> Enrolment:
        standing = rows.factor(driver, me.person)
        if standing is not None and standing.confirmed_at is not None:
            raise Refused("second.there", "codes are asked already; they are reset by another administrator")
        key = _key(ports, standing.sealed) if standing is not None else None
        if key is None:
            key = pyotp.random_base32()
            rows.put(driver, me.person, pack(ports.settings.secret_key, PURPOSE, {"key": key}), utc(ports.clock.now()))
        return Enrolment(key, pyotp.TOTP(key).provisioning_uri(name=me.login, issuer_name=ISSUER))

    return transact(session, body)


def confirm(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, one: Try) -> list[str]:
    """Begin to ask for codes, once a right one shows that the key has arrived; returns the recovery codes.

    Raises `Unproven` (``second.wrong``) and `Refused` (``signin.too_many``, ``second.there``).
    """
    offer(session, ports, me)
    _weighed(session, ports, me.person, one, codes=False)
    return _codes(session, ports, origin, me, "SecondFactorSet")


def renew(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, one: Try) -> list[str]:
    """Make new recovery codes against a right code; the former ones are worth nothing more."""
    _weighed(session, ports, me.person, one, codes=False)
    return _codes(session, ports, origin, me, "RecoveryCodesMade")


def weigh(session: AnySession, ports: Ports, person: int, one: Try) -> None:
    """Require a right code, one-time or recovery; raise as `signin.counted`, ``second.wrong``."""
    _weighed(session, ports, person, one, codes=True)


def _weighed(session: AnySession, ports: Ports, person: int, one: Try, codes: bool) -> None:
    text = "".join(clean_code(one.password[:LONGEST_CODE]).split()).replace("-", "").lower()

    def weighing(_login: str) -> bool | None:
        return transact(session, lambda driver: _fits(driver, ports, person, text, codes)) or None

    counted(session, ports, one, weighing, "second.wrong", "the code is wrong, or was used before")


def _fits(driver: Driver, ports: Ports, person: int, text: str, codes: bool) -> bool:
    now = ports.clock.now()
    if codes and len(text) == GROUPS * GROUP:
        return rows.use_code(driver, person, _hash(ports, person, text), utc(now))
    standing = rows.factor(driver, person)
    key = _key(ports, standing.sealed) if standing is not None else None
    if key is None:
        return False
    totp, at, given = pyotp.TOTP(key, interval=STEP), int(now.timestamp()) // STEP, text.encode()
    found = [at + around for around in AROUND if hmac.compare_digest(totp.generate_otp(at + around).encode(), given)]
    return bool(found) and rows.take_step(driver, person, found[0])


def _key(ports: Ports, sealed: str) -> str | None:
    return (unpack(ports.settings.secret_key, PURPOSE, sealed) or {}).get("key")


def _codes(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, fact: str) -> list[str]:
    made = ["".join(secrets.choice(SIGNS) for _ in range(GROUPS * GROUP)) for _ in range(CODES)]

    def body(driver: Driver) -> None:
        writer, now = Writer(driver, origin), utc(origin.recorded)
        rows.confirm(driver, me.person, now)
        rows.put_codes(driver, me.person, [_hash(ports, me.person, one) for one in made], now)
        person_fact(driver, writer, me.person, fact, {})
        writer.flush()

    transact(session, body)
    return ["-".join(one[n : n + GROUP] for n in range(0, len(one), GROUP)) for one in made]


def _hash(ports: Ports, person: int, code: str) -> str:
    return hmac.new(ports.settings.secret_key.encode(), f"{person}:{code}".encode(), hashlib.sha256).hexdigest()


def reset(session: AnySession, origin: Origin, me: SignedIn, person: int) -> None:
    """Take somebody's key and codes away and end their sessions; one's own is reset by another administrator."""

    def body(driver: Driver) -> None:
        account(desk(session, driver, origin, me, ACCOUNTS), person)
        if person == me.person:
            raise Refused("second.own", "another administrator resets your codes")
        if not rows.drop(driver, person):
            raise Missing("second.none", "this person has no second factor")
        session_rows.end_person(driver, person, utc(origin.recorded), "second")
        writer = Writer(driver, origin)
        person_fact(driver, writer, person, "SecondFactorReset", {})
        writer.flush()

    transact(session, body)
