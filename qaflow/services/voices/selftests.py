"""Self-tests (自测诊断, 004 §5.5): opened by the office for a term, and listed for whoever is asked or looks after it.

A self-test is open from its first to its last day by the college's clocks: a comparison of days, so that nothing has to
run for it to close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine.definition import Label, canonical, to_plain
from qaflow.engine.selftest import Form, missing
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.streams import college_fact, digest_of
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import dashboard, selftests
from qaflow.store.db import Driver, reading
from qaflow.store.selftests import Given, Opened, Subject

from . import catalogue, selftest_groups
from .selftest_groups import Groups

LISTED = 12  # self-tests, the newest
COUNTED = 4  # of them, the newest, with how many took part: counting 35,000 people takes a while
AHEAD, OPEN, CLOSED = "ahead", "open", "closed"


class Mine(NamedTuple):
    """A self-test that one is asked to answer for a subject: where it stands, how many questions, how many answered."""

    opened: Opened
    subject: Subject
    state: str
    questions: int
    answered: int
    handed_in_at: str | None


class Line(NamedTuple):
    """A self-test as whoever looks after people sees it; an older one without its counts."""

    opened: Opened
    state: str
    groups: Groups | None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What somebody sees of the college's self-tests."""

    mine: tuple[Mine, ...] = ()
    lines: tuple[Line, ...] = ()
    may_open: bool = False
    forms: tuple[Form, ...] = ()
    terms: tuple[dashboard.Term, ...] = ()
    term: str = ""  # that runs today


def listed(session: AnySession, origin: Origin, me: SignedIn) -> Listed:
    """Return what one is asked, and how many of those one looks after took part."""
    if me.college is None:
        return Listed()
    driver = reading(session)
    try:
        college = view(session, driver, me.college)
        today = college.calendar.local_day(origin.now)
        found = selftests.all_of(driver, college.id, LISTED)
        may_open = "selftests" in policy.allowed(driver, college.id, me.person, ("selftests",), today.isoformat())
        term = college.calendar.term_of(today)
        return Listed(
            mine=_mine(driver, college, me.person, found, today),
            lines=_lines(driver, college, me.person, found, today), may_open=may_open,
            forms=tuple(catalogue.forms(driver, college).values()) if may_open else (),
            terms=tuple(dashboard.terms(driver, college.id)) if may_open else (), term=term.key if term else "",
        )  # fmt: skip
    finally:
        session.rollback()


def _mine(driver: Driver, college: CollegeView, person: int, found: Sequence[Opened],
          today: date) -> tuple[Mine, ...]:  # fmt: skip
    lines = []
    for subject in selftests.mine(driver, college.id, person) if found else ():
        answered = {one.questionnaire: one for one in selftests.of_subject(driver, college.id, subject.id)}
        for opened in found:
            given = answered.get(opened.id)
            state = state_of(opened, today)
            if opened.layer != subject.layer or not (given_by(given, person) or (given is None and state != CLOSED)):
                continue
            places = len(catalogue.form_of(opened.body).places)
            left = len(missing(catalogue.form_of(opened.body), answers_of(given)))
            lines.append(Mine(opened, subject, state, places, places - left, given.handed_in_at if given else None))
    return tuple(lines)


def given_by(given: Given | None, person: int) -> bool:
    """Tell whether answers are a person's own: those that somebody else handed in are not theirs to see."""
    return given is not None and given.handed_in_by in (None, person)


def answers_of(given: Given | None) -> dict[str, int]:
    """Return the grades that a subject's answers hold."""
    return selftest_groups.loads(given.answers) if given else {}


def _lines(driver: Driver, college: CollegeView, person: int, found: Sequence[Opened],
           today: date) -> tuple[Line, ...]:  # fmt: skip
    lines: list[Line] = []
    for opened in found:
        seen = selftest_groups.seen(driver, college, opened.layer, person, today)
        if seen:
            counted = len(lines) < COUNTED
            groups = selftest_groups.of(driver, college, opened, seen, means=False) if counted else None
            lines.append(Line(opened, state_of(opened, today), groups))
    return tuple(lines)


def state_of(opened: Opened, today: date) -> str:
    """Return whether a self-test is still ahead, open, or closed on a day; it is open on its last day."""
    day = today.isoformat()
    return AHEAD if day < opened.opens else OPEN if day <= opened.closes else CLOSED


class Asked(NamedTuple):
    """What the office wants to open."""

    key: str
    term: str
    opens: date
    closes: date


def put(session: AnySession, origin: Origin, me: SignedIn, asked: Asked) -> int:
    """Open a self-test for a term; returns its number.  The same once more is the one that stands.

    Raises `Invalid` (``value.unknown`` for a key or term that is not there, ``selftest.dates``) and `Refused`
    (``selftest.exists``) where the term has one with other days.
    """

    def body(driver: Driver) -> int:
        college = view(session, driver, me.college or 0)
        today = college.calendar.local_day(origin.now)
        policy.require_role(driver, college.id, me.person, "selftests", today.isoformat())
        form = catalogue.forms(driver, college).get(asked.key)
        _check(driver, college, asked, form, today)
        assert form is not None
        days = (asked.opens.isoformat(), asked.closes.isoformat())
        standing = selftests.of_term(driver, college.id, asked.key, asked.term)
        if standing is not None:
            if (standing.opens, standing.closes) == days:
                return standing.id
            raise Refused("selftest.exists", f"the term {asked.term} has the self-test {asked.key} already")
        return _put(driver, Writer(driver, origin), college, form, asked, me.person)

    return transact(session, body)


def _check(driver: Driver, college: CollegeView, asked: Asked, form: Form | None, today: date) -> None:
    if form is None:
        raise Invalid("selftest.unknown", f"the college has no self-test {asked.key!r}")
    terms = {term.key: term for term in dashboard.terms(driver, college.id)}
    if asked.term not in terms:
        raise Invalid("value.unknown", f"the college has no term {asked.term!r}; terms: {', '.join(terms) or 'none'}")
    if not today <= asked.closes >= asked.opens:
        raise Invalid("selftest.dates", "the last day lies neither before the first nor before today")


def _put(driver: Driver, writer: Writer, college: CollegeView, form: Form, asked: Asked, person: int) -> int:
    plain = to_plain(form)
    values: dict[str, Any] = {
        "key": form.key, "term": asked.term, "layer": form.layer, "name_zh": form.name.zh, "name_en": form.name.en,
        "body": canonical(plain), "digest": digest_of([plain]), "opens": asked.opens.isoformat(),
        "closes": asked.closes.isoformat(), "made_at": writer.at, "made_by": person,
    }  # fmt: skip
    number = selftests.put(driver, college.id, values)
    told = {name: values[name] for name in ("key", "term", "layer", "opens", "closes", "digest")}
    college_fact(driver, writer, college.id, college.key, "SelfTestOpened", {"selftest": number, **told})
    writer.flush()
    return number


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Participation and means of the groups that somebody looks after."""

    opened: Opened
    form: Form
    state: str
    groups: Groups

    @property
    def name(self) -> Label:
        """The self-test's name."""
        return Label(zh=self.opened.name_zh, en=self.opened.name_en)


def overview(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Overview:
    """Return the groups of a self-test within one's reach, with their means after it closed; `Missing` without any."""
    driver = reading(session)
    try:
        college = view(session, driver, me.college or 0)
        today = college.calendar.local_day(origin.now)
        opened = selftests.one(driver, college.id, number)
        seen = selftest_groups.seen(driver, college, opened.layer, me.person, today) if opened else frozenset()
        if opened is None or not seen:
            raise Missing("selftest.not_found", f"no self-test {number}")
        state = state_of(opened, today)
        groups = selftest_groups.of(driver, college, opened, seen, means=state == CLOSED)
        return Overview(opened=opened, form=catalogue.form_of(opened.body), state=state, groups=groups)
    finally:
        session.rollback()
