"""The college calendar: terms, teaching weeks, working days and the instants at which days begin and deadlines pass.

A calendar is a frozen value that a service fills from rows; a later release of a holiday library therefore moves no
deadline (engine rules, 9).  Working days are known for the adopted years only; beyond them `CalendarGap` is raised
and nothing is guessed.  A year whose make-up days (调休) are not published yet may be adopted, and is then flagged.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from qaflow.errors import Invalid, Refused

from .dates import DAY, MIDNIGHT, exists, first_instant

LEVEL_TIME = time(8)  # local time at which a level of the ladder falls (engine rules, 6)
WEEK_DAYS = 5  # Monday to Friday


class CalendarGap(Refused, LookupError):
    """The calendar of that year has not been adopted yet."""

    code = "calendar.not_adopted"


@dataclass(frozen=True, kw_only=True)
class Term:
    """One teaching term (学期); both days belong to it."""

    key: str
    starts: date
    ends: date

    def __post_init__(self) -> None:
        if self.ends < self.starts:
            raise Invalid("term.reversed", f"term {self.key} ends {self.ends}, before it starts ({self.starts})")

    def __contains__(self, day: date) -> bool:
        return self.starts <= day <= self.ends


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """One college's calendar; equal content is equal, and every answer follows from the content alone."""

    zone: str  # IANA name
    years: frozenset[int]  # calendar years whose working days are adopted
    free: frozenset[date] = frozenset()  # days off from Monday to Friday
    working: frozenset[date] = frozenset()  # working Saturdays and Sundays
    terms: tuple[Term, ...] = ()
    unpublished: frozenset[int] = frozenset()  # adopted years without published make-up days
    until: date | None = None  # last day of the adopted teaching years, the last break included
    _steps: dict[tuple[date, int], date] = field(default_factory=dict, init=False, repr=False, compare=False)
    _levels: dict[tuple[date, int], datetime] = field(default_factory=dict, init=False, repr=False, compare=False)
    _deadlines: dict[date, datetime] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(sorted(self.terms, key=lambda t: t.starts)))
        for earlier, later in pairwise(self.terms):
            if later.starts <= earlier.ends:
                raise Invalid("term.overlap", f"term {later.key} starts {later.starts}, within {earlier.key}")
        if both := self.free & self.working:
            raise Invalid("calendar.contradiction", f"{min(both)} is both free and working")
        _ = self.tz

    @cached_property
    def tz(self) -> ZoneInfo:
        """The college's time zone."""
        try:
            return ZoneInfo(self.zone)
        except (LookupError, ValueError, OSError) as error:
            raise Invalid(
                "calendar.zone", f"no time zone {self.zone!r}; a name such as Asia/Shanghai is meant"
            ) from error

    @cached_property
    def _days(self) -> list[int]:
        """The ordinals of all working days of the adopted years, in order."""
        return [o for year in sorted(self.years) for o in _year(year) if self._works(date.fromordinal(o))]

    def _works(self, day: date) -> bool:
        works = day in self.working or (day.weekday() < WEEK_DAYS and day not in self.free)
        return works and exists(self.tz, day)

    def _adopted(self, first: date, last: date) -> None:
        for year in range(first.year, last.year + 1):
            if year not in self.years:
                raise _gap(year)

    def flagged(self, year: int) -> bool:
        """Tell whether a year's working days may still change: not adopted, or without published make-up days."""
        return year not in self.years or year in self.unpublished

    # Working days

    def is_working(self, day: date) -> bool:
        """Tell whether the offices work on a day."""
        self._adopted(day, day)
        at = bisect_left(self._days, day.toordinal())
        return at < len(self._days) and self._days[at] == day.toordinal()

    def next_working(self, day: date) -> date:
        """Return the day itself if it is a working day, else the next one."""
        return self._step(day, 0)

    def add_working(self, day: date, n: int) -> date:
        """Return the n-th working day after a day (n >= 1); the day itself does not count."""
        if n < 1:
            raise ValueError(f"n is {n}; it counts working days after the day, from 1")
        return self._step(day, n)

    def back_working(self, day: date, n: int) -> date:
        """Return the n-th working day before a day (n >= 1)."""
        if n < 1:
            raise ValueError(f"n is {n}; it counts working days before the day, from 1")
        return self._step(day, -n)

    def _step(self, day: date, n: int) -> date:
        found = self._steps.get((day, n))
        if found is None:
            found = self._steps[day, n] = self._reckon(day, n)
        return found

    def _reckon(self, day: date, n: int) -> date:
        ordinal = day.toordinal()
        at = bisect_right(self._days, ordinal) + n - 1 if n > 0 else bisect_left(self._days, ordinal) + n
        if not 0 <= at < len(self._days):
            raise _gap(day.year if day.year not in self.years else day.year + (1 if n >= 0 else -1))
        found = date.fromordinal(self._days[at])
        if n:  # the day itself is not looked at: its year need not be adopted
            self._adopted(*((day + DAY, found) if n > 0 else (found, day - DAY)))
        else:
            self._adopted(day, found)
        return found

    def working_between(self, a: date, b: date) -> int:
        """Count the working days in (a, b]; negative where b lies before a."""
        if b < a:
            return -self.working_between(b, a)
        if a < b:
            self._adopted(a + DAY, b)
        return bisect_right(self._days, b.toordinal()) - bisect_right(self._days, a.toordinal())

    # Instants

    def start_of(self, day: date) -> datetime:
        """Return the first instant of a local day, in UTC; of a day that the zone skipped, the next one's."""
        return first_instant(self.tz, day, MIDNIGHT)

    def local_day(self, instant: datetime) -> date:
        """Return the day that the college's clocks show at an instant."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant} has no time zone; an aware instant is needed")
        return instant.astimezone(self.tz).date()

    def deadline_instant(self, day: date) -> datetime:
        """Return the instant from which work due on a day is overdue, in UTC.

        A deadline is the end of a day in the college's zone; one on a non-working day moves to the next working
        day (engine rules, 6).
        """
        found = self._deadlines.get(day)
        if found is None:
            found = self._deadlines[day] = self.start_of(self.next_working(day) + DAY)
        return found

    def level_instant(self, due_day: date, n: int) -> datetime:
        """Return 08:00 on the n-th working day after the (moved) deadline day, in UTC (engine rules, 6)."""
        found = self._levels.get((due_day, n))
        if found is None:
            day = self.add_working(self.next_working(due_day), n)
            found = self._levels[due_day, n] = first_instant(self.tz, day, LEVEL_TIME)
        return found

    # Terms

    @cached_property
    def _starts(self) -> list[date]:
        return [t.starts for t in self.terms]

    def term_of(self, day: date) -> Term | None:
        """Return the term that a day lies in; None in a break."""
        at = bisect_right(self._starts, day) - 1
        return self.terms[at] if at >= 0 and day in self.terms[at] else None

    def terms_between(self, start: date, end: date) -> tuple[Term, ...]:
        """Return the terms that have a day in [start, end)."""
        return tuple(t for t in self.terms if t.starts < end and t.ends >= start)

    def teaching_week(self, day: date) -> int | None:
        """Return the teaching week (教学周) of a day, from 1; weeks begin on Monday; None in a break."""
        term = self.term_of(day)
        return None if term is None else (_monday(day) - _monday(term.starts)).days // 7 + 1

    # As data

    def to_plain(self) -> dict[str, Any]:
        """Return the calendar as JSON data."""
        return {
            "zone": self.zone,
            "years": sorted(self.years),
            "unpublished": sorted(self.unpublished),
            "free": [d.isoformat() for d in sorted(self.free)],
            "working": [d.isoformat() for d in sorted(self.working)],
            "terms": [{"key": t.key, "starts": t.starts.isoformat(), "ends": t.ends.isoformat()} for t in self.terms],
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Calendar:
        """Build a calendar from the data that `to_plain` gives."""
        day = date.fromisoformat
        return cls(
            zone=plain["zone"],
            years=frozenset(plain["years"]),
            unpublished=frozenset(plain["unpublished"]),
            free=frozenset(map(day, plain["free"])),
            working=frozenset(map(day, plain["working"])),
            terms=tuple(Term(key=t["key"], starts=day(t["starts"]), ends=day(t["ends"])) for t in plain["terms"]),
            until=day(plain["until"]) if plain["until"] else None,
        )


def build(
    zone: str,
    days: Iterable[tuple[date, bool]],
    terms: Iterable[Term],
    years: Iterable[int],
    *,
    unpublished: Iterable[int] = (),
    until: date | None = None,
) -> Calendar:
    """Build a calendar from rows (day, whether it is worked); a later row outdoes an earlier one of the same day.

    So the state's days come first and the college's own after them.
    """
    rows = dict(days)
    return Calendar(
        zone=zone,
        years=frozenset(years),
        unpublished=frozenset(unpublished),
        free=frozenset(d for d, works in rows.items() if not works and d.weekday() < WEEK_DAYS),
        working=frozenset(d for d, works in rows.items() if works and d.weekday() >= WEEK_DAYS),
        terms=tuple(terms),
        until=until,
    )


def _year(year: int) -> range:
    return range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _gap(year: int) -> CalendarGap:
    return CalendarGap(None, f"the working days of {year} are not adopted; adopt that year's calendar", year=year)
