"""The loader: files in, frozen values and every fault out; bad content never raises.

`read` takes one file of any kind, `load_folder` a college's folder with its cross references, `check_paths` whatever
is named on a command line.  `dump` writes a definition so that reading it again gives an equal value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from . import checks
from .college import College, Role
from .definition import Definition
from .faults import Fault, brief, faulty, meant
from .reading import college as college_shape
from .reading import entries, places, voices
from .reading.definition import definition
from .reading.dump import dump
from .reading.folder import Folder, combine
from .reading.shapes import BAD, Reader, Reading
from .yaml_source import Node, duplicates, fetch, parse

READERS: dict[str, Reader] = {"definition": definition, **college_shape.READERS, **places.READERS, **entries.READERS,
                              **voices.READERS}  # fmt: skip
KINDS = tuple(READERS)
SUFFIXES = (".yaml", ".yml")
MAX_FILES = 500
MAX_LISTED = 20_000  # files of any kind that are looked at in a folder


class Marks:
    """Where the values of a file stand; a path is the keys and list places that lead to a value."""

    def __init__(self, top: Node | None) -> None:
        self.top = top

    def at(self, path: Sequence[str | int] = ()) -> tuple[int, int]:
        """Return (line, column) of the value, or of the nearest one around it that is written down."""
        node = self.top
        if node is None:
            return 1, 1
        for step in path:
            inner = _inner(node, step)
            if inner is None:
                break
            node = inner
        return node.line, node.col

    def plain(self, path: Sequence[str | int]) -> bool:
        """Tell whether the value at the path is written without quotes."""
        node = self.top
        for step in path:
            node = _inner(node, step) if node is not None else None
        return node is None or node.plain


def _inner(node: Node, step: str | int) -> Node | None:
    if isinstance(step, str):
        return node.get(step)
    return node.items[step] if step < len(node.items) else None


@dataclass(frozen=True)
class Loaded:
    """One file that was read: ``value`` is None where an error stands, ``draft`` is what could be made of it."""

    name: str
    kind: str | None
    value: Any
    faults: tuple[Fault, ...]
    marks: Marks
    draft: Any = None


def read(source: Path | str | bytes, name: str | None = None, roles: Sequence[Role] | None = None) -> Loaded:
    """Read one file (a path) or its content (text or bytes) of any kind, and report all its faults at once.

    ``roles`` are the college's, against which the roles of a definition are checked.
    """
    return _finish(_shape(source, name), roles)


def load_folder(folder: Path | str) -> Folder:
    """Read a college's folder with its cross references; ``faults`` holds those of all files, by file and place."""
    return _load(Path(folder))[0]


def check_paths(paths: Sequence[Path | str]) -> tuple[list[Fault], dict[str, Any]]:
    """Check files of any kind, folders of colleges, and folders of such folders.

    Return all faults and a summary: counts of ``files``, ``errors``, ``warnings``, of each kind under ``kinds``, and
    the keys of the ``colleges`` and ``definitions`` that were read.
    """
    faults: list[Fault] = []
    summary: dict[str, Any] = {"files": 0, "kinds": {}, "colleges": [], "definitions": []}
    for path in map(Path, paths):
        for one in _folders(path):
            found, loaded = _whole(one) if one.is_dir() else _alone(one)
            faults += found
            for file in loaded:
                _count(summary, file)
    faults = list(dict.fromkeys(faults))
    summary["errors"] = sum(f.severity == "error" for f in faults)
    summary["warnings"] = len(faults) - summary["errors"]
    return faults, summary


def _shape(source: Path | str | bytes, name: str | None = None) -> Loaded:
    """Read a file and shape its value; what it means is checked in `_finish`."""
    shown = name if name is not None else str(source) if isinstance(source, Path) else "<text>"
    data = fetch(source) if isinstance(source, Path) else source
    if isinstance(data, Fault):
        return Loaded(shown, None, None, (data,), Marks(None))
    top, faults = parse(data, shown)
    if faults or top is None:
        return Loaded(shown, None, None, tuple(faults) or (_empty(shown),), Marks(None))
    reading = Reading(shown)
    reading.faults += duplicates(shown, top)
    kind, draft = _shaped(reading, top)
    if reading.full:
        reading.fault(top, "file.too_many_faults", "reading stopped at so many faults", "mend these and check again")
    return Loaded(shown, kind, None, tuple(reading.faults), Marks(top), draft)


def _finish(shaped: Loaded, roles: Sequence[Role] | None) -> Loaded:
    faults = list(shaped.faults)
    if isinstance(shaped.draft, Definition):
        faults += _located(shaped.name, shaped.marks, checks.check(shaped.draft, roles))
    found = tuple(sorted(set(faults), key=lambda f: (f.line, f.col, f.code)))
    return replace(shaped, value=None if faulty(found) else shaped.draft, faults=found)


def _empty(name: str) -> Fault:
    return Fault(name, 1, 1, "def.empty", "the file holds no definition", "begin with `kind:`")


def _shaped(reading: Reading, top: Node) -> tuple[str | None, Any]:
    if top.kind == "scalar" and top.plain and top.text in ("", "~", "null"):
        reading.faults.append(_empty(reading.file))
        return None, None
    if top.kind != "mapping":
        what = "list" if top.kind == "list" else "single value"
        reading.fault(
            top, "def.not_mapping", f"the file is a {what}", "begin with `kind:` and write `key: value` lines"
        )
        return None, None
    kind = top.get("kind")
    if kind is None or kind.text not in READERS:
        word = kind.text if kind is not None else ""
        message = f'unknown kind "{brief(word)}"' if kind is not None else 'the key "kind" is missing'
        remedy = meant(word, KINDS) if kind is not None else "begin the file with one of " + ", ".join(KINDS)
        reading.fault(kind or top, "def.unknown_kind", message, remedy)
        return None, None
    if top.entries[0][0].text != "kind":
        reading.warn(top, "def.kind_first", "the file does not begin with `kind:`", "move `kind:` to the first line")
    value = READERS[kind.text](reading, top)
    return kind.text, None if value is BAD else value


def _located(name: str, marks: Marks, findings: Sequence[checks.Finding]) -> list[Fault]:
    faults = []
    for one in findings:
        line, col = marks.at(one.path)
        if one.column:
            col += one.column - 1 + (not marks.plain(one.path))
        faults.append(Fault(name, line, col, one.code, one.message, one.remedy, one.severity))
    return faults


def _load(path: Path) -> tuple[Folder, list[Loaded]]:
    names = _files(path)
    if isinstance(names, Fault):
        return replace(combine([]), faults=(names,)), []
    shaped = [_shape(name) for name in names]
    college = next((one.draft for one in shaped if isinstance(one.draft, College)), None)
    loaded = [_finish(one, college.roles if college is not None else None) for one in shaped]
    found = combine(loaded)
    faults = [*(f for one in loaded for f in one.faults), *found.faults]
    if not any(one.kind == "college" for one in loaded):
        where = str(path / "college.yaml")
        faults.append(
            Fault(where, 1, 1, "folder.no_college", "the folder has no file of kind college", "add college.yaml")
        )
    return replace(found, faults=tuple(sorted(set(faults), key=lambda f: (f.file, f.line, f.col, f.code)))), loaded


def _files(path: Path) -> list[Path] | Fault:
    """Return the YAML files of a folder and the folders in it, by name."""
    if not path.is_dir():
        return Fault(str(path), 1, 1, "file.missing", "there is no such folder", "check the path")
    try:
        found = sorted(
            f
            for f in islice(path.rglob("*"), MAX_LISTED)
            if f.suffix in SUFFIXES and not f.name.startswith(".") and not f.is_dir()
        )
    except OSError as error:
        return Fault(str(path), 1, 1, "file.not_readable", f"the folder cannot be read ({type(error).__name__})",
                     "ask its owner for the right to read")  # fmt: skip
    if not found:
        return Fault(
            str(path), 1, 1, "folder.empty", "the folder holds no .yaml file", "put the files of a college in it"
        )
    if len(found) > MAX_FILES:
        return Fault(
            str(path), 1, 1, "folder.too_many", f"{len(found)} files, allowed are {MAX_FILES}", "check one college"
        )
    return found


def _folders(path: Path) -> list[Path]:
    """Return the folders of colleges that a path means: those in it, where it holds no YAML itself."""
    if not path.is_dir() or any(f for suffix in SUFFIXES for f in path.glob(f"*{suffix}")):
        return [path]
    return sorted(f.parent for f in path.glob("*/college.yaml")) or [path]


def _alone(path: Path) -> tuple[list[Fault], list[Loaded]]:
    """Check one file; the college beside or above it, where there is one, says which roles there are."""
    shaped = _shape(path)
    roles = None
    if isinstance(shaped.draft, Definition):
        for college in (path.parent / "college.yaml", path.parent.parent / "college.yaml"):
            found = _shape(college).draft if college.is_file() else None
            if isinstance(found, College):
                roles = found.roles
                break
    loaded = _finish(shaped, roles)
    return list(loaded.faults), [loaded]


def _whole(path: Path) -> tuple[list[Fault], list[Loaded]]:
    folder, loaded = _load(path)
    return list(folder.faults), loaded


def _count(summary: dict[str, Any], file: Loaded) -> None:
    summary["files"] += 1
    kind = file.kind or "unknown"
    summary["kinds"][kind] = summary["kinds"].get(kind, 0) + 1
    if isinstance(file.draft, College):
        summary["colleges"].append(file.draft.key)
    elif isinstance(file.draft, Definition):
        summary["definitions"].append(file.draft.key)


__all__ = [
    "KINDS", "Fault", "Folder", "Loaded", "Marks", "check_paths", "dump", "load_folder", "read",
]  # fmt: skip
