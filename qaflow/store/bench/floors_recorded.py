"""What the product wrote for an act, read back from its database as the ready-made rows of the floor."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from qaflow.store.journal import COLUMNS

from .floors import Act
from .floors_sets import Launch, Tick

_ENTRY = ", ".join(f"j.{name}" for name in COLUMNS[:-2])  # the chain is the floor's own work
_ENTRIES = f"select {_ENTRY} from journal j where j.stream = ? order by j.seq"
_NOTICE = "college_id, journal_stream, journal_seq, kind, person_id, payload, 'waiting', available_at, 0, message_id"
_NOTICES = f"select {_NOTICE} from outbox where journal_stream = ? and journal_seq = ?"
_CYCLE = "select ends_at, next_due, due from cycle where id = ?"
_VISITS = (
    "select cycle_id, stage, number, state, entered_at, due, revision, content, order_kind, need, auto_at, "
    "submitted_by "
    "from visit where cycle_id = ? order by entered_at"
)
_FIRST_VISIT = (
    "select cycle_id, stage, number, state, entered_at, due, revision, order_kind, need, auto_at from visit "
    "where cycle_id = ?"
)
_ITEM = (
    "college_id, cycle_id, subject_id, no, kind, stage, visit, holder_id, owner_id, unit_id, layer, opened_at, due, "
    "deadline_no, level, next_level, next_level_at, state"
)
_ITEMS = f"select {_ITEM} from work_item where cycle_id = ? order by no"
_CONTENT = "select salt, bytes from content where hash = ?"
_ADVANCED = (
    f"select c.id, c.stage, c.due, c.next_due, v.due, v.auto_at, {_ENTRY} from journal j join cycle c on "
    "j.stream = 'cycle:' || c.id and j.seq = c.version join visit v on v.cycle_id = c.id and v.stage = c.stage "
    "where j.at = ? and j.kind = 'StageAdvanced'"
)
_RAISED = (
    f"select e.college_id, e.item_id, e.deadline_no, e.level, e.cycle_id, e.due_at, e.fired_at, e.role, e.to_id, "
    f"e.act, "
    f"e.outcome, i.level, i.next_level, i.next_level_at, c.version, {_ENTRY} from escalation e join work_item i on "
    "i.id = e.item_id join cycle c on c.id = e.cycle_id join journal j on j.stream = 'cycle:' || c.id and "
    "j.seq = c.version where e.fired_at = ?"
)
_RUN = "select id, from_at, to_at, started_at, ended_at, done, skipped, door from tick_run order by id desc limit 1"
_STARTED = (
    "select s.id, c.id, c.college_id, c.subject_id, c.layer, c.track, c.number, c.parent_id, c.definition_id, "
    "c.period_start, c.period_end, c.status, c.stage, c.leaf, c.visit, c.revision, c.due, c.deadline_no, c.next_due, "
    "c.open_warnings, c.item_no, c.warning_no, c.sheet_no, c.unit_id, c.responsible_id, c.previous_id, c.adopted, "
    f"c.started_at, c.ends_at, c.version, {_ENTRY} from cycle c join schedule s on s.subject_id = c.subject_id and "
    "s.track = c.track join journal j on j.stream = 'cycle:' || c.id and j.seq = 1 where c.started_at = ?"
)
_NEXT = "select next_start, next_at from schedule where id = ?"
_ROUND = "select college_id, layer, track, period_start, period_end, started_at from round where started_at = ?"


def acts(connection: sqlite3.Connection, cycles: Iterable[int]) -> list[Act]:
    """Return the submission and the approval that each cycle has seen since its start."""
    return [act for cycle in cycles for act in _acts(connection, cycle)]


def _acts(connection: sqlite3.Connection, cycle: int) -> tuple[Act, Act]:
    run = connection.execute
    _, submitted, approved = run(_ENTRIES, (f"cycle:{cycle}",)).fetchall()
    ends_at, next_due, due = run(_CYCLE, (cycle,)).fetchone()
    left, entered = run(_VISITS, (cycle,)).fetchall()
    _, asked, following = run(_ITEMS, (cycle,)).fetchall()
    data = json.loads(submitted[-1])
    (opened,) = data["items"]
    (signer,) = data["signers"]
    level_at = opened.get("level_at")
    asked = (*asked[:-3], 1 if level_at else None, level_at, "open")
    stage, visit, by = left[1], left[2], json.loads(approved[-1])["by"]
    notice = run(_NOTICES, submitted[:2]).fetchone()
    content = run(_CONTENT, (left[7],)).fetchone()
    first = Act(cycle, submitted, notice, asked, (submitted[4], asked[0], cycle, 1),
                (cycle, stage, visit, 1, 1, signer, False, False, left[7]), None, content, submitted[4], left[-1],
                ends_at, None)  # fmt: skip
    second = Act(cycle, approved, None, following, (approved[4], asked[0], cycle, 2),
                 (approved[4], by, left[7], cycle, stage, visit, 1, signer), entered[:-1], None, approved[4], by,
                 next_due, due)  # fmt: skip
    return first, second


def tick(connection: sqlite3.Connection) -> Tick:
    """Return what the last tick wrote: moves and levels."""
    run = connection.execute(_RUN).fetchone()
    now = run[2]
    return Tick(now, _moves(connection, now), _levels(connection, now), run)


def _moves(connection: sqlite3.Connection, now: str) -> dict[int, Any]:
    found = {}
    for cycle, stage, due, next_due, visit_due, auto_at, *entry in connection.execute(_ADVANCED, (now,)).fetchall():
        item = connection.execute(f"{_ITEMS} desc limit 1", (cycle,)).fetchone()
        before = json.loads(entry[-1])
        visit = (cycle, stage, 1, "open", now, visit_due, 0, "any", 0, auto_at)
        found[cycle] = (entry, (cycle, before["stage"], before["visit"]), visit, item, (stage, due, next_due))
    return found


def _levels(connection: sqlite3.Connection, now: str) -> dict[int, Any]:
    found = {}
    for row in connection.execute(_RAISED, (now,)).fetchall():
        fired, level, seq, entry = row[:11], row[11:14], row[14], row[15:]
        notice = connection.execute(_NOTICES, (f"cycle:{fired[4]}", seq)).fetchone()
        found[fired[4]] = (entry, level, fired, notice)
    return found


def launch(connection: sqlite3.Connection, at: str) -> Launch:
    """Return what starting cycles at an instant wrote."""
    rows: dict[int, Any] = {}
    number = 0
    for number, *rest in connection.execute(_STARTED, (at,)).fetchall():
        cycle, entry = rest[:29], rest[29:]
        visit = connection.execute(_FIRST_VISIT, cycle[:1]).fetchone()
        item = connection.execute(_ITEMS, cycle[:1]).fetchone()
        rows[number] = (cycle, visit, item, entry)
    start, next_at = connection.execute(_NEXT, (number,)).fetchone()
    return Launch(at, rows, start, next_at, connection.execute(_ROUND, (at,)).fetchone())
