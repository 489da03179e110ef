"""`qaflow init`: a database from nothing, colleges from their folders, differences told before they are taken over."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from qaflow.engine import loader
from qaflow.errors import Invalid, Refused
from qaflow.paths import data_dir
from qaflow.services.accounts import book as accounts
from qaflow.services.cycles import starting
from qaflow.services.definitions import loading
from qaflow.services.running import installation
from qaflow.services.work import Origin, Writer, transact
from qaflow.store import db, journal
from qaflow.store.db import driver

Run = Callable[..., Result]
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OPERATOR = Origin(now=NOW, recorded=NOW, door="cli", account="operator")
LIBRARY = "  - {code: lib, kind: functional, name: {zh: 图书馆, en: Library}}\n"
FIVE = ("jiangsu-engineering", "shangluo", "wuhan-software", "xiangyang-auto", "yangzhou-polytechnic")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a folder with the example college."""
    return Path(shutil.copytree(data_dir("workflows") / "example", tmp_path / "own"))


def told(result: Result, exit_code: int = 0) -> dict[str, Any]:
    """Return the one JSON document of a command that ended as expected."""
    assert result.exit_code == exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what stands in the home's database."""
    with closing(sqlite3.connect(home / "qaflow.db")) as connection:
        return connection.execute(query).fetchall()


def edit(file: Path, before: str, after: str) -> None:
    """Change a text that must stand in the file."""
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def changes(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return (what, key, change) of the first college's differences."""
    return {(d["what"], d["key"], d["change"]) for d in document["colleges"][0]["differences"]}


def test_init_makes_home_secret_and_database_from_nothing(runner: Run, tmp_path: Path) -> None:
    home = tmp_path / "fresh"
    document = told(runner("init", "--json", QAFLOW_HOME=str(home), QAFLOW_SECRET_KEY=""))
    assert document["created"] is True and document["schema"]["was"] == "empty" and document["sandbox"] is False
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert (home / "qaflow.db").stat().st_mode & 0o777 == 0o600
    accounts = rows(home, "select login, is_system from person order by id")
    assert accounts == [("system", 1), ("operator", 1)]


def test_a_second_init_changes_nothing(runner: Run, tmp_path: Path) -> None:
    home = {"QAFLOW_HOME": str(tmp_path / "fresh")}
    runner("init", "--college", "yangzhou-polytechnic", **home)
    before = rows(tmp_path / "fresh", "select stream, seq, hash from journal")
    document = told(runner("init", "--college", "yangzhou-polytechnic", "--json", **home))
    assert document["created"] is False and document["schema"]["was"] == "current" and document["backup"] is None
    assert document["colleges"][0]["state"] == "unchanged" and document["colleges"][0]["differences"] == []
    assert rows(tmp_path / "fresh", "select stream, seq, hash from journal") == before


def test_the_five_colleges_load_with_what_their_files_hold(app: Flask) -> None:
    session = db.db.session
    installation.create(session, OPERATOR, sandbox=True)
    counts = {}
    for key in FIVE:
        folder = loader.load_folder(data_dir("workflows") / key)
        counts[key] = loading.load_college(session, OPERATOR, folder)["counts"]
        assert counts[key]["tasks"] == sum(len(file["tasks"]) for file in folder.tasks)
        assert counts[key]["goals"] == len(folder.plans) and counts[key]["standards"] == len(folder.standards)
    wuhan = counts["wuhan-software"]
    assert (wuhan["items"], wuhan["elements"], wuhan["points"]) == (7, 36, 90)
    stored = driver(session).all(db.Sql("select c.key, count(*) from frame f join college c on c.id = f.college_id "
                                        "where f.level = 'point' group by c.key"))  # fmt: skip
    assert stored == [("wuhan-software", 90)]


def test_loading_writes_one_verified_stream_with_every_definition(app: Flask) -> None:
    session = db.db.session
    installation.create(session, OPERATOR, sandbox=False)
    folder = loader.load_folder(data_dir("workflows") / "shangluo")
    loading.load_college(session, OPERATOR, folder)
    entries = journal.read(driver(session), "college:shangluo")
    assert [e.kind for e in entries] == [
        "LimitsSet", *["DefinitionPublished"] * 7, "CalendarAdopted", "CollegeLoaded"  # limits with alarm values
    ]
    published = {json.loads(e.data)["hash"] for e in entries if e.kind == "DefinitionPublished"}
    assert published == {d.hash for d in folder.definitions.values()}
    assert {e.actor for e in entries} == {"operator"}
    prev = journal.GENESIS
    for entry in entries:
        columns = entry._asdict()
        newest = columns.pop("hash")
        assert columns["prev"] == prev and journal.digest(columns.pop("prev"), **columns) == newest
        prev = newest
    head = driver(session).one(db.Sql("select version, head from college where key = 'shangluo'"))
    assert head == (len(entries), prev)


def test_a_college_with_a_fault_loads_nothing_and_names_file_line_and_remedy(runner: Run, own: Path) -> None:
    edit(own / "college.yaml", "definition: own-college.school-year", "definition: own-college.school-yaer")
    document = told(runner("init", "--college", str(own), "--json"), 3)
    (fault,) = document["errors"]
    assert fault["code"] == "ref.unknown_definition" and fault["at"].startswith(f"{own}/college.yaml:")
    assert "own-college.school-year" in fault["remedy"]


def test_a_load_that_fails_at_its_end_leaves_nothing(app: Flask, own: Path) -> None:
    session = db.db.session
    installation.create(session, OPERATOR, sandbox=False)
    edit(own / "points.yaml", "target:", "note: x\n    target: null  #")
    folder = loader.load_folder(own)
    assert folder.faults == ()
    with pytest.raises(Invalid, match="has no target"):
        loading.load_college(session, OPERATOR, folder)
    tables = ("college", "unit", "definition", "journal", "calendar_day")
    assert [driver(session).value(db.Sql(f"select count(*) from {t}")) for t in tables] == [0] * len(tables)


def test_an_unknown_college_names_the_packaged_ones(runner: Run) -> None:
    document = told(runner("init", "--college", "wuhan", "--json"), 3)
    assert document["code"] == "college.not_found" and document["allowed"] == sorted(FIVE)


def test_differences_are_told_and_taken_over_only_with_yes(runner: Run, settings: Any, own: Path) -> None:
    told(runner("init", "--college", str(own), "--json"))
    edit(own / "organisation.yaml", "zh: 教务处", "zh: 教务部")
    edit(own / "organisation.yaml", "duties:", f"{LIBRARY}duties:")
    expected = {("unit", "jwc", "changed"), ("unit", "lib", "new"), ("subject", "school jwc", "changed"),
                ("subject", "school lib", "new")}  # fmt: skip
    first = told(runner("init", "--college", str(own), "--json"))
    assert changes(first) == expected and first["colleges"][0]["state"] == "differs"
    assert rows(settings.home, "select name_zh from unit where code = 'jwc'") == [("教务处",)]
    again = told(runner("init", "--college", str(own), "--yes", "--json"))
    assert changes(again) == expected and again["colleges"][0]["state"] == "changed"
    assert rows(settings.home, "select name_zh from unit where code in ('jwc', 'lib') order by code") == [
        ("教务部",), ("图书馆",),
    ]  # fmt: skip
    loaded = rows(settings.home, "select data from journal where kind = 'CollegeLoaded' order by seq")
    assert json.loads(loaded[-1][0])["changes"]["unit"] == {"changed": 1, "new": 1}
    planned = "select s.track from schedule s join subject j on j.id = s.subject_id where j.code = 'lib'"
    assert rows(settings.home, planned) == [("annual",)]
    assert told(runner("init", "--college", str(own), "--json"))["colleges"][0]["state"] == "unchanged"


def test_a_unit_that_left_the_files_ends_and_its_subject_with_it(runner: Run, settings: Any, own: Path) -> None:
    told(runner("init", "--college", str(own), "--json"))
    edit(own / "organisation.yaml", "duties:", f"{LIBRARY}duties:")
    told(runner("init", "--college", str(own), "--yes", "--json"))
    edit(own / "organisation.yaml", LIBRARY, "")
    document = told(runner("init", "--college", str(own), "--yes", "--json"))
    assert changes(document) == {("unit", "lib", "gone"), ("subject", "school lib", "gone")}
    ends = rows(settings.home, "select ends is not null from unit where code = 'lib' union all "
                               "select ends is not null from subject where code = 'lib'")  # fmt: skip
    assert ends == [(1,), (1,)]
    assert told(runner("init", "--college", str(own), "--json"))["colleges"][0]["state"] == "unchanged"


def test_entries_that_left_the_files_are_taken_out_and_others_stay(runner: Run, settings: Any, own: Path) -> None:
    told(runner("init", "--college", str(own), "--json"))
    with closing(sqlite3.connect(settings.home / "qaflow.db")) as connection, connection:
        connection.execute("insert into frame (college_id, code, level, name_zh, name_en, star, body) "
                           "values (1, '9', 'item', '手工', 'By hand', '', '{}')")  # fmt: skip
    (own / "points.yaml").unlink()
    edit(own / "tasks.yaml", "point:", "note: ")
    document = told(runner("init", "--college", str(own), "--yes", "--json"))
    gone = {what for what, _, change in changes(document) if change == "gone"}
    assert gone == {"frame", "control_point"}
    assert rows(settings.home, "select code from frame") == [("9",)]


def test_a_changed_definition_needs_a_new_version(runner: Run, settings: Any, own: Path) -> None:
    told(runner("init", "--college", str(own), "--json"))
    file = own / "definitions" / "school-year.yaml"
    edit(file, "on_period_end: wait", "on_period_end: lapse")
    document = told(runner("init", "--college", str(own), "--yes", "--json"), 4)
    assert document["code"] == "definition.version_taken" and "`version:` to 2" in document["errors"][0]["remedy"]
    edit(file, "version: 1", "version: 2")
    document = told(runner("init", "--college", str(own), "--yes", "--json"))
    assert changes(document) == {("definition", "own-college.school-year 2", "new")}
    assert rows(settings.home, "select version from definition where key = 'own-college.school-year'") == [(1,), (2,)]


def test_state_holidays_are_adopted_and_own_days_outdo_them(runner: Run, settings: Any, own: Path) -> None:
    edit(own / "calendar.yaml", "working: []", "working: [2025-10-08]")
    told(runner("init", "--college", str(own), "--json"))
    days = dict(rows(settings.home, "select day, working from calendar_day where day like '2025-1%'"))
    assert days["2025-10-01"] == 0 and days["2025-10-11"] == 1  # National Day; its make-up Saturday
    assert days["2025-10-08"] == 1 and days["2025-11-12"] == 0  # the college's own
    years = dict(rows(settings.home, "select year, published from calendar_year"))
    assert sorted(years) == list(range(2023, 2033)) and years[2025] == 1 and years[2032] == 0
    assert rows(settings.home, "select calendar_until from college") == [("2027-08-31",)]
    edit(own / "calendar.yaml", "working: [2025-10-08]", "working: []")
    document = told(runner("init", "--college", str(own), "--yes", "--json"))
    assert changes(document) == {("calendar_day", "2025-10-08", "changed")}
    restored = rows(settings.home, "select working, source from calendar_day where day = '2025-10-08'")
    assert restored == [(0, "state")]


def test_the_sandbox_mark_is_given_at_birth_only(runner: Run, tmp_path: Path) -> None:
    sandbox, real = {"QAFLOW_HOME": str(tmp_path / "s")}, {"QAFLOW_HOME": str(tmp_path / "r")}
    assert told(runner("init", "--sandbox", "--json", **sandbox))["sandbox"] is True
    assert told(runner("init", "--json", **sandbox))["sandbox"] is True
    told(runner("init", "--json", **real))
    assert told(runner("init", "--sandbox", "--json", **real), 4)["code"] == "installation.not_sandbox"


def test_a_newer_schema_is_refused_with_exit_4(runner: Run, settings: Any) -> None:
    with closing(sqlite3.connect(settings.home / "qaflow.db")) as connection, connection:
        connection.execute("update alembic_version set version_num = '9999'")
    assert told(runner("init", "--json"), 4)["code"] == "schema.newer"


def test_the_backup_before_an_upgrade_is_a_whole_database_for_its_owner_alone(settings: Any, runner: Run) -> None:
    told(runner("init", "--college", "yangzhou-polytechnic", "--json"))
    copy = installation.back_up(settings.home / "qaflow.db", settings.home, NOW)
    assert copy.parent == settings.home / "backups" and copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert connection.execute("select key from college").fetchall() == [("yangzhou-polytechnic",)]


def test_example_writes_a_college_that_checks_and_loads(runner: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert "college.yaml" in told(runner("init", "--example", str(folder), "--json"))["files"]
    assert "#" in (folder / "college.yaml").read_text(encoding="utf-8")
    assert told(runner("workflow", "check", str(folder), "--json"))["ok"] is True
    assert told(runner("init", "--college", str(folder), "--json"))["colleges"][0]["state"] == "loaded"


def test_example_refuses_a_folder_that_is_not_empty(runner: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.txt").write_text("kept")
    assert told(runner("init", "--example", str(tmp_path / "mine"), "--json"), 4)["code"] == "folder.not_empty"
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["mine.txt"]


def test_example_with_another_option_is_a_usage_error(runner: Run, tmp_path: Path) -> None:
    assert runner("init", "--example", str(tmp_path / "mine"), "--sandbox").exit_code == 2
    assert not (tmp_path / "mine").exists()


def test_both_databases_load_a_college_and_take_its_changes_over(store_app: Flask, own: Path) -> None:
    session = db.db.session
    installation.create(session, OPERATOR, sandbox=False)
    wuhan = loader.load_folder(data_dir("workflows") / "wuhan-software")
    loading.load_college(session, OPERATOR, wuhan)
    assert loading.renew_college(session, OPERATOR, wuhan, write=False)["differences"] == []
    loading.load_college(session, OPERATOR, loader.load_folder(own))
    (own / "points.yaml").unlink()
    edit(own / "tasks.yaml", "point:", "note: ")
    edit(own / "organisation.yaml", "duties:", f"{LIBRARY}duties:")
    told = loading.renew_college(session, OPERATOR, loader.load_folder(own), write=True)
    assert {(d["what"], d["change"]) for d in told["differences"]} == {
        ("unit", "new"), ("subject", "new"), ("frame", "gone"), ("control_point", "gone"), ("plan_task", "changed"),
    }  # fmt: skip
    assert loading.renew_college(session, OPERATOR, loader.load_folder(own), write=True)["differences"] == []
    assert driver(session).value(db.Sql("select count(*) from frame where level = 'point'")) == 90


def test_a_track_on_which_cycles_run_cannot_leave_the_files(app: Flask, own: Path) -> None:
    session = db.db.session
    installation.create(session, OPERATOR, sandbox=False)
    loading.load_college(session, OPERATOR, loader.load_folder(own))
    started(session, "se")
    edit(own / "college.yaml", "  - key: annual\n", "  - key: yearly\n")
    changed = loader.load_folder(own)
    assert loading.renew_college(session, OPERATOR, changed, write=False)["kept"] == ["track school annual"]
    with pytest.raises(Refused, match="school annual"):
        loading.renew_college(session, OPERATOR, changed, write=True)
    assert driver(session).all(db.Sql("select key from track where layer = 'school'")) == [("annual",)]


def started(session: Any, unit: str) -> None:
    """Give a unit a responsible person and start its year."""

    def staff(d: db.Driver) -> None:
        writer = Writer(d, OPERATOR)
        (person,) = accounts.add_people(d, writer, OPERATOR, 1, [("dean", "院长")])
        answers = db.Sql("update subject set responsible_id = :person where code = :code")
        d.run(answers, {"person": person, "code": unit})
        writer.flush()

    transact(session, staff)
    starting.on_demand(session, OPERATOR, None, "own-college", "school", unit, "annual", "2026-03-02")
