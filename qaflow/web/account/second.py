"""One-time codes: asked for at sign-in, set up on one's own page."""

from __future__ import annotations

import segno
from flask import flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.errors import Refused, Unproven
from qaflow.services.accounts.sessions import By
from qaflow.services.signin import second_factor
from qaflow.store.db import db
from qaflow.web import access
from qaflow.web.access import me, mine, public
from qaflow.web.entering import entering
from qaflow.web.entering.signin import pages, unfit
from qaflow.web.forms import OK, Code
from qaflow.web.requests import ports

from .profile import pages as profile

SCALE = 5  # pixels of one square of the picture

log = logs.get("qaflow.web")


@pages.route("/signin/code", methods=["GET", "POST"])
@public
def code() -> Response:
    """Ask for a code of whoever gave a right password."""
    half = entering.half()
    if half is None:
        flash(_("This took too long. Begin again."), "warn")
        return redirect(url_for("signin.sign_in"), 303)
    form, status = Code(), OK
    if form.validate_on_submit():
        answer = _weighed(form, half)
        if isinstance(answer, Response):
            return answer
        status = answer
    return make_response(render_template("signin_code.html", form=form), form.status(status))


def _weighed(form: Code, half: dict[str, str]) -> Response | int:
    tried = entering.tried(half["login"], form.code.data or "")
    try:
        second_factor.weigh(db.session, ports(), int(half["person"]), tried)
    except (Unproven, Refused) as error:
        return unfit(form, "code", error, tried)
    if not entering.finished():
        return redirect(url_for("signin.sign_in"), 303)
    by = By(half["provider"], login=half["typed"]) if half["provider"] else None
    return entering.enter(int(half["person"]), half["next"], by)


@profile.route("/second", methods=["GET", "POST"])
def second() -> Response:
    """Set one-time codes up, or make new recovery codes."""
    form, status = Code(), OK
    if form.validate_on_submit():
        tried = entering.tried(me().login, form.code.data or "")
        act = second_factor.renew if me().has_factor else second_factor.confirm
        try:
            codes = act(db.session, ports(), mine(), me(), tried)
        except (Unproven, Refused) as error:
            status = unfit(form, "code", error, tried)
        else:
            access.reload()
            log.info("signin.second", person=me().person)
            return make_response(render_template("second.html", codes=codes, form=form, left=len(codes)))
    offer = None if me().has_factor else second_factor.offer(db.session, ports(), me())
    picture = segno.make(offer.address, error="m").svg_data_uri(scale=SCALE, light="#fff") if offer else ""
    page = render_template("second.html", form=form, key=offer.key if offer else "", picture=picture,
                           left=second_factor.left(db.session, me().person))  # fmt: skip
    return make_response(page, form.status(status))
