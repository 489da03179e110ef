"""The inbox, home of whoever is signed in: what waits for them, grouped by how near it is, and what they watch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from qaflow.services.cycles import watching
from qaflow.services.desk import inbox, saved_filters
from qaflow.services.desk.inbox import ANY, BOXES, SORTS, Chosen
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.words import college

TITLES: dict[str, Any] = {
    "mine": _("Waiting for me"),
    "deputy": _("As deputy"),
    "returned": _("Sent back to me"),
    "submitted": _("I wait for"),
    "watch": _("I watch"),
    "done": _("Done"),
}
"""The boxes, in the order in which they stand."""
GROUPS: tuple[Any, ...] = (_("Overdue"), _("Due today"), _("Due this week"), _("Later"))
FILTERS: dict[str, Any] = {
    "layer": _("All layers"),
    "unit": _("All units"),
    "stage": _("All stages"),
    "kind": _("All work"),
    "when": _("All deadlines"),
}
ORDERS: dict[str, Any] = {
    "due": _("By deadline"),
    "opened": _("Oldest first"),
    "subject": _("By subject"),
    "unit": _("By unit"),
    "stage": _("By stage"),
}
WHYS: dict[str, Any] = {"chosen": _("chosen by me"), "copied": _("copied to me"), "named": _("named in a comment")}
"""Why a cycle is watched."""
TOGETHER: dict[str, tuple[str, ...]] = {
    "mine": ("approve", "return", "transfer", "extend", "remind"),
    "deputy": ("approve", "return", "transfer", "extend", "remind"),
    "returned": ("transfer", "extend", "remind"),
    "submitted": ("remind",),
}
"""What can be done with many rows of a box at once."""
TOGETHER_WORDS: dict[str, Any] = {
    "approve": _("Approve"), "return": _("Return"), "transfer": _("Transfer"), "extend": _("Extend"),
    "remind": _("Remind"),
}  # fmt: skip
LONGEST = 80  # of a value in the address
NUMBER = 18  # digits of a number that a database holds

pages = Blueprint("inbox", __name__)


@pages.get("/inbox")
def index() -> str:
    """Show a box of mine, as the address narrows and orders it."""
    chosen = chosen_of(request.args)
    box = inbox.waiting(db.session, mine(), me(), chosen)
    words = {"titles": TITLES, "group_titles": GROUPS, "filters": FILTERS, "orders": ORDERS, "whys": WHYS}
    tools = {"here_with": address, "cycle_url": cycle_url, "local": _local, "narrowed": narrowed(chosen)}
    more = {"saved": saved_filters.mine(db.session, me()), "acts": TOGETHER.get(chosen.box, ()),
            "act_words": TOGETHER_WORDS, "ticked": request.args.get("tick") == "page"}  # fmt: skip
    return render_template("inbox.html", box=box, **words, **tools, **more)


@pages.post("/cycles/<int:number>/watch")
def watch(number: int) -> Response:
    """Begin or stop to watch a cycle."""
    on = request.form.get("on") != "no"
    watching.choose(db.session, mine(), number, on)
    flash(_("You watch this cycle.") if on else _("You no longer watch this cycle."), "ok")
    there = address(Chosen(box="watch")) if request.form.get("back") == "list" else f"/cycles/{number}"
    return redirect(there, 303)


def cycle_url(number: int | None) -> str | None:
    """Return the address of a cycle's page; None where the item has no cycle or the program no such page."""
    return f"/cycles/{number}" if number is not None and "cycles" in current_app.blueprints else None


def chosen_of(values: Mapping[str, str]) -> Chosen:
    """Return the list that an address or a form means; what makes no sense is left out."""
    text = {name: _text(values.get(name, "")) for name in ("box", "layer", "stage", "kind", "sort", "after")}
    unit, when = _number(_text(values.get("unit", ""))), _number(_text(values.get("when", "")))
    place, dot, last = text["after"].rpartition(".")
    return Chosen(
        box=text["box"] if text["box"] in BOXES else "mine", layer=text["layer"], stage=text["stage"],
        kind=text["kind"], unit=unit or 0, when=when if when is not None and when < len(GROUPS) else ANY,
        sort=text["sort"] if text["sort"] in SORTS else "due",
        after=(place, _number(last) or 0) if dot else None,
    )  # fmt: skip


def _text(found: str) -> str:
    return found if len(found) <= LONGEST and found.isprintable() else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER else None


def narrowed(chosen: Chosen) -> dict[str, Any]:
    """Return the filters that are set, as the address writes them."""
    values = {name: getattr(chosen, name) for name in FILTERS}
    return {name: value for name, value in values.items() if value not in ("", ANY) and (name != "unit" or value)}


def address(chosen: Chosen, **changes: Any) -> str:
    """Return the address of this list with something changed; its pages begin anew."""
    after = changes.pop("after", None)
    values = {"box": chosen.box, **narrowed(chosen), "sort": chosen.sort, **changes}
    if after:
        values["after"] = f"{after[0]}.{after[1]}"
    usual = (("box", "mine"), ("sort", "due"))
    return url_for("inbox.index", **{k: v for k, v in values.items() if v != "" and (k, v) not in usual})


def _local(instant: str) -> date:
    """Return the day of an instant by the college's clocks."""
    view = college()
    moment = datetime.fromisoformat(instant)
    return view.calendar.local_day(moment) if view else moment.date()
