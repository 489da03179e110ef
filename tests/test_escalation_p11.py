"""P11: eight processes tick at once over 5,000 overdue work items, and every item goes up exactly once."""

import datetime as dt
import json
import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from processes import Swarm, tell, until
from sqlalchemy import make_url

from qaflow import testing
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.definition import Deadline
from qaflow.store.db import db

ITEMS = 5000
PROCESSES = 8
BATCH = 50
FRIDAY = dt.datetime(2025, 9, 5, 0, 0, tzinfo=dt.UTC)  # 08:00 in Shanghai: the first level of work due on Thursday
LATE = "2025-09-05T00:00:00.000000Z"
SEED = int(os.environ.get("PYTEST_SEED", "11"))


def fill(settings: Settings) -> None:
    """Build the college with its 5,000 overdue work items, and leave no connection open."""
    app = create_app(settings)
    with app.app_context():
        stages = (testing.stage("goal", deadline=Deadline(date="09-04")), testing.stage("improve"))
        world = testing.World(db.session, testing.spiral(stages=stages, layer="course"))
        world.courses([f"S{n}" for n in range(ITEMS // 2 - 1)], "section", "lead")
        world.courses([f"F{n}" for n in range(ITEMS // 2 - 1)], "far", "far_lead")
        world.tick()
        assert world.query("select count(*) from work_item where next_level_at <= :now", now=LATE) == [(ITEMS,)]
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def overdue_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with 5,000 overdue work items."""
    home = tmp_path_factory.mktemp("overdue")
    shutil.copy(sqlite_template, home / "qaflow.db")
    fill(Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db"))
    with closing(sqlite3.connect(home / "qaflow.db")) as file:
        file.execute("pragma wal_checkpoint(truncate)")
    return home / "qaflow.db"


@pytest.fixture(scope="module")
def overdue_pg(pg_template: str, pg_url: str) -> str:
    """Return the name of a PostgreSQL database with 5,000 overdue work items."""
    with psycopg.connect(plain(pg_url), autocommit=True) as server:
        server.execute(f"create database overdue template {pg_template}")
    url = make_url(pg_url).set(database="overdue").render_as_string(hide_password=False)
    fill(Settings(home=Path("/nonexistent"), database_url=url))
    return "overdue"


@pytest.fixture(params=["sqlite", "postgresql"])
def overdue(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Return an installation of its own with the overdue work, on each database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("overdue_file"), settings.sqlite_file or "")
        return settings
    template = request.getfixturevalue("overdue_pg")
    make: Callable[[str], str] = request.getfixturevalue("new_pg")
    return replace(settings, database_url=make(template))


def plain(url: str) -> str:
    """Return the address as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def connected(settings: Settings) -> Any:
    """Return a bare connection of the driver's own, each statement a transaction."""
    file = settings.sqlite_file
    if file is not None:
        return sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)
    return psycopg.connect(plain(settings.database_url), autocommit=True)


def ask(settings: Settings, text: str) -> list[tuple[Any, ...]]:
    """Ask the database beside the program."""
    with closing(connected(settings)) as found:
        return list(found.execute(text).fetchall())


def ticked(settings: Settings) -> list[int]:
    """Return how many levels each ended tick fired."""
    rows = ask(settings, "select done from tick_run where done <> '{}'")
    return [json.loads(done).get("escalated", 0) for (done,) in rows]


def assert_each_once(settings: Settings) -> None:
    """Assert that each item went up once, with its fact and its notice, and is right in its row."""
    assert ask(settings, "select count(*), count(distinct item_id) from escalation") == [(ITEMS, ITEMS)]
    assert ask(settings, f"select count(*) from work_item where next_level_at <= '{LATE}'") == [(0,)]
    assert ask(settings, "select distinct deadline_no, level, outcome from escalation") == [(1, 1, "sent")]
    facts = "select count(*), count(distinct stream) from journal where kind = 'WorkEscalated'"
    assert ask(settings, facts) == [(ITEMS, ITEMS)]
    notices = "select count(*), count(distinct journal_stream), count(distinct person_id) from outbox"
    assert ask(settings, notices) == [(ITEMS, ITEMS, 2)]
    lengths = "select distinct version, (select count(*) from journal where stream = 'cycle:' || c.id) from cycle c"
    assert ask(settings, lengths) == [(2, 2)]


def test_eight_processes_at_once_escalate_each_item_once(overdue: Settings) -> None:
    with Swarm(overdue, PROCESSES, BATCH, FRIDAY) as swarm:
        swarm.go()
        codes = swarm.results()

    assert codes == [0] * PROCESSES
    assert_each_once(overdue)
    worked = ask(overdue, "select door, count(*) from journal where kind = 'WorkEscalated' group by door")
    assert len(worked) >= 2, worked  # else nobody raced
    assert sum(ticked(overdue)) == ITEMS
    mails = list((overdue.home / "mail").iterdir())
    assert len(mails) == 4  # one a supervisor and one a holder of overdue work, whoever swept
    assert ask(overdue, "select distinct state from outbox") == [("sent",)]


def test_a_killed_process_neither_loses_nor_doubles_an_item(overdue: Settings) -> None:
    dice = random.Random(SEED)
    after = dice.randrange(100, ITEMS // 2)
    with Swarm(overdue, PROCESSES, BATCH, FRIDAY) as swarm:
        swarm.go()
        until(lambda: ask(overdue, "select count(*) from escalation")[0][0] >= after)
        doors = ask(overdue, "select door from tick_run where ended_at is null")
        at_work = sorted(int(door[5:]) for (door,) in doors)
        victim = dice.choice(at_work)
        swarm.kill(victim)
        tell(f"seed {SEED}: process {victim} of {at_work} died when {after} items had gone up")
        codes = swarm.results()
    left = ask(overdue, f"select count(*) from work_item where next_level_at <= '{LATE}'")[0][0]
    with Swarm(overdue, 1, BATCH, FRIDAY) as later:  # the next tick, as in an installation
        later.go()
        assert later.results() == [0]

    assert codes == [-9 if n == victim else 0 for n in range(PROCESSES)]
    assert ask(overdue, "select door from tick_run where ended_at is null") == [(f"tick.{victim}",)]  # it died at work
    assert left <= BATCH  # what it held when it died, if others had no more time to take it
    assert_each_once(overdue)
    assert ask(overdue, "select count(distinct door) from journal where kind = 'WorkEscalated'")[0][0] >= 2


def test_the_naive_tick_is_caught(overdue: Settings) -> None:
    """The planted defect: select what is late, check the ledger, insert — each by itself, and no unique key."""
    with closing(connected(overdue)) as file:
        file.execute("create table naive (item bigint, level integer)")
    barrier = threading.Barrier(PROCESSES)

    def naive() -> None:
        with closing(connected(overdue)) as mine:
            text = f"select id, level + 1 from work_item where next_level_at <= '{LATE}' order by id"
            late = mine.execute(text).fetchall()
            barrier.wait()
            for item, level in late[:200]:
                found = mine.execute(f"select count(*) from naive where item = {item} and level = {level}").fetchone()
                if not found[0]:
                    mine.execute(f"insert into naive values ({item}, {level})")

    threads = [threading.Thread(target=naive) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows, items = ask(overdue, "select count(*), count(distinct item) from naive")[0]
    assert items == 200
    assert rows > items  # the count that the tests above assert would fail
