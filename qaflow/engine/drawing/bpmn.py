"""A definition as BPMN 2.0 XML with its diagram, for modelling tools and engines that read BPMN.

Ids are stage keys; the stage with the quick loop is a sub-process that holds ``monitor``, ``warn`` and ``correct``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from qaflow.engine.definition import QUICK_STATES, Definition, QuickLoop, Stage
from qaflow.engine.machine import ways_on
from qaflow.engine.markup import clean

from .lemniscate import Point

SPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
TARGET = "urn:qaflow:definition"
OPEN_WARNINGS = "open_warnings > 0"  # the quick loop goes round while this holds
SIZES = {
    "userTask": (120, 80), "subProcess": (470, 260), "startEvent": (36, 36), "endEvent": (36, 36),
    "exclusiveGateway": (50, 50),
}  # fmt: skip
START, END = "StartEvent", "EndEvent"  # no stage key has capitals; engines keep plain Start and End for themselves
GAP = 60
MIDDLE = 240  # the line on which the stages stand
DETOUR = 170  # how far below it a way to another than the next stage runs


@dataclass(frozen=True)
class Node:
    """One element of the process and its place in the diagram."""

    key: str
    kind: str
    name: str
    left: float
    top: float
    inside: str = ""  # the sub-process that holds it

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height."""
        return SIZES[self.kind]

    def port(self, side: str) -> Point:
        """Return the middle of a side: left, right, top, bottom."""
        wide, high = self.size
        x = {"left": 0.0, "right": 1.0}.get(side, 0.5)
        y = {"top": 0.0, "bottom": 1.0}.get(side, 0.5)
        return self.left + wide * x, self.top + high * y


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One arrow between two elements."""

    key: str
    source: str
    target: str
    way: tuple[Point, ...]
    name: str = ""
    condition: str = ""
    default: bool = False


@dataclass
class _Plan:
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    inner: list[Flow] = field(default_factory=list)

    def put(self, node: Node) -> Node:
        self.nodes[node.key] = node
        return node

    def connect(self, source: str, target: str, ways: str, **more: str | bool) -> None:
        start, end = self.nodes[source], self.nodes[target]
        kept = self.inner if start.inside else self.flows
        key = f"Flow_{len(self.flows) + len(self.inner) + 1}"
        kept.append(Flow(key=key, source=source, target=target, way=_way(start, end, ways), **more))  # type: ignore[arg-type]


def draw(definition: Definition, language: str = "zh") -> str:
    """Draw the definition as BPMN 2.0 XML with diagram interchange."""
    plan = _plan(definition, language)
    for prefix, address in SPACES.items():
        ET.register_namespace(prefix, address)
    root = ET.Element(_tag("bpmn", "definitions"), {"id": "Definitions", "targetNamespace": TARGET})
    process = _sub(root, "bpmn", "process", id=_process(definition), name=getattr(definition.name, language))
    process.set("isExecutable", "true")
    _elements(process, plan, "")
    _diagram(root, plan, _process(definition))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _process(definition: Definition) -> str:
    return definition.key if definition.key not in definition.by_key else f"Process_{definition.key}"


# What stands in the process


def _plan(definition: Definition, language: str) -> _Plan:
    plan, left = _Plan(), 100.0
    plan.put(Node(START, "startEvent", "", left, MIDDLE - 18))
    left += 36 + GAP
    for stage in definition.stages:
        kind = "subProcess" if stage.key == definition.hinge else "userTask"
        wide, high = SIZES[kind]
        node = plan.put(Node(stage.key, kind, getattr(stage.name, language), left, MIDDLE - high / 2))
        if definition.quick is not None and kind == "subProcess":
            _quick(plan, definition, definition.quick, node, language)
        left += wide + GAP
        if len(ways_on(definition, stage)) > 1:
            plan.put(Node(f"Gateway_{stage.key}", "exclusiveGateway", "", left, MIDDLE - 25))
            left += 50 + GAP
    plan.put(Node(END, "endEvent", "", left, MIDDLE - 18))
    plan.connect(START, definition.order[0], "right left")
    for stage in definition.stages:
        _ways(plan, definition, stage)
    return plan


def _ways(plan: _Plan, definition: Definition, stage: Stage) -> None:
    ways = ways_on(definition, stage)
    source = stage.key
    if len(ways) > 1:
        source = f"Gateway_{stage.key}"
        plan.connect(stage.key, source, "right left")
    default = next((i for i, (_, when) in enumerate(ways) if not when), None)
    for place, (target, when) in enumerate(ways):
        end = target or END
        more: dict[str, str | bool] = {}
        if len(ways) > 1:
            # BPMN wants a condition on every way but the default; a person's choice is named by its target.
            condition = when or f'choice == "{end}"'
            more = {"default": True} if place == default else {"condition": condition, "name": when or ""}
        plan.connect(source, end, "right left" if _next_to(plan, source, end) else "bottom bottom", **more)


def _next_to(plan: _Plan, source: str, target: str) -> bool:
    start, end = plan.nodes[source], plan.nodes[target]
    return end.left == start.left + start.size[0] + GAP


def _quick(plan: _Plan, definition: Definition, loop: QuickLoop, outer: Node, language: str) -> None:
    """Put the quick loop into its stage: monitor, and while a warning is open warn and correct, then monitor again."""
    names = [getattr(name, language) for name in loop.names]
    monitor, warn, correct = (q if q not in definition.by_key else f"{outer.key}.{q}" for q in QUICK_STATES)
    x, y, key = outer.left, outer.top, outer.key
    start, gate, end = f"Start_{key}", f"Open_{key}", f"End_{key}"
    plan.put(Node(start, "startEvent", "", x + 30, y + 72, key))
    plan.put(Node(monitor, "userTask", names[0], x + 110, y + 50, key))
    plan.put(Node(gate, "exclusiveGateway", "", x + 290, y + 65, key))
    plan.put(Node(end, "endEvent", "", x + 400, y + 72, key))
    plan.put(Node(warn, "userTask", names[1], x + 255, y + 160, key))
    plan.put(Node(correct, "userTask", names[2], x + 110, y + 160, key))
    plan.connect(start, monitor, "right left")
    plan.connect(monitor, gate, "right left")
    plan.connect(gate, end, "right left", default=True)
    plan.connect(gate, warn, "bottom top", condition=OPEN_WARNINGS, name=names[1])
    plan.connect(warn, correct, "left right")
    plan.connect(correct, monitor, "top bottom")


def _way(start: Node, end: Node, ways: str) -> tuple[Point, ...]:
    leave, reach = ways.split()
    first, last = start.port(leave), end.port(reach)
    if leave == reach == "bottom":
        low = MIDDLE + DETOUR
        return first, (first[0], low), (last[0], low), last
    return first, last


# How it is written


def _elements(parent: ET.Element, plan: _Plan, inside: str) -> None:
    flows = plan.inner if inside else plan.flows
    for node in plan.nodes.values():
        if node.inside == inside:
            _element(parent, plan, node, flows)
    for flow in flows:
        ends = {"sourceRef": flow.source, "targetRef": flow.target}
        made = _sub(parent, "bpmn", "sequenceFlow", id=flow.key, name=flow.name, **ends)
        if flow.condition:
            condition = _sub(made, "bpmn", "conditionExpression")
            condition.set(_tag("xsi", "type"), "bpmn:tFormalExpression")
            condition.text = clean(flow.condition)


def _element(parent: ET.Element, plan: _Plan, node: Node, flows: list[Flow]) -> None:
    default = next((f.key for f in flows if f.source == node.key and f.default), "")
    made = _sub(parent, "bpmn", node.kind, id=node.key, name=node.name, default=default)
    for flow in flows:
        if flow.target == node.key:
            _sub(made, "bpmn", "incoming").text = flow.key
    for flow in flows:
        if flow.source == node.key:
            _sub(made, "bpmn", "outgoing").text = flow.key
    if node.kind == "subProcess":
        _elements(made, plan, node.key)


def _diagram(root: ET.Element, plan: _Plan, process: str) -> None:
    plane = _sub(
        _sub(root, "bpmndi", "BPMNDiagram", id="Diagram"), "bpmndi", "BPMNPlane", id="Plane", bpmnElement=process
    )
    for node in plan.nodes.values():
        shape = _sub(plane, "bpmndi", "BPMNShape", id=f"Shape_{node.key}", bpmnElement=node.key)
        if node.kind == "subProcess":
            shape.set("isExpanded", "true")
        wide, high = node.size
        _sub(shape, "dc", "Bounds", x=f"{node.left:g}", y=f"{node.top:g}", width=str(wide), height=str(high))
    for flow in [*plan.flows, *plan.inner]:
        edge = _sub(plane, "bpmndi", "BPMNEdge", id=f"Edge_{flow.key}", bpmnElement=flow.key)
        for x, y in flow.way:
            _sub(edge, "di", "waypoint", x=f"{x:g}", y=f"{y:g}")


def _tag(prefix: str, name: str) -> str:
    return f"{{{SPACES[prefix]}}}{name}"


def _sub(parent: ET.Element, prefix: str, tag: str, /, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, _tag(prefix, tag), {k: clean(v) for k, v in attributes.items() if v})
