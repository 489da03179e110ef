"""P32: no text of an export is a formula wherever it is opened, and an import of the export gives the same texts."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from peopled import KEY, World
from processes import tell

from qaflow.services.files import imports
from qaflow.services.tasks import files as task_files
from qaflow.services.words import clean_name
from qaflow.services.work import transact
from qaflow.store import tasks as rows
from qaflow.store.content import put_many
from qaflow.store.db import Driver

Run = Callable[..., Result]
PREFIXES = (
    "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "−", "|", "%", "'", "''", "'=", "''=", " =", "  +",
    "\t=", "\r=", "\n=", "\u3000=", "\u00a0=", "\u200b=", "\ufeff=", ";=", ",=", '"=', '"', "=1+1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0", "@SUM(1)", "+1-1", "-2+3", "=\u00a01", "{=1}", "=DDE(1)",
)  # fmt: skip
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
KINDS = ("grid", "tasks")


def text(number: int, where: str) -> str:
    """Return the text of a field that begins with one of the prefixes."""
    return f"{PREFIXES[number]}{where}{number}"


def planted(world: World) -> None:
    """Plant the prefixes in every text field of a task that leaves by an export: one task a prefix."""

    def body(d: Driver) -> None:
        college, results = world.college(d).id, [(text(n, "result"), b"salt") for n in range(len(PREFIXES))]
        hashes = put_many(d, results)
        unit = d.reserve("unit", len(PREFIXES))
        people = d.reserve("person", len(PREFIXES))
        goal = d.reserve("goal", len(PREFIXES))
        tasks = d.reserve("plan_task", len(PREFIXES))
        every = range(len(PREFIXES))
        d.insert_rows("unit", ("id", "college_id", "code", "kind", "name_zh", "name_en", "aliases"), [
            (unit[n], college, f"u{n}", "teaching", text(n, "unit"), f"u{n}", "[]") for n in every])  # fmt: skip
        d.insert_rows("person", ("id", "college_id", "login", "name", "language", "created_at", "version", "head",
                                 "is_system"), [
            (people[n], college, f"p{n}", text(n, "name"), "zh", "2025-09-01T00:00:00.000000Z", 0, "", False)
            for n in every])  # fmt: skip
        d.insert_rows("goal", ("id", "college_id", "source", "layer", "key", "text_zh", "text_en", "unit_codes",
                               "body"), [
            (goal[n], college, "entered", "school", text(n, "goal"), "x", "x", "[]", "{}") for n in every])  # fmt: skip
        columns = ("id", "college_id", "plan", "no", "title_zh", "title_en", "departments", "owner_unit_id",
                   "point_code", "task_kind", "origin", "recurs", "state", "late_warned", "body", "owner_id", "goal_id",
                   "cost", "result", "year", "loaded")  # fmt: skip
        d.insert_rows("plan_task", columns, [
            (tasks[n], college, "p32", n + 1, text(n, "title"), text(n, "english"), f'["u{n}"]', unit[n],
             text(n, "point"), "key", "plan", False, "planned", False, "{}", people[n], goal[n], -5.5 * n, hashes[n],
             2025, False) for n in every])  # fmt: skip

    transact(world.session, body)


@pytest.fixture
def world(app: Flask) -> World:
    """Return a college whose tasks bear the prefixes."""
    found = World()
    planted(found)
    return found


def written(app: Flask, world: World, kind: str, form: str) -> tuple[list[list[Any]], bytes]:
    """Return the cells of an export as they were given, headings first, and the file."""
    leaves = task_files.export(world.session, world.origin(), KEY, kind, year=2025, unit=None, language="zh")
    ports = app.extensions["qaflow"]
    data = (ports.workbooks if form == "xlsx" else ports.tables).write(leaves)
    return [list(leaves[0].headings), *[list(row) for row in leaves[0].rows]], data


def bare(value: Any) -> Any:
    """Return what a cell must hold when it is opened: a text, a number, or nothing."""
    value = getattr(value, "value", value)
    return None if value == "" else value


def test_there_are_forty_prefixes_and_each_stands_in_every_text_field(app: Flask, world: World) -> None:
    cells, _ = written(app, world, "tasks", "csv")
    mine = [row for row in cells if "p32" in row]

    assert len(PREFIXES) == len(set(PREFIXES)) == len(mine) == 40
    for name in ("title", "english", "unit", "goal", "point", "result", "name"):
        bears = [any(name in str(bare(cell)) for cell in row) for row in mine]
        assert sum(bears) == (37 if name == "unit" else 40), name  # a name with a separator gives way to the code


@pytest.mark.parametrize("kind", KINDS)
def test_a_workbook_holds_the_texts_as_texts_and_no_formula(app: Flask, world: World, kind: str) -> None:
    cells, data = written(app, world, kind, "xlsx")

    sheet = load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    opened = list(sheet.iter_rows())
    assert [cell.data_type for row in opened for cell in row if cell.data_type == "f"] == []
    wanted = [[bare(value) for value in row] for row in cells]
    seen = [[unescape(cell.value) if isinstance(cell.value, str) else cell.value for cell in row] for row in opened]
    assert seen == wanted
    tell(f"P32: {kind}.xlsx, {sum(len(row) for row in opened)} cells re-opened with openpyxl, no formula among them")


@pytest.mark.parametrize("kind", KINDS)
def test_a_csv_file_begins_no_text_as_a_formula_and_numbers_stay_numbers(app: Flask, world: World, kind: str) -> None:
    cells, data = written(app, world, kind, "csv")

    opened = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(opened) == len(cells)
    for row, given in zip(opened, cells, strict=True):
        for cell, value in zip(row, map(bare, given), strict=True):
            if isinstance(value, (int, float)):
                assert float(cell) == value
            else:
                assert not cell.strip().lstrip("\u200b\ufeff").strip().startswith(SIGNS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_import_of_the_export_gives_the_same_texts(app: Flask, kind: str, form: str) -> None:
    """Texts as people enter them: without blanks around them and signs that cannot be seen."""
    world = World()
    titles = {n + 1: clean_name(text(n, "title").strip()) for n in range(len(PREFIXES))}
    transact(world.session, lambda d: rows.add(d, world.college(d).id, [
        dict.fromkeys(rows.FIELDS) | {"plan": "p32", "no": no, "title_zh": title, "title_en": title, "origin": "plan",
                                      "departments": "[]", "task_kind": "key", "due": "2025-12-01"}
        for no, title in titles.items()]))  # fmt: skip
    before = world.rows("select * from plan_task order by id")
    cells, data = written(app, world, kind, form)

    report = imports.run(world.session, world.origin(), "tasks", data, f"t.{form}", college=KEY)

    assert (report["new"], report["updated"], report["unchanged"]) == (0, 0, len(cells) - 1)
    assert world.rows("select * from plan_task order by id") == before


def test_the_command_line_writes_what_it_can_take_back(runner: Run, world: World, tmp_path: Path) -> None:
    world.rows("select 1")
    for kind in KINDS:
        for form in ("csv", "xlsx"):
            out = tmp_path / f"{kind}.{form}"
            told = runner("export", kind, "--year", "2025", "--language", "en", "--out", str(out))
            assert told.exit_code == 0, told.output
            assert out.stat().st_size > 1000 and "tasks" in told.output
    wrong = runner("export", "grid", "--out", str(tmp_path / "grid.pdf"))
    assert wrong.exit_code == 2 and "*.xlsx or *.csv" in wrong.output
    assert runner("export", "grid", "--unit", "nowhere", "--out", str(out)).exit_code == 3
    assert not (tmp_path / "grid.pdf").exists()


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_libreoffice_opens_the_texts_as_texts(app: Flask, world: World, tmp_path: Path, kind: str, form: str) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    assert office is not None, "LibreOffice is not there: make test-browser installs it"
    cells, data = written(app, world, kind, form)
    file = tmp_path / f"out.{form}"
    file.write_bytes(data)

    subprocess.run([office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to",
                    "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "seen"), str(file)],
                   check=True, timeout=180, capture_output=True)  # fmt: skip

    sheet = load_workbook(tmp_path / "seen" / "out.xlsx").active
    assert sheet is not None
    opened = list(sheet.iter_rows())
    assert [cell.coordinate for row in opened for cell in row if cell.data_type == "f"] == []
    assert len(opened) == len(cells)
