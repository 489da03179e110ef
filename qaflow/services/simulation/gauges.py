"""What business systems measure in the demo: readings that wander around their targets and sometimes cross a limit."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence

from qaflow.engine.calendar import Calendar
from qaflow.services.places.structure import Point
from qaflow.services.points.monitoring import NewReading

MEMORY = 0.6  # how much of the last deviation stays
SPREAD = 0.62  # standard deviation of a reading, in margins between target and limit
COMFORT = 0.35  # how far on the good side of the target readings lie on the average, in margins
SILENT = 0.0015  # share of readings that do not come
FRIDAY = 4
HALF = 15
QUARTERS = (3, 6, 9, 12)
YEARLY = (12, 20)  # month and day of yearly readings
FOLLOWED = (1, 2, 4)  # days after a confirmed correction on which its effect is measured


class Gauges:
    """The instruments of one college."""

    def __init__(self, points: Sequence[Point], subjects: dict[str, list[tuple[int, str]]], calendar: Calendar,
                 rng: random.Random) -> None:  # fmt: skip
        """Set every instrument near its target."""
        self._points = [p for p in points if subjects.get(p.layer)]
        self._subjects, self._calendar, self._rng = subjects, calendar, rng
        self._codes = {number: code for found in subjects.values() for number, code in found}
        self._by_id = {p.id: p for p in self._points}
        self._state = {p.id: [rng.gauss(0, SPREAD) for _ in subjects[p.layer]] for p in self._points}
        self._term_ends = {t.ends for t in calendar.terms}
        self._gone: set[str] = set()
        self._follow: dict[dt.date, list[tuple[int, int]]] = {}

    def follow(self, point: int, subject: int, day: dt.date) -> None:
        """Measure a point of a subject again on some days after a correction."""
        if point in self._by_id:
            for days in FOLLOWED:
                self._follow.setdefault(day + dt.timedelta(days=days), []).append((point, subject))

    def drop(self, layer: str, subject: int) -> None:
        """Measure a subject no more."""
        self._gone.add(self._codes[subject])

    def readings(self, day: dt.date, at: dt.datetime) -> Iterator[NewReading]:
        """Yield what is measured on a day."""
        for point in self._points:
            if self._falls(point.cadence, day):
                yield from self._series(point, at)
        for number, subject in self._follow.pop(day, ()):
            point = self._by_id[number]
            yield self._reading(point, self._codes[subject], at, abs(self._rng.gauss(0, SPREAD / 2)))

    def _series(self, point: Point, at: dt.datetime) -> Iterator[NewReading]:
        gauss, state, fresh = self._rng.gauss, self._state[point.id], SPREAD * (1 - MEMORY**2) ** 0.5
        for n, (_, code) in enumerate(self._subjects[point.layer]):
            state[n] = MEMORY * state[n] + gauss(0, fresh)
            if self._rng.random() >= SILENT and code not in self._gone:
                yield self._reading(point, code, at, state[n])

    def _reading(self, point: Point, code: str, at: dt.datetime, deviation: float) -> NewReading:
        return NewReading(point.key, point.layer, code, at, value_of(point, deviation), "demo")

    def _falls(self, cadence: str, day: dt.date) -> bool:
        """Tell whether a cadence's reading falls on a day."""
        last = (day + dt.timedelta(days=1)).day == 1
        if cadence in ("weekly", "real-time"):
            return day.weekday() == FRIDAY
        if cadence == "half-month":
            return last or day.day == HALF
        if cadence == "semester":
            return day in self._term_ends
        if cadence == "yearly":
            return (day.month, day.day) == YEARLY
        return last and (cadence == "monthly" or day.month in QUARTERS)


def value_of(point: Point, deviation: float) -> float:
    """Return the value that lies so many margins on the good side of the usual one."""
    if point.direction == "band":
        lower = point.warn_lower if point.warn_lower is not None else point.target * 0.8
        upper = point.warn_upper if point.warn_upper is not None else point.target * 1.2
        half = (upper - lower) / 2
        return round((upper + lower) / 2 + half * deviation * 0.55, 2)
    limit = point.warn_lower if point.direction == "higher" else point.warn_upper
    margin = abs(point.target - limit) if limit is not None else abs(point.target) * 0.1 or 1.0
    sign = 1 if point.direction == "higher" else -1
    value = point.target + sign * margin * (COMFORT + deviation)
    return round(max(value, 0.0), 2)
