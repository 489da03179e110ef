"""The shapes of files of ``kind: calendar`` and ``kind: organisation``: when and where a college works."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ..college import SYSTEMS, UNIT_KINDS
from ..definition import LAYERS
from ..faults import brief, meant
from ..yaml_source import Node
from .scalars import choice, code, day, flag, key, loose, text, whole
from .shapes import BAD, Prop, Reader, Reading, constant, fold, many, may, need, or_none, record, words

NAME = {"zh": need(text(400), "?"), "en": need(text(400), "?")}
plain_label = record(NAME)
long_label = record({"zh": need(text(4000), "?"), "en": need(text(4000), "?")})
UNKNOWN = {"zh": "?", "en": "?"}
MAX_UNITS = 2000


def plain_name(required: bool = True, long: bool = False) -> Prop:
    """Describe a text in both languages, as a plain ``{zh, en}`` mapping."""
    read = long_label if long else plain_label
    return need(read, UNKNOWN) if required else may(or_none(read))


source = may(text(500), "")
assumed = may(many(words(text(60)), 0, 40), ())


def _days(reading: Reading, node: Node) -> Any:
    return many(words(day), 0, 400)(reading, node)


span = {"starts": need(day), "ends": need(day)}
term = record({"key": need(loose), "name": plain_name(), "source": source, "assumed": assumed} | span)
pause = record({"name": plain_name(), "source": source, "assumed": assumed} | span)
year = record(
    {
        "key": need(loose),
        "terms": need(many(term, 1, 12), ()),
        "breaks": may(many(pause, 0, 60), ()),
        "working": may(_days, ()),
        "free": may(_days, ()),
        "source": source,
        "assumed": assumed,
    }
)
_CALENDAR = record(
    {
        "kind": need(constant("calendar"), "calendar"),
        "source": source,
        "year": may(text(20)),
        "years": need(many(year, 1, 60, unique="key"), ()),
        "grid_months": may(many(words(whole(1, 12)), 1, 12), tuple(range(1, 13))),
        "assumed": assumed,
    }
)


def calendar(reading: Reading, node: Node) -> Any:
    """Read teaching years; terms and breaks must lie in order and apart."""
    value = _CALENDAR(reading, node)
    if value is BAD:
        return value
    listed = node.get("years")
    spans: list[tuple[str, str, Node]] = []
    terms: dict[str, Node] = {}
    for one in listed.items if listed is not None and listed.kind == "list" else []:
        for item in _parts(one, "terms"):
            _once(reading, terms, item)
        for item in (*_parts(one, "terms"), *_parts(one, "breaks")):
            spans += _span(reading, item)
        _apart(reading, one)
    for before, after in pairwise(sorted(spans, key=lambda s: s[:2])):
        if after[0] <= before[1]:
            message = f"begins on {after[0]}, before {before[1]}, the end of that of line {before[2].line}"
            reading.fault(after[2], "calendar.overlap", message, "let terms and breaks follow one another")
    return value


def _parts(node: Node, name: str) -> list[Node]:
    found = node.get(name)
    return found.items if found is not None else []


def _once(reading: Reading, seen: dict[str, Node], item: Node) -> None:
    name = item.get("key")
    if name is None:
        return
    if name.text in seen:
        message = f'"{brief(name.text)}" of line {seen[name.text].line} stands again in line {name.line}'
        reading.fault(name, "def.duplicate_id", message, "give each term its own key")
    seen.setdefault(name.text, name)


def _span(reading: Reading, item: Node) -> Iterator[tuple[str, str, Node]]:
    quiet = Reading(reading.file)
    ends = [day(quiet, found) for found in (item.get("starts"), item.get("ends")) if found is not None]
    if len(ends) < 2 or BAD in ends:
        return
    if ends[1] < ends[0]:
        reading.fault(item, "date.order", f"ends on {ends[1]}, before it starts on {ends[0]}", "swap or mend the dates")
        return
    yield ends[0], ends[1], item


def _apart(reading: Reading, one: Node) -> None:
    free = {item.text for item in _parts(one, "free")}
    for item in _parts(one, "working"):
        if item.text in free:
            message = f"{brief(item.text)} is both a working day and a day off"
            reading.fault(item, "calendar.overlap", message, "keep it in one list")


unit = record(
    {
        "code": need(key),
        "kind": need(choice(*UNIT_KINDS), "functional"),
        "system": may(or_none(choice(*SYSTEMS))),
        "name": plain_name(),
        "aliases": may(many(words(text(100)), 0, 30), ()),
        "parent": may(or_none(key)),
        "source": source,
        "invented": may(flag, False),
        "assumed": assumed,
    }
)
duty = record(
    {
        "unit": need(code),
        "text": plain_name(long=True),
        "within": may(flag, True),
        "system": may(or_none(choice(*SYSTEMS))),
        "work": plain_name(required=False, long=True),
        "post": plain_name(required=False),
        "standard": plain_name(required=False, long=True),
        "source": source,
        "assumed": assumed,
    }
)
# Classes of subjects that a college tells apart (001 §五(三)): of a major key or nurtured, of a teacher a growth stage.
tier = record(
    {
        "layer": need(choice(*LAYERS), "school"),
        "key": need(loose),
        "name": plain_name(),
        "source": source,
        "assumed": assumed,
    }
)
SUBJECTS = ("majors", "courses", "teachers", "students", "classes", "sections", "units")
size = record({name: may(whole(0, 1_000_000), 0) for name in SUBJECTS})
_ORGANISATION = record(
    {
        "kind": need(constant("organisation"), "organisation"),
        "source": source,
        "units": need(many(unit, 1, MAX_UNITS, unique="code"), ()),
        "duties": may(many(duty, 0, 5000), ()),
        "tiers": may(many(tier, 0, 200), ()),
        "demo": may(record({"small": may(size), "full": may(size)})),
        "assumed": assumed,
    }
)


def organisation(reading: Reading, node: Node) -> Any:
    """Read the units; names and aliases must not mean two units, parents must exist and not run in a circle."""
    value = _ORGANISATION(reading, node)
    if value is BAD:
        return value
    nodes = {_code(item): item for item in reversed(_parts(node, "units"))}
    parents = {one["code"]: one["parent"] for one in value["units"]}
    _one_name_one_unit(reading, nodes, value, node)
    for one in value["units"]:
        if one["parent"] is not None:
            _parent_fits(reading, nodes.get(one["code"], node), one, parents)
    known = unit_names(value)
    for place, one in zip(_parts(node, "duties"), value["duties"], strict=False):
        if fold(one["unit"]) not in known:
            message = f'unknown unit "{brief(one["unit"])}"'
            reading.fault(place, "ref.unknown_unit", message, meant(one["unit"], parents))
    return value


def _code(item: Node) -> str:
    found = item.get("code")
    return found.text if found is not None else ""


def unit_names(organisation_: dict[str, Any]) -> dict[str, str]:
    """Return every name under which a unit may be spoken of (code, Chinese name, aliases), folded, with its code."""
    names: dict[str, str] = {}
    for one in organisation_["units"]:
        for name in (one["code"], one["name"]["zh"], *one["aliases"]):
            names.setdefault(fold(name), one["code"])
    return names


def _one_name_one_unit(reading: Reading, nodes: dict[str, Node], value: dict[str, Any], top: Node) -> None:
    owner: dict[str, str] = {}
    for one in value["units"]:
        for name in {fold(n) for n in (one["code"], one["name"]["zh"], *one["aliases"])}:
            other = owner.setdefault(name, one["code"])
            if other != one["code"] and name != "?":
                message = f'"{brief(name)}" means both {other} and {one["code"]}'
                reading.fault(nodes.get(one["code"], top), "def.duplicate_id", message, "give each unit its own name")


def _parent_fits(reading: Reading, place: Node, one: dict[str, Any], parents: dict[str, str | None]) -> None:
    where = place.get("parent") or place
    if one["parent"] not in parents:
        reading.fault(where, "ref.unknown_unit", f'unknown unit "{one["parent"]}"', meant(one["parent"], parents))
        return
    chain = {one["code"]: None}  # in order, and quick to look into
    above = one["parent"]
    while above is not None and above not in chain:
        chain[above] = None
        above = parents.get(above)
    if above == one["code"]:
        reading.fault(where, "org.cycle", "units lie inside one another: " + " → ".join([*chain, above]),
                      "let one of them have no parent")  # fmt: skip


READERS: dict[str, Reader] = {"calendar": calendar, "organisation": organisation}
