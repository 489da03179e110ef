"""The sign-in as administrators keep it: the college's rules, newcomers, unused accounts, links and second factors."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.signin import desk as signin_desk
from qaflow.services.signin import linking, second_factor
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK
from qaflow.web.requests import ports

from .forms import SignInRules
from .people import refuse
from .units import pages, shown


@pages.route("/signin", methods=["GET", "POST"])
def signin() -> Response:
    """Show how the college signs in, and set what it asks."""
    sight = signin_desk.look(db.session, mine(), me())
    form = SignInRules(second_factor="yes" if sight.rule.second_factor else "", minutes=sight.rule.approval_minutes)
    status = OK
    if form.validate_on_submit():
        try:
            signin_desk.rule(db.session, mine(), me(), bool(form.second_factor.data), form.minutes.data)
        except Invalid as error:
            status = form.tell(error, {}, "minutes")
        else:
            flash(_("The rules of the sign-in are set."), "ok")
            return redirect(url_for("organisation.signin"), 303)
    return shown("signin", form.status(status), form=form, sight=sight, providers=ports().settings.providers,
                 days=signin_desk.UNUSED.days, here=ports().settings.base_url)  # fmt: skip


@pages.post("/people/<int:number>/second/reset")
def reset_second(number: int) -> Response:
    """Take somebody's second factor away: the telephone is lost."""
    try:
        second_factor.reset(db.session, mine(), me(), number)
        flash(_("The second factor is reset. Their sessions have ended."), "ok")
    except Refused as error:
        refuse(error)
    except Missing as error:
        if error.code != "second.none":
            raise
        refuse(error)
    return redirect(url_for("organisation.person", number=number), 303)


@pages.post("/people/<int:number>/links/<int:link>/drop")
def unlink(number: int, link: int) -> Response:
    """Part somebody from an account at a provider."""
    linking.unlink(db.session, mine(), me(), number, link)
    flash(_("The link is gone, with the roles that came by it."), "ok")
    return redirect(url_for("organisation.person", number=number), 303)
