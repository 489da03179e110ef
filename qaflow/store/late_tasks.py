"""Tasks of plans by their finish: which are late, which recur, which have their warning."""

from __future__ import annotations

from collections.abc import Sequence

from qaflow.store.db import Driver, Sql

_LATE_TASKS = Sql(
    "select t.id, t.owner_unit_id, j.id, t.no from plan_task t left join unit u on u.id = t.owner_unit_id "
    "left join subject j on j.college_id = t.college_id and j.unit_id = u.id and j.layer = 'school' and j.code = "
    "u.code "
    "where t.college_id = :college and t.due < :day and t.state in ('planned', 'going') and not t.late_warned and "
    "not exists (select 1 from warning w where w.college_id = t.college_id and w.task_id = t.id and w.state not in "
    "('closed', 'dismissed')) order by t.id limit :limit"
)
_PLANNED = Sql(
    "select id, month, recurs, due, late_warned, body from plan_task where college_id = :college and loaded order by id"
)
_SET_TASK = Sql(
    "update plan_task set due = :due, late_warned = :warned, state = 'planned', done_at = null, "
    "starts = null, result = null, year = null, version = version + 1 where id = :id"
)
_RECURRING = Sql("select id, due from plan_task where college_id = :college and recurs and due < :before and "
                 "state <> 'dropped'")  # fmt: skip
_TASK_WARNED = Sql("update plan_task set late_warned = true where id = :id")


def late_tasks(driver: Driver, college: int, day: str, limit: int) -> list[tuple[int, int | None, int | None, str]]:
    """Return (task, owning unit, that unit's subject, number) of tasks past their finish and not warned about."""
    return driver.all(_LATE_TASKS, {"college": college, "day": day, "limit": limit})


def planned_tasks(driver: Driver, college: int) -> list[tuple[int, int | None, bool, str | None, bool, str]]:
    """Return (task, month, whether it recurs, finish, whether warned, body) of tasks still as files loaded them."""
    rows = driver.all(_PLANNED, {"college": college})
    return [(i, month, bool(recurs), due, bool(warned), body) for i, month, recurs, due, warned, body in rows]


def recurring_tasks(driver: Driver, college: int, before: str) -> list[tuple[int, str]]:
    """Return (task, finish) of yearly tasks whose finish lies before a day."""
    return driver.all(_RECURRING, {"college": college, "before": before})


def set_tasks_due(driver: Driver, rows: Sequence[tuple[int, str, bool]]) -> None:
    """Set tasks' finish, as planned anew; (task, finish, whether it stands without a warning)."""
    driver.many(_SET_TASK, [{"id": i, "due": due, "warned": warned} for i, due, warned in rows])


def task_warned(driver: Driver, task: int) -> None:
    """Note that a late task has its warning."""
    driver.run(_TASK_WARNED, {"id": task})
