"""Tasks of the year for those who may see them: lists and counts by one condition, one task, its months, changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from qaflow.store import keyset
from qaflow.store.db import Driver, Sql
from qaflow.store.keyset import Place


class Task(NamedTuple):
    """A task as a line says it; `units` is the JSON list of the codes of its units, the lead first."""

    id: int
    plan: str
    no: int
    title_zh: str
    title_en: str
    units: str
    lead: int | None
    point: str | None
    kind: str
    origin: str
    source_time: str | None
    starts: str | None
    due: str | None
    recurs: bool
    state: str
    done_at: str | None
    owner: int | None
    owner_name: str | None
    owner_login: str | None
    goal: int | None
    goal_zh: str | None
    goal_en: str | None
    goal_key: str | None
    cost: float | None
    result: str | None
    year: int | None
    version: int

    @property
    def title(self) -> dict[str, str]:
        """What is to be done, in both languages."""
        return {"zh": self.title_zh, "en": self.title_en}


class Placed(NamedTuple):
    """A task and its place in the order of the list."""

    task: Task
    place: Place


class Unit(NamedTuple):
    """A unit as tasks name it."""

    id: int
    code: str
    kind: str
    parent: int | None
    name_zh: str
    name_en: str
    aliases: str

    @property
    def name(self) -> dict[str, str]:
        """Its name in both languages."""
        return {"zh": self.name_zh, "en": self.name_en or self.name_zh}


SEEN = (
    "(:t_whole or t.owner_id in :t_persons[] or t.owner_unit_id in :t_units[] or exists (select 1 from unit u where "
    "u.college_id = t.college_id and u.id in :t_units[] and "
    "replace(t.departments, '\"' || u.code || '\"', '') <> t.departments))"
)
"""By a role that covers one of the task's units, or as its owner; the parameters come from `policy.tasks`."""
_OF_YEAR = (
    "(cast(:year as bigint) = 0 or t.year = :year or (t.year is null and (t.due is null or "
    "(t.due >= :first and t.due <= :last))) or exists (select 1 from task_month m where m.college_id = t.college_id "
    "and m.task_id = t.id and m.month >= :first_month and m.month <= :last_month))"
)
_LATE = "(t.state in ('planned', 'going') and t.due is not null and t.due < :today)"
_STATE = (
    "(cast(:state as text) = '' or (:state = 'late' and " + _LATE + ") or (:state = 'open' and t.state in ('planned', "
    "'going')) or (t.state = :state and not " + _LATE + "))"
)
_CHOSEN = (
    f"t.college_id = :college and {SEEN} and {_OF_YEAR} and (cast(:unit as bigint) = 0 or t.owner_unit_id in :units[] "
    "or (:assisting and exists (select 1 from unit u where u.college_id = t.college_id and u.id in :units[] and "
    "replace(t.departments, '\"' || u.code || '\"', '') <> t.departments))) and (cast(:owner as bigint) = 0 or "
    "t.owner_id = :owner) and (cast(:kind as text) = '' or t.task_kind = :kind) and (cast(:origin as text) = '' or "
    "t.origin = :origin) and (cast(:plan as text) = '' or t.plan = :plan) and (cast(:goal as bigint) = 0 or "
    "t.goal_id = :goal) and (cast(:month as text) = '' or (t.due >= :month || '-01' and t.due <= :month || '-31')) "
    "and (cast(:cycle as bigint) = 0 or t.goal_id in (select g.id from goal g where g.college_id = t.college_id and "
    "g.cycle_id = :cycle) or exists (select 1 from cycle c where c.college_id = t.college_id and c.id = :cycle and "
    "c.unit_id = t.owner_unit_id and t.due >= c.period_start and t.due < c.period_end))"
)
_COLUMNS = (
    "t.id, t.plan, t.no, t.title_zh, t.title_en, t.departments, t.owner_unit_id, t.point_code, t.task_kind, t.origin, "
    "t.source_time, t.starts, t.due, t.recurs, t.state, t.done_at, t.owner_id, p.name, p.login, t.goal_id, g.text_zh, "
    "g.text_en, g.key, t.cost, t.result, t.year, t.version"
)
_JOINED = "left join person p on p.id = t.owner_id left join goal g on g.id = t.goal_id and g.college_id = t.college_id"
_KIND = "case t.task_kind when 'key' then 0 when 'routine' then 1 else 2 end"
_LAST_DAY = "9999-12-31"
SORTS = keyset.both_ways({
    "kind": (_KIND, f"coalesce(t.due, '{_LAST_DAY}')", "t.plan", "t.no", "t.id"),
    "due": (f"coalesce(t.due, '{_LAST_DAY}')", "t.id"), "starts": (f"coalesce(t.starts, '{_LAST_DAY}')", "t.id"),
    "plan": ("t.plan", "t.no", "t.id"), "owner": ("coalesce(p.login, '')", "t.id"),
})  # fmt: skip
"""In what order the list can stand."""
USUAL = "kind"
_COUNTS = Sql(
    f"select case when {_LATE} then 'late' else t.state end, count(*) from plan_task t where {_CHOSEN} group by 1"
)
_PLANS = Sql(
    "select t.plan, t.body from plan_task t where t.id in (select min(t.id) from plan_task t where "
    f"t.college_id = :college and {SEEN} group by t.plan) order by t.plan"
)
_OWNERS = Sql(
    "select p.id, p.name, count(*) from plan_task t join person p on p.id = t.owner_id where t.college_id = :college "
    f"and {SEEN} group by p.id, p.name order by p.name, p.id limit :limit"
)
_ONE = Sql(f"select {_COLUMNS} from plan_task t {_JOINED} where t.college_id = :college and t.id = :id and {SEEN}")
_NAMED = Sql(f"select {_COLUMNS} from plan_task t {_JOINED} where t.college_id = :college order by t.plan, t.no")
_NOTES = Sql(
    "select task_id, month, state from task_month where college_id = :college and task_id in :tasks[] order by month"
)
_UNITS = Sql("select id, code, kind, parent_id, name_zh, name_en, aliases from unit where college_id = :college "
             "order by id")  # fmt: skip
_LAST_NO = Sql("select coalesce(max(no), 0) from plan_task where college_id = :college and plan = :plan")
_GOAL = Sql(  # goals of subjects are for those who see the subject
    "select id, key, text_zh, text_en from goal where college_id = :college and id = :id and subject_id is null"
)
_GOALS = Sql(
    "select id, key, text_zh, text_en from goal where college_id = :college and retired_at is null and "
    "subject_id is null order by layer, key limit :limit"
)
_WARNING = Sql(
    "select id, state from warning where college_id = :college and task_id = :task and state not in ('closed', "
    "'dismissed')"
)
_CYCLE = Sql("select c.id, s.name, c.number, c.period_start, c.period_end from cycle c join subject s on "
             "s.id = c.subject_id where c.college_id = :college and c.id = :cycle")  # fmt: skip
_ANSWERED = Sql(
    "select distinct unit_id from subject where college_id = :college and layer = 'school' and not ended and "
    "responsible_id in :persons[]"
)
_ANSWERING = Sql("select distinct unit_id, responsible_id from subject where college_id = :college and "
                 "layer = 'school' and not ended and responsible_id is not null")  # fmt: skip
_THEIRS = Sql("select t.id from plan_task t where t.college_id = :college and t.id in :ids[] and "
              f"t.state in ('planned', 'going') and {SEEN}")  # fmt: skip
FIELDS = ("title_zh", "title_en", "departments", "owner_unit_id", "point_code", "task_kind", "origin", "starts", "due",
           "owner_id", "goal_id", "cost", "year")  # fmt: skip
"""What people may change of a task, as columns."""
_SET = Sql(
    "update plan_task set " + ", ".join(f"{name} = :{name}" for name in FIELDS) + ", state = :state, "
    "done_at = :done_at, result = :result, late_warned = (late_warned and not (:again)), loaded = false, "
    "version = version + 1 where college_id = :college and id = :id and version = :was"
)
_MONTH_GONE = Sql("delete from task_month where college_id = :college and task_id = :task and month = :month")
_MONTHS = ("college_id", "task_id", "month", "state", "noted_at", "noted_by")
_BORN = ("id", "college_id", "plan", "no", *FIELDS, "source_time", "recurs", "state", "late_warned", "body", "loaded",
         "version")  # fmt: skip


@cache
def _page(sort: str, begins: bool) -> Sql:
    order = SORTS[sort]
    behind = "" if begins else f"and {order.beyond} "
    return Sql(f"select {_COLUMNS}, {order.selected} from plan_task t {_JOINED} where {_CHOSEN} and {_STATE} {behind}"
               f"order by {order.by} limit :limit offset :offset")  # fmt: skip


def page(driver: Driver, params: Mapping[str, Any], limit: int, offset: int = 0, sort: str = USUAL,
         after: Place | None = None) -> list[Placed]:  # fmt: skip
    """Return the next tasks that fit after a place; unless told, by kind and in the order of their finish."""
    given = {**params, **keyset.after(after), "limit": limit, "offset": offset}
    width = len(Task._fields)
    return [Placed(_task(row[:width]), tuple(row[width:])) for row in driver.all(_page(sort, after is None), given)]


def counts(driver: Driver, params: Mapping[str, Any]) -> dict[str, int]:
    """Return how many of the tasks that fit (whatever their state) stand how."""
    return {str(state): int(many) for state, many in driver.all(_COUNTS, params)}


def plans(driver: Driver, params: Mapping[str, Any]) -> list[tuple[str, dict[str, str] | None]]:
    """Return (key, name in both languages) of the plans of which somebody may see tasks; those of pages have none."""
    found = ((key, json.loads(body).get("plan")) for key, body in driver.all(_PLANS, params))
    return [(key, plan["name"] if plan else None) for key, plan in found]


def owners(driver: Driver, params: Mapping[str, Any], limit: int) -> list[tuple[int, str, int]]:
    """Return (person, name, tasks) of those who own tasks that somebody may see."""
    return driver.all(_OWNERS, {**params, "limit": limit})


def one(driver: Driver, params: Mapping[str, Any], task: int) -> Task | None:
    """Return one task that somebody may see."""
    row = driver.one(_ONE, {**params, "id": task})
    return _task(row) if row else None


def everything(driver: Driver, college: int) -> dict[tuple[str, int], Task]:
    """Return all tasks of a college by (plan, number), for an import."""
    return {(t.plan, t.no): t for t in map(_task, driver.all(_NAMED, {"college": college}))}


def notes(driver: Driver, college: int, tasks: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return what was noted of tasks, by month."""
    found: dict[int, dict[str, str]] = {}
    for task, month, state in driver.all(_NOTES, {"college": college, "tasks": list(tasks)}):
        found.setdefault(task, {})[month] = state
    return found


def units(driver: Driver, college: int) -> dict[int, Unit]:
    """Return a college's units by number, closed ones too: old tasks name them."""
    return {row[0]: Unit._make(row) for row in driver.all(_UNITS, {"college": college})}


def last_number(driver: Driver, college: int, plan: str) -> int:
    """Return the highest number of a plan's tasks, 0 for none."""
    return int(driver.value(_LAST_NO, {"college": college, "plan": plan}))


def goal(driver: Driver, college: int, number: int) -> tuple[int, str, str, str] | None:
    """Return (number, key, Chinese, English) of a goal of the college."""
    row = driver.one(_GOAL, {"college": college, "id": number})
    return (row[0], row[1], row[2], row[3]) if row else None


def goals(driver: Driver, college: int, limit: int) -> list[tuple[int, str, str, str]]:
    """Return the goals that a task may serve."""
    return driver.all(_GOALS, {"college": college, "limit": limit})


def open_warning(driver: Driver, college: int, task: int) -> tuple[str, str] | None:
    """Return (warning, state) of the open warning that a task's lateness opened."""
    row = driver.one(_WARNING, {"college": college, "task": task})
    return (row[0], row[1]) if row else None


def cycle(driver: Driver, college: int, number: int) -> tuple[Any, ...] | None:
    """Return (number, subject, round, first day, day after the last) of a cycle."""
    return driver.one(_CYCLE, {"college": college, "cycle": number})


def answered(driver: Driver, college: int, persons: Sequence[int]) -> list[int]:
    """Return the units for whose own work persons answer."""
    return [row[0] for row in driver.all(_ANSWERED, {"college": college, "persons": list(persons)})]


def answering(driver: Driver, college: int) -> dict[int, set[int]]:
    """Return who answers for the own work of each unit: `answered`, the other way round."""
    found: dict[int, set[int]] = {}
    for unit, person in driver.all(_ANSWERING, {"college": college}):
        found.setdefault(unit, set()).add(person)
    return found


def theirs(driver: Driver, college: int, ids: Sequence[int], persons: Sequence[int], units: Sequence[int]) -> set[int]:
    """Return those of some tasks that are open, and owned by persons or the lead's or assisting work of units."""
    key = {"college": college, "ids": list(ids), "t_whole": False, "t_persons": list(persons), "t_units": list(units)}
    return {number for (number,) in driver.all(_THEIRS, key)}


def add(driver: Driver, college: int, rows: Iterable[Mapping[str, Any]]) -> list[int]:
    """Store new tasks (columns by name) and return their numbers."""
    given = list(rows)
    ids = list(driver.reserve("plan_task", len(given))) if given else []
    begun = {"college_id": college, "source_time": None, "recurs": False, "state": "planned", "late_warned": False,
             "body": "{}", "loaded": False, "version": 1}  # fmt: skip
    made = [{**begun, **row, "id": number} for number, row in zip(ids, given, strict=True)]
    driver.insert_rows("plan_task", _BORN, [[row[name] for name in _BORN] for row in made])
    return ids


def change(driver: Driver, college: int, before: Task, **changes: Any) -> bool:
    """Write a task's columns if it is still the version that was read; from then on it is no longer the files'."""
    values = {**columns(before), "state": before.state, "done_at": before.done_at, "result": before.result}
    again = changes.pop("again", False)
    key = {"college": college, "id": before.id, "was": before.version, "again": again}
    return driver.run(_SET, {**values, **changes, **key}) == 1


def columns(task: Task) -> dict[str, Any]:
    """Return what may be changed of a task, as columns."""
    found = (task.title_zh, task.title_en, task.units, task.lead, task.point, task.kind, task.origin, task.starts,
             task.due, task.owner, task.goal, task.cost, task.year)  # fmt: skip
    return dict(zip(FIELDS, found, strict=True))


def note(driver: Driver, college: int, task: int, month: str, state: str | None, at: str, by: int) -> None:
    """Note how a task stood in a month; None takes the note away."""
    driver.run(_MONTH_GONE, {"college": college, "task": task, "month": month})
    if state is not None:
        driver.insert_rows("task_month", _MONTHS, [(college, task, month, state, at, by)])


def _task(row: tuple[Any, ...]) -> Task:
    found = Task._make(row)
    return found._replace(recurs=bool(found.recurs))
