"""Programs: the accounts of neighbour systems, and their tokens; a new one is shown once."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Refused
from qaflow.services import tokens
from qaflow.services.accounts import programs as service
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.account.tokens import FIELDS, SCOPES, NewToken, chosen
from qaflow.web.forms import OK

from .forms import ProgramForm
from .people import AT_PERSON
from .units import pages, shown


@pages.route("/programs", methods=["GET", "POST"])
def programs() -> Response:
    """List the college's programs, and add one."""
    form = ProgramForm()
    found = service.listed(db.session, mine(), me())
    status = OK
    if form.validate_on_submit():
        try:
            made = service.add(db.session, mine(), me(), form.login.data or "", form.name.data or "")
        except (Invalid, Refused) as error:
            status = form.tell(error, AT_PERSON, "login")
        else:
            flash(_("The account is made. Give it a role and a token."), "ok")
            return redirect(url_for("organisation.program", number=made), 303)
    return shown("programs", form.status(status), form=form, found=found)


@pages.get("/programs/<int:number>")
def program(number: int) -> Response:
    """Show a program and its tokens that still open something."""
    return _page(number, NewToken(), OK)


@pages.post("/programs/<int:number>/tokens")
def issue(number: int) -> Response:
    """Make a token of a program and show its text, this once."""
    form = NewToken()
    if not form.validate():
        return _page(number, form, form.status())
    try:
        _made, text = service.issue(db.session, mine(), me(), number, form.name.data or "", chosen(),
                                    form.days.data or 0)  # fmt: skip
    except (Invalid, Refused) as error:
        return _page(number, form, form.tell(error, FIELDS, "name"))
    return _page(number, NewToken(formdata=None), OK, text)


@pages.post("/programs/<int:number>/tokens/<int:token>/revoke")
def revoke_token(number: int, token: int) -> Response:
    """Revoke a token of a program."""
    service.revoke(db.session, mine(), me(), number, token)
    flash(_("The token is revoked."), "ok")
    return redirect(url_for("organisation.program", number=number), 303)


def _page(number: int, form: NewToken, status: int, text: str = "") -> Response:
    found = service.one(db.session, mine(), me(), number)
    return shown("program", status, form=form, text=text, scopes=SCOPES, scopes_of=tokens.scopes_of,
                 program=found.program, found=found.tokens, chosen=chosen() or ["read"],
                 revoke_url=lambda one: url_for("organisation.revoke_token", number=number, token=one))  # fmt: skip
