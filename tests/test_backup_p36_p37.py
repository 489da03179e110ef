"""P36: a backup taken while others write is whole. P37: a restore into the past is seen and tells nobody twice."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from audit_world import db, eventful
from conftest import SECRET, Run, entered
from flask import Flask

from qaflow.config import Settings
from qaflow.errors import Invalid, QaflowError, Refused
from qaflow.services.auditing import audit, checkpoints
from qaflow.services.cycles import acts as cycles
from qaflow.services.running import backups, doctor
from qaflow.services.work import Origin
from qaflow.store.db import Sql, driver
from qaflow.testing import World

WRITERS, BACKUPS = 8, 10
RUNNING = Sql("select min(id) from cycle where status = 'running' and responsible_id = :p")
FLOOR = 200  # acts that the writers must have done while the backups ran
WRITER = """
import sys
from pathlib import Path
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.errors import QaflowError
from qaflow.services.cycles import acts as cycles
from qaflow.services.work import Origin
from qaflow.store.db import db

home, cycle, person, log = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
app = create_app(Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=sys.argv[5]))
now = app.extensions["qaflow"].clock.now()
origin = Origin(now=now, recorded=now, door="test", person=person)
with app.app_context(), log.open("a", buffering=1) as told:
    while not (home / "stop").exists():
        for action, args in (("submit", {"content": {}}), ("withdraw", {}), ("comment", {"text": "x"})):
            try:
                done = cycles.fire(db.session, origin, cycle, action, args)
            except QaflowError as error:
                print(error, file=sys.stderr)
                continue
            told.write(f"{done['version']}\\n")  # acknowledged
"""


@pytest.fixture
def world(app: Flask) -> World:
    """Return a tiny college with a cycle for each writer."""
    made = World(db.session)
    made.courses([f"W{n}" for n in range(WRITERS)], "section", "lead")
    made.tick()
    return made


def acknowledged(logs: list[Path]) -> list[int]:
    """Return the newest version that each writer was told of."""
    return [int(lines[-1]) if (lines := [x for x in log.read_text().split("\n")[:-1] if x]) else 0 for log in logs]


@pytest.fixture
def writers(world: World, settings: Settings, tmp_path: Path) -> Iterator[list[tuple[int, Path]]]:
    """Let eight processes write, each on its own cycle, until the test is over."""
    ids = [
        row[0]
        for row in world.query("select id from cycle where responsible_id = :p order by id", p=world.persons["lead"])
    ]
    logs = [tmp_path / f"{cycle}.log" for cycle in ids[:WRITERS]]
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    command, lead = [sys.executable, str(script), str(settings.home)], str(world.persons["lead"])
    with (tmp_path / "errors.log").open("w") as errors:
        running = [
            subprocess.Popen([*command, str(cycle), lead, str(log), SECRET], stderr=errors)
            for cycle, log in zip(ids, logs, strict=False) if log.touch() is None
        ]  # fmt: skip
        _until(lambda: min(acknowledged(logs)) > 0)
        yield list(zip(ids, logs, strict=False))
        (settings.home / "stop").touch()
        for one in running:
            assert one.wait(60) == 0


def _until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "the writers did not begin"
        time.sleep(0.05)


def faults(home: Path, before: list[tuple[int, int]]) -> list[str]:
    """Return what is wrong with a restored home: the doctor's findings, and acknowledged acts that are not there."""
    settings = Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=SECRET)
    for _ in entered(settings):
        try:
            found = [f["why"] for f in doctor.check(db.session)["findings"]]
            versions = dict(driver(db.session).all(Sql("select id, version from cycle")))
            db.session.rollback()
        except Exception as error:  # noqa: BLE001 - a copy that cannot even be read is a bad one, whatever it raises
            return [f"unreadable: {error}"]
        return found + [
            f"cycle {c}: {v} was acknowledged, {versions.get(c)} is there" for c, v in before if versions.get(c, 0) < v
        ]
    return []


def test_backups_taken_while_eight_processes_write_are_whole(
    writers: list[tuple[int, Path]], settings: Settings, tmp_path: Path
) -> None:
    """The mutant is `cp`: a copy of the file alone, taken at the same moments, is bad."""
    (settings.home / "evidence" / "ab").mkdir(parents=True)
    (settings.home / "evidence" / "ab" / "abcd").write_bytes(b"proof")
    logs = [log for _, log in writers]
    began, bad, copied_bad = sum(acknowledged(logs)), [], 0
    for n in range(BACKUPS):
        before = list(zip([c for c, _ in writers], acknowledged(logs), strict=True))
        file, home, copy = tmp_path / f"{n}.zip", tmp_path / f"home{n}", tmp_path / f"copy{n}"
        if n == 0:  # once through the program itself
            env = {"QAFLOW_HOME": str(settings.home), "QAFLOW_SECRET_KEY": SECRET, "PATH": ""}
            command = [sys.executable, "-m", "qaflow", "backup", str(file)]
            run = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
            assert run.returncode == 0, run.stderr
        else:
            backups.make(db.session, settings, file, _clock())
        copy.mkdir(mode=0o700)
        shutil.copy(settings.home / "qaflow.db", copy / "qaflow.db")
        restored(file, home)
        bad += faults(home, before)
        copied_bad += bool(faults(copy, before))
        assert (home / "evidence" / "ab" / "abcd").read_bytes() == b"proof"

    assert bad == []
    assert sum(acknowledged(logs)) - began >= FLOOR, "the writers were idle: nothing was proven"
    assert copied_bad >= BACKUPS // 2, f"cp was bad {copied_bad} times only"


def restored(file: Path, home: Path, resend: bool = False) -> dict[str, Any]:
    """Restore a backup into a new home."""
    settings = Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=SECRET)
    report: dict[str, Any] = {}
    for app in entered(settings):
        report = backups.restore(app, db.session, settings, file, _clock(), resend=resend)
    return report


def _clock() -> Any:
    from qaflow.adapters.clock import SystemClock

    return SystemClock().now()


@pytest.fixture
def past(app: Flask, settings: Settings, tmp_path: Path) -> tuple[World, Path]:
    """Return a college that went on living after a backup was taken."""
    world = eventful(db.session, seed=37, courses=4, acts=60)
    backups.make(db.session, settings, tmp_path / "past.zip", _clock())
    cycle = world.query(
        "select id from cycle where responsible_id = :p and status = 'running' order by id limit 1",
        p=world.persons["lead"],
    )[0][0]
    world.fire(cycle, "comment", "lead", text="later")
    world.tick(world.later(60))
    return world, tmp_path / "past.zip"


def test_a_restore_into_the_past_is_seen_against_the_checkpoint(
    past: tuple[World, Path], settings: Settings, tmp_path: Path
) -> None:
    world, file = past
    checkpoint = checkpoints.make(db.session, world.origin(), settings.home)
    db.session.remove()
    db.engine.dispose()
    restored(file, tmp_path / "new")

    for _ in entered(replace(settings, home=tmp_path / "new", database_url=f"sqlite:///{tmp_path}/new/qaflow.db")):
        alone, against = audit.verify(db.session), audit.verify(db.session, checkpoint)

    assert alone["verified"]
    assert not against["verified"]
    assert against["checkpoint"]["older"]
    assert not against["checkpoint"]["rewritten"]


@pytest.mark.parametrize(("resend", "left"), [(False, 0), (True, None)])
def test_a_restore_tells_nobody_twice_unless_asked(
    past: tuple[World, Path], tmp_path: Path, resend: bool, left: int | None
) -> None:
    _, file = past

    report = restored(file, tmp_path / "new", resend=resend)

    waiting = _counts(tmp_path / "new", "select count(*) from outbox where state = 'waiting'")
    dropped = _counts(tmp_path / "new", "select count(*) from outbox where state = 'dropped'")
    assert waiting + dropped > 20
    assert waiting == (left if left is not None else waiting + dropped)
    assert report["notices_dropped"] == dropped


def _counts(home: Path, text: str) -> int:
    for _ in entered(Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=SECRET)):
        found: int = driver(db.session).value(Sql(text))
        db.session.rollback()
        return found
    raise AssertionError


def test_after_a_restore_automatic_steps_wait_to_be_confirmed(past: tuple[World, Path], tmp_path: Path) -> None:
    from qaflow.services.sweeping import tick

    world, file = past
    restored(file, tmp_path / "new")
    for _ in entered(
        Settings(home=tmp_path / "new", database_url=f"sqlite:///{tmp_path}/new/qaflow.db", secret_key=SECRET)
    ):
        origin = Origin(now=world.now, recorded=world.now, door="test")
        held = tick.swept(db.session, origin, limit=timedelta(days=400))
        went = tick.swept(db.session, origin, limit=timedelta(days=400), confirm=True)

    assert "paused" in held.skipped
    assert held.done == {}
    assert went.done


def test_a_database_that_holds_something_is_never_overwritten(
    past: tuple[World, Path], settings: Settings, runner: Run
) -> None:
    _, file = past
    db.session.remove()
    before = (settings.home / "qaflow.db").read_bytes()

    result = runner("restore", str(file), "--json")

    assert result.exit_code == 4
    assert json.loads(result.stdout)["code"] == "restore.target_not_empty"
    assert (settings.home / "qaflow.db").read_bytes() == before


def test_a_served_database_is_never_overwritten(past: tuple[World, Path], tmp_path: Path) -> None:
    import fcntl

    _, file = past
    home = tmp_path / "served"
    home.mkdir()
    with (home / "qaflow.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Refused) as refused:
            restored(file, home)

    assert refused.value.code == "restore.target_not_empty"


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_spoilt_backup_leaves_the_target_empty(past: tuple[World, Path], tmp_path: Path, place: float) -> None:
    _, file = past
    data = bytearray(file.read_bytes())
    data[int(len(data) * place)] ^= 0xFF
    file.write_bytes(data)

    with pytest.raises(QaflowError) as refused:
        restored(file, tmp_path / "new")

    assert refused.value.exit == Invalid.exit
    assert not (tmp_path / "new" / "qaflow.db").exists()


def test_a_restored_home_goes_on_where_it_stood(past: tuple[World, Path], tmp_path: Path) -> None:
    world, file = past
    restored(file, tmp_path / "new")
    for _ in entered(
        Settings(home=tmp_path / "new", database_url=f"sqlite:///{tmp_path}/new/qaflow.db", secret_key=SECRET)
    ):
        cycle = driver(db.session).value(RUNNING, {"p": world.persons["lead"]})
        db.session.rollback()
        cycles.fire(db.session, world.origin("lead"), cycle, "comment", {"text": "again"})
        assert audit.verify(db.session)["verified"]


def test_a_postgresql_database_comes_back_with_the_same_heads(
    new_pg: Callable[[str], str], pg_template: str, tmp_path: Path
) -> None:
    one = Settings(home=tmp_path / "one", database_url=new_pg(pg_template), secret_key=SECRET)
    two = Settings(home=tmp_path / "two", database_url=new_pg("template0"), secret_key=SECRET)
    for _ in entered(one):
        world = eventful(db.session, seed=36, courses=4, acts=60)
        before = _heads()
        assert audit.verify(db.session)["verified"]
        made = backups.make(db.session, one, tmp_path / "pg.zip", _clock())
    for app in entered(two):
        backups.restore(app, db.session, two, tmp_path / "pg.zip", _clock())
        report = doctor.check(db.session)
        assert (report["findings"], report["ok"]) == ([], True)
        assert (_heads(), report["entries"]) == (before, made["entries"])
        cycle = driver(db.session).value(RUNNING, {"p": world.persons["lead"]})
        db.session.rollback()
        cycles.fire(db.session, world.origin("lead"), cycle, "comment", {"text": "again"})
        with pytest.raises(Refused, match="not empty"):
            backups.restore(app, db.session, two, tmp_path / "pg.zip", _clock())


def _heads() -> list[tuple[str, int, str]]:
    from qaflow.store import journal

    found = journal.heads(driver(db.session))
    db.session.rollback()
    return found
