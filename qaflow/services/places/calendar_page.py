"""The college calendar of one civil year as its page shows it: months, teaching weeks, terms, what is flagged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from qaflow.engine.calendar import WEEK_DAYS, Calendar
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import calendar_rows as rows
from qaflow.store.calendar_rows import Day, Term

from .adopting import STATE
from .organisation import Desk, read

MONTHS = 12
WEEK = 7


class Cell(NamedTuple):
    """One day: `kind` is work, rest, off or makeup, `own` whether the college and not the state says so."""

    day: date
    inside: bool  # of the month
    kind: str
    own: bool
    name: str
    term: bool
    edge: str  # a term's first or last day: "starts", "ends"
    today: bool


class Week(NamedTuple):
    """One line of a month; `number` is the teaching week."""

    number: int | None
    cells: tuple[Cell, ...]


class Month(NamedTuple):
    """One month."""

    first: date
    weeks: tuple[Week, ...]
    working: int  # working days


@dataclass(frozen=True, kw_only=True)
class Year:
    """One civil year; `adopted` and `published` say how sure its working days are."""

    year: int
    years: dict[int, bool]
    months: tuple[Month, ...]
    terms: tuple[Term, ...]
    own: tuple[Day, ...]
    may_edit: bool
    today: date

    @property
    def adopted(self) -> bool:
        """Tell whether the year's days are known at all."""
        return self.year in self.years

    @property
    def published(self) -> bool:
        """Tell whether its make-up days were known when it was adopted."""
        return self.years.get(self.year, False)


def year(session: AnySession, origin: Origin, me: SignedIn, number: int | None) -> Year:
    """Return a civil year of the college's calendar, this one where none is named."""

    def body(at: Desk) -> Year:
        today = date.fromisoformat(at.day)
        which = today.year if number is None else number
        years = rows.years(at.driver, at.college.id)
        if not min(years, default=which) - 1 <= which <= max(years, default=which) + 1:
            raise Missing("calendar.year", f"no calendar of {which}")
        found = {d.day: d for d in rows.days(at.driver, at.college.id, f"{which - 1}-12-01", f"{which + 1}-01-31")}
        calendar = at.college.calendar
        months = tuple(_month(calendar, found, date(which, m + 1, 1), today) for m in range(MONTHS))
        terms = tuple(t for t in rows.terms(at.driver, at.college.id)
                      if int(t.starts[:4]) <= which <= int(t.ends[:4]))  # fmt: skip
        own = tuple(d for d in found.values() if d.source != STATE and d.day.startswith(f"{which}-"))
        may = bool(policy.allowed(at.driver, at.college.id, me.person, ("calendar",), at.day))
        return Year(year=which, years=years, months=months, terms=terms, own=own, may_edit=may, today=today)

    return read(session, origin, me, body)


def _month(calendar: Calendar, found: dict[str, Day], first: date, today: date) -> Month:
    start = first - timedelta(days=first.weekday())
    weeks = []
    while start <= first or start.month == first.month:
        cells = tuple(_cell(calendar, found, start + timedelta(days=n), first, today) for n in range(WEEK))
        number = next((w for c in cells if c.inside and (w := calendar.teaching_week(c.day)) is not None), None)
        weeks.append(Week(number, cells))
        start += timedelta(days=WEEK)
    working = sum(c.kind in ("work", "makeup") for week in weeks for c in week.cells if c.inside)
    return Month(first, tuple(weeks), working)


def _cell(calendar: Calendar, found: dict[str, Day], day: date, month: date, today: date) -> Cell:
    row = found.get(day.isoformat())
    weekday = day.weekday() < WEEK_DAYS
    works = row.working if row else weekday
    kind = ("work" if works else "off") if weekday else ("makeup" if works else "rest")
    if row is not None and not row.working:
        kind = "off"
    term = calendar.term_of(day)
    edge = "" if term is None else "starts" if day == term.starts else "ends" if day == term.ends else ""
    return Cell(day, day.month == month.month and day.year == month.year, kind,
                row is not None and row.source != STATE, row.name if row else "", term is not None, edge,
                day == today)  # fmt: skip
