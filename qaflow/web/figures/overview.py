"""The overview: what each person's roles cover, in numbers that open their lists.

A list is named by its address alone: ``what`` (one of `WHATS`), ``group`` (a layer, or a kind of task), ``span`` (a
month, or a term for goals) and ``page``.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from babel.dates import format_date
from flask import Blueprint, Response, render_template, url_for
from flask_babel import lazy_gettext as _

from qaflow.engine import charts
from qaflow.engine.charts import Chart
from qaflow.services.figures import overview
from qaflow.services.figures.looking import Span
from qaflow.services.figures.overview import Chosen, Section
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.cycles import words as cycle_words
from qaflow.web.language import chosen as language
from qaflow.web.language import pair
from qaflow.web.office.figures import number_of, text
from qaflow.web.places.calendar import MONTH

from . import chart, charting

WHATS: dict[str, Any] = {
    "goals": _("Goals in force"),
    "attained": _("Attained"),
    "missed": _("Not attained yet"),
    "unmeasured": _("Not measured"),
    "goals_ended": _("Goals that ended"),
    "goals_met": _("Of them attained"),
    "warnings": _("Open warnings"),
    "major": _("Open and serious"),
    "minor": _("Open and minor"),
    "opened": _("Opened"),
    "settled": _("Settled"),
    "running": _("Running"),
    "late": _("Running and overdue"),
    "complete": _("Closed complete"),
    "incomplete": _("Closed otherwise"),
    "tasks": _("Tasks of the year"),
    "tasks_done": _("Done"),
    "tasks_going": _("Going on"),
    "tasks_planned": _("Planned"),
    "tasks_late": _("Late"),
}
"""What each number counts."""
SECTIONS: dict[str, tuple[Any, Any, Any]] = {
    "goals": (_("Goals"), _("A goal is attained when its control point's last reading meets the target, or the value "
                            "that its owner stated does."), _("No goal lies here yet. Goals come with plans and with "
                                                              "the first stage of a round.")),
    "warnings": (_("Warnings"), _("Open ones now, and those opened and settled month by month."),
                 _("No warning in the last twelve months. A reading beyond its limit opens one.")),
    "rounds": (_("Rounds"), _("Running ones now, and those closed in the last twelve months."),
               _("No round has run here yet. The calendar starts them at the beginning of their period.")),
    "tasks": (_("Tasks of the year"), _("By the month of their deadline."),
              _("No task of this year lies here. They come with the year's plan.")),
}  # fmt: skip
"""Each section's title, what it counts, and what is said where it is empty."""
TASK_KINDS: dict[str, Any] = {"key": _("Key tasks"), "routine": _("Routine tasks"), "ad_hoc": _("Ad hoc tasks")}
TASK_STATES: dict[str, Any] = {"planned": _("Planned"), "going": _("Going on"), "done": _("Done")}
OUTCOMES: dict[str, Any] = {"complete": _("complete"), "incomplete": _("incomplete"), "lapsed": _("lapsed"),
                            "cancelled": _("cancelled")}  # fmt: skip
LATE = frozenset(("missed", "major", "late", "incomplete", "tasks_late"))
"""Numbers that are marked where they are not nought."""

pages = Blueprint("overview", __name__, url_prefix="/overview")


@pages.get("")
def index() -> Response | str:
    """Show what my roles cover."""
    found = overview.look(db.session, mine(), me())
    drawn = {section.key: _trend(section) for section in found.sections if not section.empty}
    return charting.charted("overview.html", list(drawn.values()), found=found, drawn=drawn, **_words())


@pages.get("/list")
def listing() -> str:
    """Show what a number counts."""
    chosen = Chosen(what=text("what") or "running", group=text("group"), span=text("span"),
                    page=number_of("page") or 1)  # fmt: skip
    found = overview.behind(db.session, mine(), me(), chosen)
    return render_template("overview_list.html", found=found, chosen=chosen, **_words())


def _words() -> dict[str, Any]:
    return {"whats": WHATS, "titles": SECTIONS, "late_ones": LATE, "group_name": _group, "span_name": span_name,
            "list_of": _list_of, "words": cycle_words, "task_states": TASK_STATES, "outcomes": OUTCOMES,
            "on": chart.on, "figures": chart.figures}  # fmt: skip


def _trend(section: Section) -> Chart:
    """Return a section's trend as bars, from the first span that holds anything on."""
    first = next((n for n in range(len(section.spans)) if any(many[n] for many in section.trend.values())), 0)
    rows = [(str(WHATS[what]), span_name(span), float(many[n]))
            for n, span in enumerate(section.spans) if n >= first for what, many in section.trend.items()]  # fmt: skip
    return charts.grouped(str(SECTIONS[section.key][0]), rows, key=section.key, words=charting.words())


def _group(section: str, key: str, name: Any) -> Any:
    """Return what a row is called: a layer, or a kind of task."""
    return TASK_KINDS.get(key, key) if section == "tasks" else pair(name) if name else key


def month(first: date) -> str:
    """Return a month as people write it."""
    return format_date(first, MONTH[language()], locale=language())


def span_name(span: Span) -> str:
    """Return what a span is called: its term's name, or the month."""
    return pair(span.name) if span.name else month(span.first)


def _list_of(what: str, **more: Any) -> str:
    return url_for("overview.listing", what=what, **{k: v for k, v in more.items() if v not in ("", 0)})
