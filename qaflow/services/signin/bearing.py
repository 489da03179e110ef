"""A fresh proof by whoever bears a token: given once, good for some minutes, and for that token alone.

A token shows that a program was let in, not that its owner is there.  Who owns it proves that with all that they have
here: the password of ours, and a one-time code where these are set up.  What comes back is sealed, kept nowhere and
worth nothing beside another token, nor after password or codes were changed.  A directory's password is not asked for:
no program but the sign-in's own page has business with it.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import NamedTuple

from qaflow.errors import Refused, Unproven
from qaflow.services.accounts.sessions import LONGEST, SignedIn
from qaflow.services.accounts.signin import Try, weigh
from qaflow.services.ports import Ports
from qaflow.services.sealing import pack, unpack
from qaflow.services.streams import digest_of
from qaflow.services.tokens import Bearer
from qaflow.services.work import AnySession
from qaflow.store import second_factors as rows
from qaflow.store import sessions as session_rows
from qaflow.store.db import instant, reading, utc

from . import second_factor

PURPOSE = "proof of a bearer"
MOST_SIGNS = 500  # of a proof's text


class Proof(NamedTuple):
    """A proof as it is told, and until when it counts."""

    text: str
    until: datetime


class _Own(NamedTuple):
    """By what somebody can prove here who they are, and what stands for just this password and key."""

    password: bool
    code: bool
    stamp: str


def prove(session: AnySession, ports: Ports, bearer: Bearer, password: str, code: str, address: str) -> Proof:
    """Weigh password and code of whoever owns a token, and return the proof that goes along with what they sign.

    Raises `Refused` (``account.program``; ``proof.none`` where nothing here proves them), and what weighing raises:
    `Unproven` (``signin.wrong``, ``second.wrong``), `Refused` (``signin.too_many``).
    """
    me = bearer.me
    if me.program:
        raise Refused("account.program", "a program proves nothing: approvals are a person's")
    own = _own(session, me)
    if not (own.password or own.code):
        raise Refused("proof.none", "there is neither a password here nor a key of one-time codes")
    if own.password or password:
        weigh(session, ports, Try(me.login, password, "", address))
    if own.code or code:
        second_factor.weigh(session, ports, me.person, Try(me.login, code, "", address))
    now = ports.clock.now()
    kept = {"token": str(bearer.token), "at": utc(now), "stamp": own.stamp}
    return Proof(pack(ports.settings.secret_key, PURPOSE, kept), now + _lasts(session, me))


def proven(session: AnySession, ports: Ports, bearer: Bearer, text: str) -> datetime:
    """Return when a proof was given; `Unproven` (``proof.invalid``) for one of another token, or of no use any more.

    Whether it is young enough for an act is asked where that is done (`reproof.require`).
    """
    kept = unpack(ports.settings.secret_key, PURPOSE, text[:MOST_SIGNS]) or {}
    fits = kept.get("token") == str(bearer.token) and hmac.compare_digest(
        kept.get("stamp", ""), _own(session, bearer.me).stamp
    )
    at = instant(kept["at"]) if fits else None
    if at is None or not timedelta() <= ports.clock.now() - at <= LONGEST:
        raise Unproven("proof.invalid", "this proof is of another token, or of no use any more: give a new one")
    return at


def _own(session: AnySession, me: SignedIn) -> _Own:
    try:
        driver = reading(session)
        password = session_rows.secret(driver, me.person)
        factor = rows.factor(driver, me.person)
    finally:
        session.rollback()
    made = factor.made_at if factor is not None and factor.confirmed_at is not None else None
    return _Own(password is not None, made is not None, digest_of([me.person, password, made]))


def _lasts(session: AnySession, me: SignedIn) -> timedelta:
    """Return how long a proof counts: as long as the college says, and never beyond the longest session."""
    try:
        minutes = None if me.college is None else rows.rule(reading(session), me.college).approval_minutes
    finally:
        session.rollback()
    return LONGEST if minutes is None else min(LONGEST, timedelta(minutes=minutes))
