"""A definition as a Mermaid state diagram, for pages and wikis that draw Mermaid themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator

from qaflow.engine.definition import QUICK_STATES, Definition, Label, QuickLoop, Stage
from qaflow.engine.machine import ways_on
from qaflow.engine.markup import clean

# Mermaid reads these as its own words, in any case of letters.
RESERVED = {
    "as", "class", "classdef", "click", "default", "direction", "end", "fork", "hide", "href", "join", "note", "scale",
    "state", "statediagram", "style",
}  # fmt: skip
UNSAFE = {c: f"#{ord(c)};" for c in "#;\"'<>&:{}[]`\\%"}  # Mermaid's own escapes


def draw(definition: Definition, language: str = "zh") -> str:
    """Draw the definition as `stateDiagram-v2`; the stage with the quick loop holds monitor, warn and correct."""
    return "\n".join(_lines(definition, language)) + "\n"


def _lines(definition: Definition, language: str) -> Iterator[str]:
    names = _identifiers(definition)
    yield "---"
    yield f"title: {json.dumps(clean(getattr(definition.name, language)), ensure_ascii=False)}"
    yield "---"
    yield "stateDiagram-v2"
    yield "    direction TB"
    for stage in definition.stages:
        yield f'    state "{_text(stage.name, language)}" as {names[stage.key]}'
    yield f"    [*] --> {names[definition.stages[0].key]}"
    for stage in definition.stages:
        if definition.quick is not None and stage.key == definition.hinge:
            yield from _quick(definition.quick, stage, names, language)
        for target, when in ways_on(definition, stage):
            yield f"    {names[stage.key]} --> {names[target] if target else '[*]'}{_condition(when)}"


def _quick(loop: QuickLoop, stage: Stage, names: dict[str, str], language: str) -> Iterator[str]:
    inner = [names[f"{stage.key}.{q}"] for q in QUICK_STATES]
    yield f"    state {names[stage.key]} {{"
    for name, label in zip(inner, loop.names, strict=True):
        yield f'        state "{_text(label, language)}" as {name}'
    yield f"        [*] --> {inner[0]}"
    for start, end in zip(inner, [*inner[1:], inner[0]], strict=True):
        yield f"        {start} --> {end}"
    yield f"        {inner[0]} --> [*]"
    yield "    }"


def _identifiers(definition: Definition) -> dict[str, str]:
    """Return a word for each stage and quick state that Mermaid takes: no hyphen, not reserved, unique."""
    keys = list(definition.order)
    if definition.hinge is not None:
        keys += [f"{definition.hinge}.{q}" for q in QUICK_STATES]
    found: dict[str, str] = {}
    for key in keys:
        name = "".join(c if c.isascii() and c.isalnum() else "_" for c in key.rpartition(".")[2])
        while name in RESERVED or name in found.values():
            name += "_"
        found[key] = name
    return found


def _text(label: Label, language: str) -> str:
    return _escape(getattr(label, language))


def _escape(text: str) -> str:
    return "".join(UNSAFE.get(c, c) for c in clean(text))


def _condition(when: str | None) -> str:
    return f" : {_escape(when)}" if when else ""
