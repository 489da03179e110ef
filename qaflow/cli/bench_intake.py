"""The bench's imports: `qaflow import readings` as a process of its own, whose time and memory are its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from qaflow.cli import output
from qaflow.cli.frame import ports
from qaflow.config import Settings
from qaflow.errors import Unavailable
from qaflow.services.bench import intakes
from qaflow.services.bench.intakes import Command, Importing
from qaflow.services.bench.workloads import Bench
from qaflow.services.bench.world import World

KILOBYTES = 1024  # of a megabyte; the system tells a process's peak in kilobytes


def measured(bench: Bench, size: World, readings: int, runs: int) -> dict[str, Any]:
    """Return the figures of evaluation and import, by name."""
    settings, books = ports().settings, ports().workbooks
    assert books is not None
    output.note(f"bench: {readings:,} readings against limits")
    evaluated = intakes.evaluation(bench, size, readings, runs)
    output.note(f"bench: {readings:,} readings from a workbook")
    imported = intakes.importing(bench, size, readings, runs, settings.home, books, by_command(settings))
    return {"evaluation": evaluated, "import": imported}


def by_command(settings: Settings) -> Importing:
    """Return what imports a workbook of readings as a user at the command line does."""
    env = os.environ | {"QAFLOW_HOME": str(settings.home), "QAFLOW_DATABASE_URL": settings.database_url}

    def imported(file: Path) -> Command:
        start = perf_counter()
        words = [sys.executable, "-m", "qaflow", "import", "readings", str(file)]
        child = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)  # noqa: S603 - this program itself
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise Unavailable("bench.import_failed", f"the import ended with {child.returncode}")
        return Command(perf_counter() - start, used.ru_maxrss / KILOBYTES)

    return imported
