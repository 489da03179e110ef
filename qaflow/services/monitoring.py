"""Readings in, warnings out: the quick loop's monitor (engine rules, 4)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qaflow.engine.calendar import CalendarGap
from qaflow.engine.control import Limits, breach
from qaflow.engine.definition import QuickLoop
from qaflow.engine.snapshot import Data, WarningLife
from qaflow.errors import Invalid
from qaflow.store import cycles as rows
from qaflow.store import readings
from qaflow.store.db import Driver, utc

from . import cycles
from .acting import Acting, hold
from .college import CollegeView, view
from .streams import college_fact
from .work import AnySession, Origin, Writer, transact

GRACE = 3  # working days after which a reading that should have come is late
DAYS = {"weekly": 7, "half-month": 15, "monthly": 31, "quarterly": 92, "semester": 184, "yearly": 366}
BATCH = 500
YEAR_PAST = dt.timedelta(days=300)  # a yearly task is planned anew so long after its finish
SYSTEM_ACCOUNT = 1


@dataclass(frozen=True)
class NewReading:
    """One reading handed in: whose, of which point, when, how much, from where."""

    point: str
    layer: str
    code: str
    at: dt.datetime
    value: float
    source: str


def accept(session: AnySession, origin: Origin, college: int, given: Sequence[NewReading]) -> Data:
    """Store a batch of readings and let them open, join or close warnings; all or nothing.

    A reading already stored (same point, subject, time, source) is counted as known and changes nothing.
    """

    def body(driver: Driver) -> Data:
        batch = _Batch(session, driver, origin, view(session, driver, college))
        report = batch.take(given)
        batch.writer.flush()
        return report

    return transact(session, body)


class _Batch:
    """One batch on its way in."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, college: CollegeView) -> None:
        self.session, self.driver, self.origin, self.college = session, driver, origin, college
        self.writer = Writer(driver, origin)
        self.points = {p.key: p for p in readings.points(driver, college.id)}
        self.held: dict[int, Acting] = {}
        self.done = {"accepted": 0, "known": 0, "opened": 0, "joined": 0, "returned": 0}

    def take(self, given: Sequence[NewReading]) -> Data:
        """Check, store and evaluate the readings in the order of their time."""
        fresh = self._resolve(given)
        if fresh:
            text = "\n".join(f"{p.key}|{s}|{at}|{v!r}|{source}" for p, s, at, v, source in fresh)
            digest = hashlib.sha256(text.encode()).hexdigest()
            plain = [(p.id, s, at, v, source) for p, s, at, v, source in fresh]
            by = self.origin.person or SYSTEM_ACCOUNT
            batch, ids = readings.insert(self.driver, self.college.id, plain, digest, self.writer.at, by)
            self._evaluate(fresh, ids)
            for acting in self.held.values():
                cycles.finish(acting)
            college_fact(self.driver, self.writer, self.college.id, self.college.key, "ReadingsAccepted",
                         {"batch": batch, "rows": len(fresh), "digest": digest, "first": ids[0]})  # fmt: skip
            self.done["accepted"] = len(fresh)
        return dict(self.done)

    def _resolve(self, given: Sequence[NewReading]) -> list[tuple[readings.Point, int, str, float, str]]:
        errors: list[Data] = []
        by_layer: dict[str, list[str]] = {}
        for one in given:
            by_layer.setdefault(one.layer, []).append(one.code)
        found: dict[tuple[str, str], int] = {}
        for layer, codes in by_layer.items():
            found |= readings.subjects(self.driver, self.college.id, layer, codes)
        resolved = []
        for n, one in enumerate(given):
            point, subject = self.points.get(one.point), found.get((one.layer, one.code))
            if point is None:
                errors.append(_fault(n, "ref.unknown_point", f"no control point {one.point!r}"))
            elif subject is None:
                errors.append(_fault(n, "ref.unknown_subject", f"no {one.layer} {one.code!r}"))
            elif not math.isfinite(one.value):
                errors.append(_fault(n, "number.not_finite", f"{one.value} is no measured value"))
            else:
                resolved.append((point, subject, utc(one.at), float(one.value), one.source))
        if errors:
            raise Invalid("readings.invalid", f"{len(errors)} of {len(given)} readings are wrong", errors=errors)
        return self._unknown(resolved)

    def _unknown(
        self, resolved: list[tuple[readings.Point, int, str, float, str]]
    ) -> list[tuple[readings.Point, int, str, float, str]]:
        if not resolved:
            return []
        points, subjects = {r[0].id for r in resolved}, {r[1] for r in resolved}
        times = [r[2] for r in resolved]
        kept = readings.known(self.driver, self.college.id, sorted(points), sorted(subjects), min(times), max(times))
        fresh, seen = [], set(kept)
        for row in sorted(resolved, key=lambda r: (r[2], r[1], r[0].id)):
            key = (row[0].id, row[1], row[2], row[4])
            if key in seen:
                self.done["known"] += 1
            else:
                seen.add(key)
                fresh.append(row)
        return fresh

    def _evaluate(self, fresh: list[tuple[readings.Point, int, str, float, str]], ids: Sequence[int]) -> None:
        points, subjects = sorted({r[0].id for r in fresh}), sorted({r[1] for r in fresh})
        self.open = readings.open_warnings(self.driver, self.college.id, points, subjects)
        self.cycles: dict[int, list[tuple[int, str, int]]] | None = None
        self._subjects = subjects
        for (point, subject, _, value, _), reading in zip(fresh, ids, strict=True):
            limits = Limits(
                direction=point.direction, target=point.target, lower=point.warn_lower, upper=point.warn_upper
            )
            severity = breach(limits, value)
            standing = self.open.get((point.id, subject))
            if severity is not None:
                self._breached(point, subject, reading, value, severity, limits, standing)
            elif standing is not None:
                self._inside(point, subject, reading, standing)

    def _breached(self, point: readings.Point, subject: int, reading: int, value: float, severity: str, limits: Limits,
                  standing: readings.OpenWarning | None) -> None:  # fmt: skip
        if standing is None:
            args = {"point": point.id, "kind": "breach", "severity": severity, "breached": True, "reading": reading,
                    "limit": limits.text, "value": value}  # fmt: skip
            name, cycle = self.open_warning(subject, args, _track_of(point))
            self.open[(point.id, subject)] = readings.OpenWarning(name, cycle, "opened", True, severity, 0, "breach")
            self.done["opened"] += 1
            return
        if standing.inside:
            readings.set_inside(self.driver, standing.id, 0)
        if standing.cycle is not None:
            acting = self._hold(standing.cycle)
            args = {"warning": standing.id, "reading": reading, "value": value, "severity": severity}
            if acting.decide("join", args, acting.context()):
                self.done["joined"] += 1
        state = "opened" if standing.state == "confirmed" else standing.state
        self.open[(point.id, subject)] = standing._replace(inside=0, breached=True, state=state)

    def _inside(self, point: readings.Point, subject: int, reading: int, standing: readings.OpenWarning) -> None:
        """Count readings inside the limits; as many in a row as the definition's damping says mean "returned"."""
        if not standing.breached and standing.kind != "late":
            return
        inside = standing.inside + 1
        damping = self._damping(standing.cycle)
        if standing.cycle is None or (inside < damping and standing.kind != "late"):
            readings.set_inside(self.driver, standing.id, inside)
            self.open[(point.id, subject)] = standing._replace(inside=inside)
            return
        acting = self._hold(standing.cycle)
        acting.decide("back", {"warning": standing.id, "reading": reading}, acting.context())
        self.done["returned"] += 1
        closed = standing.state == "confirmed"
        if closed:
            del self.open[(point.id, subject)]
        else:
            self.open[(point.id, subject)] = standing._replace(breached=False, inside=0)

    def _damping(self, cycle: int | None) -> int:
        quick = self._hold(cycle).compiled.definition.quick if cycle is not None else None
        return (quick or QuickLoop()).damping

    def _hold(self, cycle: int) -> Acting:
        acting = self.held.get(cycle)
        if acting is None:
            acting = self.held[cycle] = hold(self.session, self.driver, self.origin, cycle, self.writer)
        return acting

    def open_warning(self, subject: int, args: Data, track: str | None) -> tuple[str, int | None]:
        """Open a warning in the subject's running cycle, or with the college where none runs."""
        if self.cycles is None:
            self.cycles = readings.running_cycles(self.driver, self.college.id, self._subjects)
        cycle = _pick(self.cycles.get(subject, []), track)
        if cycle is None:
            return open_orphan(self.driver, self.writer, self.college, subject, args), None
        acting = self._hold(cycle)
        before = acting.snap.warning_no
        acting.decide("warn", args, acting.context())
        return f"{cycle}.{before + 1}", cycle


def _track_of(point: readings.Point) -> str | None:
    track = json.loads(point.body).get("track")
    return str(track) if track else None


def _pick(found: list[tuple[int, str, int]], track: str | None) -> int | None:
    """Return the running cycle that a reading concerns: of the point's own track, else the first."""
    named = [c for c, of, _ in found if of == track]
    return named[0] if named else (found[0][0] if found else None)


def open_orphan(driver: Driver, writer: Writer, college: CollegeView, subject: int, args: Data) -> str:
    """Open a warning that stands with the college until the subject has a running cycle."""
    name = f"s{subject}.{readings.warning_count(driver, college.id, subject) + 1}"
    row = {"id": name, "state": "opened", **{k: v for k, v in args.items() if v is not None}}
    college_fact(driver, writer, college.id, college.key, "WarningOpened", {"warning": row, "subject": subject})
    rows.write_warning(driver, college.id, None, subject, WarningLife(**{"opened_at": writer.at, **row}))
    return name


def _fault(n: int, code: str, message: str) -> Data:
    return {"pointer": f"/{n}", "code": code, "message": message}


def note_late(session: AnySession, driver: Driver, origin: Origin, college: CollegeView) -> int:
    """Open a warning for each reading that its cadence asked for and that did not come; returns how many."""
    today = college.calendar.local_day(origin.now)
    opened = 0
    for point in readings.points_to_check(driver, college.id, today.isoformat()):
        span = DAYS.get(point.cadence)
        if span is None:
            readings.set_check(driver, point.id, readings.NEVER)
            continue
        opened += _late_of(session, driver, origin, college, point, span)
        readings.set_check(driver, point.id, _next_check(college, today, span))
    return opened


def _next_check(college: CollegeView, today: dt.date, span: int) -> str:
    try:
        return college.calendar.add_working(today + dt.timedelta(days=span), GRACE).isoformat()
    except CalendarGap:
        return (today + dt.timedelta(days=span)).isoformat()


def _late_of(
    session: AnySession, driver: Driver, origin: Origin, college: CollegeView, point: readings.Point, span: int
) -> int:
    since = utc(origin.now - dt.timedelta(days=span + GRACE * 2))
    missing = readings.without_reading(driver, college.id, point.id, point.layer, since, BATCH * 100)
    if not missing or not readings.ever_read(driver, college.id, point.id):
        return 0
    batch = _Batch(session, driver, origin, college)
    batch.cycles = readings.running_cycles(driver, college.id, missing)
    for subject in missing:
        args: dict[str, Any] = {"point": point.id, "kind": "late", "severity": "minor"}
        batch.open_warning(subject, args, _track_of(point))
    for acting in batch.held.values():
        cycles.finish(acting)
    batch.writer.flush()
    return len(missing)


def settle_tasks(driver: Driver, college: int, today: dt.date) -> None:
    """Fit a loaded plan into the running year: yearly tasks recur, what was due before stands without a warning."""
    changed = []
    for task, month, recurs, due, _, body in readings.planned_tasks(driver, college):
        date = json.loads(body)["date"]
        if recurs and (month or date):
            wanted = due or _next_month_end(today, month or dt.date.fromisoformat(date).month).isoformat()
        else:
            wanted = date
        if wanted and wanted != due:
            changed.append((task, wanted, not recurs and wanted < today.isoformat()))
    readings.set_tasks_due(driver, changed)


def _renew_tasks(driver: Driver, college: int, today: dt.date, before: str) -> None:
    """Plan yearly tasks anew, long after their finish."""
    passed = readings.recurring_tasks(driver, college, before)
    ends = [(task, _next_month_end(today, dt.date.fromisoformat(due).month)) for task, due in passed]
    readings.set_tasks_due(driver, [(task, end.isoformat(), False) for task, end in ends])


def _next_month_end(today: dt.date, month: int) -> dt.date:
    """Return the last day of a month, of this year or the next, not before today."""
    for year in (today.year, today.year + 1):
        end = dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)
        if end >= today:
            return end
    raise AssertionError(month)


def warn_late_tasks(session: AnySession, driver: Driver, origin: Origin, college: CollegeView) -> int:
    """Open one warning for each task past its planned finish, in its owner's running cycle (engine rules, 1)."""
    today = college.calendar.local_day(origin.now)
    day = today.isoformat()
    _renew_tasks(driver, college.id, today, (today - YEAR_PAST).isoformat())
    late = readings.late_tasks(driver, college.id, day, BATCH)
    subjects = [s for _, _, s, _ in late if s is not None]
    batch = _Batch(session, driver, origin, college)
    batch.cycles = readings.running_cycles(driver, college.id, subjects) if subjects else {}
    for task, _, subject, _ in late:
        if subject is not None:
            batch.open_warning(subject, {"task": task, "kind": "task", "severity": "minor"}, None)
        readings.task_warned(driver, task)
    for acting in batch.held.values():
        cycles.finish(acting)
    batch.writer.flush()
    return len(late)
