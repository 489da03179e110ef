"""P12: three `qaflow run` and two shells with `qaflow tick` on one PostgreSQL do what one process does, once."""

import datetime as dt
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import processes
import pytest
from processes import environment, spawn, tell, until
from sqlalchemy import make_url

from qaflow import testing
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.definition import Deadline
from qaflow.services.sweeping import tick
from qaflow.services.work import Origin
from qaflow.store.db import db, utc

SPEED = 60
MINUTES = 10
BASE = dt.datetime(2025, 9, 5, 15, 56, tzinfo=dt.UTC)  # Friday 23:56 in Shanghai
COURSES = 150
RUNS = 3
SHELLS = 2


@pytest.fixture
def crowded(settings: Settings, pg_template: str, new_pg: Callable[[str], str]) -> Callable[[], Settings]:
    """Return the function that makes an installation with work that comes due around midnight, the same each time."""
    first = replace(settings, database_url=new_pg(pg_template))
    fill(first)
    name = make_url(first.database_url).database or ""
    return lambda: replace(settings, database_url=new_pg(name))


def fill(made: Settings) -> None:
    """Build the college and start what is due on the first day."""
    app = create_app(made)
    with app.app_context():
        late = testing.spiral(key="tiny.late", stages=(testing.stage("goal", deadline=Deadline(date="09-04")),
                                                       testing.stage("improve")))  # fmt: skip
        moving = testing.stage("goal", deadline=Deadline(date="09-05"), auto_advance=True)
        auto = testing.spiral(key="tiny.auto", stages=(moving, testing.stage("improve")))
        new = testing.track(key="new", definition="tiny.late", period=testing.Period(length="P1Y", anchor="09-06"))
        others = [testing.track(key=key, definition=f"tiny.{key}") for key in ("late", "auto")]
        world = testing.World(db.session, late, auto, tracks=(*others, new))
        world.courses([f"S{n}" for n in range(COURSES - 2)], "section", "lead")
        world.tick(testing.MONDAY)
        assert world.query("select count(*) from cycle") == [(2 * COURSES,)]
        db.session.remove()
        db.engine.dispose()


class Figures:
    """What the ticks left in a database."""

    def __init__(self, made: Settings) -> None:
        """Read it."""
        app = create_app(made)
        with app.app_context():
            self.effects = self._effects()
            first, last = utc(BASE), utc(BASE + dt.timedelta(minutes=MINUTES))
            text = f"select door from tick_run where door = 'tick' or started_at between '{first}' and '{last}'"
            self.sweeps = Counter(row[0] for row in self._ask(text))
            db.session.remove()
            db.engine.dispose()

    def _ask(self, text: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in db.session.execute(db.text(text))]

    def _effects(self) -> dict[str, list[Any]]:
        """Return all facts and rows, each cycle by subject and track instead of its number."""
        names = {f"cycle:{i}": f"{code}/{track}" for i, code, track in self._ask(
            "select c.id, s.code, c.track from cycle c join subject s on s.id = c.subject_id")}  # fmt: skip
        facts = self._ask("select stream, seq, kind, data from journal")
        found = {"facts": [(names.get(of, of), seq, kind, json.loads(data)) for of, seq, kind, data in facts]}
        for table, columns in (
            ("cycle", "stage, leaf, status, version, revision, due, next_due, item_no"),
            ("work_item", "no, kind, stage, holder_id, due, deadline_no, level, next_level_at, state"),
            ("escalation", "deadline_no, level, due_at, role, to_id, act, outcome"),
        ):
            key = "id" if table == "cycle" else "cycle_id"
            rows = self._ask(f"select {key}, {columns} from {table}")
            found[table] = [(names[f"cycle:{row[0]}"], *row[1:]) for row in rows]
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
    script = [str(BASE.isoformat()), str(time.time() + 6), str(SPEED), leased]  # by then all have started
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
    one = " ".join([sys.executable, processes.__file__, "fast", *script, "tick", "--json"])
    return f"{one} && {one}"


def test_many_tickers_do_what_one_does(crowded: Callable[[], Settings]) -> None:
    one, many = alone(crowded()), crowd(crowded(), "yes")
    tell(f"sweeps: {many.sweeps}")

    for name, rows in one.effects.items():
        differ = [pair for pair in zip(many.effects[name], rows, strict=False) if pair[0] != pair[1]]
        assert many.effects[name] == rows, (name, len(many.effects[name]), len(rows), differ[:1])
    kinds = Counter(kind for _, _, kind, _ in one.effects["facts"])
    assert kinds["StageAdvanced"] == COURSES and kinds["WorkEscalated"] >= COURSES  # the floor of work
    assert kinds["CycleStarted"] == 3 * COURSES
    assert many.sweeps["tick"] == 2 * SHELLS
    assert MINUTES / 2 <= many.sweeps["scheduler"] <= MINUTES * 2  # one of three wakes it, once a minute

    unled = crowd(crowded(), "no")  # the planted defect: no lease in the database

    tell(f"sweeps without a lease: {unled.sweeps}")
    assert unled.sweeps["scheduler"] > MINUTES * 2  # what is asserted above would fail
    assert unled.effects["escalation"] == one.effects["escalation"]  # the lease only says who wakes
