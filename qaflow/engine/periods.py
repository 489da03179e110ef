"""Periods of tracks, the occurrences of cadences inside them, and the days on which stages are due.

A period is half-open, [start, end), and anchored: the k-th starts k lengths after the anchor, never one length after
the period before, so that 31 January is followed by 28 February and then by 31 March.  Successive periods of one
anchor have neither gap nor overlap.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from qaflow.errors import Invalid

from .calendar import Calendar, CalendarGap
from .dates import DAY, clamped, iso_day, month_day, shift
from .definition import Deadline, Stage

REVISIT_DAYS = 5  # working days that a stage visited again has at least
YEAR_END_MONTH = 12  # month of a yearly occurrence without a month, where periods are shorter than a year
HALF_MONTH = 15  # last day of the first half of a month
FRIDAY = 4
STARTS = ("calendar", "subject")
LENGTHS = "PnY or PnM (n from 1 to 999), weekly, half-month, monthly, quarterly, semester, yearly, project"
_ISO = re.compile(r"P([1-9][0-9]{0,2})([YM])")
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_NAMED = ("weekly", "half-month", "semester", "project")


@dataclass(frozen=True)
class Length:
    """A parsed length: `months` of a kind `months`, else a kind of its own (weekly, half-month, semester, project)."""

    kind: str
    months: int = 0


@dataclass(frozen=True)
class Period:
    """A half-open stretch of days; `number` counts from 1 at the anchor and is None where nothing is counted."""

    start: date
    end: date
    number: int | None = field(default=None, compare=False)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    @property
    def last(self) -> date:
        """The last day of the period."""
        return self.end - DAY

    @property
    def days(self) -> int:
        """The number of its days."""
        return (self.end - self.start).days


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How the periods of a track lie: their length and what they are anchored to."""

    length: str  # see LENGTHS
    anchor: str = "09-01"  # MM-DD at which periods begin that follow the calendar
    start: str = "calendar"  # calendar (from `anchor`), subject (from the subject's own first day)
    ends: date | None = None  # last day of a project

    def __post_init__(self) -> None:
        parse_length(self.length)
        month_day(self.anchor)
        if self.start not in STARTS:
            raise Invalid("period.start", f"periods start from {self.start!r}; right are {' and '.join(STARTS)}")


def parse_length(text: str) -> Length:
    """Parse the length of a period; raises `Invalid` (period.length) for any other text."""
    if text in _NAMED:
        return Length(text)
    if text in _MONTHS:
        return Length("months", _MONTHS[text])
    if found := _ISO.fullmatch(text):
        return Length("months", int(found[1]) * (12 if found[2] == "Y" else 1))
    raise Invalid("period.length", f"{text!r} is no length of a period; right are {LENGTHS}")


def anchor_date(rule: Rule, since: date) -> date:
    """Return the date to which a subject's periods are anchored.

    It is `since` itself where periods follow the subject, else the rule's month and day on or before it.
    """
    if rule.start == "subject":
        return since
    month, day = month_day(rule.anchor)
    this = clamped(since.year, month, day)
    return this if this <= since else clamped(since.year - 1, month, day)


def period_at(rule: Rule, anchor: date, day: date, calendar: Calendar) -> Period:
    """Return the period that holds a day.

    Raises `CalendarGap` for a semester whose terms are not adopted and `Invalid` for a day outside a project.
    """
    length = parse_length(rule.length)
    if length.kind == "months":
        return _months_at(anchor, length.months, day)
    return _PERIODS[length.kind](rule, anchor, day, calendar)


def next_period(rule: Rule, anchor: date, period: Period, calendar: Calendar) -> Period | None:
    """Return the period after one, or None: a project has one period only."""
    return None if rule.length == "project" else period_at(rule, anchor, period.end, calendar)


def periods_between(rule: Rule, anchor: date, start: date, end: date, calendar: Calendar) -> Iterator[Period]:
    """Yield the periods that have a day in [start, end), in order."""
    period: Period | None = period_at(rule, anchor, start, calendar) if start < end else None
    while period is not None:
        yield period
        period = next_period(rule, anchor, period, calendar) if period.end < end else None


def _months_at(anchor: date, months: int, day: date) -> Period:
    """Find the period by the distance in months, one less where the day lies before that period's start."""
    k = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    if day < shift(anchor, k * months):
        k -= 1
    return Period(shift(anchor, k * months), shift(anchor, (k + 1) * months), k + 1)


def _week_at(rule: Rule, anchor: date, day: date, calendar: Calendar) -> Period:
    k = (day - anchor).days // 7
    start = anchor + timedelta(days=7 * k)
    return Period(start, start + timedelta(days=7), k + 1)


def _half_month_at(rule: Rule, anchor: date, day: date, calendar: Calendar) -> Period:
    """Return the half of the calendar month: 1 to 15, or 16 to its end."""
    middle = day.replace(day=HALF_MONTH + 1)
    if day < middle:
        return Period(day.replace(day=1), middle)
    return Period(middle, shift(day.replace(day=1), 1))


def _semester_at(rule: Rule, anchor: date, day: date, calendar: Calendar) -> Period:
    """Return the semester: from its term's start to the next term's, so that breaks belong to the term before.

    Until the next term is adopted the last semester ends with the adopted teaching year (its last break).
    """
    terms = calendar.terms
    at = bisect_right([t.starts for t in terms], day) - 1
    if at < 0:
        raise _no_term(day)
    known = max(terms[at].ends, calendar.until or terms[at].ends) + DAY
    period = Period(terms[at].starts, terms[at + 1].starts if at + 1 < len(terms) else known)
    if day not in period:
        raise _no_term(day)
    return period


def _project_at(rule: Rule, anchor: date, day: date, calendar: Calendar) -> Period:
    if rule.ends is None:
        raise Invalid("period.project_end", "the period of a project needs its last day")
    period = Period(anchor, rule.ends + DAY, 1)
    if day not in period:
        raise Invalid("period.outside_project", f"{day} lies outside the project, {anchor} to {rule.ends}")
    return period


_PERIODS: dict[str, Callable[[Rule, date, date, Calendar], Period]] = {
    "weekly": _week_at,
    "half-month": _half_month_at,
    "semester": _semester_at,
    "project": _project_at,
}


# Cadences


def occurrences(
    cadence: str, period: Period, calendar: Calendar, month: int | None = None, *, in_terms: bool = False
) -> list[date]:
    """Return the dates of a cadence inside a period, in order; `in_terms` leaves out those in breaks.

    real-time: none.  weekly: Fridays.  half-month: the 15th and the month's last day.  monthly, quarterly: the last
    day of each (calendar) month or quarter.  semester: the last day of each adopted term.  yearly: the last day of
    `month`; without one the last day of each year counted from the period's start, in shorter periods of December.
    period: the period's last day.  Each date lies in exactly one of successive periods, so a diagnosis rarer than
    the period falls in the cycle in which its date lies (engine rules, 2).  They are days as planned: a deadline on
    them moves to the next working day.
    """
    if cadence == "yearly" and month is not None:
        dates = _month_ends(period, (month,))
    elif cadence in _CADENCES:
        dates = _CADENCES[cadence](period, calendar)
    else:
        raise Invalid("cadence.unknown", f"{cadence!r} is no cadence; right are {', '.join(_CADENCES)}")
    return [d for d in dates if calendar.term_of(d) is not None] if in_terms else dates


def _month_ends(period: Period, months: Sequence[int]) -> list[date]:
    ends = (shift(date(year, month, 1), 1) - DAY for year, month in _months_of(period))
    return [d for d in ends if d in period and d.month in months]


def _months_of(period: Period) -> list[tuple[int, int]]:
    first, last = period.start, period.last
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [(d.year, d.month) for d in (shift(first.replace(day=1), k) for k in range(count))]


def _weekly(period: Period, calendar: Calendar) -> list[date]:
    first = period.start + timedelta(days=(FRIDAY - period.start.weekday()) % 7)
    return [first + timedelta(days=k) for k in range(0, (period.end - first).days, 7)]


def _half_monthly(period: Period, calendar: Calendar) -> list[date]:
    middles = (date(year, month, HALF_MONTH) for year, month in _months_of(period))
    return sorted([d for d in middles if d in period] + _month_ends(period, range(1, 13)))


def _yearly(period: Period, calendar: Calendar) -> list[date]:
    if shift(period.start, 12) > period.end:
        return _month_ends(period, (YEAR_END_MONTH,))
    years = period.end.year - period.start.year
    return [d - DAY for d in (shift(period.start, 12 * k) for k in range(1, years + 1)) if d <= period.end]


_CADENCES: dict[str, Callable[[Period, Calendar], list[date]]] = {
    "real-time": lambda period, calendar: [],
    "weekly": _weekly,
    "half-month": _half_monthly,
    "monthly": lambda period, calendar: _month_ends(period, range(1, 13)),
    "quarterly": lambda period, calendar: _month_ends(period, (3, 6, 9, 12)),
    "semester": lambda period, calendar: [t.ends for t in calendar.terms if t.ends in period],
    "yearly": _yearly,
    "period": lambda period, calendar: [period.last],
}


def month_grid(period: Period, calendar: Calendar, months: Sequence[int] = ()) -> list[tuple[int, int]]:
    """Return the (year, month) columns of a month grid: the college's grid months, else those that have teaching."""
    if months:
        return [(year, month) for year, month in _months_of(period) if month in months]
    return [m for m in _months_of(period) if calendar.terms_between(date(*m, 1), shift(date(*m, 1), 1))]


# Deadlines of stages


def stage_days(stages: Sequence[Stage], period: Period, calendar: Calendar) -> dict[str, date]:
    """Return the due day of each stage whose deadline follows from the period alone, by stage key.

    Days are moved to the next working day; one in a year that is not adopted yet stands unmoved (the instant, which
    counts, is reckoned by `Calendar.deadline_instant` and refuses it).  Stages due so many working days after entry
    and stages without deadline are left out.
    """
    planned = ((s.key, _planned(s.deadline, period)) for s in stages if s.deadline is not None)
    return {key: _moved(day, calendar) for key, day in planned if day is not None}


def stage_day(stage: Stage, period: Period, entered: date, calendar: Calendar, *, revisit: bool = False) -> date | None:
    """Return the day on which a stage entered on a day is due, moved to a working day; None without a deadline.

    A stage entered after its planned day is late.  A stage visited again (returned or reopened) whose day follows
    from the period has at least `REVISIT_DAYS` working days from entry.
    """
    if stage.deadline is None:
        return None
    if stage.deadline.working_days is not None:
        return calendar.add_working(entered, stage.deadline.working_days)
    planned = _planned(stage.deadline, period)
    if planned is None:
        return None
    day = calendar.next_working(planned)
    return max(day, calendar.add_working(entered, REVISIT_DAYS)) if revisit else day


def _planned(deadline: Deadline, period: Period) -> date | None:
    """Return the day that the period gives, before it moves; None where only the entry gives one."""
    if deadline.share is not None:
        days = (Decimal(str(deadline.share)) * period.days).to_integral_value(ROUND_CEILING)
        return period.start + timedelta(days=max(int(days), 1) - 1)
    return None if deadline.date is None else _dated(deadline.date, period)


def _dated(text: str, period: Period) -> date:
    """Return the day that MM-DD or a full date means in a period.

    MM-DD is its first occurrence on or after the period's start, in periods of several years too; a period that has
    no such day gives its last day.  A full date counts in the period that holds it, and in others as its MM-DD, so
    that next year's cycles are not overdue at birth.
    """
    month, day = month_day(text[-5:])
    if len(text) > len("MM-DD"):
        whole = iso_day(text)
        if whole in period:
            return whole
    this = clamped(period.start.year, month, day)
    first = this if this >= period.start else clamped(period.start.year + 1, month, day)
    return min(first, period.last)


def _moved(day: date, calendar: Calendar) -> date:
    try:
        return calendar.next_working(day)
    except CalendarGap:
        return day


def _no_term(day: date) -> CalendarGap:
    return CalendarGap(None, f"no adopted term or break holds {day}; adopt that teaching year's terms", day=str(day))
