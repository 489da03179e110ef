"""How long pages take in a college of 35,000 subjects: what the quality office and each person sees of it."""

from __future__ import annotations

import datetime as dt

from qaflow.services.work import AnySession, transact
from qaflow.store import bench_pages
from qaflow.store.db import set_synchronous, utc

from . import world
from .world import BEGINS, World

SUBJECTS = 35_000
TASKS = 600
NOW = dt.datetime(2025, 9, 15, 2, tzinfo=dt.UTC)
MONTHS = (3, 4, 5, 6)  # of last spring, in which a visit of each stage was due
TERMS = (("2024-autumn", "2024-09-01", "2025-01-19"), ("2025-spring", "2025-02-17", "2025-07-13"),
         ("2025-autumn", "2025-09-01", "2026-01-18"))  # fmt: skip
READ = (90, 60, 30)  # days before the year's beginning


def fill(session: AnySession, size: World) -> None:
    """Build the college: everything runs, a round before it is closed, and all of it is measured."""
    world.build(session, size)
    world.fill(session, size)
    set_synchronous(session, "OFF")
    stages = list(zip(world.spiral().order, MONTHS, strict=True))
    times = [utc(BEGINS - dt.timedelta(days=days)) for days in READ]
    transact(session, lambda d: bench_pages.terms(d, TERMS))
    transact(session, lambda d: bench_pages.past(d, stages))
    transact(session, lambda d: bench_pages.measured(d, times))
    transact(session, lambda d: bench_pages.tasks(d, TASKS, world.UNITS))
    world.settle(session)
