"""The month grid of tasks and their one page, as figures."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.engine import grid as months
from qaflow.services.tasks import grid as task_grid
from qaflow.services.tasks.desk import KINDS, ORIGINS
from qaflow.store import tasks as rows

MONTH = r"\d{4}-(0[1-9]|1[0-2])\Z"
SHEETS = ("cycle", "goal", "unit", "plan", "year")
OPEN = "open"


class Sheet(s.Strict):
    """Which tasks are meant."""

    year = s.whole(1900, 2199, loose=True, load_default=0)
    unit = s.ident(loose=True)
    owner = s.ident(loose=True)
    kind = s.choice(KINDS)
    origin = s.choice(ORIGINS)
    plan = s.text(s.NAME)
    goal = s.ident(loose=True)
    cycle = s.ident(loose=True)
    month = s.text(7, 7, MONTH)
    state = s.choice((*months.STATES, OPEN))


class Unit(s.Strict):
    """A unit that carries a task."""

    id = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)


class Counts(s.Strict):
    """How many tasks stand how."""

    done = s.whole(required=True)
    going = s.whole(required=True)
    late = s.whole(required=True)
    planned = s.whole(required=True)
    dropped = s.whole(required=True)


class Row(s.Strict):
    """A task in the grid: how it stands in each month and in all, what is done and should be, as shares of one."""

    id = s.ident(required=True)
    title = s.one(s.Named, required=True)
    kind = s.choice(KINDS, required=True)
    state = s.choice(months.STATES, required=True)
    goal = s.ident(required=True, allow_none=True)
    units = s.many(Unit, required=True)
    cells = s.many(s.choice(months.STATES, allow_none=True), 12, required=True)
    made = s.number(0, 1, required=True)
    planned = s.number(0, 1, required=True)


class Grid(s.Strict):
    """A year's tasks by month; the counts are of all states."""

    year = s.whole(required=True)
    now = s.text(7, 7, required=True)
    months = s.many(s.text(7, 7), 12, required=True)
    counts = s.one(Counts, required=True)
    made = s.number(0, 1, required=True)
    planned = s.number(0, 1, required=True)
    more = s.flag(required=True)
    rows = s.many(Row, task_grid.MOST, required=True)


class Goal(s.Strict):
    """A goal that tasks of the sheet serve."""

    id = s.ident(required=True)
    text = s.one(s.Named, required=True)


class Cost(s.Strict):
    """What tasks of a unit cost in yuan: planned in all, and of those that are done."""

    unit = s.one(Unit, required=True, allow_none=True)
    planned = s.number(required=True)
    spent = s.number(required=True)


class OnePage(s.Strict):
    """Tasks as they cross goals, months, units and cost; `risks` are the numbers of those that are late."""

    of = s.choice(SHEETS, required=True)
    grid = s.one(Grid, required=True)
    goals = s.many(Goal, required=True)
    units = s.many(Unit, required=True)
    costs = s.many(Cost, required=True)
    total = s.one(Cost, required=True)
    risks = s.many(s.ident(), required=True)


def unit_body(unit: rows.Unit) -> dict[str, Any]:
    """Return a unit as it is sent."""
    return {"id": unit.id, "code": unit.code, "name": unit.name}


def grid_body(found: task_grid.Grid) -> dict[str, Any]:
    """Return a grid as it is sent."""
    return {"year": found.year, "now": found.now, "months": list(found.months), "counts": found.counts,
            "made": found.progress.made, "planned": found.progress.planned, "more": found.more,
            "rows": [_row(row) for row in found.rows]}  # fmt: skip


def page_body(found: task_grid.OnePage) -> dict[str, Any]:
    """Return one page as it is sent."""
    return {"of": found.title[0], "grid": grid_body(found.of),
            "goals": [{"id": number, "text": text} for number, text in found.goals],
            "units": [unit_body(unit) for unit in found.units], "costs": [_cost(one) for one in found.costs],
            "total": _cost(found.total), "risks": [row.task.id for row in found.risks]}  # fmt: skip


def _row(row: task_grid.Row) -> dict[str, Any]:
    return {"id": row.task.id, "title": row.task.title, "kind": row.task.kind, "state": row.standing,
            "goal": row.task.goal, "units": [unit_body(unit) for unit in row.units], "cells": list(row.cells),
            "made": row.progress.made, "planned": row.progress.planned}  # fmt: skip


def _cost(one: task_grid.Cost) -> dict[str, Any]:
    return {"unit": one.unit and unit_body(one.unit), "planned": one.planned, "spent": one.spent}
