"""Goals: listed, as a tree, one with what lies under it, added, changed, parted and retired."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.chain_keeping import Keeping
from qaflow.api.chain_schemas import (
    Entry,
    GoalChange,
    GoalFilters,
    Narrowed,
    NewGoal,
    Rolling,
    chosen,
    entry_body,
    rolled_body,
    texts,
)
from qaflow.api.pointing import by_field
from qaflow.api.resource import Resource
from qaflow.services.chains import acts as chain_acts
from qaflow.services.chains import findings as chain_findings
from qaflow.services.chains import trees as chains
from qaflow.services.chains.fields import TEXT
from qaflow.store.chains import Entry as Row

resource = Resource("api_goals", __name__, url_prefix="/goals", description="Goals of all layers")
TREE = 20_000
GOAL = "goal"


class Line(Entry):
    """A goal of a list; `reached` is how far it is attained by its own measure, as a share of one."""

    target = s.number(required=True, allow_none=True)
    attained = s.number(required=True, allow_none=True)
    degree = s.number(required=True, allow_none=True)
    reached = s.number(required=True, allow_none=True)


class Told(Entry):
    """A goal of the tree; `fits` where it is not shown only for what lies under it."""

    rolled = s.one(Rolling, required=True)
    subjects = s.whole(required=True)
    fits = s.flag(required=True)


class Tree(s.Strict):
    """The goals, each after the one above it."""

    whole = s.whole(required=True)
    goals = s.many(Told, TREE, required=True)


class Goal(Line):
    """One goal: where it stands, what lies under it, and what is to be said of it."""

    rolled = s.one(Rolling, required=True, allow_none=True)
    line = s.many(s.ident(), required=True)
    below = s.many(s.ident(), TREE, required=True)
    standards = s.many(s.ident(), required=True)
    tasks = s.many(s.ident(), TREE, required=True)
    findings = s.many(s.choice(chain_findings.FINDINGS), required=True)
    may_keep = s.flag(required=True)


class Part(s.Strict):
    """A part of a goal: its owner, and what it does not have from the goal."""

    owner_unit = s.text(s.NAME)
    owner = s.text(s.NAME)
    subject = s.text(s.NAME)
    weight = s.number()
    target = s.number()
    text = s.text(TEXT)


class Parts(s.Strict):
    """Among whom a goal is parted."""

    parts = s.many(Part, chain_acts.MOST_PARTS, 1, required=True)


class Made(s.Strict):
    """The goals that were made."""

    goals = s.many(s.ident(), chain_acts.MOST_PARTS, required=True)


@resource.get("", asks=GoalFilters, gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the goals that one may read."""
    return KEEPING.listed(call, lambda row, found: _line(row, found.shares.get(row.id)))


@resource.get("/tree", asks=Narrowed, gives=Tree)
def tree(call: Call) -> dict[str, Any]:
    """Show the goals of all layers with their roll-up, each after the one above it."""
    found = chains.tree(call.session, call.origin, call.me, chosen(call.query))
    told = [entry_body(one.entry) | {"rolled": rolled_body(one.rolled), "subjects": one.subjects, "fits": one.fits}
            for one in found.lines]  # fmt: skip
    return {"whole": found.whole, "goals": told}


@resource.get("/<int:number>", gives=Goal)
def show(call: Call, number: int) -> Answer:
    """Show a goal; its tag is its version."""
    return _shown(call, number)


@resource.post("", takes=NewGoal, gives=Goal, status=201)
def add(call: Call) -> Answer:
    """Add a goal; the same once more is the one that stands."""
    return KEEPING.add(call)


@resource.patch("/<int:number>", takes=GoalChange, gives=Goal)
def change(call: Call, number: int) -> Answer:
    """Change a goal; what is not named stays, null takes away."""
    return KEEPING.change(call, number)


@resource.post("/<int:number>/retire", gives=Goal, matches=True)
def retire(call: Call, number: int) -> Answer:
    """Retire a goal: it stays readable and is counted no more."""
    return KEEPING.retire(call, number)


@resource.post("/<int:number>/decompose", takes=Parts, gives=Made, matches=True)
def decompose(call: Call, number: int) -> dict[str, Any]:
    """Part a goal among units, persons and subjects in one act."""
    version = KEEPING.held(call, number)
    parts = [texts(part) for part in call.body["parts"]]
    with by_field(lambda field: "/parts/" + field.replace("-", "/", 1)):
        return {"goals": chain_acts.decompose(call.session, call.origin, call.me, number, version, parts)}


def _shown(call: Call, number: int) -> Answer:
    found = chains.goal(call.session, call.origin, call.me, number)
    more = {"rolled": found.told and rolled_body(found.told.rolled), "line": [one.id for one in found.line],
            "below": [*(one.entry.id for one in found.below), *(one.id for one in found.ends)],
            "standards": [one.id for one in found.standards], "tasks": [one.id for one in found.tasks],
            "findings": chain_findings.of_goal(call.session, call.origin, call.me, number),
            "may_keep": found.may_keep}  # fmt: skip
    return Answer(body=_line(found.entry, found.share) | more, tag=str(found.entry.version))


def _line(row: Row, share: float | None) -> dict[str, Any]:
    return entry_body(row) | {"target": row.target, "attained": row.attained, "degree": row.degree, "reached": share}


def _version(call: Call, number: int) -> int:
    return chains.goal(call.session, call.origin, call.me, number).entry.version


KEEPING = Keeping(what=GOAL, path="/api/v1/goals", version=_version, shown=_shown)
