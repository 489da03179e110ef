"""Cycles: those one may see, one of them with what may be done there, its history, and acts on it."""

from __future__ import annotations

from typing import Any

from marshmallow import post_load

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.engine.decide import ACTIONS
from qaflow.engine.definition import LAYERS
from qaflow.errors import Missing
from qaflow.services.accounts import profile
from qaflow.services.cycles import (
    acts as cycles,
)
from qaflow.services.cycles import (
    doors as cycle_doors,
)
from qaflow.services.cycles import (
    listing as cycle_list,
)
from qaflow.services.cycles import (
    page as cycle_page,
)
from qaflow.services.cycles import (
    starting,
)
from qaflow.services.cycles.listing import SORTS, STATUS, Chosen
from qaflow.services.cycles.page import CyclePage

resource = Resource("api_cycles", __name__, url_prefix="/cycles", description="Quality spirals, their stages and acts")


class Line(s.Strict):
    """One cycle of a list."""

    id = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    code = s.text(s.NAME, required=True)
    layer = s.choice(LAYERS, required=True)
    track = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    status = s.choice(("running", "suspended", "closed", "cancelled"), required=True)
    outcome = s.text(s.NAME, required=True, allow_none=True)
    stage = s.text(s.NAME, 0, required=True)
    leaf = s.text(s.NAME, 0, required=True)
    due = s.day(required=True, allow_none=True)
    warnings = s.whole(required=True)
    start = s.day(required=True)
    end = s.day(required=True)
    responsible = s.text(s.NAME, required=True, allow_none=True)


class Item(s.Strict):
    """One open work item of a cycle."""

    no = s.ident(required=True)
    kind = s.text(s.NAME, required=True)
    stage = s.text(s.NAME, 0, required=True, allow_none=True)
    holder = s.text(s.NAME, 0, required=True, allow_none=True)
    mine = s.flag(required=True)
    due = s.day(required=True, allow_none=True)
    allowed = s.many(s.choice(ACTIONS), required=True)


class Warned(s.Strict):
    """One open warning of a cycle."""

    id = s.text(s.NAME, required=True)
    state = s.text(s.NAME, required=True)
    severity = s.text(s.NAME, required=True)
    due = s.day(required=True, allow_none=True)
    holder = s.text(s.NAME, 0, required=True, allow_none=True)
    allowed = s.many(s.choice(ACTIONS), required=True)


class Cycle(s.Strict):
    """Where a cycle stands, and what whoever asks may do there."""

    id = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    code = s.text(s.NAME, required=True)
    layer = s.choice(LAYERS, required=True)
    track = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    status = s.choice(("running", "suspended", "closed", "cancelled"), required=True)
    outcome = s.text(s.NAME, required=True, allow_none=True)
    state = s.text(s.NAME, required=True)
    stage = s.text(s.NAME, 0, required=True)
    leaf = s.text(s.NAME, 0, required=True)
    visit = s.whole(required=True)
    revision = s.whole(required=True)
    version = s.whole(required=True)
    due = s.day(required=True, allow_none=True)
    start = s.day(required=True)
    end = s.day(required=True)
    responsible = s.text(s.NAME, required=True, allow_none=True)
    allowed = s.many(s.choice(ACTIONS), required=True)
    items = s.many(Item, 1000, required=True)
    warnings = s.many(Warned, 1000, required=True)


class Entry(s.Strict):
    """One fact of a cycle's history; hashes chain each to the one before."""

    seq = s.ident(required=True)
    kind = s.text(s.NAME, required=True)
    at = s.instant(required=True)
    recorded_at = s.instant(required=True)
    actor = s.text(s.NAME, 0, required=True, allow_none=True)
    on_behalf_of = s.text(s.NAME, 0, required=True, allow_none=True)
    door = s.text(s.NAME, required=True)
    stage = s.text(s.NAME, 0, required=True, allow_none=True)
    words = s.many(s.text(s.TEXT, 0), required=True)
    hash = s.text(64, 64, required=True)


class Filters(s.Strict):
    """By what the list can be narrowed and ordered: unless told, the nearest deadline stands first."""

    layer = s.choice(LAYERS)
    track = s.text(s.NAME)
    stage = s.text(s.NAME)
    unit = s.ident(loose=True)
    status = s.choice(STATUS)
    term = s.text(s.NAME)
    q = s.text(s.NAME)
    sort = s.choice(SORTS, load_default="due")
    limit = s.whole(1, s.LISTED, loose=True, load_default=cycle_list.LINES)
    after = s.text(2000)


class Onward(s.Strict):
    """Where in a list to go on, and how far."""

    limit = s.whole(1, s.LISTED, loose=True, load_default=50)
    after = s.text(2000)


class NewCycle(s.Strict):
    """Which subject's cycle is to start: for the period that holds a day, today unless told."""

    layer = s.choice(LAYERS, required=True)
    subject = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True)
    day = s.day()
    from_stage = s.text(s.NAME)


class Act(s.Strict):
    """The data of an act; which of them an act takes is told by the faults of one that it does not take."""

    reason = s.text(cycles.TEXTS["reason"])
    comment = s.text(cycles.TEXTS["comment"])
    text = s.text(cycles.TEXTS["text"])
    cause = s.text(cycles.TEXTS["cause"])
    measure = s.text(cycles.TEXTS["measure"])
    to = s.text(2000)
    person = s.text(s.NAME)
    stage = s.text(s.NAME)
    scope = s.text(s.NAME)
    category = s.text(s.NAME)
    point = s.text(s.NAME)
    warning = s.text(30, pattern=r"^s?[0-9]{1,18}\.[0-9]{1,9}$")
    item = s.ident()
    sheet = s.ident()
    due = s.day()
    content = s.form()

    @post_load
    def plain(self, found: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return it as the engine takes it: a day as its text."""
        return found | ({"due": found["due"].isoformat()} if "due" in found else {})


@resource.get("", asks=Filters, gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the cycles that one may see."""
    asked = {name: value for name, value in call.query.items() if name not in ("after", "limit")}
    after = call.after()
    chosen = Chosen(**asked, after=after and tuple(after), lines=call.query["limit"])
    found = cycle_list.listed(call.session, call.origin, call.me, chosen)
    return call.page([line.row._asdict() for line in found.lines], found.following)


@resource.post("", scope="office", takes=NewCycle, gives=Cycle, status=201)
def start(call: Call) -> Answer:
    """Start a subject's cycle, or adopt one that runs already at the stage where it stands."""
    asked, college = call.body, profile.college(call.session, call.me)
    if college is None:
        raise Missing("college.not_found", "you belong to no college")
    day = asked["day"].isoformat() if "day" in asked else None
    made = starting.on_demand(call.session, call.origin, call.me.person, college.key, asked["layer"],
                              asked["subject"], asked["track"], day, asked.get("from_stage"))  # fmt: skip
    shown = _shown(call, made["id"])
    return Answer(body=shown.body, tag=shown.tag, location=f"/api/v1/cycles/{made['id']}")


@resource.get("/<int:number>", gives=Cycle)
def show(call: Call, number: int) -> Answer:
    """Show a cycle and what one may do there."""
    return _shown(call, number)


@resource.get("/<int:number>/history", asks=Onward, gives=s.listing(Entry))
def history(call: Call, number: int) -> dict[str, Any]:
    """List the facts of a cycle in the order in which they came."""
    after, limit = call.after() or 0, call.query["limit"]
    facts = [fact for fact in cycle_page.look(call.session, call.origin, number).history if fact["seq"] > after]
    return call.page(list(map(_entry, facts[:limit])), facts[limit - 1]["seq"] if len(facts) > limit else None)


@resource.post(
    "/<int:number>/actions/<action>", takes=Act, gives=Cycle, matches=True, proves=True, words={"action": list(ACTIONS)}
)
def act(call: Call, number: int, action: str) -> Answer:
    """Act on a cycle; a refusal names what is allowed."""
    if action not in ACTIONS:
        raise Missing("action.unknown", f"action {action!r} is unknown")
    stands = cycle_doors.act(call.session, call.origin, number, action, call.body, call.revision)
    if stands is not None and call.minimal:
        return Answer(body=None, tag=f"{stands['revision']}.{stands['version']}")
    return _shown(call, number)


def _shown(call: Call, number: int) -> Answer:
    page = cycle_page.look(call.session, call.origin, number)
    return Answer(body=_cycle(page), tag=f"{page.snap.revision}.{page.snap.version}")


def _cycle(page: CyclePage) -> dict[str, Any]:
    told = cycles.describe(page.snap, tuple(cycle_doors.allowed(page)))
    names = {"subject": page.row["name"], "code": page.row["subject"], "responsible": page.row["responsible"]}
    return told | names | {
        "start": page.snap.start, "end": page.snap.end,
        "items": [_item(one) for one in page.owed], "warnings": [_warned(one) for one in page.warnings],
    }  # fmt: skip


def _item(one: cycle_page.Owed) -> dict[str, Any]:
    return {"no": one.no, "kind": one.kind, "stage": one.stage, "holder": one.holder, "mine": one.mine,
            "due": one.due, "allowed": one.acts}  # fmt: skip


def _warned(one: cycle_page.Warned) -> dict[str, Any]:
    life = one.life
    return {"id": life.id, "state": life.state, "severity": life.severity, "due": one.due, "holder": one.holder,
            "allowed": one.acts}  # fmt: skip


def _entry(fact: dict[str, Any]) -> dict[str, Any]:
    stage = fact["data"].get("stage")
    words = [text for text in fact["texts"].values() if text]
    return fact | {"stage": stage if isinstance(stage, str) else None, "words": words}
