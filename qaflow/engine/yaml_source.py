"""Bounded reading of YAML 1.2 into nodes that know their place.

Definitions come by mail: nothing here trusts them.  The file's size is looked at before it is read, nodes are counted
on the event stream with aliases expanded, depth is stopped inside the scanner (which looks ahead, so that the event
stream would be too late), tags are refused before anything is built, and scalars stay text: no value is guessed.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
)  # fmt: skip
from ruamel.yaml.scanner import Scanner

from .faults import Fault, brief

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
MAX_DEPTH = 32
MAX_KEY = 200
# What the encoding allows and a text file never holds; tab, line feed and carriage return are fine.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


@dataclass(slots=True, eq=False)
class Node:
    """One YAML node: a scalar, a list or a mapping, with its place (from 1) and its size with aliases expanded."""

    kind: str  # scalar, list, mapping
    line: int
    col: int
    text: str = ""
    plain: bool = True  # a scalar without quotes
    items: list[Node] = field(default_factory=list)
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    size: int = 1
    height: int = 1

    def get(self, key: str) -> Node | None:
        """Return the value of a mapping's key, or None."""
        return next((value for name, value in self.entries if name.text == key), None)


class TooDeep(YAMLError):
    """Raised by the scanner where brackets or indents go deeper than allowed."""

    def __init__(self, line: int, col: int) -> None:
        super().__init__()
        self.line, self.col = line, col


class ShallowScanner(Scanner):
    """A scanner that stops at the allowed depth instead of looking ahead through all of it."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803 - the base class's name
        self._stop()
        super().fetch_flow_collection_start(TokenClass, to_push)

    def add_indent(self, column: int) -> bool:
        self._stop()
        return bool(super().add_indent(column))

    def fetch_directive(self) -> None:
        if self.reader.line >= MAX_DEPTH:
            raise Stop(
                self.reader.line + 1, 1, "yaml.syntax", "a directive stands this far down", "take the % line out"
            )
        super().fetch_directive()

    def _stop(self) -> None:
        if len(self.indents) + self.flow_level > MAX_DEPTH:
            raise TooDeep(self.reader.line + 1, self.reader.column + 1)


class Stop(Exception):
    """Ends a reading with the fault that makes going on useless."""

    def __init__(self, line: int, col: int, code: str, message: str, remedy: str = "") -> None:
        super().__init__(code)
        self.parts = (line, col, code, message, remedy)


def fetch(path: Path) -> bytes | Fault:
    """Return the bytes of a regular file of allowed size, or the fault that forbids reading it."""
    name = str(path)
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            return Fault(name, 1, 1, "file.is_folder", "this is a folder", "name a file in it")
        if not stat.S_ISREG(about.st_mode):
            return Fault(name, 1, 1, "file.not_regular", "this is no regular file", "name a file on disk")
        if about.st_size > MAX_BYTES:
            return _oversize(name, about.st_size)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Fault(name, 1, 1, "file.missing", "there is no such file", "check the path")
    except PermissionError:
        return Fault(name, 1, 1, "file.not_readable", "you may not read this file", "ask its owner for the right")
    except (OSError, ValueError) as error:
        message = f"the file cannot be read ({type(error).__name__})"
        return Fault(name, 1, 1, "file.not_readable", message, "check the path")
    return data if len(data) <= MAX_BYTES else _oversize(name, len(data))


def parse(data: bytes | str, name: str) -> tuple[Node | None, list[Fault]]:
    """Read one YAML document; return its top node (None where it cannot be had) and all faults found."""
    faults: list[Fault] = []
    try:
        return _Composer(name, faults).compose(_decode(data)), faults
    except Stop as stop:
        line, col, code, message, remedy = stop.parts
    except TooDeep as error:
        line, col, code = error.line, error.col, "yaml.too_deep"
        message, remedy = f"nested deeper than {MAX_DEPTH} levels", "make the file flatter"
    except MarkedYAMLError as error:
        line, col, code, message, remedy = _syntax(error)
    except (YAMLError, ValueError, RecursionError) as error:
        line, col, code, remedy = 1, 1, "yaml.syntax", "write plain YAML 1.2"
        message = f"the file is not YAML ({type(error).__name__})"
    return None, [*faults, Fault(name, line, col, code, message, remedy)]


def _oversize(name: str, size: int) -> Fault:
    message = f"the file has {size:,} bytes, allowed are {MAX_BYTES:,}"
    return Fault(name, 1, 1, "file.too_large", message, "split it or take out what is not a definition")


def _decode(data: bytes | str) -> str:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise Stop(1, 1, "file.too_large", f"{len(raw):,} bytes, allowed are {MAX_BYTES:,}", "split the file")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, col = before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte {error.start} is not UTF-8 (0x{raw[error.start]:02x})"
        raise Stop(line, col, "encoding.not_utf8", message, "save the file as UTF-8") from None
    found = UNPRINTABLE.search(text)
    if found:
        head = text[: found.start()]
        line, col = head.count("\n") + 1, len(head) - head.rfind("\n")
        message = f"byte {len(head.encode())} is the control character U+{ord(found.group()):04X}"
        raise Stop(line, col, "encoding.not_utf8", message, "save the file as UTF-8 text and take the character out")
    return text.removeprefix("\ufeff")


def _syntax(error: MarkedYAMLError) -> tuple[int, int, str, str, str]:
    mark = error.problem_mark or error.context_mark
    line, col = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    message = brief(" ".join(str(p) for p in (error.context, error.problem) if p), 160)
    if "\\t" in message or "tab" in message.split():
        return line, col, "yaml.syntax", "a tab stands where blanks must indent", "indent with blanks, not tabs"
    if "expected a single document" in message:
        return line, col, "yaml.many_documents", "a second document begins here", "keep one document in a file"
    return line, col, "yaml.syntax", message, "check indentation, colons, quotes and brackets"


def _events(text: str) -> Iterator[Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = ShallowScanner
    return iter(yaml.parse(text))


class _Composer:
    """Builds nodes from events, with a stack of its own in place of recursion."""

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.name = name
        self.faults = faults
        self.total = 0
        self.stack: list[tuple[Node, Node | None]] = []  # the open collections, each with the key it waits to fill
        self.anchors: dict[str, Node] = {}
        self.top: Node | None = None
        self.documents = 0

    def compose(self, text: str) -> Node | None:
        for event in _events(text):
            self._take(event, event.start_mark.line + 1, event.start_mark.column + 1)
        return self.top

    def _take(self, event: Any, line: int, col: int) -> None:
        if isinstance(event, ScalarEvent):
            self._open(event, line, col)
            self._put(self._anchor(event, Node("scalar", line, col, event.value, event.style is None)))
        elif isinstance(event, CollectionStartEvent):
            self._open(event, line, col)
            kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
            self.stack.append((self._anchor(event, Node(kind, line, col)), None))
            if len(self.stack) > MAX_DEPTH:
                raise TooDeep(line, col)
        elif isinstance(event, CollectionEndEvent):
            self._put(self.stack.pop()[0])
        elif isinstance(event, AliasEvent):
            self._put(self._alias(event, line, col))
        elif isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                message = "a second document begins here"
                raise Stop(line, col, "yaml.many_documents", message, "keep one document in a file")

    def _open(self, event: Any, line: int, col: int) -> None:
        if event.ctag is not None:
            message = f"the tag {brief(str(event.ctag.handle or '') + str(event.ctag.suffix or ''))} is not allowed"
            raise Stop(line, col, "yaml.tag_forbidden", message, "take the tag off; quote the value where it is a text")
        self._count(1, line, col)

    def _count(self, nodes: int, line: int, col: int) -> None:
        self.total += nodes
        if self.total > MAX_NODES:
            message = f"more than {MAX_NODES:,} values, aliases expanded"
            raise Stop(line, col, "yaml.too_large", message, "split the file; write lists out instead of aliases")

    def _anchor(self, event: Any, node: Node) -> Node:
        if event.anchor is not None:
            self.anchors[str(event.anchor)] = node
        return node

    def _alias(self, event: Any, line: int, col: int) -> Node:
        node, name = self.anchors.get(str(event.anchor)), brief(str(event.anchor))
        if node is None:
            raise Stop(line, col, "yaml.unknown_alias", f"no anchor &{name} stands above", "write the value out")
        if any(node is opened for opened, _ in self.stack):
            raise Stop(line, col, "yaml.cycle", f"*{name} stands inside itself", "write the value out")
        if len(self.stack) + node.height > MAX_DEPTH + 1:
            raise TooDeep(line, col)
        self._count(node.size, line, col)
        return node

    def _put(self, node: Node) -> None:
        if not self.stack:
            self.top = node
            return
        parent, key = self.stack[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.kind == "list":
            parent.items.append(node)
        elif key is None:
            self.stack[-1] = (parent, node)
        else:
            self.stack[-1] = (parent, None)
            parent.entries.append((key, node))


def duplicates(name: str, top: Node) -> list[Fault]:
    """Return a fault for every mapping key that is no plain text or stands twice, naming both lines."""
    faults: list[Fault] = []
    todo, seen = [top], {id(top)}
    while todo:
        node = todo.pop()
        faults += _mapping_faults(name, node)
        for child in [*node.items, *(value for _, value in node.entries)]:
            if child.kind != "scalar" and id(child) not in seen:
                seen.add(id(child))
                todo.append(child)
    return sorted(faults, key=lambda f: (f.line, f.col))


def _mapping_faults(name: str, node: Node) -> Iterator[Fault]:
    first: dict[str, Node] = {}
    for key, _ in node.entries:
        if key.kind != "scalar" or len(key.text) > MAX_KEY:
            yield Fault(
                name, key.line, key.col, "yaml.key_not_text", "a key must be a short text", "write `key: value`"
            )
        elif key.text in first:
            before = first[key.text].line
            message = f'"{brief(key.text)}" stands in line {before} and again in line {key.line}'
            yield Fault(name, key.line, key.col, "yaml.duplicate_key", message, "keep one of the two")
        else:
            first[key.text] = key
