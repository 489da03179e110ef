"""Readings that a program hands in, many at once: each is kept, known already, or refused with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from qaflow.engine.snapshot import Data
from qaflow.errors import Forbidden, Invalid, Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.policy import Scope
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import colleges, readings
from qaflow.store.db import Driver

from .intake import Intake, NewReading

MOST = 10_000


class Given(NamedTuple):
    """One reading as a program names it: the point's key, the subject's code, an instant, a value, where it is from."""

    point: str
    subject: str
    at: datetime
    value: float
    source: str
    reason: str | None = None


class Result(NamedTuple):
    """What became of the reading at a place: ``kept``, ``known`` or ``refused``, then with a code and a sentence."""

    at: int
    status: str
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What became of a delivery: how many of each, what it did to warnings, and the result of each reading."""

    counts: Data
    results: tuple[Result, ...]


def hand_in(session: AnySession, origin: Origin, me: SignedIn, given: Sequence[Given], whole: bool) -> Handed:
    """Take the readings that are right; with ``whole`` all or none of them.

    A reading is known by point, subject, instant and source: handed in twice it counts once, with another value it
    needs a reason and corrects.  Raises `Forbidden` where the person hands in none at all, `Invalid`
    (``readings.invalid``) with each fault where ``whole`` was asked.
    """

    def body(driver: Driver) -> Handed:
        if me.college is None:
            raise Missing("college.not_found", f"{me.login} is of no college")
        colleges.head(driver, me.college)  # deliveries into one college wait for each other
        college = view(session, driver, me.college)
        _require(driver, college, origin, me.person)
        intake = Intake(session, driver, origin, college)
        wrong: dict[int, Result] = {}

        def fault(n: int, where: str, code: str, message: str) -> None:
            wrong[n] = Result(n, "refused", code, f"{where}: {message}")

        fresh = intake.resolve([_new(one, intake) for one in given], fault, covered(driver, college, origin),
                               differing=True)  # fmt: skip
        if wrong and whole:
            errors = [{"pointer": f"/items/{n}", "code": one.code, "message": one.message} for n, one in wrong.items()]
            raise Invalid("readings.invalid", f"{len(wrong)} of {len(given)} readings are wrong", errors=errors)
        counts = intake.take(fresh) | {"refused": len(wrong)}
        intake.breaches.finish()
        kept = frozenset(intake.numbers)
        return Handed(counts=counts, results=tuple(
            wrong.get(n) or Result(n, "kept" if n in kept else "known") for n in range(len(given))))  # fmt: skip

    return transact(session, body)


def covered(driver: Driver, college: CollegeView, origin: Origin) -> Callable[[int], bool] | None:
    """Return which subjects a person may hand in readings of; None: of all, for the operator too."""
    if origin.person is None:
        return None
    layers = [layer.key for layer in college.config.layers]
    day = college.calendar.local_day(origin.now).isoformat()
    sight = policy.reach(driver, college.id, layers, origin.person, day, policy.RIGHTS["readings"].roles)
    if set(layers) <= set(sight.layers):
        return None
    where = {number: (layer, unit) for number, layer, unit in readings.places(driver, college.id)}

    def covers(subject: int) -> bool:
        layer, unit = where[subject]
        return sight.covers(Scope(college=college.id, subject=subject, layer=layer, unit=unit))

    return covers


def _require(driver: Driver, college: CollegeView, origin: Origin, person: int) -> None:
    day = college.calendar.local_day(origin.now).isoformat()
    if not policy.anywhere(driver, college.id, person, "readings", day):
        raise Forbidden("action.forbidden", "you may not hand in readings", action="readings")


def _new(one: Given, intake: Intake) -> NewReading:
    point = intake.points.get(one.point)
    return NewReading(one.point, point.layer if point else "", one.subject, one.at, one.value, one.source, one.reason)
