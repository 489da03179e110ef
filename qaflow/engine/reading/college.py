"""The shape of a file of ``kind: college``, and what must agree within it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from functools import cache
from typing import Any

from ..college import CADENCES, DIAGNOSES, ROLE_KINDS, UNIT_KINDS, College, Diagnosis, Layer, Period, Role, Track
from ..definition import LAYERS
from ..faults import brief, meant
from ..yaml_source import Node
from .scalars import choice, definition_key, dotted, key, month_day, named, period_length, scalar, text, whole
from .shapes import BAD, Reader, Reading, constant, many, may, need, or_none, record, words

NEEDED_KINDS = ("responsible", "quality_office", "quality_head")
source = may(text(500), "")
assumed = may(many(words(text(60)), 0, 40), ())


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def timezone(reading: Reading, node: Node) -> Any:
    """Read the name of a time zone of the zone database."""
    value = scalar(reading, node)
    if value is None or (value in _zones() and "/" in value) or value == "UTC":
        return BAD if value is None else value
    return reading.fault(node, "tz.unknown", f'"{brief(value)}" is no time zone', "write such as Asia/Shanghai")


role = record(
    {
        "key": need(key),
        "is": need(choice(*ROLE_KINDS), "leader", "is_"),
        "name": named(),
        "above": may(or_none(key)),
        "unit": may(or_none(choice(*UNIT_KINDS))),
    },
    Role,
)
layer = record({"key": need(choice(*LAYERS)), "name": named(), "source": source}, Layer)
period = record(
    {
        "length": need(period_length, "P1Y"),
        "anchor": may(month_day),
        "from": may(choice("calendar", "subject"), "calendar", "from_"),
    },
    Period,
)
diagnosis = record(
    {
        "kind": need(choice(*DIAGNOSES)),
        "every": need(choice(*CADENCES, "period"), "period"),
        "month": may(whole(1, 12)),
    },
    Diagnosis,
)
track = record(
    {
        "key": need(dotted),
        "layer": need(choice(*LAYERS)),
        "name": named(),
        "definition": need(definition_key, ""),
        "period": need(period, Period(length="P1Y")),
        "monitoring": need(choice(*CADENCES), "monthly"),
        "diagnoses": may(many(diagnosis, 0, 12), ()),
        "children": may(many(words(dotted), 0, 12), ()),
        "parent": may(or_none(dotted)),
        "source": source,
        "assumed": assumed,
    },
    Track,
)
_COLLEGE = record(
    {
        "kind": need(constant(None), None),
        "key": need(key),
        "name": named(),
        "source": source,
        "timezone": may(timezone, "Asia/Shanghai"),
        "sandbox_share": may(whole(1, 100_000), 500),
        "roles": need(many(role, 1, 100, unique="key"), ()),
        "layers": need(many(layer, 1, 12, unique="key"), ()),
        "tracks": need(many(track, 1, 200), ()),
    },
    lambda kind, **given: College(**given),
)


def college(reading: Reading, node: Node) -> Any:
    """Read a college and check that its roles, layers and tracks agree."""
    value = _COLLEGE(reading, node)
    if value is not BAD:
        _roles_agree(reading, node, value)
        _tracks_agree(reading, node, value)
    return value


def _each(node: Node, name: str, values: tuple[Any, ...]) -> Iterator[tuple[Node, Any]]:
    """Pair the values of a list with their nodes."""
    listed = node.get(name)
    return zip(listed.items if listed is not None else [], values, strict=True)


def _roles_agree(reading: Reading, node: Node, value: College) -> None:
    keys = set(value.role_by_key)
    for kind in NEEDED_KINDS:
        if not any(r.is_ == kind for r in value.roles):
            message = f"no role is the {kind}"
            reading.fault(node.get("roles") or node, "def.missing_role", message, f"add a role with `is: {kind}`")
    for place, one in _each(node, "roles", value.roles):
        if one.above is not None and one.above not in keys:
            reading.fault(place.get("above") or place, "def.unknown_role", f'unknown role "{one.above}"',
                          meant(one.above, keys))  # fmt: skip
        chain = _line(value, one)
        if chain[-1] == one.key and len(chain) > 1:
            reading.fault(place.get("above") or place, "org.cycle", "the line of roles runs in a circle: "
                          + " → ".join(chain), "let the line end at the head of the quality office")  # fmt: skip


def _line(value: College, start: Role) -> list[str]:
    chain, role_ = [start.key], start
    while role_.above is not None and role_.above in value.role_by_key:
        chain.append(role_.above)
        role_ = value.role_by_key[role_.above]
        if chain[-1] in chain[:-1]:
            break
    return chain


def _tracks_agree(reading: Reading, node: Node, value: College) -> None:
    layers = {one.key for one in value.layers}
    seen: dict[tuple[str, str], Node] = {}
    for place, one in _each(node, "tracks", value.tracks):
        before = seen.setdefault((one.layer, one.key), place)
        if before is not place:
            message = f'the track "{brief(one.key)}" of line {before.line} stands again in line {place.line}'
            reading.fault(place.get("key") or place, "def.duplicate_id", message, "give each its own key")
        if one.layer not in layers:
            reading.fault(place.get("layer") or place, "def.unknown_layer", f'the layer "{one.layer}" is not listed',
                          meant(one.layer, layers))  # fmt: skip
        _family_agrees(reading, place, value, one)
        if one.period.anchor is None and one.period.from_ == "calendar" and one.period.length[0] == "P":
            where = place.get("period") or place
            reading.fault(where, "def.missing_key", "a period of the calendar needs its anchor", "add `anchor: 09-01`")


def _family_agrees(reading: Reading, place: Node, value: College, one: Track) -> None:
    siblings = {t.key for t in value.tracks if t.layer == one.layer}
    for child_key in one.children:
        where = place.get("children") or place
        child = value.track_by_key.get((one.layer, child_key))
        if child is None:
            reading.fault(
                where, "ref.unknown_track", f'the layer has no track "{child_key}"', meant(child_key, siblings)
            )
            continue
        if child.parent != one.key:
            reading.fault(where, "ref.parent", f'"{child_key}" does not name "{one.key}" as its parent',
                          f"write `parent: {one.key}` there")  # fmt: skip
        _period_divides(reading, where, one, child)
    if one.parent is not None:
        where = place.get("parent") or place
        parent = value.track_by_key.get((one.layer, one.parent))
        if parent is None or parent is one:
            reading.fault(where, "ref.unknown_track", f'the layer has no track "{one.parent}" to hold this one',
                          meant(one.parent, siblings - {one.key}))  # fmt: skip
        elif one.key not in parent.children:
            reading.fault(where, "ref.parent", f'"{one.parent}" does not list "{one.key}" among its children',
                          f"add it to `children` of {one.parent}")  # fmt: skip
        elif parent.parent is not None:
            reading.fault(where, "ref.parent", f'"{one.parent}" is itself a child', "keep to one level of children")


def _period_divides(reading: Reading, where: Node, parent: Track, child: Track) -> None:
    whole_, part = parent.period.months, child.period.months
    if whole_ is not None and part is not None and (part >= whole_ or whole_ % part):
        message = f'the period of "{child.key}" ({child.period.length}) does not divide {parent.period.length}'
        reading.fault(where, "ref.period", message, "choose a period that fits in whole numbers")


READERS: dict[str, Reader] = {"college": college}
