"""One sweep: each step asks what is due until nothing is; what fails, fails alone and is seen (engine rules, 2 and 6).

Work goes in batches of one transaction each. A batch that fails is rolled back and its items go singly; an item that
fails alone becomes an incident, is tried three times in all, with growing pauses, and then waits for a person.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from qaflow import logs
from qaflow.errors import Busy
from qaflow.services.accounts import deputies
from qaflow.services.college import view
from qaflow.services.cycles import rounds
from qaflow.services.points import monitoring
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges, sweep, ticks
from qaflow.store import rounds as schedule
from qaflow.store.db import Driver, Unreachable, driver, instant, utc

from . import advancing, escalating

BACK_OFF = (dt.timedelta(minutes=1), dt.timedelta(minutes=10))
AT_ONCE = 100  # cycles that are not alike, in one transaction
TURNS = 8  # so many batches in a row, then others may write
PAUSE = 0.01  # seconds; who waits for SQLite's lock looks every 100 ms, and would find it taken all the time
MISSED = dt.timedelta(days=1)  # a longer pause between ticks is a time that has to be caught up
T = TypeVar("T")

log = logs.get("qaflow.tick")


@dataclass
class Report:
    """What a sweep did, by kind, and what it passed over, with the reason."""

    at: str
    since: str | None = None
    done: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, Any] = field(default_factory=dict)
    notice: str | None = None
    number: int | None = None  # of the sweep's row, where something was due
    quiet: bool = False  # the first sweep after a restore: its notices went out before

    def add(self, kind: str, count: int | None = 1) -> None:
        """Count what was done."""
        if count:
            self.done[kind] = self.done.get(kind, 0) + count

    def skip(self, why: str, count: int = 1) -> None:
        """Count what was passed over."""
        self.skipped[why] = self.skipped.get(why, 0) + count

    @property
    def reach(self) -> str:
        """How far time has been swept: a sandbox's look back at an earlier instant does not undo the later ticks."""
        return max(self.at, self.since or self.at)

    def plain(self) -> dict[str, Any]:
        """Return the report as a document."""
        return {"at": self.at, "since": self.since, "done": self.done, "skipped": self.skipped, "notice": self.notice}


class Sweep:
    """What one sweep holds: who sweeps, what was done, and what it leaves alone."""

    def __init__(self, session: AnySession, origin: Origin, report: Report, batch: int) -> None:
        self.session, self.origin, self.report, self.batch = session, origin, report, batch
        self.now = utc(origin.now)
        d = driver(session)
        known = ticks.incidents(d)
        self.colleges = [c.id for c in colleges.everyone(d)]
        session.rollback()
        self.known = {(i.kind, i.ref) for i in known}
        self.held = {(i.kind, i.ref) for i in known if i.next_try_at is None or i.next_try_at > self.now}
        since = instant(report.since) if report.since else origin.now
        self.late = origin.now - since > MISSED
        self._alone, self._turns = d.dialect == "sqlite", 0

    def all(self) -> None:
        """Do every step in the order in which one makes room for the next."""
        for college in self.colleges:
            self._subjects(college)
            self._of_college("tick.deputies", "deputies_ended", college, self._deputies)
            self._starts(college)
        self._cycles()
        self._escalations()
        for college in self.colleges:
            self._of_college("tick.readings", "readings_late", college, self._late_readings)
            self._of_college("tick.tasks", "tasks_late", college, self._late_tasks)

    # One piece of work

    def guard(self, kind: str, ref: str, body: Callable[[Driver], T], college: int | None = None) -> T | None:
        """Run one piece of work in its transaction; None where it failed, or is held back after it failed before."""
        if (kind, ref) in self.held:
            return None
        try:
            found = transact(self.session, body)
        except Unreachable:
            raise
        except Busy:
            self._leave(kind, ref)
            return None
        except Exception as error:  # noqa: BLE001 - one item's failure is one item's
            self._incident(kind, ref, error, college)
            return None
        if (kind, ref) in self.known:
            transact(self.session, lambda d: ticks.solve(d, kind, ref, self.now))
            self.known.discard((kind, ref))
        return found

    def _leave(self, kind: str, ref: str) -> None:
        """Leave to the next tick what others are working on."""
        self.held.add((kind, ref))
        self.report.skip("busy")

    def _incident(self, kind: str, ref: str, error: Exception, college: int | None) -> None:
        log.warning("tick.item_failed", kind=kind, ref=ref, exc_info=error)
        self.held.add((kind, ref))
        self.report.add("incidents")

        def body(d: Driver) -> None:
            failed = ticks.tries(d, kind, ref)
            later = utc(self.origin.now + BACK_OFF[failed]) if failed < len(BACK_OFF) else None
            ticks.open_incident(d, college, kind, ref, f"{type(error).__name__}: {error}"[:500], self.now, later)

        transact(self.session, body)

    def _let_others(self) -> None:
        """Make room after some batches: on SQLite a long sweep would keep people's acts out."""
        self._turns += 1
        if self._alone and self._turns % TURNS == 0:
            time.sleep(PAUSE)

    def _batch_failed(self, kind: str, error: Exception) -> None:
        if isinstance(error, Unreachable):
            raise error
        if not isinstance(error, Busy):
            log.warning("tick.batch_failed", kind=kind, exc_info=error)

    def apart(self, kind: str) -> list[int]:
        """Return the numbers that no batch may hold: those that failed before, or were left alone in this sweep."""
        return [int(ref.partition(":")[2]) for of, ref in self.held | self.known if of == kind]

    def again(self, kind: str) -> list[int]:
        """Return the numbers of what failed before and may be tried now, by itself."""
        return sorted(int(ref.partition(":")[2]) for of, ref in self.known - self.held if of == kind)

    def _of_college(self, kind: str, name: str, college: int, body: Callable[[Driver, int], int]) -> None:
        self.report.add(name, self.guard(kind, f"college:{college}", lambda d: body(d, college), college))

    # The steps

    def _subjects(self, college: int) -> None:
        calendar = transact(self.session, lambda d: view(self.session, d, college)).calendar
        day = calendar.local_day(self.origin.now).isoformat()
        for subject in self.again("tick.subject"):
            self._end_subject(college, subject)
        while True:
            ended = sweep.ended_subjects(driver(self.session), college, day, self.batch, self.apart("tick.subject"))
            self.session.rollback()
            for subject in ended:
                self._end_subject(college, subject)
            if not ended:
                return

    def _end_subject(self, college: int, subject: int) -> None:
        self.report.add("cancelled", self.guard("tick.subject", f"subject:{subject}", lambda d: (
            advancing.end_subject(self.session, d, self.origin, college, subject)), college))  # fmt: skip

    def _deputies(self, d: Driver, college: int) -> int:
        writer = Writer(d, self.origin)
        day = view(self.session, d, college).calendar.local_day(self.origin.now)
        count = deputies.end_due(d, writer, self.origin, college, day)
        writer.flush()
        return count

    def _late_readings(self, d: Driver, college: int) -> int:
        return monitoring.note_late(self.session, d, self.origin, view(self.session, d, college))

    def _late_tasks(self, d: Driver, college: int) -> int:
        return monitoring.warn_late_tasks(self.session, d, self.origin, view(self.session, d, college))

    def _starts(self, college: int) -> None:
        """Start what is due; a batch that fails goes subject by subject."""
        for row in self._due(college, only=self.again("tick.start")):
            self._start(college, row)
        while True:
            held = self.apart("tick.start")
            try:
                started, seen = transact(self.session, lambda d, h=held: rounds.start_due(  # type: ignore[misc]
                    self.session, d, self.origin, college, rounds.BATCH, h))  # fmt: skip
            except Exception as error:  # noqa: BLE001 - its items go singly
                self._batch_failed("start", error)
                started, rows = 0, self._due(college)[: rounds.BATCH]
                seen = len(rows)
                for row in rows:
                    self._start(college, row)
            self.report.add("started", started)
            if not seen:
                return
            self._let_others()

    def _due(self, college: int, only: Sequence[int] | None = None) -> list[schedule.Due]:
        """Return what is due to start: what no incident holds back, or only what is given."""
        if only is not None and not only:
            return []
        held = self.apart("tick.start") if only is None else ()
        rows = schedule.due(driver(self.session), college, self.now, 1_000_000, held)
        self.session.rollback()
        return rows if only is None else [r for r in rows if r.id in set(only)]

    def _start(self, college: int, row: schedule.Due) -> None:
        self.report.add("started", self.guard("tick.start", f"schedule:{row.id}", lambda d: (
            rounds.start_rows(self.session, d, self.origin, college, [row])), college))  # fmt: skip

    def _cycles(self) -> None:
        """Advance, issue sheets, note period ends: alike cycles together, the rest one by one."""
        for cycle in self.again("tick.cycle"):
            self._attend(cycle, None)
        while True:
            held = self.apart("tick.cycle")
            try:
                due, rest, advanced = transact(self.session, lambda d, h=held: self._cycle_batch(d, h))  # type: ignore[misc]
                self.report.add("advanced", advanced)
            except Exception as error:  # noqa: BLE001 - its items go singly
                self._batch_failed("cycle", error)
                due = rest = self._due_cycles(held)
            self._attend_all(rest)
            if not due:
                return
            self._let_others()

    def _due_cycles(self, held: list[int]) -> list[sweep.DueCycle]:
        due = sweep.cycles_due(driver(self.session), self.now, self.batch, held)
        self.session.rollback()
        return due

    def _cycle_batch(self, d: Driver, held: list[int]) -> tuple[list[sweep.DueCycle], list[sweep.DueCycle], int]:
        due = sweep.cycles_due(d, self.now, self.batch, held)
        if not due:
            return [], [], 0
        alike, rest = advancing.groups(self.session, d, due, self.now)
        advanced = 0
        for group in alike.values():
            others = advancing.advance_alike(self.session, d, self.origin, group)
            advanced += len(group) - len(others)
            rest += others
        return due, rest, advanced

    def _attend_all(self, rest: Sequence[sweep.DueCycle]) -> None:
        """Attend to cycles that are not alike, many in one transaction; where one fails each goes by itself."""
        for first in range(0, len(rest), AT_ONCE):
            part = rest[first : first + AT_ONCE]
            try:
                found = transact(self.session, lambda d, p=part: (  # type: ignore[misc]
                    advancing.attend_many(self.session, d, self.origin, [one.id for one in p], self.late)))  # fmt: skip
            except Exception as error:  # noqa: BLE001 - its items go singly
                self._batch_failed("cycle", error)
                for one in part:
                    self._attend(one.id, one.college)
            else:
                for cycle, kinds in found.items():
                    self._attended(cycle, kinds)

    def _attend(self, cycle: int, college: int | None) -> None:
        self._attended(cycle, self.guard("tick.cycle", f"cycle:{cycle}", lambda d: (
            advancing.attend(self.session, d, self.origin, cycle, self.late)), college))  # fmt: skip

    def _attended(self, cycle: int, kinds: list[str] | None) -> None:
        for kind in kinds or ():
            if kind == "SheetSkipped":
                self.report.skip("sheets")
            else:
                self.report.add(_DONE[kind])
        if kinds is not None and not kinds:
            self.held.add(("tick.cycle", f"cycle:{cycle}"))  # nothing was due in it: not again in this sweep

    def _escalations(self) -> None:
        """Fire levels, oldest item first, pass by pass, so that the levels of one item come in order."""
        for item in self.again("tick.item"):
            while self._escalate_again(item):
                pass
        while self._escalation_pass():
            pass

    def _escalate_again(self, item: int) -> int | None:
        """Fire the next level of an item that failed before; one that is no longer late is no incident any more."""

        def body(d: Driver) -> int:
            late = sweep.late_item(d, item, self.now)
            return escalating.escalate_one(self.session, d, self.origin, late) if late else 0

        count = self.guard("tick.item", f"item:{item}", body)
        self.report.add("escalated", count)
        return count

    def _escalation_pass(self) -> int:
        after: sweep.LateItem | int = 0
        fired = 0
        while True:
            held = self.apart("tick.item")
            try:
                late, singly, count = transact(self.session, lambda d, a=after, h=held: self._escalate_batch(d, a, h))  # type: ignore[misc]
                self.report.add("escalated", count)
                fired += count
            except Exception as error:  # noqa: BLE001 - its items go singly
                self._batch_failed("escalation", error)
                late = singly = self._late_items(after, held)
            for item in singly:
                fired += self._escalate(item)
            if not late:
                return fired
            self._let_others()
            after = late[-1]

    def _late_items(self, after: sweep.LateItem | int, held: list[int]) -> list[sweep.LateItem]:
        late = sweep.items_late(driver(self.session), self.now, after, self.batch, held)
        self.session.rollback()
        return late

    def _escalate(self, item: sweep.LateItem) -> int:
        count = self.guard("tick.item", f"item:{item.id}", lambda d: (
            escalating.escalate_one(self.session, d, self.origin, item)), item.college)  # fmt: skip
        self.report.add("escalated", count)
        return count or 0

    def _escalate_batch(self, d: Driver, after: sweep.LateItem | int, held: list[int]) -> tuple[
            list[sweep.LateItem], list[sweep.LateItem], int]:  # fmt: skip
        late = sweep.items_late(d, self.now, after, self.batch, held)
        if not late:
            return [], [], 0
        count, singly = escalating.escalate_batch(self.session, d, self.origin, late)
        return late, singly, count


_DONE = {"SheetIssued": "sheets", "StageAdvanced": "advanced", "AdvanceHeld": "held", "PeriodEnded": "periods_ended",
         "CycleClosed": "lapsed"}  # fmt: skip
