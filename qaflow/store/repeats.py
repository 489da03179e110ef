"""Replies that are kept for requests with an idempotency key."""

from __future__ import annotations

from qaflow.store.db import Driver, Sql

_COLUMNS = ("person_id", "key", "digest", "reply", "at")
_FIND = Sql("select digest, reply from answered_request where person_id = :person and key = :key")
_ANSWER = Sql("update answered_request set reply = :reply where person_id = :person and key = :key")
_STALE = Sql(
    "delete from answered_request where person_id = :person and key = :key and at < :before"
)
_FREE = Sql("delete from answered_request where person_id = :person and key = :key")
_FORGET = Sql(
    "delete from answered_request where (person_id, key) in "
    "(select person_id, key from answered_request where at < :before order by at limit :limit)"
)


def find(driver: Driver, person: int, key: str) -> tuple[str, bytes] | None:
    """Return (digest of the request, sealed reply) of a key."""
    row = driver.one(_FIND, {"person": person, "key": key})
    return None if row is None else (row[0], bytes(row[1]))


def claim(driver: Driver, person: int, key: str, digest: str, at: str) -> None:
    """Take a key for this transaction; whoever else takes it waits for its end and then raises `Duplicate`."""
    driver.insert_rows("answered_request", _COLUMNS, [(person, key, digest, b"", at)])


def answer(driver: Driver, person: int, key: str, reply: bytes) -> None:
    """Write the reply to a key that was taken."""
    driver.run(_ANSWER, {"person": person, "key": key, "reply": reply})


def drop(driver: Driver, person: int, key: str, before: str) -> None:
    """Forget a key that was taken before an instant."""
    driver.run(_STALE, {"person": person, "key": key, "before": before})


def free(driver: Driver, person: int, key: str) -> None:
    """Give a key back: nothing was answered to it."""
    driver.run(_FREE, {"person": person, "key": key})


def forget(driver: Driver, before: str, limit: int) -> int:
    """Forget so many of the keys that were taken before an instant; return how many."""
    return driver.run(_FORGET, {"before": before, "limit": limit})
