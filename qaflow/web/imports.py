"""Imports: a file is chosen, rehearsed with every fault named, and taken over as it was shown."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, QaflowError, Stale, Usage
from qaflow.services.files import importing
from qaflow.services.files.importing import MOST_BYTES, Sent
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.carrying import packed, unpacked
from qaflow.web.forms import OK, UNFIT
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told

KINDS: dict[str, Any] = {
    "units": _("Units"),
    "people": _("People and their roles"),
    "subjects": _("Subjects"),
    "tasks": _("Tasks"),
    "points": _("Control points and their limits"),
    "readings": _("Readings"),
    "goals": _("Goals"),
    "standards": _("Standards"),
}
"""What each kind of file holds."""
ENCODINGS = ("", "utf-8", "gbk", "utf-16")

pages = Blueprint("imports", __name__, url_prefix="/imports")


@pages.get("")
def index() -> Response:
    """Show what may be imported."""
    return _page(OK)


@pages.post("/<kind>")
def rehearse(kind: str) -> Response:
    """Rehearse a file; nothing of it is stored."""
    importing.require(db.session, mine(), me(), kind)
    file = request.files.get("file")
    if file is None or not file.filename:
        note("file.none")
        return _page(UNFIT, kind=kind, failed=str(FAULTS["file.none"]))
    with file.stream as stream:
        sent = Sent(kind, file.filename, stream.read(MOST_BYTES + 1), _encoding())
    if len(sent.data) > MOST_BYTES:
        note("file.too_large")
        return _page(UNFIT, kind=kind, failed=str(FAULTS["file.too_large"]))
    try:
        report = importing.rehearse(db.session, mine(), me(), sent)
    except (Invalid, Usage) as error:
        return _faults(sent, error)
    return _page(OK, kind=kind, sent=sent, report=report, content=packed(sent.data))


@pages.post("/<kind>/take")
def take(kind: str) -> Response:
    """Import what was rehearsed, if it is that very file."""
    sent = Sent(kind, request.form.get("name", ""), unpacked(request.form.get("content", ""), MOST_BYTES), _encoding())
    try:
        report = importing.take(db.session, mine(), me(), sent, request.form.get("digest", ""))
    except (Invalid, Usage, Stale) as error:
        return _faults(sent, error)
    many = report["new"] + report["updated"]
    flash(ngettext("%(num)d row was taken over.", "%(num)d rows were taken over.", many), "ok")
    return redirect(url_for("imports.index"), 303)


def _faults(sent: Sent, error: QaflowError) -> Response:
    note(error.code)
    errors = [one for one in getattr(error, "errors", ()) if isinstance(one, dict)]
    return _page(error.status, kind=sent.kind, sent=sent, failed=told(error), faults=errors, words=FAULTS)


def _page(status: int, **values: Any) -> Response:
    kinds = importing.kinds(db.session, mine(), me())
    page = render_template("imports.html", kinds=kinds, kind_names=KINDS, encodings=ENCODINGS,
                           most=MOST_BYTES // 1_000_000, **values)  # fmt: skip
    return make_response(page, status)


def _encoding() -> str | None:
    chosen = request.form.get("encoding", "")
    return chosen if chosen and chosen in ENCODINGS else None
