"""My profile: language, password, deputies."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from qaflow.errors import Invalid, Missing, Refused, Unproven
from qaflow.services.accounts import absences, profile
from qaflow.services.notices import choices as notice_choices
from qaflow.store.db import db
from qaflow.web import access
from qaflow.web.access import me, mine
from qaflow.web.auditing.audit_words import FACTS
from qaflow.web.forms import OK, Away, Deputy, Language, NewPassword, apart
from qaflow.web.language import pair
from qaflow.web.requests import ports
from qaflow.web.words import college

from . import notice_words as words
from .notice_forms import Notices

AT_PASSWORD = {"signin.wrong": "old_password", "signin.too_many": "old_password"}
AT_DEPUTY = {"deputy.dates": "ends", "date.invalid": "starts", "ref.unknown_layer": "layer"}

pages = Blueprint("profile", __name__, url_prefix="/me")


@pages.get("")
def show() -> Response:
    """Show who one is, and what one may change."""
    return _page(Language(language=me().language), _deputy_form(), OK)


@pages.post("/language")
def language() -> Response:
    """Choose the language of pages and notices."""
    form = Language()
    if not form.validate():
        return _page(form, _deputy_form(), form.status())
    profile.speak(db.session, mine(), me(), form.language.data)
    session.pop("lang", None)  # the person's choice counts from now on, not the browser's
    return redirect(url_for("profile.show"), 303)


@pages.post("/notices")
def choose() -> Response:
    """Choose how one is told."""
    form = Notices()
    if not form.validate():
        return _page(Language(language=me().language), _deputy_form(), form.status(), notices_form=form)
    hows = {what: request.form[what] for what in words.TOPICS if what in request.form}
    try:
        notice_choices.choose(db.session, mine(), me(), form.choice(), hows)
    except Invalid as error:
        status = form.tell(error, {"mail.address": "address"}, "hour")
        return _page(Language(language=me().language), _deputy_form(), status, notices_form=form)
    flash(_("Your choice of notices is kept."), "ok")
    return redirect(url_for("profile.show") + "#notices", 303)


@pages.get("/notices/<int:number>")
def why(number: int) -> str:
    """Tell why one got a message."""
    found = notice_choices.why(db.session, mine(), me(), number)
    return render_template("why.html", of=found, words=words, FACTS=FACTS)


@pages.route("/password", methods=["GET", "POST"])
def password() -> Response:
    """Change one's own password; every other session of the person is over with it."""
    form = NewPassword()
    status = OK
    if form.validate_on_submit():
        if form.password.data != form.again_password.data:
            status = form.fault("again_password", "password.differs")
        else:
            status = _changed(form)
            if not form.errors:
                return redirect(url_for("profile.show"), 303)
    return make_response(render_template("password.html", form=form), form.status(status))


def _changed(form: NewPassword) -> int:
    person, device = me().person, access.device() or access.new_device()
    try:
        old, new = form.old_password.data or "", form.password.data or ""
        profile.change_password(db.session, ports(), mine(), me(), old, new)
    except Unproven:
        return form.fault("old_password", "password.old")
    except (Invalid, Refused) as error:
        return form.tell(error, AT_PASSWORD, "password")
    access.enter(person, device)
    flash(_("Your password is changed. You are signed out everywhere else."), "ok")
    return OK


@pages.post("/deputies")
def appoint() -> Response:
    """Let a colleague stand in for oneself."""
    form = _deputy_form()
    if not form.validate():
        return _page(Language(language=me().language), form, form.status())
    days = str(form.starts.data), str(form.ends.data)
    try:
        profile.appoint(db.session, mine(), me(), form.who.data or "", *days, form.layer.data, form.reason.data or "")
    except (Invalid, Refused, Missing) as error:
        return _page(Language(language=me().language), form, form.tell(error, AT_DEPUTY, "who"))
    flash(_("The deputy is appointed."), "ok")
    return redirect(url_for("profile.show") + "#deputies", 303)


@pages.post("/deputies/<int:number>/end")
def end(number: int) -> Response:
    """End an appointment before its last day."""
    profile.end(db.session, mine(), me(), number)
    flash(_("The deputy's time has ended."), "ok")
    return redirect(url_for("profile.show") + "#deputies", 303)


@pages.post("/absences")
def absent() -> Response:
    """Note that one will be away."""
    form = Away()
    if not form.validate():
        return _page(Language(language=me().language), _deputy_form(), form.status(), form)
    days = str(form.starts.data), str(form.ends.data)
    try:
        absences.note(db.session, mine(), me(), me().person, *days, form.reason.data or "")
    except (Invalid, Refused) as error:
        return _page(Language(language=me().language), _deputy_form(), form.tell(error, AT_DEPUTY, "ends"), form)
    flash(_("The absence is noted."), "ok")
    return redirect(url_for("profile.show") + "#absences", 303)


def _deputy_form() -> Deputy:
    form = Deputy()
    view = college()
    layers = [SelectChoice(layer.key, pair(layer.name)) for layer in view.config.layers] if view else []
    form.layer.choices = [SelectChoice("", _("everything")), *layers]
    return form


def _page(language_form: Language, deputy_form: Deputy, status: int, away_form: Away | None = None,
          notices_form: Notices | None = None) -> Response:  # fmt: skip
    standing = profile.standing(db.session, mine(), me())
    view = college()
    layers = {layer.key: layer.name for layer in view.config.layers} if view else {}
    told = notice_choices.mine(db.session, me())
    page = render_template("me.html", told=told, words=words, notices_form=notices_form or Notices.of(told),
                           language_form=language_form, deputy_form=deputy_form, standing=standing,
                           layers=layers, away=absences.mine(db.session, mine(), me()),
                           away_form=apart(away_form or Away(formdata=None), "away"))  # fmt: skip
    return make_response(page, status)
