"""Answering a self-test: kept question by question, handed in once, and what it shows beside last term and the class.

Whoever answers for the subject sees their own answers; nobody else does, no role opens them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.engine.definition import Label, canonical
from qaflow.engine.selftest import (
    HIGHEST,
    LOWEST,
    Element,
    Form,
    Place,
    by_dimension,
    missing,
    scores,
    told_to_member,
    weak,
)
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles.acting import keep
from qaflow.services.streams import person_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import readings, selftests
from qaflow.store.dashboard import units
from qaflow.store.db import Driver, reading
from qaflow.store.selftests import Given, Opened, Subject

from . import catalogue, selftest_groups
from .selftests import AHEAD, CLOSED, OPEN, answers_of, given_by, state_of

FEW, STILL_OPEN = "few", "open"
SHUT = {AHEAD: "selftest.ahead", CLOSED: "selftest.closed"}


@dataclass(frozen=True, kw_only=True)
class Answering:
    """One subject's self-test as whoever answers it sees it."""

    opened: Opened
    form: Form
    subject: Subject
    state: str
    answers: dict[str, int]
    handed_in_at: str | None

    @property
    def places(self) -> tuple[Place, ...]:
        """The questions in order."""
        return self.form.places

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the questions that are not answered yet."""
        return missing(self.form, self.answers)

    @property
    def writable(self) -> bool:
        """Whether answers may still be changed."""
        return self.state == OPEN and self.handed_in_at is None


def look(session: AnySession, origin: Origin, me: SignedIn, number: int, subject: int) -> Answering:
    """Return a self-test that one is to answer for a subject; `Missing` where it is not theirs."""
    driver = reading(session)
    try:
        return _held(driver, view(session, driver, me.college or 0), origin, me, number, subject)[0]
    finally:
        session.rollback()


def _held(driver: Driver, college: CollegeView, origin: Origin, me: SignedIn, number: int, subject: int,
          lock: bool = False) -> tuple[Answering, Given | None]:  # fmt: skip
    opened, of = selftests.one(driver, college.id, number), selftests.subject(driver, college.id, subject)
    given = selftests.given(driver, college.id, number, subject, lock=lock)
    own = of is not None and of.responsible == me.person and (given is None or given_by(given, me.person))
    if opened is None or of is None or not own or of.layer != opened.layer:
        raise Missing("selftest.not_found", f"no self-test {number} of subject {subject}")
    state = state_of(opened, college.calendar.local_day(origin.now))
    found = Answering(opened=opened, form=catalogue.form_of(opened.body), subject=of, state=state,
                      answers=answers_of(given), handed_in_at=given.handed_in_at if given else None)  # fmt: skip
    return found, given


def save(session: AnySession, origin: Origin, me: SignedIn, number: int, subject: int,
         answers: Mapping[str, int]) -> None:  # fmt: skip
    """Keep the grades of some questions; the others stay as they are.

    Raises `Invalid` (``value.unknown``) for a question or grade that is not of the form, `Refused` where the
    self-test is not open or was handed in.
    """

    def body(driver: Driver) -> None:
        college = view(session, driver, me.college or 0)
        found, given = _held(driver, college, origin, me, number, subject, lock=True)
        known = {place.question.key for place in found.places}
        if any(key not in known or not LOWEST <= grade <= HIGHEST for key, grade in answers.items()):
            raise Invalid("value.unknown", f"answers are grades from {LOWEST} to {HIGHEST} of the form's questions")
        _writable(found)
        text, at = canonical(found.answers | dict(answers)), Writer(driver, origin).at
        if given is None:
            selftests.begin(driver, college.id, number, subject, text, at)
        else:
            selftests.save(driver, given.id, text, at)

    transact(session, body)


def _writable(found: Answering) -> None:
    if found.handed_in_at is not None:
        raise Refused("selftest.handed_in", "this self-test was handed in; it is not changed any more")
    if found.state != OPEN:
        days = f"{found.opened.opens} to {found.opened.closes}"
        raise Refused(SHUT[found.state], f"the self-test is open from {days}")


def hand_in(session: AnySession, origin: Origin, me: SignedIn, number: int, subject: int) -> None:
    """Hand a self-test in, once; a second time it stands as it was handed in.

    The fact stands in the person's stream: a self-test concerns the person and goes on where no cycle runs, the
    cycle's own facts are the engine's to decide, and a college's stream would make thousands wait for each other.
    Raises `Invalid` (``selftest.missing``) naming the questions without an answer, `Refused` where it is not open.
    """

    def body(driver: Driver) -> None:
        college = view(session, driver, me.college or 0)
        found, given = _held(driver, college, origin, me, number, subject, lock=True)
        if found.handed_in_at is not None:
            return
        _writable(found)
        if found.missing or given is None:
            errors = [{"pointer": str(no), "code": "field.required"} for no in found.missing]
            raise Invalid("selftest.missing", f"questions {', '.join(map(str, found.missing))} have no answer",
                          errors=errors)  # fmt: skip
        _hand_in(driver, Writer(driver, origin), college, found, given.id, me.person)

    transact(session, body)


def _hand_in(driver: Driver, writer: Writer, college: CollegeView, found: Answering, number: int, person: int) -> None:
    of = scores(found.form, found.answers)
    if not selftests.hand_in(driver, number, canonical(of), found.subject.unit, person, writer.at):
        raise Refused("selftest.handed_in", "this self-test was handed in; it is not changed any more")
    running = readings.running_cycles(driver, college.id, [found.subject.id]).get(found.subject.id, [])
    kept = keep(driver, canonical({"answers": found.answers, "scores": of}))
    where = {"subject": found.subject.id, "unit": found.subject.unit, "cycle": running[0][0] if running else None}
    told = {"selftest": found.opened.id, **where, "form": found.opened.digest, "answers": kept}
    person_fact(driver, writer, person, "SelfTestHandedIn", told)
    writer.flush()


class Compared(NamedTuple):
    """One axis of the radar: mine, my last one, my group's mean; None where there is none to tell."""

    key: str
    name: Label
    mine: float
    before: float | None
    group: float | None
    weak: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a self-test came to; ``why`` says why the group's mean is not told."""

    answering: Answering
    unit: Label
    elements: tuple[Compared, ...]
    dimensions: tuple[Compared, ...]
    before: Opened | None
    why: str | None

    @property
    def weak(self) -> tuple[Element, ...]:
        """The elements that lie low."""
        return weak(self.answering.form, {one.key: one.mine for one in self.elements})


def result(session: AnySession, origin: Origin, me: SignedIn, number: int, subject: int) -> Result:
    """Return what one's own self-test came to; `Missing` before it is handed in."""
    driver = reading(session)
    try:
        return _result(driver, view(session, driver, me.college or 0), origin, me, number, subject)
    finally:
        session.rollback()


def _result(driver: Driver, college: CollegeView, origin: Origin, me: SignedIn, number: int,
            subject: int) -> Result:  # fmt: skip
    found, given = _held(driver, college, origin, me, number, subject)
    if given is None or given.handed_in_at is None or given.unit is None:
        raise Missing("selftest.not_found", f"self-test {number} of subject {subject} is not handed in")
    mine = json.loads(given.scores)
    earlier = _before(driver, college, found, me.person)
    before = json.loads(earlier[1].scores) if earlier else {}
    many, means = 0, None
    if found.state == CLOSED:
        many, means = selftest_groups.mean_of(driver, college, found.opened, given.unit)
    group = means if means is not None and told_to_member(many) else {}
    form = found.form
    three = [by_dimension(form, of) for of in (mine, before, group)]
    why = None if group else FEW if found.state == CLOSED else STILL_OPEN
    unit = next(u for u in units(driver, college.id) if u.id == given.unit)
    return Result(
        answering=found, unit=Label(zh=unit.name_zh, en=unit.name_en or unit.name_zh), why=why,
        before=earlier[0] if earlier else None, elements=_compared(form.elements, mine, before, group, form.low),
        dimensions=_compared(form.dimensions, three[0], three[1], three[2], form.low),
    )  # fmt: skip


def _compared(axes: Any, mine: Mapping[str, float], before: Mapping[str, float], group: Mapping[str, float],
              low: float) -> tuple[Compared, ...]:  # fmt: skip
    return tuple(Compared(axis.key, axis.name, mine[axis.key], before.get(axis.key), group.get(axis.key),
                          mine[axis.key] < low) for axis in axes)  # fmt: skip


def _before(driver: Driver, college: CollegeView, found: Answering, person: int) -> tuple[Opened, Given] | None:
    """Return the last self-test of the same key that was handed in before this one opened."""
    earlier = []
    for given in selftests.of_subject(driver, college.id, found.subject.id):
        opened = selftests.one(driver, college.id, given.questionnaire)
        done = given.handed_in_by == person and given.handed_in_at is not None
        if opened and done and opened.key == found.opened.key and opened.opens < found.opened.opens:
            earlier.append((opened, given))
    return max(earlier, key=lambda pair: pair[0].opens, default=None)
