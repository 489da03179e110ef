"""The floor of a delivery of readings: held against their limits, and every row that the product wrote for them.

Names are looked up, values compared and the batch's digest reckoned by hand; what a warning moves in a cycle is read
back from the product's database beforehand, its hashes apart.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from qaflow.store.journal import digest

from .floors import JOURNAL, Values

Marks = dict[str, int]
Given = tuple[str, str, str, float, str]
"""One reading: point, subject, instant, value, source."""

_TABLES = "select name from sqlite_master where type = 'table' and name not in ('sqlite_sequence', 'alembic_version')"
_POINTS = "select id, key, warn_lower from control_point where college_id = 1"
_SUBJECTS = "select id, code from subject where college_id = 1 and layer = 'course'"
_READING = (
    "insert into reading (id, college_id, point_id, subject_id, at, value, source, version, batch_id) values "
    "(?,1,?,?,?,?,?,1,?) on conflict (college_id, point_id, subject_id, at, source, version) do nothing"
)
_BATCH = "insert into batch (id, college_id, digest, rows, accepted_at, by) values (?,?,?,?,?,?)"
_CYCLES = (
    "select c.* from cycle c where 'cycle:' || c.id in (select stream from journal where id > ?) or c.id in "
    "(select cycle_id from warning where rowid > ?)"
)
_COLLEGE = "update college set version = ?, head = ? where id = 1"


class Delivered(NamedTuple):
    """What the product wrote for one delivery: its batch, its journal, the cycles it moved, and other new rows."""

    batch: Values
    first: int  # number of the first reading
    opened: int
    entries: list[Values]  # the journal's columns, the chain's apart
    cycles: list[Values]  # first the new values, then the number
    update: str
    rows: dict[str, list[Values]]  # by the statement that inserts them


def marks(connection: sqlite3.Connection) -> Marks:
    """Return how far each table goes."""
    names = [name for (name,) in connection.execute(_TABLES).fetchall()]
    return {n: connection.execute(f"select coalesce(max(rowid), 0) from {n}").fetchone()[0] for n in names}


def delivered(connection: sqlite3.Connection, before: Marks) -> Delivered:
    """Return what was written since the marks were taken."""
    rows: dict[str, list[Values]] = {}
    for name, mark in before.items():
        if name in ("reading", "batch", "journal"):
            continue
        found = connection.execute(f"select * from {name} where rowid > ?", (mark,))
        names = [column[0] for column in found.description]
        new = found.fetchall()
        if new:
            rows[f"insert into {name} ({', '.join(names)}) values ({', '.join('?' * len(names))})"] = new
    batch = connection.execute("select * from batch where id > ?", (before["batch"],)).fetchone()
    first = connection.execute("select min(id) from reading where batch_id = ?", (batch[0],)).fetchone()[0]
    opened = connection.execute("select count(*) from warning where rowid > ?", (before["warning"],)).fetchone()[0]
    entries = connection.execute("select * from journal where id > ? order by id", (before["journal"],)).fetchall()
    moved = connection.execute(_CYCLES, (before["journal"], before["warning"]))
    columns = [column[0] for column in moved.description]
    kept = [columns.index(name) for name in columns if name not in ("id", "head", "version")]
    update = f"update cycle set {', '.join(f'{columns[n]} = ?' for n in kept)}, version = ?, head = ? where id = ?"
    cycles: list[Values] = [[*(row[n] for n in kept), row[columns.index("id")]] for row in moved.fetchall()]
    return Delivered(batch, first, opened, [entry[1:-2] for entry in entries], cycles, update, rows)


def deliver(connection: sqlite3.Connection, given: Iterable[Given], one: Delivered) -> None:
    """Look names up, hold values against limits, and write what the product wrote, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    points = {key: (number, lower) for number, key, lower in connection.execute(_POINTS)}
    subjects = {code: number for number, code in connection.execute(_SUBJECTS)}
    found = []
    beyond = set()
    for key, code, at, value, source in given:
        (point, lower), subject = points[key], subjects[code]
        if value < lower:
            beyond.add((point, subject))
        found.append((at, subject, point, value, source, key))
    found.sort()
    _expect(len(beyond) == one.opened, f"{len(beyond)} breaches, {one.opened} warnings")
    text = "\n".join(f"{key}|{subject}|{at}|{value!r}|{source}" for at, subject, _, value, source, key in found)
    _expect(hashlib.sha256(text.encode()).hexdigest() == one.batch[2], "another digest of the batch")
    connection.execute(_BATCH, one.batch)
    number = one.batch[0]
    connection.executemany(_READING, [(n, point, subject, at, value, source, number) for n, (at, subject, point, value,
                                      source, _) in enumerate(found, one.first)])  # fmt: skip
    _moved(connection, one)
    connection.execute("COMMIT")


def _moved(connection: sqlite3.Connection, one: Delivered) -> None:
    heads = _heads(connection, {entry[0] for entry in one.entries})
    entries = []
    for entry in one.entries:
        head = heads[entry[0]][1]
        newest = digest(head, *entry)
        heads[entry[0]] = (entry[1], newest)
        entries.append((*entry, head, newest))
    connection.executemany(one.update, [(*row[:-1], *heads[f"cycle:{row[-1]}"], row[-1]) for row in one.cycles])
    for stream in heads.keys() & {"college:bench"}:
        connection.execute(_COLLEGE, heads[stream])
    for statement, rows in one.rows.items():
        connection.executemany(statement, rows)
    connection.executemany(JOURNAL, entries)


def _heads(connection: sqlite3.Connection, streams: set[str]) -> dict[str, tuple[int, str]]:
    one = "select version, head from cycle where id = ?"
    found: dict[str, Any] = {s: connection.execute(one, (s.partition(":")[2],)).fetchone() for s in streams
                             if s.startswith("cycle:")}  # fmt: skip
    return found | {"college:bench": connection.execute("select version, head from college where id = 1").fetchone()}


def _expect(holds: bool, told: str) -> None:
    if not holds:
        raise AssertionError(f"the floor and the product differ: {told}")
