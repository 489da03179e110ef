"""The shapes of files of ``kind: selftest`` and ``kind: incidents``: what people are asked, and what they report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..definition import LAYERS
from ..faults import brief
from ..incidents import Category, Grade, Rules
from ..selftest import HIGHEST, LOWEST, Dimension, Element, Form, Question
from ..yaml_source import Node
from .places import assumed, source
from .scalars import choice, days, key, label, named, number
from .shapes import BAD, Reader, Reading, constant, fold, many, may, need, record

GRADES = HIGHEST - LOWEST + 1

question = record({"key": need(key), "text": named()}, Question)
element = record(
    {
        "key": need(key),
        "name": named(),
        "questions": need(many(question, 1, 20), ()),
        "source": source,
        "assumed": assumed,
    },
    Element,
)
dimension = record(
    {
        "key": need(key),
        "name": named(),
        "elements": need(many(element, 1, 20), ()),
        "source": source,
        "assumed": assumed,
    },
    Dimension,
)


def _form(kind: str, **values: Any) -> Form:
    return Form(**values)


_SELFTEST = record(
    {
        "kind": need(constant("selftest"), "selftest"),
        "key": need(key),
        "name": named(),
        "layer": need(choice(*LAYERS), "student"),
        "scale": need(many(label(), GRADES, GRADES), ()),
        "dimensions": need(many(dimension, 1, 20), ()),
        "low": may(number(LOWEST, HIGHEST), 3.0),
        "source": source,
        "assumed": assumed,
    },
    _form,
)


def selftest(reading: Reading, node: Node) -> Any:
    """Read a questionnaire; the keys of its dimensions, elements and questions stand once each in the file."""
    value = _SELFTEST(reading, node)
    if value is not BAD:
        seen: dict[str, Node] = {}
        for one in _keyed(node, ("dimensions", "elements", "questions")):
            _once(reading, seen, one)
    return value


def _keyed(node: Node, below: tuple[str, ...]) -> Iterator[Node]:
    """Yield the keys of what lies in a file, level by level of the names given."""
    found = node.get(below[0]) if below else None
    for one in found.items if found is not None and found.kind == "list" else ():
        name = one.get("key")
        if name is not None:
            yield name
        yield from _keyed(one, below[1:])


def _once(reading: Reading, seen: dict[str, Node], name: Node) -> None:
    before = seen.setdefault(fold(name.text), name)
    if before is not name:
        message = f'"{brief(name.text)}" of line {before.line} stands again in line {name.line}'
        reading.fault(name, "def.duplicate_id", message, "give each dimension, element and question its own key")


category = record({"key": need(key), "name": named(), "source": source, "assumed": assumed}, Category)
grade = record({"key": need(key), "name": named(), "days": need(days), "source": source, "assumed": assumed}, Grade)


def _rules(kind: str, **values: Any) -> Rules:
    return Rules(**values)


incidents = record(
    {
        "kind": need(constant("incidents"), "incidents"),
        "categories": need(many(category, 1, 50, unique="key"), ()),
        "grades": need(many(grade, 1, 10, unique="key"), ()),
        "source": source,
        "assumed": assumed,
    },
    _rules,
)

READERS: dict[str, Reader] = {"selftest": selftest, "incidents": incidents}
