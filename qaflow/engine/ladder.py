"""The escalation ladder (督办): when each level of overdue work falls, and working time while work is suspended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from .calendar import Calendar
from .definition import Level


class Rung(NamedTuple):
    """One level of one deadline: its number from 1, its instant (UTC), to whom it goes and what is done."""

    level: int
    at: datetime
    to: str
    act: str


def rungs(levels: Sequence[Level], due_day: date, calendar: Calendar) -> tuple[Rung, ...]:
    """Return all rungs of a deadline, each counted from the deadline itself (engine rules, 6)."""
    return tuple(_rung(levels, n, due_day, calendar) for n in range(1, len(levels) + 1))


def next_rung(levels: Sequence[Level], due_day: date, fired: int, calendar: Calendar) -> Rung | None:
    """Return the rung after the `fired` ones, or None at the ladder's end."""
    return _rung(levels, fired + 1, due_day, calendar) if fired < len(levels) else None


def _rung(levels: Sequence[Level], number: int, due_day: date, calendar: Calendar) -> Rung:
    level = levels[number - 1]
    return Rung(number, calendar.level_instant(due_day, level.after), level.to, level.act)


def left(calendar: Calendar, now: datetime, due: date) -> int:
    """Return the working days left to a deadline when work is suspended: 0 on its last day, negative past it."""
    return calendar.working_between(_today(calendar, now), calendar.next_working(due))


def again(calendar: Calendar, now: datetime, left: int) -> date:
    """Return the new deadline day of work that is resumed with so many working days left.

    Suspended and resumed on the same day it is the old one; lateness before the suspension stays lateness.
    """
    today = _today(calendar, now)
    if left == 0:
        return today
    return calendar.add_working(today, left) if left > 0 else calendar.back_working(today, -left)


def _today(calendar: Calendar, now: datetime) -> date:
    """Return today, or the next working day on a day off, so that a day off neither takes nor gives time."""
    return calendar.next_working(calendar.local_day(now))
