"""The outbox: notices that leave with their fact's transaction and are handed over after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store import messages
from qaflow.store.db import Driver, Sql


class Row(NamedTuple):
    """One notice to one person; `message_id` is kept over retries so that a duplicate is recognisable."""

    college_id: int
    journal_stream: str
    journal_seq: int
    kind: str
    person_id: int
    payload: str
    state: str
    available_at: str
    message_id: str


_COLUMNS = (*Row._fields, "tries")
_CARRIED = Sql("select id, kind, payload, journal_stream, journal_seq from outbox where id in :ids[] order by id")
_SENT = Sql("update outbox set state = :state, sent_at = :now where id in :ids[] and state = 'waiting'")
_REVIVE = Sql("update outbox set state = 'waiting', available_at = :now where state = 'failed'")
_DROP = Sql("update outbox set state = 'dropped', sent_at = :at where state = 'waiting'")
_COUNTS = Sql("select state, count(*) from outbox group by state")


def put(driver: Driver, rows: Sequence[Row]) -> None:
    """Add notices."""
    driver.insert_rows("outbox", _COLUMNS, [(*row, 0) for row in rows])


class Carried(NamedTuple):
    """One notice as a message carries it."""

    id: int
    kind: str
    payload: str
    stream: str
    seq: int


def carried(driver: Driver, ids: Sequence[int]) -> list[Carried]:
    """Return the notices that a message carries."""
    return list(map(Carried._make, driver.all(_CARRIED, {"ids": list(ids)})))


def revive(driver: Driver, now: str) -> int:
    """Let notices that could not be sent be tried again."""
    return driver.run(_REVIVE, {"now": now})


def mark(driver: Driver, ids: Sequence[int], state: str, now: str) -> int:
    """Mark notices as sent, failed or dropped."""
    return driver.run(_SENT, {"ids": list(ids), "state": state, "now": now})


def drop_waiting(driver: Driver, at: str) -> int:
    """Drop every notice that waits, and what carries them, so that nothing is told twice; returns how many."""
    messages.drop_waiting(driver, at)
    return driver.run(_DROP, {"at": at})


def counts(driver: Driver) -> dict[str, int]:
    """Return how many notices stand in each state."""
    return dict(driver.all(_COUNTS))
