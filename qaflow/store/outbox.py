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


_COLUMNS = (*Row._fields, "tries")
_DUE = "outbox.state = 'waiting' and outbox.available_at <= :now and outbox.message_id"
_CLAIM_FRESH = Sql(
    "update outbox set tries = tries + 1, available_at = :until, "
    "message_id = 'digest.' || f.first || '.' || f.person_id "
    "from (select person_id, min(id) as first from outbox where state = 'waiting' and available_at <= :now and "
    "message_id not like 'digest.%' group by person_id) as f "
    f"where f.person_id = outbox.person_id and {_DUE} not like 'digest.%' "
    "returning id, outbox.person_id, message_id, tries",
)
_CLAIM_AGAIN = Sql(
    f"update outbox set tries = tries + 1, available_at = :until where {_DUE} like 'digest.%' "
    "returning id, person_id, message_id, tries"
)
_LINES = Sql("select kind, payload from outbox where id in :ids[] order by id")
_SENT = Sql("update outbox set state = :state, sent_at = :now where id in :ids[] and state = 'waiting'")
_LATER = Sql("update outbox set available_at = :later where id in :ids[] and state = 'waiting'")
_REVIVE = Sql("update outbox set state = 'waiting', available_at = :now where state = 'failed'")
_DROP = Sql("update outbox set state = 'dropped', sent_at = :at where state = 'waiting'")
_COUNTS = Sql("select state, count(*) from outbox group by state")


def put(driver: Driver, rows: Sequence[Row]) -> None:
    """Add notices."""
    driver.insert_rows("outbox", _COLUMNS, [(*row, 0) for row in rows])


class Message(NamedTuple):
    """One person's claimed notices, which leave as one message; how often it was tried, this time included."""

    key: str
    person: int
    ids: list[int]
    tries: int


def claim(driver: Driver, now: str, until: str) -> list[Message]:
    """Take all notices that may leave now, each person's fresh ones as one message whose id is kept over retries.

    Until the instant given nobody else takes them: what is neither sent nor put back by then (the program died) leaves
    again, as the same message.
    """
    found: dict[str, Message] = {}
    for claims in (_CLAIM_AGAIN, _CLAIM_FRESH):
        for row, person, key, tries in sorted(driver.all(claims, {"now": now, "until": until})):
            found.setdefault(key, Message(key, person, [], tries)).ids.append(row)
    return list(found.values())


def lines(driver: Driver, ids: Sequence[int]) -> list[tuple[str, str]]:
    """Return (kind, payload) of notices."""
    return driver.all(_LINES, {"ids": list(ids)})


def revive(driver: Driver, now: str) -> int:
    """Let notices that could not be sent be tried again."""
    return driver.run(_REVIVE, {"now": now})


def mark(driver: Driver, ids: Sequence[int], state: str, now: str) -> int:
    """Mark notices as sent, failed or dropped."""
    return driver.run(_SENT, {"ids": list(ids), "state": state, "now": now})


def postpone(driver: Driver, ids: Sequence[int], later: str) -> int:
    """Try notices again later."""
    return driver.run(_LATER, {"ids": list(ids), "later": later})


def drop_waiting(driver: Driver, at: str) -> int:
    """Drop every notice that waits, so that nothing is told twice; returns how many."""
    return driver.run(_DROP, {"at": at})


def counts(driver: Driver) -> dict[str, int]:
    """Return how many notices stand in each state."""
    return dict(driver.all(_COUNTS))
