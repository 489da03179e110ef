"""Subjects: a list, one with its tracks and cycles, and changes whose effect on running cycles is shown first."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Refused, Stale
from qaflow.services.places import organisation, subject_edits, subject_pages
from qaflow.services.places.subject_edits import Effect, Wanted
from qaflow.services.places.subject_pages import Chosen, Subject
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK
from qaflow.web.words import college

from .forms import SubjectForm, number
from .people import as_day, as_text, refuse
from .units import pages, shown, text, whole, whole_tree

AT = {"subject.taken": "code", "code.blank_inside": "code", "number.invalid": "code", "ref.unknown_layer": "layer",
      "ref.unknown_unit": "unit", "unit.closed": "unit", "ref.unknown_user": "person", "ref.ambiguous_user": "person",
      "ref.disabled_user": "person", "date.order": "ends"}  # fmt: skip
STATES: dict[str, Any] = {
    "on": lazy_gettext("Going on"),
    "unstarted": lazy_gettext("Not started"),
    "nobody": lazy_gettext("Nobody answers for it"),
    "ended": lazy_gettext("Ended"),
    "all": lazy_gettext("All subjects"),
}
REASONS: dict[str, Any] = {
    "responsible.missing": lazy_gettext("nobody answers for it: name a responsible person"),
    "parent.not_running": lazy_gettext("the cycle in which it runs is not being carried out"),
    "overlap.wait": lazy_gettext("the cycle before is still open"),
    "overlap.close": lazy_gettext("the cycle before is still open"),
    "unclosed.two": lazy_gettext("two earlier cycles are still open"),
    "calendar.not_adopted": lazy_gettext("the calendar of that year has not been adopted"),
}
STATUS: dict[str, tuple[str, Any]] = {
    "running": ("current", lazy_gettext("running")),
    "suspended": ("half", lazy_gettext("suspended")),
    "closed": ("closed", lazy_gettext("closed")),
    "cancelled": ("closed", lazy_gettext("cancelled")),
}
OTHER = lazy_gettext("it could not be started")


@pages.get("/subjects")
def subjects() -> Response:
    """List the college's subjects."""
    state = text("state")
    chosen = Chosen(text=text("q"), layer=text("layer"), unit=whole("unit"), person=whole("person"),
                    state=state if state in subject_pages.STATES else "on", after=whole("after"))  # fmt: skip
    found = subject_pages.subjects(db.session, mine(), me(), chosen)
    return shown("subjects", page=found, tree=whole_tree(), states=STATES, layers=_layers(), reason_words=reason_words)


@pages.route("/subjects/new", methods=["GET", "POST"])
def new_subject() -> Response:
    """Add a subject."""
    organisation.require(db.session, mine(), me())
    form = SubjectForm(unit=str(whole("unit") or ""), layer=text("layer")).offer(whole_tree())
    status = OK
    if form.validate_on_submit():
        try:
            where = form.layer.data or "", form.code.data or ""
            made = subject_edits.add(db.session, mine(), me(), *where, _wanted(form))
        except (Invalid, Refused) as error:
            status = form.tell(error, AT, "name")
        else:
            flash(_("The subject is added. Its first cycle starts with the next period."), "ok")
            return redirect(url_for("organisation.subject", number=made), 303)
    return shown("subject_form", form.status(status), form=form)


@pages.get("/subjects/<int:number>")
def subject(number: int) -> Response:
    """Show one subject."""
    return _page(subject_pages.one(db.session, mine(), me(), number), OK, None, None)


@pages.post("/subjects/<int:number>")
def change_subject(number: int) -> Response:
    """Show what a change does; with the proof of what was shown, make it."""
    found = subject_pages.one(db.session, mine(), me(), number)
    form = SubjectForm().offer(whole_tree())
    agreed = form.agreed.data or None
    if not form.validate():
        return _page(found, form.status(), form, None)
    try:
        effect = _changed(number, form, agreed)
    except Stale as error:
        refuse(error)
        agreed, effect = None, _changed(number, form, None)
    except (Invalid, Refused) as error:
        return _page(found, form.tell(error, AT, "name"), form, None)
    if agreed is None:
        return _page(found, OK, form, effect)
    flash(_("The subject is changed."), "ok")
    return redirect(url_for("organisation.subject", number=number), 303)


def _changed(number: int, form: SubjectForm, agreed: str | None) -> Effect:
    return subject_edits.change(db.session, mine(), me(), number, _wanted(form), form.reason.data or "", agreed)


def _page(found: Subject, status: int, form: SubjectForm | None, effect: Effect | None) -> Response:
    row = found.row
    if form is None:
        values = {"unit": str(row.unit), "name": row.name, "tier": row.tier or "", "person": row.person_login or ""}
        form = SubjectForm(formdata=None, **values).offer(whole_tree())
        form.starts.process(None, row.starts and as_day(row.starts))
        form.ends.process(None, row.ends and as_day(row.ends))
    more = {"layers": _layers(), "reason_words": reason_words, "status_words": STATUS}
    return shown("subject", status, subject=found, row=row, form=form, effect=effect, **more)


def reason_words(reason: str) -> str:
    """Return why a cycle did not start."""
    return str(REASONS.get(reason, OTHER))


def _layers() -> dict[str, Any]:
    view = college()
    return {one.key: one.name for one in view.config.layers} if view else {}


def _wanted(form: SubjectForm) -> Wanted:
    return Wanted(name=form.name.data or "", unit=number(form.unit.data), person=form.person.data or "",
                  tier=form.tier.data or "", starts=as_text(form.starts), ends=as_text(form.ends))  # fmt: skip
