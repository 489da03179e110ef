"""An edited calendar moves the deadlines of running work, one fact each, shown before it is done (engine rules, 6)."""

from __future__ import annotations

from qaflow.engine.calendar import Calendar
from qaflow.engine.snapshot import Data
from qaflow.store import sweep
from qaflow.store.db import Driver

from .acting import hold
from .college import view
from .work import AnySession, Origin, Writer


def follow(session: AnySession, driver: Driver, origin: Origin, college: int, former: Calendar) -> list[Data]:
    """Move what the new calendar moves; returns the deadlines as differences: which, from when to when."""
    if view(session, driver, college).calendar == former:
        return []
    writer = Writer(driver, origin)
    moved: list[Data] = []
    for cycle in sweep.owing(driver, college):
        acting = hold(session, driver, origin, cycle, writer)
        for _, data in acting.decide("recalendar", {"former": former}, acting.context()):
            change = f"{data['from']} > {data['due']}"
            moved.append({"what": "deadline", "key": f"cycle {cycle} item {data['item']}", "change": change})
        acting.flush()
    writer.flush()
    return moved
