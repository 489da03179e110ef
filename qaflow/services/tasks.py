"""Tasks of the year (年度工作任务) as people see them: a list with its counts, and one task with its months."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from qaflow.engine import grid
from qaflow.engine.grid import ALL_YEAR, Entry
from qaflow.errors import Missing
from qaflow.store import content
from qaflow.store import tasks as rows
from qaflow.store.db import Driver, reading
from qaflow.store.tasks import Task, Unit

from . import policy
from .college import CollegeView, view
from .policy import TaskReach
from .sessions import SignedIn
from .work import AnySession, Origin

LINES = 50
OWNERS = 300
KINDS = ("key", "routine", "ad_hoc")
ORIGINS = ("plan", "superior", "school")
MOST_PAGES = 1000
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


class Choices(NamedTuple):
    """By what tasks can be narrowed: years, units, owners, plans."""

    years: tuple[int, ...]
    units: tuple[tuple[int, Unit], ...]
    owners: tuple[tuple[int, str, int], ...]
    plans: dict[str, dict[str, str] | None]


class Line(NamedTuple):
    """A task of the list: how it stands, and its units by their places."""

    task: Task
    standing: str
    units: tuple[Unit, ...]


class Listed(NamedTuple):
    """A page of the list, and how many there are of each state."""

    lines: tuple[Line, ...]
    counts: dict[str, int]
    many: int
    more: bool
    year: int
    choices: Choices
    may_add: bool


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of the tasks that somebody may see and chose; the counts are of all states."""

    def body(desk: Desk) -> Listed:
        params = desk.params(chosen)
        offset = (min(max(chosen.page, 1), MOST_PAGES) - 1) * LINES
        found = rows.page(desk.driver, params, LINES + 1, offset)
        counts = counted(desk, params)
        many = counts.get(chosen.state, 0) if chosen.state not in ("", "open") else total(counts, chosen.state)
        lines = tuple(line(desk, task) for task in found[:LINES])
        return Listed(lines, counts, many, len(found) > LINES, desk.year(chosen), choices(desk, chosen),
                      may_add(desk.reach))  # fmt: skip

    return looked(session, origin, me, body)


def counted(desk: Desk, params: dict[str, Any]) -> dict[str, int]:
    """Return how many tasks stand how, every state named."""
    found = rows.counts(desk.driver, params)
    return {state: found.get(state, 0) for state in grid.STATES}


def total(counts: dict[str, int], state: str = "") -> int:
    """Return the sum of all states, or of those that are open."""
    return sum(many for key, many in counts.items() if not state or key not in (grid.DONE, grid.DROPPED))


def line(desk: Desk, task: Task) -> Line:
    """Return a task with how it stands and the units that it names."""
    return Line(task, grid.standing(desk.entry(task, {}), desk.today), units_named(desk, task))


def units_named(desk: Desk, task: Task) -> tuple[Unit, ...]:
    """Return a task's units, the lead first; a code that is no unit any more is left out."""
    return tuple(desk.by_code[code] for code in json.loads(task.units) if code in desk.by_code)


def may_add(reach: TaskReach) -> bool:
    """Tell whether somebody may plan any task at all."""
    return reach.plans_all or bool(reach.plans)


def choices(desk: Desk, chosen: Chosen) -> Choices:
    """Return by what the list can be narrowed."""
    seen = {**desk.reach.params, "college": desk.college.id}
    now = grid.year_of(desk.numbers, desk.today)
    years = tuple(sorted({now - 2, now - 1, now, now + 1, desk.year(chosen)}, reverse=True))
    shown = desk.units if desk.reach.whole else {i: desk.units[i] for i in seen["t_units"] if i in desk.units}
    tops = tuple((depth, unit) for depth, unit in ordered(shown) if unit.kind in ("college", "functional", "teaching"))
    plans = dict(rows.plans(desk.driver, seen))
    return Choices(years, tops, tuple(rows.owners(desk.driver, seen, OWNERS)), plans)


def ordered(shown: dict[int, Unit]) -> list[tuple[int, Unit]]:
    """Return (depth, unit) by kind and code."""
    order = {kind: at for at, kind in enumerate(("college", "functional", "teaching", "section", "class"))}
    found = sorted(shown.values(), key=lambda u: (order.get(u.kind, len(order)), u.code))
    return [(int(unit.parent in shown), unit) for unit in found]


class Shown(NamedTuple):
    """One task whole: its months, its result in words, its open warning, and what whoever looks may do."""

    task: Task
    standing: str
    units: tuple[Unit, ...]
    months: tuple[tuple[str, str | None, bool], ...]  # month, how it stands, whether it was noted
    now: str
    result: str | None
    warning: tuple[str, str] | None
    progress: grid.Progress
    plan: dict[str, str] | None
    may_plan: bool
    may_report: bool


def one(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Shown:
    """Return one task; `Missing` where it is not theirs to see."""
    return looked(session, origin, me, lambda desk: _shown(desk, number))


def _shown(desk: Desk, number: int) -> Shown:
    task = desk.task(number)
    notes = rows.notes(desk.driver, desk.college.id, [number]).get(number, {})
    entry = desk.entry(task, notes)
    year = task.year or grid.year_of(desk.numbers, entry.due or entry.done or desk.today)
    of = grid.months(desk.numbers, year)
    cells = zip(of, grid.row(entry, of, desk.today), strict=True)
    return Shown(
        task, grid.standing(entry, desk.today), units_named(desk, task),
        tuple((month, state, month in notes) for month, state in cells), grid.month_of(desk.today),
        content.get(desk.driver, task.result) if task.result else None,
        rows.open_warning(desk.driver, desk.college.id, number), grid.progress(entry, of, desk.today),
        dict(rows.plans(desk.driver, {**desk.reach.params, "college": desk.college.id})).get(task.plan),
        desk.reach.may("plan_task", task.lead, task.owner), desk.reach.may("report_task", task.lead, task.owner),
    )  # fmt: skip
