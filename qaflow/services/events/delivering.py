"""Events on their way to webhooks: a step of the tick of its own, after its commits and within bounded time.

At least once and under the same id: a delivery is claimed, sent, then marked; what was claimed and never marked goes
out again. In order within a history: only its first waiting delivery is ever taken. A failure lets the webhook alone
for a while, longer each time, and pauses it at last with an incident: nothing is passed over or lost.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from qaflow.errors import Unavailable
from qaflow.services import sealing
from qaflow.services.ports import Answer, Ports, Poster
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import events as positions
from qaflow.store import ticks
from qaflow.store import webhooks as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.webhooks import Delivery, Hook

from . import events, signing, stream

PURPOSE = "webhook secrets"
INCIDENT = "webhook"
TRIAL = "qaflow.trial"
GONE = 410
BATCH = 50
FILL = 1000
AT_ONCE = 4
BUDGET = 10.0  # seconds; then nothing new is begun
CLAIM = dt.timedelta(minutes=2)  # longer than the budget and one request
KEPT = dt.timedelta(days=30)
BACK_OFF = tuple(dt.timedelta(minutes=n) for n in (1, 5, 15, 60, 180, 360, 720, 1440))
"""How long a target is left alone after its first, second, … failure in a row; after the last it is paused."""


def deliver(session: AnySession, ports: Ports, origin: Origin, sandbox: bool, budget: float = BUDGET) -> dict[str, int]:
    """Send what waits; returns how many arrived and failed."""
    poster, now = ports.poster, utc(origin.now)
    if poster is None:
        return {}
    hooks = _known(session)
    if not hooks:
        return {}
    stream.relay(session)
    for hook in hooks:
        _fill(session, hook, now)
    for college in sorted({hook.college for hook in hooks}):
        transact(session, lambda d, c=college: rows.forget(d, c, utc(origin.now - KEPT)))  # type: ignore[misc]
    return _Round(session, poster, ports.settings.secret_key, origin, sandbox, budget).run()


def _known(session: AnySession) -> list[Hook]:
    found = rows.active(reading(session))
    session.rollback()
    return found


def _fill(session: AnySession, hook: Hook, now: str) -> None:
    """Put the events since the last one into a webhook's queue."""
    types = set(json.loads(hook.types))
    while True:
        reach = transact(session, lambda d, h=hook: _fill_batch(d, h, types, now))  # type: ignore[misc]
        if reach is None:
            return
        hook = hook._replace(position=reach)


def _fill_batch(d: Driver, hook: Hook, types: set[str], now: str) -> int | None:
    found = positions.after(d, hook.college, hook.position, FILL)
    if not found or not rows.move(d, hook, found[-1].position):
        return None
    rows.queue(d, [(hook.college, hook.id, row.position, events.identity(row), row.stream, now)
                   for row in found if not types or events.TOLD[row.kind].type in types])  # fmt: skip
    return found[-1].position


@dataclass
class _Lane:
    """One target's turn: what was claimed for it and is still to be sent, one after the other."""

    hook: Hook
    secrets: list[bytes]
    left: deque[tuple[Delivery, bytes]] = field(default_factory=deque)
    over: bool = False


Going = dict[Future[Answer], tuple[_Lane, Delivery]]


class _Round:
    """One round of sending: a few targets at once, one request at a time to each, every answer marked as it comes."""

    def __init__(self, session: AnySession, poster: Poster, key: str, origin: Origin, sandbox: bool,
                 budget: float) -> None:  # fmt: skip
        self._session, self._poster, self._key, self._origin = session, poster, key, origin
        self._sandbox, self._end = sandbox, time.monotonic() + budget
        self._now, self._done = utc(origin.now), {"sent": 0, "failed": 0}
        self._lanes: list[_Lane] = []

    def run(self) -> dict[str, int]:
        """Send until nothing waits or the time is over."""
        due = rows.due(reading(self._session), self._now)
        self._session.rollback()
        self._lanes = [lane for hook in due if (lane := self._lane(hook)) is not None]
        going: Going = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for lane in self._lanes:
                self._begin(pool, lane, going)
            while going:
                done, _ = wait(going, return_when=FIRST_COMPLETED)
                for future in done:
                    lane, delivery = going.pop(future)
                    self._mark(lane, delivery, future.result())
                    self._begin(pool, lane, going)
        self._put_back()
        return {name: many for name, many in self._done.items() if many}

    def _lane(self, hook: Hook) -> _Lane | None:
        try:
            return _Lane(hook, list(self._secrets(hook)))
        except Unavailable as error:
            why = str(error)
            transact(self._session, lambda d: pause(d, hook, why, self._now))
            return None

    def _secrets(self, hook: Hook) -> Iterator[bytes]:
        yield sealing.unseal(self._key, PURPOSE, hook.secret)
        if hook.secret_before is not None and (hook.before_until or "") > self._now:
            yield sealing.unseal(self._key, PURPOSE, hook.secret_before)

    def _begin(self, pool: ThreadPoolExecutor, lane: _Lane, going: Going) -> None:
        if lane.over or time.monotonic() > self._end:
            return
        if not lane.left or lane.left[0][0].tries > 1:  # what never failed goes first
            more = transact(self._session, lambda d: self._claim(d, lane.hook))
            lane.left = deque(sorted([*lane.left, *more], key=lambda pair: (pair[0].tries, pair[0].id)))
        if lane.left:
            delivery, body = lane.left.popleft()
            going[pool.submit(self._send, lane, delivery, body)] = (lane, delivery)

    def _claim(self, d: Driver, hook: Hook) -> list[tuple[Delivery, bytes]]:
        claimed = rows.claim(d, hook, self._now, utc(self._origin.now + CLAIM), BATCH)
        told = positions.some(d, hook.college, [c.event for c in claimed if c.event is not None])
        return [(c, _body(c, told)) for c in claimed]

    def _send(self, lane: _Lane, delivery: Delivery, body: bytes) -> Answer:
        seconds = int(self._origin.recorded.timestamp())  # by the machine's clock, which the receiver compares
        signed = signing.headers(lane.secrets, delivery.message, seconds, body)
        told = {"Content-Type": events.CONTENT_TYPE, "User-Agent": "qaflow", **signed}
        return self._poster.post(lane.hook.url, told, body, self._sandbox)

    def _mark(self, lane: _Lane, delivery: Delivery, answer: Answer) -> None:
        lane.over = not answer.taken
        self._done["failed" if lane.over else "sent"] += 1
        mark = self._failed if lane.over else self._sent
        lane.hook = transact(self._session, lambda d: mark(d, lane.hook, delivery, answer))

    def _sent(self, d: Driver, hook: Hook, delivery: Delivery, answer: Answer) -> Hook:
        rows.sent(d, delivery.id, answer.status, answer.millis, self._now)
        if hook.failures:
            rows.well(d, hook.id)
        return hook._replace(failures=0)

    def _failed(self, d: Driver, hook: Hook, delivery: Delivery, answer: Answer) -> Hook:
        why = answer.detail or f"HTTP {answer.status}"
        later = later_by(delivery.tries)
        rows.failed(d, delivery.id, answer.status, answer.millis, why, utc(self._origin.now + later))
        pauses = max(later_by(hook.failures + 1), dt.timedelta(seconds=min(answer.wait, LONGEST_WAIT)))
        rows.ill(d, hook.id, utc(self._origin.now + pauses))
        if max(delivery.tries, hook.failures + 1) > len(BACK_OFF) or answer.status == GONE:
            pause(d, hook, why, self._now)
        return hook._replace(failures=hook.failures + 1)

    def _put_back(self) -> None:
        ids = [delivery.id for lane in self._lanes for delivery, _ in lane.left]
        if ids:
            transact(self._session, lambda d: rows.free(d, ids, self._now))


LONGEST_WAIT = int(BACK_OFF[-1].total_seconds())


def later_by(tries: int) -> dt.timedelta:
    """Return how long is waited after so many tries."""
    return BACK_OFF[min(tries, len(BACK_OFF)) - 1]


def pause(d: Driver, hook: Hook, why: str, now: str) -> None:
    """Pause a webhook that failed, with an incident that a person must see to."""
    rows.put_state(d, hook.id, "paused", why, now)
    ticks.open_incident(d, hook.college, INCIDENT, f"webhook:{hook.id}", f"{hook.name}: {why}"[:500], now, None)


def _body(delivery: Delivery, told: dict[int, positions.Row]) -> bytes:
    if delivery.event is not None:
        return events.body(events.envelope(told[delivery.event]))
    return events.body({"specversion": events.SPEC, "id": delivery.message, "source": "urn:qaflow", "type": TRIAL,
                        "time": delivery.created_at, "datacontenttype": "application/json", "data": {}})  # fmt: skip
