"""Figures for monitoring: how the program does, never who did what nor how a college stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from qaflow.services.ports import Ports
from qaflow.services.work import AnySession
from qaflow.store import operations as rows
from qaflow.store.db import instant, reading, utc

from .installation import present


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is measured now; None where there is nothing to measure yet."""

    tick_age: float | None
    tick_seconds: float | None
    backlog: int
    incidents: int
    outbox: dict[str, int]
    cycles: dict[str, int]
    items_open: int
    items_overdue: int
    database_bytes: int
    lease_seconds: float | None


def figures(session: AnySession, ports: Ports) -> Figures:
    """Return the figures of the whole installation."""
    driver = reading(session)
    try:
        machine = ports.clock.now()
        now = present(driver, machine)
        last = next(iter(rows.runs(driver, 2**62, 1)), None)
        found = rows.figures(driver, utc(now), now.astimezone(UTC).date().isoformat())
        ends = [instant(one.until) for one in rows.leases(driver)]
        return Figures(
            tick_age=(machine - instant(last.started_at)).total_seconds() if last else None,
            tick_seconds=_length(last), backlog=found["backlog"], outbox=rows.outbox_states(driver),
            incidents=sum(n for state, n in found["incidents"].items() if state != "solved"),
            cycles={state: found["cycles"].get(state, 0) for state in ("running", "suspended")},
            items_open=found["open"], items_overdue=found["overdue"], database_bytes=rows.size(driver),
            lease_seconds=(max(ends) - machine).total_seconds() if ends else None,
        )  # fmt: skip
    finally:
        session.rollback()


def _length(last: Any) -> float | None:
    if last is None or last.ended_at is None:
        return None
    return float((instant(last.ended_at) - instant(last.started_at)).total_seconds())
