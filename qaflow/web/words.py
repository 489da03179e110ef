"""Days and deadlines in words, and what else every template may use."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from babel.dates import format_date
from flask import Flask, current_app, g, request
from flask_babel import gettext as _
from flask_babel import ngettext

from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.errors import QaflowError
from qaflow.services.accounts import profile
from qaflow.services.college import CollegeView
from qaflow.store.db import db
from qaflow.web import nav
from qaflow.web.access import viewer
from qaflow.web.assets import asset_url
from qaflow.web.language import chosen, pair
from qaflow.web.requests import moment, ports, reference
from qaflow.web.wording import KINDS

SHORT = {"zh": "M月d日", "en": "d MMM"}
WITH_YEAR = {"zh": "y年M月d日", "en": "d MMM y"}
WEEKDAY = {"zh": "EEEE", "en": "EEEE"}


class Due(NamedTuple):
    """A deadline in words: ``state`` is late, today or ahead."""

    state: str
    words: str
    day: str


def register(app: Flask) -> None:
    """Give templates the words, the assets and what the frame of each page shows."""
    app.jinja_env.globals.update(asset_url=asset_url, due=due, day=day, week=week, clock=clock, kind_words=kind_words,
                                 pair=pair, number=number, local=local, has=has)  # fmt: skip
    app.context_processor(frame)


def frame() -> dict[str, Any]:
    """Return what the frame of each page shows."""
    me = viewer()
    return {"me": me, "college": college(), "bar_groups": nav.groups(me), "sandbox": sandbox(),
            "reference": reference(), "here_path": request.path}  # fmt: skip


def sandbox() -> bool | None:
    """Tell whether this is a sandbox; None where there is no database to say so."""
    try:
        return moment().sandbox
    except QaflowError:
        db.session.rollback()
        return None


def college() -> CollegeView | None:
    """Return the college of whoever is signed in."""
    if "college" not in g:
        me = viewer()
        g.college = None if me is None else profile.college(db.session, me)
    found: CollegeView | None = g.college
    return found


def today() -> date:
    """Return the day that the college's clocks show."""
    view = college()
    return view.calendar.local_day(moment().now) if view else moment().now.astimezone(ports().settings.zone).date()


def day(of: date | str, year: bool | None = None) -> str:
    """Return a day as people write it, with its year where that is not this one."""
    found = date.fromisoformat(of) if isinstance(of, str) else of
    full = found.year != today().year if year is None else year
    return format_date(found, (WITH_YEAR if full else SHORT)[chosen()], locale=chosen())


def week() -> str:
    """Return today's day, weekday and teaching week."""
    now, view = today(), college()
    weekday = format_date(now, WEEKDAY[chosen()], locale=chosen())
    number_ = view.calendar.teaching_week(now) if view else None
    if number_ is None:
        return str(_("today %(day)s, %(weekday)s", day=day(now), weekday=weekday))
    return str(_("today %(day)s, %(weekday)s, teaching week %(week)d", day=day(now), weekday=weekday, week=number_))


def clock(of: datetime) -> str:
    """Return the time of day of an instant by the college's clocks, else by the installation's."""
    view = college()
    return of.astimezone(view.calendar.tz if view else ports().settings.zone).strftime("%H:%M")


def local(of: str, time: bool = False) -> str:
    """Return the day of a stored instant by the college's clocks, with its time where that is asked."""
    at, view = datetime.fromisoformat(of), college()
    said = day(view.calendar.local_day(at) if view else at.astimezone(ports().settings.zone).date())
    return f"{said} {clock(at)}" if time else said


def has(endpoint: str) -> bool:
    """Tell whether the program has a page."""
    return endpoint in current_app.view_functions


def due(of: date | str) -> Due:
    """Return a deadline in words, as the college's calendar counts."""
    found = date.fromisoformat(of) if isinstance(of, str) else of
    view = college()
    return due_on(found, today(), view.calendar) if view else Due("ahead", day(found), day(found))


def due_on(of: date, now: date, calendar: Calendar) -> Due:
    """Return a deadline in words on a day: it is the end of its day, moved to a working one (engine rules, 6)."""
    try:
        last = calendar.next_working(of)
        if last == now:
            return Due("today", _("due by the end of today"), day(last))
        if last > now:
            left = calendar.working_between(now, last)
            return Due("ahead", ngettext("%(num)d working day left", "%(num)d working days left", left), day(last))
        late = calendar.working_between(last, now)
    except CalendarGap:
        return Due("ahead" if of >= now else "late", day(of), day(of))
    words = ngettext("%(num)d working day late", "%(num)d working days late", late) if late else _("late")
    return Due("late", words, day(last))


def kind_words(kind: str) -> str:
    """Return what a kind of work item asks for."""
    return str(KINDS.get(kind, kind))


def number(value: int) -> str:
    """Return a count with its thousands parted."""
    return f"{value:,}"
