"""Tasks as files: the grid and the list out to a spreadsheet, as they are narrowed; back by the page of imports."""

from __future__ import annotations

from flask import Response

from qaflow.services.ports import SHEETS
from qaflow.services.tasks import files as task_files
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.language import chosen as language
from qaflow.web.requests import ports

from .pages import asked, pages


@pages.get("/<kind>.<form>")
def export(kind: str, form: str) -> Response:
    """Hand out the grid or the list, as it is narrowed."""
    name, data = task_files.download(db.session, mine(), me(), ports(), kind, form, asked(), language())
    return attached(data, SHEETS[form], name, plain=f"{kind}.{form}")
