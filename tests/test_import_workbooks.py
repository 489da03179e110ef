"""Imports of workbooks (xlsx, xls): each kind of bad file is refused with sheet and cell (bad input, 29 to 50; P30)."""

import datetime as dt
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import badbooks as bad
import pytest
from flask import Flask
from peopled import World
from test_imports import counts, state, take

from qaflow.errors import Invalid
from qaflow.services.files import cells, imports, tabular

PEOPLE, DAYS = bad.PEOPLE, bad.DAYS
HEADINGS = PEOPLE[0]
GOOD = bad.xlsx(PEOPLE)
COLUMNS = (
    cells.Column(key="code", zh="代码", what="code", required=True),
    cells.Column(key="name", zh="名称"),
    cells.Column(key="at", zh="时间", what="moment"),
    cells.Column(key="value", zh="数值", what="number"),
)
MB = 2**20


@pytest.fixture
def world(app: Flask) -> World:
    """Return a peopled college on SQLite."""
    return World()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Any:
    """Return one college for all refusals: they change nothing."""
    from conftest import SECRET, entered

    from qaflow.config import Settings

    file = tmp_path_factory.mktemp("shared") / "qaflow.db"
    file.write_bytes(sqlite_template.read_bytes())
    for _ in entered(Settings(home=file.parent, database_url=f"sqlite:///{file}", secret_key=SECRET)):
        yield World()


def refusal(data: bytes, name: str = "people.xlsx", **options: Any) -> Invalid:
    """Return the refusal of a file as such."""
    with pytest.raises(Invalid) as told:
        tabular.read(data, name, imports.kinds()["people"].columns, **options)
    return told.value


def table(rows: bad.Rows, name: str = "a.xlsx", **options: Any) -> list[list[Any]]:
    """Return the cells that a sheet of a code, a name, an instant and a number is read as."""
    data = bad.xlsx(rows, **options) if name.endswith("x") else bad.xls(rows)
    found = tabular.read(data, name, COLUMNS)
    found.faults.raise_any()
    return [[row[c.key] for c in COLUMNS] for row in found.rows]


# What goes in


@pytest.mark.parametrize("make", [bad.xlsx, bad.xls], ids=["xlsx", "xls"])
def test_people_go_in_from_a_workbook_and_the_second_time_nothing_changes(
    store_app: Flask, make: Callable[..., bytes]
) -> None:
    world = World()
    data = make([*PEOPLE, ("wu", "=1+1", "en", "diagnostician")])

    first = imports.run(world.session, world.origin(), "people", data, "people.xlsx")
    after = state(world)
    again = imports.run(world.session, world.origin(), "people", data, "people.xlsx")

    assert (counts(first), counts(again)) == ((2, 0, 0), (0, 0, 2))
    assert world.rows("select name from person where login in ('li', 'wu') order by login") == [("李某",), ("=1+1",)]
    assert state(world) == after


def test_what_a_file_is_its_content_says_not_its_name(shared: World) -> None:
    for data, name in ((GOOD, "people.csv"), (bad.xls(PEOPLE), "people.xlsx"), (b"login,name\nli,L\n", "people.txt")):
        assert len(tabular.read(data, name, imports.kinds()["people"].columns).rows) == 1


def test_numbers_and_days_of_a_sheet_are_read_as_a_person_reads_them() -> None:
    at = dt.datetime(2026, 3, 4, 8, 30)  # noqa: DTZ001 - as it stands in the sheet
    rows = [("code", "名称", "at", "value"), (12, 7, at, 0.1), ("13", "x", dt.date(2026, 3, 4), 1e-7), ("1e5",)]

    for name in ("a.xlsx", "a.xls"):
        assert table(rows, name) == [
            ["12", "7", at, 0.1],
            ["13", "x", dt.datetime(2026, 3, 4), 1e-7],  # noqa: DTZ001
            ["1e5", None, None, None],
        ]


def test_a_workbook_that_counts_from_1904_gives_the_same_days() -> None:
    rows = [("code", "at"), ("a", dt.date(2026, 3, 4))]

    assert table(rows, options={"date_1904": True})[0][2] == dt.datetime(2026, 3, 4)  # noqa: DTZ001


def test_hidden_rows_are_read_and_told_and_so_is_the_sheet_that_was_read(world: World) -> None:
    more = {"Notes": [("free text",)]}

    def hide(_: Any, sheet: Any) -> None:
        sheet.set_row(1, None, None, {"hidden": True})

    data = bad.xlsx(PEOPLE, more=more, change=hide)
    report = imports.run(world.session, world.origin(), "people", data, "people.xlsx")

    assert counts(report) == (1, 0, 0)
    assert report["notices"] == ["the sheet Sheet1 was read; not read: Notes (choose with --sheet)",
                                 "1 hidden row(s) were read like all others: 2"]  # fmt: skip


def test_hidden_rows_of_an_older_workbook_are_told_too() -> None:
    def hide(_: Any, sheet: Any) -> None:
        sheet.row(1).hidden = True

    found = tabular.read(bad.xls(PEOPLE, hide), "people.xls", imports.kinds()["people"].columns)

    assert (len(found.rows), found.notices) == (1, ["1 hidden row(s) were read like all others: 2"])


def test_the_sheet_is_chosen_by_its_name() -> None:
    data = bad.xlsx([("free text",)], more={"人员": PEOPLE})

    assert refusal(data).code == "header.missing"
    assert refusal(data, sheet="Sheet2").code == "sheet.unknown"
    assert len(tabular.read(data, "people.xlsx", imports.kinds()["people"].columns, sheet="人员").rows) == 1


def test_a_sheet_that_says_it_is_endless_is_bounded_by_its_real_rows() -> None:
    sheet = bad.parts(GOOD)["xl/worksheets/sheet1.xml"]
    lies = sheet.replace(b"A1:D2", b"A1:XFD1048576").replace(
        b"</sheetData>", b'<row r="1048576"><c r="A1048576" t="str"><v>wu</v></c><c r="B1048576" t="str"><v>W</v></c>'
        b"</row></sheetData>")  # fmt: skip
    assert lies.count(b"1048576") == 4

    found = tabular.read(bad.altered(GOOD, worksheets__sheet1=lies), "people.xlsx", imports.kinds()["people"].columns)

    assert [row.line for row in found.rows] == [2, 1048576]


# Kinds of bad file


def formula(_: Any, sheet: Any) -> None:
    """Write a formula that would go out to another machine."""
    sheet.write_formula(1, 1, '=HYPERLINK("http://127.0.0.1/x")', None, "li")


def merge(book: Any, sheet: Any) -> None:
    """Merge two cells of a row."""
    sheet.merge_range(3, 0, 3, 1, "wu", book.add_format())


def title(book: Any, sheet: Any) -> None:
    """Merge a title over the headings."""
    sheet.merge_range(0, 0, 0, 3, "人员一览", book.add_format())


LI = ("li", "李某", "zh", "")
STRINGS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&x;</t></si></sst>'
XXE = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + STRINGS
REMOTE = b'<?xml version="1.0"?><!DOCTYPE s SYSTEM "http://127.0.0.1:9/x.dtd">' + STRINGS
PARAMETER = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>' + STRINGS
HAHA = b"".join(b'<!ENTITY %c "%s">' % (n, b"&%c;" % (n - 1) * 10) for n in range(98, 120))
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "ha">' + HAHA + b"]>" + STRINGS
QUADRATIC = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x "' + b"a" * 100_000 + b'">]>' + STRINGS.replace(
    b"&x;", b"&x;" * 1000)  # fmt: skip
WIDE = "\ufeff<?xml version='1.0' encoding='utf-16'?><!DOCTYPE s [<!ENTITY x 'y'>]><s/>".encode("utf-16-le")

FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "csv renamed": (lambda: b"login,name\nli,L\n", "file.not_xlsx"),
    "html": (lambda: b"<html><table><tr><td>login</td></tr></table></html>", "file.not_xlsx"),
    "xml": (lambda: b"<?xml version='1.0'?><Workbook/>", "file.not_xlsx"),
    "pdf": (lambda: b"%PDF-1.7\n", "file.not_xlsx"),
    "ods": (bad.ods, "file.not_xlsx"),
    "word": (lambda: bad.packed([("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]), "file.not_xlsx"),
    "encrypted": (bad.encrypted, "file.not_xlsx"),
    "cut off at 500 bytes": (lambda: GOOD[:500], "file.not_xlsx"),
    "cut off near its end": (lambda: GOOD[:-30], "file.not_xlsx"),
    "old and cut off": (lambda: bad.xls(PEOPLE)[:700], "file.not_xlsx"),
    "old and damaged": (lambda: bad.xls(PEOPLE).replace(b"\x09\x08", b"\xff\xff"), "file.not_xlsx"),
    "no zip behind its mark": (lambda: b"PK\x03\x04" + b"\0" * 3000, "file.not_xlsx"),
    "damaged sheet": (lambda: bad.altered(GOOD, worksheets__sheet1=b"<worksheet><row>"), "file.not_xlsx"),
    "damaged workbook part": (lambda: bad.altered(GOOD, workbook=b"<a/>"), "file.not_xlsx"),
    "empty": (lambda: b"", "file.empty"),
    "empty workbook": (lambda: bad.xlsx([]), "file.empty"),
    "headings only": (lambda: bad.xlsx([HEADINGS]), "file.empty"),
    "bomb of 20 MB": (lambda: bad.with_entry(GOOD, "xl/worksheets/sheet9.xml", b" " * 20 * MB),
                     "archive.expands_too_much"),
    "bomb of 3 GB": (lambda: bad.zeros(3 * 2**30), "archive.expands_too_much"),
    "200,000 entries": (lambda: many(200_000), "archive.expands_too_much"),
    "many entries": (lambda: many(10_001), "archive.expands_too_much"),
    "lying header": (lambda: bad.lying(GOOD, "xl/worksheets/sheet1.xml", 100), "archive.expands_too_much"),
    "overlapping": (lambda: bad.overlapping(GOOD, 300), "archive.expands_too_much"),
    "nested": (lambda: bad.with_entry(GOOD, "xl/more.bin", GOOD), "archive.expands_too_much"),
    "nested by name": (lambda: bad.with_entry(GOOD, "xl/embeddings/a.zip"), "archive.expands_too_much"),
    "texts of 40 MB": (lambda: bad.with_entry(GOOD, "xl/texts.xml", noise(40 * MB)), "archive.expands_too_much"),
    "xxe": (lambda: bad.altered(GOOD, sharedStrings=XXE), "xml.entity_forbidden"),
    "xxe from afar": (lambda: bad.altered(GOOD, sharedStrings=REMOTE), "xml.entity_forbidden"),
    "xxe by parameter": (lambda: bad.altered(GOOD, sharedStrings=PARAMETER), "xml.entity_forbidden"),
    "billion laughs": (lambda: bad.altered(GOOD, sharedStrings=LAUGHS), "xml.entity_forbidden"),
    "quadratic": (lambda: bad.altered(GOOD, worksheets__sheet1=QUADRATIC), "xml.entity_forbidden"),
    "entities in utf-16": (lambda: bad.altered(GOOD, styles=WIDE), "xml.entity_forbidden"),
    "entities behind a long comment": (
        lambda: bad.altered(GOOD, styles=b"<!--" + noise(2 * MB) + b"-->" + XXE[21:]), "xml.entity_forbidden"),
    "entities in a sheet of another name": (
        lambda: bad.renamed(bad.altered(GOOD, worksheets__sheet1=QUADRATIC), "sheet1.xml", "sheet1.dat"),
        "xml.entity_forbidden"),
    "upwards": (lambda: bad.with_entry(GOOD, "../../x"), "archive.bad_entry"),
    "absolute": (lambda: bad.with_entry(GOOD, "/etc/x"), "archive.bad_entry"),
    "backslash": (lambda: bad.raw_name(bad.with_entry(GOOD, "xl/a_b"), b"xl/a_b", b"xl\\a_b"), "archive.bad_entry"),
    "drive": (lambda: bad.with_entry(GOOD, "C:x"), "archive.bad_entry"),
    "NUL": (lambda: bad.raw_name(bad.with_entry(GOOD, "xl/a_b"), b"xl/a_b", b"xl/a\0b"), "archive.bad_entry"),
    "device": (lambda: bad.with_entry(GOOD, "xl/NUL.xml"), "archive.bad_entry"),
    "symlink": (lambda: bad.symlink(GOOD), "archive.bad_entry"),
    "twice": (lambda: bad.with_entry(GOOD, "XL/workbook.xml"), "archive.bad_entry"),
    "macros": (lambda: bad.with_entry(GOOD, "xl/vbaProject.bin"), "file.macros"),
    "macros of the older kind": (lambda: bad.xls(PEOPLE) + "_VBA_PROJECT".encode("utf-16-le"), "file.macros"),
    "title over the headings": (lambda: bad.xlsx([(), *PEOPLE], change=title), "header.missing"),
    "headings in row 3": (lambda: bad.xlsx([("people",), (), *PEOPLE]), "header.missing"),
    "heading twice": (lambda: bad.xlsx([(*HEADINGS[:3], "login"), LI]), "header.duplicate"),
    "heading renamed": (lambda: bad.xlsx([("login", "name", "langage"), LI[:3]]), "header.unknown"),
    "heading missing": (lambda: bad.xlsx([("login", "language"), ("li", "zh")]), "header.missing"),
}  # fmt: skip


def noise(size: int) -> bytes:
    """Return a text that packs badly enough to pass for one."""
    line = "".join(chr(97 + n * n % 26) for n in range(997)).encode()
    made = b"".join(line[n % 997 :] + b"%d" % n for n in range(size // 500))
    return made[:size]


def many(number: int) -> bytes:
    """Return a workbook with many entries in its directory."""
    return bad.overlapping(bad.with_entry(GOOD, "xl/0000000000.xml"), number)


@pytest.mark.parametrize("name", FILES)
def test_each_kind_of_bad_workbook_is_refused_quickly_and_nothing_is_written(shared: World, name: str) -> None:
    make, code = FILES[name]
    data = make()
    before, held, start = state(shared), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()

    with pytest.raises(Invalid) as told:
        imports.run(shared.session, shared.origin(), "people", data, "people.xlsx")

    spent, grown = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    assert told.value.code == code
    assert told.value.errors[0]["at"].startswith("people.xlsx")  # type: ignore[index]
    assert state(shared) == before
    assert spent < 2 and grown < 200 * 1024, f"{spent} s, {grown} kB"


def test_what_a_file_seems_to_be_is_said() -> None:
    assert "CSV" in refusal(b"login,name\nli,L\n").detail
    assert "OpenDocument" in refusal(bad.ods()).detail
    assert "web page" in refusal(b"<!DOCTYPE html><html></html>").detail
    assert "password" in refusal(bad.encrypted()).detail


@pytest.mark.parametrize("name", ["csv", "dense small part", "notes beside", "no entity but a comment"])
def test_the_nearest_good_twin_is_accepted(shared: World, name: str) -> None:
    commented = b"<?xml version='1.0'?><!-- <!DOCTYPE not> -->" + bad.parts(GOOD)["xl/styles.xml"].split(b"?>", 1)[1]
    data = {
        "csv": b"login,name\nli,L\n",
        "dense small part": bad.with_entry(GOOD, "xl/worksheets/sheet9.xml", b" " * MB),
        "notes beside": bad.with_entry(GOOD, "xl/notes.xml", b"<x/>"),
        "no entity but a comment": bad.altered(GOOD, styles=commented),
    }[name]

    assert counts(take(shared, "people", data, dry_run=True)) == (1, 0, 0)


# Faults of cells, each at row 1, in the middle and last (P39)


def bad_cell(column: int, value: Any) -> Callable[[Any, Any, int], None]:
    """Return what writes a value into a row's cell."""
    return lambda _, sheet, row: sheet.write(row, column, value)


def bad_formula(_: Any, sheet: Any, row: int) -> None:
    """Write a formula with a kept value."""
    sheet.write_formula(row, 1, "=A1", None, "x")


def bad_error(_: Any, sheet: Any, row: int) -> None:
    """Write an error value: a formula's that was pasted."""
    sheet.write_formula(row, 1, "=NA()", None, "#N/A")


def bad_day(book: Any, sheet: Any, row: int) -> None:
    """Write 29 February 1900."""
    sheet.write_number(row, 2, 60, book.add_format({"num_format": "yyyy-mm-dd"}))


def bad_date_for_code(book: Any, sheet: Any, row: int) -> None:
    """Write what a sheet made of 3-4."""
    sheet.write_number(row, 0, 46000, book.add_format({"num_format": "mm-dd"}))


CELLS: dict[str, tuple[Callable[[Any, Any, int], None], str, str]] = {
    "formula": (bad_formula, "cell.formula_forbidden", "B"),
    "29 February 1900": (bad_day, "date.invalid", "C"),
    "a number for a day": (bad_cell(2, 45000), "date.invalid", "C"),
    "no day": (bad_cell(2, "31.04.2026"), "date.invalid", "C"),
    "which month": (bad_cell(2, "03/04/2026"), "date.ambiguous", "C"),
    "no time": (bad_cell(2, "2026-03-04 25:00"), "date.invalid", "C"),
    "a code made a date": (bad_date_for_code, "cell.is_date", "A"),
    "full-width digits": (bad_cell(3, "１２"), "number.invalid", "D"),
    "Arabic digits": (bad_cell(3, "٣"), "number.invalid", "D"),
    "decimal comma": (bad_cell(3, "12,5"), "number.invalid", "D"),
    "no number": (bad_cell(3, "n/a"), "number.invalid", "D"),
    "not finite": (bad_cell(3, "inf"), "number.not_finite", "D"),
    "too large": (bad_cell(3, "1e400"), "number.not_finite", "D"),
    "truth value": (bad_cell(3, True), "number.invalid", "D"),
    "blank code": (bad_cell(0, "\u200b \u3000"), "text.blank", "A"),
    "control sign": (bad_cell(1, "a\u202eb"), "text.control_character", "B"),
    "too long": (bad_cell(1, "李" * 32_000), "text.too_long", "B"),
    "beside the headings": (bad_cell(4, "x"), "cell.unheaded", "E"),
}
ROWS = 60  # everyday; `-m long` writes 5,000


def sheet_with(change: Callable[[Any, Any, int], None] | None, row: int, rows: int) -> bytes:
    """Return a sheet of good rows, one of them changed (counted from 1)."""
    at = dt.datetime(2026, 3, 4, 8)  # noqa: DTZ001
    good = [(f"c{n}", "名称", at, n / 7) for n in range(1, rows + 1)]
    bent = None if change is None else lambda book, sheet: change(book, sheet, row)
    return bad.xlsx([("code", "name", "at", "value"), *good], change=bent)


def placed(name: str, row: int, rows: int) -> None:
    """Assert that a fault is found at its place among good rows, and nothing else is."""
    change, code, letter = CELLS[name]
    found = tabular.read(sheet_with(change, row, rows), "r.xlsx", COLUMNS)

    assert [(f["at"], f["code"]) for f in found.faults.found] == [(f"r.xlsx:Sheet1!{letter}{row + 1}", code)]
    assert len(found.rows) == rows


@pytest.mark.parametrize("row", [1, ROWS // 2, ROWS], ids=["first", "middle", "last"])
@pytest.mark.parametrize("name", CELLS)
def test_a_bad_cell_is_found_wherever_it_stands(name: str, row: int) -> None:
    placed(name, row, ROWS)


@pytest.mark.long
@pytest.mark.parametrize("row", [1, 2500, 5000], ids=["first", "middle", "last"])
@pytest.mark.parametrize("name", CELLS)
def test_a_bad_cell_is_found_wherever_it_stands_among_five_thousand(name: str, row: int) -> None:
    placed(name, row, 5000)


def test_the_good_twin_of_the_bad_cells_has_no_fault() -> None:
    found = tabular.read(sheet_with(None, 0, ROWS), "r.xlsx", COLUMNS)

    assert (found.faults.count, len(found.rows)) == (0, ROWS)


def test_an_error_that_was_pasted_is_named_with_its_cell() -> None:
    sheet = bad.parts(GOOD)["xl/worksheets/sheet1.xml"].replace(
        b'<c r="B2" t="s"><v>5</v>', b'<c r="B2" t="e"><v>#N/A</v>')  # fmt: skip
    assert b"#N/A" in sheet

    told = refusal_of_rows(bad.altered(GOOD, worksheets__sheet1=sheet))

    assert (told["at"], told["code"]) == ("people.xlsx:Sheet1!B2", "cell.error_value")


def test_formulas_and_merged_cells_of_an_older_workbook_are_named() -> None:
    import xlwt

    data = bad.xls([*PEOPLE, ("wu",)], lambda _, sheet: sheet.write(2, 1, xlwt.Formula("A2")))
    merged = bad.xls(PEOPLE, lambda _, sheet: sheet.merge(2, 3, 0, 0))

    assert refusal_of_rows(data)["at"] == "people.xlsx:Sheet1!B3"
    assert refusal_of_rows(merged)["code"] == "cell.merged"


def test_merged_cells_among_the_rows_are_refused() -> None:
    found = tabular.read(bad.xlsx(PEOPLE, change=merge), "people.xlsx", imports.kinds()["people"].columns)

    assert ("people.xlsx:Sheet1!A4", "cell.merged") in [(f["at"], f["code"]) for f in found.faults.found]


def refusal_of_rows(data: bytes) -> dict[str, Any]:
    """Return the first fault of the cells of a sheet of people."""
    found = tabular.read(data, "people.xlsx", imports.kinds()["people"].columns)
    return found.faults.found[0]


def test_more_rows_than_are_taken_refuse_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from qaflow.services.files import workbook_files, workbook_old

    monkeypatch.setattr(workbook_files, "MOST_ROWS", 3)
    monkeypatch.setattr(workbook_old, "MOST_ROWS", 3)
    rows = [HEADINGS, *[(f"p{n}", "x") for n in range(4)]]

    for make in (bad.xlsx, bad.xls):
        assert refusal(make(rows)).code == "rows.too_many"
        assert len(tabular.read(make(rows[:4]), "p.xlsx", imports.kinds()["people"].columns).rows) == 3


def test_faults_of_all_three_imports_name_sheet_and_cell(shared: World) -> None:
    cases = {
        "units": ([("code", "kind", "name_zh", "parent"), ("a", "section", "甲", "a")], "D2"),
        "people": ([*PEOPLE, LI], "A3"),
        "subjects": ([*DAYS, ("course", "K2", "课", "nowhere", "")], "D3"),
    }
    for kind, (rows, place) in cases.items():
        before = state(shared)
        with pytest.raises(Invalid) as told:
            imports.run(shared.session, shared.origin(), kind, bad.xlsx(rows), f"{kind}.xlsx")
        assert told.value.errors[0]["at"] == f"{kind}.xlsx:Sheet1!{place}"  # type: ignore[index]
        assert state(shared) == before


def test_the_command_reads_a_workbook_and_names_sheet_and_cell(runner: Any, world: World, tmp_path: Path) -> None:
    file = tmp_path / "人员.xlsx"
    file.write_bytes(bad.xlsx([("x",)], more={"人员": [*PEOPLE, ("wu", "", "zh", "")]}))

    failed = runner("import", "people", str(file), "--sheet", "人员", "--json")

    assert failed.exit_code == 3
    assert json.loads(failed.stdout)["errors"][0]["at"] == "人员.xlsx:人员!B3"
