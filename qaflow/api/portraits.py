"""Portraits: the subjects whose portraits one may read, and one of them whole."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.figures import ADDRESSED, Mean, Said, Span, counted, label, mean, named, span
from qaflow.api.points import Limit
from qaflow.api.resource import Resource
from qaflow.engine.control import MAJOR, MINOR, Limits
from qaflow.services.figures import portraits
from qaflow.services.figures.portraits import CHAIN, LINES, ROUNDS, TESTS, WARNINGS, Chosen, Goal, Point, Portrait
from qaflow.store.portraits import Subject, Warned

resource = Resource("api_portraits", __name__, url_prefix="/portraits", description="Portraits of subjects")
MANY = 1000
READINGS = 100_000


class Line(s.Strict):
    """A subject."""

    id = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    layer = s.text(s.NAME, required=True)
    kind = s.text(s.NAME, required=True, allow_none=True)
    tier = s.text(s.NAME, required=True, allow_none=True)
    unit = s.one(Said, required=True)
    responsible = s.text(s.NAME, required=True, allow_none=True)
    starts = s.day(required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    ended = s.flag(required=True)


class Filters(s.Strict):
    """By what the subjects are narrowed: words in code or name, a layer, those one answers for, ended ones too."""

    q = s.text(ADDRESSED, load_default="")
    layer = s.text(ADDRESSED, load_default="")
    mine = s.choice(("yes", "no"), load_default="no")
    ended = s.choice(("yes", "no"), load_default="no")
    after = s.text(2000)


class Aim(s.Strict):
    """A goal of the subject's own or of its layer, and how far it is; `met` is null where that cannot be said."""

    own = s.flag(required=True)
    text = s.one(Said, required=True)
    indicator = s.text(s.TEXT, 0, required=True, allow_none=True)
    target = s.number(required=True, allow_none=True)
    unit = s.text(s.NAME, 0, required=True, allow_none=True)
    direction = s.text(s.NAME, required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    value = s.number(required=True, allow_none=True)
    met = s.flag(required=True, allow_none=True)


class Standard(s.Strict):
    """A standard with the value that meets it."""

    own = s.flag(required=True)
    text = s.one(Said, required=True)
    indicator = s.text(s.TEXT, 0, required=True, allow_none=True)
    target = s.text(s.TEXT, 0, required=True)


class Dated(s.Strict):
    """Limits from a day on; the first may hold from ever."""

    valid_from = s.day(required=True, allow_none=True)
    limits = s.one(Limit, required=True)


class Measured(s.Strict):
    """One reading."""

    at = s.instant(required=True)
    value = s.number(required=True)


class Read(s.Strict):
    """A control point: readings, limits, the means of others in the unit (`near`) and of all like it (`like`)."""

    id = s.ident(required=True)
    name = s.one(Said, required=True)
    unit = s.text(s.NAME, 0, required=True)
    severity = s.choice((MINOR, MAJOR), required=True, allow_none=True)
    limits = s.one(Limit, required=True)
    dated = s.many(Dated, MANY, required=True)
    readings = s.many(Measured, READINGS, required=True)
    near = s.one(Mean, required=True, allow_none=True)
    like = s.one(Mean, required=True, allow_none=True)


class Round(s.Strict):
    """A cycle of the subject: of `due` stages whose deadline passed, `met` were handed in by it."""

    id = s.ident(required=True)
    track = s.text(s.NAME, required=True)
    name = s.one(Said, required=True)
    number = s.whole(required=True)
    period_start = s.day(required=True)
    period_end = s.day(required=True)
    status = s.text(s.NAME, required=True)
    outcome = s.text(s.NAME, required=True, allow_none=True)
    due = s.whole(required=True)
    met = s.whole(required=True)


class Alert(s.Strict):
    """A warning of the subject."""

    id = s.text(30, required=True)
    point = s.ident(required=True, allow_none=True)
    about = s.one(Said, required=True, allow_none=True)
    kind = s.text(s.NAME, required=True)
    severity = s.choice((MINOR, MAJOR), required=True)
    state = s.text(s.NAME, required=True)
    opened_at = s.instant(required=True)
    closed_at = s.instant(required=True, allow_none=True)


class Term(s.Strict):
    """The warnings that were opened in a term."""

    term = s.one(Span, required=True)
    opened = s.whole(required=True)
    major = s.whole(required=True)


class Score(s.Strict):
    """The mean grade of an element of a self-test."""

    name = s.one(Said, required=True)
    value = s.number(required=True, allow_none=True)


class Test(s.Strict):
    """One's own self-test in a term."""

    name = s.one(Said, required=True)
    term = s.text(s.NAME, required=True)
    scores = s.many(Score, MANY, required=True)


class Tier(s.Strict):
    """A class that the subject's layer tells apart."""

    key = s.text(s.NAME, required=True)
    name = s.one(Said, required=True)


class Drawn(s.Strict):
    """A portrait; the means of others are as of a day."""

    subject = s.one(Line, required=True)
    layer = s.one(Said, required=True)
    tiers = s.many(Tier, MANY, required=True)
    goals = s.many(Aim, CHAIN, required=True)
    standards = s.many(Standard, CHAIN, required=True)
    points = s.many(Read, MANY, required=True)
    rounds = s.many(Round, ROUNDS, required=True)
    warnings = s.many(Alert, WARNINGS, required=True)
    terms = s.many(Term, MANY, required=True)
    tests = s.many(Test, TESTS, required=True)
    as_of = s.day(required=True)


@resource.get("", asks=Filters, gives=s.listing(Line, LINES, many=s.whole(required=True)))
def listed(call: Call) -> dict[str, Any]:
    """List the subjects whose portraits one may read."""
    asked, page = call.query, call.after() or 1
    chosen = Chosen(text=asked["q"], layer=asked["layer"], mine=int(asked["mine"] == "yes"),
                    ended=asked["ended"] == "yes", page=page)  # fmt: skip
    found = portraits.listed(call.session, call.origin, call.me, chosen)
    return counted(call, [line(one) for one in found.lines], found.many, page, found.more)


@resource.get("/<int:number>", gives=Drawn)
def show(call: Call, number: int) -> dict[str, Any]:
    """Show a subject's portrait."""
    found = portraits.look(call.session, call.origin, call.me, number)
    return {"subject": line(found.subject), "layer": label(found.layer), "as_of": found.as_of, **_figures(found)}


def line(of: Subject) -> dict[str, Any]:
    """Return a subject as lists give it."""
    told = {name: getattr(of, name) for name in Line().fields if hasattr(of, name)}
    return told | {"unit": named(of.unit_zh, of.unit_en), "responsible": of.person, "ended": bool(of.ended)}


def _figures(found: Portrait) -> dict[str, Any]:
    return {
        "tiers": [{"key": tier.key, "name": label(tier.name)} for tier in found.tiers],
        "goals": [goal(one) for one in found.goals],
        "standards": [one._asdict() | {"text": label(one.text)} for one in found.standards],
        "points": [point(one) for one in found.points],
        "rounds": [dict(zip(CYCLE, one, strict=True)) | {"name": label(name)} for name, one in found.rounds],
        "warnings": [warned(one) for one in found.warnings],
        "terms": [{"term": span(one.span), "opened": one.opened, "major": one.major} for one in found.terms],
        "tests": [{"name": label(one.name), "term": one.term, "scores": [
            {"name": label(name), "value": value} for name, value in one.scores]} for one in found.tests],
    }  # fmt: skip


CYCLE = ("id", "track", "number", "period_start", "period_end", "status", "outcome", "due", "met")


def goal(one: Goal) -> dict[str, Any]:
    """Return a goal of a portrait."""
    return one._asdict() | {"text": label(one.text)}


def warned(one: Warned) -> dict[str, Any]:
    """Return a warning of a portrait."""
    return {name: getattr(one, name, None) for name in Alert().fields} | {"about": named(one.zh, one.en)}


def point(one: Point) -> dict[str, Any]:
    """Return a control point of a portrait with its readings."""
    dated = [{"valid_from": day or None, "limits": limits(held)} for day, held in one.steps]
    readings = [{"at": at, "value": value} for at, value in one.readings]
    others = {"near": mean(one.near), "like": mean(one.like)}
    return others | {"id": one.id, "name": label(one.name), "unit": one.unit, "severity": one.severity,
                     "limits": limits(one.limits), "dated": dated, "readings": readings}  # fmt: skip


def limits(given: Limits) -> dict[str, Any]:
    """Return limits with their target."""
    return {name: getattr(given, name) for name in Limit().fields}
