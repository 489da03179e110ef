"""Webhooks and the deliveries that wait for them or went out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

_COLUMNS = ("id", "college_id", "name", "url", "types", "state", "why", "secret", "secret_before", "before_until",
            "position", "failures", "next_at", "created_at", "created_by", "version")  # fmt: skip


class Hook(NamedTuple):
    """A webhook; `types` is JSON, the secrets are sealed."""

    id: int
    college: int
    name: str
    url: str
    types: str
    state: str
    why: str | None
    secret: bytes
    secret_before: bytes | None
    before_until: str | None
    position: int
    failures: int
    next_at: str
    created_at: str
    created_by: int
    version: int


class Delivery(NamedTuple):
    """One event on its way to one webhook."""

    id: int
    webhook: int
    event: int | None
    message: str
    stream: str
    state: str
    tries: int
    next_at: str
    status: int | None
    millis: int | None
    detail: str | None
    created_at: str
    ended_at: str | None


_SELECT = f"select {', '.join(_COLUMNS)} from webhook "
_OF_COLLEGE = Sql(_SELECT + "where college_id = :college and state <> 'removed' order by id")
_ONE = Sql(_SELECT + "where college_id = :college and id = :id and state <> 'removed'")
_ACTIVE = Sql(_SELECT + "where state = 'active' order by id")
_DUE = Sql(_SELECT + "where state = 'active' and next_at <= :now order by next_at, id")
_HOLD = Sql("update webhook set position = :to where id = :id and position = :was and state = 'active'")
_SET = Sql("update webhook set state = :state, why = :why, failures = 0, next_at = :now, version = version + 1 "
           "where id = :id and state <> 'removed'")  # fmt: skip
_ROTATE = Sql("update webhook set secret_before = secret, before_until = :until, secret = :secret, "
              "version = version + 1 where id = :id")  # fmt: skip
_WELL = Sql("update webhook set failures = 0 where id = :id and failures > 0")
_ILL = Sql("update webhook set failures = failures + 1, next_at = :later where id = :id")
_DELIVERY = ("d.id, d.webhook_id, d.event_id, d.message_id, d.stream, d.state, d.tries, d.next_at, d.status, d.millis, "
             "d.detail, d.created_at, d.ended_at")  # fmt: skip
_DUE_NOW = (
    "from delivery d where d.college_id = :college and d.webhook_id = :webhook and d.state = 'waiting' and "
    "d.next_at <= :now and not exists (select 1 from delivery b where b.college_id = d.college_id and "
    "b.webhook_id = d.webhook_id and b.stream = d.stream and b.state = 'waiting' and b.id < d.id)"
)
_CLAIM = Sql(
    "update delivery set tries = tries + 1, next_at = :until where state = 'waiting' and next_at <= :now and "
    f"id in (select d.id {_DUE_NOW} order by d.tries, d.id limit :most) returning {_DELIVERY.replace('d.', '')}"
)
_SENT = Sql("update delivery set state = 'sent', status = :status, millis = :millis, detail = null, ended_at = :now "
            "where id = :id and state = 'waiting'")  # fmt: skip
_FAILED = Sql("update delivery set status = :status, millis = :millis, detail = :detail, next_at = :later "
              "where id = :id and state = 'waiting'")  # fmt: skip
_FREE = Sql("update delivery set next_at = :now, tries = tries - 1 where id in :ids[] and state = 'waiting'")
_LOG = Sql(f"select {_DELIVERY} from delivery d where d.college_id = :college and d.webhook_id = :webhook and "
           "d.id < :before order by d.id desc limit :most")  # fmt: skip
_AGAIN = Sql("update delivery set state = 'waiting', next_at = :now, ended_at = null where college_id = :college and "
             "webhook_id = :webhook and id = :id")  # fmt: skip
_DROP = Sql("update delivery set state = 'dropped', ended_at = :now where college_id = :college and "
            "webhook_id = :webhook and id = :id and state = 'waiting'")  # fmt: skip
_DROP_ALL = Sql("update delivery set state = 'dropped', ended_at = :now where college_id = :college and "
                "webhook_id = :webhook and state = 'waiting'")  # fmt: skip
_FORGET = Sql("delete from delivery where college_id = :college and ended_at < :before")
_COUNTS = Sql("select webhook_id, state, count(*) from delivery where college_id = :college group by webhook_id, state")
_WAKE = Sql("update delivery set next_at = :now where college_id = :college and webhook_id = :webhook and "
            "state = 'waiting'")  # fmt: skip


def of_college(driver: Driver, college: int) -> list[Hook]:
    """Return a college's webhooks."""
    return list(map(Hook._make, driver.all(_OF_COLLEGE, {"college": college})))


def one(driver: Driver, college: int, number: int) -> Hook | None:
    """Return one webhook of a college."""
    row = driver.one(_ONE, {"college": college, "id": number})
    return Hook(*row) if row else None


def active(driver: Driver) -> list[Hook]:
    """Return every webhook that takes events."""
    return list(map(Hook._make, driver.all(_ACTIVE)))


def due(driver: Driver, now: str) -> list[Hook]:
    """Return the webhooks that may be sent to now."""
    return list(map(Hook._make, driver.all(_DUE, {"now": now})))


def add(driver: Driver, values: dict[str, Any]) -> int:
    """Add a webhook and return its number."""
    (number,) = driver.reserve("webhook", 1)
    driver.insert_rows("webhook", _COLUMNS, [[number, *(values[name] for name in _COLUMNS[1:])]])
    return number


def move(driver: Driver, hook: Hook, to: int) -> bool:
    """Note up to which event a webhook's queue is filled; False where another process was first."""
    return driver.run(_HOLD, {"id": hook.id, "was": hook.position, "to": to}) == 1


def put_state(driver: Driver, hook: int, state: str, why: str | None, now: str) -> None:
    """Pause, resume or remove a webhook."""
    driver.run(_SET, {"id": hook, "state": state, "why": why, "now": now})


def rotate(driver: Driver, hook: int, secret: bytes, until: str) -> None:
    """Give a new secret; the one before signs as well until an instant."""
    driver.run(_ROTATE, {"id": hook, "secret": secret, "until": until})


def well(driver: Driver, hook: int) -> None:
    """Note that a webhook answers."""
    driver.run(_WELL, {"id": hook})


def ill(driver: Driver, hook: int, later: str) -> None:
    """Note that a webhook failed once more, and leave it alone until an instant."""
    driver.run(_ILL, {"id": hook, "later": later})


def queue(driver: Driver, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put deliveries into a queue: (college, webhook, event, message, stream, now)."""
    names = ("college_id", "webhook_id", "event_id", "message_id", "stream", "state", "tries", "next_at", "created_at")
    driver.insert_rows("delivery", names, [(*row[:5], "waiting", 0, row[5], row[5]) for row in rows])


def claim(driver: Driver, hook: Hook, now: str, until: str, most: int) -> list[Delivery]:
    """Take the first waiting delivery of each history; nobody else takes them until an instant.

    What is neither marked nor put back by then (the program died) goes out again, under the same id.
    """
    values = {"college": hook.college, "webhook": hook.id, "now": now, "until": until, "most": most}
    return sorted(map(Delivery._make, driver.all(_CLAIM, values)))


def sent(driver: Driver, number: int, status: int | None, millis: int, now: str) -> None:
    """Note that a delivery arrived."""
    driver.run(_SENT, {"id": number, "status": status, "millis": millis, "now": now})


def failed(driver: Driver, number: int, status: int | None, millis: int, detail: str, later: str) -> None:
    """Note that a delivery failed, and when it is tried again."""
    driver.run(_FAILED, {"id": number, "status": status, "millis": millis, "detail": detail, "later": later})


def free(driver: Driver, ids: Sequence[int], now: str) -> None:
    """Put claimed deliveries back that were not sent."""
    driver.run(_FREE, {"ids": list(ids), "now": now})


def log(driver: Driver, college: int, hook: int, before: int, most: int) -> list[Delivery]:
    """Return a webhook's deliveries, the newest first."""
    values = {"college": college, "webhook": hook, "before": before, "most": most}
    return list(map(Delivery._make, driver.all(_LOG, values)))


def again(driver: Driver, college: int, hook: int, number: int, now: str) -> bool:
    """Let a delivery wait again, whatever came of it; False where there is none."""
    return driver.run(_AGAIN, {"college": college, "webhook": hook, "id": number, "now": now}) == 1


def drop(driver: Driver, college: int, hook: int, number: int, now: str) -> bool:
    """Give up a waiting delivery; False where there is none."""
    return driver.run(_DROP, {"college": college, "webhook": hook, "id": number, "now": now}) == 1


def drop_all(driver: Driver, college: int, hook: int, now: str) -> None:
    """Give up all that waits for a webhook."""
    driver.run(_DROP_ALL, {"college": college, "webhook": hook, "now": now})


def wake(driver: Driver, college: int, hook: int, now: str) -> None:
    """Let all that waits for a webhook be tried now."""
    driver.run(_WAKE, {"college": college, "webhook": hook, "now": now})


def forget(driver: Driver, college: int, before: str) -> int:
    """Take deliveries out of the log that ended before an instant."""
    return driver.run(_FORGET, {"college": college, "before": before})


def counts(driver: Driver, college: int) -> dict[int, dict[str, int]]:
    """Return how many deliveries of each webhook stand in each state."""
    found: dict[int, dict[str, int]] = {}
    for hook, state, many in driver.all(_COUNTS, {"college": college}):
        found.setdefault(hook, {})[state] = many
    return found
