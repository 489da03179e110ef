"""Charts of control points and of the causes of warnings: each page draws what its reader sees, and no more.

The address alone says what is drawn: ``by`` (unit, major, class) and ``term`` (its key, "all") of a comparison;
``term``, ``layer``, ``unit``, ``category`` ("*" all, "" not named) and ``page`` of causes.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from qaflow.engine import charts as draw
from qaflow.engine.charts import Chart
from qaflow.services.figures import analysis, strata
from qaflow.services.figures.analysis import Point, Study
from qaflow.services.figures.strata import ANY, CATEGORIES, UNNAMED, WAYS, Causes, Comparison
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.cycles import words as cycle_words
from qaflow.web.language import pair
from qaflow.web.office.figures import number_of, text
from qaflow.web.words import day, local

from . import rule_words
from .charting import charted, words

BY: dict[str, Any] = {"unit": _("By unit"), "major": _("By major"), "class": _("By class")}
PANELS: dict[str, tuple[Any, Any]] = {
    "p": (_("Share of readings beyond the limits, by month"),
          _("A p chart: its limits follow each month's number of readings.")),
    "u": (_("Breaches for each subject, by month"),
          _("A u chart: readings beyond the limits over the subjects that were read.")),
    "Xbar": (_("Mean of each month"), _("An X̄ chart: each month's readings are a subgroup.")),
    "R": (_("Range of each month"), _("An R chart: only its limits are judged.")),
}  # fmt: skip
"""The control charts over months: their titles, and what each is."""
MOST_PAGES = 1000

pages = Blueprint("charts", __name__, url_prefix="/charts")


@pages.get("")
def index() -> str:
    """List the control points that were read, by layer."""
    return render_template("charts/index.html", found=analysis.points(db.session, mine(), me()), name=name_of)


@pages.get("/points/<int:number>")
def point(number: int) -> str:
    """List the subjects that a control point was read of."""
    found = analysis.measured(db.session, mine(), me(), number, number_of("after"))
    return render_template("charts/point.html", found=found, point=found.point, name=name_of)


@pages.get("/points/<int:number>/<int:no>")
def study(number: int, no: int) -> Response | str:
    """Show one subject's readings: over time, as a control chart, as a histogram with capability."""
    found = analysis.study(db.session, mine(), me(), number, no)
    drawn = drawn_of(found)
    told = rule_words.told(found.findings, [day(at) for at, _value in found.readings])
    return charted("charts/study.html", list(drawn.values()), found=found, charts_of=drawn, point=found.point,
                   told=told, name=name_of, fewest=analysis.FEWEST)  # fmt: skip


@pages.get("/points/<int:number>/compare")
def compare(number: int) -> Response | str:
    """Compare units, majors or classes in a control point."""
    way = text("by") if text("by") in WAYS else WAYS[0]
    found = strata.comparison(db.session, mine(), me(), number, way, text("term"))
    drawn = compared(found)
    months = [one.month for one in found.months]
    told = {kind: rule_words.told(findings, months) for kind, (_panel, findings) in found.panels.items()}
    return charted("charts/compare.html", list(drawn.values()), found=found, charts_of=drawn, point=found.point,
                   told=told, name=name_of, by=BY, panels=PANELS)  # fmt: skip


@pages.get("/causes")
def causes() -> Response | str:
    """Show why warnings came: Pareto's order of the kinds of cause, and the causes of each."""
    category = request.args.get("category", ANY)
    chosen = strata.Chosen(term=text("term"), layer=text("layer"), unit=number_of("unit"),
                              category=category if category in (*CATEGORIES, UNNAMED) else ANY,
                              page=min(number_of("page") or 1, MOST_PAGES))  # fmt: skip
    found = strata.causes(db.session, mine(), me(), chosen)
    chart = pareto(found)
    return charted("charts/causes.html", [chart] if chart else [], found=found, chart=chart, kinds=kinds(), on=local,
                   words=cycle_words, links=[here(found, category=key) for key, _many in ranked(found)],
                   here=lambda **changes: here(found, **changes))  # fmt: skip


def name_of(point: Point) -> str:
    """Return a control point's name in the page's language."""
    return pair({"zh": point.name_zh, "en": point.name_en or point.name_zh})


def kinds() -> dict[str, Any]:
    """Return the kinds of cause by their keys, and what is said where none was named."""
    return {**cycle_words.CATEGORIES, UNNAMED: _("not said")}


def here(found: Causes, **changes: Any) -> str:
    """Return the address of the causes with something changed; its pages begin anew."""
    chosen = found.chosen
    held: dict[str, Any] = {"term": chosen.term, "layer": chosen.layer, "unit": chosen.unit,
                            "category": chosen.category}  # fmt: skip
    kept = {k: v for k, v in (held | changes).items() if v not in ("", 0) or k == "category"}
    return url_for("charts.causes", **{k: v for k, v in kept.items() if (k, v) != ("category", ANY)})


def ranked(found: Causes) -> list[tuple[str, int]]:
    """Return the kinds of cause that are met, the most frequent first; those without one come last."""
    named = sorted(((key, many) for key, many in found.many.items() if many and key), key=lambda one: -one[1])
    return [*named, *([(UNNAMED, found.many[UNNAMED])] if found.many[UNNAMED] else [])]


def pareto(found: Causes) -> Chart | None:
    """Return the Pareto chart of the causes that were named; None where none was."""
    rows = [(str(kinds()[key]), many) for key, many in ranked(found) if key]
    title = gettext("Warnings by kind of cause")
    return draw.pareto(title, rows, words=words()) if rows else None


def drawn_of(found: Study) -> dict[str, Chart]:
    """Return a subject's charts by their keys."""
    if not found.readings:
        return {}
    said, name, unit = words(), name_of(found.point), found.point.unit
    about = f"{found.subject.name} · {name}"
    points = [(at, value, day(at)) for at, value in found.readings]
    made = [draw.over_time(gettext("Over time: %(what)s", what=about), points, steps=found.steps, unit=unit,
                           key="time", words=said)]  # fmt: skip
    if found.panels:
        level, ranges = found.panels
        labels = [day(at) for at, _value in found.readings]
        made.append(draw.control(gettext("Control chart: single readings"),
                                 _marked(labels, level.values, found.findings), level.limits, unit=unit,
                                 key="control", words=said))  # fmt: skip
        made.append(draw.control(gettext("Control chart: moving ranges"),
                                 _marked(labels[1:], ranges.values, found.beyond), ranges.limits, unit=unit,
                                 key="ranges", words=said))  # fmt: skip
    now = found.now
    made.append(draw.histogram(gettext("How often which value"), found.bins, target=now.target, lower=now.lower,
                               upper=now.upper, unit=unit, words=said))  # fmt: skip
    return {chart.key: chart for chart in made}


def _marked(labels: list[str], values: Any, findings: Any) -> list[tuple[str, float, str]]:
    """Return points with what the rules find at each, in words."""
    at: dict[int, list[str]] = {}
    for one in findings:
        at.setdefault(one.at, []).append(rule_words.short(one.rule))
    return [(label, value, "; ".join(at.get(n, ()))) for n, (label, value) in
            enumerate(zip(labels, values, strict=True))]  # fmt: skip


def compared(found: Comparison) -> dict[str, Chart]:
    """Return the charts of a comparison by their keys."""
    said, unit = words(), found.point.unit
    made = []
    if found.strata.groups:
        means = [(pair(found.names[key]), float(f"{one.mean:.5g}")) for key, one in found.strata.groups]
        made.append(draw.bars(gettext("Mean of each group"), means, unit, words=said))
    months = [one.month for one in found.months]
    for kind, (panel, findings) in found.panels.items():
        made.append(draw.control(str(PANELS[kind][0]), _marked(months, panel.values, findings), panel.limits,
                                 unit=unit if kind in ("Xbar", "R") else "", key=kind, words=said))  # fmt: skip
    return {chart.key: chart for chart in made}
