"""The desk at which somebody looks at tasks of the year: their college's day and grid, and how far they see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar

from qaflow.engine import grid
from qaflow.engine.grid import ALL_YEAR, Entry
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.policy import TaskReach
from qaflow.services.work import AnySession, Origin
from qaflow.store import tasks as rows
from qaflow.store.db import Driver, reading
from qaflow.store.keyset import Place
from qaflow.store.tasks import Task, Unit

KINDS = ("key", "routine", "ad_hoc")
ORIGINS = ("plan", "superior", "school")
UNIT_ORDER = ("college", "functional", "teaching", "section", "class")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What tasks are narrowed to; year 0 is the running one, `every` all years."""

    year: int = 0
    every: bool = False
    unit: int = 0
    owner: int = 0
    kind: str = ""
    origin: str = ""
    plan: str = ""
    goal: int = 0
    cycle: int = 0
    month: str = ""
    state: str = ""
    sort: str = ""  # as the list usually stands
    after: Place | None = None  # the place after which the list goes on; pages count from it
    page: int = 1


class Desk:
    """Where somebody looks at tasks: their college, its day and grid, and how far they see."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, college: int | None,
                 person: int | None = None) -> None:  # fmt: skip
        """Find out; `Missing` for who is of no college, and without a person the reach of the operator."""
        if college is None:
            raise Missing("college.not_found", "whoever asks is of no college")
        self.driver, self.person = driver, person
        self.college: CollegeView = view(session, driver, college)
        self.today: date = self.college.calendar.local_day(origin.now)
        day = self.today.isoformat()
        self.reach = policy.EVERY_TASK if person is None else policy.tasks(driver, college, person, day)
        self.numbers = numbers(self.college)

    @cached_property
    def may_import(self) -> bool:
        """Tell whether they take tasks from files."""
        asked = (self.driver, self.college.id, self.person or 0, ("task_files",), self.today.isoformat())
        return bool(policy.allowed(*asked))

    @cached_property
    def units(self) -> dict[int, Unit]:
        """The units by number."""
        return rows.units(self.driver, self.college.id)

    @cached_property
    def by_code(self) -> dict[str, Unit]:
        """The units by code."""
        return {u.code: u for u in self.units.values()}

    @cached_property
    def answering(self) -> dict[int, set[int]]:
        """Who answers for the own work of each unit."""
        return rows.answering(self.driver, self.college.id)

    def below(self, unit: int) -> list[int]:
        """Return a unit and all under it."""
        found = [unit]
        for one in found:
            found += [u.id for u in self.units.values() if u.parent == one and u.id not in found]
        return found

    def year(self, chosen: Chosen) -> int:
        """Return the year of the grid that is meant."""
        return chosen.year or grid.year_of(self.numbers, self.today)

    def params(self, chosen: Chosen, assisting: bool = True) -> dict[str, Any]:
        """Return the parameters of the condition: what somebody may see, and what of it they chose."""
        year = self.year(chosen)
        first, last = grid.span(self.numbers, year)
        return {
            **self.reach.params, "college": self.college.id, "today": self.today.isoformat(),
            "year": 0 if chosen.every else year, "first": first.isoformat(), "last": last.isoformat(),
            "first_month": grid.month_of(first), "last_month": grid.month_of(last), "unit": chosen.unit,
            "units": self.below(chosen.unit) if chosen.unit else [], "assisting": assisting, "owner": chosen.owner,
            "kind": chosen.kind, "origin": chosen.origin, "plan": chosen.plan, "goal": chosen.goal,
            "cycle": chosen.cycle, "month": chosen.month, "state": chosen.state,
        }  # fmt: skip

    def entry(self, task: Task, notes: dict[str, str]) -> Entry:
        """Return a task as the grid reckons with it."""
        done = self.college.calendar.local_day(datetime.fromisoformat(task.done_at)) if task.done_at else None
        return Entry(state=task.state, starts=as_day(task.starts), due=as_day(task.due), done=done, notes=notes)

    def task(self, number: int) -> Task:
        """Return a task; `Missing` where it is not there or not theirs to see."""
        found = rows.one(self.driver, {**self.reach.params, "college": self.college.id}, number)
        if found is None:
            raise Missing("task.not_found", f"no task {number}")
        return found


def numbers(college: CollegeView) -> tuple[int, ...]:
    """Return the months of a college's grid in its order; all of the year where its calendar names none."""
    return college.config.grid_months or ALL_YEAR


def as_day(text: str | None) -> date | None:
    """Return a stored day."""
    return date.fromisoformat(text) if text else None


def looked(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[Desk], T]) -> T:
    """Read at somebody's desk."""
    try:
        return body(Desk(session, reading(session), origin, me.college, me.person))
    finally:
        session.rollback()


def units_named(desk: Desk, task: Task) -> tuple[Unit, ...]:
    """Return a task's units, the lead first; a code that is no unit any more is left out."""
    return tuple(desk.by_code[code] for code in json.loads(task.units) if code in desk.by_code)


def may_add(reach: TaskReach) -> bool:
    """Tell whether somebody may plan any task at all."""
    return reach.plans_all or bool(reach.plans)


def ordered(shown: dict[int, Unit]) -> list[tuple[int, Unit]]:
    """Return (depth, unit) by kind and code."""
    order = {kind: at for at, kind in enumerate(UNIT_ORDER)}
    found = sorted(shown.values(), key=lambda u: (order.get(u.kind, len(order)), u.code))
    return [(int(unit.parent in shown), unit) for unit in found]
