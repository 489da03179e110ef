"""Webhooks of a college, kept by its administrator: add, pause, resume, renew the secret, look, send again."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from typing import Any

from qaflow.errors import Invalid, Missing, Refused, Unavailable
from qaflow.services import policy, sealing
from qaflow.services.college import view
from qaflow.services.ports import Ports
from qaflow.services.words import clean_name
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import events as positions
from qaflow.store import installation, ticks
from qaflow.store import webhooks as rows
from qaflow.store.db import Driver, reading, utc
from qaflow.store.webhooks import Delivery, Hook

from . import delivering, signing, stream

MOST = 20  # webhooks of a college
PAGE = 100
NAME = 80
BOTH = dt.timedelta(hours=24)  # so long the secret before signs as well
STATES = ("active", "paused")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A webhook as it is shown: without its secret."""

    id: int
    name: str
    url: str
    types: tuple[str, ...]
    state: str
    why: str | None
    failures: int
    next_at: str
    created_at: str
    before_until: str | None
    version: int
    waiting: int
    sent: int


def listed(session: AnySession, origin: Origin, me: stream.Reader) -> list[Shown]:
    """Return the college's webhooks; the administrator's right."""
    d = reading(session)
    try:
        college = _require(session, d, origin, me)
        counts = rows.counts(d, college)
        return [_shown(hook, counts.get(hook.id, {})) for hook in rows.of_college(d, college)]
    finally:
        session.rollback()


def look(session: AnySession, origin: Origin, me: stream.Reader, number: int,
         before: int = 0) -> tuple[Shown, list[Delivery]]:  # fmt: skip
    """Return one webhook and a page of its deliveries, the newest first."""
    d = reading(session)
    try:
        college = _require(session, d, origin, me)
        hook = _found(d, college, number)
        log = rows.log(d, college, number, before or 2**62, PAGE)
        return _shown(hook, rows.counts(d, college).get(number, {})), log
    finally:
        session.rollback()


def add(session: AnySession, ports: Ports, origin: Origin, me: stream.Reader, name: str, url: str,
        types: tuple[str, ...] = ()) -> tuple[int, str]:  # fmt: skip
    """Add a webhook for the events from now on; returns its number and, this once, its secret.

    Raises `Invalid` (``url.*``, ``event.unknown_type``, ``text.*``) and `Refused` (``webhook.too_many``).
    """
    said = clean_name(name)
    if not said or len(said) > NAME:
        raise Invalid("text.blank" if not said else "text.too_long", f"the name must have 1 to {NAME} signs")
    stream.require_types(types)
    college = _allowed(session, origin, me)
    _check(session, ports, url)
    stream.relay(session)
    secret = signing.new_secret()
    now = utc(origin.now)
    values = {"college_id": college, "name": said, "url": url, "types": json.dumps(sorted(set(types))),
              "state": "active", "why": None, "secret": _sealed(ports, secret), "secret_before": None,
              "before_until": None, "failures": 0, "next_at": now, "created_at": now, "created_by": me.person,
              "version": 1}  # fmt: skip
    return transact(session, lambda d: _add(d, college, values)), signing.shown(secret)


def _add(d: Driver, college: int, values: dict[str, Any]) -> int:
    if len(rows.of_college(d, college)) >= MOST:
        raise Refused("webhook.too_many", f"a college has at most {MOST} webhooks")
    if any(hook.url == values["url"] for hook in rows.of_college(d, college)):
        raise Refused("webhook.exists", "there is a webhook with this address already")  # a second click, mostly
    return rows.add(d, {**values, "position": positions.last(d, college)})


def pause(session: AnySession, origin: Origin, me: stream.Reader, number: int) -> None:
    """Pause a webhook: its events wait."""
    _act(session, origin, me, number, lambda d, hook, now: rows.put_state(d, hook.id, "paused", None, now))


def resume(session: AnySession, ports: Ports, origin: Origin, me: stream.Reader, number: int) -> None:
    """Let a webhook go on with what waited, its address checked anew."""
    shown, _ = look(session, origin, me, number)
    _check(session, ports, shown.url)
    _act(session, origin, me, number, _resume)


def _resume(d: Driver, hook: Hook, now: str) -> None:
    rows.put_state(d, hook.id, "active", None, now)
    rows.wake(d, hook.college, hook.id, now)
    ticks.solve(d, delivering.INCIDENT, f"webhook:{hook.id}", now)


def remove(session: AnySession, origin: Origin, me: stream.Reader, number: int) -> None:
    """Remove a webhook; what waits for it is given up."""

    def body(d: Driver, hook: Hook, now: str) -> None:
        rows.drop_all(d, hook.college, hook.id, now)
        rows.put_state(d, hook.id, "removed", None, now)
        ticks.solve(d, delivering.INCIDENT, f"webhook:{hook.id}", now)

    _act(session, origin, me, number, body)


def rotate(session: AnySession, ports: Ports, origin: Origin, me: stream.Reader, number: int) -> str:
    """Give a webhook a new secret and return it, this once; for a day the one before signs as well."""
    secret = signing.new_secret()
    until = utc(origin.now + BOTH)
    _act(session, origin, me, number, lambda d, hook, now: rows.rotate(d, hook.id, _sealed(ports, secret), until))
    return signing.shown(secret)


def trial(session: AnySession, origin: Origin, me: stream.Reader, number: int) -> None:
    """Put a trial message, which tells nothing, into a webhook's queue."""
    message = f"trial:{secrets.token_hex(8)}"
    _act(session, origin, me, number, lambda d, hook, now: rows.queue(
        d, [(hook.college, hook.id, None, message, message, now)]))  # fmt: skip


def again(session: AnySession, origin: Origin, me: stream.Reader, number: int, delivery: int) -> None:
    """Send a delivery again by hand, under the same id."""

    def body(d: Driver, hook: Hook, now: str) -> None:
        if not rows.again(d, hook.college, hook.id, delivery, now):
            raise Missing("delivery.not_found", f"no delivery {delivery}")

    _act(session, origin, me, number, body)


def give_up(session: AnySession, origin: Origin, me: stream.Reader, number: int, delivery: int) -> None:
    """Pass over a delivery that waits, so that what comes after it may go."""

    def body(d: Driver, hook: Hook, now: str) -> None:
        if not rows.drop(d, hook.college, hook.id, delivery, now):
            raise Missing("delivery.not_found", f"no waiting delivery {delivery}")

    _act(session, origin, me, number, body)


def _act(session: AnySession, origin: Origin, me: stream.Reader, number: int, body: Any) -> None:
    def whole(d: Driver) -> None:
        college = _require(session, d, origin, me)
        body(d, _found(d, college, number), utc(origin.now))

    transact(session, whole)


def _allowed(session: AnySession, origin: Origin, me: stream.Reader) -> int:
    try:
        return _require(session, reading(session), origin, me)
    finally:
        session.rollback()


def _require(session: AnySession, d: Driver, origin: Origin, me: stream.Reader) -> int:
    if me.college is None:
        raise Missing("college.not_found", "you belong to no college")
    day = view(session, d, me.college).calendar.local_day(origin.now).isoformat()
    policy.require_role(d, me.college, me.person, "operations", day)
    return me.college


def _found(d: Driver, college: int, number: int) -> Hook:
    hook = rows.one(d, college, number)
    if hook is None:
        raise Missing("webhook.not_found", f"no webhook {number}")
    return hook


def _check(session: AnySession, ports: Ports, url: str) -> None:
    if ports.poster is None:
        raise Unavailable("webhook.sender", "this program was put together without a sender")
    found = transact(session, installation.row)
    ports.poster.check(url, bool(found and found.sandbox))


def _sealed(ports: Ports, secret: bytes) -> bytes:
    return sealing.seal(ports.settings.secret_key, delivering.PURPOSE, secret)


def _shown(hook: Hook, counts: dict[str, int]) -> Shown:
    return Shown(id=hook.id, name=hook.name, url=hook.url, types=tuple(json.loads(hook.types)), state=hook.state,
                 why=hook.why, failures=hook.failures, next_at=hook.next_at, created_at=hook.created_at,
                 before_until=hook.before_until, version=hook.version, waiting=counts.get("waiting", 0),
                 sent=counts.get("sent", 0))  # fmt: skip
