"""The college calendar, the ladder on it and the state's days: hand-made tables and slow, plain oracles."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from qaflow.engine import ladder
from qaflow.engine.calendar import Calendar, CalendarGap, Term, build
from qaflow.engine.dates import DAY
from qaflow.engine.definition import Level
from qaflow.errors import Invalid
from qaflow.services.places.calendar import published, state_days

ZONE = "Asia/Shanghai"
TERMS = (
    Term(key="2025-autumn", starts=date(2025, 9, 1), ends=date(2026, 1, 31)),
    Term(key="2026-spring", starts=date(2026, 2, 20), ends=date(2026, 7, 15)),
)
LADDER = (Level(after=1, to="supervisor"), Level(after=3, to="leader"), Level(after=5, to="quality_office"))


def college(*years: int, own: tuple[tuple[date, bool], ...] = ()) -> Calendar:
    """Return a calendar of the state's days of some years and a college's own."""
    rows = [(row.day, row.working) for year in years for row in state_days(year)]
    return build(ZONE, [*rows, *own], TERMS, years, unpublished=[y for y in years if not published(y)])


# due day, the day it moves to, and the days of the levels after 1, 3, 5 and 7 working days, by the decree for 2024:
# 1 to 7 October off, Sunday 29 September and Saturday 12 October worked
NATIONAL_DAY = [
    ("2024-09-26", "2024-09-26", ["2024-09-27", "2024-09-30", "2024-10-09", "2024-10-11"]),
    ("2024-09-27", "2024-09-27", ["2024-09-29", "2024-10-08", "2024-10-10", "2024-10-12"]),
    ("2024-09-28", "2024-09-29", ["2024-09-30", "2024-10-09", "2024-10-11", "2024-10-14"]),  # Saturday to Sunday
    ("2024-09-29", "2024-09-29", ["2024-09-30", "2024-10-09", "2024-10-11", "2024-10-14"]),
    ("2024-09-30", "2024-09-30", ["2024-10-08", "2024-10-10", "2024-10-12", "2024-10-15"]),
    ("2024-10-01", "2024-10-08", ["2024-10-09", "2024-10-11", "2024-10-14", "2024-10-16"]),
    ("2024-10-07", "2024-10-08", ["2024-10-09", "2024-10-11", "2024-10-14", "2024-10-16"]),
    ("2024-10-12", "2024-10-12", ["2024-10-14", "2024-10-16", "2024-10-18", "2024-10-22"]),
    ("2024-10-13", "2024-10-14", ["2024-10-15", "2024-10-17", "2024-10-21", "2024-10-23"]),
]


def off_the_table(calendar: Calendar) -> list[str]:
    """Return the due days whose deadline or levels are not where the table has them."""
    wrong = []
    for due_text, moved_text, levels in NATIONAL_DAY:
        due, moved = date.fromisoformat(due_text), date.fromisoformat(moved_text)
        overdue = datetime.combine(moved, datetime.min.time(), UTC) + timedelta(hours=16)  # midnight at +8
        expected = [datetime.combine(date.fromisoformat(d), datetime.min.time(), UTC) for d in levels]  # 08:00 at +8
        found = [calendar.level_instant(due, n) for n in (1, 3, 5, 7)]
        if calendar.deadline_instant(due) != overdue or found != expected:
            wrong.append(due_text)
    return wrong


def test_deadlines_and_levels_over_national_day_2024() -> None:
    """Due days around the week off and its make-up Sunday and Saturday are where the hand-made table has them."""
    assert off_the_table(college(2024)) == []


def test_a_calendar_without_make_up_days_is_seen() -> None:
    """The mutant that knows only the days off fails the same table."""
    state = college(2024)

    assert off_the_table(Calendar(zone=ZONE, years=state.years, free=state.free))
    assert off_the_table(Calendar(zone=ZONE, years=state.years, working=state.working))


@pytest.mark.parametrize(
    ("own", "due", "overdue", "level_5"),
    [
        # a break does not stop the offices: Saturday 18 July moves to Monday the 20th
        ((), "2026-07-18", "2026-07-20T16:00", "2026-07-27T00:00"),
        # the last day of term, a Wednesday
        ((), "2026-07-15", "2026-07-15T16:00", "2026-07-22T00:00"),
        # the college's own week off, 20 to 24 July, does
        ("free", "2026-07-18", "2026-07-27T16:00", "2026-08-03T00:00"),
        ("free", "2026-07-17", "2026-07-17T16:00", "2026-07-31T00:00"),
    ],
)
def test_deadlines_over_a_summer_break(own: str, due: str, overdue: str, level_5: str) -> None:
    """Breaks leave office days alone; the college's own days off do not."""
    calendar = college(2026, own=tuple((date(2026, 7, d), False) for d in range(20, 25)) if own else ())
    day = date.fromisoformat(due)

    assert calendar.term_of(date(2026, 7, 18)) is None
    assert calendar.deadline_instant(day) == datetime.fromisoformat(overdue + "+00:00")
    assert calendar.level_instant(day, 5) == datetime.fromisoformat(level_5 + "+00:00")


def test_working_days_agree_with_walking_day_by_day() -> None:
    """Counting by the index gives what a walk over single days gives, over three years with make-up days."""
    calendar, first = college(2024, 2025, 2026), date(2024, 1, 1)
    state = {row.day: row.working for year in (2024, 2025, 2026) for row in state_days(year)}
    days = [first + k * DAY for k in range(1_000)]
    works = {d: state.get(d, d.weekday() < 5) for d in days}
    checked = 0

    for day in days[40:-60]:
        assert calendar.is_working(day) == works[day]
        assert calendar.next_working(day) == walk(day, 1, lambda d: works[d], start=0)
        assert calendar.working_between(first, day) == sum(
            works[first + k * DAY] for k in range(1, (day - first).days + 1)
        )
        for n in (1, 2, 3, 5, 10, 20):
            assert calendar.add_working(day, n) == walk(day, n, lambda d: works[d])
            assert calendar.back_working(day, n) == walk(day, n, lambda d: works[d], step=-1)
            checked += 1

    assert checked == 5_400


def walk(day: date, n: int, works: Callable[[date], bool], start: int = 1, step: int = 1) -> date:
    day += start * step * DAY
    while True:
        n -= works(day)
        if n == 0:
            return day
        day += step * DAY


def test_years_that_are_not_adopted_are_refused_by_name() -> None:
    """Nothing is guessed beyond the adopted years, and the refusal names the year."""
    calendar = college(2024, 2026)

    for ask, year in [
        (lambda: calendar.is_working(date(2025, 3, 3)), 2025),
        (lambda: calendar.add_working(date(2024, 12, 30), 3), 2025),  # never over the hole into 2026
        (lambda: calendar.back_working(date(2026, 1, 5), 2), 2025),
        (lambda: calendar.working_between(date(2024, 12, 1), date(2026, 1, 4)), 2025),
        (lambda: calendar.level_instant(date(2026, 12, 30), 5), 2027),
        (lambda: calendar.next_working(date(2030, 1, 1)), 2030),
        (lambda: calendar.next_working(date.max), 9999),
        (lambda: calendar.deadline_instant(date(2023, 12, 31)), 2023),
    ]:
        with pytest.raises(CalendarGap) as refusal:
            ask()
        assert (refusal.value.code, refusal.value.data["year"]) == ("calendar.not_adopted", year)


def test_the_last_day_of_the_last_year_still_has_its_deadline() -> None:
    """The end of 31 December needs no calendar of the year after."""
    assert college(2026).deadline_instant(date(2026, 12, 31)) == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_a_year_without_published_make_up_days_is_flagged() -> None:
    """2026 is decreed; 2099 may be adopted with its statutory days and stays flagged; other years are flagged too."""
    calendar = college(2026, 2099)

    assert [calendar.flagged(y) for y in (2025, 2026, 2099)] == [True, False, True]
    assert not calendar.is_working(date(2099, 10, 1))
    assert not any(row.working or row.published for row in state_days(2099))


def test_state_days_are_named_and_complete() -> None:
    """The decree for 2026 has its six make-up days; each row has a name in either language."""
    rows = state_days(2026)

    assert [row.day.isoformat()[5:] for row in rows if row.working] == [
        "01-04", "02-14", "02-28", "05-09", "09-20", "10-10",
    ]  # fmt: skip
    assert {row.name for row in rows if row.day == date(2026, 10, 1)} == {"国庆节"}
    assert {row.name for row in state_days(2026, "en_US") if row.day == date(2026, 10, 1)} == {"National Day"}
    assert all(row.name and row.published and row.day.year == 2026 for row in rows)


def test_state_days_of_a_year_nobody_knows_are_refused() -> None:
    """Years before the first decree or beyond the lunar tables are refused with the years that are known."""
    for year in (1949, 2000, 2100):
        with pytest.raises(Invalid, match="2001 to 2099"):
            state_days(year)


def test_own_days_outdo_the_state() -> None:
    """A later row wins: the college works on 1 October 2026 and rests on the make-up Saturday."""
    calendar = college(2026, own=((date(2026, 10, 1), True), (date(2026, 10, 10), False)))

    assert calendar.is_working(date(2026, 10, 1))
    assert not calendar.is_working(date(2026, 10, 10))


@pytest.mark.parametrize(
    ("day", "term", "week"),
    [
        ("2025-08-31", None, None),  # before the first term
        ("2025-09-01", "2025-autumn", 1),  # a Monday
        ("2025-09-07", "2025-autumn", 1),
        ("2025-09-08", "2025-autumn", 2),
        ("2026-01-31", "2025-autumn", 22),
        ("2026-02-01", None, None),  # winter break
        ("2026-02-20", "2026-spring", 1),  # a Friday: its week is the first
        ("2026-02-23", "2026-spring", 2),
        ("2026-07-16", None, None),  # summer break
    ],
)
def test_terms_and_teaching_weeks(day: str, term: str | None, week: int | None) -> None:
    """Weeks count from 1, begin on Monday, and there is none in a break."""
    calendar = college(2026)
    found = calendar.term_of(date.fromisoformat(day))

    assert (found.key if found else None, calendar.teaching_week(date.fromisoformat(day))) == (term, week)


def test_terms_between_touch_the_stretch() -> None:
    """A term with one day in [start, end) belongs to it; the end itself does not count."""
    calendar = college(2026)

    assert [t.key for t in calendar.terms_between(date(2026, 1, 31), date(2026, 2, 20))] == ["2025-autumn"]
    assert [t.key for t in calendar.terms_between(date(2026, 1, 31), date(2026, 2, 21))] == [
        "2025-autumn",
        "2026-spring",
    ]
    assert calendar.terms_between(date(2026, 2, 1), date(2026, 2, 20)) == ()


def test_a_calendar_survives_json() -> None:
    """Stored and read again it is equal and answers the same."""
    calendar = build(
        ZONE, [(date(2026, 1, 1), False), (date(2026, 1, 4), True)], TERMS, [2026], until=date(2026, 8, 31)
    )

    again = Calendar.from_plain(json.loads(json.dumps(calendar.to_plain())))

    assert again == calendar
    assert hash(again) == hash(calendar)
    assert again.is_working(date(2026, 1, 4))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Calendar(zone="Asia/Wuhan", years=frozenset()), "calendar.zone"),
        (lambda: Calendar(zone="../../etc/passwd", years=frozenset()), "calendar.zone"),
        (lambda: Calendar(zone="", years=frozenset()), "calendar.zone"),
        (lambda: Term(key="t", starts=date(2026, 2, 1), ends=date(2026, 1, 1)), "term.reversed"),
        (lambda: Calendar(zone=ZONE, years=frozenset(), terms=(TERMS[0], TERMS[0])), "term.overlap"),
        (
            lambda: Calendar(zone=ZONE, years=frozenset(), free=frozenset({date.max}), working=frozenset({date.max})),
            "calendar.contradiction",
        ),
    ],
)
def test_impossible_calendars_are_refused(make: Callable[[], object], code: str) -> None:
    """Unknown zones, reversed or overlapping terms and contradictions never become a value."""
    with pytest.raises(Invalid) as refusal:
        make()

    assert refusal.value.code == code


def test_naive_instants_are_refused() -> None:
    """An instant without a zone has no local day."""
    with pytest.raises(ValueError, match="aware"):
        college(2026).local_day(datetime(2026, 1, 1))  # noqa: DTZ001 - the fault itself


def test_working_days_are_counted_from_one() -> None:
    """The nought-th working day after a day is a fault of the caller."""
    for step in (college(2026).add_working, college(2026).back_working):
        with pytest.raises(ValueError, match="from 1"):
            step(date(2026, 3, 3), 0)


# The ladder


def test_rungs_count_from_the_deadline() -> None:
    """Levels after 1, 3 and 5 working days, each from the deadline, at 08:00 local time, over National Day 2024."""
    found = ladder.rungs(LADDER, date(2024, 9, 28), college(2024))

    assert found == (
        (1, datetime(2024, 9, 30, tzinfo=UTC), "supervisor", "remind"),
        (2, datetime(2024, 10, 9, tzinfo=UTC), "leader", "remind"),
        (3, datetime(2024, 10, 11, tzinfo=UTC), "quality_office", "remind"),
    )


def test_the_next_rung_follows_those_fired() -> None:
    """After each level the next one of the same deadline comes, and after the last none."""
    calendar, due = college(2024), date(2024, 9, 28)

    found = [ladder.next_rung(LADDER, due, fired, calendar) for fired in range(4)]

    assert found == [*ladder.rungs(LADDER, due, calendar), None]


def test_a_rung_never_falls_before_the_work_is_overdue() -> None:
    """On every due day of 2024 the first level falls after the deadline and levels stay in order."""
    calendar = college(2024, 2025)

    for k in range(366):
        due = date(2024, 1, 1) + k * DAY
        instants = [calendar.deadline_instant(due), *(r.at for r in ladder.rungs(LADDER, due, calendar))]
        assert instants == sorted(set(instants))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00")


@pytest.mark.parametrize(
    ("suspended", "due", "left", "resumed", "new"),
    [
        ("2024-09-24T10:00", "2024-09-26", 2, "2024-10-10T09:00", "2024-10-12"),  # over the holiday
        ("2024-09-26T23:59", "2024-09-26", 0, "2024-10-10T00:00", "2024-10-10"),  # its last day
        ("2024-09-28T10:00", "2024-09-29", 0, "2024-10-02T10:00", "2024-10-08"),  # a Saturday before a worked Sunday
        ("2024-09-30T10:00", "2024-09-27", -2, "2024-10-14T10:00", "2024-10-11"),  # overdue stays overdue
    ],
)
def test_suspended_work_keeps_its_working_time(suspended: str, due: str, left: int, resumed: str, new: str) -> None:
    """The working days left at the suspension are there again at the resumption."""
    calendar = college(2024)

    assert ladder.left(calendar, local(suspended), date.fromisoformat(due)) == left
    assert ladder.again(calendar, local(resumed), left) == date.fromisoformat(new)


def test_suspending_for_no_time_changes_no_deadline() -> None:
    """Suspended and resumed on the same day, whatever day, the deadline is the old one."""
    calendar, now = college(2024, 2025, 2026), local("2025-10-03T12:00")

    for shift in range(30):
        at = now + timedelta(days=shift)
        for k in range(-40, 41):
            due = at.date() + k * DAY
            assert ladder.again(calendar, at, ladder.left(calendar, at, due)) == calendar.next_working(due)
