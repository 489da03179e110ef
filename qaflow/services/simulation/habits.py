"""When people act: most in time, some late, some only once their superiors were told."""

from __future__ import annotations

import datetime as dt
import random

from qaflow.engine.calendar import Calendar
from qaflow.services.desk.inbox import Work

PUNCTUAL, LATE, SLUGGISH = "punctual", "late", "sluggish"
SHARES = ((PUNCTUAL, 0.90), (LATE, 0.975), (SLUGGISH, 1.0))
LATE_DAYS = (1, 3)
SLUGGISH_DAYS = (4, 8)  # past the second level of the ladders
EARLY = (0, 5)  # working days before the deadline


def manner(rng: random.Random) -> str:
    """Return how a person deals with one piece of work."""
    drawn = rng.random()
    return next(kind for kind, share in SHARES if drawn < share)


def when(work: Work, today: dt.date, calendar: Calendar, rng: random.Random) -> dt.date:
    """Return the working day on which the holder of an item acts, after today."""
    due = dt.date.fromisoformat(work.due)
    kind = manner(rng)
    if due <= today:
        return calendar.add_working(today, rng.randint(1, 3))
    if kind == LATE:
        return calendar.add_working(due, rng.randint(*LATE_DAYS))
    if kind == SLUGGISH:
        return calendar.add_working(due, rng.randint(*SLUGGISH_DAYS))
    first = calendar.add_working(today, 1)
    if work.kind not in ("submit", "sheet"):
        return min(calendar.add_working(today, rng.randint(1, 2)), max(due, first))
    early = rng.randint(*EARLY)
    return max(calendar.back_working(due, early) if early else calendar.next_working(due), first)


def later(today: dt.date, calendar: Calendar, days: int) -> dt.date:
    """Return the day on which somebody tries again."""
    return calendar.add_working(today, days)
