"""P16: days and periods neither move, drift, leave gaps nor overlap, in any zone and from any start day.

The oracles go the other way than the code: midnights are checked by what the zone's clocks show at and just before an
instant (UTC to local, which is never ambiguous), periods against dateutil's arithmetic.  Each mutant must be seen.
"""

import time
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta

from qaflow.engine.calendar import Calendar, Term
from qaflow.engine.periods import Period, Rule, next_period, period_at

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
FIRST, DAYS = date(2026, 1, 1), 3_653  # 2026-01-01 .. 2036-01-01
ALL_DAYS = [FIRST + k * DAY for k in range(DAYS)]
YEARS = frozenset(range(2026, 2037))
WEEKENDS = frozenset(d for d in ALL_DAYS if d.weekday() >= 5)
FLOOR = 2_000_000  # midnights; fewer is a failed run

Midnight = Callable[[date], datetime]


def test_due_days_survive_the_way_to_utc_and_back_in_every_zone() -> None:
    """Every day of ten years in every zone: overdue exactly from the first instant of the next local day."""
    started, midnights = time.perf_counter(), 0
    skipped: set[str] = set()

    for zone in sorted(zoneinfo.available_timezones()):
        calendar = Calendar(zone=zone, years=YEARS, working=WEEKENDS)  # every day is worked, so none moves
        moved, gaps = wrong_midnights(ZoneInfo(zone), calendar.deadline_instant)
        assert moved == [], f"{zone}: {moved[:3]}"
        midnights += DAYS
        skipped.update({zone} if gaps else ())

    seconds = time.perf_counter() - started
    print(f"{midnights:,} midnights in {seconds:.1f} s, skipped ones in {sorted(skipped)}")  # noqa: T201 - run figures
    assert midnights > FLOOR
    assert "Africa/Cairo" in skipped


def wrong_midnights(tz: ZoneInfo, overdue_from: Midnight) -> tuple[list[date], int]:
    """Return the days whose end is not where the zone's clocks put it, and the number of skipped midnights."""
    wrong, gaps = [], 0
    for day in ALL_DAYS:
        instant = overdue_from(day)
        after, before = instant.astimezone(tz), (instant - TICK).astimezone(tz)
        if after.date() != day + DAY or before.date() != day:
            wrong.append(day)
        gaps += (after.hour, after.minute) != (0, 0)
    return wrong, gaps


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(lambda tz, day: local_end(tz, day - DAY) + DAY, id="24 hours after the midnight before"),
        pytest.param(lambda tz, day: local_end(tz, day, fold=1), id="second reading of a midnight"),
        pytest.param(lambda tz, day: datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY, id="midnight in UTC"),
    ],
)
def test_wrong_midnights_are_seen(mutant: Callable[[ZoneInfo, date], datetime]) -> None:
    """A planted defect in the reckoning of midnights fails the same check."""
    tz = ZoneInfo("Africa/Cairo")

    wrong, _ = wrong_midnights(tz, lambda day: mutant(tz, day))

    assert wrong


def local_end(tz: ZoneInfo, day: date, fold: int = 0) -> datetime:
    end = day + DAY
    return datetime(end.year, end.month, end.day, tzinfo=tz, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        # a day that is followed by a midnight the zone skips: overdue from 01:00 local
        ("Africa/Cairo", date(2026, 4, 23), datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("America/Santiago", date(2026, 9, 5), datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("America/Havana", date(2026, 3, 7), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        # midnight twice (back from 01:00 to 00:00): the first
        ("America/Havana", date(2026, 10, 31), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        # no 30 December: the end of the 29th is the start of the 31st; the 30th moves on to Monday
        ("Pacific/Apia", date(2011, 12, 29), datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 30), datetime(2012, 1, 2, 10, tzinfo=UTC)),
        # a skip that does not begin at midnight (23:30 to 00:30): its end, not midnight's shadow at 01:00
        ("America/Toronto", date(1919, 3, 30), datetime(1919, 3, 31, 4, 30, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 3, 6), datetime(2026, 3, 6, 16, tzinfo=UTC)),
    ],
)
def test_known_midnights(zone: str, day: date, expected: datetime) -> None:
    """Hand-made table of odd midnights."""
    weekend = frozenset({day} if day.weekday() >= 5 else ())
    calendar = Calendar(zone=zone, years=frozenset({day.year, day.year + 1}), working=weekend)

    assert calendar.deadline_instant(day) == expected


def test_a_skipped_day_is_no_working_day() -> None:
    """Apia's Friday 30 December 2011 never was, so it does not count."""
    calendar = Calendar(zone="Pacific/Apia", years=frozenset({2011, 2012}))

    assert not calendar.is_working(date(2011, 12, 30))
    assert calendar.add_working(date(2011, 12, 29), 1) == date(2012, 1, 2)
    assert calendar.local_day(calendar.start_of(date(2011, 12, 30))) == date(2011, 12, 31)


# Periods

CALENDAR = Calendar(
    zone="Asia/Shanghai",
    years=frozenset(),
    terms=tuple(
        Term(key=f"{y}-{name}", starts=date(y, *starts), ends=date(y + later, *ends))
        for y in range(2019, 2040)
        for name, starts, ends, later in (("autumn", (9, 1), (1, 20), 1), ("spring", (2, 21), (7, 10), 0))
    ),
)
ANCHORS = [date(y, m, d) for y, m in ((2023, 1), (2023, 12), (2024, 1), (2024, 2), (2025, 8)) for d in range(1, 32)
           if (date(y, m, 1) + relativedelta(day=31)).day >= d]  # fmt: skip
STEPS = {"P1M": 1, "monthly": 1, "quarterly": 3, "P6M": 6, "P1Y": 12, "yearly": 12, "P3Y": 36, "P5Y": 60}
SPAN = 15  # years that periods are followed


def test_periods_are_anchored_without_gap_or_overlap_from_every_start_day() -> None:
    """From each start day 1 to 31 and 29 February, each day lies in exactly the period that the anchor gives."""
    seen = 0

    for anchor in ANCHORS:
        for length, months in STEPS.items():
            rule = Rule(length=length, start="subject")
            faults = drift(anchor, months, lambda day, rule=rule, anchor=anchor: period_at(rule, anchor, day, CALENDAR))
            assert faults == [], f"{length} from {anchor}: {faults[:3]}"
            seen += SPAN * 12 // months

    print(f"{seen:,} periods from {len(ANCHORS)} start days")  # noqa: T201 - run figures
    assert {a.day for a in ANCHORS} == set(range(1, 32))
    assert date(2024, 2, 29) in ANCHORS
    assert seen > 40_000


def drift(anchor: date, months: int, find: Callable[[date], Period]) -> list[str]:
    """Return where the periods of fifteen years differ from the anchored ones, on their edges and by day count."""
    faults: list[str] = []
    days = 0
    for k in range(SPAN * 12 // months):
        start, end = anchor + relativedelta(months=k * months), anchor + relativedelta(months=(k + 1) * months)
        found = [find(day) for day in (start, start + (end - start) / 2, end - DAY)]
        faults += [f"{p.start}..{p.end}, right is {start}..{end}" for p in found if p != Period(start, end)]
        days += found[0].days
    if days != (anchor + relativedelta(years=SPAN) - anchor).days:
        faults.append(f"{days} days in {SPAN} years")
    return faults


def by_edges(edges: Iterator[date]) -> Callable[[date], Period]:
    """Find periods in a list of successive edges, as a reckoning that steps from period to period would."""
    marks = list(edges)
    return lambda day: next(Period(a, b) for a, b in pairwise(marks) if a <= day < b)


def iterated(anchor: date, months: int) -> Iterator[date]:
    """The mutant `iterate from previous`: 31 January, 28 February, 28 March."""
    edge = anchor
    for _ in range(SPAN * 12 // months + 2):
        yield edge
        edge += relativedelta(months=months)


def replaced(anchor: date, months: int) -> Iterator[date]:
    """The mutant `replace(year=)`."""
    for k in range(SPAN * 12 // months + 2):
        yield anchor.replace(year=anchor.year + k * months // 12)


def caught(anchor: date, months: int, mutant: Callable[[date, int], Iterator[date]]) -> bool:
    try:
        return bool(drift(anchor, months, by_edges(mutant(anchor, months))))
    except (ValueError, StopIteration):
        return True


def test_mutants_of_the_period_reckoning_are_seen() -> None:
    """Stepping from the period before, and replacing the year, both fail the same check."""
    stepping = [a for a in ANCHORS if caught(a, 1, iterated)]
    replacing = [a for a in ANCHORS if caught(a, 12, replaced)]

    print(f"mutants seen from {len(stepping)} and {len(replacing)} start days")  # noqa: T201 - run figures
    assert {a.day for a in stepping} == {29, 30, 31}
    assert replacing == [date(2024, 2, 29)]


def test_the_31st_comes_back_after_february() -> None:
    """31 January, 28 February, 31 March: never 28 March."""
    rule, anchor = Rule(length="P1M"), date(2026, 1, 31)

    first = period_at(rule, anchor, anchor, CALENDAR)
    second = next_period(rule, anchor, first, CALENDAR)
    third = next_period(rule, anchor, second, CALENDAR) if second else None

    assert first == Period(date(2026, 1, 31), date(2026, 2, 28))
    assert second == Period(date(2026, 2, 28), date(2026, 3, 31))
    assert third == Period(date(2026, 3, 31), date(2026, 4, 30))


@pytest.mark.parametrize("length", ["semester", "half-month", "weekly"])
def test_other_periods_cover_each_day_once(length: str) -> None:
    """Semesters (breaks included), half-months and weeks fill ten years without gap or overlap."""
    rule, anchor, day = Rule(length=length), date(2026, 1, 5), date(2026, 1, 5)
    covered: list[date] = []
    period: Period | None = period_at(rule, anchor, day, CALENDAR)
    first = period.start if period else day

    while period is not None and period.end < date(2036, 1, 1):
        span = [period.start + k * DAY for k in range(period.days)]
        assert all(period_at(rule, anchor, d, CALENDAR) == period for d in span)
        covered += span
        period = next_period(rule, anchor, period, CALENDAR)

    assert len(covered) > 3_400
    assert covered == [first + k * DAY for k in range(len(covered))]
