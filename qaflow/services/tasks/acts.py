"""What people do with tasks of the year: plan, change, report a month, finish with a result, drop, take up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qaflow.engine import grid
from qaflow.engine.dates import iso_day
from qaflow.errors import Forbidden, Invalid, Refused, Stale
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.cycles.acting import keep
from qaflow.services.notices import notices
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, LostRace, Origin, Writer, transact
from qaflow.store import tasks as rows
from qaflow.store.db import Driver
from qaflow.store.tasks import Task

from .desk import Desk, as_day
from .fields import OWN_PLAN, Wanted, entered, spoken
from .giving import given


class Bench(Desk):
    """A desk at which somebody works on tasks: what they write goes into the college's stream."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn) -> None:
        """Find out who works where."""
        super().__init__(session, driver, origin, me.college, me.person)
        self.me, self.writer = me, Writer(driver, origin)

    def require(self, action: str, task: Task) -> None:
        """Require a right over a task; who sees it hears that it is not theirs to do."""
        if not self.reach.may(action, task.lead, task.owner):
            raise Forbidden("action.forbidden", f"task {task.id} is not yours to {action}", action=action)

    def fact(self, kind: str, task: Task, **data: Any) -> None:
        """Let a fact of a task stand in the college's stream, and tell whom it gives the task to."""
        whole = {"task": task.id, "plan": task.plan, "no": task.no, **data}
        seq = college_fact(self.driver, self.writer, self.college.id, self.college.key, kind, whole)
        self.writer.notify(self.college.id, f"college:{self.college.key}", seq, kind, notices.recipients(kind, whole),
                           notices.of_tasks(kind, [task.id], task.no))  # fmt: skip
        self.writer.flush()

    def write(self, task: Task, **changes: Any) -> None:
        """Write a task that is still as it was read."""
        if not rows.change(self.driver, self.college.id, task, **changes):
            raise LostRace


def current(task: Task, version: int | None) -> None:
    """Require that a form was filled in looking at the task as it stands."""
    if version is not None and version != task.version:
        raise Stale("version.stale", f"task {task.id} is version {task.version} by now, not {version}")


def running(task: Task) -> None:
    """Require that a task is neither done nor dropped."""
    if task.state in (grid.DONE, grid.DROPPED):
        raise Refused("task.closed", f"task {task.id} is {task.state}", allowed=["resume"])


def _acted(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int | None, action: str,
           body: Callable[[Bench, Task], None]) -> None:  # fmt: skip
    """Do something with a task that somebody sees, may act on, and read as it stands."""

    def whole(driver: Driver) -> None:
        bench = Bench(session, driver, origin, me)
        task = bench.task(number)
        bench.require(action, task)
        current(task, version)
        body(bench, task)

    transact(session, whole)


def add(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> int:
    """Plan a new task and return its number; the same one once more, as a double click makes it, is the one there."""

    def body(driver: Driver) -> int:
        bench = Bench(session, driver, origin, me)
        columns = entered(bench, me, None, wanted)
        if not bench.reach.may("plan_task", columns["owner_unit_id"], None):
            raise Forbidden("action.forbidden", "this unit's tasks are not yours to plan", action="plan_task")
        standing = _same(bench, columns)
        if standing is not None:
            return standing
        no = rows.last_number(driver, bench.college.id, OWN_PLAN) + 1
        (number,) = rows.add(driver, bench.college.id, [{**columns, "plan": OWN_PLAN, "no": no}])
        bench.fact("TaskAdded", bench.task(number), **columns, given=given(bench, None, columns))
        return number

    return transact(session, body)


def _same(bench: Bench, columns: dict[str, Any]) -> int | None:
    known = rows.everything(bench.driver, bench.college.id).values()
    same = (t.id for t in known if t.plan == OWN_PLAN and t.state == grid.PLANNED and rows.columns(t) == columns)
    return next(same, None)


def change(session: AnySession, origin: Origin, me: SignedIn, number: int, wanted: Wanted,
           version: int | None = None) -> None:  # fmt: skip
    """Change a task; a later finish lets it be warned of anew. Its new lead unit must be one's own to plan as well."""

    def body(bench: Bench, task: Task) -> None:
        columns = entered(bench, me, task, wanted)
        if not bench.reach.may("plan_task", columns["owner_unit_id"], None):
            raise Forbidden("action.forbidden", "this unit's tasks are not yours to plan", action="plan_task")
        amend(bench, task, columns)

    _acted(session, origin, me, number, version, "plan_task", body)


def amend(bench: Bench, task: Task, columns: dict[str, Any]) -> bool:
    """Write what differs of a task, with the fact that names it; tells whether anything did."""
    before = rows.columns(task)
    changes = {name: [before[name], value] for name, value in columns.items() if before[name] != value}
    if not changes:
        return False
    again = columns["due"] is not None and columns["due"] >= bench.today.isoformat()
    bench.write(task, **columns, again=again and "due" in changes)
    new = given(bench, before, columns) if task.state not in (grid.DONE, grid.DROPPED) else []
    bench.fact("TaskChanged", task, changes=changes, given=new)
    return True


def report(session: AnySession, origin: Origin, me: SignedIn, number: int, month: str, state: str,
           version: int | None = None) -> None:  # fmt: skip
    """Note how a task stands in a month ("" takes the note away); with the first work noted it is going."""

    def body(bench: Bench, task: Task) -> None:
        running(task)
        noted(bench, task, month, state, origin.person or 0)

    _acted(session, origin, me, number, version, "report_task", body)


def noted(bench: Bench, task: Task, month: str, state: str, by: int) -> None:
    """Write a month's note and let the task be going once there is work in it."""
    _month(bench, month, state)
    was = rows.notes(bench.driver, bench.college.id, [task.id]).get(task.id, {}).get(month)
    if (was or "") == state:
        return
    rows.note(bench.driver, bench.college.id, task.id, month, state or None, bench.writer.at, by)
    begun = task.state == grid.PLANNED and state in (grid.GOING, grid.DONE)
    first = task.starts or min(f"{month}-01", task.due or f"{month}-01")
    bench.write(task, **({"state": grid.GOING, "starts": first} if begun else {}))
    bench.fact("TaskReported", task, month=month, state=state or None, was=was)


def _month(bench: Bench, month: str, state: str) -> None:
    if state not in ("", *grid.NOTED):
        raise Invalid("value.unknown", f"a month is one of {', '.join(grid.NOTED)}, not {state!r}")
    try:
        first = iso_day(f"{month}-01")
    except (TypeError, Invalid):
        raise Invalid("month.unknown", f"{month!r} is no month: write YYYY-MM") from None
    if first.month not in bench.numbers:
        raise Invalid("month.unknown", f"the grid of this college has no month {first.month}")
    if month > grid.month_of(bench.today) and state not in ("", grid.PLANNED):
        raise Invalid("month.ahead", f"{month} has not begun: it can only be planned")


def finish(session: AnySession, origin: Origin, me: SignedIn, number: int, result: str,
           version: int | None = None) -> None:  # fmt: skip
    """Finish a task with its result; a warning of its lateness is then closed by its confirmation (engine rules, 4)."""

    def body(bench: Bench, task: Task) -> None:
        running(task)
        said, month = spoken(result), grid.month_of(bench.today)
        kept = keep(bench.driver, said)
        late = grid.standing(bench.entry(task, {}), bench.today) == grid.LATE
        year = task.year or grid.year_of(bench.numbers, as_day(task.due) or bench.today)
        bench.write(task, state=grid.DONE, done_at=bench.writer.at, result=kept, year=year)
        rows.note(bench.driver, bench.college.id, task.id, month, grid.DONE, bench.writer.at, origin.person or 0)
        bench.fact("TaskFinished", task, result=kept, day=bench.today.isoformat(), late=late)

    _acted(session, origin, me, number, version, "report_task", body)


def drop(session: AnySession, origin: Origin, me: SignedIn, number: int, reason: str,
         version: int | None = None) -> None:  # fmt: skip
    """Give a task up, with the reason; it opens no warning from then on."""

    def body(bench: Bench, task: Task) -> None:
        running(task)
        kept = keep(bench.driver, spoken(reason))
        bench.write(task, state=grid.DROPPED, result=kept)
        bench.fact("TaskDropped", task, reason=kept)

    _acted(session, origin, me, number, version, "plan_task", body)


def resume(session: AnySession, origin: Origin, me: SignedIn, number: int, reason: str,
           version: int | None = None) -> None:  # fmt: skip
    """Take a task up again that was done or dropped by mistake."""

    def body(bench: Bench, task: Task) -> None:
        if task.state not in (grid.DONE, grid.DROPPED):
            raise Refused("task.open", f"task {task.id} is {task.state}", allowed=["finish", "drop"])
        kept = keep(bench.driver, spoken(reason))
        bench.write(task, state=grid.GOING, done_at=None, result=None)
        bench.fact("TaskResumed", task, reason=kept, was=task.state)

    _acted(session, origin, me, number, version, "plan_task", body)
