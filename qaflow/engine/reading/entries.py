"""The shapes of files of ``kind: points``, ``tasks``, ``plans`` and ``standards``: what a college's plans hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.errors import Invalid

from .. import formulas
from ..college import CADENCES, SYSTEMS
from ..definition import LAYERS
from ..faults import brief, meant
from ..yaml_source import Node
from .places import assumed, plain_label, plain_name, source
from .scalars import choice, code, day, flag, loose, number, text, whole
from .shapes import (
    BAD,
    Reader,
    Reading,
    constant,
    either,
    fold,
    is_kind,
    is_word,
    many,
    may,
    need,
    or_none,
    record,
    words,
)

CHAINS = ("goal", "standard", "implementation", "guarantee", "monitoring")
MAX_ENTRIES = 3000


def _both(reading: Reading, node: Node) -> Any:
    value = text(400)(reading, node)
    return value if value is BAD else {"zh": value, "en": value}


# A name that has no translation may stand as a plain text; it is shown the same in both languages.
name_or_label = either((is_kind("mapping"), plain_label), otherwise=_both)
departments = many(words(code), 0, 400)
star = either((is_word(""), constant("")), otherwise=choice("", "*", "**"))
point = record(
    {
        "code": need(code),
        "name": plain_name(),
        "star": may(star, ""),
        "requirement": plain_name(required=False, long=True),
        "indicators": may(many(name_or_label, 0, 100), ()),
        "platform": may(many(text(100), 0, 100), ()),
        "control_points": may(many(words(loose), 0, 50), ()),
        "departments": may(departments, ()),
        "source": source,
        "note": may(text(1000)),
        "assumed": assumed,
    }
)
element = record(
    {
        "code": need(code),
        "name": plain_name(),
        "points": may(many(point, 0, 200), ()),
        "source": source,
        "note": may(text(1000)),
        "assumed": assumed,
    }
)
item = record(
    {
        "code": need(code),
        "name": plain_name(),
        "elements": may(many(element, 0, 200), ()),
        "teaching_units": may(flag, True),
        "source": source,
        "note": may(text(1000)),
        "assumed": assumed,
    }
)
control_point = record(
    {
        "key": need(loose),
        "layer": need(choice(*LAYERS), "school"),
        "name": plain_name(),
        "measures": plain_name(long=True),
        "unit": may(text(40), ""),
        "source_system": plain_name(required=False),
        "cadence": need(choice(*CADENCES), "monthly"),
        "direction": need(choice("higher", "lower", "band"), "higher"),
        "target": may(or_none(number())),
        "warn_lower": may(or_none(number())),
        "warn_upper": may(or_none(number())),
        "alarm_lower": may(or_none(number())),
        "alarm_upper": may(or_none(number())),
        "formula": may(or_none(text(formulas.MOST_CHARACTERS))),
        "track": may(or_none(loose)),
        "point": may(or_none(code)),
        "source": source,
        "note": may(text(1000)),
        "assumed": assumed,
    }
)
_POINTS = record(
    {
        "kind": need(constant("points"), "points"),
        "source": source,
        "items": may(many(item, 0, 100), ()),
        "control_points": may(many(control_point, 0, MAX_ENTRIES, unique="key"), ()),
        "assumed": assumed,
    }
)


def points(reading: Reading, node: Node) -> Any:
    """Read a frame of diagnosis points and control points; codes stand once, limits agree with the direction."""
    value = _POINTS(reading, node)
    if value is BAD:
        return value
    seen: dict[str, Node] = {}
    for one in _below(node, "items"):
        _once(reading, seen, one)
        for part in _below(one, "elements"):
            _once(reading, seen, part)
            for leaf in _below(part, "points"):
                _once(reading, seen, leaf)
    by_key = {_word(n, "key"): n for n in reversed(_below(node, "control_points"))}
    for one in value["control_points"]:
        _limits_agree(reading, by_key.get(one["key"], node), one)
        _alarms_agree(reading, by_key.get(one["key"], node), one)
    _formulas(reading, by_key, value["control_points"], node)
    return value


def _below(node: Node, name: str) -> list[Node]:
    found = node.get(name)
    return found.items if found is not None else []


def _word(node: Node, name: str) -> str:
    found = node.get(name)
    return found.text if found is not None else ""


def _once(reading: Reading, seen: dict[str, Node], one: Node) -> None:
    name = one.get("code")
    if name is None or name.kind != "scalar":
        return
    before = seen.setdefault(fold(name.text), name)
    if before is not name:
        message = f'"{brief(name.text)}" of line {before.line} stands again in line {name.line}'
        reading.fault(name, "def.duplicate_id", message, "give each item, element and point its own code")


def _limits_agree(reading: Reading, node: Node, one: dict[str, Any]) -> None:
    direction, target, low, high = one["direction"], one["target"], one["warn_lower"], one["warn_upper"]
    for name, value, wrong in (("warn_lower", low, "lower"), ("warn_upper", high, "higher")):
        if value is not None and direction == wrong:
            reading.fault(node.get(name) or node, "point.limits", f"{name} does not fit the direction {direction}",
                          "higher is warned below, lower above, a band on both sides")  # fmt: skip
    if low is not None and high is not None and low >= high:
        reading.fault(node.get("warn_upper") or node, "point.limits", f"warn_upper {high:g} is not above {low:g}",
                      "let the band have a width")  # fmt: skip
    for name, value, sign in (("warn_lower", low, 1), ("warn_upper", high, -1)):
        if target is not None and value is not None and (value - target) * sign > 0:
            reading.fault(node.get(name) or node, "point.limits", f"{name} {value:g} warns at the target {target:g}",
                          "warn on the bad side of the target")  # fmt: skip


def _alarms_agree(reading: Reading, node: Node, one: dict[str, Any]) -> None:
    for name, warned, sign in (("alarm_lower", "warn_lower", 1), ("alarm_upper", "warn_upper", -1)):
        alarm, warning = one[name], one[warned]
        if alarm is not None and warning is None:
            reading.fault(node.get(name) or node, "point.limits", f"{name} stands without {warned}",
                          f"give {warned} too: an alarm lies beyond a warning")  # fmt: skip
        elif alarm is not None and (alarm - warning) * sign > 0:
            reading.fault(node.get(name) or node, "point.limits", f"{name} {alarm:g} lies within {warned} {warning:g}",
                          "let the alarm lie beyond the warning")  # fmt: skip


def _formulas(reading: Reading, by_key: dict[str, Node], points: Sequence[dict[str, Any]], node: Node) -> None:
    """Check what formulas say, and that what they need is there, of the same layer, and in no circle."""
    found: dict[str, formulas.Formula] = {}
    layers = {one["key"]: one["layer"] for one in points}
    for one in points:
        at = (by_key.get(one["key"]) or node).get("formula") or node
        if one["formula"] is None:
            continue
        try:
            found[one["key"]] = formulas.parse(one["formula"])
        except Invalid as fault:
            reading.fault(at, "formula.invalid", fault.detail, "write it as in share(a, b)")
            one["formula"] = None
            continue
        for part in sorted(formulas.parts(found[one["key"]])):
            if layers.get(part) != one["layer"]:
                reading.fault(at, "ref.unknown_point", f'no control point "{part}" of the layer {one["layer"]}',
                              meant(part, [key for key, layer in layers.items() if layer == one["layer"]]))  # fmt: skip
    chain = formulas.circle(found)
    if chain is not None:
        reading.fault((by_key.get(chain[0]) or node).get("formula") or node, "formula.circle",
                      f"points need one another: {' → '.join(chain)}", "let one of them be measured")  # fmt: skip


task = record(
    {
        "no": need(whole(1, 100_000)),
        "point": may(or_none(code)),
        "group": may(or_none(name_or_label)),
        "title": plain_name(),
        "departments": need(departments, ()),
        "department": may(choice("carried")),
        "source_departments": may(text(400), ""),
        "placed": may(choice("by sense")),
        "task_kind": may(choice("key", "routine", "ad_hoc"), "routine"),
        "origin": may(choice("plan", "superior", "school"), "plan"),
        "layer": may(or_none(choice(*LAYERS))),
        "source_time": may(text(200), ""),
        "month": may(or_none(whole(1, 12))),
        "date": may(or_none(day)),
        "recurs": may(flag, False),
        "source": source,
        "note": may(text(1000)),
        "assumed": assumed,
    }
)
tasks = record(
    {
        "kind": need(constant("tasks"), "tasks"),
        "source": source,
        "plan": need(record({"key": need(loose), "name": plain_name()}), {"key": "?", "name": {"zh": "?", "en": "?"}}),
        "tasks": need(many(task, 1, MAX_ENTRIES, unique="no"), ()),
        "assumed": assumed,
    }
)
_ENTRY = {
    "key": need(loose),
    "layer": need(choice(*LAYERS), "school"),
    "name": plain_name(),
    "departments": need(departments, ()),
    "source_departments": may(text(400), ""),
    "department": may(choice("carried")),
    "group": may(or_none(name_or_label)),
    "system": may(or_none(choice(*SYSTEMS))),
    "chain": may(or_none(choice(*CHAINS))),
    "source": source,
    "note": may(text(1000)),
    "assumed": assumed,
}
plan = record(_ENTRY | {"level": need(loose, "general"), "parent": may(or_none(loose))})
standard = record(
    _ENTRY | {"level": may(or_none(loose)), "indicator": plain_name(required=False), "plan": may(or_none(loose))}
)


def _listed(kind: str, read: Reader) -> Reader:
    return record(
        {
            "kind": need(constant(kind), kind),
            "source": source,
            kind: need(many(read, 0, MAX_ENTRIES, unique="key"), ()),
            "assumed": assumed,
        }
    )


READERS: dict[str, Reader] = {
    "points": points,
    "tasks": tasks,
    "plans": _listed("plans", plan),
    "standards": _listed("standards", standard),
}
