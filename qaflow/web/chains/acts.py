"""Goals and standards entered, changed, decomposed and retired in the browser."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, Refused, Stale
from qaflow.services.chains import acts
from qaflow.services.chains import given as chain_given
from qaflow.services.chains import trees as chains
from qaflow.services.chains.book import Chosen
from qaflow.services.chains.given import Choices
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK
from qaflow.web.office.figures import number_of
from qaflow.web.places.people import refuse
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told

from .forms import FORMS, PART_FIELDS, PARTS, EntryForm
from .pages import TABLES, both, page, pages


@both("/new", "GET", "POST")
def new(what: str) -> Response:
    """Add a goal or a standard."""
    table = TABLES[what]
    offered = chain_given.choices(db.session, mine(), me())
    form = FORMS[table]()
    status = OK
    if request.method == "POST" and form.validate():
        try:
            number = acts.add(db.session, mine(), me(), table, form.given())
        except Invalid as error:
            status = form.place(error)
        else:
            flash(_("It is added."), "ok")
            return redirect(url_for("chains.show", what=what, number=number), 303)
    elif request.method != "POST":
        _prefill(form)
    return _form(what, form, offered, form.status(status), None)


@both("/<int:number>/change", "GET", "POST")
def change(what: str, number: int) -> Response:
    """Change a goal or a standard as it was read."""
    table = TABLES[what]
    given = chain_given.given(db.session, mine(), me(), table, number)
    offered = chain_given.choices(db.session, mine(), me())
    if request.method != "POST":
        return _form(what, _filled(FORMS[table], given), offered, OK, number)
    form = FORMS[table]()
    try:
        acts.change(db.session, mine(), me(), table, number, number_of("version"), form.given())
    except Stale as error:
        form.version.data = given["version"]  # what was entered stays, and can be sent once more
        return _form(what, form, offered, error.status, number, told(error))
    except Invalid as error:
        return _form(what, form, offered, form.place(error), number)
    except Refused as error:
        note(error.code)
        return _form(what, form, offered, error.status, number, told(error))
    flash(_("The change is kept."), "ok")
    return redirect(url_for("chains.show", what=what, number=number), 303)


@both("/<int:number>/retire", "POST")
def retire(what: str, number: int) -> Response:
    """Retire a goal or a standard: it stays readable and is counted no more."""
    try:
        acts.retire(db.session, mine(), me(), TABLES[what], number, number_of("version"))
    except Refused as error:
        refuse(error)
    else:
        flash(_("It is retired."), "ok")
    return redirect(url_for("chains.show", what=what, number=number), 303)


@pages.route("/goals/<int:number>/decompose", methods=["GET", "POST"])
def decompose(number: int) -> Response:
    """Part a goal among units and persons in one act."""
    given = chain_given.given(db.session, mine(), me(), "goal", number)
    offered = chain_given.choices(db.session, mine(), me())
    parts = _parts()
    if request.method != "POST":
        return _split(number, offered, given["version"], parts, {}, OK)
    try:
        made = acts.decompose(db.session, mine(), me(), number, number_of("version"),
                              [part for part in parts if any(part.values())])  # fmt: skip
    except Invalid as error:
        note(error.code)
        return _split(number, offered, str(number_of("version")), parts, _faults(error, parts), error.status)
    except Refused as error:
        note(error.code)
        return _split(number, offered, given["version"], parts, {"": told(error)}, error.status)
    flash(ngettext("%(num)d goal lies under it now.", "%(num)d more goals lie under it now.", len(made)), "ok")
    return redirect(url_for("chains.show", what="goals", number=number), 303)


def _prefill(form: EntryForm) -> None:
    """Take from the address what the page knew that led here: the goal above, the layer."""
    values = {"layer": request.args.get("layer", ""), form.above: request.args.get("above", "")}
    form.process(None, **values)


def _filled(kind: type[EntryForm], given: dict[str, str]) -> EntryForm:
    return kind(formdata=None, **given | {kind.above: given["above"]})


def _form(what: str, form: EntryForm, offered: Choices, status: int, number: int | None,
          trouble: str = "") -> Response:  # fmt: skip
    form.offer(offered)
    return _shown("form", status, form=form, what=what, number=number, trouble=trouble)


def _split(number: int, offered: Choices, version: str, parts: list[dict[str, str]], faults: dict[str, str],
           status: int) -> Response:  # fmt: skip
    found = chains.goal(db.session, mine(), me(), number)
    return _shown("decompose", status, one=found.entry, offered=offered, version=version, parts=parts, faults=faults)


def _shown(name: str, status: int, **more: Any) -> Response:
    """Return a page with a form."""
    return make_response(page(name, None, Chosen(), **more), status)


def _parts() -> list[dict[str, str]]:
    """Return the rows of the form that parts a goal."""
    return [{name: request.form.get(f"{at}-{name}", "").strip() for name in PART_FIELDS} for at in range(PARTS)]


def _faults(error: Invalid, parts: list[dict[str, str]]) -> dict[str, str]:
    """Return the faults by field of the rows as they stand: empty rows were left out."""
    rows = [at for at, part in enumerate(parts) if any(part.values())] or [0]
    found = {}
    for one in error.errors:
        assert not isinstance(one, str)
        at, _dash, name = str(one["pointer"]).partition("-")
        found[f"{rows[int(at)]}-{name}"] = str(FAULTS.get(one["code"]) or FAULTS["data.invalid"])
    return found
