"""How long a college's readings take to come in: from a workbook by the command, and against limits by the service.

The floor does the same with the standard library's `sqlite3`, and reads the workbook with openpyxl, row by row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from qaflow.services.points import monitoring
from qaflow.services.points.monitoring import NewReading
from qaflow.services.ports import Leaf, Workbooks
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store.bench import floors_readings
from qaflow.store.bench import pages as bench_pages
from qaflow.store.bench.floors_readings import Given
from qaflow.store.db import set_synchronous, utc

from . import world
from .workloads import Bench, timed
from .world import ACTS, LAYER, UTC8, World

SUBJECTS = 5_000
READINGS = 100_000
ONE_IN = 100  # subjects, of which one is beyond its limit at one point
APART = 20  # days between the deliveries of two runs
BEYOND, WITHIN = 44.0, 50.0  # the limit is 45
IMPORTS = 20  # the slot of the first import
HEADINGS = ("point", "subject", "at", "value", "source")


class Command(NamedTuple):
    """What an import by the command line took: seconds, and megabytes at its peak."""

    seconds: float
    megabytes: float


Importing = Callable[[Path], Command]


def fill(session: AnySession, size: World) -> None:
    """Start every subject's cycle and set the points' limits; nothing was read yet."""
    world.fill(session, size)
    set_synchronous(session, "OFF")
    transact(session, bench_pages.points)
    world.settle(session)


def rows(size: World, many: int, source: str, slot: int) -> list[Given]:
    """Return readings of every subject at every point, one in a hundred subjects beyond its limit at one of them.

    A higher slot lies further back, so that no delivery brings an earlier one's warnings back within limits.
    """
    found, points = [], bench_pages.POINTS
    for n in range(many):
        subject, point = 1 + n // points % size.subjects, 1 + n % points
        day = ACTS - dt.timedelta(days=1 + APART * slot + n // (points * size.subjects))
        value = BEYOND if point == 1 and subject % ONE_IN == slot else WITHIN + n % 7 / 7
        found.append((f"point{point}", f"s{subject}", utc(day), value, source))
    return found


def evaluation(bench: Bench, size: World, many: int, runs: int) -> dict[str, Any]:
    """Hand readings to the service and hold them against their limits, run by run; the first warms up."""
    ours, floor = [], []
    for run in range(runs + 1):
        given = rows(size, many, f"run{run}", run)
        handed = [NewReading(point, LAYER, code, dt.datetime.fromisoformat(at), value, source)
                  for point, code, at, value, source in given]  # fmt: skip
        at = ACTS + run * world.MINUTE
        origin = Origin(now=at, recorded=at, door="bench")
        before = floors_readings.marks(bench.ours)
        ours.append(timed(lambda o=origin, h=handed: monitoring.accept(bench.session, o, 1, h)))  # type: ignore[misc]
        done = floors_readings.delivered(bench.ours, before)
        floor.append(timed(lambda g=given, d=done: floors_readings.deliver(bench.floor, g, d)))  # type: ignore[misc]
    return _figures(many, ours[1:], floor[1:])


def importing(bench: Bench, size: World, many: int, runs: int, folder: Path, books: Workbooks,
              command: Importing) -> dict[str, Any]:  # fmt: skip
    """Import workbooks by the command, its start included; a workbook of one row tells what the command needs idle."""
    ours, floor, peaks = [], [], []
    idle = 0.0
    for run in range(runs + 1):
        given = rows(size, many if run else 1, f"file{run}", IMPORTS + run)
        file = folder / f"readings{run}.xlsx"
        file.write_bytes(_book(books, given))
        before = floors_readings.marks(bench.ours)
        took = command(file)
        done = floors_readings.delivered(bench.ours, before)
        waited = timed(lambda f=file, d=done: floors_readings.deliver(bench.floor, _sheet(f), d))  # type: ignore[misc]
        file.unlink()
        if run:
            ours.append(took.seconds)
            floor.append(waited)
            peaks.append(took.megabytes)
        else:
            idle = took.megabytes
    return _figures(many, ours, floor) | {"memory_mb": round(max(peaks) - idle, 1), "idle_mb": round(idle, 1)}


def _figures(many: int, ours: list[float], floor: list[float]) -> dict[str, Any]:
    ratio = median(o / f for o, f in zip(ours, floor, strict=True))
    return {"ours": round(median(ours), 4), "floor": round(median(floor), 4), "ratio": round(ratio, 2),
            "runs": len(ours), "readings": many}  # fmt: skip


def _book(books: Workbooks, given: list[Given]) -> bytes:
    shown = [(point, code, dt.datetime.fromisoformat(at).astimezone(UTC8).replace(tzinfo=None).isoformat(" "), value,
              source) for point, code, at, value, source in given]  # fmt: skip
    return books.write([Leaf(title="readings", headings=HEADINGS, rows=shown)])


def _sheet(file: Path) -> Iterator[Given]:
    """Yield the readings of a workbook, as openpyxl reads it with the least memory."""
    from openpyxl import load_workbook

    instants: dict[str, str] = {}
    book = load_workbook(file, read_only=True)
    for point, code, at, value, source in book.worksheets[0].iter_rows(min_row=2, values_only=True):
        if at not in instants:
            instants[at] = utc(dt.datetime.fromisoformat(at).replace(tzinfo=UTC8))
        yield point, code, instants[at], float(value), source
    book.close()
