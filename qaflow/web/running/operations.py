"""Operations: jobs run and missed, incidents, outbox, leases, clock, database, version, disk."""

from __future__ import annotations

from collections.abc import Collection

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from qaflow.engine.definition import Label
from qaflow.errors import Invalid
from qaflow.services.notices import channels as channel_desk
from qaflow.services.running import operations
from qaflow.services.running.operations import OUTBOX, PAGE, STATES
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.account.notice_forms import Bot
from qaflow.web.account.notice_words import CHANNELS
from qaflow.web.cycles.words import FACTS
from qaflow.web.forms import OK
from qaflow.web.language import pair
from qaflow.web.requests import note, ports

from . import operation_words as words

DIGITS = 18

pages = Blueprint("operations", __name__, url_prefix="/operations")


@pages.get("")
def index() -> str:
    """Show the state of the program."""
    found = operations.overview(db.session, ports(), mine(), me())
    return render_template("operations/index.html", of=found, words=words)


@pages.get("/ticks")
def ticks() -> str:
    """Show the sweeps, the newest first."""
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else 0
    runs = operations.runs(db.session, mine(), me(), before)
    return render_template("operations/ticks.html", runs=runs, words=words, PAGE=PAGE)


@pages.get("/incidents")
def incidents() -> str:
    """Show the incidents in a state."""
    state = _chosen(STATES, "open")
    found = operations.incidents(db.session, mine(), me(), state)
    return render_template("operations/incidents.html", incidents=found, state=state, words=words)


@pages.post("/incidents/<int:number>/retry")
def retry(number: int) -> Response:
    """Try one incident again, and say honestly what came of it."""
    try:
        solved = operations.retry(db.session, ports(), mine(), me(), number).solved
    except Invalid as error:
        note(error.code)
        flash(_("This incident cannot be tried again from here."), "warn")
    else:
        flash(_("The cause is gone: the incident is solved.") if solved
              else _("It was tried and failed again, or nothing could be tried. The incident stays open."),
              "ok" if solved else "warn")  # fmt: skip
    return redirect(url_for("operations.incidents"), 303)


@pages.get("/outbox")
def outbox() -> str:
    """Show the notices in a state."""
    state = _chosen(OUTBOX, "failed")
    found = operations.notices(db.session, mine(), me(), state)
    return render_template("operations/outbox.html", notices=found, state=state, words=words, FACTS=FACTS)


@pages.post("/outbox/retry")
def send_again() -> Response:
    """Send again what failed."""
    count = operations.send_again(db.session, ports(), mine(), me())
    flash(ngettext("%(num)d notice was taken up again.", "%(num)d notices were taken up again.", count), "ok")
    return redirect(url_for("operations.outbox", state="failed"), 303)


@pages.get("/channels")
def channels() -> Response:
    """Show the channels by which messages leave, and how each fares."""
    return _channels(_bot_form(), OK)


@pages.post("/channels")
def add_channel() -> Response:
    """Add the bot of a group."""
    form = _bot_form()
    if not form.validate():
        return _channels(form, form.status())
    try:
        channel_desk.add(db.session, ports(), mine(), me(), form.bot())
    except Invalid as error:
        return _channels(form, form.tell(error, {"channel.address": "address"}, "name"))
    flash(_("The channel is added. Send a trial message."), "ok")
    return redirect(url_for("operations.channels"), 303)


@pages.post("/channels/<int:number>/resume")
def resume_channel(number: int) -> Response:
    """Try a channel again."""
    return _tried(channel_desk.resume(db.session, ports(), mine(), me(), number))


@pages.post("/channels/<int:number>/trial")
def try_channel(number: int) -> Response:
    """Send a trial over a channel."""
    return _tried(channel_desk.try_out(db.session, ports(), mine(), me(), number))


@pages.post("/channels/<int:number>/remove")
def remove_channel(number: int) -> Response:
    """Remove a channel."""
    channel_desk.remove(db.session, mine(), me(), number)
    flash(_("The channel is removed."), "ok")
    return redirect(url_for("operations.channels"), 303)


def _tried(works: bool) -> Response:
    flash(_("The channel works.") if works else _("The channel does not work yet."), "ok" if works else "warn")
    return redirect(url_for("operations.channels"), 303)


def _bot_form() -> Bot:
    form = Bot()
    units = channel_desk.units(db.session, me())
    named = [SelectChoice(str(number), pair(Label(zh=zh, en=en))) for number, zh, en in units]
    form.unit.choices = [SelectChoice("", _("the whole college")), *named]
    return form


def _channels(form: Bot, status: int) -> Response:
    found = channel_desk.everyone(db.session, ports(), mine(), me())
    page = render_template("operations/channels.html", channels=found, form=form, words=words, CHANNELS=CHANNELS)
    return make_response(page, status)


@pages.post("/confirm")
def confirm() -> Response:
    """Let automatic steps go on."""
    report = operations.confirm(db.session, ports(), mine(), me())
    flash(_("Automatic steps still wait: the clock is not right yet.") if report.notice else _(
        "Confirmed: automatic steps go on."), "warn" if report.notice else "ok")  # fmt: skip
    return redirect(url_for("operations.index"), 303)


@pages.get("/sessions")
def sessions() -> str:
    """Show who of the college is signed in now."""
    found = operations.signed_in(db.session, ports(), mine(), me())
    return render_template("operations/sessions.html", sessions=found, words=words)


def _chosen(known: Collection[str], default: str) -> str:
    asked = request.args.get("state", "")
    return asked if asked in known else default
