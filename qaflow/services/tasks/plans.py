"""Tasks of the year (年度工作任务) as people see them: a list with its counts, and one task with its months."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.engine import grid
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import content
from qaflow.store import tasks as rows
from qaflow.store.keyset import Place
from qaflow.store.tasks import Task, Unit

from .desk import Chosen, Desk, looked, may_add, ordered, units_named

LINES = 50
OWNERS = 300
MOST_PAGES = 1000


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
    following: Place | None
    year: int
    choices: Choices
    may_add: bool


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of the tasks that somebody may see and chose; the counts are of all states."""

    def body(desk: Desk) -> Listed:
        params = desk.params(chosen)
        offset = (min(max(chosen.page, 1), MOST_PAGES) - 1) * LINES
        found = rows.page(desk.driver, params, LINES + 1, offset, chosen.sort or rows.USUAL, chosen.after)
        counts = counted(desk, params)
        many = counts.get(chosen.state, 0) if chosen.state not in ("", "open") else total(counts, chosen.state)
        lines = tuple(line(desk, one.task) for one in found[:LINES])
        following = found[LINES - 1].place if len(found) > LINES else None
        return Listed(lines, counts, many, following, desk.year(chosen), choices(desk, chosen),
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


def choices(desk: Desk, chosen: Chosen) -> Choices:
    """Return by what the list can be narrowed."""
    seen = {**desk.reach.params, "college": desk.college.id}
    now = grid.year_of(desk.numbers, desk.today)
    years = tuple(sorted({now - 2, now - 1, now, now + 1, desk.year(chosen)}, reverse=True))
    shown = desk.units if desk.reach.whole else {i: desk.units[i] for i in seen["t_units"] if i in desk.units}
    tops = tuple((depth, unit) for depth, unit in ordered(shown) if unit.kind in ("college", "functional", "teaching"))
    plans = dict(rows.plans(desk.driver, seen))
    return Choices(years, tops, tuple(rows.owners(desk.driver, seen, OWNERS)), plans)


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
