"""The bench's imports: `qaflow import readings` as a process of its own, whose time and memory are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from qaflow.cli import output
from qaflow.cli.frame import ports
from qaflow.config import Settings
from qaflow.errors import Unavailable
from qaflow.services.bench import intakes
from qaflow.services.bench.intakes import Command, Importing
from qaflow.services.bench.workloads import Bench
from qaflow.services.bench.world import World

MEASURED = (  # by a small process between: one that is born of a large one begins with the large one's peak
    "import json, resource, subprocess, sys, time; start = time.perf_counter(); "
    "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); spent = time.perf_counter() - start; "
    "print(json.dumps([done.returncode, spent, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"
)
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
        words = [sys.executable, "-m", "qaflow", "import", "readings", str(file)]
        between = [sys.executable, "-c", MEASURED, *words]
        done = subprocess.run(between, env=env, stdout=subprocess.PIPE, check=True)  # noqa: S603 - this program itself
        code, seconds, kilobytes = json.loads(done.stdout)
        if code:
            raise Unavailable("bench.import_failed", f"the import ended with {code}")
        return Command(seconds, kilobytes / KILOBYTES)

    return imported
