"""Tasks of plans as the chains count them: by the layer of the goal they serve, and the system of their unit."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.tasks import SEEN

_TEXT = (
    "select t.id, t.plan, t.no, t.title_zh, t.title_en, t.due, t.state, t.owner_unit_id, u.name_zh, u.name_en, "
    "coalesce(g.layer, case when t.body like '{%' then {layer} end, 'school'), coalesce(u.system, 'none'), t.goal_id "
    "from plan_task t left join unit u on u.college_id = t.college_id and u.id = t.owner_unit_id left join goal g on "
    f"g.college_id = t.college_id and g.id = t.goal_id where t.college_id = :college and {SEEN} and "
    "(:goal = 0 or t.goal_id = :goal) and (:year = '' or t.year is null or t.year = cast(:year as integer)) "
    "order by t.plan, t.no"
)
_TASKS = Sql(
    _TEXT.replace("{layer}", "json_extract(t.body, '$.layer')"),
    postgresql=_TEXT.replace("{layer}", "cast(t.body as json) ->> 'layer'"),
)


class TaskRow(NamedTuple):
    """A task of a plan with its place in the matrix."""

    id: int
    plan: str
    no: int
    title_zh: str
    title_en: str
    due: str | None
    state: str
    owner_unit: int | None
    unit_zh: str | None
    unit_en: str | None
    layer: str
    system: str
    goal: int | None


def tasks(driver: Driver, params: dict[str, Any], goal: int = 0, year: str = "") -> list[TaskRow]:
    """Return the tasks that a person sees, of one goal or of all; one without a year belongs to every year."""
    return list(map(TaskRow._make, driver.all(_TASKS, params | {"goal": goal, "year": year})))
