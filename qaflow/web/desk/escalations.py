"""Escalations: overdue work that came to me or lies in my scope, and one item with its ladder and what I may do.

The lists are narrowed by their address alone: ``box`` (``mine``, the default, ``all``, ``below``, ``extended``),
``level`` (how far it was raised), ``when`` (0 to 3: the next level today, this week, later, none), ``layer`` and
``kind`` (keys), ``unit`` (its number), ``after`` (the item after which to go on).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Missing
from qaflow.services.desk import escalations, overdue
from qaflow.services.desk.escalations import ALL, ANY, BELOW, EXTENDED, MINE, Chosen
from qaflow.services.desk.overdue import Case
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.cycles import words as cycle_words
from qaflow.web.cycles.forms import ACTS, args_of
from qaflow.web.cycles.pages import Failed, tried
from qaflow.web.figures import chart
from qaflow.web.forms import OK
from qaflow.web.office.figures import text

BOXES: dict[str, Any] = {
    MINE: _("Came to me"),
    ALL: _("All raised, in my scope"),
    BELOW: _("Late, not with me yet"),
    EXTENDED: _("Extended"),
}
GROUPS: tuple[Any, ...] = (_("Goes on today"), _("Goes on this week"), _("Goes on later"), _("No further level"))
FILTERS: dict[str, Any] = {
    "level": _("All levels"),
    "when": _("Whenever it goes on"),
    "layer": _("All layers"),
    "unit": _("All units"),
    "kind": _("All work"),
}
REACHED: dict[str, Any] = {"fired": _("told"), "skipped": _("nobody in this post, skipped"), "next": _("next"),
                           "ahead": _("not yet")}  # fmt: skip
DOES: dict[str, Any] = {"remind": _("reminds"), "reassign": _("takes the work over"), "skip": _("skipped")}
STATES: dict[str, Any] = {"open": _("still to be done"), "done": _("done"), "dropped": _("no longer needed"),
                          "stopped": _("suspended")}  # fmt: skip
ON_ITEM = ("remind", "extend", "transfer", "take_over")
NUMBER = 18  # digits of a number that a database holds
LONGEST_DAY = 10

pages = Blueprint("escalations", __name__, url_prefix="/escalations")


@pages.get("")
def index() -> str:
    """Show the overdue work that came to me, as the address narrows it."""
    found = escalations.raised(db.session, mine(), me(), _chosen())
    return render_template("escalations.html", raised=found, boxes=BOXES, group_titles=GROUPS, filters=FILTERS,
                           reached=REACHED, here_with=_here_with, narrowed=_narrowed(found.chosen),
                           on=chart.on, figures=chart.figures)  # fmt: skip


@pages.get("/<int:item>")
def show(item: int) -> Response:
    """Show one item and its ladder."""
    return _page(_look(item, _day(request.args.get("due", ""))), None, OK)


@pages.post("/<int:item>/<action>")
def act(item: int, action: str) -> Response:
    """Let whoever is signed in see to an item, and come back to it."""
    case = _look(item)
    if action not in ON_ITEM:
        raise Missing("action.unknown", f"action {action!r} is unknown")
    args = args_of(action, request.form) | {"item": str(case.row.no)}

    def again(failed: Failed, status: int) -> Response:
        return _page(_look(item), failed, status)

    return tried(case.row.cycle, action, args, None, again, url_for("escalations.show", item=item))


def _look(item: int, due: date | None = None) -> Case:
    if len(str(item)) > NUMBER:
        raise Missing("item.not_found", f"no work item {item}")
    return overdue.look(db.session, mine(), me(), item, due)


def _day(found: str) -> date | None:
    """Return the day that an address proposes, None where it is none."""
    try:
        return date.fromisoformat(found) if len(found) == LONGEST_DAY else None
    except ValueError:
        return None


def _page(case: Case, failed: Failed | None, status: int) -> Response:
    proposed = _day(request.args.get("due", ""))
    if failed is None and proposed is not None:
        failed = Failed("extend", {"item": str(case.row.no), "due": proposed.isoformat()}, "")
    return make_response(render_template(
        "escalation.html", case=case, row=case.row, page=case.page, failed=failed, proposed=proposed, ACTS=ACTS,
        words=cycle_words, reached=REACHED, does=DOES, states=STATES, on=chart.on, clock_of=chart.at,
        figures=chart.figures,
    ), status)  # fmt: skip


def _chosen() -> Chosen:
    box = text("box")
    return Chosen(box=box if box in BOXES else MINE, layer=text("layer"), kind=text("kind"),
                  unit=_number("unit") or 0, level=_filter("level"), when=_filter("when"),
                  after=_number("after") or 0)  # fmt: skip


def _filter(name: str) -> int:
    found = _number(name)
    return ANY if found is None else found


def _number(name: str) -> int | None:
    found = text(name)
    return int(found) if found.isascii() and found.isdecimal() and len(found) <= NUMBER else None


def _narrowed(chosen: Chosen) -> dict[str, Any]:
    """Return the filters that are set, as the address writes them."""
    values = {name: getattr(chosen, name) for name in FILTERS}
    return {name: value for name, value in values.items() if value not in ("", ANY) and (name != "unit" or value)}


def _here_with(chosen: Chosen, **changes: Any) -> str:
    """Return the address of this list with something changed; its pages begin anew."""
    values = {"box": chosen.box, **_narrowed(chosen), **changes}
    kept = {k: v for k, v in values.items() if v != "" and (k, v) != ("box", MINE)}
    return url_for("escalations.index", **kept)
