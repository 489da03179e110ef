"""Sign in and out."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.errors import Refused, Unproven
from qaflow.services import sessions, signin
from qaflow.services.health import colleges
from qaflow.services.signin import Try
from qaflow.store.db import db, instant
from qaflow.web import access
from qaflow.web.access import SIGNED_IN_AS, public
from qaflow.web.forms import OK, SignIn
from qaflow.web.requests import ports
from qaflow.web.words import clock

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
    found = colleges(db.session)
    only = found[0]["name"] if len(found) == 1 else None
    return make_response(render_template("signin.html", form=form, only_college=only), form.status(status))


def _weighed(form: SignIn, target: str) -> Response | int:
    """Let the person in, or say at the password what is wrong."""
    mark = access.device()
    tried = Try(form.login.data or "", form.password.data or "", access.hashed(mark), request.remote_addr or "")
    try:
        account = signin.weigh(db.session, ports(), tried)
    except Unproven as error:
        log.warning("signin.wrong", account=signin.key_of(ports(), tried.login)[:12])
        return form.tell(error, {}, "password")
    except Refused as error:
        log.warning("signin.too_many", account=signin.key_of(ports(), tried.login)[:12])
        form.tell(error, {}, "password")
        form.password.errors.append(_("Try again at %(time)s.", time=clock(instant(error.data["until"]))))
        return TOO_MANY
    mark = mark or access.new_device()
    access.enter(account.id, mark)
    response = redirect(target, 303)
    access.mark(response, mark)
    return response


@pages.post("/signout")
@public
def sign_out() -> Response:
    """End the session at this browser."""
    text = session.get(SIGNED_IN_AS)
    if text is not None:
        sessions.end(db.session, ports(), text)
    access.renew()
    flash(_("You are signed out."), "ok")
    return redirect(access.safe_next("/signin"), 303)
