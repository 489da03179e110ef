"""The tick: one sweep over everything that is due now, by a clock that may be trusted (engine rules, 2, 6 and 8).

Level-triggered: it asks the database what is due, so a missed tick is made good by the next, and a second one at the
same time finds nothing left.  Where the clock went back nothing is done until it has caught up; where it leapt
forward, automatic steps wait for a person's word.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from qaflow import logs
from qaflow.errors import QaflowError, Refused
from qaflow.services import repeats
from qaflow.services.events import delivering
from qaflow.services.ports import Mailer, Ports, Post
from qaflow.services.running.installation import now_of
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import operations, outbox, sweep, ticks
from qaflow.store.db import Driver, driver, instant, reading, utc

from . import handing_over
from .handing_over import NO_POST
from .sweep import BACK_OFF, Report, Sweep

BATCH = 1000
CLOCK_SLACK = dt.timedelta(minutes=5)
LEASE = "tick"
LEASE_TIME = dt.timedelta(minutes=2)
KILLED = dt.timedelta(minutes=10)  # a tick that began so long ago and has not ended is not waited for
BACK, LEAP, GAP = "back", "forward", "gap"  # what a clock's incident is about
NONE = dt.timedelta(0)
EASTMOST = dt.timedelta(hours=14)  # no college's clocks are further ahead

log = logs.get("qaflow.tick")


def run(session: AnySession, ports: Ports, *, door: str, at: dt.datetime | None = None, confirm: bool = False,
        retry: bool = False, again: bool = False, mailer: Mailer | None = None,
        ahead: dt.timedelta | None = None) -> Report:  # fmt: skip
    """Do one sweep now, or at an instant: in a sandbox any, elsewhere none later than the clock (engine rules, 8).

    ``retry`` tries every incident again, ``again`` sweeps for one whose time was set to now. ``ahead`` says how far
    the clock leapt while the caller watched it: the sweep then goes by the time before the leap.
    """
    now, real, sandbox = now_of(session, ports)
    if at is not None and at > now and not sandbox:
        raise Refused("clock.future", f"--at {utc(at)} lies after the clock ({utc(now)})")
    origin = Origin(now=at or now - (ahead or NONE), recorded=real, door=door)
    limit = dt.timedelta(days=ports.settings.max_catch_up)
    report = swept(session, origin, limit=limit, confirm=confirm, retry=retry, again=again,
                   mailer=mailer or ports.mailer, free=sandbox and at is not None,
                   steady=ahead is not None, post=ports.post)  # fmt: skip
    if report.notice is None:
        for name, many in delivering.deliver(session, ports, origin, sandbox).items():
            report.add(f"events_{name}", many)
    if report.number is not None:
        number, ended = report.number, utc(max(ports.clock.now(), real))
        transact(session, lambda d: operations.ended(d, number, ended))
    return report


def swept(session: AnySession, origin: Origin, *, limit: dt.timedelta, confirm: bool = False, retry: bool = False,
          again: bool = False, mailer: Mailer | None = None, free: bool = False, steady: bool = False,
          post: Post = NO_POST) -> Report:  # fmt: skip
    """Sweep once and leave a row that says what was done; ``free`` of the order of time, as a sandbox is.

    ``steady`` says that the instant stems from a clock that was watched, whatever the machine's clock did.
    """
    report = Report(at=utc(origin.now))
    if not _may_go(session, origin, report, limit, confirm, free, steady):
        transact(session, lambda d: _note(d, origin, report))
        return report
    if not (retry or again) and transact(session, lambda d: _idle(d, origin, report, mailer is not None)):
        return report
    number = transact(session, lambda d: ticks.begin(d, report.since, report.reach, utc(origin.recorded), origin.door))
    report.number = number
    if retry:
        report.add("incidents_retried", transact(session, lambda d: _retry(d, report.at)))
    try:
        Sweep(session, origin, report, BATCH).all()
    except BaseException as error:
        report.skipped["broken_off"] = f"{type(error).__name__}: {error}"[:200]
        with suppress(QaflowError):
            _end(session, origin, number, report)
        raise
    if report.quiet:
        report.skipped["notices"] = transact(session, lambda d: outbox.drop_waiting(d, report.at))
    _end(session, origin, number, report)
    if mailer is not None:
        _hand_over(session, origin, number, report, mailer, post)
    return report


def _idle(d: Driver, origin: Origin, report: Report, outbox: bool) -> bool:
    """Tell whether nothing is due, and leave the tick's row if so: most ticks are done with that."""
    repeats.forget(d, origin)
    latest = (origin.now.astimezone(dt.UTC) + EASTMOST).date()
    if sweep.anything_due(d, report.at, latest.isoformat(), outbox):
        return False
    number = ticks.begin(d, report.since, report.reach, utc(origin.recorded), origin.door)
    ticks.end(d, number, utc(origin.recorded), report.done, report.skipped)
    return True


def _note(d: Driver, origin: Origin, report: Report) -> None:
    """Leave the row of a tick that did nothing: it reached no further than the one before."""
    number = ticks.begin(d, report.since, ticks.last(d) or report.at, utc(origin.recorded), origin.door)
    ticks.end(d, number, utc(origin.recorded), report.done, report.skipped)


def _end(session: AnySession, origin: Origin, number: int, report: Report) -> None:
    transact(session, lambda d: ticks.end(d, number, utc(origin.recorded), report.done, report.skipped))


def _retry(d: Driver, at: str) -> int:
    handing_over.retry(d, at)
    return ticks.retry(d, at)


def _hand_over(session: AnySession, origin: Origin, number: int, report: Report, mailer: Mailer,
               post: Post) -> None:  # fmt: skip
    """Send the notices, unless another tick still sweeps: the last to end sends all, so nobody gets two messages."""
    since = utc(origin.recorded - KILLED)
    if transact(session, lambda d: ticks.others_running(d, number, since)):
        return
    done = handing_over.deliver(session, origin, mailer, post)
    report.add("messages", done.get("sent", 0))
    report.add("messages_failed", done.get("failed", 0))
    if done:
        _end(session, origin, number, report)


def _may_go(session: AnySession, origin: Origin, report: Report, limit: dt.timedelta, confirm: bool, free: bool,
            steady: bool) -> bool:  # fmt: skip
    """Hold still where the clock went back, or where it leapt so far that people must confirm it."""
    d = driver(session)
    last, found = ticks.last(d), ticks.installation(d)
    report.since = ticks.last_ended(d) or last
    leapt = None if steady else ticks.cause(d, "clock", LEAP)
    behind = ticks.cause(d, "clock", BACK)
    session.rollback()
    paused = found.paused_reason if found is not None else None
    if last is None and not paused:
        return True
    gap = origin.now - instant(last) if last is not None else NONE
    if gap < NONE and not free:
        _went_back(session, report, last or report.at, gap)
        return False
    if gap > limit or paused or leapt:
        if not confirm:
            _wait(session, report, gap, leapt, paused)
            return False
        report.quiet = bool(paused and paused.startswith(ticks.QUIETLY))
        transact(session, lambda d: _go_on(d, report))
    elif behind:
        transact(session, lambda d: ticks.solve(d, "clock", BACK, report.at))
    return True


def _went_back(session: AnySession, report: Report, last: str, gap: dt.timedelta) -> None:
    report.notice = f"nothing done: {report.at} lies before the last tick ({last})"
    report.since, report.skipped["clock"] = last, BACK
    if gap < -CLOCK_SLACK:
        _incident(session, BACK, report.notice, report.at)


def _wait(session: AnySession, report: Report, gap: dt.timedelta, leapt: str | None, paused: str | None) -> None:
    """Let automatic steps wait until a person has looked at the clock; the reason that stands is kept."""
    why = leapt or paused or f"{gap.days} days since the last tick"
    report.notice = f"automatic steps wait: {why}; see to the clock, then type: qaflow tick --confirm"
    report.skipped["paused"] = leapt or gap.days
    if leapt is None:
        transact(session, lambda d: ticks.pause(d, why))
        _incident(session, GAP, report.notice, report.at)


def _go_on(d: Driver, report: Report) -> None:
    ticks.pause(d, None)
    for what in (GAP, LEAP, BACK):
        ticks.solve(d, "clock", what, report.at)


def _incident(session: AnySession, what: str, told: str, at: str) -> None:
    """Open a clock's incident, once as long as it is not solved."""

    def body(d: Driver) -> bool:
        if ticks.cause(d, "clock", what) is not None:
            return False
        ticks.open_incident(d, None, "clock", what, told, at, None)
        return True

    if transact(session, body):
        log.error("clock.leapt" if what != BACK else "clock.went_back", detail=told)


def note_clock(session: AnySession, ahead: dt.timedelta, at: dt.datetime) -> None:
    """Note that the machine's clock left its steady one by more than five minutes while a process watched them."""
    way = "forward" if ahead > NONE else "back"
    told = f"the machine's clock leapt {way} by {abs(ahead).total_seconds():.0f} s while qaflow ran"
    _incident(session, LEAP if ahead > NONE else BACK, told, utc(at))


def leap_stands(session: AnySession) -> bool:
    """Tell whether a leap of the clock still waits for a person's word."""
    found = ticks.cause(reading(session), "clock", LEAP) is not None
    session.rollback()
    return found


def forget_leap(session: AnySession, at: dt.datetime) -> None:
    """Note that the clock came back from its leap."""
    transact(session, lambda d: ticks.solve(d, "clock", LEAP, utc(at)))


def elect(session: AnySession, holder: str, now: dt.datetime, interval: int = 0) -> bool:
    """Take or renew the lease that says who wakes the tick; it chooses the waker only, any caller may sweep.

    It lasts for three intervals at least. A lease that ends later than a right clock would set it binds nobody.
    """
    lasts = max(LEASE_TIME, 3 * dt.timedelta(seconds=interval))
    ends, sane = utc(now + lasts), utc(now + 2 * lasts)
    return transact(session, lambda d: ticks.take_lease(d, LEASE, holder, utc(now), ends, sane))


def resign(session: AnySession, holder: str, now: dt.datetime) -> None:
    """Give the lease up at a graceful stop."""
    transact(session, lambda d: ticks.free_lease(d, LEASE, holder, utc(now)))


__all__ = ["BACK_OFF", "BATCH", "CLOCK_SLACK", "Report", "elect", "forget_leap", "leap_stands", "note_clock", "resign",
           "run", "swept"]  # fmt: skip
