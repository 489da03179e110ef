"""The organisation: units with what lies in each, and the cycles that run there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.places import organisation, restructuring
from qaflow.services.places.restructuring import Wanted
from qaflow.services.policy import ADMINISTRATORS
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.desk.inbox import cycle_url
from qaflow.web.forms import OK

from .forms import SYSTEM_WORDS, UNIT_WORDS, ReasonForm, UnitForm, number

LONGEST = 80
DIGITS = 18
AT = {"unit.taken": "code", "code.blank_inside": "code", "number.invalid": "code", "unit.kind": "kind",
      "org.self_supervision": "parent", "org.cycle": "parent", "ref.unknown_unit": "parent",
      "unit.closed": "parent"}  # fmt: skip

pages = Blueprint("organisation", __name__, url_prefix="/organisation")


def text(name: str) -> str:
    """Return a value of the address, "" where it is none that can be searched for."""
    found = request.args.get(name, "").strip()
    return found if len(found) <= LONGEST and found.isprintable() else ""


def whole(name: str) -> int:
    """Return a number of the address, 0 where there is none."""
    found = request.args.get(name, "")
    return int(found) if found.isascii() and found.isdecimal() and len(found) <= DIGITS else 0


def here_with(**changes: Any) -> str:
    """Return the address of this list with something changed; its pages begin anew."""
    values = {k: v for k, v in request.args.items() if k not in ("after", "lang")} | changes
    views = request.view_args or {}
    return url_for(request.endpoint or "", **views, **{k: v for k, v in values.items() if v not in ("", 0, None)})


def shown(template: str, status: int = OK, **values: Any) -> Response:
    """Return a page of the organisation."""
    words = {
        "unit_words": UNIT_WORDS,
        "system_words": SYSTEM_WORDS,
        "here_with": here_with,
        "cycle_url": cycle_url,
        "may_change": bool(ADMINISTRATORS & me().kinds),
    }  # a hint: the services decide
    return make_response(render_template(f"organisation/{template}.html", **words, **values), status)


def whole_tree() -> organisation.Tree:
    """Return every unit, for choices and names."""
    return organisation.tree(db.session, mine(), me())


@pages.get("")
def index() -> Response:
    """Show the units as a tree."""
    found = organisation.tree(db.session, mine(), me(), text("q"), bool(text("closed")))
    return shown("units", tree=found)


@pages.route("/units/new", methods=["GET", "POST"])
def new_unit() -> Response:
    """Add a unit."""
    organisation.require(db.session, mine(), me())
    tree = whole_tree()
    form = UnitForm(parent=str(whole("parent") or "")).offer(tree)
    status = OK
    if form.validate_on_submit():
        try:
            made = restructuring.add(db.session, mine(), me(), form.code.data or "", _wanted(form))
        except (Invalid, Refused) as error:
            status = form.tell(error, AT, "code")
        else:
            flash(_("The unit is added."), "ok")
            return redirect(url_for("organisation.unit", number=made), 303)
    return shown("unit_form", form.status(status), form=form, unit=None)


@pages.route("/units/<int:number>", methods=["GET", "POST"])
def unit(number: int) -> Response:
    """Show a unit, and change it."""
    tree = whole_tree()
    found = tree.all.get(number)
    if found is None:
        raise Missing("unit.not_found", f"no unit {number}")
    values = {"parent": str(found.parent or ""), "system": found.system or "", "code": found.code, "kind": found.kind,
              "name_zh": found.name_zh, "name_en": found.name_en}  # fmt: skip
    form = UnitForm(**values).offer(tree, found.kind)
    status = OK
    if form.validate_on_submit():
        try:
            restructuring.change(db.session, mine(), me(), number, _wanted(form))
        except (Invalid, Refused) as error:
            status = form.tell(error, AT, "name_zh")
        else:
            flash(_("The unit is changed."), "ok")
            return redirect(url_for("organisation.unit", number=number), 303)
    below = [one for _, one in tree.lines if one.parent == number]
    return shown("unit", form.status(status), form=form, unit=found, tree=tree, below=below, reason=ReasonForm())


@pages.post("/units/<int:number>/close")
def close_unit(number: int) -> Response:
    """Close a unit that nothing lies in any more."""
    form = ReasonForm()
    reason = (form.reason.data or "") if form.validate() else ""
    try:
        restructuring.close(db.session, mine(), me(), number, reason)
    except Refused as error:
        flash(_("The unit still holds units, subjects or roles. Move or end them first."), "warn")
        form.tell(error, {}, "reason")
    else:
        flash(_("The unit is closed. History goes on naming it."), "ok")
    return redirect(url_for("organisation.unit", number=number), 303)


@pages.get("/cycles")
def cycles() -> Response:
    """List the cycles that run in a unit, for a subject or in somebody's charge."""
    chosen = {name: whole(name) for name in ("unit", "subject", "person")}
    found = organisation.cycles(db.session, mine(), me(), after=whole("after"), **chosen)
    return shown("cycles", page=found, chosen=chosen, tree=whole_tree())


def _wanted(form: UnitForm) -> Wanted:
    return Wanted(kind=form.kind.data or "", name_zh=form.name_zh.data or "", name_en=form.name_en.data or "",
                  system=form.system.data or "", parent=number(form.parent.data))  # fmt: skip
