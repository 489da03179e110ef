"""Units: a tree as a list, one, added, changed, closed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine.college import SYSTEMS, UNIT_KINDS
from qaflow.errors import Missing
from qaflow.services.places import organisation, restructuring
from qaflow.services.places.organisation import Unit
from qaflow.services.places.restructuring import ROOT, Wanted
from qaflow.services.rehearsing import digest_of

resource = Resource("api_units", __name__, url_prefix="/units", description="The units of the college")
KINDS = (*UNIT_KINDS, ROOT)
REASON = 500
MOST = 5000
AT = {"code.blank_inside": "code", "number.invalid": "code", "unit.kind": "kind", "value.unknown": "system",
      "org.self_supervision": "parent", "org.cycle": "parent", "ref.unknown_unit": "parent",
      "unit.closed": "parent", "text.blank": "name/zh"}  # fmt: skip


class Line(s.Strict):
    """A unit with what goes on in it: `heads` are the people who lead it, by number."""

    id = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    kind = s.choice(KINDS, required=True)
    system = s.choice(SYSTEMS, required=True, allow_none=True)
    name = s.one(s.Named, required=True)
    parent = s.ident(required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    closed = s.flag(required=True)
    heads = s.many(s.ident(), 1000, required=True)
    people = s.whole(required=True)
    subjects = s.whole(required=True)
    cycles = s.whole(required=True)


class Units(s.Strict):
    """The units in the order of the tree; `next` is null, for they are all here."""

    items = s.many(Line, MOST, required=True)
    next = s.text(2000, required=True, allow_none=True)


class Filters(s.Strict):
    """By what the tree can be narrowed; what lies above a unit that is found is shown as well."""

    text = s.text(80, load_default="")
    closed = s.choice(("true", "false"), load_default="false")


class New(s.Strict):
    """A unit to be added."""

    code = s.text(s.NAME, required=True)
    kind = s.choice(UNIT_KINDS, required=True)
    name = s.one(s.Named, required=True)
    system = s.choice(SYSTEMS, allow_none=True, load_default=None)
    parent = s.ident(allow_none=True, load_default=None)


class Changed(s.Strict):
    """Another name, kind, system or place; what is left out stays."""

    kind = s.choice(KINDS)
    name = s.one(s.Named)
    system = s.choice(SYSTEMS, allow_none=True)
    parent = s.ident(allow_none=True)


class Reason(s.Strict):
    """Why."""

    reason = s.text(REASON, 0, load_default="")


@resource.get("", asks=Filters, gives=Units)
def listed(call: Call) -> dict[str, Any]:
    """List the units, each behind the one it lies under."""
    asked = call.query
    found = organisation.tree(call.session, call.origin, call.me, asked["text"], asked["closed"] == "true")
    return call.page([_line(unit) for _, unit in found.lines], None)


@resource.post("", scope="admin", takes=New, gives=Line, status=201)
def add(call: Call) -> Answer:
    """Add a unit."""
    with by_code(AT):
        number = restructuring.add(call.session, call.origin, call.me, call.body["code"], _wanted(call.body))
    return replace(_shown(call, number), location=f"/api/v1/units/{number}")


@resource.get("/<int:number>", gives=Line)
def show(call: Call, number: int) -> Answer:
    """Show a unit."""
    return _shown(call, number)


@resource.patch("/<int:number>", scope="admin", takes=Changed, gives=Line)
def change(call: Call, number: int) -> Answer:
    """Rename a unit, give it another kind or system, or put it under another one."""
    wanted = _wanted(_line(_held(call, number)) | call.body)
    with by_code(AT):
        restructuring.change(call.session, call.origin, call.me, number, wanted)
    return _shown(call, number)


@resource.post("/<int:number>/close", scope="admin", takes=Reason, gives=Line, matches=True)
def close(call: Call, number: int) -> Answer:
    """Close a unit that nothing lies in any more; history goes on naming it."""
    _held(call, number)
    restructuring.close(call.session, call.origin, call.me, number, call.body["reason"])
    return _shown(call, number)


def _find(call: Call, number: int) -> Unit:
    found = organisation.tree(call.session, call.origin, call.me).all.get(number)
    if found is None:
        raise Missing("unit.not_found", f"no unit {number}")
    return found


def _held(call: Call, number: int) -> Unit:
    """Return a unit that still is as it was read."""
    call.hold(f"unit:{number}")
    found = _find(call, number)
    call.require(_tag(found))
    return found


def _shown(call: Call, number: int) -> Answer:
    found = _find(call, number)
    return Answer(body=_line(found), tag=_tag(found))


def _tag(unit: Unit) -> str:
    """Return the hash of what changes by hand; what goes on in a unit is no change of it."""
    return digest_of([unit.code, unit.kind, unit.system, unit.name_zh, unit.name_en, unit.parent, unit.ends])[:32]


def _line(unit: Unit) -> dict[str, Any]:
    more = {"name": {"zh": unit.name_zh, "en": unit.name_en}, "heads": [person for person, _ in unit.heads]}
    return unit._asdict() | more


def _wanted(asked: dict[str, Any]) -> Wanted:
    name = asked["name"]
    return Wanted(kind=asked["kind"], name_zh=name.get("zh", ""), name_en=name.get("en", ""),
                  system=asked["system"] or "", parent=asked["parent"] or 0)  # fmt: skip
