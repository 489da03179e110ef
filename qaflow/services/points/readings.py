"""One subject's readings of a control point: looked at, entered where people fill them in, and corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from qaflow.engine.control import breach
from qaflow.errors import Forbidden, Invalid, Missing, Refused
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import view
from qaflow.services.files.readings import aware
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import colleges, content
from qaflow.store import points as rows
from qaflow.store.db import Driver, instant
from qaflow.store.points import Card, Last, Subject

from . import listing
from .deriving import SOURCE
from .intake import Intake, NewReading
from .limits import Judge, LimitBook
from .listing import At

LINES = 200
ENTERED = "form"  # the source of what people enter here
REASON = 500


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A reading with how it stands to the limits of its day; an old version is replaced."""

    last: Last
    severity: str | None
    judge: Judge
    replaced: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """A subject's readings of a point, and whether the person may enter and correct them."""

    card: Card
    subject: Subject
    judge: Judge
    lines: tuple[Judged, ...]
    may_give: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A reading that is about to be corrected."""

    card: Card
    subject: Subject
    last: Last


def look(session: AnySession, origin: Origin, me: SignedIn, point: int, subject: int) -> Series:
    """Return a subject's readings of a point; `Missing` where the subject is not within sight."""

    def body(at: At) -> Series:
        card, book = listing.held(at, point)
        found = listing.seen(at, card, subject)
        return _series(at, card, book, found, rows.of_subject(at.driver, at.college.id, point, subject, LINES))

    return listing.with_sight(session, origin, me, body)


def one(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Series:
    """Return a reading, whichever version, with all its versions; `Missing` where it is not within sight."""

    def body(at: At) -> Series:
        card, found, last, _ = _reading(at, number)
        _, book = listing.held(at, card.id)
        return _series(at, card, book, found, rows.versions(at.driver, at.college.id, card.id, last, LINES))

    return listing.with_sight(session, origin, me, body)


def _series(at: At, card: Card, book: LimitBook, subject: Subject, lines: Sequence[Last]) -> Series:
    words = content.get_many(at.driver, [one.reason for one in lines if one.reason])
    replaced = {one.replaces for one in lines}
    judged = [(one, book.at(card.id, subject.id, one.at)) for one in lines]
    return Series(
        card=card, subject=subject, judge=book.on(card.id, subject.id, at.day), may_give=_may(at, card, subject),
        lines=tuple(Judged(last=one, severity=breach(judge.limits, one.value), judge=judge,
                           reason=_said(one, words), replaced=one.id in replaced) for one, judge in judged),
    )  # fmt: skip


def _said(one: Last, words: Mapping[str, str | None]) -> str:
    return (words.get(one.reason) or "") if one.reason else ""


def _may(at: At, card: Card, subject: Subject) -> bool:
    """Tell whether a person may hand in readings of a subject: by a role over it, or for their own (domain, 6)."""
    if card.formula is not None:
        return False
    layers = [layer.key for layer in at.college.config.layers]
    reach = policy.reach(at.driver, at.college.id, layers, at.person, at.day, policy.RIGHTS["readings"].roles)
    scope = policy.Scope(college=at.college.id, subject=subject.id, layer=card.layer, unit=subject.unit)
    return reach.covers(scope, subject.responsible if listing.filled_in(card) else None)


def _require(at: At, card: Card, subject: Subject) -> None:
    if card.formula is not None:
        raise Refused("point.derived", "this value is worked out from others: hand in those")
    if not _may(at, card, subject):
        raise Forbidden("action.forbidden", "you may not hand in readings here", action="readings")


def give(session: AnySession, origin: Origin, me: SignedIn, point: int, subject: int, when: datetime,
         value: float) -> None:  # fmt: skip
    """Enter one reading, its time on the college's clocks; entering it twice changes nothing.

    Raises `Invalid` (``date.future``, ``date.ambiguous``, ``reading.differs``) and `Forbidden`.
    """

    def body(driver: Driver) -> None:
        at = _locked(session, driver, origin, me)
        card, _ = listing.held(at, point)
        found = listing.seen(at, card, subject)
        _require(at, card, found)
        instant_ = aware(when, at.college.calendar.tz)
        if instant_ is None:
            raise Invalid("date.ambiguous", f"{when} stands twice or never on the college's clocks")
        _take(session, at, origin, NewReading(card.key, card.layer, found.code, instant_, value, ENTERED))

    transact(session, body)


def correction(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Standing:
    """Return the reading that is about to be corrected; `Missing` where it is not within sight."""

    def body(at: At) -> Standing:
        card, found, last, replaced = _reading(at, number)
        _require(at, card, found)
        _newest(last, replaced)
        return Standing(card=card, subject=found, last=last)

    return listing.with_sight(session, origin, me, body)


def correct(session: AnySession, origin: Origin, me: SignedIn, number: int, value: float, reason: str) -> Standing:
    """Write a later version of a reading with its reason; the former one stays.

    Raises `Invalid` (``reading.same``, ``text.blank``) and `Refused` (``reading.replaced``) where somebody corrected
    it in the meantime.
    """

    def body(driver: Driver) -> Standing:
        at = _locked(session, driver, origin, me)
        card, found, last, replaced = _reading(at, number)
        _require(at, card, found)
        _newest(last, replaced)
        if not reason.strip():
            raise Invalid("text.blank", "say why the value is corrected")
        if value == last.value:
            raise Invalid("reading.same", f"{value:g} stands there already")
        new = NewReading(card.key, card.layer, found.code, instant(last.at), value, last.source, reason.strip())
        _take(session, at, origin, new)
        return Standing(card=card, subject=found, last=last)

    return transact(session, body)


def _locked(session: AnySession, driver: Driver, origin: Origin, me: SignedIn) -> At:
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} is of no college")
    colleges.head(driver, me.college)  # deliveries into one college wait for each other
    return listing.standing_at(driver, view(session, driver, me.college), origin, me.person)


def _reading(at: At, number: int) -> tuple[Card, Subject, Last, bool]:
    row, absent = rows.reading(at.driver, at.college.id, number), Missing("reading.not_found", f"no reading {number}")
    if row is None:
        raise absent
    point, last, replaced = row
    card, _ = listing.held(at, point)
    try:
        return card, listing.seen(at, card, last.subject), last, replaced
    except Missing:
        raise absent from None  # what is out of sight is told as what is not there


def _newest(last: Last, replaced: bool) -> None:
    if last.source == SOURCE:
        raise Refused("point.derived", "this value is worked out from others: correct those")
    if replaced:
        raise Refused("reading.replaced", "this reading was corrected in the meantime: correct its last version")


def _take(session: AnySession, at: At, origin: Origin, new: NewReading) -> None:
    intake = Intake(session, at.driver, origin, at.college)

    def fault(n: int, where: str, code: str, detail: str) -> None:
        raise Invalid(code, detail, at=where)

    intake.take(intake.resolve([new], fault, differing=True))
    intake.breaches.finish()
