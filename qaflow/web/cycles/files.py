"""Evidence in the browser: files left in the current stage, and handed out as attachments only."""

from __future__ import annotations

from flask import Response, flash, redirect, request, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from qaflow.services.cycles import evidence
from qaflow.services.ports import Files
from qaflow.store.db import db
from qaflow.web.access import mine
from qaflow.web.attachments import attached
from qaflow.web.requests import ports


def keep(number: int) -> AnyResponse:
    """Keep the chosen files in the cycle's current visit, all or none."""
    given = [(one.filename or "", one.read()) for one in request.files.getlist("file") if one.filename]
    evidence.attach_all(db.session, mine(), keeper(), number, given)
    flash(ngettext("%(num)d file is kept.", "%(num)d files are kept.", len(given)), "ok")
    return redirect(url_for("cycles.show", number=number) + "#files", 303)


def download(number: int, file: int) -> Response:
    """Hand out a file: never shown by the browser in our name."""
    found = evidence.fetch(db.session, mine(), keeper(), number, file)
    return attached(found.data, found.media, found.name)


def keeper() -> Files:
    """Return where files are kept."""
    return evidence.keeper(ports().files)
