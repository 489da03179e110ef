"""The month grid of a year's tasks (003 部门工作任务完成情况一览表, 004 table 6), and one page (002 §4.2 一页纸)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from qaflow.engine import grid
from qaflow.engine.grid import Entry, Progress
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import cycles as cycle_rows
from qaflow.store import tasks as rows
from qaflow.store.tasks import Task, Unit

from . import desk as task_desk
from . import plans
from .desk import KINDS, Chosen, Desk
from .plans import Choices

MOST = 240  # rows of the grid on a page, which a phone still bears; a file holds them all
MOST_UNITS = 10
MOST_GOALS = 8
SHEET = 24  # tasks of one sheet: more do not fit A4
RISKS = 4


class Row(NamedTuple):
    """A task in the grid: how it stands in each month and in all."""

    task: Task
    standing: str
    units: tuple[Unit, ...]
    cells: tuple[str | None, ...]
    progress: Progress


class Grid(NamedTuple):
    """A year's tasks by kind and month; the counts are of all states, also where one of them is chosen."""

    year: int
    months: tuple[str, ...]
    now: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    counts: dict[str, int]
    many: int
    more: bool
    progress: Progress
    choices: Choices
    may_add: bool
    may_import: bool

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, in the order of the groups."""
        return tuple(row for _, group in self.groups for row in group)


def shown(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Grid:
    """Return the month grid of what somebody may see and chose."""
    return task_desk.looked(session, origin, me, lambda desk: whole(desk, chosen))


def whole(desk: Desk, chosen: Chosen, limit: int = MOST) -> Grid:
    """Return the month grid at a desk, with at most so many tasks."""
    params = desk.params(chosen)
    of = grid.months(desk.numbers, desk.year(chosen))
    found = rows.page(desk.driver, params, limit + 1)
    lines = drawn(desk, [one.task for one in found[:limit]], of)
    counts = plans.counted(desk, params)
    groups = tuple((kind, group) for kind in KINDS if (group := tuple(r for r in lines if r.task.kind == kind)))
    return Grid(
        year=desk.year(chosen), months=of, now=grid.month_of(desk.today), groups=groups, counts=counts,
        many=len(lines), more=len(found) > limit, progress=_together(lines), choices=plans.choices(desk, chosen),
        may_add=task_desk.may_add(desk.reach), may_import=desk.may_import,
    )  # fmt: skip


def drawn(desk: Desk, found: Sequence[Task], of: Sequence[str]) -> tuple[Row, ...]:
    """Return tasks with their cells."""
    notes = rows.notes(desk.driver, desk.college.id, [task.id for task in found])
    return tuple(_row(desk, task, desk.entry(task, notes.get(task.id, {})), of) for task in found)


def _row(desk: Desk, task: Task, entry: Entry, of: Sequence[str]) -> Row:
    return Row(task, grid.standing(entry, desk.today), task_desk.units_named(desk, task),
               grid.row(entry, of, desk.today), grid.progress(entry, of, desk.today))  # fmt: skip


def _together(lines: Sequence[Row]) -> Progress:
    return grid.together([row.progress for row in lines if row.standing != grid.DROPPED])


class Cost(NamedTuple):
    """What tasks of a unit cost in yuan: planned in all, and of those that are done."""

    unit: Unit | None
    planned: float
    spent: float


class OnePage(NamedTuple):
    """Tasks as they cross goals, months, units and cost, with progress and what is at risk."""

    of: Grid
    title: tuple[str, object]  # what it is a page of: unit, plan, goal, cycle or year, and which
    goals: tuple[tuple[int, dict[str, str]], ...]
    units: tuple[Unit, ...]
    costs: tuple[Cost, ...]
    total: Cost
    risks: tuple[Row, ...]


def one_page(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> OnePage:
    """Return one sheet of the tasks of a unit, plan, goal or cycle; `Missing` for a cycle that is not theirs to see."""

    def body(desk: Desk) -> OnePage:
        title = _title(desk, session, origin, me, chosen)
        of = whole(desk, replace(chosen, every=bool(chosen.cycle)), SHEET)
        lines = of.rows
        named = [(r.task.goal, {"zh": r.task.goal_zh or "", "en": r.task.goal_en or ""}) for r in lines if r.task.goal]
        goals = tuple({number: text for number, text in named if number is not None}.items())[:MOST_GOALS]
        units = tuple({unit.id: unit for row in lines for unit in row.units}.values())[:MOST_UNITS]
        costs = _costs(desk, lines)
        total = Cost(None, sum(c.planned for c in costs), sum(c.spent for c in costs))
        risks = tuple(row for row in lines if row.standing == grid.LATE)[:RISKS]
        return OnePage(of, title, goals, units, costs, total, risks)

    return task_desk.looked(session, origin, me, body)


def _title(desk: Desk, session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> tuple[str, object]:
    if chosen.cycle:
        return "cycle", _cycle(desk, me, chosen.cycle)
    if chosen.goal:
        found = rows.goal(desk.driver, desk.college.id, chosen.goal)
        if found is None:
            raise Missing("goal.not_found", f"no goal {chosen.goal}")
        return "goal", {"zh": found[2], "en": found[3]}
    if chosen.unit:
        if chosen.unit not in desk.units:
            raise Missing("unit.not_found", f"no unit {chosen.unit}")
        return "unit", desk.units[chosen.unit].name
    return ("plan", chosen.plan) if chosen.plan else ("year", desk.year(chosen))


def _cycle(desk: Desk, me: SignedIn, number: int) -> tuple[object, ...]:
    """Return a cycle's subject, round and period; one of another college or out of sight is not there."""
    row, loaded = rows.cycle(desk.driver, desk.college.id, number), cycle_rows.load(desk.driver, number)
    if row is None or loaded is None:
        raise Missing("cycle.not_found", f"no cycle {number}")
    scope = policy.scope_of(loaded[0], desk.college.id)
    if not policy.may_see(desk.driver, scope, loaded[0], me.person, desk.today.isoformat()):
        raise Missing("cycle.not_found", f"no cycle {number}")
    return row


def _costs(desk: Desk, lines: Sequence[Row]) -> tuple[Cost, ...]:
    """Return what the tasks of each lead unit cost, the dearest first; a task that was dropped costs nothing."""
    sums: dict[int | None, list[float]] = {}
    for row in lines:
        if row.task.cost and row.standing != grid.DROPPED:
            found = sums.setdefault(row.task.lead, [0.0, 0.0])
            found[0] += row.task.cost
            found[1] += row.task.cost if row.standing == grid.DONE else 0
    costs = [Cost(desk.units.get(unit or 0), *found) for unit, found in sums.items()]
    return tuple(sorted(costs, key=lambda c: -c.planned))
