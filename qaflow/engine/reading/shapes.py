"""Shapes: small readers that turn a node into a value, and combine.

A reader takes a `Reading` and a node and returns a value, or `BAD` after it has noted a fault.  Readers never stop at
the first fault and never raise, so that one check names everything that is wrong in a file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..faults import Fault, brief, meant
from ..yaml_source import Node


class Bad:
    """The value of what could not be read."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Final = Bad()
Reader = Callable[["Reading", Node], Any]


MAX_FAULTS = 500


class Reading:
    """One reading of one file; gathers the faults, up to the number after which reading on says nothing new."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []

    @property
    def full(self) -> bool:
        """Tell whether enough faults were found to stop."""
        return len(self.faults) >= MAX_FAULTS

    def fault(self, node: Node, code: str, message: str, remedy: str = "", *, shift: int = 0) -> Bad:
        """Note an error at a node (``shift`` columns into it) and return BAD."""
        self.faults.append(Fault(self.file, node.line, node.col + shift, code, message, remedy))
        return BAD

    def warn(self, node: Node, code: str, message: str, remedy: str = "") -> None:
        """Note a warning at a node."""
        self.faults.append(Fault(self.file, node.line, node.col, code, message, remedy, "warning"))


class Prop:
    """One key of a mapping: how it is read, what holds where it is left out, what stands in where it is wrong."""

    def __init__(self, read: Reader, required: bool, default: Any, name: str | None) -> None:
        self.read, self.required, self.default, self.name = read, required, default, name


def need(read: Reader, stand_in: Any = BAD, name: str | None = None) -> Prop:
    """Describe a key that must be there; a ``stand_in`` lets the reading go on where it is wrong."""
    return Prop(read, True, stand_in, name)


def may(read: Reader, default: Any = None, name: str | None = None) -> Prop:
    """Describe a key that may be left out."""
    return Prop(read, False, default, name)


def fold(text: str) -> str:
    """Return the form under which two keys count as the same: NFC, without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def record(props: Mapping[str, Prop], build: Callable[..., Any] = dict) -> Reader:
    """Return the reader of a mapping with these keys; BAD where a needed one without stand-in is missing or wrong."""

    def read(reading: Reading, node: Node) -> Any:
        if node.kind != "mapping":
            remedy = "write " + ", ".join(f"{name}: …" for name in list(props)[:3])
            return reading.fault(node, "type.expected_mapping", "a mapping is needed here", remedy)
        given: dict[str, Node] = {}
        for key, value in node.entries:
            if key.kind == "scalar" and key.text in props:
                given.setdefault(key.text, value)
            elif key.kind == "scalar" and not reading.full:
                reading.fault(key, "def.unknown_key", f'unknown key "{brief(key.text)}"', meant(key.text, props))
        if reading.full:
            return BAD
        values = {prop.name or name: _value(reading, node, name, prop, given.get(name)) for name, prop in props.items()}
        return BAD if any(v is BAD for v in values.values()) else build(**values)

    return read


def _value(reading: Reading, parent: Node, name: str, prop: Prop, node: Node | None) -> Any:
    if node is None:
        if prop.required:
            reading.fault(parent, "def.missing_key", f'the key "{name}" is missing', f"add `{name}:` here")
        return prop.default
    value = prop.read(reading, node)
    return prop.default if value is BAD else value


def many(read: Reader, low: int = 0, high: int = 1000, unique: str | None = None, code: str = "list.length") -> Reader:
    """Return the reader of a list of ``low`` to ``high`` entries; ``unique`` names the key no two entries share."""

    def read_all(reading: Reading, node: Node) -> Any:
        if node.kind != "list":
            return reading.fault(node, "type.expected_list", "a list is needed here", "begin each entry with `- `")
        if not low <= len(node.items) <= high:
            message = f"{len(node.items)} entries, allowed are {low} to {high}"
            reading.fault(node, code, message, "add or take out entries")
        values = [(item, read(reading, item)) for item in node.items[:high]]
        good = [(item, value) for item, value in values if value is not BAD]
        if unique is not None:
            _differ(reading, [(item.get(unique) or item, _part(value, unique)) for item, value in good])
        elif read in _WORDS:
            _differ(reading, good)
        node.items = [item for item, _ in good]  # so that a value's place in the tuple leads to its node
        return tuple(value for _, value in good)

    return read_all


_WORDS: set[Reader] = set()


def words(read: Reader) -> Reader:
    """Mark a reader's values as ones that stand only once in a list."""
    _WORDS.add(read)
    return read


def _part(value: Any, key: str) -> Any:
    return value[key] if isinstance(value, dict) else getattr(value, key)


def _differ(reading: Reading, pairs: list[tuple[Node, Any]]) -> None:
    first: dict[str, Node] = {}
    for node, value in pairs:
        folded = fold(str(value))
        if folded in first:
            before = first[folded]
            message = f'"{brief(str(value))}" of line {before.line} stands again in line {node.line}'
            reading.fault(node, "def.duplicate_id", message, "give each its own key (case does not count)")
        else:
            first[folded] = node


def either(*pairs: tuple[Callable[[Node], bool], Reader], otherwise: Reader) -> Reader:
    """Return the reader that takes the first branch whose test fits the node."""

    def read(reading: Reading, node: Node) -> Any:
        for fits, branch in pairs:
            if fits(node):
                return branch(reading, node)
        return otherwise(reading, node)

    return read


def is_word(*choices: str) -> Callable[[Node], bool]:
    """Return the test for an unquoted word."""
    return lambda node: node.kind == "scalar" and node.plain and node.text in choices


def constant(value: Any) -> Reader:
    """Return the reader that gives the same value whatever stands there."""
    return lambda reading, node: value


def or_none(read: Reader) -> Reader:
    """Return a reader that also takes an unquoted ``null``, ``none`` or ``~``, as None."""
    return either((is_word("null", "none", "~", ""), constant(None)), otherwise=read)


def is_kind(kind: str) -> Callable[[Node], bool]:
    """Return the test for a scalar, list or mapping."""
    return lambda node: node.kind == kind
