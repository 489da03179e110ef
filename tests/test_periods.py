"""Periods of every kind of track, the dates of cadences inside them, and the days on which stages are due."""

from datetime import date
from typing import Any

import pytest

from qaflow.engine.calendar import Calendar, CalendarGap, Term
from qaflow.engine.dates import DAY, shift
from qaflow.engine.definition import Deadline, Label, Stage
from qaflow.engine.periods import (
    REVISIT_DAYS,
    Length,
    Period,
    Rule,
    anchor_date,
    month_grid,
    next_period,
    occurrences,
    parse_length,
    period_at,
    periods_between,
    stage_day,
    stage_days,
)
from qaflow.errors import Invalid

TERMS = (
    Term(key="2025-autumn", starts=date(2025, 9, 1), ends=date(2026, 1, 31)),
    Term(key="2026-spring", starts=date(2026, 2, 20), ends=date(2026, 7, 15)),
)
COLLEGE = Calendar(zone="Asia/Shanghai", years=frozenset({2025, 2026}), terms=TERMS, until=date(2026, 8, 31))
SCHOOL_YEAR = Period(date(2025, 9, 1), date(2026, 9, 1))
AUTUMN = Period(date(2025, 9, 1), date(2026, 2, 20))


def stage(key: str = "goal", **deadline: Any) -> Stage:
    given = Deadline(**deadline) if deadline else None
    return Stage(key=key, name=Label(zh="目标", en="Goal"), deadline=given)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P1Y", Length("months", 12)),
        ("P3Y", Length("months", 36)),
        ("P6M", Length("months", 6)),
        ("P18M", Length("months", 18)),
        ("yearly", Length("months", 12)),
        ("quarterly", Length("months", 3)),
        ("monthly", Length("months", 1)),
        ("semester", Length("semester")),
        ("half-month", Length("half-month")),
        ("weekly", Length("weekly")),
        ("project", Length("project")),
    ],
)
def test_lengths_are_parsed(text: str, length: Length) -> None:
    """Each length of the file format has its meaning."""
    assert parse_length(text) == length


@pytest.mark.parametrize("text", ["", "P0Y", "P-1Y", "P1Y6M", "P1W", "P1000Y", "p1y", "P１Y", " P1Y", "P1Y\n", "year"])
def test_other_lengths_are_refused_with_the_right_ones(text: str) -> None:
    """What is no length is refused, and the refusal lists what is one."""
    with pytest.raises(Invalid, match="semester") as refusal:
        parse_length(text)

    assert refusal.value.code == "period.length"


@pytest.mark.parametrize("anchor", ["9-1", "13-01", "02-30", "09-01 ", "2025-09-01", "W01-1", "", "０9-01"])
def test_anchors_that_are_no_month_and_day_are_refused(anchor: str) -> None:
    """An anchor is MM-DD and nothing else."""
    with pytest.raises(Invalid, match="MM-DD") as refusal:
        Rule(length="P1Y", anchor=anchor)

    assert refusal.value.code == "date.invalid"


def test_periods_start_from_the_calendar_or_the_subject_only() -> None:
    """Another origin of periods is refused."""
    with pytest.raises(Invalid, match="calendar and subject"):
        Rule(length="P1Y", start="moon")


@pytest.mark.parametrize(
    ("rule", "since", "anchor"),
    [
        (Rule(length="P1Y", anchor="09-01"), date(2025, 9, 1), date(2025, 9, 1)),
        (Rule(length="P1Y", anchor="09-01"), date(2025, 8, 31), date(2024, 9, 1)),
        (Rule(length="P3Y", anchor="01-01"), date(2023, 5, 6), date(2023, 1, 1)),
        (Rule(length="P1Y", anchor="02-29"), date(2025, 3, 1), date(2025, 2, 28)),
        (Rule(length="P1Y", anchor="02-29"), date(2024, 2, 28), date(2023, 2, 28)),
        (Rule(length="P3Y", start="subject"), date(2023, 5, 6), date(2023, 5, 6)),
    ],
)
def test_periods_are_anchored_to_the_calendar_or_the_subject(rule: Rule, since: date, anchor: date) -> None:
    """The anchor is the rule's day on or before a date, or the subject's own first day."""
    assert anchor_date(rule, since) == anchor


@pytest.mark.parametrize(
    ("length", "anchor", "day", "start", "end", "number"),
    [
        ("P1Y", date(2025, 9, 1), date(2025, 9, 1), date(2025, 9, 1), date(2026, 9, 1), 1),
        ("P1Y", date(2025, 9, 1), date(2026, 8, 31), date(2025, 9, 1), date(2026, 9, 1), 1),
        ("P1Y", date(2025, 9, 1), date(2025, 8, 31), date(2024, 9, 1), date(2025, 9, 1), 0),
        ("P3Y", date(2023, 9, 1), date(2026, 9, 1), date(2026, 9, 1), date(2029, 9, 1), 2),
        # 29 February: 28 in common years, and 29 again in the next leap year
        ("P1Y", date(2024, 2, 29), date(2025, 2, 28), date(2025, 2, 28), date(2026, 2, 28), 2),
        ("P1Y", date(2024, 2, 29), date(2028, 2, 28), date(2027, 2, 28), date(2028, 2, 29), 4),
        ("P1M", date(2024, 1, 31), date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 31), 2),
        ("weekly", date(2026, 1, 5), date(2026, 1, 18), date(2026, 1, 12), date(2026, 1, 19), 2),
        ("half-month", date(2026, 1, 5), date(2026, 2, 15), date(2026, 2, 1), date(2026, 2, 16), None),
        ("half-month", date(2026, 1, 5), date(2026, 12, 31), date(2026, 12, 16), date(2027, 1, 1), None),
        # semesters hold the break that follows their term; the last known one ends with the teaching year
        ("semester", date(2025, 9, 1), date(2026, 2, 19), date(2025, 9, 1), date(2026, 2, 20), None),
        ("semester", date(2025, 9, 1), date(2026, 8, 31), date(2026, 2, 20), date(2026, 9, 1), None),
    ],
)
def test_the_period_of_a_day(length: str, anchor: date, day: date, start: date, end: date, number: int | None) -> None:
    """Hand-made table of periods and their numbers."""
    period = period_at(Rule(length=length), anchor, day, COLLEGE)

    assert (period.start, period.end, period.number) == (start, end, number)
    assert day in period


@pytest.mark.parametrize("day", [date(2025, 8, 31), date(2026, 9, 1)])
def test_a_semester_without_an_adopted_term_is_refused(day: date) -> None:
    """Before the first and after the last adopted teaching year no semester is guessed."""
    with pytest.raises(CalendarGap, match=str(day)):
        period_at(Rule(length="semester"), day, day, COLLEGE)


def test_a_semester_keeps_its_start_when_the_next_term_becomes_known() -> None:
    """Adopting the next year moves the end of the last semester only."""
    later = Term(key="2026-autumn", starts=date(2026, 9, 7), ends=date(2027, 1, 30))
    adopted = Calendar(zone=COLLEGE.zone, years=COLLEGE.years, terms=(*TERMS, later))

    found = period_at(Rule(length="semester"), date(2025, 9, 1), date(2026, 9, 3), adopted)

    assert found == Period(date(2026, 2, 20), date(2026, 9, 7))


def test_a_project_is_one_period() -> None:
    """A project's period is its own; it has no next one, and days outside are refused."""
    rule, anchor = Rule(length="project", ends=date(2026, 6, 30)), date(2025, 3, 15)

    period = period_at(rule, anchor, date(2026, 6, 30), COLLEGE)

    assert period == Period(date(2025, 3, 15), date(2026, 7, 1))
    assert next_period(rule, anchor, period, COLLEGE) is None
    with pytest.raises(Invalid, match="outside the project"):
        period_at(rule, anchor, date(2026, 7, 1), COLLEGE)
    with pytest.raises(Invalid, match="last day"):
        period_at(Rule(length="project"), anchor, anchor, COLLEGE)


def test_periods_between_two_days() -> None:
    """All periods with a day in the half-open stretch, and none for an empty one."""
    rule, anchor = Rule(length="P1Y"), date(2020, 9, 1)

    found = list(periods_between(rule, anchor, date(2025, 8, 31), date(2027, 9, 1), COLLEGE))

    assert [p.start.year for p in found] == [2024, 2025, 2026]
    assert list(periods_between(rule, anchor, date(2025, 9, 1), date(2025, 9, 1), COLLEGE)) == []


# Cadences


@pytest.mark.parametrize(
    ("cadence", "month", "period", "expected"),
    [
        ("real-time", None, SCHOOL_YEAR, []),
        ("semester", None, SCHOOL_YEAR, ["2026-01-31", "2026-07-15"]),
        ("semester", None, AUTUMN, ["2026-01-31"]),
        ("quarterly", None, SCHOOL_YEAR, ["2025-09-30", "2025-12-31", "2026-03-31", "2026-06-30"]),
        ("monthly", None, AUTUMN, ["2025-09-30", "2025-10-31", "2025-11-30", "2025-12-31", "2026-01-31"]),
        ("half-month", None, Period(date(2026, 2, 1), date(2026, 3, 1)), ["2026-02-15", "2026-02-28"]),
        ("half-month", None, Period(date(2026, 2, 16), date(2026, 3, 15)), ["2026-02-28"]),
        ("weekly", None, Period(date(2026, 5, 1), date(2026, 5, 16)), ["2026-05-01", "2026-05-08", "2026-05-15"]),
        ("weekly", None, Period(date(2026, 5, 2), date(2026, 5, 8)), []),
        ("yearly", 12, SCHOOL_YEAR, ["2025-12-31"]),
        ("yearly", 8, SCHOOL_YEAR, ["2026-08-31"]),
        ("yearly", 2, Period(date(2023, 9, 1), date(2026, 9, 1)), ["2024-02-29", "2025-02-28", "2026-02-28"]),
        ("yearly", 12, Period(date(2026, 2, 20), date(2026, 9, 1)), []),
        ("yearly", None, Period(date(2023, 9, 1), date(2026, 9, 1)), ["2024-08-31", "2025-08-31", "2026-08-31"]),
        ("yearly", None, Period(date(2024, 2, 29), date(2026, 2, 28)), ["2025-02-27", "2026-02-27"]),
        ("yearly", None, AUTUMN, ["2025-12-31"]),
        ("period", None, SCHOOL_YEAR, ["2026-08-31"]),
    ],
)
def test_the_dates_of_a_cadence(cadence: str, month: int | None, period: Period, expected: list[str]) -> None:
    """Hand-made table of each cadence's dates inside a period."""
    assert [d.isoformat() for d in occurrences(cadence, period, COLLEGE, month)] == expected


@pytest.mark.parametrize("cadence", ["weekly", "half-month", "monthly", "quarterly", "yearly"])
@pytest.mark.parametrize("length", ["P1M", "P1Y", "P3Y", "half-month", "weekly"])
def test_no_date_of_a_cadence_is_lost_or_doubled_between_periods(cadence: str, length: str) -> None:
    """Over successive periods of any length each date of a cadence comes once, in its own period."""
    rule, anchor = Rule(length=length), date(2025, 1, 31)
    month = 12 if cadence == "yearly" else None
    periods = list(periods_between(rule, anchor, date(2026, 1, 1), date(2029, 1, 1), COLLEGE))

    found = [d for p in periods for d in occurrences(cadence, p, COLLEGE, month)]

    assert found == occurrences(cadence, Period(periods[0].start, periods[-1].end), COLLEGE, month)
    assert len(found) >= 3


def test_dates_in_breaks_can_be_left_out() -> None:
    """What follows teaching has no dates in the winter and summer breaks."""
    found = occurrences("monthly", SCHOOL_YEAR, COLLEGE, in_terms=True)

    assert [d.month for d in found] == [9, 10, 11, 12, 1, 2, 3, 4, 5, 6]


def test_an_unknown_cadence_is_refused_with_the_right_ones() -> None:
    """The refusal lists the cadences."""
    with pytest.raises(Invalid, match="real-time, weekly, half-month"):
        occurrences("daily", SCHOOL_YEAR, COLLEGE)


def test_month_grids_run_over_the_teaching_year() -> None:
    """A grid has the college's own months (003 has no July and August), else those with teaching."""
    own = month_grid(SCHOOL_YEAR, COLLEGE, (9, 10, 11, 12, 1, 2, 3, 4, 5, 6))
    taught = month_grid(SCHOOL_YEAR, COLLEGE)

    assert own == [*((2025, m) for m in range(9, 13)), *((2026, m) for m in range(1, 7))]
    assert taught == [*own, (2026, 7)]


# Deadlines of stages


@pytest.mark.parametrize(
    ("deadline", "period", "expected"),
    [
        # shares count days from the start, the whole period being its last day; parts of a day round up
        ({"share": 0.1}, SCHOOL_YEAR, "2025-10-07"),  # 36.5 days: the 37th
        ({"share": 1.0}, Period(date(2025, 9, 1), date(2025, 9, 27)), "2025-09-26"),
        ({"share": 0.0001}, SCHOOL_YEAR, "2025-09-01"),
        ({"share": 0.07}, Period(date(2025, 9, 1), date(2025, 12, 10)), "2025-09-08"),  # 7 of 100: Sunday moves
        ({"date": "10-15"}, SCHOOL_YEAR, "2025-10-15"),
        ({"date": "06-30"}, SCHOOL_YEAR, "2026-06-30"),
        ({"date": "09-01"}, SCHOOL_YEAR, "2025-09-01"),
        ({"date": "02-29"}, SCHOOL_YEAR, "2026-03-02"),  # 28 February 2026 is a Saturday
        ({"date": "06-30"}, Period(date(2025, 9, 1), date(2028, 9, 1)), "2026-06-30"),  # the first one
        ({"date": "06-30"}, AUTUMN, "2026-02-19"),  # none in the period: its last day
        ({"date": "2025-10-15"}, SCHOOL_YEAR, "2025-10-15"),
        ({"date": "2024-10-15"}, SCHOOL_YEAR, "2025-10-15"),  # another year's cycle
        ({"date": "2025-11-01"}, SCHOOL_YEAR, "2025-11-03"),  # a Saturday
    ],
)
def test_stage_days_follow_from_the_period(deadline: dict[str, Any], period: Period, expected: str) -> None:
    """Hand-made table of shares and dates, moved to the next working day; stage_day agrees."""
    due = date.fromisoformat(expected)

    assert stage_days([stage(**deadline)], period, COLLEGE) == {"goal": due}
    assert stage_day(stage(**deadline), period, period.start, COLLEGE) == due


def test_stages_that_depend_on_entry_have_no_day_beforehand() -> None:
    """Working days count from entry; a stage without deadline has none."""
    stages = [stage("goal", working_days=5), stage("standard"), stage("design", share=0.5)]

    assert list(stage_days(stages, SCHOOL_YEAR, COLLEGE)) == ["design"]
    assert stage_day(stages[0], SCHOOL_YEAR, date(2025, 9, 5), COLLEGE) == date(2025, 9, 12)
    assert stage_day(stages[1], SCHOOL_YEAR, date(2025, 9, 5), COLLEGE) is None


def test_a_stage_entered_late_is_late_but_a_second_visit_has_time() -> None:
    """Late entry moves nothing; a stage visited again has at least five working days."""
    late, entered = stage(date="10-15"), date(2025, 11, 3)

    assert stage_day(late, SCHOOL_YEAR, entered, COLLEGE) == date(2025, 10, 15)
    assert stage_day(late, SCHOOL_YEAR, entered, COLLEGE, revisit=True) == COLLEGE.add_working(entered, REVISIT_DAYS)
    assert stage_day(stage(date="12-31"), SCHOOL_YEAR, entered, COLLEGE, revisit=True) == date(2025, 12, 31)
    assert stage_day(stage(working_days=2), SCHOOL_YEAR, entered, COLLEGE, revisit=True) == date(2025, 11, 5)


def test_stage_days_beyond_the_adopted_years_stand_unmoved_but_give_no_instant() -> None:
    """A three-year period can be planned; its far instants are refused until their year is adopted."""
    days = stage_days([stage(share=1.0)], Period(date(2025, 9, 1), date(2028, 9, 4)), COLLEGE)

    assert days == {"goal": date(2028, 9, 3)}  # a Sunday
    with pytest.raises(CalendarGap):
        COLLEGE.deadline_instant(days["goal"])


@pytest.mark.parametrize("text", ["2025-02-29", "13-40", "15.10.", "10-15T00", "tomorrow"])
def test_deadlines_that_are_no_dates_are_refused(text: str) -> None:
    """A date of a deadline is MM-DD or YYYY-MM-DD."""
    with pytest.raises(Invalid, match="MM-DD"):
        stage_days([stage(date=text)], SCHOOL_YEAR, COLLEGE)


def test_shifting_by_months_agrees_with_counting_days() -> None:
    """A month's last day stands in for a day that the month lacks, in both directions."""
    assert shift(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert shift(date(2026, 3, 31), -1) == date(2026, 2, 28)
    assert shift(date(2024, 2, 29), -12) == date(2023, 2, 28)
    assert shift(date(2025, 12, 31), 2) == date(2026, 2, 28)
    assert shift(date(2025, 12, 31), 12 * 100) == date(2125, 12, 31)
    assert shift(date(2026, 1, 1), 1) - DAY == date(2026, 1, 31)
