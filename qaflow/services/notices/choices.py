"""What a person chooses of how they are told, within what the definitions allow, and why they got a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qaflow.config import ADDRESS
from qaflow.engine import notices as topics
from qaflow.engine.quiet import HOURS, next_digest
from qaflow.errors import Invalid, Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import messages, outbox, people, telling
from qaflow.store.db import Driver, reading, utc
from qaflow.store.telling import Choice

from .digesting import UNCHOSEN, cycle_of
from .weighing import may_know


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic with how it is told to a person, and how it may be."""

    what: str
    how: str
    allow: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Told:
    """How a person is told: mail and its address, the digest's hour, each topic."""

    choice: Choice
    known: str | None  # the address that the college keeps, used where the person chose none
    topics: tuple[Topic, ...]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a message carried a notice: its topic, fact and cycle (None: an incident of quality), as a deputy or not."""

    topic: str
    kind: str
    cycle: int | None
    deputy: bool


@dataclass(frozen=True, kw_only=True)
class Why:
    """A message's reasons."""

    kind: str
    made: str
    sent: str | None
    reasons: tuple[Reason, ...]


def mine(session: AnySession, me: SignedIn) -> Told | None:
    """Return how a person is told; None without a college."""
    if me.college is None:
        return None
    driver = reading(session)
    try:
        choice = telling.choices(driver, me.college, [me.person]).get(me.person, UNCHOSEN)
        own = telling.topics(driver, me.college, [me.person])
        account = people.by_id(driver, me.person)
        allowed = _allowed(session, driver, me.college)
    finally:
        session.rollback()
    found = []
    for what, allow in allowed.items():
        how = own.get((me.person, what), topics.DEFAULT[what].how)
        found.append(Topic(what=what, how=how if how in allow else allow[0], allow=allow))
    return Told(choice=choice, known=account.mail if account else None, topics=tuple(found))


def _allowed(session: AnySession, driver: Driver, college: int) -> dict[str, tuple[str, ...]]:
    """Return how each topic may be told: what any definition by which cycles run, or the default, allows."""
    known = [topics.DEFAULT, *(topics.rules(compiled(session, driver, digest).definition)
                               for digest in telling.running(driver, college))]  # fmt: skip
    return {what: tuple(how for how in topics.HOWS if any(how in rules[what].allow for rules in known))
            for what in topics.DEFAULT}  # fmt: skip


def choose(session: AnySession, origin: Origin, me: SignedIn, choice: Choice, hows: Mapping[str, str]) -> None:
    """Keep how a person wants to be told.

    Raises `Invalid`: ``mail.address`` for what is no address, ``value.unknown`` for an hour at night, a topic that
    there is not, or a way that no definition allows.
    """
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} belongs to no college")
    if choice.address is not None and not ADDRESS.fullmatch(choice.address):
        raise Invalid("mail.address", "not a mail address")
    if choice.hour not in HOURS:
        raise Invalid("value.unknown", f"hour {choice.hour}: one of {HOURS[0]} to {HOURS[-1]}")
    number = me.college

    def body(driver: Driver) -> None:
        allowed = _allowed(session, driver, number)
        wrong = [f"{what}: {how}" for what, how in hows.items() if how not in allowed.get(what, ())]
        if wrong:
            raise Invalid("value.unknown", f"not allowed: {', '.join(wrong)}")
        telling.choose(driver, number, me.person, choice, dict(hows), utc(origin.now))
        _settle_slot(driver, view(session, driver, number), choice.hour, origin)

    transact(session, body)


def _settle_slot(driver: Driver, college: CollegeView, hour: int, origin: Origin) -> None:
    if hour not in telling.slots(driver, college.id):
        telling.set_slot(driver, college.id, hour, utc(next_digest(college.calendar, hour, origin.now)))


def why(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Why:
    """Return why one got a message; raise Missing (``message.not_found``) for another's."""
    driver = reading(session)
    try:
        found = messages.own(driver, me.college or 0, me.person, number)
        if found is None:
            raise Missing("message.not_found", f"no message {number}")
        message, times = found
        college = view(session, driver, message.college)
        day = college.calendar.local_day(origin.now).isoformat()
        rows = may_know(driver, college, me.person, day, outbox.carried(driver, message.ids))
    finally:
        session.rollback()
    reasons = tuple(Reason(topic=topics.TOPICS[r.kind], kind=r.kind, cycle=cycle_of(r.stream),
                           deputy='"for"' in r.payload) for r in rows)  # fmt: skip
    return Why(kind=message.kind, made=times["made"] or "", sent=times["sent"], reasons=reasons)
