"""One person's look at the quality incidents of their college: what they may read, and what is counted of it."""

from __future__ import annotations

from collections.abc import Mapping

from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import Label
from qaflow.engine.incidents import Case, Rules, overdue, span
from qaflow.errors import Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.desk.inbox import bounds
from qaflow.services.work import AnySession, Origin
from qaflow.store import incidents as rows
from qaflow.store.dashboard import units
from qaflow.store.db import instant, reading
from qaflow.store.incidents import Row

from . import catalogue, incident_rights

EVER = ("0001-01-01", "9999-12-31")


class Desk:
    """What one person reads of a college's incidents, in one reading transaction."""

    def __init__(self, session: AnySession, origin: Origin, me: SignedIn) -> None:
        """Find out what this person may read."""
        if me.college is None:
            raise Missing("college.not_found", "this person belongs to no college")
        self.me, self.driver = me, reading(session)
        self.college: CollegeView = view(session, self.driver, me.college)
        self.today = self.college.calendar.local_day(origin.now)
        self.floor, _, _ = bounds(self.college.calendar, self.today)
        self.seen = incident_rights.sight(self.driver, me.college, me.person, self.today.isoformat())
        self.rules = catalogue.rules(self.driver, self.college)

    @property
    def analyses(self) -> bool:
        """Whether this person reads more than their own."""
        return bool(self.seen["whole"] or self.seen["units"])

    def units(self) -> dict[int, Label]:
        """Return the units' names."""
        return {u.id: Label(zh=u.name_zh, en=u.name_en or u.name_zh) for u in units(self.driver, self.college.id)}

    def cases(self, year: int) -> list[tuple[Row, Case]]:
        """Return the incidents of a year, or all, with what is counted of them."""
        first, last = (f"{year:04}-01-01", f"{year:04}-12-31") if year else EVER
        found = rows.seen(self.driver, self.college.id, self.seen, first, last)
        return [(row, self.case(row)) for row in found]

    def case(self, row: Row) -> Case:
        """Return what is counted of an incident."""
        days = days_of(self.college.calendar, row.reported_at, row.answered_at)
        return Case(row.id, row.state, row.category, row.grade, row.unit_id, int(row.occurred_on[5:7]),
                    None if days is None else span(days), overdue(row.state, row.due, self.floor),
                    row.complaint)  # fmt: skip


def days_of(calendar: Calendar, reported: str, answered: str | None) -> int | None:
    """Return the working days from report to answer; days of the almanac where the calendar does not reach."""
    if answered is None:
        return None
    first, last = calendar.local_day(instant(reported)), calendar.local_day(instant(answered))
    try:
        return calendar.working_between(first, last)
    except CalendarGap:
        return (last - first).days


def choices(session: AnySession, origin: Origin, me: SignedIn) -> tuple[Rules, Mapping[int, Label]]:
    """Return what a report can be about: the categories, and the units by number."""
    try:
        desk = Desk(session, origin, me)
        return desk.rules, desk.units()
    finally:
        session.rollback()
