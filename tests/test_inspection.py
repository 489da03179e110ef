"""What an inspection through the installed command line found, each defect once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Run
from sqlalchemy.engine import make_url

from qaflow.config import Settings

START = ("cycle", "start", "--college", "own-college", "--layer", "course", "--subject", "K1", "--track")
PEOPLE = """login,name,roles
t1,甲,course_leader@unit:se-web
ml,乙,major_leader@unit:se-web
x2,丙,unit_head@unit:se
qo,丁,quality_office@college
"""


@pytest.fixture
def example(runner: Run, tmp_path: Path) -> Path:
    """Return the folder of the example college, loaded into a sandbox with people and a course."""
    folder = tmp_path / "own"
    (tmp_path / "p.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "s.csv").write_text("layer,code,name,unit,responsible\ncourse,K1,课程,se-web,t1\n", encoding="utf-8")
    assert runner("init", "--example", str(folder)).exit_code == 0
    assert runner("init", "--sandbox", "--college", str(folder)).exit_code == 0
    assert runner("import", "people", str(tmp_path / "p.csv")).exit_code == 0
    assert runner("import", "subjects", str(tmp_path / "s.csv")).exit_code == 0
    return folder


def told(result: Result) -> tuple[int, Any]:
    """Return the exit code and the code of the one JSON document that was printed."""
    return result.exit_code, json.loads(result.stdout).get("code")


@pytest.fixture
def fire(runner: Run, example: Path, tmp_path: Path) -> Callable[..., Result]:
    """Return what lets a person act on a running cycle."""
    begun = runner(*START, "construction", "--as", "qo", "--json")
    cycle = str(json.loads(begun.stdout)["id"])

    def act(action: str, login: str, data: Any = None, raw: bytes | None = None) -> Result:
        file = tmp_path / "data.json"
        file.write_bytes(raw if raw is not None else json.dumps(data or {}).encode())
        return runner("cycle", "fire", cycle, action, "--as", login, "--data", str(file), "--json")

    return act


def test_data_that_is_not_utf8_is_told_and_a_byte_order_mark_accepted(fire: Callable[..., Result]) -> None:
    assert told(fire("comment", "t1", raw='{"text": "ü"}'.encode("latin-1"))) == (3, "encoding.not_utf8")
    assert fire("comment", "t1", raw=b'\xef\xbb\xbf{"text": "x"}').exit_code == 0


def test_a_date_by_weeks_is_no_deadline(fire: Callable[..., Result]) -> None:
    assert told(fire("extend", "qo", {"due": "2999-W40-1", "reason": "r"})) == (3, "date.invalid")
    assert told(fire("extend", "qo", {"due": "29990101", "reason": "r"})) == (3, "date.invalid")


def test_who_was_asked_and_comes_too_late_hears_of_the_state(fire: Callable[..., Result]) -> None:
    assert fire("submit", "t1", {"content": {"aim": "a", "funds": 1}}).exit_code == 0
    assert fire("add_signer", "ml", {"person": "x2"}).exit_code == 0
    assert fire("reject", "ml", {"reason": "r"}).exit_code == 0

    assert told(fire("approve", "x2")) == (4, "transition.not_allowed")


def test_a_start_by_a_week_date_is_refused(runner: Run, example: Path) -> None:
    assert told(runner(*START, "construction", "--as", "qo", "--date", "2026-W10-1", "--json")) == (3, "date.invalid")


@pytest.mark.parametrize(("start", "code"), [("20250901", "date.invalid"), ("2025-W36-1", "date.invalid"),
                                             ("1990-01-01", "date.range"), ("9999-12-01", "date.range")])  # fmt: skip
def test_a_demo_begins_on_a_day_that_its_calendars_know(runner: Run, start: str, code: str) -> None:
    assert told(runner("demo", "--no-serve", "--start", start, "--json")) == (3, code)


def test_an_instant_before_all_time_is_refused(runner: Run, example: Path) -> None:
    assert told(runner("tick", "--at", "0001-01-01T00:00+14:00", "--json")) == (3, "date.invalid")


def test_a_look_back_in_a_sandbox_makes_no_gap(runner: Run, example: Path) -> None:
    assert runner("tick").exit_code == 0
    assert runner("tick", "--at", "2020-01-01T00:00Z").exit_code == 0

    assert "paused" not in json.loads(runner("tick", "--json").stdout)["skipped"]


def test_a_failed_check_is_one_json_document(runner: Run, example: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("kind: definition\n", encoding="utf-8")

    deploy = runner("doctor", "--deploy", "--json")
    check = runner("workflow", "check", str(bad), "--json")

    assert told(deploy) == (3, "doctor.findings") and json.loads(deploy.stdout)["findings"]
    assert told(check) == (3, "check.failed") and json.loads(check.stdout)["items"]


def test_an_edited_journal_is_told_in_one_json_document(runner: Run, example: Path, settings: Settings) -> None:
    with sqlite3.connect(settings.home / "qaflow.db") as own:
        own.execute("drop trigger journal_no_update")
        own.execute("update journal set actor = 'x' where stream = 'college:own-college' and seq = 1")

    result = runner("audit", "verify", "--json")

    assert told(result) == (3, "audit.broken")
    assert json.loads(result.stdout)["first_bad"]["stream"] == "college:own-college"


def test_a_folder_with_faults_makes_no_database(runner: Run, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()

    made = runner("init", "--college", str(tmp_path / "none"), "--json", QAFLOW_HOME=str(tmp_path / "fresh"))

    assert told(made) == (3, "college.invalid")
    assert not (tmp_path / "fresh").joinpath("qaflow.db").exists()


def test_a_login_in_other_capitals_is_the_same_login(runner: Run, example: Path, tmp_path: Path) -> None:
    (tmp_path / "again.csv").write_text("login,name\nT1,甲\n", encoding="utf-8")

    assert told(runner("user", "add", "QO", "--name", "戊", "--json")) == (4, "login.taken")
    assert told(runner("import", "people", str(tmp_path / "again.csv"), "--json")) == (3, "login.taken")


def test_the_programs_own_accounts_stay(runner: Run, example: Path) -> None:
    assert told(runner("user", "disable", "operator", "--json")) == (4, "account.system")


def test_an_at_sign_wants_a_scope(runner: Run, example: Path) -> None:
    added = runner("user", "add", "n", "--name", "己", "--role", "course_leader@", "--json")
    assert told(added) == (3, "scope.invalid")


def test_what_is_not_found_names_what_is_there(runner: Run, example: Path) -> None:
    wrong = runner("workflow", "show", "own-college.course-construction", "--version", "9", "--json")
    near = runner("workflow", "show", "own-college.course-constructio", "--json")

    assert "published: 1" in json.loads(wrong.stdout)["detail"]
    assert "own-college.course-construction" in json.loads(near.stdout)["detail"]
    assert told(runner("workflow", "list", "--college", "nope", "--json")) == (3, "college.not_found")


@pytest.mark.parametrize("part", ["at", "digest", "heads", "public_key", "signature", "entries"])
def test_a_checkpoint_without_a_part_is_none(runner: Run, example: Path, tmp_path: Path, part: str) -> None:
    file = tmp_path / "checkpoint.json"
    assert runner("audit", "checkpoint", "--out", str(file)).exit_code == 0
    file.write_text(json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != part}))

    assert told(runner("audit", "verify", "--checkpoint", str(file), "--json")) == (3, "checkpoint.invalid")


def test_a_restored_database_stays_quiet_though_a_tick_came_first(runner: Run, example: Path, tmp_path: Path) -> None:
    new = str(tmp_path / "new")
    assert runner("backup", str(tmp_path / "b")).exit_code == 0
    assert runner("restore", str(tmp_path / "b"), QAFLOW_HOME=new).exit_code == 0

    held = json.loads(runner("tick", "--json", QAFLOW_HOME=new).stdout)
    went = json.loads(runner("tick", "--confirm", "--json", QAFLOW_HOME=new).stdout)

    assert "backup" in held["notice"]
    assert "notices" in went["skipped"]


def test_a_file_that_is_no_database_is_told(runner: Run, settings: Settings) -> None:
    settings.home.mkdir(exist_ok=True)
    (settings.home / "qaflow.db").write_bytes(b"no database" * 500)

    for command in ("init", "tick", "doctor"):
        assert told(runner(command, "--json")) == (6, "database.damaged")


def test_tables_without_their_mark_are_left_alone(runner: Run, example: Path, settings: Settings) -> None:
    with sqlite3.connect(settings.home / "qaflow.db") as own:
        own.execute("delete from alembic_version")

    assert told(runner("init", "--json")) == (4, "schema.foreign")
    assert told(runner("tick", "--json")) == (4, "database.schema_foreign")


def test_a_missing_command_shows_the_help_once(runner: Run) -> None:
    result = runner("cycle")
    assert result.exit_code == 2
    assert result.stderr.count("Usage:") == 1


def test_a_wrong_name_for_the_database_is_a_setting(runner: Run, pg_url: str) -> None:
    wrong = make_url(pg_url).set(database="nowhere").render_as_string(hide_password=False)
    assert told(runner("tick", "--json", QAFLOW_DATABASE_URL=wrong)) == (2, "config.database_url")
