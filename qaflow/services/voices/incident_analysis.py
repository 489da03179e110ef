"""A year's quality incidents counted: by category, degree, unit, month and time to the answer (003 annex 1, 7.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.engine.definition import Label
from qaflow.engine.incidents import FACETS, LATE, STATES, Case, Rules, tally
from qaflow.errors import Forbidden
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.figures.survey import quantile
from qaflow.services.work import AnySession, Origin
from qaflow.store import incidents as rows
from qaflow.store.incidents import Row

from .incident_desk import Desk, days_of


class Counted(NamedTuple):
    """How many incidents have a value of a facet, and how many had it the year before."""

    value: Any
    many: int
    before: int


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A year's incidents by each facet, beside those of the year before."""

    year: int
    years: tuple[int, ...]
    rules: Rules
    units: Mapping[int, Label]
    many: int
    before: int
    by: Mapping[str, tuple[Counted, ...]]
    days: int | None  # working days to the answer, the median


def analysis(session: AnySession, origin: Origin, me: SignedIn, year: int) -> Analysis:
    """Return a year's figures over what a person's roles let them read; `Forbidden` for whoever has only their own."""
    try:
        desk = Desk(session, origin, me)
        if not desk.analyses:
            raise Forbidden("action.forbidden", "the analysis is for the office, leaders and supervisors")
        year = year or desk.today.year
        found, earlier = desk.cases(year), [case for _, case in desk.cases(year - 1)]
        cases = [case for _, case in found]
        return Analysis(
            year=year, rules=desk.rules, units=desk.units(), many=len(cases), before=len(earlier),
            years=tuple(sorted({*rows.years(desk.driver, desk.college.id, desk.seen), desk.today.year}, reverse=True)),
            by={facet: _counted(desk, facet, cases, earlier) for facet in FACETS}, days=_median(desk, found),
        )  # fmt: skip
    finally:
        session.rollback()


def _counted(desk: Desk, facet: str, cases: Sequence[Case], earlier: Sequence[Case]) -> tuple[Counted, ...]:
    now, before = tally(cases, facet), tally(earlier, facet)
    order: Mapping[str, Sequence[Any]] = {
        "category": [one.key for one in desk.rules.categories], "grade": [one.key for one in desk.rules.grades],
        "month": range(1, 13), "took": range(len(LATE) + 1), "state": STATES,
    }  # fmt: skip
    wanted = list(order.get(facet, ()))
    if facet == "unit":
        wanted = sorted(now | before, key=lambda unit: (-now.get(unit, 0), unit))
    wanted += [value for value in now | before if value not in wanted]
    return tuple(Counted(value, now.get(value, 0), before.get(value, 0)) for value in wanted)


def _median(desk: Desk, found: Sequence[tuple[Row, Case]]) -> int | None:
    taken: dict[int, int] = {}
    for row, _ in found:
        days = days_of(desk.college.calendar, row.reported_at, row.answered_at)
        if days is not None:
            taken[days] = taken.get(days, 0) + 1
    return quantile(taken, 0.5) if taken else None
