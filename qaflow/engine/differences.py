"""What differs between two definitions: stages, fields, gates, signers, deadlines, loop, sheets, ladder and notices.

Symmetric and complete: there is no change exactly where the two say the same of a cycle, and with the two exchanged
every change is the same with old and new exchanged. A stage that got another key is one change, under the new key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .definition import Definition, Field, Level, NoticeRule, Sheet, Stage

NAMES = frozenset(("key", "version", "format"))  # what a version is called, not what it says
LISTS = frozenset(("stages", "ladder", "sheets", "quick", "form", "notices"))  # compared part by part
WHOLE = ""


class Change(NamedTuple):
    """One difference; ``old`` is None for what is new, ``new`` for what is gone, ``what`` empty for a whole part."""

    part: str  # definition, stage, field, quick, ladder, sheet, notice
    key: str  # of the stage, kind of sheet or number of the level
    what: str
    old: Any
    new: Any


def changes(old: Definition, new: Definition) -> list[Change]:
    """Return every difference between two definitions, in the order in which a definition is read."""
    found = list(_values("definition", WHOLE, old, new))
    again = renamed(old, new)
    before = {again.get(stage.key, stage.key): stage for stage in old.stages}
    found += _order("definition", WHOLE, "order", before, new.by_key)
    found += _each("stage", before, new.by_key, _stage)
    found += _each("quick", _one(old.quick), _one(new.quick), lambda k, a, b: _values("quick", k, a, b))
    found += _each("sheet", {s.kind: s for s in old.sheets}, {s.kind: s for s in new.sheets}, _sheet)
    found += _each("ladder", _rungs(old), _rungs(new), _level)
    return found + list(_each("notice", {n.what: n for n in old.notices}, {n.what: n for n in new.notices}, _notice))


def _rungs(one: Definition) -> dict[str, Level]:
    return {str(number): level for number, level in enumerate(one.ladder, 1)}


def renamed(old: Definition, new: Definition) -> dict[str, str]:
    """Return stages that have another key only: gone here, new there, covering or called the same as no other."""
    gone = [s for s in old.stages if s.key not in new.by_key]
    come = [s for s in new.stages if s.key not in old.by_key]
    pairs = [(a.key, b.key) for a in gone for b in come if a.name == b.name or _covers(a) == _covers(b)]
    return {a: b for a, b in pairs if sum(a == x or b == y for x, y in pairs) == 1}


def _covers(stage: Stage) -> tuple[str, ...]:
    return tuple(sorted(stage.covers or (stage.key,)))


def _one(part: Any) -> dict[str, Any]:
    return {} if part is None else {WHOLE: part}


def _each(part: str, old: Mapping[str, Any], new: Mapping[str, Any],
          inner: Callable[[str, Any, Any], Iterable[Change]]) -> Iterator[Change]:  # fmt: skip
    """Yield what came, what went, and what differs in what stayed; in the new order, what went at the end."""
    for key in [*new, *(k for k in old if k not in new)]:
        if key in old and key in new:
            yield from inner(key, old[key], new[key])
        else:
            yield Change(part, key, WHOLE, old.get(key), new.get(key))


def _order(part: str, key: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = tuple(k for k in old if k in new), tuple(k for k in new if k in old)
    if before != after:
        yield Change(part, key, what, before, after)


def _stage(key: str, old: Stage, new: Stage) -> Iterator[Change]:
    if old.key != new.key:
        yield Change("stage", key, "key", old.key, new.key)
    yield from _values("stage", key, old, new)
    yield from _form("field", key, old.form, new.form)


def _sheet(key: str, old: Sheet, new: Sheet) -> Iterator[Change]:
    yield from _values("sheet", key, old, new)
    yield from _form("sheet_field", key, old.form, new.form)


def _level(key: str, old: Level, new: Level) -> Iterator[Change]:
    if old != new:
        yield Change("ladder", key, WHOLE, old, new)


def _notice(key: str, old: NoticeRule, new: NoticeRule) -> Iterator[Change]:
    if old != new:
        yield Change("notice", key, WHOLE, old, new)


def _form(part: str, key: str, old: tuple[Field, ...], new: tuple[Field, ...]) -> Iterator[Change]:
    before, after = {f.key: f for f in old}, {f.key: f for f in new}
    for change in _each(part, before, after, lambda k, a, b: [Change(part, k, k, a, b)] if a != b else []):
        yield change._replace(key=key, what=change.key)
    yield from _order(part, key, "order", before, after)


def _values(part: str, key: str, old: Any, new: Any) -> Iterator[Change]:
    """Yield the plain values that differ."""
    for one in dataclasses.fields(old):
        if one.name in LISTS or one.name in NAMES:
            continue
        before, after = getattr(old, one.name), getattr(new, one.name)
        if before != after:
            yield Change(part, key, one.name, before, after)
