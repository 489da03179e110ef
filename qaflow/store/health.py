"""What the start page and the probes read."""

from collections.abc import Sequence
from typing import Any

from qaflow.store.driver import Driver, Sql

_INSTALLATION = Sql("select sandbox, clock_base, clock_real, paused_reason from installation")
_LAST_TICK = Sql("select started_at, ended_at, to_at from tick_run order by id desc limit 1")
_INCIDENTS = Sql("select count(*) from incident where state <> 'solved'")
_COLLEGES = Sql(
    """
    select c.key, c.name_zh, c.name_en,
           (select count(*) from subject s where s.college_id = c.id),
           (select count(*) from cycle y where y.college_id = c.id and y.status = 'running')
    from college c order by c.id
    """
)


def installation(driver: Driver) -> tuple[Any, ...] | None:
    """Return sandbox mark, the two marks of a sandbox's clock, and why automatic steps wait; None before `init`."""
    return driver.one(_INSTALLATION)


def last_tick(driver: Driver) -> tuple[Any, ...] | None:
    """Return start, end and effective instant of the newest sweep."""
    return driver.one(_LAST_TICK)


def open_incidents(driver: Driver) -> int:
    """Count the incidents that wait for somebody."""
    return int(driver.value(_INCIDENTS))


def colleges(driver: Driver) -> Sequence[tuple[Any, ...]]:
    """Return key, names, subjects and running cycles of each college."""
    return driver.all(_COLLEGES)
