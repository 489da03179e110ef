"""Kept filters of the inbox: lists as somebody narrowed and ordered them, under names of theirs."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.answering import tag_of_value
from qaflow.api.calling import Answer, Call
from qaflow.api.inbox import NEARNESS
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.errors import Missing
from qaflow.services.desk import saved_filters
from qaflow.services.desk.inbox import ANY, BOXES, SORTS, Chosen
from qaflow.services.desk.saved_filters import MOST, SIGNS, Saved

resource = Resource("api_saved_filters", __name__, url_prefix="/inbox/filters", description="Kept filters of the inbox")
AT = {"text.blank": "name", "text.control_character": "name", "text.too_long": "name", "filter.taken": "name"}


class Kept(s.Strict):
    """One kept filter, with the list that it opens; "" is all, and null stands for every unit and nearness."""

    id = s.ident(required=True)
    name = s.text(s.NAME, required=True)
    box = s.choice(BOXES, required=True)
    layer = s.text(s.NAME, 0, required=True)
    stage = s.text(s.NAME, 0, required=True)
    kind = s.text(s.NAME, 0, required=True)
    unit = s.ident(required=True, allow_none=True)
    nearness = s.choice(NEARNESS, required=True, allow_none=True)
    sort = s.choice(SORTS, required=True)


class Keeping(s.Strict):
    """A list under a name; one of the same name is written over."""

    name = s.text(SIGNS, required=True)
    box = s.choice(BOXES, load_default="mine")
    layer = s.choice(LAYERS, load_default="")
    stage = s.text(s.NAME, load_default="")
    kind = s.text(s.NAME, load_default="")
    unit = s.ident(load_default=0)
    nearness = s.choice(NEARNESS)
    sort = s.choice(SORTS, load_default="due")


class Name(s.Strict):
    """Another name."""

    name = s.text(SIGNS, required=True)


@resource.get("", gives=s.listing(Kept))
def listed(call: Call) -> dict[str, Any]:
    """List one's own filters by name."""
    return call.page([_kept(one) for one in saved_filters.mine(call.session, call.me)][:MOST], None)


@resource.post("", takes=Keeping, gives=Kept, status=201)
def keep(call: Call) -> Answer:
    """Keep a list under a name."""
    asked = dict(call.body)
    name, near = asked.pop("name"), asked.pop("nearness", None)
    chosen = Chosen(**asked, when=ANY if near is None else NEARNESS.index(near))
    with by_code(AT):
        saved_filters.save(call.session, call.origin, call.me, name, chosen)
    made = max(saved_filters.mine(call.session, call.me), key=lambda one: (one.name == name.strip(), one.id))
    return Answer(body=_kept(made), tag=tag_of_value(made), location=f"/api/v1/inbox/filters/{made.id}")


@resource.get("/<int:number>", gives=Kept)
def show(call: Call, number: int) -> Answer:
    """Show a filter of one's own."""
    return _shown(call, number)


@resource.patch("/<int:number>", takes=Name, gives=Kept)
def rename(call: Call, number: int) -> Answer:
    """Give a filter another name."""
    call.hold(f"filters:{call.me.person}")
    call.require(tag_of_value(_own(call, number)))
    with by_code(AT):
        saved_filters.rename(call.session, call.me, number, call.body["name"])
    return _shown(call, number)


@resource.delete("/<int:number>")
def drop(call: Call, number: int) -> Answer:
    """Take a filter away."""
    saved_filters.drop(call.session, call.me, number)
    return Answer(body=None)


def _own(call: Call, number: int) -> Saved:
    for one in saved_filters.mine(call.session, call.me):
        if one.id == number:
            return one
    raise Missing("object.not_found", f"no filter {number}")


def _shown(call: Call, number: int) -> Answer:
    found = _own(call, number)
    return Answer(body=_kept(found), tag=tag_of_value(found))


def _kept(one: Saved) -> dict[str, Any]:
    chosen = one.chosen
    near = None if chosen.when == ANY else NEARNESS[chosen.when]
    return {"id": one.id, "name": one.name, "box": chosen.box, "layer": chosen.layer, "stage": chosen.stage,
            "kind": chosen.kind, "unit": chosen.unit or None, "nearness": near, "sort": chosen.sort}  # fmt: skip
