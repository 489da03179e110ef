"""Imports: all or nothing, the second time nothing changes, each fault with its place (bad input, rows 39 to 50)."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from peopled import KEY, World

from qaflow.errors import Invalid, QaflowError
from qaflow.services.accounts import book as accounts
from qaflow.services.files import imports, tabular
from qaflow.services.work import transact
from qaflow.store import journal

Run = Callable[..., Result]
PEOPLE = "login,name,language,roles\n"
UNITS = "code,kind,name_zh,parent\n"
SUBJECTS = "layer,code,name,unit,responsible,starts,ends\n"


@pytest.fixture
def world(app: Flask) -> World:
    """Return a peopled college on SQLite."""
    return World()


@pytest.fixture
def either(store_app: Flask) -> World:
    """Return a peopled college on each database."""
    return World()


def take(world: World, kind: str, data: str | bytes, **options: Any) -> dict[str, Any]:
    """Import a text as a file."""
    raw = data.encode() if isinstance(data, str) else data
    return imports.run(world.session, world.origin(), kind, raw, f"{kind}.csv", **options)


def state(world: World) -> tuple[Any, ...]:
    """Return what an import could change: every row of people and places, and the heads of all streams."""
    tables = ("unit", "person", "role_grant", "subject", "schedule", "cycle", "work_item", "college", "content")
    rows = [world.rows(f"select * from {table} order by 1") for table in tables]
    return (*rows, transact(world.session, journal.heads))


def refused(world: World, kind: str, data: str | bytes, **options: Any) -> QaflowError:
    """Return the refusal of a file, by which nothing changed."""
    before = state(world)
    with pytest.raises(QaflowError) as told:
        take(world, kind, data, **options)
    assert state(world) == before
    return told.value


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    """Return (new, updated, unchanged)."""
    return report["new"], report["updated"], report["unchanged"]


# What goes in


def test_units_people_and_subjects_go_in_and_the_second_time_nothing_changes(either: World) -> None:
    files = {
        "units": "code,kind,name_zh,name_en,parent,system,aliases\nu2,section,二室,Two,u1,,甲;乙\n"
                 "u1,teaching,一院,One,,,\nu3,functional,三处,Three,,support_service,\n",
        "people": PEOPLE + "li,李某,zh,major_leader@unit:u2;diagnostician\n"
                  "wu,吴某,en,class_adviser@subject:course/C1\n",
        "subjects": SUBJECTS + "course,K1,离散数学,u2,wu,2025-09-01,2027-07-31\ncourse,K2,编译原理,u2,,,\n",
    }  # fmt: skip
    expected = {"units": 3, "people": 2, "subjects": 2}
    for kind, text in files.items():
        assert counts(take(either, kind, text)) == (expected[kind], 0, 0)

    after = state(either)
    for kind, text in files.items():
        assert counts(take(either, kind, text)) == (0, 0, expected[kind])

    assert state(either) == after
    assert either.rows("select p.code from unit u join unit p on p.id = u.parent_id where u.code = 'u2'") == [("u1",)]
    tracks = either.rows("select track from schedule s join subject j on j.id = s.subject_id where j.code = 'K1'")
    assert len(tracks) >= 2
    roles = either.rows("select role, scope_kind from role_grant g join person p on p.id = g.person_id "
                        "where p.login = 'li' order by role")  # fmt: skip
    assert roles == [("diagnostician", "college"), ("major_leader", "unit")]
    kinds = [e.kind for e in either.chain(f"college:{KEY}")]
    assert kinds.count("FileImported") == 4  # the world's own units, and these three
    assert either.proven()


def test_what_changed_is_updated_and_a_column_that_is_not_there_stays(world: World) -> None:
    take(world, "people", PEOPLE + "li,李某,en,diagnostician\n")

    report = take(world, "people", "name,login\n李四,li\n")

    assert counts(report) == (0, 1, 0)
    assert world.rows("select name, language from person where login = 'li'") == [("李四", "en")]
    ((number,),) = world.rows("select id from person where login = 'li'")
    assert [e.kind for e in world.chain(f"person:{number}")] == ["PersonAdded", "RoleGranted", "PersonRenamed"]


def test_a_subject_with_another_responsible_person_or_unit_takes_its_cycle_along(world: World) -> None:
    cycle = world.start()

    report = take(world, "subjects", "layer,code,name,unit,responsible\ncourse,C1,课程C1,other,mate\n")

    assert counts(report) == (0, 1, 0)
    assert world.holders(cycle) == {"submit": {"mate"}}
    assert world.rows("select unit_id from cycle where id = :c", c=cycle) == [(world.units["other"],)]


def test_a_leaver_in_the_file_does_not_hold_up_the_others(world: World) -> None:
    text = PEOPLE + "li,李某,zh,diagnostician\n"
    take(world, "people", text)
    accounts.disable(world.session, world.origin(), "li")

    report = take(world, "people", text + "wu,吴某,zh,\n")

    assert counts(report) == (1, 0, 1)
    assert report["notices"] == ["li is disabled: no role was given"]


def test_a_dry_run_tells_the_same_and_changes_nothing(world: World) -> None:
    text = PEOPLE + "li,李某,zh,diagnostician\n"
    before = state(world)

    told = take(world, "people", text, dry_run=True)

    assert state(world) == before
    assert take(world, "people", text) == told | {"dry_run": False}


def test_headings_may_be_chinese_and_in_any_order(world: World) -> None:
    assert counts(take(world, "people", "姓名,登录名\n李某,li\n")) == (1, 0, 0)


@pytest.mark.parametrize("text", [
    "login;name;roles\nli;李某;diagnostician\n",
    "login\tname\troles\nli\t李某\tdiagnostician\n",
    "\ufefflogin,name\r\nli,李某\r\n",
    "login,name\rli,李某\r",
    "login,name\n\n  ,\nli,李某\n\n",
    'login,name\nli,"李某"',
    "login,name\nli\u00a0,\u200b李某\u3000\n",
    "login,name\nｌｉ,李某\n",
])  # fmt: skip
def test_delimiters_line_ends_and_invisible_signs_are_understood(world: World, text: str) -> None:
    assert counts(take(world, "people", text)) == (1, 0, 0)

    assert world.rows("select name from person where login = 'li'") == [("李某",)]


@pytest.mark.parametrize("name", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1", "=HYPERLINK(0)"])
def test_what_looks_like_a_formula_stays_the_text_it_is(world: World, name: str) -> None:
    take(world, "people", f'login,name\nli,"{name}"\n')

    assert world.rows("select name from person where login = 'li'") == [(name,)]


# Encodings


def test_gbk_is_accepted_where_declared_or_beyond_doubt(world: World) -> None:
    text = "code,kind,name_zh\nx1,functional,教务处\nx2,functional,学生工作处\n"

    assert counts(take(world, "units", text.encode("gbk"))) == (2, 0, 0)
    assert counts(take(world, "units", text.encode("gbk"), encoding="gbk")) == (0, 0, 2)
    assert world.rows("select name_zh from unit where code = 'x1'") == [("教务处",)]


@pytest.mark.parametrize(("raw", "code", "line"), [
    ("login,name\nli,Иванов Пётр\n".encode("cp1251"), "encoding.ambiguous", 2),
    ("login,name\nok,plain\nli,Ren\u00e9e Mu\u00f1oz\n".encode("latin-1"), "encoding.ambiguous", 3),
    ("login,name\nli,Jos\u00e9\n".encode("latin-1"), "encoding.not_utf8", 2),
    ("login,name\nli,李某\n".encode("utf-16"), "encoding.not_utf8", 1),
    ("login,name\n" + "a,b\n" * 12 + "li,\udcff\n", "encoding.not_utf8", 14),
])  # fmt: skip
def test_other_encodings_are_named_with_their_line(world: World, raw: bytes | str, code: str, line: int) -> None:
    data = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else raw

    told = refused(world, "people", data)

    assert told.code == code
    assert told.errors[0]["line"] == line
    assert "--encoding" in told.detail


def test_a_declared_encoding_is_believed_but_must_fit(world: World) -> None:
    raw = "login,name\nli,Jos\u00e9\n".encode("latin-1")
    assert refused(world, "people", raw, encoding="utf-8").code == "encoding.not_utf8"
    assert refused(world, "people", raw, encoding="klingon").exit == 2
    assert refused(world, "people", raw, encoding="rot13").exit == 2

    assert counts(take(world, "people", raw, encoding="latin-1")) == (1, 0, 0)
    assert world.rows("select name from person where login = 'li'") == [("Jos\u00e9",)]


# Faults, each beside the nearest that is accepted


BAD = [
    # people
    ("people", PEOPLE + "li,李某\n", "csv.column_count", "2:2"),
    ("people", PEOPLE + "li,李某,zh,,x\n", "csv.column_count", "2:4"),
    ("people", "login,language\nli,zh\n", "header.missing", "1:1"),
    ("people", "title\n\nlogin,name\nli,李\n", "header.missing", "1:1"),
    ("people", "login,name,login\nli,李某,li\n", "header.duplicate", "1:3"),
    ("people", "login,name,rolls\nli,李某,\n", "header.unknown", "1:3"),
    ("people", "login|name\nli|李某\n", "csv.delimiter", "1:1"),
    ("people", PEOPLE + "li,李某,zh,\nwu,吴某,zh,\nli,李四,zh,\n", "row.duplicate", "4:1"),
    ("people", PEOPLE + "li,李某,zh,\nｌｉ\u00a0,李四,zh,\n", "row.duplicate", "3:1"),
    ("people", PEOPLE + "li,\u200b \u3000,zh,\n", "text.blank", "2:2"),
    ("people", PEOPLE + ",李某,zh,\n", "text.blank", "2:1"),
    ("people", PEOPLE + "li,李\x07某,zh,\n", "text.control_character", "2:2"),
    ("people", PEOPLE + "li,李\u202e某,zh,\n", "text.control_character", "2:2"),
    ("people", PEOPLE + 'li,"李\n某",zh,\n', "text.control_character", "2:2"),
    ("people", PEOPLE + "ok,一,zh,\nli,李\0某,zh,\n", "text.control_character", "3:1"),
    ("people", PEOPLE + f"li,{'李' * 40_000},zh,\n", "text.too_long", "2:2"),
    ("people", PEOPLE + f"li,{'李' * 200_000},zh,\n", "text.too_long", "2:1"),
    ("people", PEOPLE + f"li,{'李' * 201},zh,\n", "text.too_long", "2:2"),
    ("people", PEOPLE + 'li,"李某,zh,\n', "csv.quote", "2:1"),
    ("people", PEOPLE + "l i,李某,zh,\n", "code.blank_inside", "2:1"),
    ("people", PEOPLE + "li１２,李某,zh,\n", "number.invalid", "2:1"),
    ("people", PEOPLE + "li,李某,fr,\n", "value.unknown", "2:3"),
    ("people", PEOPLE + "li,李某,zh,major_leadr\n", "ref.unknown_role", "2:4"),
    ("people", PEOPLE + "li,李某,zh,major_leader@unit:nowhere\n", "ref.unknown_unit", "2:4"),
    ("people", PEOPLE + "li,李某,zh,major_leader@layer:nowhere\n", "ref.unknown_layer", "2:4"),
    ("people", PEOPLE + "li,李某,zh,major_leader@subject:course/C9\n", "ref.unknown_subject", "2:4"),
    ("people", PEOPLE + "li,李某,zh,major_leader@sec\n", "scope.invalid", "2:4"),
    ("people", PEOPLE + "operator,李某,zh,\n", "login.taken", "2:1"),
    ("people", "", "file.empty", "1:1"),
    ("people", "\ufeff\n \n", "file.empty", "1:1"),
    ("people", PEOPLE, "file.empty", "1:1"),
    # units
    ("units", UNITS + "a,section,甲,a\n", "org.self_supervision", "2:4"),
    ("units", UNITS + "a,section,甲,b\nb,section,乙,c\nc,section,丙,a\n", "org.cycle", "2:4"),
    ("units", UNITS + "school-of-code,teaching,软件学院,sec\n", "org.cycle", "2:4"),
    ("units", UNITS + "a,section,甲,nowhere\n", "ref.unknown_unit", "2:4"),
    ("units", UNITS + "a,faculty,甲,\n", "value.unknown", "2:2"),
    # subjects
    ("subjects", SUBJECTS + "course,K1,课,sec,nobody,,\n", "ref.unknown_user", "2:5"),
    ("subjects", SUBJECTS + "course,K1,课,sec,operator,,\n", "ref.unknown_user", "2:5"),
    ("subjects", SUBJECTS + "course,K1,课,nowhere,,,\n", "ref.unknown_unit", "2:4"),
    ("subjects", SUBJECTS + "curse,K1,课,sec,,,\n", "ref.unknown_layer", "2:1"),
    ("subjects", SUBJECTS + "course,٣,课,sec,,,\n", "number.invalid", "2:2"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,03/04/2026,\n", "date.ambiguous", "2:6"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,31.04.2026,\n", "date.invalid", "2:6"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,45000,\n", "date.invalid", "2:6"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,2026-02-29,\n", "date.invalid", "2:6"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,2026-03-01T08:00,\n", "date.invalid", "2:6"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,２０２６-03-01,\n", "date.invalid", "2:6"),
    ("subjects", SUBJECTS + "course,K1,课,sec,,2026-03-01,2026-02-01\n", "date.order", "2:7"),
    ("subjects", "layer,code,name,unit,parent\ncourse,K1,课,sec,K1\n", "org.self_supervision", "2:5"),
    ("subjects", "layer,code,name,unit,parent\ncourse,K1,课,sec,K2\ncourse,K2,课,sec,K1\n", "org.cycle", "2:5"),
    ("subjects", "layer,code,name,unit,parent\ncourse,K1,课,sec,major/M1\n", "ref.unknown_subject", "2:5"),
]
GOOD = [
    ("people", PEOPLE + "li,李某,,\n"),
    ("people", PEOPLE + f"li,{'李' * 200},zh,\n"),
    ("people", PEOPLE + 'li,"李""某",zh,\n'),
    ("people", PEOPLE + "li12,李１２,zh,major_leader@unit:sec；diagnostician@layer:course\n"),
    ("units", UNITS + "a,section,甲,b\nb,section,乙,c\nc,section,丙,sec\n"),
    ("subjects", SUBJECTS + "course,K1,课,sec,leader,2026-03-04,2028年2月29日\n"),
    ("subjects", SUBJECTS + "course,K1,课,sec,leader,2026/3/4,\n"),
    ("subjects", "layer,code,name,unit,parent\ncourse,K1,课,sec,K2\ncourse,K2,课,sec,C1\n"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda c: f"{c[2]}@{c[3]}")
def test_each_fault_is_refused_with_its_place_and_nothing_is_written(
    shared: World, case: tuple[str, str, str, str]
) -> None:
    kind, text, code, place = case

    told = refused(shared, kind, text)

    assert (told.code, told.exit) == (code, 3)
    assert told.errors[0]["at"] == f"{kind}.csv:{place}"
    assert told.errors[0]["code"] in (code, "header.unknown")


@pytest.mark.parametrize("case", GOOD, ids=range(len(GOOD)))
def test_the_nearest_that_is_right_is_accepted(shared: World, case: tuple[str, str]) -> None:
    assert take(shared, *case, dry_run=True)["new"] > 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Any:
    """Return one college for all refusals: they change nothing."""
    from conftest import SECRET, entered

    from qaflow.config import Settings

    file = tmp_path_factory.mktemp("shared") / "qaflow.db"
    file.write_bytes(sqlite_template.read_bytes())
    for _ in entered(Settings(home=file.parent, database_url=f"sqlite:///{file}", secret_key=SECRET)):
        yield World()


def test_a_doubled_key_names_both_rows_and_a_loop_its_chain(shared: World) -> None:
    twice = refused(shared, "people", PEOPLE + "li,李某,zh,\nwu,吴,zh,\nli,李四,zh,\n")
    loop = refused(shared, "units", UNITS + "a,section,甲,b\nb,section,乙,a\n")

    assert "rows 2 and 4" in twice.detail
    assert "a → b → a" in loop.detail


def test_all_faults_are_told_at_once(shared: World) -> None:
    told = refused(shared, "people", PEOPLE + ",李某,zh,\nli,,zh,\nwu,吴某,fr,\n")

    assert told.code == "import.invalid"
    assert [(e["line"], e["code"]) for e in told.errors] == [(2, "text.blank"), (3, "text.blank"), (4, "value.unknown")]


def test_faults_are_counted_but_not_all_listed(shared: World) -> None:
    told = refused(shared, "people", PEOPLE + "".join(f"p{n},,zh,\n" for n in range(500)))

    assert (len(told.errors), told.data["faults"]) == (tabular.MOST_FAULTS, 500)


def test_a_disabled_person_cannot_become_responsible_but_may_stay_so(world: World) -> None:
    accounts.disable(world.session, world.origin(), "leader")

    told = refused(world, "subjects", SUBJECTS + "course,K1,课,sec,leader,,\n")

    assert told.code == "ref.unknown_user"
    assert "disabled" in told.detail
    same = "layer,code,name,unit,responsible\ncourse,C1,课程C1,sec,leader\n"
    assert counts(take(world, "subjects", same)) == (0, 0, 1)


def test_too_many_rows_are_refused_before_the_database_is_asked() -> None:
    data = ("login,name\n" + "x,y\n" * (tabular.MOST_ROWS + 1)).encode()

    with pytest.raises(Invalid) as told:
        tabular.read(data, "people.csv", imports.kinds()["people"].columns)

    assert told.value.code == "rows.too_many"


def test_five_thousand_people_with_roles_go_in_at_once(world: World) -> None:
    text = PEOPLE + "".join(f"p{n},某{n},zh,student@unit:sec\n" for n in range(5000))

    report = take(world, "people", text)

    assert (report["new"], report["granted"]) == (5000, 5000)
    assert counts(take(world, "people", text)) == (0, 0, 5000)


# The command line


def told(result: Result, exit_code: int = 0) -> dict[str, Any]:
    """Return the one JSON document of a command that ended as expected."""
    assert result.exit_code == exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_the_command_imports_as_operator_and_says_what_changed(world: World, runner: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE + "li,李某,zh,\n", encoding="utf-8")

    assert told(runner("import", "people", str(file), "--dry-run", "--json"))["new"] == 1
    assert told(runner("import", "people", str(file), "--college", KEY, "--json"))["new"] == 1
    assert "0 new, 0 updated, 1 unchanged" in runner("import", "people", str(file)).output
    assert world.chain(f"college:{KEY}")[-1].actor == "operator"


def test_faults_stand_as_lines_and_as_a_problem(world: World, runner: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE + "li,,zh,\n", encoding="utf-8")

    document = told(runner("import", "people", str(file), "--json"), 3)

    assert (document["code"], document["errors"][0]["at"]) == ("text.blank", "people.csv:2:2")
    assert "people.csv:2:2: name: must not be blank [text.blank]" in runner("import", "people", str(file)).stderr


def test_files_that_are_none_end_with_their_code(world: World, runner: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)

    cases = {tmp_path / "none.csv": "file.not_found", tmp_path: "file.not_regular", pipe: "file.not_regular"}
    for name, code in cases.items():
        assert told(runner("import", "people", str(name), "--json"), 3)["code"] == code


def test_an_unknown_college_and_headings_only(world: World, runner: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")

    assert told(runner("import", "people", str(file), "--college", "x", "--json"), 3)["code"] == "college.not_found"
    assert told(runner("import", "people", str(file), "--json"), 3)["code"] == "file.empty"
    assert told(runner("import", "people", str(file), "--allow-empty", "--json"))["rows"] == 0
