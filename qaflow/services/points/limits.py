"""Which limits count for a reading: those of its day, the subject's own before those of the layer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from qaflow.engine.calendar import Calendar
from qaflow.engine.control import Limits
from qaflow.store import limits as rows
from qaflow.store.db import Driver, instant
from qaflow.store.limits import LimitRow
from qaflow.store.readings import Point


class Judge(NamedTuple):
    """Limits with the number they stand under; none: the point's own, as it was loaded or entered first."""

    id: int | None
    limits: Limits


def own(point: Point) -> Judge:
    """Return the limits that stand on the point itself."""
    return Judge(None, Limits(direction=point.direction, target=point.target, lower=point.warn_lower,
                              upper=point.warn_upper))  # fmt: skip


def of_row(row: LimitRow) -> Judge:
    """Return the limits of a row."""
    return Judge(row.id, Limits(direction=row.direction, target=row.target, lower=row.warn_lower, upper=row.warn_upper,
                                alarm_lower=row.alarm_lower, alarm_upper=row.alarm_upper))  # fmt: skip


class LimitBook:
    """The limits of some points over time."""

    def __init__(self, driver: Driver, college: int, points: Iterable[Point], calendar: Calendar) -> None:
        """Read them once, for many readings."""
        self._calendar = calendar
        self._own = {point.id: own(point) for point in points}
        self._days: dict[str, str] = {}
        self._rows: dict[tuple[int, int | None], tuple[list[str], list[Judge]]] = {}
        self._dated: set[int] = set()
        for row in rows.of(driver, college, sorted(self._own)):
            days, judges = self._rows.setdefault((row.point, row.subject), ([], []))
            days.append(row.valid_from)
            judges.append(of_row(row))
            self._dated.add(row.point)

    def at(self, point: int, subject: int, at: str) -> Judge:
        """Return the limits for a reading at an instant (as stored)."""
        if point not in self._dated:
            return self._own[point]
        day = self._days.get(at)
        if day is None:
            day = self._days[at] = self._calendar.local_day(instant(at)).isoformat()
        return self.on(point, subject, day)

    def on(self, point: int, subject: int | None, day: str | date) -> Judge:
        """Return the limits on a day."""
        for whose in (subject, None):
            days, judges = self._rows.get((point, whose), ((), ()))
            found = bisect_right(days, str(day))
            if found:
                return judges[found - 1]
        return self._own[point]
