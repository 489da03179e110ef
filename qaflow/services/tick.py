"""The tick: one sweep over everything that is due now (engine rules, 2, 6 and 8).

Level-triggered: it asks the database what is due, so a missed tick is made good by the next, and a second one at the
same time finds nothing left.  Work goes in batches of one transaction each; a batch that fails is rolled back and its
items go singly, and one that fails alone becomes an incident that people see.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from qaflow import logs
from qaflow.errors import Refused
from qaflow.store import colleges, sweep, ticks
from qaflow.store.db import Driver, driver, instant, utc

from . import advancing, deputies, escalating, handing_over, monitoring, rounds
from .college import view
from .installation import now_of
from .ports import Mailer, Ports
from .work import AnySession, LostRace, Origin, Writer, transact

BATCH = 500
BACK_OFF = (dt.timedelta(minutes=1), dt.timedelta(minutes=10))  # then a person has to look at it
CLOCK_SLACK = dt.timedelta(minutes=5)
LEASE = "tick"
LEASE_TIME = dt.timedelta(minutes=2)

log = logs.get("qaflow.tick")


@dataclass
class Report:
    """What a sweep did, by kind, and what it passed over, with the reason."""

    at: str
    since: str | None = None
    done: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, Any] = field(default_factory=dict)
    notice: str | None = None

    def add(self, kind: str, count: int = 1) -> None:
        """Count what was done."""
        if count:
            self.done[kind] = self.done.get(kind, 0) + count

    def plain(self) -> dict[str, Any]:
        """Return the report as a document."""
        return {"at": self.at, "since": self.since, "done": self.done, "skipped": self.skipped, "notice": self.notice}


def run(session: AnySession, ports: Ports, *, door: str, at: dt.datetime | None = None, confirm: bool = False,
        retry: bool = False, mailer: Mailer | None = None) -> Report:  # fmt: skip
    """Do one sweep now, or at an instant: in a sandbox any, elsewhere none later than the clock (engine rules, 8)."""
    now, real, sandbox = now_of(session, ports)
    if at is not None and at > now and not sandbox:
        raise Refused("clock.future", f"--at {utc(at)} lies after the clock ({utc(now)})")
    origin = Origin(now=at or now, recorded=real, door=door)
    limit = dt.timedelta(days=ports.settings.max_catch_up)
    return swept(session, origin, limit=limit, confirm=confirm, retry=retry, mailer=mailer or ports.mailer)


def swept(session: AnySession, origin: Origin, *, limit: dt.timedelta, confirm: bool = False, retry: bool = False,
          mailer: Mailer | None = None) -> Report:  # fmt: skip
    """Sweep once and leave a row that says what was done."""
    report = Report(at=utc(origin.now))
    if not _may_go(session, origin, report, limit, confirm):
        return report
    number = transact(session, lambda d: ticks.begin(d, report.since, report.at, utc(origin.recorded), origin.door))
    if retry:
        report.add("incidents_retried", transact(session, lambda d: ticks.retry(d, report.at)))
    _Sweep(session, origin, report).all()
    if mailer is not None:
        handing_over.deliver(session, origin, mailer, report)
    transact(session, lambda d: ticks.end(d, number, utc(origin.recorded), report.done, report.skipped))
    return report


def _may_go(session: AnySession, origin: Origin, report: Report, limit: dt.timedelta, confirm: bool) -> bool:
    """Hold still where the clock went back, or where it leapt so far that people must confirm it."""
    d = driver(session)
    last, found = ticks.last(d), ticks.installation(d)
    session.rollback()
    report.since = last
    if last is None:
        return True
    gap = origin.now - instant(last)
    if gap < dt.timedelta(0):
        report.notice = f"nothing done: {report.at} lies before the last tick ({last})"
        report.skipped["clock"] = "back"
        if gap < -CLOCK_SLACK:
            transact(session, lambda d: ticks.open_incident(d, None, "clock", "back", report.notice or "", report.at, None))
        return False
    if gap > limit or (found is not None and found.paused_reason):
        if not confirm:
            report.notice = f"automatic steps wait: {gap.days} days since the last tick; see to the clock, then `qaflow tick --confirm`"
            report.skipped["paused"] = gap.days
            transact(session, lambda d: _pause(d, report))
            return False
        transact(session, lambda d: _unpause(d, report))
    return True


def _pause(d: Driver, report: Report) -> None:
    ticks.pause(d, report.notice)
    ticks.open_incident(d, None, "clock", "gap", report.notice or "", report.at, None)


def _unpause(d: Driver, report: Report) -> None:
    ticks.pause(d, None)
    ticks.solve(d, "clock", "gap", report.at)


class _Sweep:
    """One sweep: each step asks what is due until nothing is."""

    def __init__(self, session: AnySession, origin: Origin, report: Report) -> None:
        self.session, self.origin, self.report = session, origin, report
        self.now = utc(origin.now)
        held = ticks.incidents(driver(session))
        self.college_ids = [c.id for c in colleges.everyone(driver(session))]
        session.rollback()
        self.held = {(i.kind, i.ref) for i in held if i.next_try_at is None or i.next_try_at > self.now}
        self.known = {(i.kind, i.ref) for i in held}
        since = instant(report.since) if report.since else origin.now
        self.late = origin.now - since > dt.timedelta(days=1)

    def all(self) -> None:
        """Do every step in the order in which one makes room for the next."""
        self._subjects()
        for college in self.college_ids:
            self._guard("tick.deputies", f"college:{college}", lambda d, c=college: self._deputies(d, c))
            self._starts(college)
        self._cycles()
        self._escalations()
        for college in self.college_ids:
            self._guard("tick.readings", f"college:{college}", lambda d, c=college: self._late_readings(d, c))
            self._guard("tick.tasks", f"college:{college}", lambda d, c=college: self._late_tasks(d, c))

    def _guard(self, kind: str, ref: str, body: Callable[[Driver], int], college: int | None = None) -> int:
        """Run one piece of work in its transaction; a failure becomes an incident with three tries in all."""
        if (kind, ref) in self.held:
            return 0
        try:
            count = transact(self.session, body)
        except Exception as error:  # noqa: BLE001 - one item's failure is one item's
            self._incident(kind, ref, error, college)
            return 0
        if (kind, ref) in self.known:
            transact(self.session, lambda d: ticks.solve(d, kind, ref, self.now))
            self.known.discard((kind, ref))
        return count

    def _incident(self, kind: str, ref: str, error: Exception, college: int | None) -> None:
        log.warning("tick.item_failed", kind=kind, ref=ref, exc_info=error)
        self.held.add((kind, ref))
        self.report.add("incidents")

        def body(d: Driver) -> None:
            failed = ticks.tries(d, kind, ref)
            wait = BACK_OFF[failed] if failed < len(BACK_OFF) else None
            later = utc(self.origin.now + wait) if wait else None
            ticks.open_incident(d, college, kind, ref, f"{type(error).__name__}: {error}"[:500], self.now, later)

        transact(self.session, body)

    def _subjects(self) -> None:
        day = self.origin.now.date().isoformat()
        while True:
            ended = sweep.ended_subjects(driver(self.session), day, BATCH)
            self.session.rollback()
            fresh = [(s, c) for s, c in ended if ("tick.subject", f"subject:{s}") not in self.held]
            for subject, college in fresh:
                count = self._guard("tick.subject", f"subject:{subject}", lambda d, s=subject, c=college: (
                    advancing.end_subject(self.session, d, self.origin, c, s)), college)  # fmt: skip
                self.report.add("cancelled", count)
            if not fresh:
                return

    def _deputies(self, d: Driver, college: int) -> int:
        writer = Writer(d, self.origin)
        day = view(self.session, d, college).calendar.local_day(self.origin.now).isoformat()
        count = deputies.end_due(d, writer, self.origin, college, day)
        writer.flush()
        self.report.add("deputies_ended", count)
        return count

    def _starts(self, college: int) -> None:
        """Start what is due; a batch that fails goes subject by subject."""
        while True:
            try:
                started, seen = transact(self.session, lambda d: rounds.start_due(self.session, d, self.origin, college, held=self._held("tick.start")))
            except Exception as error:
                log.warning("tick.batch_failed", kind="start", exc_info=error)
                self._starts_singly(college)
                return
            self.report.add("started", started)
            if not seen:
                return

    def _starts_singly(self, college: int) -> None:
        from qaflow.store import rounds as schedule

        due = schedule.due(driver(self.session), college, self.now, 1_000_000)
        self.session.rollback()
        for row in due:
            self.report.add("started", self._guard("tick.start", f"schedule:{row.id}", lambda d, r=row: rounds.start_rows(
                self.session, d, self.origin, college, [r]), college))  # fmt: skip

    def _held(self, kind: str) -> list[int]:
        return [int(ref.partition(":")[2]) for of, ref in self.held if of == kind]

    def _cycles(self) -> None:
        """Advance, issue sheets, note period ends: alike cycles together, the rest one by one."""
        while True:
            held = self._held("tick.cycle")
            try:
                due, rest = transact(self.session, lambda d, h=held: self._cycle_batch(d, h))
            except Exception as error:
                if not isinstance(error, LostRace):
                    log.warning("tick.batch_failed", kind="cycle", exc_info=error)
                due = rest = self._due_ids(held)
            for cycle, college in rest:
                self._guard("tick.cycle", f"cycle:{cycle}", lambda d, c=cycle: self._attend(d, c), college)
            if not due:
                return

    def _due_ids(self, held: list[int]) -> list[tuple[int, int]]:
        due = sweep.cycles_due(driver(self.session), self.now, BATCH, held)
        self.session.rollback()
        return [(c.id, c.college) for c in due]

    def _cycle_batch(self, d: Driver, held: list[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        due = sweep.cycles_due(d, self.now, BATCH, held)
        if not due:
            return [], []
        alike, rest = advancing.groups(self.session, d, due, self.now)
        advanced = 0
        for group in alike.values():
            others = advancing.advance_alike(self.session, d, self.origin, group)
            advanced += len(group) - len(others)
            rest += others
        self.report.add("advanced", advanced)
        return [(c.id, c.college) for c in due], [(c.id, c.college) for c in rest]

    def _attend(self, d: Driver, cycle: int) -> int:
        kinds = advancing.attend(self.session, d, self.origin, cycle, self.late)
        for kind in kinds:
            self.report.add(_DONE[kind])
        return len(kinds)

    def _escalations(self) -> None:
        """Fire levels, oldest item first, pass by pass, so that the levels of one item come in order."""
        while self._escalation_pass():
            pass

    def _escalation_pass(self) -> int:
        after, fired = 0, 0
        while True:
            held = self._held("tick.item")
            late: list[sweep.LateItem] = []
            try:
                late, count, singly = transact(self.session, lambda d, a=after, h=held: self._escalate_batch(d, a, h))
                fired += count
                self.report.add("escalated", count)
            except Exception as error:
                if not isinstance(error, LostRace):
                    log.warning("tick.batch_failed", kind="escalation", exc_info=error)
                late = singly = sweep.items_late(driver(self.session), self.now, after, BATCH, held)
                self.session.rollback()
            for item in singly:
                count = self._guard("tick.item", f"item:{item.id}", lambda d, i=item: escalating.escalate_one(
                    self.session, d, self.origin, i), item.college)  # fmt: skip
                fired += count
                self.report.add("escalated", count)
            if not late:
                return fired
            after = late[-1].id

    def _escalate_batch(self, d: Driver, after: int, held: list[int]) -> tuple[list[sweep.LateItem], int, list[sweep.LateItem]]:
        late = sweep.items_late(d, self.now, after, BATCH, held)
        if not late:
            return [], 0, []
        count, singly = escalating.escalate_batch(self.session, d, self.origin, late)
        return late, count, singly

    def _late_readings(self, d: Driver, college: int) -> int:
        count = monitoring.note_late(self.session, d, self.origin, view(self.session, d, college))
        self.report.add("readings_late", count)
        return count

    def _late_tasks(self, d: Driver, college: int) -> int:
        count = monitoring.warn_late_tasks(self.session, d, self.origin, view(self.session, d, college))
        self.report.add("tasks_late", count)
        return count


_DONE = {"SheetIssued": "sheets", "StageAdvanced": "advanced", "AdvanceHeld": "held", "PeriodEnded": "periods_ended",
         "CycleClosed": "lapsed"}  # fmt: skip


def elect(session: AnySession, holder: str, now: dt.datetime) -> bool:
    """Take or renew the lease that says who wakes the tick; it chooses the waker only, any caller may sweep."""
    return transact(session, lambda d: ticks.take_lease(d, LEASE, holder, utc(now), utc(now + LEASE_TIME)))


def resign(session: AnySession, holder: str, now: dt.datetime) -> None:
    """Give the lease up at a graceful stop."""
    transact(session, lambda d: ticks.free_lease(d, LEASE, holder, utc(now)))


def unsolved(found: Iterable[ticks.Incident]) -> list[dict[str, Any]]:
    """Return incidents as documents."""
    return [i._asdict() for i in found]
