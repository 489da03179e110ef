"""The bare floors of the bench: a row moved and a line of history, in tables with no more than that."""

from __future__ import annotations

import sqlite3

_SCHEMA = """
create table cycle (id integer primary key, stage text not null, version integer not null, next_due text);
create index cycle_due on cycle (next_due) where next_due is not null;
create table task (id integer primary key, cycle_id integer not null, holder integer not null, level integer not null,
                   level_at text);
create index task_level on task (level_at) where level_at is not null;
create table fired (task_id integer, level integer, at text, primary key (task_id, level)) without rowid;
create table history (id integer primary key, cycle_id integer not null, kind text not null, actor integer,
                      at text not null);
"""
_MOVE = "update cycle set stage = ?, version = ? where id = ? and version = ?"
_NOTE = "insert into history (cycle_id, kind, actor, at) values (?,?,?,?)"
_SET_DUE = "update cycle set next_due = ? where id % ? = ?"
_SET_LEVEL = "update task set level_at = ? where cycle_id % ? = ?"
_DUE = "select id, version from cycle where next_due <= ?"
_LATE = "select id, cycle_id, level from task where level_at <= ?"
_ADVANCE = "update cycle set stage = 'standard', version = ?, next_due = null where id = ? and version = ?"
_RAISE = "update task set level = ?, level_at = null where id = ? and level = ?"
_FIRED = "insert into fired (task_id, level, at) values (?,?,?) on conflict do nothing"
_CYCLE = "insert into cycle (id, stage, version, next_due) values (?,?,1,?)"
_TASK = "insert into task (cycle_id, holder, level, level_at) values (?,?,0,?)"
NOW = "2025-09-16T00:00:00.000000Z"
LATER = "2026-06-30T00:00:00.000000Z"


def prepare(connection: sqlite3.Connection, cycles: int) -> None:
    """Make the tables with so many cycles, none of them due."""
    connection.executescript(_SCHEMA)
    launch(connection, 1, cycles)


def act(connection: sqlite3.Connection, cycle: int, version: int) -> None:
    """Move one cycle, durably, with one line of history."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_MOVE, ("review", version + 1, cycle, version))
    connection.execute(_NOTE, (cycle, "StageSubmitted", 7, NOW))
    connection.execute("COMMIT")


def make_due(connection: sqlite3.Connection, step: int, slot: int) -> None:
    """Make each `step`-th cycle due, and the task of each one beside it late."""
    connection.execute(_SET_DUE, (NOW, step, slot))
    connection.execute(_SET_LEVEL, (NOW, step, slot + 1))


def tick(connection: sqlite3.Connection) -> int:
    """Advance what is due and fire what is late, a commit each; return how many."""
    run, many = connection.execute, connection.executemany
    run("BEGIN IMMEDIATE")
    due = run(_DUE, (NOW,)).fetchall()
    many(_ADVANCE, [(version + 1, cycle, version) for cycle, version in due])
    many(_NOTE, [(cycle, "StageAdvanced", None, NOW) for cycle, _ in due])
    run("COMMIT")
    run("BEGIN IMMEDIATE")
    late = run(_LATE, (NOW,)).fetchall()
    many(_FIRED, [(task, level + 1, NOW) for task, _, level in late])
    many(_RAISE, [(level + 1, task, level) for task, _, level in late])
    many(_NOTE, [(cycle, "WorkEscalated", None, NOW) for _, cycle, _ in late])
    run("COMMIT")
    return len(due) + len(late)


def launch(connection: sqlite3.Connection, first: int, count: int) -> None:
    """Start cycles with a task and a line of history each."""
    numbers = range(first, first + count)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_CYCLE, [(n, "goal", LATER) for n in numbers])
    connection.executemany(_TASK, [(n, 7, LATER) for n in numbers])
    connection.executemany(_NOTE, [(n, "CycleStarted", None, NOW) for n in numbers])
    connection.execute("COMMIT")
