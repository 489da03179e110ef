"""Diagnosis points: the college's frame as a tree, how far a term's diagnoses answered it, and the table of annex 3."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from qaflow.services.frame import annex, annex_sheet
from qaflow.services.frame import coverage as frame_coverage
from qaflow.services.frame import tree as frame
from qaflow.services.frame.coverage import WHATS, Chosen
from qaflow.services.ports import SHEETS
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.language import chosen
from qaflow.web.office.figures import number_of, text
from qaflow.web.requests import ports

from . import office, words
from .forms import KindForm

pages = Blueprint("frame", __name__, url_prefix="/frame")
office.register(pages)


@pages.get("")
def index() -> str:
    """Show the frame as a tree."""
    found = frame.look(db.session, mine(), me())
    form = KindForm(formdata=None, kind=found.frame.kind) if found.edits else None
    return render_template("frame/index.html", of=found, frame=found.frame, words=words, kind_form=form)


@pages.get("/coverage")
def coverage() -> str:
    """Show how far a term's diagnoses have answered."""
    found = frame_coverage.look(db.session, mine(), me(), text("term"))
    return render_template("frame/coverage.html", of=found, words=words, list_of=_list_of(found.term.key))


@pages.get("/list")
def listing() -> str:
    """Show what a number of the coverage counts."""
    wanted = Chosen(term=text("term"), unit=number_of("unit"), cycle=number_of("cycle"), part=text("part"),
                    what=text("what") or WHATS[0], page=number_of("page") or 1)  # fmt: skip
    found = frame_coverage.listed(db.session, mine(), me(), wanted)
    return render_template("frame/list.html", of=found, chosen=wanted, words=words, here_with=here_with)


@pages.get("/annex3")
def table() -> str:
    """Show the table of annex 3, for the screen and for paper."""
    found = annex.look(db.session, mine(), me(), number_of("subject"))
    return render_template("frame/annex3.html", of=found, words=words, counts=annex.counts(found.lines))


@pages.get("/annex3.xlsx")
def workbook() -> Response:
    """Give the table of annex 3 as a workbook."""
    data = annex_sheet.workbook(db.session, mine(), me(), ports(), number_of("subject"), chosen())
    return attached(data, SHEETS["xlsx"], "annex3.xlsx")


def _list_of(term: str) -> Any:
    """Return how a template names the list behind a number."""

    def address(what: str, **more: Any) -> str:
        return url_for("frame.listing", term=term, what=what, **{k: v for k, v in more.items() if v})

    return address


def here_with(**changes: Any) -> str:
    """Return the address of this page with some of its filters changed."""
    return url_for(request.endpoint or "", **{**request.args.to_dict(), **changes})
