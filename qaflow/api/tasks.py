"""Tasks of the year: listed, in the month grid and on one page, planned, changed, reported, finished and dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.api.task_sheets import MONTH, Grid, OnePage, Sheet, Unit, grid_body, page_body, unit_body
from qaflow.engine import grid as months
from qaflow.services.tasks import acts as task_acts
from qaflow.services.tasks import fields as task_fields
from qaflow.services.tasks import grid as task_grid
from qaflow.services.tasks import plans as tasks
from qaflow.services.tasks.desk import KINDS, ORIGINS, Chosen
from qaflow.services.tasks.fields import MOST_COST, MOST_RESULT, Wanted
from qaflow.store.tasks import SORTS
from qaflow.store.tasks import Task as Row

resource = Resource("api_tasks", __name__, url_prefix="/tasks", description="Tasks of the year")
UNITS = 200
AT = {"date.order": "due", "ref.unknown_user": "owner", "ref.ambiguous_user": "owner", "ref.disabled_user": "owner",
      "ref.unknown_unit": "lead", "unit.closed": "lead", "ref.unknown_goal": "goal", "text.blank": "title/zh",
      "month.unknown": "month", "month.ahead": "state"}  # fmt: skip


class Line(s.Strict):
    """A task of a list, and how it stands today."""

    id = s.ident(required=True)
    plan = s.text(s.NAME, 0, required=True)
    no = s.whole(required=True)
    title = s.one(s.Named, required=True)
    kind = s.choice(KINDS, required=True)
    origin = s.choice(ORIGINS, required=True)
    state = s.choice(months.STATES, required=True)
    units = s.many(Unit, UNITS, required=True)
    owner = s.text(s.NAME, required=True, allow_none=True)
    goal = s.ident(required=True, allow_none=True)
    starts = s.day(required=True, allow_none=True)
    due = s.day(required=True, allow_none=True)
    cost = s.number(required=True, allow_none=True)
    year = s.whole(required=True, allow_none=True)


class Month(s.Strict):
    """How a task stands in a month; `noted` where somebody said so."""

    month = s.text(7, 7, required=True)
    state = s.choice(months.STATES, required=True, allow_none=True)
    noted = s.flag(required=True)


class Task(Line):
    """One task."""

    months = s.many(Month, 12, required=True)
    result = s.text(s.TEXT, 0, required=True, allow_none=True)
    made = s.number(0, 1, required=True)
    planned = s.number(0, 1, required=True)
    warning = s.text(s.NAME, required=True, allow_none=True)
    may_plan = s.flag(required=True)
    may_report = s.flag(required=True)


class Filters(Sheet):
    """By what the list can be narrowed and ordered: unless told, by kind and in the order of their finish."""

    sort = s.choice(SORTS, load_default="")
    after = s.text(2000)


class Change(s.Strict):
    """What is changed of a task: units and goal by their numbers, the owner by login or name, cost in yuan."""

    title = s.one(s.Named)
    lead = s.ident(allow_none=True)
    assisting = s.many(s.ident(), UNITS)
    owner = s.text(s.NAME, allow_none=True)
    kind = s.choice(KINDS)
    origin = s.choice(ORIGINS)
    goal = s.ident(allow_none=True)
    starts = s.day(allow_none=True)
    due = s.day(allow_none=True)
    cost = s.number(0, MOST_COST, allow_none=True)


class NewTask(Change):
    """A task to be planned."""

    title = s.one(s.Named, required=True)


class Report(s.Strict):
    """How a task stands in a month; null takes the note away."""

    month = s.text(7, 7, MONTH, required=True)
    state = s.choice(months.NOTED, required=True, allow_none=True)


class Said(s.Strict):
    """A result or a reason in words."""

    text = s.text(MOST_RESULT, required=True)


@resource.get("", asks=Filters, gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the tasks that one may see; of the running year where none is named."""
    found = tasks.listed(call.session, call.origin, call.me, _chosen(call))
    return call.page([_line(*one) for one in found.lines], found.following)


@resource.get("/grid", asks=Sheet, gives=Grid)
def grid(call: Call) -> dict[str, Any]:
    """Show the tasks by month."""
    return grid_body(task_grid.shown(call.session, call.origin, call.me, _chosen(call)))


@resource.get("/one-page", asks=Sheet, gives=OnePage)
def one_page(call: Call) -> dict[str, Any]:
    """Show one sheet of tasks, goals, months, units and cost."""
    return page_body(task_grid.one_page(call.session, call.origin, call.me, _chosen(call)))


@resource.get("/<int:number>", gives=Task)
def show(call: Call, number: int) -> Answer:
    """Show a task; its tag is its version."""
    return _shown(call, number)


@resource.post("", takes=NewTask, gives=Task, status=201)
def add(call: Call) -> Answer:
    """Plan a task; the same once more is the one that stands."""
    task_fields.offer(call.session, call.origin, call.me)  # whoever may plan nothing hears that first
    with by_code(AT):
        number = task_acts.add(call.session, call.origin, call.me, _wanted(call.body, Wanted(title_zh="")))
    return replace(_shown(call, number), location=f"/api/v1/tasks/{number}")


@resource.patch("/<int:number>", takes=Change, gives=Task)
def change(call: Call, number: int) -> Answer:
    """Change a task; what is not named stays."""
    was = task_fields.standing(call.session, call.origin, call.me, number)
    wanted = _wanted(call.body, was)
    return _acted(call, number, lambda: task_acts.change(call.session, call.origin, call.me, number, wanted,
                                                         call.revision))  # fmt: skip


@resource.post("/<int:number>/report", takes=Report, gives=Task, matches=True)
def report(call: Call, number: int) -> Answer:
    """Note how a task stands in a month."""
    said = call.body["month"], call.body["state"] or ""
    return _acted(call, number, lambda: task_acts.report(call.session, call.origin, call.me, number, *said,
                                                         call.revision))  # fmt: skip


@resource.post("/<int:number>/finish", takes=Said, gives=Task, matches=True)
def finish(call: Call, number: int) -> Answer:
    """Finish a task with its result."""
    return _said(call, number, task_acts.finish)


@resource.post("/<int:number>/drop", takes=Said, gives=Task, matches=True)
def drop(call: Call, number: int) -> Answer:
    """Give a task up, with the reason."""
    return _said(call, number, task_acts.drop)


@resource.post("/<int:number>/resume", takes=Said, gives=Task, matches=True)
def resume(call: Call, number: int) -> Answer:
    """Take a task up again that was done or dropped by mistake."""
    return _said(call, number, task_acts.resume)


def _said(call: Call, number: int, how: Callable[..., None]) -> Answer:
    text = call.body["text"]
    return _acted(call, number, lambda: how(call.session, call.origin, call.me, number, text, call.revision),
                  {"text.blank": "text"})  # fmt: skip


def _acted(call: Call, number: int, act: Callable[[], None], more: dict[str, str] | None = None) -> Answer:
    call.hold(f"task:{number}")
    call.require(str(tasks.one(call.session, call.origin, call.me, number).task.version))
    with by_code(AT | (more or {})):
        act()
    return _shown(call, number)


def _chosen(call: Call) -> Chosen:
    after = call.after()
    return Chosen(**call.query | {"after": after and tuple(after)})


def _wanted(body: dict[str, Any], was: Wanted) -> Wanted:
    """Return a task as the body changes it, in the words that the service reads."""
    title = body.get("title", {})
    words: dict[str, Any] = {f"title_{language}": title[language] for language in title}
    words |= {name: body[name] or 0 for name in ("lead", "goal") if name in body}
    words |= {name: body[name] for name in ("kind", "origin") if name in body}
    words |= {name: _text(body[name]) for name in ("owner", "starts", "due", "cost") if name in body}
    words |= {"assisting": tuple(body["assisting"])} if "assisting" in body else {}
    return replace(was, **words)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return task_fields.cost_text(value)
    return value.isoformat() if isinstance(value, date) else value or ""


def _shown(call: Call, number: int) -> Answer:
    found = tasks.one(call.session, call.origin, call.me, number)
    noted = [{"month": month, "state": state, "noted": said} for month, state, said in found.months]
    more = {"months": noted, "result": found.result, "made": found.progress.made, "planned": found.progress.planned,
            "warning": found.warning and found.warning[0], "may_plan": found.may_plan,
            "may_report": found.may_report}  # fmt: skip
    return Answer(body=_line(found.task, found.standing, found.units) | more, tag=str(found.task.version))


def _line(task: Row, standing: str, units: Any) -> dict[str, Any]:
    return {"id": task.id, "plan": task.plan, "no": task.no, "title": task.title, "kind": task.kind,
            "origin": task.origin, "state": standing, "units": [unit_body(one) for one in units],
            "owner": task.owner_login, "goal": task.goal, "starts": task.starts, "due": task.due, "cost": task.cost,
            "year": task.year}  # fmt: skip
