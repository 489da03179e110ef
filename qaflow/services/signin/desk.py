"""What administrators see of the sign-in: the college's rules, who waits for a role, who lacks a second factor, whose
account nobody uses."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from qaflow.errors import Invalid
from qaflow.services.accounts.directory import account
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.places.organisation import ACCOUNTS, desk
from qaflow.services.policy import GUARDED
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import linked as rows
from qaflow.store import second_factors
from qaflow.store.db import Driver, reading, utc
from qaflow.store.linked import Idle, Link, Waiting
from qaflow.store.second_factors import Rule

UNUSED = timedelta(days=90)
LISTED = 200
MINUTES = (1, 720)


class Sight(NamedTuple):
    """The sign-in of a college."""

    rule: Rule
    waiting: list[Waiting]
    lacking: list[tuple[int, str, str]]
    idle: list[Idle]


class Signing(NamedTuple):
    """How one person signs in."""

    links: list[Link]
    last_at: str | None
    has_factor: bool


def look(session: AnySession, origin: Origin, me: SignedIn) -> Sight:
    """Return the sign-in of one's own college."""
    try:
        at = desk(session, reading(session), origin, me, ACCOUNTS)
        driver, college = at.driver, at.college.id
        return Sight(
            second_factors.rule(driver, college), rows.waiting(driver, college, LISTED),
            second_factors.lacking(driver, college, sorted(GUARDED), LISTED),
            rows.idle(driver, college, utc(origin.recorded - UNUSED), LISTED),
        )  # fmt: skip
    finally:
        session.rollback()


def of_person(session: AnySession, origin: Origin, me: SignedIn, person: int) -> Signing:
    """Return how a person of one's own college signs in; raises as `look` for whoever may not know."""
    try:
        at = desk(session, reading(session), origin, me, ACCOUNTS)
        account(at, person)
        factor = second_factors.factor(at.driver, person)
        return Signing(rows.of_person(at.driver, person), rows.last(at.driver, person),
                       factor is not None and factor.confirmed_at is not None)  # fmt: skip
    finally:
        session.rollback()


def rule(session: AnySession, origin: Origin, me: SignedIn, second_factor: bool, minutes: int | None) -> None:
    """Set what one's own college asks of who signs in; the same once more changes nothing."""
    if minutes is not None and not MINUTES[0] <= minutes <= MINUTES[1]:
        raise Invalid("value.range", f"a proof counts {MINUTES[0]} to {MINUTES[1]} minutes", minimum=MINUTES[0],
                      maximum=MINUTES[1])  # fmt: skip

    def body(driver: Driver) -> None:
        at = desk(session, driver, origin, me, ACCOUNTS)
        wanted = Rule(second_factor, minutes)
        if second_factors.rule(driver, at.college.id) == wanted:
            return
        writer = Writer(driver, origin)
        college_fact(driver, writer, at.college.id, at.college.key, "SignInRulesSet", wanted._asdict())
        second_factors.put_rule(driver, at.college.id, wanted)
        writer.flush()

    transact(session, body)
