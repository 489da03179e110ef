"""The floors of sets: one tick, and the start of many cycles, a transaction a batch; see `floors`."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from qaflow.store.journal import digest

from .floors import END_ITEM, ITEM, JOURNAL, OUTBOX, Values

BATCH = 1000

# W2: one tick


class Tick(NamedTuple):
    """What one tick writes, by cycle: rows of a move, rows of a level; and the tick's own row."""

    now: str
    moves: dict[int, Values]
    levels: dict[int, Values]
    run: Values


_DUE_CYCLES = (
    "select c.id, c.head, c.version, c.revision, c.item_no, i.no from cycle c join work_item i on i.cycle_id = "
    "c.id and "
    "i.state = 'open' where c.status = 'running' and c.next_due is not null and c.next_due <= ? order by "
    "c.next_due limit ?"
)
_LATE_ITEMS = (
    "select i.id, i.cycle_id, c.head, c.version from work_item i join cycle c on c.id = i.cycle_id where i.state "
    "= 'open' "
    "and i.next_level_at is not null and i.next_level_at <= ? limit ?"
)
_MOVE = (
    "update cycle set stage = ?, leaf = 'open', visit = 1, revision = ?, due = ?, next_due = ?, item_no = ?, "
    "version = ?, "
    "head = ? where id = ? and version = ?"
)
_AUTO_VISIT = (
    "update visit set state = 'done', outcome = 'auto', decided_at = ?, auto_at = null where cycle_id = ? and "
    "stage = ? "
    "and number = ?"
)
_NEW_VISIT = (
    "insert into visit (cycle_id, stage, number, state, entered_at, due, revision, order_kind, need, auto_at) values "
    "(?,?,?,?,?,?,?,?,?,?)"
)
_HEAD = "update cycle set version = ?, head = ? where id = ? and version = ?"
_LEVEL = (
    "update work_item set level = ?, next_level = ?, next_level_at = ? where id = ? and level = ? and deadline_no = ?"
)
_ESCALATION = (
    "insert into escalation (college_id, item_id, deadline_no, level, cycle_id, due_at, fired_at, role, to_id, "
    "act, outcome) "
    "values (?,?,?,?,?,?,?,?,?,?,?)"
)
_TICK = "insert into tick_run (id, from_at, to_at, started_at, ended_at, done, skipped, door) values (?,?,?,?,?,?,?,?)"


def tick(connection: sqlite3.Connection, one: Tick) -> None:
    """Move what is due and raise what is late, a transaction a batch, until nothing is left; note the tick."""
    while _moved(connection, one):
        pass
    while _raised(connection, one):
        pass
    connection.execute(_TICK, one.run)


def _moved(connection: sqlite3.Connection, one: Tick) -> int:
    run, many = connection.execute, connection.executemany
    run("BEGIN IMMEDIATE")
    due = run(_DUE_CYCLES, (one.now, BATCH)).fetchall()
    moves, ends, closes, visits, items, entries = [], [], [], [], [], []
    for cycle, head, version, revision, item_no, no in due:
        entry, left, visit, item, move = one.moves[cycle]
        newest = digest(head, *entry)
        entries.append((*entry, head, newest))
        moves.append((move[0], revision + 1, move[1], move[2], item_no + 1, version + 1, newest, cycle, version))
        ends.append((one.now, *left))
        closes.append((one.now, item[0], cycle, no))
        visits.append(visit)
        items.append(item)
    many(_MOVE, moves)
    many(_AUTO_VISIT, ends)
    many(END_ITEM, closes)
    many(_NEW_VISIT, visits)
    many(ITEM, items)
    many(JOURNAL, entries)
    run("COMMIT")
    return len(due)


def _raised(connection: sqlite3.Connection, one: Tick) -> int:
    run, many = connection.execute, connection.executemany
    run("BEGIN IMMEDIATE")
    late = run(_LATE_ITEMS, (one.now, BATCH)).fetchall()
    heads, raised, ledger, entries, notices = [], [], [], [], []
    for item, cycle, head, version in late:
        entry, level, fired, notice = one.levels[cycle]
        newest = digest(head, *entry)
        entries.append((*entry, head, newest))
        heads.append((version + 1, newest, cycle, version))
        raised.append((*level, item, level[0] - 1, fired[2]))
        ledger.append(fired)
        notices.append(notice)
    many(_HEAD, heads)
    many(_LEVEL, raised)
    many(_ESCALATION, ledger)
    many(JOURNAL, entries)
    many(OUTBOX, notices)
    run("COMMIT")
    return len(late)


# W3: starting cycles


class Launch(NamedTuple):
    """What the start of many cycles writes: by schedule row its cycle, visit, item and entry, then the round."""

    now: str
    rows: dict[int, Values]
    next_start: str
    next_at: str
    round: Values


_DUE_STARTS = "select id from schedule where college_id = 1 and next_at <= ? order by next_at, id limit ?"
_NEXT_START = "update schedule set next_start = ?, next_at = ?, unstarted_reason = null where id = ?"
_CYCLE = (
    "insert into cycle (id, college_id, subject_id, layer, track, number, parent_id, definition_id, "
    "period_start, period_end, "
    "status, stage, leaf, visit, revision, due, deadline_no, next_due, open_warnings, item_no, warning_no, "
    "sheet_no, unit_id, "
    "responsible_id, previous_id, adopted, started_at, ends_at, version, head) values (?" + ",?" * 29 + ")"
)
_ROUND = (
    "insert into round (college_id, layer, track, period_start, period_end, started_at, cycles) values (?,?,?,?,?,?,?) "
    "on conflict (college_id, layer, track, period_start) do update set cycles = round.cycles + excluded.cycles"
)


def launch(connection: sqlite3.Connection, one: Launch) -> None:
    """Start what is due, a transaction a batch."""
    while _launched(connection, one):
        pass


def _launched(connection: sqlite3.Connection, one: Launch) -> int:
    run, many = connection.execute, connection.executemany
    run("BEGIN IMMEDIATE")
    due = [row[0] for row in run(_DUE_STARTS, (one.now, BATCH)).fetchall()]
    cycles, visits, items, entries = [], [], [], []
    for number in due:
        cycle, visit, item, entry = one.rows[number]
        newest = digest("", *entry)
        cycles.append((*cycle, newest))
        visits.append(visit)
        items.append(item)
        entries.append((*entry, "", newest))
    many(_CYCLE, cycles)
    many(_NEW_VISIT, visits)
    many(ITEM, items)
    many(JOURNAL, entries)
    many(_NEXT_START, [(one.next_start, one.next_at, number) for number in due])
    if due:
        run(_ROUND, (*one.round, len(due)))
    run("COMMIT")
    return len(due)
