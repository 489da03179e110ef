"""Event logs: the college's history as files for process mining and for keeping, chosen on a page."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import BooleanField, DateField, SelectChoice, SelectField
from wtforms.validators import Optional

from qaflow.errors import Invalid
from qaflow.services.events import log_files
from qaflow.services.events.mining import Wanted
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.forms import OK, Form
from qaflow.web.language import pair

from . import log_words as words
from .audit import LONGEST, pages


class LogForm(Form):
    """Of which layer and days a log is, and whether it tells names."""

    layer = SelectField(_("Layer"), [Optional()], choices=[])
    first = DateField(_("First day"), [Optional()])
    last = DateField(_("Last day"), [Optional()])
    names = BooleanField(_("Call people and subjects by their names"))

    def wanted(self) -> Wanted:
        """Return what was entered."""
        return Wanted(layer=self.layer.data or "", first=self.first.data, last=self.last.data,
                      names=bool(self.names.data))  # fmt: skip


@pages.get("/logs")
def logs() -> Response:
    """Show what the history can be taken as."""
    return _shown(_form(None), OK)


@pages.get("/logs/<log>")
def log(log: str) -> Response:
    """Hand out a log as a file."""
    form = _form(request.args)
    if not form.validate():
        return _shown(form, form.status())
    try:
        found = log_files.download(db.session, mine(), me().college, log[:LONGEST], form.wanted())
    except Invalid as error:
        return _shown(form, form.tell(error, {}, "last"))
    response = attached(found, found.media, found.name)
    response.content_length = found.size
    return response


def _form(given: Any) -> LogForm:
    """Return the form; it only reads, so that what it asks stands in the address and needs no proof of origin."""
    layers = log_files.layers(db.session, mine(), me().college)
    form = LogForm(formdata=given, meta={"csrf": False})
    form.layer.choices = [SelectChoice("", gettext("All layers")), *(SelectChoice(k, pair(n)) for k, n in layers)]
    return form


def _shown(form: LogForm, status: int) -> Response:
    kinds = [(url_for("audit.log", log=kind), *told) for kind, told in words.KINDS.items()]
    return make_response(render_template("audit/logs.html", form=form, kinds=kinds), status)
