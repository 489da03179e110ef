"""Warnings: those one may see, one with its life and its readings, and its next step."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.engine.control import MAJOR, MINOR
from qaflow.engine.decide import ACTIONS
from qaflow.engine.definition import CATEGORIES, LAYERS, SCOPES
from qaflow.errors import Missing
from qaflow.services.cycles import doors as cycle_doors
from qaflow.services.cycles import warnings
from qaflow.services.cycles.acts import TEXTS
from qaflow.services.cycles.warnings import ANY, CLOSED, OPEN, Chosen, Story
from qaflow.store.warnings import SORTS

resource = Resource("api_warnings", __name__, url_prefix="/warnings", description="Warnings and what became of them")
STEPS = ("acknowledge", "correct", "confirm", "dismiss", "approve", "reject")
POINTS = 1000


class Line(s.Strict):
    """A warning of a list."""

    id = s.text(30, required=True)
    cycle = s.ident(required=True, allow_none=True)
    kind = s.text(s.NAME, required=True)
    severity = s.choice((MINOR, MAJOR), required=True)
    state = s.text(s.NAME, required=True)
    opened_at = s.instant(required=True)
    closed_at = s.instant(required=True, allow_none=True)
    value = s.number(required=True, allow_none=True)
    limit = s.text(s.NAME, required=True, allow_none=True)
    name = s.text(s.NAME, required=True)
    layer = s.choice(LAYERS, required=True)
    track = s.text(s.NAME, required=True, allow_none=True)
    number = s.whole(required=True, allow_none=True)
    point = s.ident(required=True, allow_none=True)
    days = s.whole(required=True, allow_none=True)


class Measured(s.Strict):
    """A reading about the warning."""

    id = s.ident(required=True)
    at = s.instant(required=True)
    value = s.number(required=True)
    source = s.text(s.NAME, required=True)
    severity = s.choice((MINOR, MAJOR), required=True, allow_none=True)
    opening = s.flag(required=True)


class Event(s.Strict):
    """One step of a warning's life; `words` are what people said."""

    kind = s.text(s.NAME, required=True)
    at = s.instant(required=True)
    who = s.text(s.NAME, required=True, allow_none=True)
    words = s.many(s.text(s.TEXT, 0), required=True)


class Warned(Line):
    """A warning with its life, the readings about it, and what whoever asks may do."""

    allowed = s.many(s.choice(ACTIONS), required=True)
    life = s.many(Event, 1000, required=True)
    readings = s.many(Measured, POINTS, required=True)


class Filters(s.Strict):
    """By what the list can be narrowed and ordered: unless told, the gravest and oldest, or the last settled, first."""

    box = s.choice((OPEN, CLOSED), load_default=OPEN)
    layer = s.choice(LAYERS, load_default="")
    unit = s.ident(loose=True, load_default=0)
    state = s.text(s.NAME, load_default="")
    severity = s.choice((MINOR, MAJOR), load_default="")
    kind = s.text(s.NAME, load_default="")
    mine = s.choice(("yes", "no"), load_default="no")
    sort = s.choice(SORTS, load_default="")
    after = s.text(2000)


class Step(s.Strict):
    """What a step asks: a cause, a measure and how far it reaches, a reason."""

    cause = s.text(TEXTS["cause"])
    category = s.choice(CATEGORIES)
    measure = s.text(TEXTS["measure"])
    scope = s.choice(SCOPES)
    reason = s.text(TEXTS["reason"])
    comment = s.text(TEXTS["comment"])


@resource.get("", asks=Filters, gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the warnings that one may see."""
    asked = dict(call.query)
    asked.pop("after", None)
    mine = int(asked.pop("mine") == "yes")
    chosen = Chosen(**asked, mine=mine, age=ANY, after=call.after() or "")
    found = warnings.listed(call.session, call.origin, call.me, chosen)
    return call.page([line.row._asdict() | {"days": line.days} for line in found.lines], found.following)


@resource.get("/<warning>", gives=Warned)
def show(call: Call, warning: str) -> Answer:
    """Show a warning; its tag is its cycle's, which its steps name."""
    return _shown(warnings.look(call.session, call.origin, call.me, warning[: s.NAME]))


@resource.post("/<warning>/<step>", takes=Step, gives=Warned, words={"step": list(STEPS)}, matches=True, proves=True)
def act(call: Call, warning: str, step: str) -> Answer:
    """Take a step: acknowledge, correct, confirm, dismiss, approve, reject."""
    found = warnings.look(call.session, call.origin, call.me, warning[: s.NAME])
    if step not in STEPS or found.row.cycle is None:
        raise Missing("action.unknown", f"{step!r} is no step of this warning")
    args = call.body | {"warning": found.row.id}
    cycle_doors.act(call.session, call.origin, found.row.cycle, step, args, call.revision)
    return _shown(warnings.look(call.session, call.origin, call.me, found.row.id))


def _shown(story: Story) -> Answer:
    life = [{"kind": one.kind, "at": one.at, "who": one.who, "words": [text for text in one.texts.values() if text]}
            for one in story.life]  # fmt: skip
    snap = story.page and story.page.snap
    body = story.row._asdict() | {"days": story.days, "allowed": story.acts, "life": life,
                                  "readings": story.readings[:POINTS]}  # fmt: skip
    return Answer(body=body, tag=f"{snap.revision}.{snap.version}" if snap else "")
