"""Control points (质控点) for who looks at them: by layer with what is outside, one with limits and readings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from qaflow.engine import formulas
from qaflow.engine.control import breach
from qaflow.engine.definition import Label
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.work import AnySession, Origin
from qaflow.store import content, readings
from qaflow.store import limits as limit_rows
from qaflow.store import points as rows
from qaflow.store.db import Driver, reading
from qaflow.store.limits import LimitRow
from qaflow.store.points import ALL, LATE, OUTSIDE, Card, Last, Subject

from .limits import Judge, LimitBook, of_row

LINES = 50
NO_SYSTEM = "填报"  # a source system of this name is people who fill in
SHOWS = (ALL, OUTSIDE, LATE)
T = TypeVar("T")

__all__ = ["ALL", "LATE", "OUTSIDE", "SHOWS", "Item", "Layer", "Listed", "Story", "filled_in", "listed", "look"]


@dataclass(frozen=True, kw_only=True)
class At:
    """Who looks, where, and what they may see."""

    driver: Driver
    college: CollegeView
    person: int
    day: str
    sight: policy.Reach

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of scoped reads."""
        return {**self.sight.params, "college": self.college.id}


class Item(NamedTuple):
    """A point with the limits of today and how many subjects stand outside them or are late."""

    card: Card
    judge: Judge
    outside: int
    late: int


class Layer(NamedTuple):
    """A layer's points."""

    key: str
    name: Label
    items: tuple[Item, ...]


class Listed(NamedTuple):
    """The points by layer, and whether the person may change them or hand in readings."""

    layers: tuple[Layer, ...]
    may_set: bool
    may_give: bool


class Dated(NamedTuple):
    """Limits from a day on: whose, who set them and why."""

    row: LimitRow
    judge: Judge
    reason: str
    subject: Subject | None
    standing: bool  # they hold today


class Measured(NamedTuple):
    """A subject with its newest reading and how that stands to its limits."""

    subject: Subject
    last: Last | None
    severity: str | None


@dataclass(frozen=True, kw_only=True)
class Story:
    """One point: what it measures, its limits over time, and its subjects' newest readings."""

    item: Item
    layer: Label
    body: dict[str, Any]
    formula: str
    limits: tuple[Dated, ...]
    show: str
    lines: tuple[Measured, ...]
    following: str | None
    may_set: bool


def with_sight(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[At], T]) -> T:
    """Read with what a person may see; `Missing` where they are of no college."""
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} is of no college")
    driver = reading(session)
    try:
        return body(standing_at(driver, view(session, driver, me.college), origin, me.person))
    finally:
        session.rollback()


def standing_at(driver: Driver, college: CollegeView, origin: Origin, person: int) -> At:
    """Return who looks, with what they may see."""
    day = college.calendar.local_day(origin.now).isoformat()
    layers = [layer.key for layer in college.config.layers]
    return At(driver=driver, college=college, person=person, day=day,
              sight=policy.reach(driver, college.id, layers, person, day))  # fmt: skip


def listed(session: AnySession, origin: Origin, me: SignedIn) -> Listed:
    """Return the points by layer; the counts hold only subjects within sight."""

    def body(at: At) -> Listed:
        counted = rows.counts(at.driver, at.params)
        book = LimitBook(at.driver, at.college.id, readings.points(at.driver, at.college.id), at.college.calendar)
        by_layer: dict[str, list[Item]] = {}
        for card in rows.cards(at.driver, at.college.id):
            found = Item(card, book.on(card.id, None, at.day), *counted.get(card.id, (0, 0)))
            by_layer.setdefault(card.layer, []).append(found)
        layers = tuple(Layer(one.key, one.name, tuple(by_layer[one.key]))
                       for one in at.college.config.layers if one.key in by_layer)  # fmt: skip
        return Listed(layers, may_set(at), policy.anywhere(at.driver, at.college.id, at.person, "readings", at.day))

    return with_sight(session, origin, me, body)


def may_set(at: At) -> bool:
    """Tell whether the person may change points and limits."""
    return bool(policy.allowed(at.driver, at.college.id, at.person, ("points",), at.day))


def look(session: AnySession, origin: Origin, me: SignedIn, point: int, show: str = ALL, after: str = "") -> Story:
    """Return one point; `Missing` where the college has none of that number."""

    def body(at: At) -> Story:
        card, book = held(at, point)
        outside, late = rows.counts(at.driver, at.params).get(point, (0, 0))
        key = at.params | {"layer": card.layer, "point": point, "after": after, "limit": LINES + 1}
        found = rows.subjects(at.driver, show if show in SHOWS else ALL, key)
        newest = rows.last(at.driver, at.college.id, point, [one.id for one in found[:LINES]])
        name = next(layer.name for layer in at.college.config.layers if layer.key == card.layer)
        formula = formulas.stored(card.formula)
        return Story(
            item=Item(card, book.on(point, None, at.day), outside, late), layer=name, body=json.loads(card.body),
            formula=formulas.shown(formula) if formula else "", limits=_dated(at, card), show=show,
            lines=tuple(_measured(point, one, newest.get(one.id), book) for one in found[:LINES]),
            following=found[LINES - 1].code if len(found) > LINES else None, may_set=may_set(at),
        )  # fmt: skip

    return with_sight(session, origin, me, body)


def held(at: At, point: int) -> tuple[Card, LimitBook]:
    """Return a point and its limits."""
    card, found = rows.card(at.driver, at.college.id, point), readings.point(at.driver, at.college.id, point)
    if card is None or found is None:
        raise Missing("point.not_found", f"no control point {point}")
    return card, LimitBook(at.driver, at.college.id, [found], at.college.calendar)


def seen(at: At, card: Card, subject: int) -> Subject:
    """Return a subject of a point's layer; `Missing` where it is not within sight."""
    found = rows.subject(at.driver, at.params | {"layer": card.layer, "subject": subject})
    if found is None:
        raise Missing("subject.not_found", f"no subject {subject}")
    return found


def filled_in(card: Card) -> bool:
    """Tell whether people fill a point in: it is not derived, and no business system is named as its source."""
    system = json.loads(card.body).get("source_system")
    return card.formula is None and (not system or NO_SYSTEM in system.get("zh", ""))


def _measured(point: int, subject: Subject, last: Last | None, book: LimitBook) -> Measured:
    if last is None:
        return Measured(subject, None, None)
    return Measured(subject, last, breach(book.at(point, subject.id, last.at).limits, last.value))


def _dated(at: At, card: Card) -> tuple[Dated, ...]:
    """Return the limits over time, newest first; a subject's own only where it is within sight."""
    found = []
    today: dict[int | None, int] = {}
    every = limit_rows.of(at.driver, at.college.id, [card.id])
    for row in every:
        if row.valid_from <= at.day:
            today[row.subject] = row.id
    words = content.get_many(at.driver, [row.reason for row in every])
    for row in reversed(every):
        key = at.params | {"layer": card.layer, "subject": row.subject}
        subject = None if row.subject is None else rows.subject(at.driver, key)
        if row.subject is None or subject is not None:
            holds = today.get(row.subject) == row.id
            found.append(Dated(row, of_row(row), words.get(row.reason) or "", subject, holds))
    return tuple(found)
