"""What one's roles cover, in numbers with their trends, and the lists behind the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.figures import ADDRESSED, Said, Span, counted, label, named, span
from qaflow.api.resource import Resource
from qaflow.engine.control import MAJOR, MINOR
from qaflow.services.figures import overview
from qaflow.services.figures.overview import LINES, OWN, SECTIONS, TASK_KINDS, WHATS, Chosen, Section

resource = Resource("api_overview", __name__, url_prefix="/overview", description="What one's roles cover, in figures")
GROUPS = 100
SPANS = 12


class Count(s.Strict):
    """How many a number counts; `GET /overview/list` with the same `what` shows them."""

    what = s.choice(WHATS, required=True)
    many = s.whole(required=True)


class Group(s.Strict):
    """The numbers of a layer, or of a kind of task."""

    group = s.text(s.NAME, required=True)
    name = s.one(Said, required=True, allow_none=True)
    numbers = s.many(Count, len(WHATS), required=True)


class Trend(s.Strict):
    """One number in each span, in their order."""

    what = s.choice(WHATS, required=True)
    many = s.many(s.whole(), SPANS, required=True)


class Part(s.Strict):
    """Goals, warnings, rounds or tasks: the numbers in all, by group, and over time."""

    key = s.choice(SECTIONS, required=True)
    total = s.many(Count, len(WHATS), required=True)
    groups = s.many(Group, GROUPS, required=True)
    spans = s.many(Span, SPANS, required=True)
    trends = s.many(Trend, len(WHATS), required=True)


class Own(s.Strict):
    """A subject for which one answers."""

    id = s.ident(required=True)
    name = s.text(s.NAME, required=True)
    layer = s.one(Said, required=True)


class Overview(s.Strict):
    """All of it; `lists` says whether the numbers open their lists, `more_own` how many more subjects are one's own."""

    whole = s.flag(required=True)
    covers = s.flag(required=True)
    lists = s.flag(required=True)
    sections = s.many(Part, len(SECTIONS), required=True)
    own = s.many(Own, OWN, required=True)
    more_own = s.whole(required=True)


class Filters(s.Strict):
    """Which number is meant, of which group (a layer, or a kind of task) and in which span."""

    what = s.choice(WHATS, load_default="running")
    group = s.text(ADDRESSED, load_default="")
    span = s.text(ADDRESSED, load_default="")
    after = s.text(2000)


class Goal(s.Strict):
    """A goal and how far it is."""

    id = s.ident(required=True)
    text = s.one(Said, required=True)
    layer = s.text(s.NAME, required=True)
    subject = s.ident(required=True, allow_none=True)
    name = s.text(s.NAME, required=True, allow_none=True)
    target = s.number(required=True, allow_none=True)
    unit = s.text(s.NAME, 0, required=True, allow_none=True)
    direction = s.text(s.NAME, required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    value = s.number(required=True, allow_none=True)


class Warned(s.Strict):
    """A warning; it is named after its control point or task."""

    id = s.text(30, required=True)
    subject = s.ident(required=True)
    name = s.text(s.NAME, required=True)
    layer = s.text(s.NAME, required=True)
    about = s.one(Said, required=True, allow_none=True)
    kind = s.text(s.NAME, required=True)
    severity = s.choice((MINOR, MAJOR), required=True)
    state = s.text(s.NAME, required=True)
    opened_at = s.instant(required=True)
    closed_at = s.instant(required=True, allow_none=True)


class Round(s.Strict):
    """A cycle of a round."""

    id = s.ident(required=True)
    subject = s.ident(required=True)
    name = s.text(s.NAME, required=True)
    layer = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    period_start = s.day(required=True)
    period_end = s.day(required=True)
    due = s.day(required=True, allow_none=True)
    outcome = s.text(s.NAME, required=True, allow_none=True)
    closed_at = s.instant(required=True, allow_none=True)
    responsible = s.text(s.NAME, required=True, allow_none=True)


class Task(s.Strict):
    """A task of a plan."""

    id = s.ident(required=True)
    plan = s.text(s.NAME, required=True)
    no = s.whole(required=True, allow_none=True)
    title = s.one(Said, required=True)
    unit = s.one(Said, required=True, allow_none=True)
    due = s.day(required=True, allow_none=True)
    state = s.text(s.NAME, required=True)
    owner = s.text(s.NAME, required=True, allow_none=True)
    task_kind = s.choice(TASK_KINDS, required=True)


class Line(s.Strict):
    """One thing that a number counts: a goal, a warning, a round or a task; the other three are null."""

    goal = s.one(Goal, required=True, allow_none=True)
    warning = s.one(Warned, required=True, allow_none=True)
    round = s.one(Round, required=True, allow_none=True)
    task = s.one(Task, required=True, allow_none=True)


@resource.get("", gives=Overview)
def show(call: Call) -> dict[str, Any]:
    """Show what one's roles cover."""
    found = overview.look(call.session, call.origin, call.me)
    own = [{"id": one.id, "name": one.name, "layer": label(one.layer)} for one in found.own]
    return {"whole": found.whole, "covers": found.covers, "lists": found.lists, "more_own": found.more_own,
            "own": own, "sections": [_part(section) for section in found.sections]}  # fmt: skip


@resource.get("/list", asks=Filters, gives=s.listing(Line, LINES, many=s.whole(required=True)))
def behind(call: Call) -> dict[str, Any]:
    """List what a number counts."""
    page = call.after() or 1
    chosen = Chosen(what=call.query["what"], group=call.query["group"], span=call.query["span"], page=page)
    found = overview.behind(call.session, call.origin, call.me, chosen)
    place, shape = SHAPES[found.kind]
    nothing = dict.fromkeys(Line().fields)
    return counted(call, [nothing | {place: shape(row)} for row in found.lines], found.many, page, found.more)


def _part(section: Section) -> dict[str, Any]:
    groups = [{"group": row.group, "name": label(row.name), "numbers": _counts(row.numbers)} for row in section.rows]
    trends = [{"what": what, "many": many} for what, many in section.trend.items()]
    return {"key": section.key, "total": _counts(section.total), "groups": groups,
            "spans": [span(one) for one in section.spans], "trends": trends}  # fmt: skip


def _counts(numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"what": what, "many": many} for what, many in numbers.items()]


def _goal(row: Sequence[Any]) -> dict[str, Any]:
    number, zh, en, *rest = row
    names = ("layer", "subject", "name", "target", "unit", "direction", "ends", "value")
    return {"id": number, "text": named(zh, en), **dict(zip(names, rest, strict=True))}


def _warned(row: Sequence[Any]) -> dict[str, Any]:
    number, subject, name, layer, zh, en, *rest = row
    names = ("kind", "severity", "state", "opened_at", "closed_at")
    told = {"id": number, "subject": subject, "name": name, "layer": layer, "about": named(zh, en)}
    return told | dict(zip(names, rest, strict=True))


def _round(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(Round().fields, row, strict=True))


def _task(row: Sequence[Any]) -> dict[str, Any]:
    number, plan, no, zh, en, unit_zh, unit_en, due, state, owner, kind = row
    return {"id": number, "plan": plan, "no": no, "title": named(zh, en), "unit": named(unit_zh, unit_en), "due": due,
            "state": state, "owner": owner, "task_kind": kind}  # fmt: skip


SHAPES = {"goals": ("goal", _goal), "warnings": ("warning", _warned), "rounds": ("round", _round),
          "closed": ("round", _round), "tasks": ("task", _task)}  # fmt: skip
"""How the rows of each kind are given, and where."""
