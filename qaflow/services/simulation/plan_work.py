"""The year's tasks in the demo: the office gives them owners and days, owners report, most finish in time, some late.

Days, cost and owners are the demo's own, drawn from its seed; titles, units and sources are the college's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from qaflow.engine import grid
from qaflow.errors import QaflowError
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.tasks import acts as task_acts
from qaflow.services.tasks.desk import numbers
from qaflow.services.tasks.fields import Wanted, as_entered

from ..work import Origin, each
from .values import chance

if TYPE_CHECKING:
    from .college_year import CollegeYear

MORNING = dt.time(9, 0)
REPORTED = 25  # day of the month from which its work is reported
SHARE_REPORTED, SHARE_COST, SHARE_DROPPED, SHARE_LATE = 0.5, 0.4, 0.03, 0.12
RUNS = (20, 110)  # days from a task's start to its finish
EARLY, LATE = (0, 8), (1, 25)  # working days before or after the finish
COSTS = (2_000, 5_000, 12_000, 30_000, 80_000)
RESULTS = ("按计划完成，成果已归档。", "已完成并通过部门验收。", "完成，材料已报质量办。", "主要内容完成，已有总结。")
ADDED = (("配合上级专项检查，提交自查材料", "superior"), ("迎接合作企业来访，落实实习岗位", "school"))
AD_HOC = (5, 30)  # working days until they are to be finished
REASONS = ("与另一项任务合并，不再单独开展。", "上级调整部署，本年不再开展。")


class _Owned(NamedTuple):
    """A task as its owner has it in mind."""

    owner: int
    starts: dt.date
    due: dt.date


class PlanWork:
    """The tasks of one college's year, drawn from their own chance."""

    def __init__(self, year: CollegeYear) -> None:
        """Set out with nothing planned."""
        self.year, self.cast, self.plan = year, year.cast, year.plan
        self.rng = chance(year.plan.seed, year.cast.key, "tasks")
        self.tasks: dict[int, _Owned] = {}
        self.ends: dict[int, list[int]] = {}  # day -> tasks that are finished on it
        self.reported = ""
        self.acts: list[Callable[[], None]] = []

    def happen(self, day: dt.date) -> None:
        """Do what people do about tasks on a working day."""
        if not self.tasks:
            self._plan_all(day)
            self._act()
            self._add(day)
        month = grid.month_of(day)
        if day.day >= REPORTED and month != self.reported:
            self.reported = month
            self._report(day, month)
        for ends in sorted(e for e in self.ends if e <= day.toordinal()):
            for task in self.ends.pop(ends):
                self._finish(day, task)
        self._act()

    def _act(self) -> None:
        """Let the acts of a day happen in one transaction; what is refused is counted as other acts are."""
        acts, self.acts = self.acts, []
        for done in each(self.year.session, acts) if acts else ():
            if isinstance(done, QaflowError):
                code = f"task:{done.code}"
                self.year.refused[code] = self.year.refused.get(code, 0) + 1

    def _plan_all(self, day: dt.date) -> None:
        for task, standing in self.year.ask(lambda d: as_entered(d, self.cast.college)):
            self._plan(day, task, standing)

    def _add(self, day: dt.date) -> None:
        """Let the office add what no plan held: an order from above, and something of the school's own."""
        calendar, office = self.year.calendar, self.cast.office[0]
        for (title, origin), (unit, owner) in zip(ADDED, sorted(self.cast.heads.items()), strict=False):
            due = calendar.add_working(day, self.rng.randint(*AD_HOC))
            wanted = Wanted(title_zh=title, lead=unit, owner=self.cast.logins[owner], kind="ad_hoc", origin=origin,
                            starts=day.isoformat(), due=due.isoformat())  # fmt: skip
            who, by = self._who(day, office)
            self.tasks[task_acts.add(self.year.session, by, who, wanted)] = _Owned(owner, day, due)
            self._remember(max(self.tasks), due)

    def _plan(self, day: dt.date, task: int, standing: Wanted) -> None:
        owner = self.cast.heads.get(standing.lead) or self.cast.office[0]
        due = self._due(standing)
        starts = min(due, max(due - dt.timedelta(days=self.rng.randint(*RUNS)), self.plan.start))
        cost = str(self.rng.choice(COSTS)) if self.rng.random() < SHARE_COST else ""
        wanted = replace(standing, owner=self.cast.logins[owner], starts=starts.isoformat(), due=due.isoformat(),
                         cost=cost)  # fmt: skip
        self.tasks[task] = _Owned(owner, starts, due)
        self._do(task_acts.change, day, self.cast.office[0], task, wanted)
        self._remember(task, due)

    def _due(self, task: Wanted) -> dt.date:
        """Return a finish within the demo's year: in the month that the plan names, else in one of the grid's."""
        named = dt.date.fromisoformat(task.due).month if task.due else None
        month = named or self.rng.choice(numbers(self.year.college))
        year = self.plan.start.year + (month < self.plan.start.month)
        end = dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)
        return end if named else end - dt.timedelta(days=self.rng.randint(0, 20))

    def _remember(self, task: int, due: dt.date) -> None:
        calendar = self.year.calendar
        late = self.rng.random() < SHARE_LATE
        days = self.rng.randint(*(LATE if late else EARLY))
        ends = calendar.add_working(due, days) if late else calendar.back_working(due, days) if days else due
        self.ends.setdefault(ends.toordinal(), []).append(task)

    def _report(self, day: dt.date, month: str) -> None:
        for task, owned in sorted(self.tasks.items()):
            if owned.starts <= day <= owned.due and self.rng.random() < SHARE_REPORTED:
                whole = grid.month_of(owned.due) > month and self.rng.random() < SHARE_REPORTED
                state = grid.DONE if whole else grid.GOING
                self._do(task_acts.report, day, owned.owner, task, month, state)

    def _finish(self, day: dt.date, task: int) -> None:
        owned = self.tasks.pop(task)
        if self.rng.random() < SHARE_DROPPED:
            self._do(task_acts.drop, day, self.cast.office[0], task, self.rng.choice(REASONS))
        else:
            self._do(task_acts.finish, day, owned.owner, task, self.rng.choice(RESULTS))

    def _do(self, act: Callable[..., None], day: dt.date, person: int, *said: object) -> None:
        """Let somebody act, together with whoever else acts on the day."""
        who, origin = self._who(day, person)
        self.acts.append(partial(act, self.year.session, origin, who, *said))

    def _who(self, day: dt.date, person: int) -> tuple[SignedIn, Origin]:
        """Return somebody as a session would show them, and their acts of a morning."""
        login = self.cast.logins[person]
        who = SignedIn(session="", person=person, college=self.cast.college, login=login, name=login, language="zh",
                       device="", kinds=frozenset(), titles=())  # fmt: skip
        return who, self.year.origin(self.year.at(day, MORNING), person, login)
