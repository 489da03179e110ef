"""Who leaves, who is away: leavers with what they still hold, the one-step handover, absences and who stands in."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Refused, Stale
from qaflow.services.accounts import absences, directory, leaving
from qaflow.services.accounts.leaving import Heirs, Leave
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK

from .forms import LeaveForm
from .people import refuse
from .units import pages, shown

AT = {"ref.unknown_user": "heir", "ref.ambiguous_user": "heir", "handover.self": "heir", "ref.disabled_user": "heir"}
MOST_SUBJECTS = 500
LONGEST = 80


@pages.get("/leavers")
def leavers() -> Response:
    """List the disabled people who still hold work or answer for subjects."""
    return shown("leavers", people=directory.leavers(db.session, mine(), me()))


@pages.get("/absences")
def away() -> Response:
    """Show who is away now or soon, who stands in, and what falls due meanwhile."""
    return shown("absences", away=absences.near(db.session, mine(), me()))


@pages.get("/people/<int:number>/leave")
def leave(number: int) -> Response:
    """Ask who takes over from somebody."""
    return _page(number, LeaveForm(formdata=None), None)


@pages.post("/people/<int:number>/leave")
def leave_now(number: int) -> Response:
    """Show what goes to whom; with the proof of what was shown, disable the account and hand over."""
    form = LeaveForm()
    agreed = form.agreed.data or None
    if not form.validate():
        return _page(number, form, None, form.status())
    try:
        done = _leave(number, form, agreed)
    except Stale as error:
        refuse(error)
        return redirect(url_for("organisation.leave", number=number), 303)
    except (Invalid, Refused) as error:
        return _page(number, form, None, form.tell(error, AT, "heir"))
    if agreed is None:
        return _page(number, form, done)
    flash(_("Done: the account is disabled, and what was to go is with whoever takes over."), "ok")
    return redirect(url_for("organisation.person", number=number), 303)


def _leave(number: int, form: LeaveForm, agreed: str | None) -> Leave:
    heirs = Heirs(all=(form.heir.data or "").strip(), subjects=_others())
    return leaving.leave(db.session, mine(), me(), number, heirs, form.reason.data or "", agreed)


def _others() -> dict[int, str]:
    """Return the heirs of single subjects, as the form names them."""
    found: dict[int, str] = {}
    for name, value in list(request.form.items())[:MOST_SUBJECTS]:
        which = name.removeprefix("subject-")
        if which != name and which.isascii() and which.isdecimal() and value.strip():
            found[int(which[:LONGEST])] = value.strip()[:LONGEST]
    return found


def _page(number: int, form: LeaveForm, plan: Leave | None, status: int = OK) -> Response:
    more: dict[str, Any] = {"person": directory.one(db.session, mine(), me(), number),
                            "work": directory.work(db.session, mine(), me(), number)}  # fmt: skip
    return shown("leave", status, form=form, plan=plan, others=_others(), **more)
