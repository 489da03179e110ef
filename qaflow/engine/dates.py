"""Days and instants without a college's calendar: months later, parsed days, and when a zone's clocks show a time."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from qaflow.errors import Invalid

DAY = timedelta(days=1)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MIDNIGHT = time(0)
NOON = time(12)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def shift(anchor: date, months: int) -> date:
    """Return the same day so many months later, or the month's last day where it has no such day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return clamped(year, month + 1, anchor.day)


def clamped(year: int, month: int, day: int) -> date:
    """Return the date, or the month's last day where it is shorter."""
    if day <= 28:  # every month has it
        return date(year, month, day)
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(following - DAY, date(year, month, 28) + timedelta(days=day - 28))


def month_day(text: str) -> tuple[int, int]:
    """Parse MM-DD; raises `Invalid` (date.invalid) for any other text."""
    day = iso_day("2000-" + text)  # a leap year: 02-29 may be meant
    return day.month, day.day


def iso_day(text: str) -> date:
    """Parse YYYY-MM-DD and nothing else (`date.fromisoformat` takes weeks too); raises `Invalid` (date.invalid)."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Invalid("date.invalid", f"{text.removeprefix('2000-')!r} is no date; right are MM-DD and YYYY-MM-DD")


def first_instant(tz: ZoneInfo, day: date, at: time) -> datetime:
    """Return the first instant, in UTC, at which clocks of the zone show that day and time or a later one.

    Where the time occurs twice it is the first; where it is skipped, the end of the skip.
    """
    wall = datetime.combine(day, at, tz)
    instant = wall.astimezone(UTC)
    if instant.astimezone(tz) == wall:  # same zone: compares what the clocks show
        return instant
    return _skip_end(tz, wall)


def between(tz: ZoneInfo, first: date | None, last: date | None) -> tuple[datetime, datetime]:
    """Return the first instant of a day and the first one after another.

    A day that is not named, or at the edge of what dates can hold, is the beginning or the end of all time.
    """
    begins, ends = EARLIEST, LATEST
    with suppress(OverflowError):
        begins = first_instant(tz, first, MIDNIGHT) if first else begins
    with suppress(OverflowError):
        ends = first_instant(tz, last + DAY, MIDNIGHT) if last else ends
    return begins, ends


def _skip_end(tz: ZoneInfo, wall: datetime) -> datetime:
    """Return the instant at which clocks leap over `wall`: between its two readings, found by halving."""
    before, after = wall.replace(fold=1).astimezone(UTC), wall.astimezone(UTC)
    while (seconds := int((after - before).total_seconds())) > 1:
        middle = before + timedelta(seconds=seconds // 2)
        if middle.astimezone(tz) < wall:
            before = middle
        else:
            after = middle
    return after


def exists(tz: ZoneInfo, day: date) -> bool:
    """Tell whether the zone has the day at all: Apia had no 30 December 2011."""
    noon = datetime.combine(day, NOON, tz)
    return noon.astimezone(UTC).astimezone(tz).date() == day
