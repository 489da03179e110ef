"""Rows against replay: what the tables say of a cycle must be what its journal adds up to (engine rules, 7)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from qaflow.engine.replay import Replay
from qaflow.engine.snapshot import Visit
from qaflow.store import audit
from qaflow.store.cycles import (
    CYCLE_COLUMNS,
    ITEM_COLUMNS,
    ITEM_FIELDS,
    SHEET_COLUMNS,
    SHEET_FIELDS,
    VISIT_COLUMNS,
    WARNING_COLUMNS,
    WARNING_FIELDS,
)
from qaflow.store.driver import Driver
from qaflow.store.frame_answers import ANSWER_COLUMNS

Fault = tuple[int, str, Any, Any]
"""Cycle, what differs, the value that replay gives, the value found."""

_SNAP_FIELDS = ("id", "status", "outcome", "stage", "leaf", "revision", "responsible", "unit", "adopted", "started_at",
                "closed_at", "item_no", "warning_no", "sheet_no", "version", "ends_at", "left", "subject", "track",
                "layer", "number", "parent", "previous", "start", "end")  # fmt: skip
_VISIT_FIELDS = ("stage", "number", "state", "entered_at", "due", "submitted_at", "submitted_by", "for_", "decided_at",
                 "outcome", "revision", "content", "order", "need", "auto_at")  # fmt: skip
PARTS = ("visit", "work_item", "warning", "sheet", "signature", "frame_answer")
_CYCLE_NAMES = (*CYCLE_COLUMNS, "visit", "due", "next_due", "open_warnings", "proposal", "head", "definition")
_SIGNATURE_NAMES = ("stage", "visit", "revision", "position", "person_id", "decision", "at", "signed_by",
                    "on_behalf_of", "content")  # fmt: skip
_of_snap, _of_visit = attrgetter(*_SNAP_FIELDS), attrgetter(*_VISIT_FIELDS)
_of_item, _of_warning, _of_sheet = attrgetter(*ITEM_FIELDS), attrgetter(*WARNING_FIELDS), attrgetter(*SHEET_FIELDS)
_ADOPTED, _LEFT, _PROPOSAL = _SNAP_FIELDS.index("adopted"), _SNAP_FIELDS.index("left"), len(CYCLE_COLUMNS) + 4


def differences(driver: Driver, replays: dict[int, tuple[Replay, str]]) -> Iterator[Fault]:
    """Yield where the rows of cycles differ from their replay; ``replays`` gives each one's fold and newest hash."""
    found = audit.rows_of(driver, list(replays))
    parts = {name: _by_cycle(found[name]) for name in PARTS}
    rows = {row[0]: row for row in found["cycle"]}
    for cycle, (replay, head) in replays.items():
        row = rows.get(cycle)
        if row is None:
            yield cycle, "cycle", "a row", None
            continue
        yield from _of_row(cycle, replay, head, row)
        snap = replay.snap
        yield from _of_parts(cycle, "visit", VISIT_COLUMNS, 2, map(_of_visit, _visits(replay)), parts["visit"][cycle])
        yield from _of_parts(
            cycle, "work_item", ITEM_COLUMNS, 1, map(_of_item, snap.items.values()), parts["work_item"][cycle]
        )
        if snap.warnings or cycle in parts["warning"]:
            yield from _of_parts(
                cycle, "warning", WARNING_COLUMNS, 1, map(_of_warning, snap.warnings.values()), parts["warning"][cycle]
            )
        if snap.sheets or cycle in parts["sheet"]:
            yield from _of_parts(
                cycle, "sheet", SHEET_COLUMNS, 1, map(_of_sheet, snap.sheets.values()), parts["sheet"][cycle]
            )
        if replay.answers or cycle in parts["frame_answer"]:
            yield from _of_parts(
                cycle, "frame_answer", ANSWER_COLUMNS, 3, sorted(replay.answers), parts["frame_answer"][cycle]
            )
        if not replay.renamed:
            yield from _of_parts(
                cycle, "signature", _SIGNATURE_NAMES, 5, _signatures(replay), parts["signature"][cycle]
            )


def _by_cycle(rows: Iterable[tuple[Any, ...]]) -> defaultdict[int, list[tuple[Any, ...]]]:
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row[1:])
    return found


def _of_row(cycle: int, replay: Replay, head: str, row: tuple[Any, ...]) -> Iterator[Fault]:
    snap = replay.snap
    visit = snap.visits.get(snap.stage)
    proposals = [w.id for w in snap.warnings.values() if w.proposal]
    wanted = [*_of_snap(snap), visit.number if visit else 0, visit.due if visit else None, snap.next_due(),
              len(snap.open_warnings()) if snap.warnings else 0, proposals[0] if proposals else None, head,
              snap.definition]  # fmt: skip
    stored = list(row)
    if wanted == stored:
        return
    stored[_ADOPTED], stored[_LEFT] = bool(stored[_ADOPTED]), json.loads(stored[_LEFT]) if stored[_LEFT] else None
    if stored[_PROPOSAL] in proposals:
        wanted[_PROPOSAL] = stored[_PROPOSAL]
    for name, want, have in zip(_CYCLE_NAMES, wanted, stored, strict=True):
        if want != have:
            yield cycle, f"cycle.{name}", want, have


def _of_parts(cycle: int, table: str, names: Sequence[str], key: int, wanted: Iterable[tuple[Any, ...]],
              stored: list[tuple[Any, ...]]) -> Iterator[Fault]:  # fmt: skip
    expected = list(wanted)
    if expected == stored:
        return
    have = {row[:key]: row for row in stored}
    for row in expected:
        other = have.pop(row[:key], None)
        if other is None:
            yield cycle, f"{table} {_shown(row[:key])}", "a row", None
        elif other != row:
            for name, want, is_ in zip(names, row, other, strict=True):
                if want != is_:
                    yield cycle, f"{table} {_shown(row[:key])}.{name}", want, is_
    for missing in have:
        yield cycle, f"{table} {_shown(missing)}", None, "a row"


def _shown(key: tuple[Any, ...]) -> str:
    return "/".join(map(str, key))


def _visits(replay: Replay) -> list[Visit]:
    return [*replay.past, *replay.snap.visits.values()]


def _signatures(replay: Replay) -> Iterator[tuple[Any, ...]]:
    """Yield the signatures that still hold: those of a visit that was sent back are void."""
    for visit in _visits(replay):
        if not visit.signers or visit.outcome in ("returned", "reopened"):
            continue
        for position, person in enumerate(visit.signers, 1):
            signed = visit.signed.get(person)
            given = (signed["decision"], signed["at"], signed["by"]) if signed else (None, None, None)
            behalf = replay.behalf.get((visit.stage, visit.number, person)) if signed else None
            content = signed["content"] if signed else None
            yield visit.stage, visit.number, visit.revision, position, person, *given, behalf, content
