"""Questions about cycles before, after and below one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.store.db import Driver, Sql

_CHILDREN = Sql("select count(*) from cycle where parent_id = :id and status in ('running', 'suspended')")
_LIVE_CHILDREN = Sql("select id from cycle where parent_id = :id and status in ('running', 'suspended') order by id")
_NEXT = Sql(
    "select id from cycle where college_id = :college and subject_id = :subject and track = :track and "
    "status in ('running', 'suspended') and period_start > :start order by period_start limit 1"
)
_ANY = Sql(
    "select id from cycle where college_id = :college and subject_id = :subject and status = 'running' and id <> :id "
    "order by case when track = :track then 0 when parent_id is null then 1 else 2 end, period_start desc, id limit 1"
)
_ORPHAN = Sql("update warning set cycle_id = null where id in :ids[]")
_POINT = Sql("select id from control_point where college_id = :college and key = :key and layer = :layer")
_OPEN = Sql("select id, cycle_id, state, breached, severity, inside from warning where college_id = :college and "
            "point_id = :point and subject_id = :subject and state not in ('closed', 'dismissed')")  # fmt: skip


def running_children(driver: Driver, cycle: int) -> int:
    """Return how many children of a cycle are not closed."""
    count: int = driver.value(_CHILDREN, {"id": cycle})
    return count


def live_children(driver: Driver, cycle: int) -> list[int]:
    """Return the children of a cycle that are not closed."""
    return [row[0] for row in driver.all(_LIVE_CHILDREN, {"id": cycle})]


def next_unclosed(driver: Driver, college: int, subject: int, track: str, start: str) -> int | None:
    """Return the subject's unclosed cycle of the track that began after a day, or None."""
    found: int | None = driver.value(_NEXT, {"college": college, "subject": subject, "track": track, "start": start})
    return found


def running(driver: Driver, college: int, subject: int, track: str, but: int) -> int | None:
    """Return another running cycle of a subject, of the same track if there is one, or None."""
    found: int | None = driver.value(_ANY, {"college": college, "subject": subject, "track": track, "id": but})
    return found


def orphan_warnings(driver: Driver, ids: Sequence[str]) -> None:
    """Let warnings stand with the college, for want of a running cycle."""
    driver.run(_ORPHAN, {"ids": list(ids)})


def point_id(driver: Driver, college: int, layer: str, key: str) -> int | None:
    """Return a layer's control point by its key."""
    found: int | None = driver.value(_POINT, {"college": college, "layer": layer, "key": key})
    return found


def open_warning(driver: Driver, college: int, point: int, subject: int) -> tuple[Any, ...] | None:
    """Return (id, cycle, state, breached, severity, readings inside in a row) of the open warning, or None."""
    return driver.one(_OPEN, {"college": college, "point": point, "subject": subject})
