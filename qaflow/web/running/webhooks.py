"""Operations > webhooks: the targets of the college's events, their deliveries, and what may be done with both."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectChoice, SelectMultipleField, StringField

from qaflow.errors import Invalid, Refused
from qaflow.services.events import events
from qaflow.services.events import webhooks as service
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK, Form, required
from qaflow.web.requests import note, ports

from . import operation_words as words

DIGITS = 18
LONGEST = 2000
AT = {"webhook.too_many": "name", "text.blank": "name", "text.too_long": "name", "event.unknown_type": "types"}

pages = Blueprint("webhooks", __name__, url_prefix="/operations/webhooks")


class Target(Form):
    """A new target."""

    name = StringField(lazy_gettext("Name"), required(service.NAME))
    url = StringField(lazy_gettext("Address (https)"), required(LONGEST))
    types = SelectMultipleField(lazy_gettext("Only these events (none chosen: all)"),
                                choices=[SelectChoice(one, one) for one in events.TYPES])  # fmt: skip


@pages.get("")
def index() -> Response:
    """Show the targets and the form for a new one."""
    return _list(Target(formdata=None), OK)


@pages.post("")
def add() -> Response:
    """Add a target, and show its secret this once."""
    form = Target()
    if not form.validate():
        return _list(form, form.status())
    given = form.name.data or "", (form.url.data or "").strip(), tuple(form.types.data or ())
    try:
        number, secret = service.add(db.session, ports(), mine(), me(), *given)
    except (Invalid, Refused) as error:
        return _list(form, form.tell(error, AT, "url"))
    return _one(number, secret)


@pages.get("/<int:number>")
def show(number: int) -> Response:
    """Show a target and its deliveries, the newest first."""
    return _one(number)


@pages.post("/<int:number>/pause")
def pause(number: int) -> Response:
    """Let its events wait."""
    service.pause(db.session, mine(), me(), number)
    return _back(number, _("It is paused; events wait for it."))


@pages.post("/<int:number>/resume")
def resume(number: int) -> Response:
    """Let it go on."""
    try:
        service.resume(db.session, ports(), mine(), me(), number)
    except Invalid as error:
        note(error.code)
        return _back(number, _("Its address may no longer be sent to. It stays paused."), "warn")
    return _back(number, _("It goes on with what waited."))


@pages.post("/<int:number>/trial")
def trial(number: int) -> Response:
    """Put a trial message into its queue."""
    service.trial(db.session, mine(), me(), number)
    return _back(number, _("A trial message leaves with the next sweep."))


@pages.post("/<int:number>/secret")
def rotate(number: int) -> Response:
    """Renew the secret, and show it this once."""
    return _one(number, service.rotate(db.session, ports(), mine(), me(), number))


@pages.post("/<int:number>/remove")
def remove(number: int) -> Response:
    """Remove it."""
    service.remove(db.session, mine(), me(), number)
    flash(_("The target is removed."), "ok")
    return redirect(url_for("webhooks.index"), 303)


@pages.post("/<int:number>/deliveries/<int:part>/again")
def again(number: int, part: int) -> Response:
    """Send a delivery again."""
    service.again(db.session, mine(), me(), number, part)
    return _back(number, _("It leaves again with the next sweep."))


@pages.post("/<int:number>/deliveries/<int:part>/drop")
def drop(number: int, part: int) -> Response:
    """Pass over a delivery that waits."""
    service.give_up(db.session, mine(), me(), number, part)
    return _back(number, _("It is passed over; what comes after it may go."))


def _list(form: Target, status: int) -> Response:
    hooks = service.listed(db.session, mine(), me())
    return make_response(render_template("operations/webhooks.html", hooks=hooks, form=form, words=words), status)


def _one(number: int, secret: str = "") -> Response:
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else 0
    hook, log = service.look(db.session, mine(), me(), number, before)
    return make_response(render_template("operations/webhook.html", hook=hook, log=log, secret=secret, words=words,
                                         PAGE=service.PAGE))  # fmt: skip


def _back(number: int, text: str, tone: str = "ok") -> Response:
    flash(text, tone)
    return redirect(url_for("webhooks.show", number=number), 303)
