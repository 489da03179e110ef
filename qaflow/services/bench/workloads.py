"""The measured workloads: the product works, what it wrote is read back, and the floors do the same work."""

from __future__ import annotations

import datetime as dt
import gc
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

from qaflow.services.cycles import acts as cycles
from qaflow.services.sweeping import tick
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store.bench import floors, floors_bare, floors_recorded, floors_sets
from qaflow.store.bench import world as bench_world
from qaflow.store.db import utc

from . import world
from .world import ACTS, BEGINS, MINUTE, SWEEPS, World

SLOW = 0.7  # a bare floor below this share of the table's speed means a noisy run
LIMIT = dt.timedelta(days=400)
FORM = {"report": "各项指标按计划完成，材料已归档；存在的问题列入下一阶段改进。"}


@dataclass
class Figures:
    """Seconds for the same work, run by run."""

    table: float  # what the bare floor took when the targets were set
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return the medians, and the ratio that the targets are about."""
        ours, floor, bare = (round(median(times), 4) for times in (self.ours, self.floor, self.bare))
        ratio = median(o / f for o, f in zip(self.ours, self.floor, strict=True))
        return {"ours": ours, "floor": floor, "bare": bare, "ratio": round(ratio, 2), "runs": len(self.ours),
                "noisy": bare > self.table / SLOW}  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """One world three times: the product's session, a floor's copy of the database, and the bare floor's own."""

    session: AnySession
    ours: sqlite3.Connection  # reads back what the product wrote
    floor: sqlite3.Connection
    bare: sqlite3.Connection


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that some work takes, on a heap without garbage."""
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def human(bench: Bench, size: World, runs: int) -> Figures:
    """W1: people submit and approve in turn, one transaction an act; the first run warms up."""
    pairs = size.portion // 2
    figures = Figures(table=2 * pairs / 6500)
    for run in range(runs + 1):
        found = transact(bench.session, lambda d, r=run: bench_world.cycles(d, size.step, size.step - 1 - r, pairs))  # type: ignore[misc]
        ours = timed(lambda f=found: _act(bench.session, f))  # type: ignore[misc]
        numbers = [cycle for cycle, *_ in found]
        acts = floors_recorded.acts(bench.ours, numbers)
        floor = timed(lambda a=acts: _floor_acts(bench.floor, a))  # type: ignore[misc]
        bare = timed(lambda n=numbers: _bare_acts(bench.bare, n))  # type: ignore[misc]
        if run:
            _note(figures, ours, floor, bare)
    return figures


def _act(session: AnySession, found: list[tuple[int, int, int]]) -> None:
    for cycle, person, unit in found:
        submits = Origin(now=ACTS, recorded=ACTS, door="bench", person=person)
        cycles.fire(session, submits, cycle, "submit", {"content": FORM})
        approves = Origin(now=ACTS + MINUTE, recorded=ACTS + MINUTE, door="bench", person=world.approver(unit))
        cycles.fire(session, approves, cycle, "approve", {})


def _floor_acts(connection: sqlite3.Connection, acts: list[floors.Act]) -> None:
    for act in acts:
        floors.act(connection, act)


def _bare_acts(connection: sqlite3.Connection, numbers: list[int]) -> None:
    for number in numbers:
        floors_bare.act(connection, number, 1)
        floors_bare.act(connection, number, 2)


def _note(figures: Figures, ours: float, floor: float, bare: float) -> None:
    figures.ours.append(ours)
    figures.floor.append(floor)
    figures.bare.append(bare)


def sweep(bench: Bench, size: World, runs: int) -> Figures:
    """W2: one tick with a portion of auto-advances and one of escalations among all cycles; the first run warms up."""
    figures = Figures(table=0.038 if size.subjects <= 100_000 else 0.073)
    for run in range(runs + 1):
        at = SWEEPS + run * MINUTE
        origin = Origin(now=at, recorded=at, door="bench")
        ours = timed(lambda o=origin: tick.swept(bench.session, o, limit=LIMIT))  # type: ignore[misc]
        rows = floors_recorded.tick(bench.ours)
        _expect(size.portion, rows.moves, rows.levels)
        floor = timed(lambda r=rows: floors_sets.tick(bench.floor, r))  # type: ignore[misc]
        floors_bare.make_due(bench.bare, size.step, 2 * run)
        bare = timed(lambda: floors_bare.tick(bench.bare))
        if run:
            _note(figures, ours, floor, bare)
    return figures


def _expect(portion: int, *found: dict[int, Any]) -> None:
    if any(len(rows) != portion for rows in found):
        raise AssertionError(f"the tick did {[len(rows) for rows in found]}, not {portion} each")


def idle(bench: Bench, size: World, runs: int) -> float:
    """Return the seconds of a tick that finds nothing due (the median of many)."""
    times = []
    for run in range(runs):
        at = SWEEPS + (size.runs + run) * MINUTE
        origin = Origin(now=at, recorded=at, door="bench")
        start = perf_counter()
        report = tick.swept(bench.session, origin, limit=LIMIT)
        times.append(perf_counter() - start)
        if report.done:
            raise AssertionError(f"an idle tick did {report.done}")
    return median(times)


def starts(bench: Bench, size: World) -> Figures:
    """W3: start a cycle for every subject, one track after another; the first warms up."""
    figures = Figures(table=0.24 * size.subjects / 30_000)
    for run in range(size.tracks):
        at = BEGINS + run * MINUTE
        ours = timed(lambda a=at: world.launch(bench.session, a))  # type: ignore[misc]
        rows = floors_recorded.launch(bench.ours, utc(at))
        floor = timed(lambda r=rows: floors_sets.launch(bench.floor, r))  # type: ignore[misc]
        bare = timed(lambda r=run: floors_bare.launch(bench.bare, 1 + r * size.subjects, size.subjects))  # type: ignore[misc]
        if run:
            _note(figures, ours, floor, bare)
    return figures
