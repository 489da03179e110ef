"""What the server remembers while somebody is between two steps of signing in: ten minutes long, taken once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from qaflow.services.accounts.passwords import token_hash
from qaflow.services.ports import Ports
from qaflow.services.sealing import pack, unpack
from qaflow.services.work import AnySession, transact
from qaflow.store import linked as rows
from qaflow.store.db import Driver, instant, reading, utc

LASTS = timedelta(minutes=10)
ID_BYTES = 32
CLEARED = 100  # old ones dropped at each new one: more than come in


def new_id() -> str:
    """Return the name of a step, which only the browser will know."""
    return secrets.token_urlsafe(ID_BYTES)


def put(session: AnySession, ports: Ports, name: str, kind: str, data: dict[str, str]) -> None:
    """Remember a step under its name."""
    now, sealed = ports.clock.now(), pack(ports.settings.secret_key, kind, data)

    def body(driver: Driver) -> None:
        rows.put_step(driver, token_hash(name), kind, sealed, utc(now), utc(now - LASTS), CLEARED)

    transact(session, body)


def look(session: AnySession, ports: Ports, name: str, kind: str) -> dict[str, str] | None:
    """Return what was remembered; None where it is unknown, over, or taken."""
    try:
        row = rows.step(reading(session), token_hash(name))
    finally:
        session.rollback()
    if row is None or row[0] != kind or ports.clock.now() - instant(row[2]) > LASTS:
        return None
    return unpack(ports.settings.secret_key, kind, row[1])


def take(session: AnySession, ports: Ports, name: str, kind: str) -> dict[str, str] | None:
    """Take what was remembered: whoever comes second, with whatever was copied, gets None."""
    found = look(session, ports, name, kind)
    taken = transact(session, lambda driver: rows.take_step(driver, token_hash(name)))
    return found if taken else None
