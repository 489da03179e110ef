"""Control points: the points by layer, one with limits and readings, readings entered, corrected and handed out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as AnyResponse

from qaflow.engine.control import Limits
from qaflow.errors import Forbidden, Invalid, Missing, Refused
from qaflow.services.points import (
    edits as point_limits,
)
from qaflow.services.points import (
    files as point_files,
)
from qaflow.services.points import (
    listing as points,
)
from qaflow.services.points import (
    readings as point_readings,
)
from qaflow.services.points.edits import NewLimit
from qaflow.services.points.listing import ALL, LATE, OUTSIDE, SHOWS
from qaflow.services.ports import SHEETS
from qaflow.services.words import CODE_LENGTH
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.forms import OK, apart
from qaflow.web.language import chosen
from qaflow.web.requests import moment, ports
from qaflow.web.words import college, today

from .forms import Correction, Limit, Reading

SHOWN: dict[str, Any] = {ALL: _("All subjects"), OUTSIDE: _("Outside the limits"), LATE: _("Late")}
CADENCES: dict[str, Any] = {
    "real-time": _("real time"), "weekly": _("weekly"), "half-month": _("half-monthly"), "monthly": _("monthly"),
    "quarterly": _("quarterly"), "semester": _("each semester"), "yearly": _("yearly"),
}  # fmt: skip
"""How often a point is read."""
SEVERITIES: dict[str, Any] = {"minor": _("outside"), "major": _("far outside")}
SOURCES: dict[str, Any] = {"form": _("entered here"), "file": _("file"), "derived": _("worked out")}
LIMIT_FIELDS = {"point.limits": "target", "limit.past": "valid_from", "ref.unknown_subject": "subject"}
READING_FIELDS = {"date.future": "when", "date.ambiguous": "when"}
DIGITS = 15

pages = Blueprint("points", __name__, url_prefix="/points")


@pages.get("")
def index() -> str:
    """Show the control points by layer, with how many subjects stand outside or are late."""
    found = points.listed(db.session, mine(), me())
    return render_template("points/index.html", found=found, cadences=CADENCES, figure=figure)


@pages.get("/<int:number>")
def show(number: int) -> Response:
    """Show one point."""
    return _point(number, _limit(number))


@pages.post("/<int:number>/limits")
def limit(number: int) -> AnyResponse:
    """Set limits from a day on."""
    form = Limit()
    if not form.validate():
        return _point(number, form, form.status())
    try:
        point_limits.set_limit(db.session, mine(), me(), number, _entered(form))
    except (Invalid, Refused) as error:
        return _point(number, form, form.tell(error, LIMIT_FIELDS, "reason"))
    flash(gettext("The limits are set."), "ok")
    return redirect(url_for("points.show", number=number), 303)


@pages.get("/<int:number>/subjects/<int:subject>")
def series(number: int, subject: int) -> Response:
    """Show a subject's readings of a point."""
    return _series(number, subject, Reading())


@pages.post("/<int:number>/subjects/<int:subject>")
def give(number: int, subject: int) -> AnyResponse:
    """Enter a reading."""
    form = Reading()
    if not form.validate():
        return _series(number, subject, form, form.status())
    try:
        point_readings.give(db.session, mine(), me(), number, subject, form.when.data, float(form.value.data or 0))
    except (Invalid, Refused) as error:
        return _series(number, subject, form, form.tell(error, READING_FIELDS, "value"))
    flash(gettext("The reading is kept."), "ok")
    return redirect(url_for("points.series", number=number, subject=subject), 303)


@pages.get("/readings/<int:reading>/correction")
def correction(reading: int) -> Response:
    """Show the reading that is to be corrected."""
    return _correction(reading, Correction(), OK)


@pages.post("/readings/<int:reading>/correction")
def correct(reading: int) -> AnyResponse:
    """Write a later version of a reading."""
    form = Correction()
    if not form.validate():
        return _correction(reading, form, form.status())
    try:
        found = point_readings.correct(db.session, mine(), me(), reading, float(form.value.data or 0), form.reason.data)
    except Invalid as error:
        return _correction(reading, form, form.tell(error, {"text.blank": "reason"}, "value"))
    flash(gettext("The correction is kept; the former value stays on record."), "ok")
    return redirect(url_for("points.series", number=found.card.id, subject=found.subject.id), 303)


@pages.get("/export/<kind>.xlsx")
def export(kind: str) -> Response:
    """Hand out the points, or the readings within sight, as a workbook that the imports read."""
    if kind not in point_files.TITLES:
        raise Missing("object.not_found", f"no export of {kind!r}")
    point = request.args.get("point", "")
    number = int(point) if point.isascii() and point.isdecimal() and len(point) <= DIGITS else 0
    data = ports().written(point_files.exported(db.session, mine(), me(), kind, chosen(), number))
    return attached(data, SHEETS["xlsx"], f"{point_files.TITLES[kind][chosen()]}.xlsx", plain=f"{kind}.xlsx")


def figure(value: float | None, unit: str = "") -> str:
    """Return a measured value as people read it, with its unit."""
    if value is None:
        return ""
    plain = f"{value:.6g}"
    return f"{plain}{unit}" if unit in ("%", ":1") or not unit else f"{plain} {unit}"


def _limit(number: int) -> Limit:
    """Return the form of new limits, filled with those of today."""
    found = points.look(db.session, mine(), me(), number)
    limits = found.item.judge.limits
    return Limit(
        valid_from=today(), direction=limits.direction, target=limits.target, warn_lower=limits.lower,
        warn_upper=limits.upper, alarm_lower=limits.alarm_lower, alarm_upper=limits.alarm_upper,
        version=str(found.item.card.version),
    )  # fmt: skip


def _entered(form: Limit) -> NewLimit:
    version = form.version.data or ""
    limits = Limits(direction=form.direction.data, target=float(form.target.data or 0), lower=form.warn_lower.data,
                    upper=form.warn_upper.data, alarm_lower=form.alarm_lower.data,
                    alarm_upper=form.alarm_upper.data)  # fmt: skip
    told = version.isascii() and version.isdecimal() and len(version) < DIGITS
    return NewLimit(limits=limits, valid_from=form.valid_from.data, reason=form.reason.data,
                    subject=(form.subject.data or "").strip(), version=int(version) if told else 0)  # fmt: skip


def _point(number: int, form: Limit, status: int = OK) -> Response:
    show, after = request.args.get("show", ALL), request.args.get("after", "")
    found = points.look(db.session, mine(), me(), number, show if show in SHOWS else ALL, after[:CODE_LENGTH])
    if status != OK and not found.may_set:
        raise Forbidden("action.forbidden", "you may not change limits here", action="points")
    page = render_template("points/point.html", found=found, form=form, shown=SHOWN, cadences=CADENCES,
                           severities=SEVERITIES, sources=SOURCES, figure=figure)  # fmt: skip
    return make_response(page, status)


def _series(number: int, subject: int, form: Reading, status: int = OK) -> Response:
    found = point_readings.look(db.session, mine(), me(), number, subject)
    if status != OK and not found.may_give:
        raise Forbidden("action.forbidden", "you may not hand in readings here", action="readings")
    if form.when.data is None and status == OK:
        form.when.data = _now()
    page = render_template("points/series.html", found=found, form=form, severities=SEVERITIES, sources=SOURCES,
                           figure=figure)  # fmt: skip
    return make_response(page, status)


def _now() -> datetime:
    view, now = college(), moment().now
    return now.astimezone(view.calendar.tz).replace(tzinfo=None, second=0, microsecond=0) if view else now


def _correction(reading: int, form: Correction, status: int) -> Response:
    found = point_readings.correction(db.session, mine(), me(), reading)
    page = render_template("points/correction.html", found=found, form=apart(form, "right"), sources=SOURCES,
                           figure=figure)  # fmt: skip
    return make_response(page, status)
