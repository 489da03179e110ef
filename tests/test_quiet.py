"""The hours of notices over calendars made by chance: never at night, on a day off or in a break."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from qaflow.engine.calendar import Calendar, Term
from qaflow.engine.quiet import HOURS, next_digest, next_open, quiet

DAY = timedelta(days=1)
FIRST, LAST = date(2025, 1, 1), date(2026, 12, 31)
days = st.dates(FIRST, LAST)


@st.composite
def calendars(draw):
    """Make a college's calendar: days off, make-up days, two terms with a break between them."""
    off = {d for d in draw(st.sets(days, max_size=40)) if d.weekday() < 5}
    made_up = {d for d in draw(st.sets(days, max_size=20)) if d.weekday() >= 5}
    a = draw(st.dates(date(2025, 2, 1), date(2025, 9, 30)))
    b = a + draw(st.integers(60, 140)) * DAY
    c = b + draw(st.integers(2, 60)) * DAY
    terms = (Term(key="1", starts=a, ends=b), Term(key="2", starts=c, ends=c + 120 * DAY))
    return Calendar(zone=draw(st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin", "America/Sao_Paulo"])),
                    years=frozenset((2025, 2026)), free=frozenset(off), working=frozenset(made_up),
                    terms=draw(st.sampled_from([(), terms])), until=c + 150 * DAY)  # fmt: skip


def told_of(calendar: Calendar, day: date) -> bool:
    """Say by the calendar's rows alone whether people may be told on a day."""
    works = day in calendar.working or (day.weekday() < 5 and day not in calendar.free)
    if not calendar.terms or day < calendar.terms[0].starts or day > calendar.until:
        return works
    return works and any(t.starts <= day <= t.ends for t in calendar.terms)


moments = st.integers(0, 637 * 24 * 60).map(lambda n: datetime(2025, 1, 2, tzinfo=UTC) + timedelta(minutes=n))


@settings(max_examples=300, deadline=None)
@given(calendars(), moments, st.sampled_from(list(HOURS)))
def test_the_next_digest_is_the_first_open_days_hour_after_the_instant(calendar, after, hour):
    found = next_digest(calendar, hour, after)
    local = found.astimezone(calendar.tz)

    assert found > after and (local.hour, local.minute) == (hour, 0) and told_of(calendar, local.date())
    day = after.astimezone(calendar.tz).date()
    while day < local.date():
        at = datetime(day.year, day.month, day.day, hour, tzinfo=calendar.tz)
        assert not told_of(calendar, day) or at <= after  # none was passed over
        day += DAY


@settings(max_examples=300, deadline=None)
@given(calendars(), moments)
def test_nobody_is_told_while_it_is_quiet(calendar, at):
    local = at.astimezone(calendar.tz)

    assert quiet(calendar, at) == (not (7 <= local.hour < 20 and told_of(calendar, local.date())))
    assert not quiet(calendar, next_open(calendar, at))
    assert quiet(calendar, at) or next_open(calendar, at) == at


def test_a_year_that_nobody_adopted_is_told_of_from_monday_to_friday():
    bare = Calendar(zone="Asia/Shanghai", years=frozenset())

    assert next_digest(bare, 8, datetime(2031, 3, 7, 1, tzinfo=UTC)) == datetime(2031, 3, 10, tzinfo=UTC)  # Fri to Mon
