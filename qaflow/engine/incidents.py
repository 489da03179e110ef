"""Quality incidents (质量事故): categories and grades as data, the table of their life, and the figures of a year.

003 annex 1, element 7.2 wants incidents classified and graded, complaints taken, handled and answered, and analysed
over the years; 004 table 8 lists the rules for telling and grading incidents of teaching, and for warning of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .definition import Label

REPORTED, GRADED, HANDLED, ANSWERED, CLOSED = STATES = ("reported", "graded", "handled", "answered", "closed")
TABLE: dict[str, tuple[tuple[str, ...], str]] = {
    "grade": ((REPORTED, GRADED, HANDLED), GRADED),
    "handle": ((GRADED,), HANDLED),
    "answer": ((HANDLED,), ANSWERED),
    "close": ((ANSWERED,), CLOSED),
}
"""For each act the states in which it may be done and the state it leads to; graded anew, it is to be handled again."""
FACTS = {"grade": "IncidentGraded", "handle": "IncidentHandled", "answer": "IncidentAnswered",
         "close": "IncidentClosed"}  # fmt: skip
LATE = (5, 10, 20)
"""The last working day of each span of time that an answer took, but the last span."""


@dataclass(frozen=True, kw_only=True)
class Category:
    """One class of incidents (分类)."""

    key: str
    name: Label
    source: str = ""
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grade:
    """One degree of incidents (分等), the gravest last; ``days`` is how many working days its handler has."""

    key: str
    name: Label
    days: int
    source: str = ""
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a college classifies and grades its incidents."""

    categories: tuple[Category, ...]
    grades: tuple[Grade, ...]
    source: str = ""
    assumed: tuple[str, ...] = ()

    def category(self, key: str) -> Category | None:
        """Return a category by its key."""
        return next((one for one in self.categories if one.key == key), None)

    def grade(self, key: str) -> Grade | None:
        """Return a grade by its key."""
        return next((one for one in self.grades if one.key == key), None)


def after(state: str, act: str) -> str | None:
    """Return the state to which an act leads, or None where the state does not allow it."""
    allowed, to = TABLE[act]
    return to if state in allowed else None


def possible(state: str) -> tuple[str, ...]:
    """Return the acts that a state allows, in the order of an incident's life."""
    return tuple(act for act, (allowed, _) in TABLE.items() if state in allowed)


def overdue(state: str, due: str | None, floor: str) -> bool:
    """Tell whether the handler is late: the due day lies before the first day that still counts as in time."""
    return state == GRADED and due is not None and due < floor


def span(days: int) -> int:
    """Return in which span of `LATE` an answer after so many working days lies."""
    return next((at for at, last in enumerate(LATE) if days <= last), len(LATE))


class Case(NamedTuple):
    """What is counted of one incident; ``took`` is the span of its answer, None while it has none."""

    id: int
    state: str
    category: str
    grade: str | None
    unit: int
    month: int
    took: int | None
    late: bool
    complaint: bool


FACETS = Case._fields[1:]
"""By what incidents are counted and chosen."""


def tally(cases: Iterable[Case], by: str) -> dict[Any, int]:
    """Return how many incidents there are of each value of one of a case's fields."""
    found: dict[Any, int] = {}
    for case in cases:
        value = getattr(case, by)
        found[value] = found.get(value, 0) + 1
    return found


def chosen(cases: Iterable[Case], wanted: Mapping[str, Any]) -> list[Case]:
    """Return the incidents whose fields have the wanted values: what a number of `tally` counts."""
    return [case for case in cases if all(getattr(case, name) == value for name, value in wanted.items())]
