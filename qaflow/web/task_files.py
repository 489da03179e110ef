"""Tasks as files: the grid and the list out to a spreadsheet, and back after a dry run."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import quote

from flask import Response, flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from qaflow.errors import Invalid, QaflowError, Stale, Usage
from qaflow.services import task_files, task_uploads
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK, UNFIT
from qaflow.web.language import chosen as language
from qaflow.web.requests import note, ports
from qaflow.web.tasks import asked, pages, shown
from qaflow.web.wording import FAULTS, told

MEDIA = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}
LONGEST = 120  # signs of a file's name
SHOWN = 100


@pages.get("/<kind>.<form>")
def export(kind: str, form: str) -> Response:
    """Hand out the grid or the list, as it is narrowed."""
    name, data = task_files.download(db.session, mine(), me(), ports(), kind, form, asked(), language())
    response = make_response(data)
    response.headers["Content-Type"] = MEDIA[form]
    told_as = f"attachment; filename=\"{kind}.{form}\"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = told_as
    return response


@pages.route("/import", methods=["GET", "POST"])
def take() -> Response:
    """Rehearse a file that is sent; nothing of it is stored."""
    task_uploads.require(db.session, mine(), me())
    if request.method != "POST":
        return _page(OK)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        note("file.empty")
        return _page(UNFIT, failed=_("Choose a file first."))
    with sent.stream as stream:
        name, data = sent.filename[-LONGEST:], stream.read(task_uploads.MOST_BYTES + 1)
    if len(data) > task_uploads.MOST_BYTES:
        note("file.too_large")
        return _page(UNFIT, failed=str(FAULTS["file.too_large"]))
    return _rehearsed(name, data)


@pages.post("/import/take")
def take_over() -> AnyResponse:
    """Take a file over that was rehearsed, if it still changes just what was shown."""
    name, data = request.form.get("name", "")[-LONGEST:], _unpacked(request.form.get("content", ""))
    try:
        done = task_uploads.take(db.session, mine(), me(), name, data, request.form.get("digest", ""))
    except Stale as error:
        note(error.code)
        return _rehearsed(name, data, str(told(error)))
    except (Invalid, Usage) as error:
        return _page(error.status, error=error)
    flash(_("%(new)d tasks are new, %(updated)d are changed.", new=done["new"], updated=done["updated"]), "ok")
    return redirect(url_for("tasks.grid"), 303)


def _rehearsed(name: str, data: bytes, failed: str = "") -> Response:
    try:
        report = task_uploads.rehearse(db.session, mine(), me(), name, data)
    except (Invalid, Usage) as error:
        note(error.code)
        return _page(error.status, error=error)
    content = base64.b64encode(data).decode()
    return _page(OK if not failed else UNFIT, report=report, name=name, content=content, failed=failed)


def _page(status: int, error: QaflowError | None = None, **more: Any) -> Response:
    faults = [(one.get("line"), one.get("column"), _fault(one)) for one in _places(error)[:SHOWN]] if error else []
    said = str(told(error)) if error else more.pop("failed", "")
    given = {"report": None, "name": "", "content": ""} | more
    return shown("import", status, faults=faults, many=len(_places(error)) if error else 0, failed=said, **given)


def _places(error: QaflowError) -> list[Any]:
    return [one for one in error.errors if not isinstance(one, str)]


def _fault(one: Any) -> str:
    return str(FAULTS.get(one.get("code"), "")) or str(one.get("detail", ""))


def _unpacked(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return b""
