"""P12: three `qaflow run` and two shells with `qaflow tick` on one PostgreSQL do what one process does, once."""

import datetime as dt
import json
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from processes import environment, spawn, until

from qaflow import testing
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.definition import Deadline
from qaflow.services import tick
from qaflow.services.work import Origin
from qaflow.store.db import db

SPEED = 60
MINUTES = 10
BASE = dt.datetime(2025, 9, 5, 15, 56, tzinfo=dt.UTC)  # Friday 23:56 in Shanghai
COURSES = 150
RUNS = 3
SHELLS = 2


@pytest.fixture
def crowded(settings: Settings, pg_template: str, new_pg: Callable[[str], str]) -> Callable[[], Settings]:
    """Return the function that makes an installation with work that comes due around midnight, alike each time."""
    return lambda: _filled(replace(settings, database_url=new_pg(pg_template)))


def _filled(made: Settings) -> Settings:
    app = create_app(made)
    with app.app_context():
        late = testing.spiral(key="tiny.late", stages=(testing.stage("goal", deadline=Deadline(date="09-04")),
                                                       testing.stage("improve")))  # fmt: skip
        auto = testing.spiral(key="tiny.auto", stages=(
            testing.stage("goal", deadline=Deadline(date="09-05"), auto_advance=True), testing.stage("improve")))  # fmt: skip
        new = testing.track(key="new", definition="tiny.late", period=testing.Period(length="P1Y", anchor="09-06"))
        world = testing.World(db.session, late, auto, tracks=(
            testing.track(key="late", definition="tiny.late"), testing.track(key="auto", definition="tiny.auto"), new))  # fmt: skip
        world.courses([f"S{n}" for n in range(COURSES - 2)], "section", "lead")
        world.tick(testing.MONDAY)
        assert world.query("select count(*) from cycle") == [(2 * COURSES,)]
        db.session.remove()
        db.engine.dispose()
    return made


class Figures:
    """What the ticks left in a database."""

    def __init__(self, made: Settings) -> None:
        """Read it."""
        app = create_app(made)
        with app.app_context():
            self.effects = self._effects()
            self.sweeps = Counter(row[0] for row in self._ask("select door from tick_run where started_at > '2025-09-05'"))
            self.mails = len(list((made.home / "mail").glob("*"))) if (made.home / "mail").exists() else 0
            db.session.remove()
            db.engine.dispose()

    def _ask(self, text: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in db.session.execute(db.text(text))]

    def _effects(self) -> dict[str, list[Any]]:
        """Return all facts and rows, each cycle by subject and track instead of its number."""
        names = {f"cycle:{i}": f"{code}/{track}" for i, code, track in self._ask(
            "select c.id, s.code, c.track from cycle c join subject s on s.id = c.subject_id")}  # fmt: skip
        found = {"facts": [(names.get(stream, stream), seq, kind, json.loads(data)) for stream, seq, kind, data in self._ask(
            "select stream, seq, kind, data from journal order by stream, seq")]}  # fmt: skip
        for table, columns in (
            ("cycle", "stage, leaf, status, version, revision, due, next_due, item_no"),
            ("work_item", "no, kind, stage, holder_id, due, deadline_no, level, next_level_at, state"),
            ("escalation", "deadline_no, level, due_at, role, to_id, act, outcome"),
        ):
            key = "id" if table == "cycle" else "cycle_id"
            found[table] = [(names[f"cycle:{row[0]}"], *row[1:]) for row in self._ask(f"select {key}, {columns} from {table}")]
        return {name: sorted(rows, key=repr) for name, rows in found.items()}


def alone(made: Settings) -> Figures:
    """Let one process tick once a simulated minute."""
    app = create_app(made)
    with app.app_context():
        for minute in range(MINUTES + 1):
            at = BASE + dt.timedelta(minutes=minute)
            tick.swept(db.session, Origin(now=at, recorded=at, door="scheduler"), limit=dt.timedelta(days=400))
        db.session.remove()
        db.engine.dispose()
    return Figures(made)


def crowd(made: Settings, leased: str) -> Figures:
    """Let three servers and two shells tick at sixty times the speed, and stop them in order."""
    script = [str(BASE.isoformat()), str(time.time() + 8), str(SPEED), leased]  # the base is reached when all have started
    with ExitStack() as stack:
        running = []
        for _ in range(RUNS):
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = str(probe.getsockname()[1])
            process = spawn(made, "fast", *script, "run", "--port", port, QAFLOW_TICK_SECONDS="1")
            stack.callback(process.communicate)
            stack.callback(process.kill)
            running.append(process)
        began = float(script[1])
        until(lambda: time.time() > began)
        shells = [subprocess.Popen(["sh", "-c", _shell(made, script)], env=environment(made), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE) for _ in range(SHELLS)]  # fmt: skip
        until(lambda: time.time() > began + MINUTES * 60 / SPEED)
        for shell in shells:
            out, err = shell.communicate(timeout=60)
            assert shell.returncode == 0, err
            assert out.count(b'"done"') == 2
        for process in running:
            process.terminate()
        codes = [process.wait(30) for process in running]
    assert codes == [0] * RUNS
    return Figures(made)


def _shell(made: Settings, script: list[str]) -> str:
    import sys

    import processes

    one = " ".join([sys.executable, processes.__file__, "fast", *script, "tick", "--json"])
    return f"{one} && {one}"


def test_many_tickers_do_what_one_does(crowded: Callable[[], Settings]) -> None:
    one, many = alone(crowded()), crowd(crowded(), "yes")
    print(f"sweeps: {many.sweeps}")

    for name, rows in one.effects.items():
        assert many.effects[name] == rows, name
    kinds = Counter(kind for _, _, kind, _ in one.effects["facts"])
    assert kinds["StageAdvanced"] == COURSES and kinds["WorkEscalated"] >= COURSES  # the floor of work
    assert kinds["CycleStarted"] == 3 * COURSES
    assert many.sweeps["tick"] == 2 * SHELLS
    assert MINUTES / 2 <= many.sweeps["scheduler"] <= MINUTES * 2  # one of three wakes it, once a minute

    unled = crowd(crowded(), "no")  # the planted defect: no lease in the database

    print(f"sweeps without a lease: {unled.sweeps}")
    assert unled.sweeps["scheduler"] > MINUTES * 2  # what is asserted above would fail
    assert unled.effects["escalation"] == one.effects["escalation"]  # the lease only says who wakes
