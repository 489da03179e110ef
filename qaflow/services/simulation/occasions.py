"""What happens beside everyday work: deputies, transfers, extensions, leavers, suspended and ended cycles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from qaflow.engine.control import Limits
from qaflow.errors import QaflowError
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import deputies, reseating
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.desk.inbox import Work
from qaflow.services.places import structure, subjects
from qaflow.services.places.structure import units
from qaflow.services.points import edits as point_limits
from qaflow.services.points.edits import NewLimit
from qaflow.store.db import Driver

from ..work import Writer, transact
from .values import chance

if TYPE_CHECKING:
    from .college_year import CollegeYear

ABSENCES_A_MONTH = 3
ABSENT_DAYS = (4, 9)  # working days
TRANSFERS, EXTENSIONS, REMINDERS, COPIES = 0.004, 0.01, 0.01, 0.006
EXTENDED = 5  # working days
CONTAINING = 10  # working days that a containing cycle gets after its children's period
WARN_DAY = 12
SUSPENDED = (45, 20)  # days after the start of the year, days until it goes on
CANCELLED, DROPPED_OUT, LEFT = 100, 120, (75, 190)
LIMITS, TIGHTENED, TIGHTER = (20, 24), "course", 0.2  # days after the start; of the way from the limit to the target
MORNING = dt.time(8, 20)


class Occasions:
    """The happenings of one college's year, drawn from their own chance."""

    def __init__(self, year: CollegeYear) -> None:
        """Draw what happens on which day."""
        self.year, self.cast, self.plan = year, year.cast, year.plan
        self.rng = chance(year.plan.seed, year.cast.key, "occasions")
        self.above = self._tops()
        self.recent: list[Work] = []
        self._plans: dict[dt.date, list[Callable[[dt.date], None]]] = {}
        for after in LEFT:
            self._on(after, self._leave)
        self._on(SUSPENDED[0], self._suspend)
        self._on(CANCELLED, self._cancel)
        self._on(DROPPED_OUT, self._drop_out)
        self._on(LIMITS[0], lambda day: self._tighten(day, ""))
        self._on(LIMITS[1], lambda day: self._tighten(day, self.cast.subjects[TIGHTENED][0][1]))

    def _tops(self) -> dict[int, int]:
        """Return for each unit the one whose head supervises it."""
        found = self.year.ask(lambda d: units(d, self.year.college.id))
        tops = set(self.cast.heads)
        return {u.id: u.parent_id if u.id not in tops and u.parent_id in tops else u.id for u in found.values()}

    def _on(self, after: int, what: Callable[[dt.date], None]) -> None:
        day = self.plan.start + dt.timedelta(days=after)
        self._plans.setdefault(day, []).append(what)

    def happen(self, day: dt.date) -> None:
        """Let happen what falls on a day, or fell on the days off before it."""
        for planned in sorted(d for d in self._plans if d <= day):
            for what in self._plans.pop(planned):
                what(day)
        if self.rng.random() < ABSENCES_A_MONTH / 21:
            self._go_away(day)
        if day.day == WARN_DAY:
            self._warn(day)

    def seen(self, work: Work, day: dt.date) -> None:
        """Think about a new piece of work: is it passed on, does somebody ask for more time, is it watched?"""
        if work.kind != "submit" or work.holder is None or work.state != "open":
            return
        self.recent = [*self.recent[-40:], work]
        drawn = self.rng.random()
        if drawn < TRANSFERS and work.layer in ("course", "teacher"):
            self._transfer(work, day)
        elif drawn < TRANSFERS + EXTENSIONS:
            due = self.year.calendar.add_working(max(day, dt.date.fromisoformat(work.due)), EXTENDED)
            self._extend(work, day, due, "任务量大，申请延期")
        elif drawn < TRANSFERS + EXTENSIONS + REMINDERS:
            self._later(day, self._head(work), work.cycle, "remind", {"item": work.no})
        elif drawn < TRANSFERS + EXTENSIONS + REMINDERS + COPIES:
            self._later(day, work.holder, work.cycle, "copy", {"to": self._login(self._head(work))})
            self._later(day, work.holder, work.cycle, "comment", {"text": "已与相关部门沟通，本周完成初稿。"})
        elif work.at_stage == "implement" and self._contains(work):
            end = self.year.calendar.add_working(self._children_end(day), CONTAINING)
            if end.isoformat() > work.due:
                self._extend(work, day, end, "年度轮尚在进行，待其结束后提交")

    def _contains(self, work: Work) -> bool:
        track = self.year.college.config.track_by_key.get((work.layer, work.track))
        return track is not None and bool(track.children)

    def _children_end(self, day: dt.date) -> dt.date:
        return dt.date(day.year + (day.month > 8), 8, 31)  # teaching years end in August

    def _head(self, work: Work) -> int:
        return self.cast.heads.get(self.above.get(work.unit, 0)) or self.cast.office[0]

    def _login(self, person: int) -> str:
        return self.cast.logins[person]

    def _later(self, day: dt.date, person: int, cycle: int, action: str, data: dict[str, object]) -> None:
        self.year.later(day, person, cycle, action, data)

    def _transfer(self, work: Work, day: dt.date) -> None:
        colleagues = [t for t in self.cast.teachers if t != work.holder]
        if colleagues and work.holder is not None:
            to = self._login(self.rng.choice(colleagues))
            self._later(
                day,
                work.holder,
                work.cycle,
                "transfer",
                {"item": work.no, "to": to, "reason": "承担教学竞赛任务，转请同事完成"},
            )

    def _extend(self, work: Work, day: dt.date, due: dt.date, reason: str) -> None:
        if self._head(work) != work.holder:
            self._later(
                day, self._head(work), work.cycle, "extend", {"item": work.no, "due": due.isoformat(), "reason": reason}
            )
        else:
            self._later(
                day,
                self.cast.office[0],
                work.cycle,
                "extend",
                {"item": work.no, "due": due.isoformat(), "reason": reason},
            )

    def _go_away(self, day: dt.date) -> None:
        """Let an approver be away, with a deputy between two days."""
        pool = [*self.cast.heads.values(), *self.cast.teachers[: len(self.above)]]
        absent, deputy = self.rng.sample(sorted(set(pool)), 2)
        if absent in self.year.away or deputy in self.year.away:
            return
        last = self.year.calendar.add_working(day, self.rng.randint(*ABSENT_DAYS))
        origin = self.year.origin(self.year.at(day, MORNING), absent)
        if self._try(lambda: deputies.appoint(self.year.session, origin, absent, deputy, day, last, reason="外出培训")):
            self.year.away[absent] = (deputy, last)

    def _try(self, what: Callable[[], object]) -> bool:
        """Do something that may be refused, as it may in life."""
        try:
            what()
        except QaflowError as refused:
            code = f"occasion:{refused.code}"
            self.year.refused[code] = self.year.refused.get(code, 0) + 1
            return False
        return True

    def _leave(self, day: dt.date) -> None:
        """Let a member of staff leave: the account is disabled, the work handed over."""
        staff = self.cast.teachers
        if len(staff) < 3:  # somebody has to stay
            return
        leaver = staff.pop(self.rng.randrange(len(staff) // 2, len(staff)))
        heir = self.rng.choice(staff)
        origin = self.year.origin(self.year.at(day, MORNING), self.cast.administrator)
        session = self.year.session
        self._try(lambda: accounts.disable(session, origin, self._login(leaver), "调离"))
        self._try(lambda: reseating.handover(session, origin, self._login(leaver), self._login(heir), "调离交接"))

    def _suspend(self, day: dt.date) -> None:
        if self.recent:
            work = self.rng.choice(self.recent)
            self._later(day, self.cast.office[1], work.cycle, "suspend", {"reason": "人员借调，暂停本轮"})
            again = self.year.calendar.next_working(day + dt.timedelta(days=SUSPENDED[1]))
            self._later(again, self.cast.office[1], work.cycle, "resume", {})

    def _cancel(self, day: dt.date) -> None:
        if self.recent:
            work = self.rng.choice(self.recent)
            self._later(day, self.cast.office[0], work.cycle, "cancel", {"reason": "立项调整，本轮取消"})

    def _drop_out(self, day: dt.date) -> None:
        """Let a student leave: the subject ends, and the tick cancels what still runs."""
        students = self.cast.subjects.get("student", [])
        if not students:
            return
        number, _ = self.rng.choice(students)
        origin = self.year.origin(self.year.at(day, MORNING))

        def body(driver: Driver) -> None:
            writer = Writer(driver, origin)
            ends = {number: (day - dt.timedelta(days=1)).isoformat()}
            subjects.end(self.year.session, driver, writer, origin, self.year.college, ends, "退学")
            writer.flush()

        transact(self.year.session, body)
        self.year.gauges.drop("student", number)

    def _tighten(self, day: dt.date, subject: str) -> None:
        """Let the office set a narrower warning value from today on, for all courses or for one of them."""
        points = self.year.ask(lambda d: structure.measured(d, self.year.college.id))
        point = next((p for p in points if p.layer == TIGHTENED and p.warn_lower is not None), None)
        if point is None or not self.cast.subjects.get(TIGHTENED):
            return
        office, lower = self.cast.office[0], point.warn_lower or 0.0
        narrower = round(lower + TIGHTER * (1 + bool(subject)) * (point.target - lower), 1)
        limits = Limits(direction=point.direction, target=point.target, lower=narrower, upper=point.warn_upper)
        origin = self.year.origin(self.year.at(day, MORNING), office)
        me = SignedIn(session="", person=office, college=self.year.college.id, login=self._login(office), name="",
                      language="zh", device="", kinds=frozenset(), titles=())  # fmt: skip
        version = self.year.ask(lambda d: point_limits.version(d, self.year.college.id, point.key))
        wanted = NewLimit(limits=limits, valid_from=day, reason="上期多数课程高于预警值，收紧一级。", subject=subject,
                          version=version)  # fmt: skip
        self._try(lambda: point_limits.set_limit(self.year.session, origin, me, point.id, wanted))

    def _warn(self, day: dt.date) -> None:
        """Let a diagnostician open a warning of their own."""
        if self.recent and self.cast.diagnosticians:
            work = self.rng.choice(self.recent)
            self._later(
                day, self.cast.diagnosticians[-1], work.cycle, "warn", {"reason": "听课与查阅材料发现过程记录缺失"}
            )
