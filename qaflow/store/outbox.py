"""The outbox: notices that leave with their fact's transaction and are handed over after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


DIGEST = "digest."
_COLUMNS = (*Row._fields, "tries")
_WAITING = Sql(
    "select id, college_id, journal_stream, journal_seq, kind, person_id, payload, message_id, available_at, tries "
    "from outbox where state = 'waiting' and available_at <= :now order by id limit :limit"
)
_SENT = Sql("update outbox set state = :state, sent_at = :now, tries = tries + 1 where id in :ids[] and state = 'waiting'")
_LATER = Sql("update outbox set available_at = :later, tries = tries + 1 where id in :ids[] and state = 'waiting'")
_CLAIM = Sql("update outbox set message_id = :key where id = :id")
_COUNTS = Sql("select state, count(*) from outbox group by state")


def put(driver: Driver, rows: Sequence[Row]) -> None:
    """Add notices."""
    driver.insert_rows("outbox", _COLUMNS, [(*row, 0) for row in rows])


def waiting(driver: Driver, now: str, limit: int) -> list[tuple[int, int, str, int, str, int, str, str, str, int]]:
    """Return notices that may leave now, oldest first."""
    return driver.all(_WAITING, {"now": now, "limit": limit})  # type: ignore[return-value]


def claim(driver: Driver, now: str, limit: int) -> list[tuple[int, int, str, int, str, int, str, str, str, int]]:
    """Return notices that may leave now, each person's fresh ones under one message id that is kept over retries."""
    rows = waiting(driver, now, limit)
    names: dict[int, str] = {}
    fresh = [row for row in rows if not row[7].startswith(DIGEST)]
    for row in fresh:
        names.setdefault(row[5], f"{DIGEST}{row[0]}.{row[5]}")
    driver.many(_CLAIM, [{"id": row[0], "key": names[row[5]]} for row in fresh])
    return [row if row[7].startswith(DIGEST) else (*row[:7], names[row[5]], *row[8:]) for row in rows]


def mark(driver: Driver, ids: Sequence[int], state: str, now: str) -> int:
    """Mark notices as sent, failed or dropped."""
    return driver.run(_SENT, {"ids": list(ids), "state": state, "now": now})


def postpone(driver: Driver, ids: Sequence[int], later: str) -> int:
    """Try notices again later."""
    return driver.run(_LATER, {"ids": list(ids), "later": later})


def counts(driver: Driver) -> dict[str, int]:
    """Return how many notices stand in each state."""
    return dict(driver.all(_COUNTS))  # type: ignore[arg-type]
