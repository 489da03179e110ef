"""Charts as figures: control charts with rule hits, histograms with capability, strata, and causes in Pareto's order.

`description` is the chart as Vega-Lite, a JSON document in a text: only whoever draws it need parse it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.resource import Resource
from qaflow.engine import charts as draw
from qaflow.engine.charts import ENGLISH, Chart
from qaflow.engine.definition import LAYERS
from qaflow.engine.statistics.control_charts import Panel
from qaflow.engine.statistics.rules import NELSON, WESTERN_ELECTRIC, Finding
from qaflow.engine.statistics.samples import Summary
from qaflow.services.figures import analysis, strata
from qaflow.services.figures.analysis import LINES, MOST, Study
from qaflow.services.figures.strata import CATEGORIES, UNNAMED, WAYS, Causes, Chosen, Comparison
from qaflow.store.analysis import Cause as Found

resource = Resource("api_charts", __name__, url_prefix="/charts", description="Charts of readings and causes")
KINDS = ("I", "MR", "Xbar", "R", "p", "u")
RULES = tuple(rule.name for rule in (*WESTERN_ELECTRIC, *NELSON))
MANY = 1000
DRAWN = 500_000  # characters of a description
NAMELESS = "none"
"""How an address names warnings without a kind of cause."""


class Sample(s.Strict):
    """A sample in figures."""

    n = s.whole(required=True)
    mean = s.number(required=True)
    sd = s.number(required=True, allow_none=True)
    least = s.number(required=True)
    lower = s.number(required=True)
    median = s.number(required=True)
    upper = s.number(required=True)
    most = s.number(required=True)


class Hit(s.Strict):
    """One rule at one point: `points` are the places of its pattern, the last of them is `at`."""

    rule = s.choice(RULES, required=True)
    at = s.whole(required=True)
    points = s.many(s.whole(), MOST, required=True)


class Control(s.Strict):
    """One panel of a control chart, point by point, and what the rules find."""

    kind = s.choice(KINDS, required=True)
    values = s.many(s.number(), MANY, required=True)
    centre = s.many(s.number(), MANY, required=True)
    lower = s.many(s.number(), MANY, required=True)
    upper = s.many(s.number(), MANY, required=True)
    hits = s.many(Hit, MANY * len(RULES), required=True)


class Bar(s.Strict):
    """One bin of a histogram, its lower bound in it."""

    low = s.number(required=True)
    high = s.number(required=True)
    many = s.whole(required=True)


class Fitness(s.Strict):
    """The indices of capability; null where a limit is missing or nothing varies."""

    cp = s.number(required=True, allow_none=True)
    cpk = s.number(required=True, allow_none=True)
    pp = s.number(required=True, allow_none=True)
    ppk = s.number(required=True, allow_none=True)


class Read(s.Strict):
    """One reading, by the day of the college's clocks."""

    day = s.day(required=True)
    value = s.number(required=True)


class Step(s.Strict):
    """Target and limits from a day on; null from the beginning."""

    day = s.day(required=True, allow_none=True)
    target = s.number(required=True, allow_none=True)
    lower = s.number(required=True, allow_none=True)
    upper = s.number(required=True, allow_none=True)


class Drawn(s.Strict):
    """A chart as a Vega-Lite document, in a text."""

    key = s.text(s.NAME, required=True)
    description = s.text(DRAWN, required=True)


class Studied(s.Strict):
    """One subject's readings of a point with everything that is reckoned of them."""

    point = s.ident(required=True)
    subject = s.ident(required=True)
    unit = s.text(s.NAME, 0, required=True)
    readings = s.many(Read, MOST, required=True)
    steps = s.many(Step, MANY, required=True)
    summary = s.one(Sample, required=True, allow_none=True)
    control = s.many(Control, 2, required=True)
    histogram = s.many(Bar, MANY, required=True)
    capability = s.one(Fitness, required=True, allow_none=True)
    charts = s.many(Drawn, required=True)


class Point(s.Strict):
    """A control point that was read."""

    id = s.ident(required=True)
    key = s.text(s.NAME, required=True)
    layer = s.choice(LAYERS, required=True)
    name = s.one(s.Named, required=True)
    unit = s.text(s.NAME, 0, required=True)


class How(s.Strict):
    """By what subjects are grouped, and in which term (`all`: at any time)."""

    by = s.choice(WAYS, load_default=WAYS[0])
    term = s.text(s.NAME, load_default="")


class Group(Sample):
    """The last readings of a group's subjects."""

    name = s.one(s.Named, required=True)


class Monthly(s.Strict):
    """The readings of a month: how many lay beyond the limits, of how many, of how many subjects."""

    month = s.text(s.NAME, required=True)
    beyond = s.whole(required=True)
    readings = s.whole(required=True)
    subjects = s.whole(required=True)


class Compared(s.Strict):
    """A point's last readings by groups of five and more; `between` is the share of the spread between them."""

    by = s.choice(WAYS, required=True)
    term = s.text(s.NAME, required=True)
    groups = s.many(Group, MANY, required=True)
    hidden = s.whole(required=True)
    apart = s.whole(required=True)
    between = s.number(required=True, allow_none=True)
    months = s.many(Monthly, MANY, required=True)
    control = s.many(Control, len(KINDS), required=True)


class Sought(s.Strict):
    """Which warnings are counted, and of which kind of cause they are listed."""

    term = s.text(s.NAME)
    layer = s.choice(LAYERS)
    unit = s.ident(loose=True)
    category = s.choice((*CATEGORIES, NAMELESS))
    after = s.text(2000)


class Kind(s.Strict):
    """A kind of cause; null where none was named."""

    category = s.choice(CATEGORIES, required=True, allow_none=True)
    many = s.whole(required=True)


class Cause(s.Strict):
    """One warning with the cause that was found."""

    warning = s.text(s.NAME, required=True)
    category = s.choice(CATEGORIES, required=True, allow_none=True)
    cause = s.text(s.TEXT, 0, required=True, allow_none=True)
    state = s.text(s.NAME, required=True)
    opened_at = s.instant(required=True)
    subject = s.text(s.NAME, required=True)


class Pareto(s.Strict):
    """Warnings by the kind of their cause, the most frequent first, and a page of those behind."""

    kinds = s.many(Kind, required=True)
    items = s.many(Cause, LINES, required=True)
    next = s.text(2000, required=True, allow_none=True)
    charts = s.many(Drawn, required=True)


@resource.get("/points", gives=s.listing(Point))
def points(call: Call) -> dict[str, Any]:
    """List the control points of the layers of which one sees something."""
    found = analysis.points(call.session, call.origin, call.me)
    return call.page([_point(one) for _, of in found.layers for one in of], None)


@resource.get("/points/<int:number>/subjects", asks=s.Onward, gives=s.listing(s.Subject))
def measured(call: Call, number: int) -> dict[str, Any]:
    """List the subjects that a control point was read of."""
    found = analysis.measured(call.session, call.origin, call.me, number, call.after() or 0)
    return call.page([one._asdict() for one in found.subjects], found.following)


@resource.get("/points/<int:number>/subjects/<int:subject>", gives=Studied)
def study(call: Call, number: int, subject: int) -> dict[str, Any]:
    """Show a subject's readings over time, as a control chart, and as a histogram with capability."""
    return _studied(analysis.study(call.session, call.origin, call.me, number, subject))


@resource.get("/points/<int:number>/compare", asks=How, gives=Compared)
def compare(call: Call, number: int) -> dict[str, Any]:
    """Compare units, majors or classes in a control point."""
    asked = call.query["by"], call.query["term"]
    return _compared(strata.comparison(call.session, call.origin, call.me, number, *asked))


@resource.get("/causes", asks=Sought, gives=Pareto)
def causes(call: Call) -> dict[str, Any]:
    """Show why warnings came, in Pareto's order."""
    page = call.after() or 1
    named = {name: value for name, value in call.query.items() if name not in ("after", "category")}
    category = call.query.get("category", strata.ANY)
    chosen = Chosen(**named, category=UNNAMED if category == NAMELESS else category, page=page)
    found = strata.causes(call.session, call.origin, call.me, chosen)
    listed = call.page([_cause(*one) for one in found.lines], page + 1 if found.more else None)
    return listed | {"kinds": _kinds(found), "charts": _pareto(found)}


def _point(one: analysis.Point) -> dict[str, Any]:
    return {"id": one.id, "key": one.key, "layer": one.layer, "unit": one.unit,
            "name": {"zh": one.name_zh, "en": one.name_en}}  # fmt: skip


def _studied(found: Study) -> dict[str, Any]:
    hits = (found.findings, found.beyond)
    return {
        "point": found.point.id, "subject": found.subject.id, "unit": found.point.unit,
        "readings": [{"day": day, "value": value} for day, value in found.readings],
        "steps": [one._asdict() | {"day": one.day or None} for one in found.steps],
        "summary": _sample(found.summary), "control": [_control(*one) for one in zip(found.panels, hits, strict=False)],
        "histogram": [one._asdict() for one in found.bins],
        "capability": found.capability and found.capability._asdict(),
        "charts": [_drawn(one) for one in _charts(found)],
    }  # fmt: skip


def _charts(found: Study) -> list[Chart]:
    """Return the charts of a subject's readings, in English: a program gives them its own words."""
    if not found.readings:
        return []
    name, unit, now = found.point.name_en or found.point.name_zh, found.point.unit, found.now
    read = [(day, value, day) for day, value in found.readings]
    made = [draw.over_time(name, read, steps=found.steps, unit=unit, key="time", words=ENGLISH)]
    for key, panel in zip(("control", "ranges"), found.panels, strict=False):
        labels = [day for day, _ in found.readings][-len(panel.values) :]
        marked = [(day, value, "") for day, value in zip(labels, panel.values, strict=True)]
        made.append(draw.control(name, marked, panel.limits, unit=unit, key=key, words=ENGLISH))
    return [*made, draw.histogram(name, found.bins, target=now.target, lower=now.lower, upper=now.upper, unit=unit,
                                  words=ENGLISH)]  # fmt: skip


def _drawn(chart: Chart) -> dict[str, str]:
    return {"key": chart.key, "description": json.dumps(chart.spec, ensure_ascii=False, separators=(",", ":"))}


def _control(panel: Panel, hits: Sequence[Finding]) -> dict[str, Any]:
    same = {name: getattr(panel, name) for name in ("kind", "values", "centre", "lower", "upper")}
    return same | {"hits": [one._asdict() for one in hits]}


def _sample(found: Summary | None) -> dict[str, Any] | None:
    return found._asdict() if found else None


def _compared(found: Comparison) -> dict[str, Any]:
    names = {key: {"zh": name.zh, "en": name.en} for key, name in found.names.items()}
    return {
        "by": found.way, "term": found.term, "hidden": found.strata.hidden, "apart": found.apart,
        "groups": [one._asdict() | {"name": names[key]} for key, one in found.strata.groups],
        "between": found.strata.share, "months": [one._asdict() for one in found.months],
        "control": [_control(*one) for one in found.panels.values()],
    }  # fmt: skip


def _kinds(found: Causes) -> list[dict[str, Any]]:
    named = sorted(((key, many) for key, many in found.many.items() if key), key=lambda one: -one[1])
    return [{"category": key or None, "many": many} for key, many in (*named, (UNNAMED, found.many[UNNAMED]))]


def _pareto(found: Causes) -> list[dict[str, str]]:
    ranked = [(one["category"], one["many"]) for one in _kinds(found) if one["category"] and one["many"]]
    return [_drawn(draw.pareto("Warnings by kind of cause", ranked, words=ENGLISH))] if ranked else []


def _cause(one: Found, said: str | None) -> dict[str, Any]:
    return {"warning": one.warning, "category": one.category or None, "cause": said, "state": one.state,
            "opened_at": one.opened_at, "subject": one.subject}  # fmt: skip
