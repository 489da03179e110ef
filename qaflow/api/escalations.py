"""Escalations: overdue work that came to whoever asks or lies in their scope, one item with its ladder, acts on it."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.services.cycles import doors as cycle_doors
from qaflow.services.cycles.acts import TEXTS
from qaflow.services.desk import escalations, overdue
from qaflow.services.desk.escalations import ANY, BOXES, MINE, Chosen, Line
from qaflow.services.desk.overdue import Case
from qaflow.store.escalations import Row

resource = Resource("api_escalations", __name__, url_prefix="/escalations", description="Overdue work that was raised")
NEARNESS = ("today", "week", "later", "none")
"""When the next level of a ladder comes, in the order of the service's numbers."""
ON_ITEM = ("remind", "extend", "transfer", "take_over")
REACHED = ("fired", "skipped", "next", "ahead")


class Rung(s.Strict):
    """One level of a ladder: whom it asks, when, what it does, and how far it is."""

    level = s.whole(1, required=True)
    role = s.one(s.Named, required=True)
    name = s.text(s.NAME, 0, required=True, allow_none=True)
    day = s.day(required=True, allow_none=True)
    act = s.text(s.NAME, required=True)
    state = s.choice(REACHED, required=True)
    mine = s.flag(required=True)


class Late(s.Strict):
    """One overdue item, with its ladder."""

    id = s.ident(required=True)
    cycle = s.ident(required=True)
    no = s.ident(required=True)
    kind = s.text(s.NAME, required=True)
    stage = s.text(s.NAME, 0, required=True)
    visit = s.whole(required=True)
    holder = s.text(s.NAME, 0, required=True, allow_none=True)
    due = s.day(required=True)
    level = s.whole(required=True)
    next_level = s.whole(required=True, allow_none=True)
    next_at = s.instant(required=True, allow_none=True)
    opened_at = s.instant(required=True)
    layer = s.choice(LAYERS, required=True)
    unit = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    ladder = s.many(Rung, required=True)
    reminded = s.whole(required=True)
    last_reminded = s.instant(required=True, allow_none=True)


class Raised(Late):
    """One overdue item of a list, and when its next level comes."""

    nearness = s.choice(NEARNESS, required=True)


class Count(s.Strict):
    """How many items a list holds."""

    box = s.choice(BOXES, required=True)
    count = s.whole(required=True)


class Box(s.Strict):
    """A page of a list, how many there are as it is narrowed, and how many each list holds."""

    items = s.many(Raised, required=True)
    next = s.text(2000, required=True, allow_none=True)
    total = s.whole(required=True)
    boxes = s.many(Count, len(BOXES), required=True)


class Event(s.Strict):
    """Something that befell the item; without `who` it was the program."""

    kind = s.text(s.NAME, required=True)
    at = s.instant(required=True)
    who = s.text(s.NAME, 0, required=True, allow_none=True)
    on_behalf_of = s.text(s.NAME, 0, required=True, allow_none=True)
    to = s.text(s.NAME, 0, required=True, allow_none=True)
    words = s.many(s.text(s.TEXT, 0), required=True)


class Deadline(s.Strict):
    """One deadline that the item had, the present one last, and the levels that fired on it."""

    number = s.ident(required=True)
    due = s.day(required=True)
    fired = s.many(s.whole(1), required=True)


class Item(Late):
    """One item, what befell it, what whoever asks may do, and the ladder of the day that `due` proposes."""

    state = s.text(s.NAME, required=True)
    late = s.whole(required=True, allow_none=True)
    mine = s.flag(required=True)
    allowed = s.many(s.choice(ON_ITEM), required=True)
    deadlines = s.many(Deadline, 1000, required=True)
    events = s.many(Event, 1000, required=True)
    preview = s.many(Rung, required=True)


class Filters(s.Strict):
    """Which list, and by what it is narrowed."""

    box = s.choice(BOXES, load_default=MINE)
    layer = s.choice(LAYERS, load_default="")
    kind = s.text(s.NAME, load_default="")
    unit = s.ident(loose=True, load_default=0)
    level = s.whole(0, 99, loose=True, load_default=ANY)
    nearness = s.choice(NEARNESS)
    after = s.text(2000)


class Proposal(s.Strict):
    """Another deadline, whose ladder is shown beside."""

    due = s.day(load_default=None)


class Extension(s.Strict):
    """The new day, and why."""

    due = s.day(required=True)
    reason = s.text(TEXTS["reason"], required=True)


class Transfer(s.Strict):
    """To whom the work goes (login or name), and why."""

    to = s.text(s.NAME, required=True)
    reason = s.text(TEXTS["reason"], required=True)


class Reason(s.Strict):
    """Why it is done."""

    reason = s.text(TEXTS["reason"], required=True)


@resource.get("", asks=Filters, gives=Box)
def listed(call: Call) -> dict[str, Any]:
    """List the overdue work that came to whoever asks, or another of the lists."""
    asked = {name: value for name, value in call.query.items() if name not in ("after", "nearness")}
    when = NEARNESS.index(call.query["nearness"]) if "nearness" in call.query else ANY
    chosen = Chosen(**asked, when=when, after=call.after() or 0)
    found = escalations.raised(call.session, call.origin, call.me, chosen)
    items = [_line(line) | {"nearness": NEARNESS[group]} for group, _, lines in found.groups for line in lines]
    counts = [{"box": box, "count": many} for box, many in found.counts.items()]
    return call.page(items, found.following) | {"total": found.total, "boxes": counts}


@resource.get("/<int:item>", asks=Proposal, gives=Item)
def show(call: Call, item: int) -> Answer:
    """Show an item and its ladder; its tag is its cycle's, which acts name."""
    found = overdue.look(call.session, call.origin, call.me, item, call.query["due"])
    snap = found.page.snap
    return Answer(body=_item(found), tag=f"{snap.revision}.{snap.version}")


@resource.post("/<int:item>/remind", takes=s.Nothing, status=204, matches=True)
def remind(call: Call, item: int) -> Answer:
    """Remind the holder; again within some minutes is the first reminder."""
    return _acted(call, item, "remind", {})


@resource.post("/<int:item>/extend", takes=Extension, status=204, matches=True)
def extend(call: Call, item: int) -> Answer:
    """Extend the deadline."""
    return _acted(call, item, "extend", {"due": call.body["due"].isoformat(), "reason": call.body["reason"]})


@resource.post("/<int:item>/transfer", takes=Transfer, status=204, matches=True)
def transfer(call: Call, item: int) -> Answer:
    """Give the work to somebody else."""
    return _acted(call, item, "transfer", call.body)


@resource.post("/<int:item>/take-over", takes=Reason, status=204, matches=True)
def take_over(call: Call, item: int) -> Answer:
    """Take the work over oneself."""
    return _acted(call, item, "transfer", call.body | {"to": call.me.login})


def _acted(call: Call, item: int, action: str, args: dict[str, Any]) -> Answer:
    """Act on an item; it is not shown after, for who saw it by a level of the deadline before may not any more."""
    row = overdue.look(call.session, call.origin, call.me, item).row
    cycle_doors.act(call.session, call.origin, row.cycle, action, args | {"item": row.no}, call.revision)
    return Answer(body=None)


def _line(line: Line) -> dict[str, Any]:
    return _row(line.row) | {"ladder": line.ladder, "reminded": line.reminded, "last_reminded": line.last}


def _item(case: Case) -> dict[str, Any]:
    events = [one._asdict() | {"on_behalf_of": one.for_, "words": [text for text in one.texts.values() if text]}
              for one in case.events]  # fmt: skip
    deadlines = [{"number": one.number, "due": one.due, "fired": [level.level for level in one.fired]}
                 for one in case.deadlines]  # fmt: skip
    return _row(case.row) | {
        "state": case.row.state, "late": case.late, "mine": case.mine, "allowed": case.acts, "deadlines": deadlines,
        "events": events, "ladder": case.ladder, "preview": case.preview, "reminded": case.reminded,
        "last_reminded": case.last,
    }  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    return row._asdict() | {"holder": row.holder_name, "subject": row.name}
