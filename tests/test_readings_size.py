"""The size that a college hands in: 100,000 readings from a workbook, and against limits, in time and memory."""

import datetime as dt
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import environment
from xlsxwriter import Workbook

from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.services.points import monitoring
from qaflow.store.db import db
from qaflow.testing import MONDAY, World

READINGS, SUBJECTS, POINTS = 100_000, 5_000, 5
EVERYDAY = 4_000
TO_IMPORT, TO_JUDGE, MEMORY = 20, 10, 200  # seconds of a processor, megabytes above the same command with one row
MEASURED = "import resource, subprocess, sys, json; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); " \
           "u = resource.getrusage(resource.RUSAGE_CHILDREN); " \
           "print(json.dumps([done.returncode, u.ru_utime + u.ru_stime, u.ru_maxrss // 1024]))"  # fmt: skip


def college(settings: Settings, subjects: int) -> None:
    """Build a college of so many courses, each with its cycle, and leave no connection open."""
    with create_app(settings).app_context():
        world = World(db.session)
        world.courses([f"S{n}" for n in range(subjects)], "section", "lead")
        world.tick()
        for n in range(POINTS):
            world.point(f"p{n}")
        db.session.remove()
        db.engine.dispose()


def rows(count: int, subjects: int, source: str) -> list[tuple[str, str, dt.datetime, float, str]]:
    """Return readings of which one in a hundred subjects is beyond its limit at one point."""
    found = []
    for n in range(count):
        subject, at = n // POINTS % subjects, MONDAY - dt.timedelta(days=n // (POINTS * subjects))
        value = 44.0 if n % POINTS == 0 and subject % 100 == 0 else 50 + n % 7 / 7
        found.append((f"p{n % POINTS}", f"S{subject}", at, value, source))
    return found


def workbook(found: list[tuple[str, str, dt.datetime, float, str]]) -> bytes:
    """Return readings as a workbook."""
    out = io.BytesIO()
    book = Workbook(out, {"constant_memory": True})
    sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_row(0, 0, ("point", "subject", "at", "value", "source"))
    for y, (point, subject, at, value, source) in enumerate(found, 1):
        sheet.write_row(y, 0, (point, subject))
        sheet.write_datetime(y, 2, at.replace(tzinfo=None), day)
        sheet.write_row(y, 3, (value, source))
    book.close()
    return out.getvalue()


def judged(settings: Settings, count: int, subjects: int) -> None:
    """Assert that readings are stored and held against their limits in time, and open the warnings they should."""
    college(settings, subjects)
    with create_app(settings).app_context():
        world = World.__new__(World)
        world.session, world.now, world.rules = db.session, MONDAY, None  # type: ignore[assignment]
        given = [monitoring.NewReading(p, "course", s, at, v, src) for p, s, at, v, src in rows(count, subjects, "a")]
        from qaflow.services.work import Origin

        origin = Origin(now=MONDAY, recorded=MONDAY, door="test")
        start = time.process_time()
        report = monitoring.accept(db.session, origin, 1, given)
        spent = time.process_time() - start
        db.session.remove()
        db.engine.dispose()
    sys.stdout.write(f"{count} readings against limits: {spent:.1f} s of a processor, {report}\n")
    assert (report["accepted"], report["opened"]) == (count, subjects // 100)
    assert spent < TO_JUDGE * max(count / READINGS, 0.2)


def test_readings_are_held_against_limits_in_time(store_settings: Settings) -> None:
    judged(store_settings, EVERYDAY, 400)


@pytest.mark.long
def test_a_hundred_thousand_readings_are_held_against_limits_in_ten_seconds(store_settings: Settings) -> None:
    judged(store_settings, READINGS, SUBJECTS)


@pytest.mark.long
def test_a_hundred_thousand_readings_from_a_workbook_come_in_in_twenty_seconds(
    settings: Settings, tmp_path: Path
) -> None:
    college(settings, SUBJECTS)
    figures = {}
    for name, count in (("one", 1), ("all", READINGS)):
        file = tmp_path / f"{name}.xlsx"
        file.write_bytes(workbook(rows(count, SUBJECTS, name)))
        command = [sys.executable, "-m", "qaflow", "import", "readings", str(file)]
        env = environment(settings) | {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", MEASURED, *command], env=env, capture_output=True, check=True)
        figures[name] = json.loads(done.stdout)
    (code, spent, most), (_, _, idle) = figures["all"], figures["one"]

    sys.stdout.write(f"{READINGS} readings from xlsx: {spent:.1f} s of a processor, {most - idle} MB above {idle}\n")
    assert code == 0
    assert spent < TO_IMPORT and most - idle < MEMORY
