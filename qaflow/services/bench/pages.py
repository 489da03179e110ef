"""How long pages take in a college of 35,000 subjects: overviews, the office's figures, a portrait, a comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from statistics import median
from typing import Any

from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.figures import comparing, dashboard, overview, portraits
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store.bench import floors_pages
from qaflow.store.bench import pages as bench_pages
from qaflow.store.db import set_synchronous, utc

from . import world
from .workloads import Bench, timed
from .world import BEGINS, World

SUBJECTS = 35_000
TASKS = 600
NOW = dt.datetime(2025, 9, 15, 2, tzinfo=dt.UTC)
MONTHS = (3, 4, 5, 6)  # of last spring, in which a visit of each stage was due
SPRING = "2025-spring"
TERMS = (("2024-autumn", "2024-09-01", "2025-01-19"), (SPRING, "2025-02-17", "2025-07-13"),
         ("2025-autumn", "2025-09-01", "2026-01-18"))  # fmt: skip
READ = (90, 60, 30)  # days before the year's beginning
UNIT = 5  # whose approver and supervisor look
SEEN = world.UNITS + UNIT - 1  # a subject of theirs


def fill(session: AnySession, size: World) -> None:
    """Start everything in a college that is built; write a closed round before it, and measure all of it."""
    world.fill(session, size)
    set_synchronous(session, "OFF")
    stages = list(zip(world.spiral().order, MONTHS, strict=True))
    times = [utc(BEGINS - dt.timedelta(days=days)) for days in READ]
    transact(session, lambda d: bench_pages.terms(d, TERMS))
    transact(session, lambda d: bench_pages.past(d, stages))
    transact(session, lambda d: bench_pages.measured(d, times))
    transact(session, lambda d: bench_pages.tasks(d, TASKS, world.UNITS))
    world.settle(session)


def milliseconds(bench: Bench, runs: int) -> dict[str, Any]:
    """Return the medians of each page after one look that warms up, and the floor of the whole college's overview."""
    looks = _looks(bench.session)
    for look in looks.values():
        look()
    taken = {name: [timed(look) for _ in range(runs)] for name, look in looks.items()}
    today = NOW.date().isoformat()
    floor = [timed(lambda: floors_pages.overview(bench.floor, today)) for _ in range(runs)]
    return {name: round(1000 * median(times), 1) for name, times in taken.items()} | {
        "floor": round(1000 * median(floor), 1), "runs": runs}  # fmt: skip


def _looks(session: AnySession) -> dict[str, Callable[[], Any]]:
    term = dashboard.Chosen(term=SPRING)

    def of(page: Callable[..., Any], person: int, *more: Any) -> Callable[[], Any]:
        origin = Origin(now=NOW, recorded=NOW, door="bench", person=person)
        return lambda: page(session, origin, _signed_in(person), *more)

    return {
        "overview_office": of(overview.look, world.HEAD_OF_OFFICE),
        "overview_supervisor": of(overview.look, world.supervisor(UNIT)),
        "overview_approver": of(overview.look, world.approver(UNIT)),
        "overview_teacher": of(overview.look, world.FIRST_PERSON + UNIT),
        "portrait": of(portraits.look, world.supervisor(UNIT), SEEN),
        "comparison": of(comparing.subject, world.supervisor(UNIT), SEEN),
        "office_units": of(dashboard.rates, world.HEAD_OF_OFFICE, term),
        "office_times": of(dashboard.times, world.HEAD_OF_OFFICE, term),
    }


def _signed_in(person: int) -> SignedIn:
    return SignedIn(session="", person=person, college=1, login=f"p{person}", name=f"p{person}", language="zh",
                    device="", kinds=frozenset(), titles=())  # fmt: skip
