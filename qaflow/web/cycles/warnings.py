"""Warnings: the open ones by layer and age, and one warning's life with its readings and what one may do there.

The list is narrowed by its address alone: ``box`` (``open``, the default, or ``closed``), ``layer``, ``state``,
``severity``, ``kind`` (keys), ``unit`` (its number), ``age`` (0 to 3: the bucket of working days since the opening),
``mine`` (1: I owe the next step), ``after`` (the warning after which to go on).
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Missing
from qaflow.services.cycles import warnings
from qaflow.services.cycles.warnings import AGES, ANY, CLOSED, OPEN, Chosen, Story
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.figures import chart
from qaflow.web.forms import OK
from qaflow.web.office.figures import text

from . import words
from .forms import ACTS, args_of
from .pages import Failed, tried

BOXES: dict[str, Any] = {OPEN: _("Open"), CLOSED: _("Settled in the last year")}
FILTERS: dict[str, Any] = {
    "layer": _("All layers"),
    "unit": _("All units"),
    "state": _("All states"),
    "severity": _("All degrees"),
    "kind": _("All kinds"),
    "age": _("All ages"),
    "mine": _("Whoever owes the next step"),
}
BUCKETS: tuple[Any, ...] = (_("up to 3 working days"), _("4 to 10"), _("11 to 20"), _("over 20"))
MINE: dict[int, Any] = {0: _("Somebody else's step"), 1: _("My step")}
IDENT = re.compile(r"s?[0-9]{1,18}\.[0-9]{1,9}")
NUMBER = 18  # digits of a number that a database holds
ON_WARNING = ("acknowledge", "correct", "confirm", "dismiss", "approve", "reject")

pages = Blueprint("warnings", __name__, url_prefix="/warnings")


@pages.get("")
def index() -> str:
    """Show the warnings that I may see, as the address narrows them."""
    found = warnings.listed(db.session, mine(), me(), _chosen())
    return render_template("warnings.html", listed=found, boxes=BOXES, filters=FILTERS, buckets=BUCKETS,
                           minds=MINE, words=words, here_with=_here_with, narrowed=_narrowed(found.chosen),
                           on=chart.on, figures=chart.figures)  # fmt: skip


@pages.get("/<warning>")
def show(warning: str) -> Response:
    """Show one warning."""
    return _page(_look(warning), None, OK)


@pages.post("/<warning>/<action>")
def act(warning: str, action: str) -> Response:
    """Let whoever is signed in take the next step of a warning, and come back to it."""
    story = _look(warning)
    if action not in ON_WARNING or story.row.cycle is None:
        raise Missing("action.unknown", f"action {action!r} is unknown")
    args = args_of(action, request.form) | {"warning": warning}

    def again(failed: Failed, status: int) -> Response:
        return _page(_look(warning), failed, status)

    return tried(story.row.cycle, action, args, None, again, url_for("warnings.show", warning=warning))


def _look(warning: str) -> Story:
    if not IDENT.fullmatch(warning):
        raise Missing("warning.not_found", f"no warning {warning}")
    return warnings.look(db.session, mine(), me(), warning, request.args.get("readings") == "all")


def _page(story: Story, failed: Failed | None, status: int) -> Response:
    return make_response(render_template(
        "warning.html", story=story, row=story.row, page=story.page, failed=failed, words=words, ACTS=ACTS,
        wide=chart.chart(story, chart.WIDE), phone=chart.chart(story, chart.PHONE), on=chart.on, clock_of=chart.at,
        figures=chart.figures, words_of=chart.words_of, whole=request.args.get("readings") == "all",
    ), status)  # fmt: skip


def _chosen() -> Chosen:
    box, after = text("box"), text("after")
    age = _number(text("age"))
    return Chosen(box=box if box in BOXES else OPEN, layer=text("layer"), unit=_number(text("unit")) or 0,
                  state=text("state"), severity=text("severity"), kind=text("kind"),
                  age=age if age is not None and age <= len(AGES) else ANY, mine=int(text("mine") == "1"),
                  after=after if IDENT.fullmatch(after) else "")  # fmt: skip


def _number(found: str) -> int | None:
    return int(found) if found.isascii() and found.isdecimal() and len(found) <= NUMBER else None


def _narrowed(chosen: Chosen) -> dict[str, Any]:
    """Return the filters that are set, as the address writes them."""
    values = {name: getattr(chosen, name) for name in FILTERS}
    return {name: value for name, value in values.items() if value not in ("", ANY) and (name == "age" or value)}


def _here_with(chosen: Chosen, **changes: Any) -> str:
    """Return the address of this list with something changed; its pages begin anew."""
    values = {"box": chosen.box, **_narrowed(chosen), **changes}
    kept = {k: v for k, v in values.items() if v != "" and (k, v) != ("box", OPEN)}
    return url_for("warnings.index", **kept)
