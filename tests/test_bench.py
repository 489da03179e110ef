"""The bench: its floors write the very rows that the product writes, and its document has the promised shape."""

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest

from qaflow.app import BOOTSTRAP
from qaflow.cli import bench as command
from qaflow.cli import bench_intake
from qaflow.services.bench import intakes, proof, workloads, world
from qaflow.services.bench.workloads import Bench
from qaflow.services.bench.world import World
from qaflow.services.sweeping import tick
from qaflow.services.work import Origin
from qaflow.store.bench import floors_recorded, floors_sets

SIZE = World(subjects=80, runs=2, portion=8)
ACT_TABLES = {"cycle", "visit", "work_item", "signature", "content", "journal", "outbox"}
TICK_TABLES = {"cycle", "visit", "work_item", "escalation", "journal", "outbox", "tick_run"}
START_TABLES = {"cycle", "visit", "work_item", "journal", "schedule", "round"}
Made = Callable[..., Bench]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Return the function that makes a small world with its floors."""
    with ExitStack() as stack:
        stack.enter_context(click.Context(command.bench, obj=BOOTSTRAP))

        def make(size: World, fill: Any = world.fill) -> Bench:
            return stack.enter_context(command.stage(tmp_path, "world", size, "a small world", fill))

        yield make


def rows(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, every column, in order."""
    names = [n for (n,) in connection.execute("select name from sqlite_master where type = 'table' order by name")]
    return {name: connection.execute(f"select * from {name}").fetchall() for name in names}


def structure(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Return the tables, indexes and triggers as they were made."""
    return connection.execute("select type, name, sql from sqlite_master order by type, name").fetchall()


def same(bench: Bench, before: dict[str, Any]) -> set[str]:
    """Compare what the product and the floor have written; return the tables that changed."""
    ours, theirs = rows(bench.ours), rows(bench.floor)
    assert structure(bench.ours) == structure(bench.floor)
    for name, found in ours.items():
        assert theirs[name] == found, name
    return {name for name in ours if ours[name] != before[name]}


def test_the_floor_of_acts_writes_the_same_rows_columns_and_hashes(made: Made) -> None:
    bench = made(SIZE)
    before = rows(bench.ours)

    figures = workloads.human(bench, SIZE, 1)

    assert same(bench, before) == ACT_TABLES
    acts = 2 * 2 * (SIZE.portion // 2)  # submit and approve, in the warming run and the measured one
    assert len(rows(bench.ours)["journal"]) == SIZE.subjects + acts
    assert (len(figures.ours), len(figures.floor), len(figures.bare)) == (1, 1, 1)


def test_the_floor_of_a_tick_writes_the_same_rows_columns_and_hashes(made: Made) -> None:
    bench = made(SIZE)
    before = rows(bench.ours)

    workloads.sweep(bench, SIZE, 1)

    assert same(bench, before) == TICK_TABLES
    found = rows(bench.ours)
    assert len(found["escalation"]) == 2 * SIZE.portion
    assert len(found["visit"]) == SIZE.subjects + 2 * SIZE.portion


def test_the_floor_of_starts_writes_the_same_rows_columns_and_hashes(made: Made) -> None:
    size = World(subjects=40, tracks=2)
    bench = made(size, None)
    before = rows(bench.ours)

    workloads.starts(bench, size)

    assert same(bench, before) == START_TABLES
    assert len(rows(bench.ours)["cycle"]) == 2 * size.subjects


READ_TABLES = {"batch", "reading", "warning", "cycle", "work_item", "journal", "outbox", "college"}


def test_the_floor_of_an_evaluation_writes_the_same_rows_columns_and_hashes(made: Made) -> None:
    size = World(subjects=300)
    bench = made(size, intakes.fill)
    before = rows(bench.ours)

    figures = intakes.evaluation(bench, size, 2 * 4 * size.subjects, 1)

    assert same(bench, before) == READ_TABLES
    found = rows(bench.ours)
    assert len(found["reading"]) == 2 * 2 * 4 * size.subjects
    assert len(found["warning"]) == 2 * size.subjects // intakes.ONE_IN  # one for each subject, not for each reading
    assert (figures["runs"], figures["readings"]) == (1, 2 * 4 * size.subjects)


def test_the_floor_of_an_import_writes_the_same_rows_columns_and_hashes(made: Made) -> None:
    size = World(subjects=200)
    bench = made(size, intakes.fill)
    before = rows(bench.ours)

    figures = bench_intake.measured(bench, size, 4 * size.subjects, 1)["import"]

    assert same(bench, before) == READ_TABLES
    assert figures["idle_mb"] + figures["memory_mb"] > 0 and figures["ours"] > figures["floor"] > 0


def test_a_floor_that_weighs_a_value_otherwise_is_seen(made: Made) -> None:
    size = World(subjects=200)
    bench = made(size, intakes.fill)
    bench.floor.execute("update control_point set warn_lower = 40")

    with pytest.raises(AssertionError, match="0 breaches, 2 warnings"):
        intakes.evaluation(bench, size, 4 * size.subjects, 0)


def test_a_floor_that_leaves_a_row_out_is_seen(made: Made) -> None:
    bench = made(SIZE)
    tick.swept(bench.session, Origin(now=world.SWEEPS, recorded=world.SWEEPS, door="bench"), limit=workloads.LIMIT)
    written = floors_recorded.tick(bench.ours)
    lost = next(iter(written.levels))

    with pytest.raises(KeyError):
        floors_sets.tick(bench.floor, written._replace(levels={k: v for k, v in written.levels.items() if k != lost}))
    bench.floor.execute("rollback")
    with pytest.raises(AssertionError):
        same(bench, rows(bench.ours))


def test_a_tick_that_does_not_do_the_whole_portion_is_no_measurement(made: Made) -> None:
    bench = made(SIZE)

    with pytest.raises(AssertionError, match="not 9 each"):
        workloads.sweep(bench, World(subjects=80, runs=2, portion=9), 1)


def test_an_idle_tick_leaves_its_row_and_nothing_else(made: Made) -> None:
    bench = made(SIZE)
    workloads.sweep(bench, SIZE, 1)
    before = rows(bench.ours)

    workloads.idle(bench, SIZE, 3)

    found = rows(bench.ours)
    assert {name for name in found if found[name] != before[name]} == {"tick_run"}
    assert len(found["tick_run"]) == len(before["tick_run"]) + 3
    assert all(ended is not None for *_, ended, _done, _skipped, _door in found["tick_run"])


def test_a_cycle_is_walked_to_its_end_and_its_copies_verify(made: Made) -> None:
    bench = made(World(subjects=3))

    assert proof.entries_a_second(bench.session, 200, 1) > 0

    found = rows(bench.ours)
    assert ("closed", "complete") in bench.ours.execute("select status, outcome from cycle").fetchall()
    assert len(found["journal"]) >= 200


def test_the_document_has_every_figure_that_is_promised(tmp_path: Path) -> None:
    gc.freeze()  # what earlier tests left: each timing collects first, and would walk all of it
    with click.Context(command.bench, obj=BOOTSTRAP):
        document = command.measured(tmp_path, quick=True, size=1000, launched=20, proven=100, runs=1, seen=200, looks=1,
                                    read=100, readings=400, asked=80)
    gc.unfreeze()

    for name in ("w1", "w2_100k", "w3"):
        one = document[name]
        assert {"ours", "floor", "bare", "ratio"} <= one.keys()
        assert all(one[key] > 0 for key in ("ours", "floor", "bare", "ratio")), name
    assert "w2_1m" not in document
    assert document["verify"]["entries_per_second"] > 0
    assert all(taken > 0 for taken in document["pages_ms"].values()) and document["pages_ms"]["runs"] == 1
    for name in ("import", "evaluation"):
        assert all(document[name][key] > 0 for key in ("ours", "floor", "ratio", "runs")), name
        assert document[name]["readings"] == 400
    assert document["import"]["idle_mb"] > 0
    assert document["settings"]["synchronous"] == 2
    assert document["settings"]["journal_mode"] == "wal"
    assert document["idle_tick_ms"] > 0
    asked = document["http"]
    assert (asked["requests"], asked["clients"]) == (80, 32)
    assert all(asked[key] > 0 for key in ("p50_ms", "p99_ms", "per_second", "server_ms", "floor_ms", "ratio"))
    assert all(asked["inbox"][key] > 0 for key in ("p50_ms", "p99_ms", "per_second", "server_ms"))
    assert asked["bulk"]["readings"] == 10_000 and asked["bulk"]["seconds"] > 0
    assert len(command.report(document)) == 29
    assert not list(tmp_path.glob("*-floor*"))
