"""The college calendar edited by hand: which deadlines an edit moves is shown before it is done (engine rules, 6).

Days set here bear the source ``page`` and stand against the college's files until they are set back here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from qaflow.engine.calendar import WEEK_DAYS, CalendarGap
from qaflow.engine.dates import iso_day
from qaflow.errors import Invalid, Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import view
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.rehearsing import digest_of, rehearsed
from qaflow.services.words import NAME_LENGTH, clean_name
from qaflow.services.work import AnySession, Origin
from qaflow.store import calendar_rows as rows
from qaflow.store import colleges, loading, subjects
from qaflow.store.calendar_rows import Day
from qaflow.store.db import Driver

from . import recalendar
from .adopting import PAGE, STATE
from .calendar import state_days
from .organisation import Desk, desk
from .recalendar import Moved

CALENDAR = "calendar"
MOST_DAYS = 62
HOWS = ("off", "working", "state")
NAMES = {"off": "校历休息日", "working": "校历工作日", "state": "恢复国家安排"}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What somebody wants of the calendar: days taken off, worked or given back to the state's; or a term's days."""

    first: str
    last: str = ""
    how: str = ""
    name: str = ""
    term: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an edit does, or did: the days that change, and each deadline that moves."""

    edit: Edit
    days: tuple[Day, ...]
    gone: tuple[str, ...]
    term: tuple[str, str] | None  # the days that it had
    moved: tuple[Moved, ...]
    names: Mapping[int, str] = field(default_factory=dict)  # of the subjects whose deadlines move

    @property
    def empty(self) -> bool:
        """Tell whether the calendar stands as wanted already."""
        return not (self.days or self.gone or self.term)

    @property
    def deadlines(self) -> tuple[Moved, ...]:
        """The deadlines that move; of the others only a level of the ladder falls on another day."""
        return tuple(one for one in self.moved if one.was != one.due)

    @property
    def spans(self) -> list[tuple[str, str, int]]:
        """The moved deadlines as (from, to, how many)."""
        return sorted((was, due, n) for (was, due), n in Counter((m.was, m.due) for m in self.deadlines).items())

    @cached_property
    def digest(self) -> str:
        """The hash over what was shown."""
        plain = [[list(d) for d in self.days], list(self.gone), list(self.term or ()), [list(m) for m in self.moved]]
        return digest_of([self.edit.first, self.edit.last, self.edit.how, self.edit.term, *plain])


def change(session: AnySession, origin: Origin, me: SignedIn, edit: Edit, agreed: str | None = None) -> Change:
    """Show what an edit of the calendar moves; with the digest of what was shown, do it.

    Raises `Stale` (``preview.changed``), `CalendarGap` for days of a year that is not adopted, `Invalid`.
    """

    def body(driver: Driver) -> Change:
        at = desk(session, driver, origin, me, CALENDAR)
        stream = CollegeStream(driver, origin, at.college.id, at.college.key)  # locks: two edits do not mix
        former = at.college.calendar
        made = _term(at, edit) if edit.term else _days(at, edit)
        if made.empty:
            return made
        stream.fact("CalendarChanged", _data(driver, made))
        colleges.reconfigure(driver, at.college.id)
        stream.close()
        view(session, driver, at.college.id)  # a calendar that cannot be is refused here
        moved = recalendar.moved(session, driver, origin, at.college.id, former)
        touched = subjects.by_ids(driver, at.college.id, {one.subject for one in moved})
        return replace(made, moved=tuple(moved), names={one.id: one.name for one in touched})

    return rehearsed(session, body, agreed)


def _data(driver: Driver, made: Change) -> dict[str, object]:
    edit = made.edit
    data: dict[str, object] = {"days": [list(one) for one in made.days], "gone": list(made.gone)}
    if edit.term:
        data["term"] = [edit.term, edit.first, edit.last]
    if edit.reason.strip():
        data["reason"] = keep(driver, edit.reason)
    return data


def span(first: str, last: str) -> tuple[date, date]:
    """Return two days that somebody entered, the second maybe left out."""
    try:
        begin = iso_day(first)
        end = iso_day(last) if last.strip() else begin
    except (TypeError, Invalid):
        raise Invalid("date.invalid", "write days as YYYY-MM-DD") from None
    if end < begin:
        raise Invalid("date.order", f"the last day {end} lies before the first, {begin}")
    return begin, end


def _term(at: Desk, edit: Edit) -> Change:
    begin, end = (day.isoformat() for day in span(edit.first, edit.last))
    terms = {term.key: term for term in rows.terms(at.driver, at.college.id)}
    old = terms.get(edit.term)
    if old is None:
        raise Missing("term.not_found", f"no term {edit.term!r}")
    for other in terms.values():
        if other.key != old.key and other.starts <= end and other.ends >= begin:
            raise Invalid("term.overlap", f"{begin} to {end} lies within {other.key}")
    for year in (int(begin[:4]), int(end[:4])):
        _adopted(at, year)
    was = (old.starts, old.ends)
    if was != (begin, end):
        rows.set_term(at.driver, at.college.id, old.key, begin, end)
    return Change(edit=edit, days=(), gone=(), term=None if was == (begin, end) else was, moved=())


def _adopted(at: Desk, year: int) -> None:
    if year not in at.college.calendar.years:
        raise CalendarGap(None, f"the calendar of {year} is not adopted", year=year)


def _days(at: Desk, edit: Edit) -> Change:
    begin, end = span(edit.first, edit.last)
    if edit.how not in HOWS:
        raise Invalid("value.unknown", f"{edit.how!r}: one of {', '.join(HOWS)}")
    if (end - begin).days >= MOST_DAYS:
        raise Invalid("value.range", f"at most {MOST_DAYS} days at once")
    name = clean_name(edit.name)
    if len(name) > NAME_LENGTH:
        raise Invalid("text.too_long", f"a day's name has at most {NAME_LENGTH} characters")
    for year in (begin.year, end.year):
        _adopted(at, year)
    days = [(begin + timedelta(days=n)).isoformat() for n in range((end - begin).days + 1)]
    standing = {one.day: one for one in rows.days(at.driver, at.college.id, days[0], days[-1])}
    if edit.how == "state":
        wanted = _state(at, days)
    else:
        wanted = {day: Day(day, edit.how == "working", name or NAMES[edit.how], PAGE) for day in days}
    new = [one for day, one in wanted.items() if standing.get(day) != one]
    gone = [day for day in standing if day not in wanted]
    rows.replace(at.driver, at.college.id, gone, new)
    return Change(edit=edit, days=tuple(new), gone=tuple(gone), term=None, moved=())


def _state(at: Desk, days: list[str]) -> dict[str, Day]:
    """Return the state's rows of days, said by hand where the college's files say otherwise."""
    told = loading.last_loaded(at.driver, at.college.key)
    files = {key[0] for key in json.loads(told)["keys"].get("own_day", ())} if told else set()
    decreed = {one.day.isoformat(): Day(one.day.isoformat(), one.working, one.name, STATE)
               for year in {int(day[:4]) for day in days} for one in state_days(year)}  # fmt: skip
    found = {day: decreed[day] for day in days if day in decreed}
    for day in files.intersection(days):
        plain = Day(day, date.fromisoformat(day).weekday() < WEEK_DAYS, NAMES["state"], PAGE)
        found[day] = found.get(day, plain)._replace(source=PAGE)
    return found
