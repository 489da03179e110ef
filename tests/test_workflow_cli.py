"""`qaflow workflow`: check, list, show, draw, publish and migrate, on a real database."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import Result
from flask import Flask

from qaflow.engine import loader
from qaflow.paths import data_dir
from qaflow.services.accounts import book as accounts
from qaflow.services.college import view
from qaflow.services.definitions import loading
from qaflow.services.places import subjects
from qaflow.services.running import installation
from qaflow.services.work import Origin, Writer, transact
from qaflow.store import colleges, journal
from qaflow.store.db import Driver, Sql, db, driver

Run = Callable[..., Result]
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OPERATOR = Origin(now=NOW, recorded=NOW, door="cli", account="operator")
KEY = "own-college.course-construction"
LAPSE = ("layer: course", "layer: course\non_period_end: lapse")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a folder with the example college."""
    return Path(shutil.copytree(data_dir("workflows") / "example", tmp_path / "own"))


@pytest.fixture
def office(app: Flask, own: Path) -> Path:
    """Load the example into a sandbox with a quality officer `qo`, a teacher `t1` and two courses of theirs."""
    installation.create(db.session, OPERATOR, sandbox=True)
    loading.load_college(db.session, OPERATOR, loader.load_folder(own))
    transact(db.session, _staff)
    return own


def _staff(driver: Driver) -> None:
    row = colleges.by_key(driver, "own-college")
    assert row is not None
    college, writer = view(db.session, driver, row.id), Writer(driver, OPERATOR)
    officer, teacher = accounts.add_people(driver, writer, OPERATOR, row.id, [("qo", "质量员"), ("t1", "教师甲")])
    accounts.grant(driver, writer, OPERATOR, college, officer, "quality_office")
    unit = driver.value(Sql("select id from unit where code = 'se-web'"))
    courses = [subjects.NewSubject("course", code, code, unit, teacher) for code in ("c1", "c2")]
    subjects.add_subjects(db.session, driver, writer, OPERATOR, college, courses)
    writer.flush()


def told(result: Result, exit_code: int = 0) -> dict[str, Any]:
    """Return the one JSON document of a command that ended as expected."""
    assert result.exit_code == exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def ask(query: str) -> list[Any]:
    """Return rows, and let go of the database again, for the next command writes."""
    found = driver(db.session).all(Sql(query))
    db.session.rollback()
    return found


def edit(file: Path, *changes: tuple[str, str]) -> Path:
    """Change texts that must stand in the file."""
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")
    return file


def nowhere(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a home that nobody has made."""
    return {"QAFLOW_HOME": str(tmp_path / "nowhere")}


def test_check_reports_every_fault_of_every_file_at_once_with_its_place(runner: Run, own: Path) -> None:
    edit(own / "college.yaml", ("above: major_leader}", "above: major_leder}"))
    edit(own / "tasks.yaml", ("month:", "moth:"))
    result = runner("workflow", "check", str(own))
    assert result.exit_code == 3
    assert f"{own}/college.yaml:16:" in result.stdout and 'did you mean "major_leader"?' in result.stdout
    assert f"{own}/tasks.yaml:" in result.stdout and 'did you mean "month"?' in result.stdout
    document = told(runner("workflow", "check", str(own), "--json"), 3)
    assert document["ok"] is False and len(document["items"]) == document["summary"]["errors"] >= 2
    assert all(i["line"] >= 1 and i["col"] >= 1 and i["code"] and i["remedy"] for i in document["items"])


def test_check_finds_the_packaged_colleges_sound(runner: Run) -> None:
    document = told(runner("workflow", "check", str(data_dir("workflows")), "--json"))
    assert document["items"] == [] and len(document["summary"]["colleges"]) == 6


def test_check_of_a_file_that_is_not_there_is_a_fault(runner: Run, tmp_path: Path) -> None:
    document = told(runner("workflow", "check", str(tmp_path / "none.yaml"), "--json"), 3)
    assert [i["code"] for i in document["items"]] == ["file.missing"]


def test_list_without_a_database_shows_the_packaged_ones_and_makes_nothing(runner: Run, tmp_path: Path) -> None:
    document = told(runner("workflow", "list", "--json", **nowhere(tmp_path)))
    assert document["source"] == "packaged" and len(document["items"]) == 38
    assert {i["college"] for i in document["items"]} == {
        "jiangsu-engineering", "shangluo", "wuhan-software", "xiangyang-auto", "yangzhou-polytechnic",
    }  # fmt: skip
    assert not (tmp_path / "nowhere" / "qaflow.db").exists()


def test_list_shows_what_is_published_and_how_many_cycles_run_on_it(runner: Run, office: Path) -> None:
    start(runner, "c1")
    document = told(runner("workflow", "list", "--json"))
    assert document["source"] == "database"
    (item,) = [i for i in document["items"] if i["key"] == KEY]
    definition = loader.read(office / "definitions" / "course-construction.yaml").value
    assert item["version"] == 1 and item["college"] == "own-college" and item["running"] == 1
    assert item["stages"] == list(definition.order) and item["hash"] == definition.hash


def test_show_prints_a_file_that_reads_back_to_the_same_definition(runner: Run, office: Path) -> None:
    shown = runner("workflow", "show", KEY)
    assert loader.read(shown.stdout, name="shown").value.hash == told(runner("workflow", "show", KEY, "--json"))["hash"]


def test_show_of_an_unknown_key_names_the_nearest(runner: Run, tmp_path: Path) -> None:
    document = told(runner("workflow", "show", "shangluo.school-anual", "--json", **nowhere(tmp_path)), 3)
    assert document["code"] == "definition.not_found" and "shangluo.school-annual" in document["detail"]
    document = told(runner("workflow", "show", "shangluo.school-annual", "--version", "9", "--json"), 3)
    assert "version 9" in document["detail"]


@pytest.mark.parametrize(("form", "root"), [("svg", "svg"), ("bpmn", "definitions")])
def test_draw_writes_xml_of_the_named_form(runner: Run, tmp_path: Path, form: str, root: str) -> None:
    out = tmp_path / f"drawn.{form}"
    told(runner("workflow", "draw", "shangluo.school-annual", "--format", form, "--out", str(out), "--json"))
    assert ElementTree.parse(out).getroot().tag.endswith(root)


def test_draw_takes_a_file_and_a_language(runner: Run, own: Path) -> None:
    file = str(own / "definitions" / "course-construction.yaml")
    definition = loader.read(Path(file)).value
    chinese = runner("workflow", "draw", file, "--format", "mermaid", "--lang", "zh").stdout
    english = runner("workflow", "draw", file, "--format", "mermaid", "--lang", "en").stdout
    assert chinese.startswith("---") and definition.name.zh in chinese and definition.name.en in english


def test_draw_of_a_faulty_file_names_its_faults(runner: Run, own: Path) -> None:
    file = edit(own / "definitions" / "course-construction.yaml", ("submit: responsible", "submitt: responsible"))
    document = told(runner("workflow", "draw", str(file), "--json"), 3)
    assert document["code"] == "def.invalid" and 'did you mean "submit"?' in document["errors"][0]["remedy"]


def test_publish_stores_a_new_version_once(runner: Run, office: Path) -> None:
    file = edit(office / "definitions" / "course-construction.yaml", ("version: 1", "version: 2"))
    first = told(runner("workflow", "publish", str(file), "--as", "qo", "--json"))
    again = told(runner("workflow", "publish", str(file), "--as", "qo", "--json"))
    assert first["published"] is True and again["published"] is False and first["hash"] == again["hash"]
    facts = [e for e in journal.read(driver(db.session), "college:own-college") if e.kind == "DefinitionPublished"]
    assert json.loads(facts[-1].data)["version"] == 2 and len(facts) == 4
    ((officer,),) = ask("select id from person where login = 'qo'")
    assert facts[-1].actor == str(officer) and facts[-1].definition == first["hash"]


def test_publish_refuses_other_content_under_a_stored_version(runner: Run, office: Path) -> None:
    file = edit(office / "definitions" / "course-construction.yaml", LAPSE)
    document = told(runner("workflow", "publish", str(file), "--as", "qo", "--json"), 4)
    assert document["code"] == "definition.version_taken"
    assert ask(f"select version from definition where key = '{KEY}'") == [(1,)]


def test_publish_warns_where_the_role_has_fewer_people_than_signatures_needed(runner: Run, office: Path) -> None:
    file = edit(office / "definitions" / "course-construction-year.yaml", ("version: 1", "version: 2"),
                ("{role: major_leader, need: one}", "{role: major_leader, need: quorum, quorum: 2}"))  # fmt: skip
    document = told(runner("workflow", "publish", str(file), "--as", "qo", "--json"))
    assert document["published"] is True
    assert {w["code"] for w in document["warnings"]} == {"def.quorum_unreachable"}


def test_publish_checks_first_against_the_roles_of_the_college(runner: Run, office: Path) -> None:
    file = edit(office / "definitions" / "course-construction.yaml", ("version: 1", "version: 2"),
                ("role: major_leader", "role: major_leder"))  # fmt: skip
    document = told(runner("workflow", "publish", str(file), "--as", "qo", "--json"), 3)
    assert document["code"] == "def.invalid" and "major_leader" in document["errors"][0]["remedy"]


def test_publish_is_the_quality_offices_right(runner: Run, office: Path) -> None:
    file = edit(office / "definitions" / "course-construction.yaml", ("version: 1", "version: 2"))
    assert told(runner("workflow", "publish", str(file), "--as", "t1", "--json"), 5)["code"] == "action.forbidden"
    assert told(runner("workflow", "publish", str(file), "--json"), 5)["code"] == "actor.unproven"


def test_publish_takes_a_definition_only(runner: Run, office: Path) -> None:
    document = told(runner("workflow", "publish", str(office / "calendar.yaml"), "--as", "qo", "--json"), 3)
    assert document["code"] == "def.not_definition"


def start(runner: Run, course: str) -> None:
    """Start a cycle of course construction."""
    told(runner("cycle", "start", "--college", "own-college", "--layer", "course", "--subject", course, "--track",
                "construction", "--date", "2026-03-02", "--as", "qo", "--json"))  # fmt: skip


def second_version(runner: Run, office: Path, *changes: tuple[str, str]) -> None:
    """Publish version 2 of course construction with changes."""
    file = edit(office / "definitions" / "course-construction.yaml", ("version: 1", "version: 2"), *changes)
    told(runner("workflow", "publish", str(file), "--as", "qo", "--json"))


def facts_of_migration() -> list[Any]:
    """Return the facts that moved cycles."""
    return ask("select stream, definition from journal where kind = 'DefinitionMigrated'")


def test_a_dry_run_says_where_each_cycle_lands_and_moves_none(runner: Run, office: Path) -> None:
    start(runner, "c1")
    start(runner, "c2")
    second_version(runner, office, LAPSE)
    document = told(runner("workflow", "migrate", KEY, "--to", "2", "--dry-run", "--as", "qo", "--json"))
    assert [i["subject"]["code"] for i in document["items"]] == ["c1", "c2"]
    assert all(i["lands"] == i["state"] and not i["moved"] for i in document["items"]) and document["fit"] == 2
    assert facts_of_migration() == []


def test_migrate_moves_those_that_fit_with_one_fact_each(runner: Run, office: Path) -> None:
    start(runner, "c1")
    start(runner, "c2")
    second_version(runner, office, LAPSE)
    document = told(runner("workflow", "migrate", KEY, "--to", "2", "--as", "qo", "--json"))
    assert document["moved"] == 2
    assert sorted(stream for stream, _ in facts_of_migration()) == ["cycle:1", "cycle:2"]
    items = told(runner("workflow", "list", "--json"))["items"]
    listed = {i["version"]: i["running"] for i in items if i["key"] == KEY}
    assert listed == {1: 0, 2: 2}
    assert told(runner("workflow", "migrate", KEY, "--to", "2", "--as", "qo", "--json"))["items"] == []
    assert told(runner("workflow", "migrate", KEY, "--to", "1", "--as", "qo", "--json"))["moved"] == 2  # and back


def test_migrate_says_why_a_cycle_does_not_fit_and_leaves_it(runner: Run, office: Path) -> None:
    start(runner, "c1")
    first = loader.read(office / "definitions" / "course-construction.yaml").value.order[0]
    second_version(runner, office, (f"  - key: {first}\n", "  - key: opening\n    covers: [goal, standard, design]\n"))
    document = told(runner("workflow", "migrate", KEY, "--to", "2", "--as", "qo", "--json"))
    (item,) = document["items"]
    assert item["why"] == f"stage {first} does not exist in version 2" and item["moved"] is False
    assert facts_of_migration() == []


def test_migrate_to_a_version_that_is_not_published_is_refused(runner: Run, office: Path) -> None:
    document = told(runner("workflow", "migrate", KEY, "--to", "7", "--as", "qo", "--json"), 3)
    assert document["code"] == "definition.not_found"
