"""Readings that their cadence asked for and that did not come: each is worth a warning (domain, 6)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from qaflow.engine.calendar import CalendarGap
from qaflow.services.college import CollegeView
from qaflow.services.points.breaches import Breaches, track_of
from qaflow.services.work import AnySession, Origin
from qaflow.store import readings
from qaflow.store.db import Driver, utc

GRACE = 3  # working days after which a reading that should have come is late
DAYS = {"weekly": 7, "half-month": 15, "monthly": 31, "quarterly": 92, "semester": 184, "yearly": 366}
MOST = 50_000  # subjects of a point that are told in one sweep


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


def since(now: dt.datetime, cadence: str) -> str | None:
    """Return the instant since which a point of this cadence should have had a reading; None in real time."""
    span = DAYS.get(cadence)
    return None if span is None else utc(now - dt.timedelta(days=span + GRACE * 2))


def _next_check(college: CollegeView, today: dt.date, span: int) -> str:
    try:
        return college.calendar.add_working(today + dt.timedelta(days=span), GRACE).isoformat()
    except CalendarGap:
        return (today + dt.timedelta(days=span)).isoformat()


def _late_of(
    session: AnySession, driver: Driver, origin: Origin, college: CollegeView, point: readings.Point, span: int
) -> int:
    first = utc(origin.now - dt.timedelta(days=span + GRACE * 2))
    missing = readings.without_reading(driver, college.id, point.id, point.layer, first, MOST)
    if not missing or not readings.ever_read(driver, college.id, point.id):
        return 0
    breaches = Breaches(session, driver, origin, college)
    breaches.expect(missing)
    for subject in missing:
        args: dict[str, Any] = {"point": point.id, "kind": "late", "severity": "minor"}
        breaches.open_warning(subject, args, track_of(point))
    breaches.finish()
    return len(missing)
