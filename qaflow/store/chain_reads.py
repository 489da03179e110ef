"""What the control points of goals read in their periods, and whether anything lies under a goal."""

from __future__ import annotations

from qaflow.store.db import Driver, Sql

_READS = Sql(
    "select goal, min(case when early = 1 then at end), avg(case when early = 1 then value end), "
    "max(case when late = 1 then at end), avg(case when late = 1 then value end) from (select g.id as goal, r.at, "
    "r.value as value, row_number() over (partition by g.id, r.subject_id order by r.at, r.version desc) as early, "
    "row_number() over (partition by g.id, r.subject_id order by r.at desc, r.version desc) as late from goal g "
    "join reading r on r.college_id = g.college_id and r.point_id = g.point_id and "
    "(g.subject_id is null or r.subject_id = g.subject_id) and (g.starts is null or r.at >= g.starts) and "
    "(g.ends is null or r.at < g.ends || '~') where g.college_id = :college and g.point_id is not null and "
    "g.retired_at is null) t group by goal"
)
_BELOW = Sql("select 1 from goal where college_id = :college and parent_id = :id and retired_at is null limit 1")


def reads(driver: Driver, college: int) -> dict[int, tuple[str, float, str, float]]:
    """Return (first at, first value, last at, last value) of goals whose control point was read in their period.

    A goal of no subject takes the mean over the subjects of its point.
    """
    return {row[0]: row[1:] for row in driver.all(_READS, {"college": college})}


def has_below(driver: Driver, college: int, goal: int) -> bool:
    """Tell whether any goal that stands lies under one, whoever may see it."""
    return driver.value(_BELOW, {"college": college, "id": goal}) is not None
