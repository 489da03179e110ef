"""The inbox: what waits for whoever asks, and many items decided, reminded of, transferred or extended at once."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.services.cycles.acts import TEXTS
from qaflow.services.desk import bulk as inbox_bulk
from qaflow.services.desk import inbox
from qaflow.services.desk.bulk import ACTS, Bulk, Pick, Result
from qaflow.services.desk.inbox import ANY, BOXES, SORTS, Chosen, Line

resource = Resource("api_inbox", __name__, url_prefix="/inbox", description="What waits for whoever asks")
NEARNESS = ("overdue", "today", "week", "later")
"""How near a deadline is, in the order of the service's numbers."""


class Waiting(s.Strict):
    """One work item of a box."""

    id = s.ident(required=True)
    no = s.ident(required=True)
    cycle = s.ident(required=True, allow_none=True)
    kind = s.text(s.NAME, required=True)
    stage = s.text(s.NAME, 0, required=True, allow_none=True)
    holder = s.text(s.NAME, 0, required=True, allow_none=True)
    due = s.day(required=True, allow_none=True)
    nearness = s.choice(NEARNESS, required=True)
    level = s.whole(required=True)
    state = s.text(s.NAME, required=True)
    opened_at = s.instant(required=True)
    layer = s.choice(LAYERS, required=True)
    subject = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True, allow_none=True)
    number = s.whole(required=True, allow_none=True)
    sent_back = s.whole(required=True)


class Count(s.Strict):
    """How many items a box holds."""

    box = s.choice(BOXES, required=True)
    count = s.whole(required=True)


class Box(s.Strict):
    """A page of a box, how many there are as it is narrowed, and how many each box holds."""

    items = s.many(Waiting, required=True)
    next = s.text(2000, required=True, allow_none=True)
    total = s.whole(required=True)
    overdue = s.whole(required=True)
    boxes = s.many(Count, len(BOXES), required=True)


class Filters(s.Strict):
    """Which box, narrowed and ordered by what."""

    box = s.choice(BOXES, load_default="mine")
    layer = s.choice(LAYERS, load_default="")
    stage = s.text(s.NAME, load_default="")
    kind = s.text(s.NAME, load_default="")
    unit = s.ident(loose=True, load_default=0)
    nearness = s.choice(NEARNESS)
    sort = s.choice(SORTS, load_default="due")
    after = s.text(2000)


class Ticked(s.Strict):
    """One item, and the version of its cycle as it was read."""

    id = s.ident(required=True)
    version = s.whole(allow_none=True, load_default=None)


class Together(s.Strict):
    """One act on many items, with what it asks: `to` a stage, `same` or `before`; `who` by login; a day, words."""

    act = s.choice(ACTS, required=True)
    items = s.many(Ticked, inbox_bulk.MOST, 1, required=True)
    to = s.text(s.NAME, load_default="")
    who = s.text(s.NAME, load_default="")
    due = s.day()
    reason = s.text(TEXTS["reason"], load_default="")
    comment = s.text(TEXTS["comment"], load_default="")


class Doing(Together):
    """One act on many items; all of them or none, or each for itself."""

    all_or_nothing = s.flag(load_default=False)


class Outcome(s.Strict):
    """What becomes of one item: which act, or why not."""

    id = s.ident(required=True)
    cycle = s.ident(required=True, allow_none=True)
    does = s.text(s.NAME, 0, required=True)
    done = s.flag(required=True)
    code = s.text(s.NAME, required=True, allow_none=True)
    message = s.text(s.TEXT, required=True, allow_none=True)


class Outcomes(s.Strict):
    """What becomes of each item, in the order in which they were named."""

    done = s.whole(required=True)
    refused = s.whole(required=True)
    results = s.many(Outcome, inbox_bulk.MOST, required=True)


@resource.get("", asks=Filters, gives=Box)
def look(call: Call) -> dict[str, Any]:
    """Show a box, fifty items at a time."""
    asked, after = dict(call.query), call.after()
    asked.pop("after", None)
    near = asked.pop("nearness", None)
    chosen = Chosen(**asked, when=ANY if near is None else NEARNESS.index(near), after=after and tuple(after))
    found = inbox.waiting(call.session, call.origin, call.me, chosen)
    page = call.page([_waiting(line) for group in found.groups for line in group.lines], found.following)
    counts = [{"box": box, "count": found.counts.get(box, 0)} for box in BOXES]
    return page | {"total": found.total, "overdue": found.late, "boxes": counts}


@resource.post("/bulk/preview", scope="read", takes=Together, gives=Outcomes)
def preview(call: Call) -> dict[str, Any]:
    """Tell what would become of each item; nothing is done."""
    return _told(list(inbox_bulk.preview(call.session, call.origin, call.me, _bulk(call.body)).results))


@resource.post("/bulk", takes=Doing, gives=Outcomes, proves=True)
def act(call: Call) -> dict[str, Any]:
    """Act on many items."""
    whole = call.body["all_or_nothing"]
    return _told(inbox_bulk.carry_out(call.session, call.origin, call.me, _bulk(call.body), whole))


def _bulk(asked: dict[str, Any]) -> Bulk:
    words = {name: asked[name] for name in ("to", "who", "reason", "comment")}
    picks = tuple(Pick(one["id"], one["version"]) for one in asked["items"])
    return Bulk(act=asked["act"], picks=picks, due=asked["due"].isoformat() if "due" in asked else "", **words)


def _told(results: list[Result]) -> dict[str, Any]:
    told = [{"id": one.item, "cycle": one.row and one.row.cycle, "does": one.does, "done": one.refused is None,
             "code": one.refused and one.refused.code, "message": one.refused and one.refused.detail}
            for one in results]  # fmt: skip
    done = sum(one.refused is None for one in results)
    return {"done": done, "refused": len(results) - done, "results": told}


def _waiting(line: Line) -> dict[str, Any]:
    return line.row._asdict() | {"holder": line.row.holder_name, "nearness": NEARNESS[line.when]}
