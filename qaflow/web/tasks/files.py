"""Tasks as files: the grid and the list out to a spreadsheet, as they are narrowed; back by the page of imports."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, make_response

from qaflow.services.tasks import files as task_files
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.language import chosen as language
from qaflow.web.requests import ports

from .pages import asked, pages

MEDIA = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}


@pages.get("/<kind>.<form>")
def export(kind: str, form: str) -> Response:
    """Hand out the grid or the list, as it is narrowed."""
    name, data = task_files.download(db.session, mine(), me(), ports(), kind, form, asked(), language())
    response = make_response(data)
    response.headers["Content-Type"] = MEDIA[form]
    told_as = f"attachment; filename=\"{kind}.{form}\"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = told_as
    return response
