"""My tokens: programs that act for me, each for what it needs; a new one is shown once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, NumberRange

from qaflow.errors import Invalid, Refused
from qaflow.services import tokens
from qaflow.services.accounts.passwords import MOST_DAYS
from qaflow.services.words import NAME_LENGTH
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK, Form, required
from qaflow.web.requests import moment
from qaflow.web.wording import FAULTS

SCOPES: dict[str, Any] = {
    "read": lazy_gettext("look at what I may see"),
    "work": lazy_gettext("act in cycles, inbox, warnings and tasks"),
    "office": lazy_gettext("acts of the quality office"),
    "admin": lazy_gettext("acts of the administrator"),
    "events": lazy_gettext("follow what happens"),
    "readings": lazy_gettext("hand readings in"),
}
FIELDS = {"text.blank": "name", "text.too_long": "name", "value.range": "days", "token.too_many": "name"}
DAYS = 90
LASTS = [InputRequired(FAULTS["value.range"]), NumberRange(1, MOST_DAYS, FAULTS["value.range"])]

pages = Blueprint("tokens", __name__, url_prefix="/me/tokens")


class NewToken(Form):
    """What a token is for, and how long it lasts."""

    name = StringField(lazy_gettext("What for"), required(NAME_LENGTH))
    days = IntegerField(lazy_gettext("Days until it ends"), LASTS, default=DAYS)


@pages.get("")
def index() -> Response:
    """Show my tokens that still open something."""
    return _page(NewToken(), OK)


@pages.post("")
def make() -> Response:
    """Make a token and show its text, this once."""
    form = NewToken()
    if not form.validate():
        return _page(form, form.status())
    try:
        _, text = tokens.make(db.session, mine(), me(), form.name.data or "", chosen(), form.days.data or 0)
    except (Invalid, Refused) as error:
        return _page(form, form.tell(error, FIELDS, "name"))
    return _page(NewToken(formdata=None), OK, text)


@pages.post("/<int:number>/revoke")
def revoke(number: int) -> Response:
    """Revoke a token: whoever bears it is refused from now on."""
    tokens.revoke(db.session, mine(), me(), number)
    flash(gettext("The token is revoked."), "ok")
    return redirect(url_for("tokens.index"), 303)


def chosen() -> list[str]:
    """Return the scopes that are ticked."""
    return [scope for scope in request.form.getlist("scope") if len(scope) <= NAME_LENGTH]


def _page(form: NewToken, status: int, text: str = "") -> Response:
    found = tokens.listed(db.session, me(), moment().now)
    page = render_template("tokens.html", form=form, text=text, scopes=SCOPES, scopes_of=tokens.scopes_of,
                           found=found, chosen=chosen() or ["read"],
                           revoke_url=lambda one: url_for("tokens.revoke", number=one))  # fmt: skip
    return make_response(page, status)
