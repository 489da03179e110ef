"""The chains of goals and standards seen across: findings, the matrix of systems and layers, a year's plan."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.chain_schemas import Entry, Narrowed, Year, chosen, entry_body
from qaflow.api.resource import Resource
from qaflow.engine.college import SYSTEMS
from qaflow.services.chains import findings as chain_findings
from qaflow.services.chains import views as chain_views
from qaflow.services.chains.findings import FINDINGS, MOST_SHOWN, UNMEASURED
from qaflow.services.chains.views import NO_SYSTEM, Cell, Line
from qaflow.store.chain_tasks import TaskRow

resource = Resource("api_chains", __name__, url_prefix="/chains", description="Goals and standards seen across")
LINES = 20_000


class Count(s.Strict):
    """How many goals or standards have a finding."""

    finding = s.choice((*FINDINGS, UNMEASURED), required=True)
    many = s.whole(required=True)


class Crossed(s.Strict):
    """A goal that conflicts with the one above it, and in what."""

    goal = s.ident(required=True)
    over = s.ident(required=True)
    why = s.choice(("direction", "target"), required=True)


class Laden(s.Strict):
    """Who carries too many key goals at once: a person or a unit, by number."""

    what = s.choice(("person", "unit"), required=True)
    owner = s.ident(required=True)
    name = s.one(s.Named, required=True)
    many = s.whole(required=True)


class Findings(s.Strict):
    """What is to be said of the goals and standards that one may read."""

    goals = s.whole(required=True)
    counts = s.many(Count, required=True)
    crossed = s.many(Crossed, MOST_SHOWN, required=True)
    laden = s.many(Laden, 1000, required=True)


class MatrixCell(s.Strict):
    """What one system does for one layer, and what is missing."""

    system = s.choice((*SYSTEMS, NO_SYSTEM), required=True)
    layer = s.text(s.NAME, required=True)
    goals = s.whole(required=True)
    standards = s.whole(required=True)
    tasks = s.whole(required=True)
    gap = s.choice(("", "all", "goals", "standards"), required=True)


class Matrix(s.Strict):
    """Goals, standards and tasks by system and layer."""

    gaps = s.whole(required=True)
    cells = s.many(MatrixCell, 1000, required=True)


class TaskFilters(Year):
    """Which tasks are meant: of a layer and system, or under a goal."""

    layer = s.text(s.NAME)
    system = s.choice((*SYSTEMS, NO_SYSTEM))
    under = s.ident(loose=True)
    after = s.text(2000)


class Task(s.Strict):
    """A task that a cell of the matrix counts."""

    id = s.ident(required=True)
    title = s.one(s.Named, required=True)
    due = s.day(required=True, allow_none=True)
    layer = s.text(s.NAME, 0, required=True)
    system = s.text(s.NAME, required=True)
    goal = s.ident(required=True, allow_none=True)


class Beside(s.Strict):
    """A goal of the year beside the same one of the year before, with their attainment as shares of one."""

    now = s.one(Entry, required=True, allow_none=True)
    before = s.one(Entry, required=True, allow_none=True)
    reached = s.number(required=True, allow_none=True)
    reached_before = s.number(required=True, allow_none=True)
    depth = s.whole(required=True)


class Plan(s.Strict):
    """A year's plan beside the last year's; then what was not continued."""

    year = s.text(s.NAME, required=True)
    years = s.many(s.text(s.NAME), required=True)
    lines = s.many(Beside, LINES, required=True)
    ended = s.many(Beside, LINES, required=True)


@resource.get("/findings", asks=Narrowed, gives=Findings)
def findings(call: Call) -> dict[str, Any]:
    """Count what is to be said of goals and standards; each count opens its list (`finding=`)."""
    found = chain_findings.findings(call.session, call.origin, call.me, chosen(call.query))
    counts = [{"finding": name, "many": found.counts[name]} for name in (*FINDINGS, UNMEASURED)]
    crossed = [{"goal": one.goal.id, "over": one.over.id, "why": one.why} for one in found.crossed]
    laden = [{"what": one.what, "owner": one.owner, "many": one.many, "name": {"zh": one.name.zh, "en": one.name.en}}
             for one in found.laden]  # fmt: skip
    return {"goals": found.goals, "counts": counts, "crossed": crossed, "laden": laden}


@resource.get("/matrix", asks=Year, gives=Matrix)
def matrix(call: Call) -> dict[str, Any]:
    """Count goals, standards and tasks by system and layer."""
    found = chain_views.matrix(call.session, call.origin, call.me, chosen(call.query))
    return {"gaps": found.gaps, "cells": [_cell(*place, cell) for place, cell in found.cells.items()]}


@resource.get("/tasks", asks=TaskFilters, gives=s.listing(Task))
def tasks(call: Call) -> dict[str, Any]:
    """List the tasks that a cell of the matrix, or a goal, counts."""
    page = call.after() or 1
    found = chain_views.tasks(call.session, call.origin, call.me, chosen(call.query, page))
    return call.page([_task(one) for one in found.tasks], page + 1 if found.more else None)


@resource.get("/year", asks=Narrowed, gives=Plan)
def year(call: Call) -> dict[str, Any]:
    """Show a year's plan beside the last year's; the running year's where none is named."""
    found = chain_views.plan(call.session, call.origin, call.me, chosen(call.query))
    return {"year": found.year, "years": list(found.years), "lines": [_beside(one) for one in found.lines],
            "ended": [_beside(one) for one in found.ended]}  # fmt: skip


def _cell(system: str, layer: str, cell: Cell) -> dict[str, Any]:
    return {"system": system, "layer": layer, "gap": cell.gap} | cell._asdict()


def _task(row: TaskRow) -> dict[str, Any]:
    title = {"zh": row.title_zh, "en": row.title_en}
    return {"id": row.id, "title": title, "due": row.due, "layer": row.layer, "system": row.system, "goal": row.goal}


def _beside(one: Line) -> dict[str, Any]:
    return {"now": one.now and entry_body(one.now), "before": one.before and entry_body(one.before),
            "reached": one.share, "reached_before": one.share_before, "depth": one.depth}  # fmt: skip
