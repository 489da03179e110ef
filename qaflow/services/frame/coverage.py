"""How far a term's diagnoses have answered the frame: by unit, item and degree, with the list behind each number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from qaflow.engine.diagnosis import DEGREES, FRAMED, ITEM, Tally, tally, total
from qaflow.errors import Invalid
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView
from qaflow.services.figures.survey import EVER
from qaflow.services.work import AnySession, Origin
from qaflow.store import dashboard
from qaflow.store import frame_answers as store
from qaflow.store.dashboard import Term
from qaflow.store.db import reading
from qaflow.store.frame import Row
from qaflow.store.frame_answers import Diagnosed

from . import tree as frames
from .tree import Frame, own

ASKED, ANSWERED, MISSING = "asked", "answered", "missing"
WHATS = (ASKED, ANSWERED, MISSING, *DEGREES)
LINES = 100


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is looked at; "" and 0 are all; `part` is the code of an item, element or point."""

    term: str = ""
    unit: int = 0
    cycle: int = 0
    part: str = ""
    what: str = ASKED
    page: int = 1


class Line(NamedTuple):
    """One point that a cycle is asked, and the degree of its newest answer."""

    cycle: Diagnosed
    point: Row
    degree: str | None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A term's answers, as far as one person may see the cycles."""

    college: CollegeView
    frame: Frame
    terms: tuple[Term, ...]
    term: Term
    cycles: tuple[Diagnosed, ...]
    answers: dict[int, dict[str, str]]

    @cached_property
    def points(self) -> dict[int, tuple[str, ...]]:
        """The points that each cycle is asked."""
        by_unit = {unit: self.frame.concerning(unit) for unit in {one.unit_id for one in self.cycles}}
        return {one.id: by_unit[one.unit_id] for one in self.cycles}

    def of(self, cycle: int) -> Tally:
        """Return how far one cycle has answered."""
        return tally(self.points[cycle], self.answers.get(cycle, {}))

    @property
    def total(self) -> Tally:
        """All of it."""
        return total(self.of(one.id) for one in self.cycles)

    @property
    def by_item(self) -> list[tuple[Row, Tally]]:
        """The items, each with how far its points are answered."""
        found = []
        for item in (row for row in self.frame.rows if row.level == ITEM):
            below = self.within(item.code)
            tallies = (tally([c for c in self.points[one.id] if below(c)], self.answers.get(one.id, {}))
                       for one in self.cycles)  # fmt: skip
            found.append((item, total(tallies)))
        return [(item, of) for item, of in found if of.asked]

    def within(self, part: str) -> Callable[[str], bool]:
        """Return what tells whether a point lies in a part of the frame."""

        def inside(code: str) -> bool:
            row = self.frame.by_code.get(code)
            return row is not None and (code == part or (row.parent is not None and inside(row.parent)))

        return inside

    def lines(self, chosen: Chosen) -> Iterator[Line]:
        """Yield what a number counts."""
        inside = self.within(chosen.part) if chosen.part else None
        for cycle in self.cycles:
            if chosen.unit not in (0, cycle.unit_id) or chosen.cycle not in (0, cycle.id):
                continue
            given = self.answers.get(cycle.id, {})
            for code in self.points[cycle.id]:
                degree = given.get(code)
                if (inside is None or inside(code)) and _fits(chosen.what, degree):
                    yield Line(cycle, self.frame.by_code[code], degree)


def _fits(what: str, degree: str | None) -> bool:
    if what in (ASKED, MISSING):
        return what == ASKED or degree is None
    return degree is not None if what == ANSWERED else degree == what


def look(session: AnySession, origin: Origin, me: SignedIn, term: str = "") -> Coverage:
    """Return how far the term's diagnoses have answered, in the cycles that this person may see."""
    driver = reading(session)
    try:
        college = own(session, driver, me)
        day = college.calendar.local_day(origin.now).isoformat()
        terms = dashboard.terms(driver, college.id)
        chosen = _term(terms, term, day)
        layers = [layer.key for layer in college.config.layers if layer.key in FRAMED]
        sight = policy.reach(driver, college.id, layers, me.person, day).params
        cycles = store.cycles(driver, college.id, layers, chosen.starts, chosen.ends, sight)
        answers = store.newest(driver, college.id, [one.id for one in cycles])
        return Coverage(college=college, frame=frames.of(driver, college.id), terms=tuple(terms), term=chosen,
                        cycles=tuple(cycles), answers=answers)  # fmt: skip
    finally:
        session.rollback()


def _term(terms: list[Term], wanted: str, day: str) -> Term:
    """Return the term that is chosen, else the one that runs or the last that began."""
    if wanted == EVER.key:
        return EVER
    named = [one for one in terms if one.key == wanted]
    begun = [one for one in terms if one.starts <= day]
    return (named or begun[-1:] or terms[:1] or [EVER])[-1]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One page of what a number counts."""

    coverage: Coverage
    lines: tuple[Line, ...]
    many: int
    pages: int


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return what a number counts, a page at a time."""
    if chosen.what not in WHATS:
        raise Invalid("query.unknown", f"what {chosen.what!r}: one of {', '.join(WHATS)}")
    coverage = look(session, origin, me, chosen.term)
    every = tuple(coverage.lines(chosen))
    pages = max(1, -(-len(every) // LINES))
    if chosen.page > pages:
        raise Invalid("query.page", f"page {chosen.page} of {pages}")
    first = (chosen.page - 1) * LINES
    return Listed(coverage=coverage, lines=every[first : first + LINES], many=len(every), pages=pages)
