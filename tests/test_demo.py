"""The demo: the same seed gives the same year, and its summary is counted from what really happened (issue, part 7)."""

import datetime as dt
import json
import logging
import os
import random
import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import SECRET
from flask import Flask

from qaflow import testing
from qaflow.app import BOOTSTRAP, create_app
from qaflow.cli.frame import Bootstrap
from qaflow.cli.main import program
from qaflow.config import Settings
from qaflow.engine.decide import Refusal, stages
from qaflow.engine.decide.common import Context
from qaflow.engine.snapshot import Snapshot
from qaflow.services.definitions import packaged
from qaflow.services.simulation import gauges
from qaflow.services.simulation.forms import VARIANTS, Library
from qaflow.store import figures
from qaflow.store.db import db
from qaflow.store.readings import Point

COLLEGE, DAYS = "jiangsu-engineering", "45"
SHORT = ("demo", "--college", COLLEGE, "--days", DAYS, "--no-serve", "--json")
TOP = {"seed", "start", "end", "seconds", "peak_rss_mb", "fsync_ms", "settings", "colleges", "audit", "doctor"}
PER_COLLEGE = {
    "subjects", "cycles_started", "cycles_closed", "cycles_seeded", "transitions", "returns", "work_items", "readings",
    "warnings_opened", "warnings_closed", "corrections", "escalations", "tasks", "goals", "standards", "items",
    "elements", "points", "control_points",
}  # fmt: skip
HASH = re.compile(r"[0-9a-f]{64}")


def run(home: Path, *args: str, boot: Bootstrap = BOOTSTRAP) -> Result:
    """Run the command line on a home."""
    env = {"QAFLOW_HOME": str(home), "QAFLOW_SECRET_KEY": SECRET}
    before = logging.root.handlers[:]
    try:
        return CliRunner().invoke(program, args, env=env, obj=boot, catch_exceptions=False)
    finally:  # a demo that is made once for many tests outlives the logs of the first
        for own in set(logging.root.handlers) - set(before):
            own.close()
        logging.root.handlers[:] = before


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return a home with a short demo of one college, and what it printed."""
    home = tmp_path_factory.mktemp("demo")
    found = run(home, *SHORT)
    assert found.exit_code == 0, found.output
    return home, json.loads(found.stdout)


def rows(home: Path, sql: str) -> list[Any]:
    """Ask the demo's database."""
    with sqlite3.connect(home / "qaflow.db") as connection:
        found = connection.execute(sql).fetchall()
    connection.close()
    return found


def test_the_summary_has_every_key_and_the_year_was_lived(made: tuple[Path, dict[str, Any]]) -> None:
    _, document = made
    counted = document["colleges"][COLLEGE]
    assert document.keys() >= TOP
    assert counted.keys() == PER_COLLEGE
    assert counted["corrections"].keys() == {"implementation", "design", "standard", "goal"}
    assert {"1", "2"} <= counted["escalations"].keys()
    assert counted["subjects"] == 450
    assert min(counted[k] for k in ("cycles_started", "transitions", "returns", "work_items", "readings")) > 0
    assert min(counted["escalations"]["1"], counted["warnings_opened"], counted["control_points"]) > 0
    assert (counted["items"], counted["elements"], counted["points"]) == (0, 0, 0)
    assert document["audit"]["verified"]
    assert document["doctor"] == {"ok": True, "findings": []}
    assert document["settings"]["synchronous"] == 2
    assert (document["start"], document["end"]) == ("2025-09-01", "2025-10-15")


def test_tasks_are_given_owners_and_days_reported_and_finished(made: tuple[Path, dict[str, Any]]) -> None:
    home, _ = made
    counted = dict(rows(home, "select kind, count(*) from journal where kind like 'Task%' group by 1"))
    (total,) = rows(home, "select count(*) from plan_task")[0]
    done = rows(home, "select done_at from plan_task where state = 'done'")

    assert total == 36 + 2 and counted["TaskChanged"] == 36 and counted["TaskAdded"] == 2  # an order, and the school's
    assert counted["TaskReported"] > 0 and counted["TaskFinished"] == len(done) > 0
    assert rows(home, "select count(*) from plan_task where owner_id is null or due is null or due < '2025-09-01'") == [
        (0,)
    ]


def test_one_account_of_each_role_may_sign_in(made: tuple[Path, dict[str, Any]]) -> None:
    home, document = made
    told = {(one["role"], one["login"]) for one in document["accounts"]}
    held = {role for (role,) in rows(home, "select distinct role from role_grant")}
    may = {login for (login,) in rows(home, "select login from person where password_hash is not null")}
    assert {role for role, _ in told} == held | {"student"}
    assert {login for _, login in told} == may and len(document["password"]) >= 10


def test_the_summary_is_what_the_journal_says(made: tuple[Path, dict[str, Any]]) -> None:
    home, document = made
    counted = document["colleges"][COLLEGE]
    facts = [
        (kind, json.loads(data))
        for kind, data in rows(home, "select kind, data from journal where stream like 'cycle:%'")
    ]
    kinds = [kind for kind, _ in facts]
    assert counted["cycles_started"] == kinds.count("CycleStarted")
    assert counted["returns"] == kinds.count("StageRejected") + kinds.count("StageReturned")
    orphans = rows(home, "select count(*) from journal where stream like 'college:%' and kind = 'WarningOpened'")[0][0]
    assert counted["warnings_opened"] == kinds.count("WarningOpened") + orphans
    for scope, count in counted["corrections"].items():
        assert count == sum(k == "CorrectionStarted" and d["set"]["scope"] == scope for k, d in facts)
    for level, count in counted["escalations"].items():
        assert count == sum(k == "WorkEscalated" and d["level"] == int(level) for k, d in facts)
    assert document["audit"]["entries"] == rows(home, "select count(*) from journal")[0][0]


def test_a_second_run_repeats_the_figures_and_another_seed_makes_another_year(tmp_path: Path) -> None:
    tiny = ("demo", "--college", "shangluo", "--days", "3", "--no-serve", "--json")
    first, again = (json.loads(run(tmp_path, *tiny).stdout) for _ in range(2))
    assert (first["reused"], again["reused"]) == (False, True)
    assert again["colleges"] == first["colleges"]
    other = json.loads(run(tmp_path, *tiny, "--seed", "2").stdout)
    assert (other["reused"], other["seed"]) == (False, 2)
    assert rows(tmp_path, "select count(*) from college") == [(1,)]


def test_a_home_that_is_no_sandbox_is_refused_and_left_alone(tmp_path: Path) -> None:
    assert run(tmp_path, "init").exit_code == 0
    before = rows(tmp_path, "select * from installation")
    refused = run(tmp_path, *SHORT)
    assert refused.exit_code == 4
    assert json.loads(refused.stdout)["code"] == "demo.not_sandbox"
    assert rows(tmp_path, "select * from installation") == before


def test_with_rules_that_refuse_everything_the_demo_counts_zeros_and_fails(tmp_path: Path) -> None:
    def refusing(settings: Settings) -> Flask:
        app = create_app(settings)
        app.extensions["qaflow"] = replace(
            app.extensions["qaflow"], decide=lambda *_: Refusal(code="test.no", detail="no")
        )
        return app

    found = run(tmp_path, "demo", "--college", "shangluo", "--days", "2", "--no-serve", "--json",
                boot=replace(BOOTSTRAP, create_app=refusing))  # fmt: skip
    counted = json.loads(found.stdout)["colleges"]["shangluo"]
    assert found.exit_code != 0
    assert counted["subjects"] > 0
    for name in (
        "cycles_started",
        "transitions",
        "work_items",
        "returns",
        "warnings_opened",
        "cycles_closed",
        "cycles_seeded",
    ):
        assert counted[name] == 0, name


def facts_of(home: Path) -> list[tuple[Any, ...]]:
    """Return the facts without what the machine's clock and salts give."""
    found = rows(
        home, "select stream, seq, kind, at, actor, on_behalf_of, door, data from journal order by stream, seq"
    )
    return [(*row[:-1], HASH.sub("#", row[-1])) for row in found]


def test_the_same_seed_gives_the_same_facts_in_another_process(tmp_path: Path) -> None:
    for n in ("1", "2"):
        env = {**os.environ, "QAFLOW_HOME": str(tmp_path / n), "QAFLOW_SECRET_KEY": SECRET, "PYTHONHASHSEED": n}
        command = [
            sys.executable,
            "-m",
            "qaflow",
            "demo",
            "--college",
            "shangluo",
            "--days",
            "30",
            "--seed",
            "7",
            "--no-serve",
            "--json",
        ]
        subprocess.run(command, env=env, check=True, capture_output=True)
    one, two = facts_of(tmp_path / "1"), facts_of(tmp_path / "2")
    assert len(one) > 2000
    assert one == two


def test_what_people_write_meets_every_form_of_the_packaged_definitions() -> None:
    library = Library(1, dt.date(2025, 9, 1))
    checked = 0
    for definition in packaged.definitions():
        for stage in definition.stages:
            for variant in range(VARIANTS):
                values = library.stage(definition, stage.key, variant)
                ctx = Context(moment=None, now="", today=None, calendar=None, values=values, evidence=stage.evidence)  # type: ignore[arg-type]
                assert stages.gate_missing(stage, Snapshot(0), ctx) == [], (definition.key, stage.key, values)
                checked += 1
    assert checked > 5000


def test_verdicts_answer_the_goals_of_the_same_cycle() -> None:
    library = Library(1, dt.date(2025, 9, 1))
    definition = next(d for d in packaged.definitions() if d.key == "wuhan-software.course-teaching")
    for cycle in (3, 40, 77):
        goals = [g["text"] for g in library.stage(definition, "goal", cycle)["goals"]]
        assert [v["goal"] for v in library.stage(definition, "diagnose", cycle)["verdicts"]] == goals


@pytest.mark.parametrize(
    ("direction", "lower", "upper"), [("higher", 80.0, None), ("lower", None, 110.0), ("band", 80.0, 120.0)]
)
def test_readings_wander_around_the_target_and_sometimes_cross_the_limit(
    direction: str, lower: float | None, upper: float | None
) -> None:
    point = Point(1, "p", "course", "monthly", direction, 100.0, lower, upper, "{}")
    rng = random.Random(1)
    values = [gauges.value_of(point, rng.gauss(0, gauges.SPREAD)) for _ in range(5000)]
    crossed = sum((lower is not None and v < lower) or (upper is not None and v > upper) for v in values)
    assert 10 < crossed < 600


def test_the_simulator_acts_through_services_and_holds_no_sql() -> None:
    folder = Path(gauges.__file__).parent
    acting = [file for file in folder.glob("*.py") if file.name != "making.py"]  # which counts afterwards
    assert len(acting) >= 8
    for file in acting:
        lines = re.compile(r"^from (qaflow\.store\S*|sqlalchemy\S*|sqlite3) import (.+)$", re.MULTILINE)
        imported = lines.findall(file.read_text())
        assert [names for _, names in imported if names != "Driver"] == [], file.name


def test_figures_are_counted_alike_on_both_databases(store_app: Flask) -> None:
    world = testing.World(db.session)
    cycle = world.start()
    world.pass_stage(cycle)
    world.fire(cycle, "submit", "lead", content={"note": "done"})
    world.fire(cycle, "reject", "major", reason="again")
    counted = world.within(figures.colleges)["tiny"]
    assert counted.keys() == PER_COLLEGE
    assert (counted["cycles_started"], counted["transitions"], counted["returns"]) == (1, 5, 1)
    assert (counted["subjects"], counted["work_items"], counted["goals"]) == (2, 5, 0)
