"""Comparisons: units beside one another, a subject beside its last round and others, readings around measures."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.figures import ADDRESSED, Mean, Said, Span, label, mean, span
from qaflow.api.resource import Resource
from qaflow.services.figures import comparing
from qaflow.services.figures.comparing import Chosen, Comparison, Measure
from qaflow.services.figures.comparing import Line as Beside

resource = Resource("api_compare", __name__, url_prefix="/compare", description="Units and subjects beside others")
MANY = 1000
MEASURES = ("correction", "improvement")


class Filters(s.Strict):
    """Which units are compared: of a layer, a kind of its subjects, at a control point; the first where none is."""

    layer = s.text(ADDRESSED, load_default="")
    kind = s.text(ADDRESSED, load_default="")
    point = s.ident(loose=True, load_default=0)


class Kind(s.Strict):
    """A kind of subjects of a layer that can be compared."""

    layer = s.text(s.NAME, required=True)
    kind = s.text(s.NAME, 0, required=True)
    name = s.one(Said, required=True)


class Point(s.Strict):
    """A control point at which units can be compared."""

    id = s.ident(required=True)
    name = s.one(Said, required=True)
    unit = s.text(s.NAME, 0, required=True)


class Unit(s.Strict):
    """A unit of one's own, or (without a name) all others together: the mean at the point, and shares on time."""

    name = s.one(Said, required=True, allow_none=True)
    value = s.one(Mean, required=True, allow_none=True)
    shares = s.many(s.one(Mean, allow_none=True), MANY, required=True)


class Units(s.Strict):
    """Units beside one another; `shares` of a unit are by `spans`, the running term first."""

    layer = s.text(s.NAME, 0, required=True)
    kind = s.text(s.NAME, 0, required=True)
    point = s.ident(required=True, allow_none=True)
    kinds = s.many(Kind, MANY, required=True)
    points = s.many(Point, MANY, required=True)
    spans = s.many(Span, MANY, required=True)
    units = s.many(Unit, MANY, required=True)
    as_of = s.day(required=True)


class Round(s.Strict):
    """A round of the subject with its share of stages on time; null where none was due."""

    id = s.ident(required=True)
    number = s.whole(required=True)
    period_start = s.day(required=True)
    period_end = s.day(required=True)
    share = s.number(0, 1, required=True, allow_none=True)


class Measured(s.Strict):
    """A control point: its mean in this round and the one before, and the means of others."""

    id = s.ident(required=True)
    name = s.one(Said, required=True)
    unit = s.text(s.NAME, 0, required=True)
    now = s.one(Mean, required=True, allow_none=True)
    before = s.one(Mean, required=True, allow_none=True)
    near = s.one(Mean, required=True, allow_none=True)
    like = s.one(Mean, required=True, allow_none=True)


class Done(s.Strict):
    """A measure and the mean of the readings so many days before and after it; whether because of it is not said."""

    kind = s.choice(MEASURES, required=True)
    at = s.instant(required=True)
    text = s.text(s.TEXT, 0, required=True, allow_none=True)
    cycle = s.ident(required=True, allow_none=True)
    warning = s.text(30, required=True, allow_none=True)
    point = s.one(Said, required=True)
    unit = s.text(s.NAME, 0, required=True)
    days = s.whole(required=True)
    before = s.one(Mean, required=True, allow_none=True)
    after = s.one(Mean, required=True, allow_none=True)
    change = s.number(required=True, allow_none=True)


class Compared(s.Strict):
    """A subject beside itself and others: `near` are those of its unit, `like` all of its layer and kind."""

    id = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    layer = s.one(Said, required=True)
    track = s.one(Said, required=True, allow_none=True)
    rounds = s.many(Round, 2, required=True)
    near = s.one(Mean, required=True, allow_none=True)
    like = s.one(Mean, required=True, allow_none=True)
    points = s.many(Measured, MANY, required=True)
    measures = s.many(Done, MANY, required=True)
    as_of = s.day(required=True)


@resource.get("", asks=Filters, gives=Units)
def units(call: Call) -> dict[str, Any]:
    """Show the units that one looks after beside one another and beside all others together."""
    found = comparing.units(call.session, call.origin, call.me, Chosen(**call.query))
    kinds = [{"layer": layer, "kind": kind, "name": label(name)} for layer, kind, name in found.kinds]
    points = [{"id": number, "name": label(name), "unit": unit} for number, name, unit in found.points]
    return {"layer": found.chosen.layer, "kind": found.chosen.kind, "point": found.chosen.point or None,
            "kinds": kinds, "points": points, "spans": [span(one) for one in found.spans],
            "units": [_unit(one) for one in found.lines], "as_of": found.as_of}  # fmt: skip


@resource.get("/<int:number>", gives=Compared)
def subject(call: Call, number: int) -> dict[str, Any]:
    """Show a subject beside its last round and others like it."""
    found = comparing.subject(call.session, call.origin, call.me, number)
    of = found.subject
    return {"id": of.id, "code": of.code, "name": of.name, "layer": label(found.layer), "track": label(found.track),
            "near": mean(found.near), "like": mean(found.like), "as_of": found.as_of, **_figures(found)}  # fmt: skip


def _unit(one: Beside) -> dict[str, Any]:
    return {"name": label(one.name), "value": mean(one.value), "shares": [mean(share) for share in one.shares]}


def _figures(found: Comparison) -> dict[str, Any]:
    rounds = [{"id": one.id, "number": one.number, "period_start": one.start, "period_end": one.end, "share": share}
              for one, share in found.rounds]  # fmt: skip
    points = [{"id": one.point.id, "name": label(one.point.name), "unit": one.point.unit, "now": mean(one.now),
               "before": mean(one.before), "near": mean(one.point.near), "like": mean(one.point.like)}
              for one in found.points]  # fmt: skip
    return {"rounds": rounds, "points": points, "measures": [_measure(one) for one in found.measures]}


def _measure(one: Measure) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("kind", "at", "text", "cycle", "warning", "unit")}
    effect = one.effect
    return told | {"point": label(one.point), "days": effect.days, "before": mean(effect.before),
                   "after": mean(effect.after), "change": effect.change}  # fmt: skip
