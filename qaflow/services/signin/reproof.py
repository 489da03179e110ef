"""A fresh proof for what signs: where a college wants it, an approval counts only minutes after its signer proved who
they are (threat model: "I never approved")."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from qaflow.errors import Unproven
from qaflow.services.accounts import sessions
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.accounts.signin import Try, weigh
from qaflow.services.ports import Ports
from qaflow.services.work import AnySession, Origin
from qaflow.store import linked
from qaflow.store import second_factors as rows
from qaflow.store import sessions as session_rows
from qaflow.store.db import Driver, reading

from . import arrivals, second_factor

SIGNING = frozenset(("approve", "confirm"))


class Ways(NamedTuple):
    """By what somebody can prove anew who they are, and after how many minutes a college asks."""

    minutes: int
    password: bool
    code: bool
    provider: str | None  # to which the browser would go


def require(driver: Driver, college: int, origin: Origin, action: str) -> None:
    """Require of whoever signs that the last proof is young enough; raise Unproven (``proof.needed``)."""
    if action not in SIGNING:
        return
    minutes = rows.rule(driver, college).approval_minutes
    if minutes is not None and not _young(origin.proven, origin.recorded, minutes):
        raise Unproven("proof.needed", f"prove anew who you are: the last proof is older than {minutes} minutes",
                       minutes=minutes)  # fmt: skip


def _young(proven: datetime | None, now: datetime, minutes: int) -> bool:
    return proven is not None and timedelta() <= now - proven <= timedelta(minutes=minutes)


def ways(session: AnySession, ports: Ports, me: SignedIn) -> Ways | None:
    """Return how somebody would prove anew who they are; None where nothing is asked of them now."""
    if me.college is None:
        return None
    try:
        driver = reading(session)
        minutes = rows.rule(driver, me.college).approval_minutes
        own = session_rows.secret(driver, me.person) is not None
    finally:
        session.rollback()
    if minutes is None or _young(me.proven, ports.clock.now(), minutes):
        return None
    away = me.provider if me.provider in ports.redirecting else None
    return Ways(minutes, (own and me.provider is None) or me.provider in ports.weighing, me.has_factor, away)


def prove(session: AnySession, ports: Ports, me: SignedIn, password: str, code: str, address: str) -> None:
    """Take a password or a code as the fresh proof of whoever is signed in; raises what weighing it raises."""
    if code:
        second_factor.weigh(session, ports, me.person, Try(me.login, code, me.device, address))
    elif me.provider in ports.weighing:
        _by_directory(session, ports, me, password, address)
    else:
        weigh(session, ports, Try(me.login, password, me.device, address))
    sessions.prove(session, ports, me.session)


def returned(session: AnySession, ports: Ports, me: SignedIn, arrival: arrivals.Arrival) -> None:
    """Take a provider's fresh word as the proof, where it is of whoever is signed in."""
    link = _link(session, arrival.identity.provider, arrival.identity.subject)
    if arrival.person != me.person or link is None or link.person != me.person:
        raise Unproven("signin.other", "the provider let in somebody else", why="person")
    sessions.prove(session, ports, me.session)


def _by_directory(session: AnySession, ports: Ports, me: SignedIn, password: str, address: str) -> None:
    """Weigh a directory's password; the login there is the one by which the person last came."""
    came = sessions.by(session, ports, me.session)
    provider, login = me.provider or "", came.login if came else ""
    found = arrivals.weighed(session, ports, Try(login, password, me.device, address, provider))
    link = _link(session, provider, found.subject)
    if link is None or link.person != me.person:
        raise Unproven("signin.wrong", "the password is another's")


def _link(session: AnySession, provider: str, subject: str) -> linked.Link | None:
    try:
        return linked.by_subject(reading(session), provider, subject)
    finally:
        session.rollback()
