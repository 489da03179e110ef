"""`qaflow bench`: what this machine does, beside its floors, in databases of its own that are removed afterwards."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import click

from qaflow import config
from qaflow.cli import bench_http, bench_intake, output
from qaflow.cli.frame import Command, bootstrap
from qaflow.config import Settings
from qaflow.errors import Unavailable
from qaflow.paths import make_private
from qaflow.services.bench import intakes, machine, pages, proof, workloads, world
from qaflow.services.bench.workloads import Bench
from qaflow.services.bench.world import World
from qaflow.services.work import AnySession
from qaflow.store.bench import floors, floors_bare
from qaflow.store.db import db, upgrade

HUNDRED_THOUSAND, MILLION = 100_000, 1_000_000
LAUNCHED = 30_000
PROVEN = 60_000
AUDITED = 1_000  # subjects of the world whose journal is proven
IDLE_TICKS = 50
LOOKS = 10  # at each page
ASKED = 20_000  # cycles behind the door of HTTP
TARGETS = {"w1": 2.0, "w2_100k": 1.5, "w2_1m": 1.5, "w3": 1.6}
ENTRIES_A_SECOND = 100_000
IDLE_MS = 1.0
PAGE_MS = 300.0
NO_PAGES = ("floor", "runs")
QUICK_READINGS = 10_000
INTAKES = {"import": 20.0, "evaluation": 10.0}  # seconds for `intakes.READINGS`
MEMORY_MB = 200
P99_MS, HTTP_RATIO, BULK_SECONDS = 100.0, 5.0, 2.0


@click.command(cls=Command)
@click.option("--quick", is_flag=True, help="Leave the 1,000,000 cycles out: under a minute.")
def bench(quick: bool, as_json: bool) -> None:
    """Measure this machine beside its floors: people's acts, a tick, a launch, readings, pages, the journal."""
    home = make_private(config.home())
    try:
        place = tempfile.TemporaryDirectory(prefix="bench-", dir=home)
    except OSError as error:
        raise Unavailable("config.home", f"cannot write into {home}: {error.strerror}", path=str(home)) from error
    with place as folder:
        document = measured(Path(folder), quick, runs=3 if quick else 5)
    output.emit(document, as_json, lines=report(document))


def measured(folder: Path, quick: bool, size: int = HUNDRED_THOUSAND, launched: int = LAUNCHED, proven: int = PROVEN,
             runs: int = 5, seen: int = pages.SUBJECTS, looks: int = LOOKS,
             read: int = intakes.SUBJECTS, readings: int | None = None,
             asked: int = ASKED) -> dict[str, Any]:  # fmt: skip
    """Do every workload and return the document; the sizes are smaller in tests."""
    document: dict[str, Any] = {"machine": machine.described(folder)}
    cycles = World(subjects=size, runs=runs + 1, portion=min(world.PORTION, size // 100))
    with stage(folder, "cycles", cycles, f"{size:,} cycles", world.fill) as made:
        document["settings"] = machine.read_back(made)
        _tell("W1: people's acts")
        document["w1"] = workloads.human(made, cycles, runs).plain()
        _tell("W2: one tick")
        document["w2_100k"] = workloads.sweep(made, cycles, runs).plain()
        document["idle_tick_ms"] = round(workloads.idle(made, cycles, IDLE_TICKS) * 1000, 3)
    if not quick:
        many = World(subjects=MILLION, runs=runs + 1)
        with stage(folder, "million", many, f"{MILLION:,} cycles", world.fill) as made:
            document["w2_1m"] = workloads.sweep(made, many, runs).plain()
            document["idle_tick_ms_1m"] = round(workloads.idle(made, many, IDLE_TICKS) * 1000, 3)
    tracks = World(subjects=launched, tracks=min(runs, 2) + 1)
    with stage(folder, "launch", tracks, f"W3: {launched:,} starts") as made:
        document["w3"] = workloads.starts(made, tracks).plain()
    many = World(subjects=seen, portion=min(world.PORTION, seen // 10))
    with stage(folder, "pages", many, f"pages over {seen:,} subjects", pages.fill) as made:
        document["pages_ms"] = pages.milliseconds(made, looks)
    many = World(subjects=read)
    with stage(folder, "intake", many, f"{read:,} subjects with control points", intakes.fill) as made:
        sent = readings or (QUICK_READINGS if quick else intakes.READINGS)
        document |= bench_intake.measured(made, many, sent, min(runs, 3))
    many = World(subjects=asked)
    with stage(folder, "http", many, f"{asked:,} cycles behind the door", intakes.fill) as made:
        document["http"] = bench_http.measured(made, many, min(asked, bench_http.APPROVED), _act(document["w1"], size))
    _tell("audit verify")
    with session(folder, "audit") as own:
        world.build(own, World(subjects=AUDITED))
        world.launch(own, world.BEGINS)
        document["verify"] = {"entries_per_second": round(proof.entries_a_second(own, proven, 3))}
    document["noisy"] = any(one["noisy"] for one in document.values() if isinstance(one, dict) and "noisy" in one)
    return document


def _act(w1: dict[str, Any], size: int) -> float:
    """Return the seconds of one act of the floor of W1."""
    return float(w1["floor"]) / (2 * (min(world.PORTION, size // 100) // 2))


def _tell(text: str) -> None:
    output.note(f"bench: {text}")


@contextmanager
def session(folder: Path, name: str) -> Iterator[AnySession]:
    """Make a database of its own with this program's tables and hand out its session."""
    own = Settings(home=folder, database_url=f"sqlite:///{folder}/{name}.db")
    app = bootstrap().create_app(own)
    with app.app_context():
        upgrade(app)
        try:
            yield db.session
        finally:
            db.session.remove()
            db.engine.dispose()


@contextmanager
def stage(folder: Path, name: str, size: World, told: str,
          fill: Callable[[AnySession, World], None] | None = None) -> Iterator[Bench]:  # fmt: skip
    """Make a world, copy it for the floor, and give the bare floor as many cycles; all are removed afterwards."""
    _tell(told)
    with ExitStack() as stack:
        own = stack.enter_context(session(folder, name))
        world.build(own, size)
        if fill is not None:
            fill(own, size)
        shutil.copy(folder / f"{name}.db", folder / f"{name}-floor.db")
        files = [folder / f"{name}{kind}.db" for kind in ("", "-floor", "-bare")]
        ours, floor, bare = (stack.enter_context(closing(floors.connect(file))) for file in files)
        floors_bare.prepare(bare, size.subjects if fill is not None else 0)
        yield Bench(own, ours, floor, bare)
    _remove(folder, name)


def _remove(folder: Path, name: str) -> None:
    for file in folder.glob(f"{name}*.db*"):
        file.unlink()


def _taken(name: str, one: dict[str, Any], seconds: float) -> str:
    """Return the line of a delivery; its target is that of the full size, in seconds."""
    return (f"{name:10} {one['ours']:7.2f} s, floor {one['floor']:.2f} s, {one['ratio']:.1f} times, for "
            f"{one['readings']:,} readings (target {seconds:.0f} s for {intakes.READINGS:,})")  # fmt: skip


def _asked(one: dict[str, Any]) -> list[str]:
    """Return the lines of what programs saw over HTTP."""
    inbox, bulk = one["inbox"], one["bulk"]
    return [
        f"approve over HTTP, {one['clients']} programs: p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms (target "
        f"{P99_MS:.0f}), {one['per_second']} a second",
        f"  in the server {one['server_ms']} ms, {one['ratio']} times the floor of W1 (target {HTTP_RATIO})",
        f"inbox over HTTP, {one['clients']} programs: p50 {inbox['p50_ms']} ms, p99 {inbox['p99_ms']} ms, "
        f"{inbox['per_second']} a second; in the server {inbox['server_ms']} ms",
        f"{bulk['readings']:,} readings in one request: {bulk['seconds']} s (target {BULK_SECONDS:.0f})",
        *(f"  without HTTP, 2026-11-20: {name} {rate:,} a second" for name, rate in one["peers_per_second"].items()),
    ]


def report(document: dict[str, Any]) -> list[str]:
    """Return the lines that people read."""
    lines = [f"sqlite {sqlite3.sqlite_version}: " + ", ".join(f"{k}={v}" for k, v in document["settings"].items()),
             ", ".join(f"{k}={v}" for k, v in document["machine"].items()),
             f"{'':8} {'ours s':>9} {'floor s':>9} {'bare s':>9} {'ratio':>6}  target"]  # fmt: skip
    for name, target in TARGETS.items():
        one = document.get(name)
        if one is not None:
            noisy = "  noisy run" if one["noisy"] else ""
            lines.append(f"{name:8} {one['ours']:9.4f} {one['floor']:9.4f} {one['bare']:9.4f} {one['ratio']:6.2f}  "
                         f"{target:.1f}{noisy}")  # fmt: skip
    lines += [_taken(name, document[name], seconds) for name, seconds in INTAKES.items()]
    lines.append(f"import's memory      {document['import']['memory_mb']:7.1f} MB above idle (target {MEMORY_MB})")
    rate = document["verify"]["entries_per_second"]
    lines.append(f"verify   {rate:,} entries/s (target {ENTRIES_A_SECOND:,})")
    looked = document["pages_ms"]
    lines += [f"{name:20} {looked[name]:7.1f} ms (target {PAGE_MS:.0f})" for name in looked if name not in NO_PAGES]
    lines.append(f"overview's floor     {looked['floor']:7.1f} ms")
    lines += _asked(document["http"])
    lines.append(f"idle     {document['idle_tick_ms']} ms a tick (target {IDLE_MS})")
    return lines
