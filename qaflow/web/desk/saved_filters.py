"""Kept filters of the inbox: the list as it is narrowed, under a name."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Refused
from qaflow.services.desk import saved_filters
from qaflow.services.desk.saved_filters import MOST, SIGNS
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK
from qaflow.web.requests import note
from qaflow.web.wording import told

from .inbox import FILTERS, GROUPS, ORDERS, TITLES, address, chosen_of, narrowed

pages = Blueprint("saved_filters", __name__, url_prefix="/inbox/filters")


@pages.get("")
def show() -> Response:
    """Show my filters."""
    return _page()


@pages.post("")
def save() -> Response:
    """Keep a list of the inbox under a name."""
    chosen = chosen_of(request.form)
    try:
        saved_filters.save(db.session, mine(), me(), request.form.get("name", ""), chosen)
    except (Invalid, Refused) as error:
        return _page(error, 0, request.form.get("name", ""))
    flash(_("The filter is kept."), "ok")
    return redirect(address(chosen), 303)


@pages.post("/<int:number>/rename")
def rename(number: int) -> Response:
    """Give a filter another name."""
    try:
        saved_filters.rename(db.session, me(), number, request.form.get("name", ""))
    except Invalid as error:
        return _page(error, number, request.form.get("name", ""))
    flash(_("The filter has its new name."), "ok")
    return redirect(url_for("saved_filters.show"), 303)


@pages.post("/<int:number>/delete")
def delete(number: int) -> Response:
    """Take a filter away."""
    saved_filters.drop(db.session, me(), number)
    flash(_("The filter is deleted."), "ok")
    return redirect(url_for("saved_filters.show"), 303)


def _page(error: Invalid | Refused | None = None, number: int = 0, entered: str = "") -> Response:
    if error is not None:
        note(error.code)
    page = render_template(
        "inbox_filters.html", saved=saved_filters.mine(db.session, me()), fault_text=error and told(error), at=number,
        entered=entered[: 2 * SIGNS], chosen=chosen_of(request.form), narrowed=narrowed, address=address,
        titles=TITLES, filters=FILTERS, group_titles=GROUPS, orders=ORDERS, MOST=MOST, SIGNS=SIGNS,
    )  # fmt: skip
    return make_response(page, error.status if error is not None else OK)
