"""Drafts in the browser: saved as one types, by a button without script; nothing of them enters the journal."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow.services.cycles import drafting
from qaflow.services.cycles.drafting import Form
from qaflow.services.cycles.page import CyclePage
from qaflow.store.db import db
from qaflow.web.access import mine
from qaflow.web.requests import moment
from qaflow.web.words import clock

from .forms import entered

DIGITS = 9


def sent_form() -> Form:
    """Return which form the request was made from."""
    return Form(request.form.get("stage", ""), _number("visit"), _number("revision"))


def fields_of(page: CyclePage, key: str) -> tuple[Any, ...]:
    """Return the fields of a form by its name: a stage's, or a diagnosis sheet's."""
    sheet = next((one for one in page.beside.sheets if f"sheet:{one.no}" == key), None)
    stage = page.definition.by_key.get(key)
    return sheet.form.form if sheet else stage.form if stage else ()


def keep(number: int, page: CyclePage) -> Response:
    """Keep what was typed; a script is answered with one line, a person with the page."""
    form = sent_form()
    values = entered(fields_of(page, form.stage), request.form).values
    drafting.save(db.session, mine(), number, form, values)
    words = _("Draft saved at %(time)s", time=clock(moment().now))
    if request.headers.get("X-Requested-With") == "qaflow":
        response = make_response(words)
        response.mimetype = "text/plain"
        return response
    flash(words, "ok")
    return redirect((request.form.get("sheet") and url_for("cycles.sheet", number=number, no=_number("sheet")))
                    or url_for("cycles.show", number=number) + "#record", 303)  # fmt: skip


def discard(number: int, draft: int) -> Response:
    """Delete one of my drafts."""
    drafting.discard(db.session, mine(), number, draft)
    flash(_("The draft is discarded."), "ok")
    return redirect(url_for("cycles.show", number=number), 303)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0
