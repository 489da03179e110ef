"""The channels by which messages leave, and how each fares."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class Channel(NamedTuple):
    """One channel of a college; `address` and `secret` are encrypted."""

    id: int
    college: int
    kind: str
    name: str
    unit: int | None
    language: str
    address: bytes | None
    secret: bytes | None
    mark: str
    tries: int
    next_try_at: str | None
    last_error: str | None
    failed_at: str | None
    sent_at: str | None


_COLUMNS = ("college_id", "kind", "name", "unit_id", "language", "address", "secret", "mark", "tries", "made_at")
_READ = (
    "select id, college_id, kind, name, unit_id, language, address, secret, mark, tries, next_try_at, last_error, "
    "failed_at, sent_at from channel "
)
_ALL = Sql(f"{_READ} where college_id = :college and removed_at is null order by kind <> 'mail', name, id")
_ONE = Sql(f"{_READ} where id = :id")
_WORKED = Sql("update channel set tries = 0, next_try_at = null, sent_at = :now where id = :id")
_BROKE = Sql("update channel set tries = tries + 1, next_try_at = :next, last_error = :error, failed_at = :now "
             "where id = :id")  # fmt: skip
_RESUME = Sql("update channel set next_try_at = null where id = :id")
_REST = Sql("update channel set next_try_at = :next where id = :id")
_REMOVE = Sql("update channel set removed_at = :now, address = null, secret = null where id = :id")
_FORGET = Sql("update message set state = 'dropped', sent_at = :now where channel_id = :id and state = 'waiting'")


def everyone(driver: Driver, college: int) -> list[Channel]:
    """Return a college's channels, mail first."""
    return [_made(row) for row in driver.all(_ALL, {"college": college})]


def one(driver: Driver, number: int) -> Channel | None:
    """Return a channel by its number."""
    row = driver.one(_ONE, {"id": number})
    return _made(row) if row else None


def _made(row: tuple[Any, ...]) -> Channel:
    return Channel._make((*row[:6], *(bytes(v) if v is not None else None for v in row[6:8]), *row[8:]))


def add(driver: Driver, values: tuple[Any, ...]) -> int:
    """Add a channel, its values in the order of the columns from the college to when it was made."""
    (number,) = driver.reserve("channel", 1)
    driver.insert_rows("channel", ("id", *_COLUMNS), [(number, *values)])
    return number


def worked(driver: Driver, channel: int, now: str) -> None:
    """Note that a message left: the channel works."""
    driver.run(_WORKED, {"id": channel, "now": now})


def broke(driver: Driver, channel: int, error: str, now: str, next_try: str) -> None:
    """Note a failure, and until when the channel rests."""
    driver.run(_BROKE, {"id": channel, "error": error, "now": now, "next": next_try})


def rest(driver: Driver, channel: int, until: str) -> None:
    """Let a channel rest without a failure: its vendor's limit is reached."""
    driver.run(_REST, {"id": channel, "next": until})


def resume(driver: Driver, channel: int) -> None:
    """Let a channel be tried now."""
    driver.run(_RESUME, {"id": channel})


def remove(driver: Driver, channel: int, now: str) -> None:
    """Take a channel out, with its address and what waits for it."""
    driver.run(_REMOVE, {"id": channel, "now": now})
    driver.run(_FORGET, {"id": channel, "now": now})
