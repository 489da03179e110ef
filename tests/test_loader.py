"""Bad files are refused with code, place and remedy, all faults at once; the nearest valid file is accepted."""

import gc
import os
import resource
import time
import tracemalloc
from pathlib import Path

import pytest

from qaflow.engine import loader
from qaflow.engine.definition import Deadline, Move
from qaflow.engine.yaml_source import MAX_BYTES, MAX_NODES

WORKFLOWS = Path(__file__).parent.parent / "workflows"
GOOD = """\
kind: definition
key: own.course
version: 1
name: {zh: 课程, en: Course}
layer: course
stages:
  - key: goal
    name: {zh: 目标, en: Goal}
    form:
      - {key: aim, type: text, label: {zh: 目标, en: Aim}}
      - {key: grade, type: number, label: {zh: 分, en: Grade}}
    gate: ["filled(aim)"]
    approval: {role: approver, need: one}
    deadline: {share: 10%}
  - key: implement
    name: {zh: 实施, en: Implement}
    approval: none
    deadline: {date: 10-15}
  - key: improve
    name: {zh: 改进, en: Improve}
    approval: none
    deadline: {after: 5 working days}
ladder:
  - {after: 1 working day, to: supervisor}
  - {after: 3 working days, to: quality_office}
"""


def bomb(levels):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]" for n in range(levels)]
    return "\n".join(lines)


def swap(old, new):
    assert GOOD.count(old) >= 1, old
    return GOOD.replace(old, new, 1)


def codes(text, **more):
    return [f.code for f in loader.read(text, "d.yaml", **more).faults]


# Row of the table, what is wrong, the file, the code, and where (line, column); then the nearest valid file.
WHOLE = [
    (1, "empty", "", "def.empty", (1, 1)),
    (1, "only comments", "# nothing\n", "def.empty", (1, 1)),
    (1, "an empty document", "---\n", "def.empty", None),
    (2, "a list", "- kind: definition", "def.not_mapping", (1, 1)),
    (2, "a string", "kind", "def.not_mapping", (1, 1)),
    (4, "a Python tag", "!!python/object/apply:os.system [id]", "yaml.tag_forbidden", (1, 1)),
    (4, "any tag", "kind: !x definition", "yaml.tag_forbidden", (1, 7)),
    (5, "an alias bomb", bomb(6), "yaml.too_large", None),
    (6, "a value inside itself", "a: &a [*a]", "yaml.cycle", (1, 8)),
    (6, "an alias of nothing", "a: *b", "yaml.unknown_alias", (1, 4)),
    (7, "five thousand brackets", "[" * 5000, "yaml.too_deep", None),
    (7, "five thousand braces", "{a: " * 5000, "yaml.too_deep", None),
    (7, "five thousand dashes", "- " * 5000, "yaml.too_deep", None),
    (7, "deep indentation", "\n".join(" " * n + "a:" for n in range(40)), "yaml.too_deep", None),
    (8, "two documents", "kind: a\n---\nkind: b\n", "yaml.many_documents", (2, 1)),
    (9, "a tab for indentation", "a:\n\tb: 1\n", "yaml.syntax", (2, 1)),
    (9, "an open bracket", "a: [1, 2\n", "yaml.syntax", None),
    (10, "NUL", b"a: \x00\n", "encoding.not_utf8", (1, 4)),
    (10, "BEL", b"a: \x07\n", "encoding.not_utf8", (1, 4)),
    (10, "UTF-16", "a: b".encode("utf-16"), "encoding.not_utf8", (1, 1)),
    (10, "Latin-1", "a: b\nc: é".encode("latin-1"), "encoding.not_utf8", (2, 4)),
    (28, "100,000 lines", "a:\n" + "- x\n" * 100_000, "yaml.too_large", None),
    (28, "more than a megabyte", "#" * (MAX_BYTES + 1), "file.too_large", (1, 1)),
    (0, "no kind", "key: a.b\n", "def.unknown_kind", (1, 1)),
    (0, "a misspelt kind", "kind: definiton\n", "def.unknown_kind", (1, 7)),
]


@pytest.mark.parametrize(("row", "what", "text", "code", "place"), WHOLE, ids=lambda v: str(v)[:24])
def test_a_file_that_is_no_definition_is_refused_with_its_code_and_place(row, what, text, code, place):
    loaded = loader.read(text, "d.yaml")

    assert [f.code for f in loaded.faults] == [code], (row, what)
    assert loaded.value is None
    assert place is None or (loaded.faults[0].line, loaded.faults[0].col) == place
    assert loaded.faults[0].remedy


def test_the_good_file_is_accepted():
    """The twin of all rows below: what they change is right here."""
    loaded = loader.read(GOOD, "d.yaml")

    assert loaded.faults == ()
    assert [s.deadline for s in loaded.value.stages] == [
        Deadline(share=0.1),
        Deadline(date="10-15"),
        Deadline(working_days=5),
    ]


# Row, what is replaced, the fault's code, and a valid replacement beside it.
PARTS = [
    (3, "version: 1", "version: 1\nversion: 2", "yaml.duplicate_key", "version: 2"),
    (11, "date: 10-15", "date: 2026-02-30", "date.invalid", "date: 2026-02-28"),
    (11, "date: 10-15", "date: 02-30", "date.invalid", "date: 02-29"),
    (11, "date: 10-15", "date: 13-01", "date.invalid", "date: 12-01"),
    (12, "key: own.course", "key: no", "type.expected_string", 'key: "no.on"'),
    (12, "zh: 课程", "zh: on", "type.expected_string", 'zh: "on"'),
    (12, "zh: 课程", "zh: ~", "type.expected_string", "zh: '~'"),
    (12, "zh: 课程", "zh: null", "type.expected_string", 'zh: "null"'),
    (12, "zh: 课程", "zh: 12", "type.expected_string", 'zh: "12"'),
    (12, "zh: 课程", "zh: .inf", "type.expected_string", 'zh: ".inf"'),
    (12, "zh: 课程", "zh: ", "type.expected_string", "zh: 课"),
    (14, "version: 1", "version: " + "9" * 5000, "number.too_long", "version: 999999"),
    (14, "zh: 课程", "zh: " + "9" * 5000, "number.too_long", 'zh: "999"'),
    (15, "share: 10%", "share: .nan", "number.not_finite", "share: 0.1"),
    (15, "share: 10%", "share: .inf", "number.not_finite", "share: 1"),
    (15, "share: 10%", "share: 1e400", "number.not_finite", "share: 1e-1"),
    (0, "version: 1", "version: one", "type.expected_number", "version: 3"),
    (0, "version: 1", "version: 0", "number.range", "version: 1"),
    (20, "key: improve", "key: goal", "def.duplicate_id", "key: learn"),
    (20, "key: goal\n", "key: Implement\n", "def.duplicate_id", "key: learn\n"),
    (21, "{after: 5 working days}", "0", "duration.range", "1 working day"),
    (21, "{after: 5 working days}", "-3 days", "duration.range", "3 working days"),
    (21, "{after: 5 working days}", "1e9 days", "duration.range", "3650 working days"),
    (21, "{after: 5 working days}", "3 dyas", "duration.unit", "3个工作日"),
    (21, "{after: 5 working days}", "P1M2W", "duration.invalid", "{after: 3 working days}"),
    (21, "{after: 5 working days}", "{after: 3651 working days}", "duration.range", "{after: 3650 working days}"),
    (21, "share: 10%", "share: 0%", "duration.range", "share: 0.5%"),
    (21, "share: 10%", "share: 101%", "duration.range", "share: 100%"),
    (21, "{share: 10%}", "{share: 10%, date: 10-15}", "def.deadline", "{share: 100%}"),
    (22, "after: 3 working days", "after: 1 working day", "def.escalation_order", "after: 2 working days"),
    (23, "need: one", "need: quorum, quorum: 3, also: [leader]", "def.quorum_unreachable",
     "need: quorum, quorum: 2, also: [leader]"),
    (25, "zh: 课程", 'zh: "a\\u202Eb"', "text.control_character", 'zh: "a\\u200Db"'),
    (25, "zh: 课程", 'zh: "a\\u0007"', "text.control_character", "zh: <script>alert(1)</script>"),
    (25, "zh: 课程", "zh: " + "x" * 401, "text.too_long", "zh: " + "x" * 400),
    (25, "zh: 课程", 'zh: "\\ud800"', "text.control_character", "zh: '{{7*7}}'"),
    (25, "zh: 课程", 'zh: " \\u200B "', "text.blank", 'zh: " x "'),
    (26, "deadline: {share", "dedline: {share", "def.unknown_key", "deadline: {share"),
    (0, "layer: course", "layer: corse", "def.unknown_value", "layer: teacher"),
    (0, "name: {zh: 课程, en: Course}", "name: 课程", "type.expected_mapping", "name: {zh: 课, en: C}"),
    (0, "    approval: none\n    deadline: {date: 10-15}\n", "", "def.missing_key", "    approval: none\n"),
    (0, "ladder:", "escalation:", "def.missing_key", "ladder:"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "old", "new", "code", "twin"), PARTS, ids=lambda v: str(v)[:30])
def test_a_fault_in_a_definition_is_named_at_its_line_and_its_nearest_valid_twin_is_accepted(row, old, new, code, twin):
    loaded = loader.read(swap(old, new), "d.yaml")
    found = [f for f in loaded.faults if f.code == code]

    assert found, (row, [str(f) for f in loaded.faults])
    assert loaded.value is None
    assert found[0].remedy and len(str(found[0])) < 400
    changed = GOOD[: GOOD.index(old)].count("\n") + 1
    elsewhere = ("def.missing_key", "def.duplicate_id")  # at what holds the key; at the second of the two
    assert abs(found[0].line - changed) <= 1 or code in elsewhere
    assert codes(swap(old, twin)) == []


def test_a_duplicate_key_names_both_lines():
    fault = loader.read(swap("version: 1", "version: 1\nversion: 2"), "d.yaml").faults[0]

    assert (fault.line, fault.col) == (4, 1)
    assert "line 3" in fault.message and "line 4" in fault.message


@pytest.mark.parametrize("twice", ["Ä", "A\u0308"])
def test_keys_that_differ_only_in_their_normal_form_are_the_same(twice):
    text = swap("key: goal\n", "key: Ä\n").replace("key: improve", f"key: {twice}")

    assert "def.duplicate_id" in codes(text)


@pytest.mark.parametrize(("count", "good"), [(0, False), (1, True), (9, True), (10, False), (50, False)])
def test_a_ladder_has_one_to_nine_levels(count, good):
    head = GOOD[: GOOD.index("ladder:")]
    levels = "".join(f"  - {{after: {n + 1} working days, to: quality_office}}\n" for n in range(count))

    assert codes(head + "ladder:" + (f"\n{levels}" if count else " []\n")) == ([] if good else ["def.escalation_limit"])


def test_all_faults_are_reported_at_once():
    text = swap("layer: course", "layer: corse").replace("share: 10%", "share: 0").replace("need: one", "ned: one")
    text = text.replace("filled(aim)", "filled(aym)")

    assert set(codes(text)) == {"def.unknown_value", "duration.range", "def.unknown_key", "cond.unknown_field"}


def test_an_unknown_key_says_what_was_probably_meant():
    fault = loader.read(swap("deadline: {share", "dedline: {share"), "d.yaml").faults[0]

    assert str(fault) == 'd.yaml:14:5: def.unknown_key: unknown key "dedline"; did you mean "deadline"?'


def test_a_forbidden_condition_is_placed_at_its_column():
    text = swap('gate: ["filled(aim)"]', """gate: ["grade > 1 and __import__('os')"]""")
    fault = loader.read(text, "d.yaml").faults[0]
    line = text.splitlines()[fault.line - 1]

    assert fault.code == "cond.not_allowed"
    assert line[fault.col - 1 :].startswith("__import__")


def test_shared_parts_by_alias_are_read_like_written_ones():
    text = swap("name: {zh: 目标, en: Goal}", "name: &n {zh: 目标, en: Goal}").replace(
        "name: {zh: 实施, en: Implement}", "name: *n"
    )

    assert loader.read(text).value.stages[1].name.en == "Goal"


def test_moves_are_read_and_end_closes():
    moves = "moves: [{to: implement, when: grade > 1}, {to: end, when: not (grade > 1)}]"
    loaded = loader.read(swap("deadline: {share: 10%}", moves), "d.yaml")

    assert loaded.faults == ()
    assert loaded.value.stages[0].moves == (
        Move(to="implement", when="grade > 1"),
        Move(to=None, when="not (grade > 1)"),
    )


# Bounds: 2 s, 200 MB, whatever the file holds.
def _fill(unit, frame="{}"):
    return frame.format(unit * ((MAX_BYTES - 100) // len(unit.encode())))


HOSTILE = {
    "bomb": bomb(20),
    "list": _fill("- x\n"),
    "maps": _fill("- a: b\n"),
    "flow": _fill("x,", "[{}]"),
    "brackets": _fill("["),
    "comments": _fill("#\n"),
    "directives": _fill("%a\n"),
    "plain": _fill("x "),
    "quoted": _fill("\\n", '"{}"'),
    "block": _fill("x\n ", "|\n {}"),
    "documents": _fill("---\n"),
    "digits": _fill("9"),
    "dashes": _fill("- "),
    "keys": "".join(f"k{n}: v\n" for n in range(MAX_NODES // 2 - 1)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_reading_is_bounded_in_time(text):
    gc.freeze()  # what earlier tests left is not this file's to walk
    began = time.process_time()
    loaded = loader.read(text, "d.yaml")
    spent = time.process_time() - began
    gc.unfreeze()

    assert spent < 2
    assert loaded.value is None and loaded.faults


def test_reading_is_bounded_in_memory():
    tracemalloc.start()
    loader.read(HOSTILE["bomb"], "d.yaml")
    loader.read("- " + "[[x], [x]]\n- " * 5000 + "x", "d.yaml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 200e6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0


def test_a_file_with_thousands_of_faults_stops_early():
    """Each unknown key costs a search for what was meant; so many of them would break the time bound."""
    head = "kind: tasks\nplan: {key: p, name: {zh: 表, en: T}}\ntasks:\n"
    began = time.process_time()
    faults = loader.read(head + "  - {no: 1, titel: x, departement: y, moth: 9, sourse: z}\n" * 3000, "t.yaml").faults

    assert time.process_time() - began < 2
    assert 400 < len(faults) < 1000
    assert "file.too_many_faults" in {f.code for f in faults}


def test_a_list_of_three_hundred_tasks_fits():
    task = (
        "  - {{no: {0}, title: {{zh: 任务, en: Task}}, departments: [jwc, rsc, cwc], source_time: 每年9月, month: 9}}\n"
    )
    head = "kind: tasks\nsource: x\nplan: {key: p, name: {zh: 表, en: Table}}\ntasks:\n"
    loaded = loader.read(head + "".join(task.format(n) for n in range(1, 302)), "tasks.yaml")

    assert loaded.faults == ()
    assert len(loaded.value["tasks"]) == 301


# Files and folders


@pytest.mark.parametrize("name", ["missing.yaml", "", "a/b/c.yaml"])
def test_a_missing_file_or_a_folder_is_told(tmp_path, name):
    fault = loader.read(tmp_path / name).faults[0]

    assert fault.code == ("file.missing" if name else "file.is_folder")


def test_a_fifo_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")

    assert loader.read(tmp_path / "pipe.yaml").faults[0].code == "file.not_regular"


def test_a_file_of_200_megabytes_is_refused_before_it_is_read(tmp_path):
    big = tmp_path / "big.yaml"
    with big.open("wb") as stream:
        stream.truncate(200_000_000)

    assert loader.read(big).faults[0].code == "file.too_large"


def _copy(tmp_path, **edits):
    target = tmp_path / "own"
    for source in sorted((WORKFLOWS / "example").rglob("*.yaml")):
        place = target / source.relative_to(WORKFLOWS / "example")
        place.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        for old, new in edits.get(source.stem.replace("-", "_"), []):
            assert old in text, old
            text = text.replace(old, new, 1)
        place.write_text(text, encoding="utf-8")
    return target


def test_the_example_college_passes_and_is_whole(tmp_path):
    folder = loader.load_folder(_copy(tmp_path))

    assert folder.faults == ()
    assert folder.college.key == "own-college"
    assert len(folder.definitions) == 3
    assert folder.tasks[0]["tasks"][0]["departments"] == ("jwc", "se")
    assert folder.plans[1]["parent"] == "general" and folder.standards[0]["source"] == "own plan table 2"
    assert folder.points["control_points"][0]["warn_lower"] == 45


# File, edit, code: each breaks one reference between the files of the example.
REFERENCES = [
    ("college", "definition: own-college.school-year", "definition: own-college.school-yaer", "ref.unknown_definition"),
    ("college", "above: major_leader}", "above: majr_leader}", "def.unknown_role"),
    ("college", "above: quality_head}", "above: unit_head}", "org.cycle"),
    ("college", "is: quality_head", "is: leader", "def.missing_role"),
    ("college", "key: vice_president", "key: unit_head", "def.duplicate_id"),
    ("college", "  - {key: course, name", "  - {key: major, name", "def.unknown_layer"),
    ("college", "children: [construction.year]", "children: [construction.yaer]", "ref.unknown_track"),
    ("college", "parent: construction", "parent: null", "ref.parent"),
    ("college", "length: P3Y", "length: P30M", "ref.period"),
    ("college", "length: P3Y", "length: P11Y", "duration.range"),
    ("college", "length: P3Y", "length: P1M2W", "duration.invalid"),
    ("college", "definition: own-college.course-construction\n", "definition: own-college.school-year\n", "ref.layer"),
    ("college", "{kind: appraisal, every: period}", "{kind: improving, every: period}", "ref.unknown_sheet"),
    ("college", "{kind: appraisal, every: period}", "{kind: apraisal, every: period}", "def.unknown_value"),
    ("college", "timezone: Asia/Shanghai", "timezone: ../../etc/passwd", "tz.unknown"),
    ("college", "timezone: Asia/Shanghai", "timezone: EST5EDT4", "tz.unknown"),
    ("calendar", "ends: 2026-01-31", "ends: 2026-02-31", "date.invalid"),
    ("calendar", "ends: 2026-01-31", "ends: 2026-02-10", "calendar.overlap"),
    ("calendar", "ends: 2026-01-31", "ends: 2025-08-31", "date.order"),
    ("calendar", "key: 2026-spring", "key: 2025-autumn", "def.duplicate_id"),
    ("organisation", "parent: se,", "parent: es,", "ref.unknown_unit"),
    ("organisation", "aliases: [教学管理处]", "aliases: [质量办公室]", "def.duplicate_id"),
    ("points", 'code: "1.1.1"', 'code: "1.1"', "def.duplicate_id"),
    ("points", "code: \"1.1.1\"", "code: 1.1", "type.expected_string"),
    ("points", "warn_lower: 45", "warn_lower: 55", "point.limits"),
    ("points", "warn_lower: 45", "warn_upper: 45", "point.limits"),
    ("points", "warn_lower: 45", "warn_lower: .nan", "number.not_finite"),
    ("tasks", 'point: "1.1.1"', 'point: "1.1.2"', "ref.unknown_point"),
    ("tasks", "departments: [jwc, se]", "departments: [jcw, se]", "ref.unknown_unit"),
    ("plans", "parent: general", "parent: genral", "ref.unknown_plan"),
    ("plans", "parent: general", "parent: courses", "ref.cycle"),
    ("standards", "plan: courses", "plan: course", "ref.unknown_plan"),
    ("school_year", "role: department_head", "role: departement_head", "def.unknown_role"),
    ("school_year", "key: own-college.school-year", "key: other.school-year", "def.foreign_key"),
    ("course_construction_year", "key: own-college.course-construction-year", "key: own-college.course-construction",
     "def.duplicate_id"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "code"), REFERENCES)
def test_a_broken_reference_is_named_in_its_file_at_its_line(tmp_path, file, old, new, code):
    folder = _copy(tmp_path, **{file: [(old, new)]})
    faults = [f for f in loader.load_folder(folder).faults if f.code == code]

    assert faults, [str(f) for f in loader.load_folder(folder).faults]
    assert all(Path(f.file).parent in (folder, folder / "definitions") for f in faults)
    assert code == "def.duplicate_id" or any(Path(f.file).stem.replace("-", "_") == file for f in faults)
    assert all(f.line > 1 or f.code == "def.duplicate_id" for f in faults)


def test_a_unit_may_be_named_by_its_alias_or_its_chinese_name(tmp_path):
    folder = loader.load_folder(_copy(tmp_path, tasks=[("[jwc, se]", "[教学管理处, 教务处, 软件学院]")]))

    assert folder.faults == ()
    assert folder.tasks[0]["tasks"][0]["departments"] == ("jwc", "se")


def test_check_paths_takes_files_folders_and_folders_of_colleges(tmp_path):
    folder = _copy(tmp_path, tasks=[("[jwc, se]", "[xyz]")])

    faults, summary = loader.check_paths([tmp_path, folder / "college.yaml", tmp_path / "none.yaml"])

    assert sorted(f.code for f in faults) == ["file.missing", "ref.unknown_unit"]
    assert summary["colleges"] == ["own-college", "own-college"]
    assert (summary["errors"], summary["warnings"], summary["kinds"]["definition"]) == (2, 0, 3)


def test_a_single_definition_is_checked_against_the_college_beside_it(tmp_path):
    folder = _copy(tmp_path, school_year=[("role: department_head", "role: departement_head")])
    faults, _ = loader.check_paths([folder / "definitions" / "school-year.yaml"])

    assert [f.code for f in faults] == ["def.unknown_role"]
    assert 'did you mean "department_head"' in faults[0].remedy


def test_a_folder_without_a_college_or_without_files_is_told(tmp_path):
    assert [f.code for f in loader.load_folder(tmp_path).faults] == ["folder.empty"]
    (tmp_path / "points.yaml").write_text("kind: points\nitems: []\n", encoding="utf-8")
    assert [f.code for f in loader.load_folder(tmp_path).faults] == ["folder.no_college"]


@pytest.mark.parametrize("folder", sorted(p.parent for p in WORKFLOWS.glob("*/college.yaml")), ids=lambda p: p.name)
def test_every_shipped_college_passes_the_check(folder):
    assert [str(f) for f in loader.load_folder(folder).faults if f.severity == "error"] == []


def test_reading_never_raises():
    """A good file with any one character taken out or doubled is read to the end, with or without faults."""
    read = 0
    for place in range(0, len(GOOD), 3):
        for text in (GOOD[:place] + GOOD[place + 1 :], GOOD[:place] + GOOD[place] + GOOD[place:]):
            loaded = loader.read(text, "d.yaml")
            assert (loaded.value is None) == any(f.severity == "error" for f in loaded.faults)
            read += 1
    assert read > 400
