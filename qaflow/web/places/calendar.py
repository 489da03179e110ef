"""The college calendar by month; an edit shows the deadlines that it would move before it does."""

from __future__ import annotations

from datetime import date
from typing import Any

from babel.dates import format_date, get_day_names
from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from qaflow.engine.calendar import CalendarGap
from qaflow.errors import Invalid, Stale
from qaflow.services.places import calendar_edits, calendar_page
from qaflow.services.places.calendar_edits import Change, Edit
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK, Form, apart
from qaflow.web.language import chosen

from .forms import HOW_WORDS, DaysForm, TermForm
from .people import as_day, as_text, refuse
from .units import pages, shown, whole

AT = {"date.order": "last", "term.reversed": "last", "value.range": "last", "text.too_long": "name"}
CELLS: dict[tuple[str, bool], tuple[str, Any]] = {
    ("off", False): (lazy_gettext("off"), lazy_gettext("holiday of the state")),
    ("off", True): (lazy_gettext("own off"), lazy_gettext("day off of the college")),
    ("makeup", False): (lazy_gettext("make-up"), lazy_gettext("working day to make up for a holiday")),
    ("makeup", True): (lazy_gettext("own work"), lazy_gettext("working day of the college")),
    ("work", True): (lazy_gettext("own work"), lazy_gettext("working day of the college")),
}
"""The mark in a day's cell, and what it says in full."""
MONTH = {"zh": "y年M月", "en": "MMMM y"}


@pages.get("/calendar")
def calendar() -> Response:
    """Show a year of the calendar."""
    return _page(whole("year") or None)


@pages.post("/calendar/days")
def change_days() -> Response:
    """Show what other days would move; with the proof of what was shown, set them."""
    form = DaysForm()
    if not form.validate():
        return _page(None, form.status(), days_form=form)
    edit = Edit(first=as_text(form.first), last=as_text(form.last), how=form.how.data, name=form.name.data or "",
                reason=form.reason.data or "")  # fmt: skip
    return _edited(form, edit, form.agreed.data or None, "days_form", "organisation.change_days")


@pages.post("/calendar/terms")
def change_term() -> Response:
    """Show what other days of a term would move; with the proof of what was shown, set them."""
    form = TermForm()
    if not form.validate():
        return _page(None, form.status(), term_form=form)
    edit = Edit(first=as_text(form.first), last=as_text(form.last), term=form.term.data or "",
                reason=form.reason.data or "")  # fmt: skip
    return _edited(form, edit, form.agreed.data or None, "term_form", "organisation.change_term")


def _edited(form: Form, edit: Edit, agreed: str | None, name: str, action: str) -> Response:
    year = int(edit.first[:4])
    try:
        done = calendar_edits.change(db.session, mine(), me(), edit, agreed)
    except Stale as error:
        refuse(error)
        agreed, done = None, calendar_edits.change(db.session, mine(), me(), edit)
    except (Invalid, CalendarGap) as error:
        return _page(None, form.tell(error, AT, "first"), **{name: form})
    if agreed is None and not done.empty:
        return _preview(form, done, url_for(action))
    flash(_("The calendar is changed.") if not done.empty else _("The calendar stands like that already."), "ok")
    return redirect(url_for("organisation.calendar", year=year), 303)


def _preview(form: Form, done: Change, action: str) -> Response:
    return shown("calendar_preview", form=form, change=done, action=action, how_words=HOW_WORDS)


def _page(year: int | None, status: int = OK, **forms: Form) -> Response:
    found = calendar_page.year(db.session, mine(), me(), year)
    fresh: dict[str, Any] = {"days_form": DaysForm(formdata=None), "term_form": None} | forms
    apart(fresh["days_form"], "days")
    words = {
        "cells": CELLS,
        "weekdays": get_day_names("short", locale=chosen()),
        "month_words": month_words,
        "term_forms": _term_forms(found),
    }
    return shown("calendar", status, year=found, **words, **fresh)


def month_words(first: date) -> str:
    """Return a month as people write it."""
    return format_date(first, MONTH[chosen()], locale=chosen())


def _term_forms(found: calendar_page.Year) -> list[tuple[Any, TermForm]]:
    made = []
    for term in found.terms:
        form = TermForm(formdata=None, term=term.key)
        form.first.process(None, as_day(term.starts))
        form.last.process(None, as_day(term.ends))
        made.append((term, apart(form, term.key)))
    return made
