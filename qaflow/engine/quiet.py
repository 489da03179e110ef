"""When people may be told: never at night, on days off or in breaks; the digest at their hour of a working day.

Years that the calendar has not adopted are told of from Monday to Friday: a notice moves no deadline, and silence
would hide that the calendar is missing.
"""

from __future__ import annotations

from datetime import date, datetime, time

from .calendar import WEEK_DAYS, Calendar, CalendarGap
from .dates import DAY, first_instant

MORNING, EVENING = 7, 20  # local hours between which people may be told
HOURS = range(MORNING, EVENING)
USUAL_HOUR = 8  # of the digest, where a person has not chosen
AHEAD = 400  # days: longer is no break


def open_day(calendar: Calendar, day: date) -> bool:
    """Tell whether people may be told on a day: a working day in no break between terms."""
    try:
        working = calendar.is_working(day)
    except CalendarGap:
        working = day.weekday() < WEEK_DAYS
    return working and not _break(calendar, day)


def _break(calendar: Calendar, day: date) -> bool:
    """Tell whether a day lies in a break: before the last known day, in no term, after the first one began."""
    if not calendar.terms or day < calendar.terms[0].starts:
        return False
    last = calendar.until or calendar.terms[-1].ends
    return day <= last and calendar.term_of(day) is None


def quiet(calendar: Calendar, at: datetime) -> bool:
    """Tell whether nobody is told anything at an instant."""
    local = at.astimezone(calendar.tz)
    return local.hour not in HOURS or not open_day(calendar, local.date())


def digest_at(calendar: Calendar, day: date, hour: int) -> datetime:
    """Return the instant of a day's digest at an hour, in UTC."""
    return first_instant(calendar.tz, day, time(hour))


def next_digest(calendar: Calendar, hour: int, after: datetime) -> datetime:
    """Return the first instant after the one given at which a digest of that hour may leave, in UTC."""
    day = calendar.local_day(after)
    for _ in range(AHEAD):
        if open_day(calendar, day) and (found := digest_at(calendar, day, hour)) > after:
            return found
        day += DAY
    return digest_at(calendar, day, hour)


def next_open(calendar: Calendar, after: datetime) -> datetime:
    """Return the instant itself if people may be told then, else the next morning on which they may."""
    return next_digest(calendar, MORNING, after) if quiet(calendar, after) else after
