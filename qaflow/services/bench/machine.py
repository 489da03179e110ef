"""What the figures were measured on: the settings as the database gives them back, the disk, the interpreter."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from qaflow.store import db

from .workloads import Bench

WRITES = 100
PAGE = b"x" * 4096


def described(folder: Path) -> dict[str, Any]:
    """Return the cores, the interpreter, and how long the disk takes to make a page durable."""
    return {"python": platform.python_version(), "cores": os.cpu_count(), "fsync_ms": round(fsync(folder) * 1000, 3)}


def fsync(folder: Path) -> float:
    """Return the seconds (the median) that one page takes to reach the disk."""
    times = []
    file = folder / "fsync"
    with file.open("wb", buffering=0) as handle:
        for _ in range(WRITES):
            handle.write(PAGE)
            start = perf_counter()
            os.fsync(handle.fileno())
            times.append(perf_counter() - start)
    file.unlink()
    return median(times)


def read_back(bench: Bench) -> dict[str, Any]:
    """Return the settings that hold on the product's connection; the floor's must be the same."""
    found = db.settings(bench.session)
    bench.session.rollback()
    for name, value in found.items():
        theirs = bench.floor.execute(f"PRAGMA {name}").fetchone()[0]
        if theirs != value:
            raise AssertionError(f"{name} is {value} here and {theirs} at the floor")
    return found
