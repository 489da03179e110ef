"""Sign in and out."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.errors import QaflowError, Refused, Unproven
from qaflow.providers import Provider
from qaflow.services.accounts import sessions, signin
from qaflow.services.accounts.signin import Try
from qaflow.services.running.health import colleges
from qaflow.store.db import db, instant
from qaflow.web import access
from qaflow.web.access import SIGNED_IN_AS, public
from qaflow.web.forms import OK, Form, SignIn
from qaflow.web.requests import ports
from qaflow.web.words import clock

from . import entering

TOO_MANY = 429

pages = Blueprint("signin", __name__)
log = logs.get("qaflow.web")


@pages.route("/signin", methods=["GET", "POST"])
@public
def sign_in() -> Response:
    """Ask for login and password, and let their owner in."""
    target = access.safe_next(request.values.get("next"))
    if access.viewer() is not None and request.method != "POST":
        return redirect(target, 303)
    access.tell_end()
    form = SignIn(next=target)
    status = OK
    if form.validate_on_submit():
        answer = _weighed(form, target)
        if isinstance(answer, Response):
            return answer
        status = answer
    return shown(form, form.status(status))


def shown(form: SignIn, status: int, by: Provider | None = None) -> Response:
    """Return the page that asks for login and password, ours or a directory's, with the other ways in."""
    found = colleges(db.session)
    page = render_template("signin.html", form=form, by=by, only_college=found[0]["name"] if len(found) == 1 else None,
                           providers=ports().settings.providers, leaving=entering.may_leave())  # fmt: skip
    return make_response(page, status)


def _weighed(form: SignIn, target: str) -> Response | int:
    """Let the person in, or say at the password what is wrong."""
    tried = entering.tried(form.login.data or "", form.password.data or "")
    try:
        account = signin.weigh(db.session, ports(), tried)
    except (Unproven, Refused) as error:
        return unfit(form, "password", error, tried)
    return entering.by_password(account.id, account.login, target)


def unfit(form: Form, field: str, error: QaflowError, tried: Try) -> int:
    """Say at its field that a proof was wrong, or that no more are weighed for now; returns the status."""
    log.warning(error.code, account=signin.key_of(ports(), tried.login, tried.provider)[:12], provider=tried.provider)
    status = form.tell(error, {}, field)
    if "until" not in error.data:
        return status
    form[field].errors.append(_("Try again at %(time)s.", time=clock(instant(error.data["until"]))))
    return TOO_MANY


@pages.post("/signout")
@public
def sign_out() -> Response:
    """End the session at this browser."""
    text = session.get(SIGNED_IN_AS)
    found = access.viewer()
    came = sessions.by(db.session, ports(), found.session) if found is not None else None
    if text is not None:
        sessions.end(db.session, ports(), text)
    access.renew()
    if came is not None:
        entering.remember_leaving(came)
    flash(_("You are signed out."), "ok")
    return redirect(access.safe_next("/signin"), 303)
