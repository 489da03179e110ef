"""The inbox, home of whoever is signed in: what waits for them, grouped by how near it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_babel import lazy_gettext as _

from qaflow.services import inbox
from qaflow.services.inbox import ANY, BOXES, Chosen
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.words import college

TITLES: dict[str, Any] = {
    "mine": _("Waiting for me"),
    "deputy": _("As deputy"),
    "returned": _("Sent back to me"),
    "submitted": _("I wait for"),
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
LONGEST = 80  # of a value in the address
NUMBER = 18  # digits of a number that a database holds

pages = Blueprint("inbox", __name__)


@pages.get("/inbox")
def index() -> str:
    """Show a box of mine, as the address narrows it."""
    chosen = _chosen()
    box = inbox.waiting(db.session, mine(), me(), chosen)
    words = {"titles": TITLES, "group_titles": GROUPS, "filters": FILTERS}
    tools = {"here_with": _here_with, "cycle_url": cycle_url, "local": _local, "narrowed": _narrowed(chosen)}
    return render_template("inbox.html", box=box, **words, **tools)


def cycle_url(number: int | None) -> str | None:
    """Return the address of a cycle's page; None where the item has no cycle or the program no such page."""
    return f"/cycles/{number}" if number is not None and "cycles" in current_app.blueprints else None


def _chosen() -> Chosen:
    box, unit, when = _text("box"), _number(_text("unit")), _number(_text("when"))
    place, dot, last = _text("after").rpartition(".")
    after = (place, _number(last) or 0) if dot and place.isascii() else None
    return Chosen(box=box if box in BOXES else "mine", layer=_text("layer"), stage=_text("stage"), kind=_text("kind"),
                  unit=unit or 0, when=ANY if when is None else when, after=after)  # fmt: skip


def _text(name: str) -> str:
    found = request.args.get(name, "")
    return found if len(found) <= LONGEST and found.isprintable() else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER else None


def _narrowed(chosen: Chosen) -> dict[str, Any]:
    """Return the filters that are set, as the address writes them."""
    values = {name: getattr(chosen, name) for name in FILTERS}
    return {name: value for name, value in values.items() if value not in ("", ANY) and (name != "unit" or value)}


def _here_with(chosen: Chosen, **changes: Any) -> str:
    """Return the address of this list with something changed; its pages begin anew."""
    after = changes.pop("after", None)
    values = {"box": chosen.box, **_narrowed(chosen), **changes}
    if after:
        values["after"] = f"{after[0]}.{after[1]}"
    kept = {k: v for k, v in values.items() if v != "" and (k, v) != ("box", "mine")}
    return url_for("inbox.index", **kept)


def _local(instant: str) -> date:
    """Return the day of an instant by the college's clocks."""
    view = college()
    moment = datetime.fromisoformat(instant)
    return view.calendar.local_day(moment) if view else moment.date()
