"""A task of the year as somebody entered it: its fields read, checked and brought into the form of its columns."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine import grid
from qaflow.engine.definition import canonical
from qaflow.errors import Forbidden, Invalid
from qaflow.services.accounts.profile import colleague
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.files.cells import Column, cell_value
from qaflow.services.words import clean_code, control_character, day_of
from qaflow.services.work import AnySession, Origin
from qaflow.store import people
from qaflow.store import subjects as places
from qaflow.store import tasks as rows
from qaflow.store.db import Driver
from qaflow.store.tasks import Task, Unit

from .desk import KINDS, ORIGINS, Desk, looked, may_add, ordered

TITLE = Column(key="title", zh="工作任务", required=True)
SECOND = Column(key="title_en", zh="英文名称")
MOST_COST = 1e12
MOST_RESULT = 2000
MOST_GOALS = 500
OWN_PLAN = "added"
"""The plan of tasks that a college adds in its pages; the plans of its files keep their keys."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A task as somebody entered it: units and goal by number (0 for none), days and cost as text ("" for none)."""

    title_zh: str
    title_en: str = ""
    lead: int = 0
    assisting: tuple[int, ...] = ()
    owner: str = ""
    kind: str = "routine"
    origin: str = "school"
    goal: int = 0
    starts: str = ""
    due: str = ""
    cost: str = ""


def spoken(text: str) -> str:
    """Return a result or reason as it is kept; `Invalid` where it is blank, too long or holds what cannot be seen."""
    said = text.replace("\r\n", "\n").strip()
    if not said:
        raise Invalid("text.blank", "say it in a sentence")
    if len(said) > MOST_RESULT:
        raise Invalid("text.too_long", f"{len(said)} characters; at most {MOST_RESULT}")
    if control_character(said.replace("\n", "")):
        raise Invalid("text.control_character", "the text holds signs that cannot be printed")
    return said


def entered(desk: Desk, me: SignedIn, task: Task | None, wanted: Wanted) -> dict[str, Any]:
    """Return a task's columns as they are wanted; `Invalid` where that cannot be."""
    for value, known in ((wanted.kind, KINDS), (wanted.origin, ORIGINS)):
        if value not in known:
            raise Invalid("value.unknown", f"{value!r} is none of {', '.join(known)}")
    starts, due = day_of(wanted.starts), day_of(wanted.due)
    if starts and due and due < starts:
        raise Invalid("date.order", f"the finish {due} lies before the start {starts}")
    codes = _units(desk, task, wanted)
    goal = wanted.goal or None
    if goal is not None and rows.goal(desk.driver, desk.college.id, goal) is None:
        raise Invalid("ref.unknown_goal", f"no goal {goal} in this college")
    year = grid.year_of(desk.numbers, date.fromisoformat(due)) if due else task.year if task else None
    title = cell_value(TITLE, wanted.title_zh)
    return {
        "title_zh": title, "title_en": cell_value(SECOND, wanted.title_en) or title, "departments": canonical(codes),
        "owner_unit_id": wanted.lead or None, "point_code": task.point if task else None, "task_kind": wanted.kind,
        "origin": wanted.origin, "starts": starts, "due": due, "owner_id": _owner(desk, me, task, wanted.owner),
        "goal_id": goal, "cost": cost_of(wanted.cost), "year": year,
    }  # fmt: skip


def _units(desk: Desk, task: Task | None, wanted: Wanted) -> list[str]:
    """Return the codes of the units, the lead first; units that stand already may be closed by now."""
    codes = []
    stood = json.loads(task.units) if task else []
    for number in dict.fromkeys((wanted.lead, *wanted.assisting)):
        if not number:
            continue
        unit = desk.units.get(number)
        if unit is None:
            raise Invalid("ref.unknown_unit", f"no unit {number} in this college")
        day = desk.today.isoformat()
        if unit.code not in stood and places.unit_closed(desk.driver, desk.college.id, number, day):
            raise Invalid("unit.closed", f"{unit.code} is closed")
        codes.append(unit.code)
    return codes


def _owner(desk: Desk, me: SignedIn, task: Task | None, text: str) -> int | None:
    """Return who is meant: who owns it already stays, though their account be disabled."""
    if not text.strip():
        return None
    standing = task.owner if task else None
    named = people.names(desk.driver, [standing]) if standing is not None else {}
    if standing in named and clean_code(text) == named[standing][1]:
        return standing
    return colleague(desk.driver, me, text)


def cost_of(text: str) -> float | None:
    """Return a cost in yuan, None for no text."""
    bare = text.strip().replace(",", "").replace("，", "")
    if not bare:
        return None
    try:
        value = float(bare) if bare.isascii() else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= MOST_COST:
        raise Invalid("number.invalid", f"{text!r} is no cost in yuan: write a number from 0 on")
    return round(value, 2)


def cost_text(cost: float | None) -> str:
    """Return a cost as its form holds it, to the cent and without needless zeros."""
    return "" if cost is None else f"{cost:.2f}".removesuffix("0").removesuffix(".0")


def as_entered(driver: Driver, college: int) -> list[tuple[int, Wanted]]:
    """Return (number, what its form would hold) of every task of a college, for whoever plans a year anew."""
    by_code = {unit.code: unit.id for unit in rows.units(driver, college).values()}
    found = sorted(rows.everything(driver, college).values(), key=lambda task: task.id)
    return [(task.id, _entered(task, by_code)) for task in found]


def _entered(task: Task, by_code: dict[str, int]) -> Wanted:
    units = [by_code[code] for code in json.loads(task.units) if code in by_code]
    return Wanted(
        title_zh=task.title_zh, title_en=task.title_en, lead=task.lead or 0,
        assisting=tuple(unit for unit in units if unit != task.lead), owner=task.owner_login or "", kind=task.kind,
        origin=task.origin, goal=task.goal or 0, starts=task.starts or "", due=task.due or "",
        cost=cost_text(task.cost),
    )  # fmt: skip


def standing(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Wanted:
    """Return a task as its form would hold it; `Missing` where it is not theirs to see."""
    return looked(session, origin, me,
                  lambda desk: _entered(desk.task(number), {unit.code: unit.id for unit in desk.units.values()}))


class Offer(NamedTuple):
    """What a form of a task offers: lead units that are one's own to plan, all units, goals, and the task's units."""

    leads: tuple[Unit, ...]
    units: tuple[Unit, ...]
    goals: tuple[tuple[int, str, str, str], ...]
    anywhere: bool
    codes: tuple[str, ...]


def offer(session: AnySession, origin: Origin, me: SignedIn, number: int | None = None) -> tuple[Offer, Task | None]:
    """Return what the form of a new or standing task offers; only for who may plan it."""

    def body(desk: Desk) -> tuple[Offer, Task | None]:
        task = desk.task(number) if number is not None else None
        reach = desk.reach
        if not (reach.may("plan_task", task.lead, task.owner) if task else may_add(reach)):
            raise Forbidden("action.forbidden", "this task is not yours to plan", action="plan_task")
        units = tuple(unit for _, unit in ordered(desk.units))
        leads = tuple(u for u in units if reach.plans_all or u.id in reach.plans)
        goals = tuple(rows.goals(desk.driver, desk.college.id, MOST_GOALS))
        codes = tuple(json.loads(task.units)) if task else ()
        return Offer(leads, units, goals, reach.plans_all, codes), task

    return looked(session, origin, me, body)
