"""The floors of the bench: the same work in the standard library's `sqlite3`, written by hand.

*Same rows*: every row, column, index, trigger and SHA-256 that the product writes for an act, in the product's own
tables, and nothing else.  What a floor writes is read back from the product's database beforehand, so that it has no
text to make and nothing to decide: it finds what is due, chains the hashes, writes and commits.  *Bare* is the least
that keeps such work: a row moved and a line of history, in tables with no more than that.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qaflow.store.db import PRAGMAS
from qaflow.store.journal import digest

Values = Sequence[Any]


def connect(file: Path) -> sqlite3.Connection:
    """Open a database under the product's own settings; transactions begin where the floor says so."""
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=512)
    for name, value in PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={value}").close()
    return connection


class Act(NamedTuple):
    """What one act writes, ready made; the hashes are the floor's to reckon."""

    cycle: int
    entry: Values  # the journal's columns from `stream` to `data`, the chain's apart
    outbox: Values | None
    item: Values
    ends: Values
    signature: Values
    visit: Values | None  # the next one
    content: tuple[bytes, bytes] | None  # salt, bytes
    now: str
    person: int
    next_due: str | None
    due: str | None


_READ = "select head, version from cycle where id = ?"
JOURNAL = (
    "insert into journal (stream, seq, kind, format, at, recorded_at, actor, on_behalf_of, door, request_id, "
    "definition, "
    "data, prev, hash) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_CONTENT = "insert into content (hash, salt, bytes) values (?,?,?)"
OUTBOX = (
    "insert into outbox (college_id, journal_stream, journal_seq, kind, person_id, payload, state, available_at, "
    "tries, "
    "message_id) values (?,?,?,?,?,?,?,?,?,?)"
)
ITEM = (
    "insert into work_item (college_id, cycle_id, subject_id, no, kind, stage, visit, holder_id, owner_id, "
    "unit_id, layer, "
    "opened_at, due, deadline_no, level, next_level, next_level_at, state) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
END_ITEM = (
    "update work_item set state = 'done', closed_at = ?, next_level = null, next_level_at = null where college_id = ? "
    "and cycle_id = ? and no = ?"
)
_ASK = (
    "insert into signature (cycle_id, stage, visit, revision, position, person_id, added, void) values "
    "(?,?,?,?,?,?,?,?)"
)
_SIGN = (
    "update signature set decision = 'approve', at = ?, signed_by = ?, content = ? where cycle_id = ? and stage "
    "= ? and "
    "visit = ? and revision = ? and person_id = ?"
)
_SUBMIT_VISIT = (
    "update visit set state = 'review', submitted_at = ?, submitted_by = ?, revision = 1, content = ?, need = 1, "
    "auto_at = null where cycle_id = ? and stage = ? and number = ?"
)
_DECIDE_VISIT = (
    "update visit set state = 'done', outcome = 'approved', decided_at = ? where cycle_id = ? and stage = ? and "
    "number = ?"
)
_VISIT = (
    "insert into visit (cycle_id, stage, number, state, entered_at, due, revision, content, order_kind, need, auto_at) "
    "values (?,?,?,?,?,?,?,?,?,?,?)"
)
_TO_REVIEW = (
    "update cycle set leaf = 'review', revision = revision + 1, next_due = ?, item_no = item_no + 1, version = ?, "
    "head = ? where id = ? and version = ?"
)
_ONWARD = (
    "update cycle set stage = ?, leaf = 'open', visit = 1, revision = revision + 1, due = ?, next_due = ?, "
    "item_no = item_no + 1, version = ?, head = ? where id = ? and version = ?"
)


def act(connection: sqlite3.Connection, one: Act) -> None:
    """Submit a stage or approve it: one transaction, from the lock to the commit."""
    run = connection.execute
    run("BEGIN IMMEDIATE")
    head, version = run(_READ, (one.cycle,)).fetchone()
    if one.content is not None:
        salt, text = one.content
        run(_CONTENT, (hashlib.sha256(salt.hex().encode() + b":" + text).hexdigest(), salt, text))
    newest = digest(head, *one.entry)
    if one.visit is None:
        _submitted(run, one, newest, version)
    else:
        _approved(run, one, newest, version)
    run(END_ITEM, one.ends)
    run(ITEM, one.item)
    run(JOURNAL, (*one.entry, head, newest))
    if one.outbox is not None:
        run(OUTBOX, one.outbox)
    run("COMMIT")


def _submitted(run: Any, one: Act, newest: str, version: int) -> None:
    cycle, stage, visit = one.signature[:3]
    run(_TO_REVIEW, (one.next_due, version + 1, newest, one.cycle, version))
    run(_SUBMIT_VISIT, (one.now, one.person, one.signature[-1], cycle, stage, visit))
    run(_ASK, one.signature[:-1])


def _approved(run: Any, one: Act, newest: str, version: int) -> None:
    assert one.visit is not None
    cycle, stage, visit = one.signature[3:6]
    run(_ONWARD, (one.visit[1], one.due, one.next_due, version + 1, newest, one.cycle, version))
    run(_DECIDE_VISIT, (one.now, cycle, stage, visit))
    run(_VISIT, one.visit)
    run(_SIGN, one.signature)
