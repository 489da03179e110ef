"""Rounds as the quality office steers them: what stands in each, and whom one of its acts would reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qaflow.store.dashboard import SCOPE
from qaflow.store.db import Driver, Sql

_WITHIN = SCOPE.format(t="c", s="c.subject_id") + " and (cast(:track as text) = '' or c.track = :track)"
_ROUNDS = Sql(
    "select c.layer, c.track, c.period_start, min(c.period_end), count(*), "
    + ", ".join(f"sum(case when c.status = '{s}' then 1 else 0 end)" for s in ("running", "suspended", "closed"))
    + f" from cycle c where {_WITHIN} and c.period_start <= :term_last and c.period_end > :term_first "
    "group by 1, 2, 3 order by 3 desc, 1, 2"
)
_UNSTARTED = Sql(
    "select j.layer, s.track, s.next_start, count(*) from schedule s join subject j on j.id = s.subject_id where "
    "s.unstarted_reason is not null and " + SCOPE.format(t="j", s="j.id") + " group by 1, 2, 3"
)
_REACHED = (
    f"from cycle c join subject j on j.id = c.subject_id where {_WITHIN} and c.period_start = :day and "
    "c.status in ('running', 'suspended') and (cast(:stage as text) = '' or c.stage = :stage)"
)
_TO_START = (
    "from schedule s join subject j on j.id = s.subject_id left join cycle c on c.subject_id = j.id and "
    "c.college_id = j.college_id and c.track = s.track and c.period_start <= :day and c.period_end > :day where "
    + SCOPE.format(t="j", s="j.id") + " and s.track = :track and not j.ended and (j.ends is null or j.ends >= :day)"
)  # fmt: skip
_CYCLES = Sql(f"select c.id, c.id, j.layer, j.code, j.name {_REACHED} and c.id > :after order by c.id limit :limit")
_CYCLES_MANY = Sql(f"select count(*) {_REACHED}")
_SUBJECTS = Sql(f"select s.id, c.id, j.layer, j.code, j.name {_TO_START} and s.id > :after order by s.id limit :limit")
_SUBJECTS_MANY = Sql(f"select count(*) {_TO_START}")
_DONE = Sql("select 1 from journal where stream = :stream and request_id = :request limit 1")
_VERSIONS = Sql(
    "select d.key, d.version from definition d where d.key in (select k.key from cycle c join definition k on "
    "k.id = c.definition_id where c.college_id = :college and c.layer = :layer and c.track = :track and "
    "c.period_start = :day) order by d.key, d.version desc"
)


class Round(NamedTuple):
    """A round and how its cycles stand."""

    layer: str
    track: str
    start: str
    end: str
    cycles: int
    running: int
    suspended: int
    closed: int


class Reached(NamedTuple):
    """Whom an act would reach: a cycle, or a subject's schedule (whose cycle may stand already)."""

    place: int
    cycle: int | None
    layer: str
    code: str
    name: str


def rounds(driver: Driver, params: Mapping[str, Any]) -> list[Round]:
    """Return the rounds of the days given, newest first."""
    return list(map(Round._make, driver.all(_ROUNDS, params)))


def unstarted(driver: Driver, params: Mapping[str, Any]) -> dict[tuple[str, str, str | None], int]:
    """Return how many subjects wait to be started, by (layer, track, first day of the period)."""
    return {row[:3]: row[3] for row in driver.all(_UNSTARTED, params)}


def reached(driver: Driver, params: Mapping[str, Any], starting: bool) -> tuple[int, list[Reached]]:
    """Return how many an act reaches in all, and those after a place, so many."""
    many, page = (_SUBJECTS_MANY, _SUBJECTS) if starting else (_CYCLES_MANY, _CYCLES)
    return driver.value(many, params), list(map(Reached._make, driver.all(page, params)))


def done(driver: Driver, cycle: int, request: str) -> bool:
    """Tell whether a request has left a fact in a cycle."""
    return driver.value(_DONE, {"stream": f"cycle:{cycle}", "request": request}) is not None


def versions(driver: Driver, params: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the versions of the definitions that a round's cycles follow, newest first."""
    return driver.all(_VERSIONS, params)
