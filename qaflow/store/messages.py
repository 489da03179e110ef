"""Messages on their way: made once, claimed by whoever sends, sent under the same key until it worked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class New(NamedTuple):
    """A message to be sent; `notices` is the JSON list of the outbox's rows that it carries."""

    college_id: int
    key: str
    kind: str
    channel_id: int
    person_id: int | None
    day: str
    notices: str
    available_at: str
    made_at: str


class Message(NamedTuple):
    """A claimed message; `tries` counts this one."""

    id: int
    college: int
    key: str
    kind: str
    channel: int
    person: int | None
    ids: list[int]
    tries: int


_COLUMNS = (*New._fields, "state", "tries")
_READ = "select id, college_id, key, kind, channel_id, person_id, notices, tries from message "
_CLAIM = Sql(
    "update message set tries = tries + 1, available_at = :until where id in (select m.id from message m "
    "join channel h on h.id = m.channel_id where m.state = 'waiting' and m.available_at <= :now and "
    "(h.next_try_at is null or h.next_try_at <= :now) order by m.available_at, m.id limit :limit) "
    "and state = 'waiting' and available_at <= :now "
    "returning id, college_id, key, kind, channel_id, person_id, notices, tries"
)
_MARK = Sql("update message set state = :state, sent_at = :now, error = :error where id = :id and state = 'waiting'")
_LATER = Sql("update message set available_at = :later, error = :error where id = :id and state = 'waiting'")
_GIVE_BACK = Sql("update message set available_at = :at, tries = tries - 1 where id = :id and state = 'waiting'")
_HOLD = Sql("update message set available_at = :at where channel_id = :channel and state = 'waiting' and "
            "available_at < :at")  # fmt: skip
_FREE = Sql("update message set available_at = :at where channel_id = :channel and state = 'waiting'")
_REVIVE = Sql("update message set state = 'waiting', available_at = :at where state = 'failed' and "
              "(cast(:college as bigint) is null or college_id = :college) and "
              "(cast(:key as text) is null or key = :key)")  # fmt: skip
_DIGESTS = Sql("select person_id from message where college_id = :college and kind = 'digest' and day = :day and "
               "person_id is not null")  # fmt: skip
_STUCK = Sql(
    f"{_READ} where college_id = :college and kind = 'digest' and person_id in :persons[] and day < :day and "
    "(state = 'failed' or (state = 'waiting' and (tries = 0 or error is not null)))"
)
_MERGED = Sql("update message set state = 'dropped', sent_at = :now where id in :ids[]")
_OWN = Sql(f"{_READ} where id = :id and person_id = :person and college_id = :college")
_SINCE = Sql("select count(*) from message m join channel h on h.id = m.channel_id where m.college_id = :college and "
             "h.mark = :mark and m.sent_at > :since and m.state = 'sent'")  # fmt: skip
_WAITING = Sql("select channel_id, count(*) from message where college_id = :college and state = 'waiting' "
               "group by channel_id")  # fmt: skip
_DROP = Sql("update message set state = 'dropped', sent_at = :at where state = 'waiting'")
_SENT_AT = Sql("select made_at, sent_at, kind from message where id = :id")


def put(driver: Driver, new: Sequence[New]) -> None:
    """Add messages that wait."""
    driver.insert_rows("message", _COLUMNS, [(*row, "waiting", 0) for row in new])


def claim(driver: Driver, now: str, until: str, limit: int) -> list[Message]:
    """Take messages that may leave now over a channel that works, the oldest first.

    Until the instant given nobody else takes them: what is neither marked nor put back by then (the program died)
    leaves again, under the same key.
    """
    return [_read(row) for row in sorted(driver.all(_CLAIM, {"now": now, "until": until, "limit": limit}))]


def _read(row: tuple[int, int, str, str, int, int | None, str, int]) -> Message:
    return Message(*row[:6], json.loads(row[6]), row[7])


def mark(driver: Driver, message: int, state: str, now: str, error: str | None = None) -> int:
    """Mark a message as sent, failed or dropped."""
    return driver.run(_MARK, {"id": message, "state": state, "now": now, "error": error})


def postpone(driver: Driver, message: int, later: str, error: str) -> None:
    """Try a message again later."""
    driver.run(_LATER, {"id": message, "later": later, "error": error})


def give_back(driver: Driver, messages: Sequence[int], at: str) -> None:
    """Put claimed messages back as if nobody had tried."""
    driver.many(_GIVE_BACK, [{"id": one, "at": at} for one in messages])


def hold(driver: Driver, channel: int, at: str) -> None:
    """Let the waiting messages of a channel wait until an instant at least."""
    driver.run(_HOLD, {"channel": channel, "at": at})


def free(driver: Driver, channel: int, at: str) -> None:
    """Let the waiting messages of a channel leave now."""
    driver.run(_FREE, {"channel": channel, "at": at})


def revive(driver: Driver, at: str, college: int | None = None, key: str | None = None) -> None:
    """Let messages that failed be tried again: all, a college's, or one."""
    driver.run(_REVIVE, {"at": at, "college": college, "key": key})


def digested(driver: Driver, college: int, day: str) -> set[int]:
    """Return the persons who have their digest of a day already."""
    return {person for (person,) in driver.all(_DIGESTS, {"college": college, "day": day})}


def stuck(driver: Driver, college: int, persons: Sequence[int], day: str) -> list[Message]:
    """Return digests of days before that never left: those whose fate is not known are not among them."""
    return [_read(r) for r in driver.all(_STUCK, {"college": college, "persons": list(persons), "day": day})]


def merge(driver: Driver, ids: Sequence[int], now: str) -> None:
    """Drop messages whose notices leave with another one."""
    driver.run(_MERGED, {"ids": list(ids), "now": now})


def own(driver: Driver, college: int, person: int, number: int) -> tuple[Message, Mapping[str, str | None]] | None:
    """Return a person's message and when it was made and sent."""
    row = driver.one(_OWN, {"id": number, "person": person, "college": college})
    if row is None:
        return None
    made, sent, kind = driver.all(_SENT_AT, {"id": number})[0]
    return _read(row), {"made": made, "sent": sent, "kind": kind}


def sent_since(driver: Driver, college: int, mark: str, since: str) -> int:
    """Count what went to the bot of an address since an instant."""
    return int(driver.value(_SINCE, {"college": college, "mark": mark, "since": since}) or 0)


def waiting(driver: Driver, college: int) -> dict[int, int]:
    """Return how many messages wait for each channel of a college."""
    return dict(driver.all(_WAITING, {"college": college}))


def drop_waiting(driver: Driver, at: str) -> int:
    """Drop every message that waits."""
    return driver.run(_DROP, {"at": at})
