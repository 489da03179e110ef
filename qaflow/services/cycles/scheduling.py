"""When a subject's cycles begin: the periods of its tracks, reckoned from their rule (engine rules, 2)."""

from __future__ import annotations

import datetime as dt

from qaflow.engine import periods
from qaflow.engine.calendar import CalendarGap
from qaflow.engine.college import Track
from qaflow.errors import Invalid
from qaflow.services.college import CollegeView
from qaflow.store import rounds
from qaflow.store.db import utc

Next = tuple[str | None, str | None, str | None]  # next start, its instant, why unknown


def rule_of(track: Track, ends: str | None = None) -> periods.Rule:
    """Return the period rule of a track; a project ends with its subject."""
    last = dt.date.fromisoformat(ends) if ends else None
    return periods.Rule(
        length=track.period.length, anchor=track.period.anchor or "09-01", start=track.period.from_, ends=last
    )


def period_of(college: CollegeView, track: Track, row: rounds.Due | None, day: dt.date, anchor: str | None = None,
              ends: str | None = None) -> periods.Period:  # fmt: skip
    """Return the period of a track, for a subject, that holds a day."""
    since = (row.anchor or row.starts) if row else anchor
    rule = rule_of(track, row.ends if row else ends)
    base = periods.anchor_date(rule, dt.date.fromisoformat(since) if since else day)
    return periods.period_at(rule, base, day, college.calendar)


def following(college: CollegeView, track: Track, row: rounds.Due, period: periods.Period) -> Next:
    """Return (next start, its instant, why unknown) after a period of a subject's track."""
    start = period.end
    if track.period.length == "project" or (row.ends and start.isoformat() > row.ends):
        return None, None, None
    try:
        period_of(college, track, row, start)
    except CalendarGap as gap:
        return start.isoformat(), utc(college.calendar.start_of(start)), gap.code
    return start.isoformat(), utc(college.calendar.start_of(start)), None


def first_start(
    college: CollegeView, track: Track, day: dt.date, anchor: str | None, ends: str | None
) -> tuple[str | None, str | None]:
    """Return the first period start on or after a day, for a subject that appears on it."""
    try:
        period = period_of(college, track, None, day, anchor, ends)
    except (CalendarGap, Invalid):
        return day.isoformat(), utc(college.calendar.start_of(day))
    start = period.start if period.start >= day else period.end
    if track.period.length == "project":
        start = max(period.start, day)
    if ends and start.isoformat() > ends:
        return None, None
    return start.isoformat(), utc(college.calendar.start_of(start))
