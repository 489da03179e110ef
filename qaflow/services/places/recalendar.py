"""An edited calendar moves the deadlines of running work, one fact each, shown before it is done (engine rules, 6)."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.engine.calendar import Calendar
from qaflow.engine.snapshot import Data
from qaflow.services.college import view
from qaflow.services.cycles.acting import hold
from qaflow.services.work import AnySession, Origin, Writer
from qaflow.store import sweep
from qaflow.store.db import Driver


class Moved(NamedTuple):
    """A deadline that an edit moves: of which work item of which cycle, from when to when."""

    cycle: int
    item: int
    subject: int
    was: str
    due: str


def follow(session: AnySession, driver: Driver, origin: Origin, college: int, former: Calendar) -> list[Data]:
    """Move what the new calendar moves; returns the deadlines as differences: which, from when to when."""
    return [{"what": "deadline", "key": f"cycle {one.cycle} item {one.item}", "change": f"{one.was} > {one.due}"}
            for one in moved(session, driver, origin, college, former)]  # fmt: skip


def moved(session: AnySession, driver: Driver, origin: Origin, college: int, former: Calendar) -> list[Moved]:
    """Move what the new calendar moves; returns the deadlines."""
    if view(session, driver, college).calendar == former:
        return []
    writer = Writer(driver, origin)
    found: list[Moved] = []
    for cycle in sweep.owing(driver, college):
        acting = hold(session, driver, origin, cycle, writer)
        for _, data in acting.decide("recalendar", {"former": former}, acting.context()):
            found.append(Moved(cycle, int(data["item"]), acting.snap.subject, str(data["from"]), str(data["due"])))
        acting.flush()
    writer.flush()
    return found
