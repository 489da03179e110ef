"""The list of cycles at ``/cycles``, narrowed by its address alone, so that every number can lead into it.

Parameters: ``layer``, ``track``, ``stage`` (keys), ``unit`` (its number; those under it count), ``status`` (``live``,
which is the default, ``all``, ``running``, ``suspended``, ``closed``, ``cancelled``), ``when`` (``late``, ``today``,
``week``, ``later``: the deadline in force), ``term`` (a term's key or a day in it: every period that touches the
term), ``q`` (part of the subject's name or code), ``after`` (the place after which to go on).
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import lazy_gettext as _

from qaflow.services.cycles import listing as cycle_list
from qaflow.services.cycles.listing import AHEAD, ANY, LATE, STATUS, TODAY, WEEK, Chosen
from qaflow.store.db import db
from qaflow.web.access import me, mine

from . import words

FILTERS: dict[str, Any] = {
    "layer": _("All layers"),
    "track": _("All tracks"),
    "stage": _("All stages"),
    "unit": _("All units"),
    "when": _("All deadlines"),
}
WHEN: dict[str, int] = {"late": LATE, "today": TODAY, "week": WEEK, "later": AHEAD}
WHENS: dict[int, Any] = {LATE: _("Overdue"), TODAY: _("Due today"), WEEK: _("Due this week"), AHEAD: _("Later")}
STATUSES: dict[str, Any] = {"live": _("Not over yet"), "all": _("All, ended ones too"), **words.STATUS}
LONGEST = 80  # of a value in the address
NUMBER = 18  # digits of a number that a database holds


def index() -> str:
    """Show the cycles that I may see, as the address narrows them."""
    listed = cycle_list.listed(db.session, mine(), me(), _chosen())
    return render_template("cycles.html", listed=listed, filters=FILTERS, statuses=STATUSES, whens=WHENS,
                           when_names={number: name for name, number in WHEN.items()}, here_with=_here_with,
                           narrowed=_narrowed(listed.chosen), words=words)  # fmt: skip


def _chosen() -> Chosen:
    place, dot, last = _text("after").rpartition(".")
    after = (place, _number(last)) if dot and place.isascii() else None
    status = _text("status")
    return Chosen(layer=_text("layer"), track=_text("track"), stage=_text("stage"), unit=_number(_text("unit")),
                  when=WHEN.get(_text("when"), ANY), status=status if status in STATUS else "live",
                  term=_text("term"), q=_text("q").strip(), after=after)  # fmt: skip


def _text(name: str) -> str:
    found = request.args.get(name, "")
    return found if len(found) <= LONGEST and found.isprintable() else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER else 0


def _narrowed(chosen: Chosen) -> dict[str, Any]:
    """Return the filters that are set, as the address writes them."""
    when = next((name for name, number in WHEN.items() if number == chosen.when), "")
    found = {"layer": chosen.layer, "track": chosen.track, "stage": chosen.stage, "unit": chosen.unit or "",
             "when": when, "status": "" if chosen.status == "live" else chosen.status, "term": chosen.term,
             "q": chosen.q}  # fmt: skip
    return {name: value for name, value in found.items() if value != ""}


def _here_with(chosen: Chosen, **changes: Any) -> str:
    """Return the address of this list with something changed; its pages begin anew."""
    after = changes.pop("after", None)
    values = {**_narrowed(chosen), **changes}
    if after:
        values["after"] = f"{after[0]}.{after[1]}"
    return url_for("cycles.index", **{name: value for name, value in values.items() if value != ""})
