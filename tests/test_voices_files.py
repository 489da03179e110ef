"""Files of self-tests and incidents: every fault at its place, what is shipped, and how it comes into the database."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from qaflow.engine import loader
from qaflow.engine.definition import build_value, canonical, to_plain
from qaflow.engine.incidents import Rules
from qaflow.engine.selftest import Form
from qaflow.paths import data_dir
from qaflow.services.college import view
from qaflow.services.definitions import loading, packaged
from qaflow.services.running import installation
from qaflow.services.voices import catalogue
from qaflow.services.work import Origin, transact
from qaflow.store import colleges
from qaflow.store.db import Driver, db
from qaflow.testing import MONDAY

GOOD = """kind: selftest
key: growth
name: {zh: 自测, en: Self-test}
layer: student
scale:
  - {zh: 一, en: one}
  - {zh: 二, en: two}
  - {zh: 三, en: three}
  - {zh: 四, en: four}
  - {zh: 五, en: five}
dimensions:
  - key: study
    name: {zh: 学业, en: Study}
    elements:
      - key: method
        name: {zh: 方法, en: Method}
        questions:
          - {key: notes, text: {zh: 笔记？, en: Notes?}}
"""
RULES = """kind: incidents
categories:
  - {key: teaching, name: {zh: 教学, en: Teaching}}
grades:
  - {key: slight, name: {zh: 一般, en: Slight}, days: 5 working days}
"""
FAULTS = [
    # what is changed in the good file, the fault's code, line and column
    (("layer: student", "layer: students"), "def.unknown_value", 4, 8),
    (("  - {zh: 五, en: five}\n", ""), "list.length", 6, 3),
    (("key: notes", "key: method"), "def.duplicate_id", 18, 19),
    (("key: notes", "key: Notes!"), "key.invalid", 18, 19),
    (("          - {key: notes, text: {zh: 笔记？, en: Notes?}}", "          []"), "list.length", 18, 11),
    (("layer: student", "layer: student\nlow: 7"), "number.range", 5, 6),
    (("layer: student", "layer: student\nhigh: 3"), "def.unknown_key", 5, 1),
    (("en: Method", "en: null"), "type.expected_string", 16, 28),
]


def test_the_good_files_are_read() -> None:
    form, rules = loader.read(GOOD), loader.read(RULES)

    assert (form.faults, rules.faults) == ((), ())
    assert [place.question.key for place in form.value.places] == ["notes"]
    assert (rules.value.grades[0].days, rules.value.category("teaching").name.en) == (5, "Teaching")


@pytest.mark.parametrize(("change", "code", "line", "column"), FAULTS)
def test_a_fault_is_told_with_its_line_and_column(change: tuple[str, str], code: str, line: int, column: int) -> None:
    assert change[0] in GOOD

    loaded = loader.read(GOOD.replace(*change))

    assert loaded.value is None
    assert [(f.code, f.line, f.col) for f in loaded.faults] == [(code, line, column)]


@pytest.mark.parametrize(("change", "code"), [
    (("days: 5 working days", "days: 5 weeks"), "duration.unit"),
    (("days: 5 working days", "days: 0"), "duration.range"),
    (("key: teaching", "key: 教学"), "key.invalid"), (("grades:", "degrees:"), "def.unknown_key"),
])  # fmt: skip
def test_rules_of_incidents_are_checked_the_same_way(change: tuple[str, str], code: str) -> None:
    assert code in [fault.code for fault in loader.read(RULES.replace(*change)).faults]


def test_a_folder_with_two_self_tests_of_a_key_or_of_a_layer_it_lacks_is_refused(tmp_path: Path) -> None:
    packaged.write_example(tmp_path)
    (tmp_path / "one.yaml").write_text(GOOD.replace("student", "school"), encoding="utf-8")
    (tmp_path / "two.yaml").write_text(GOOD.replace("layer: student", "layer: service"), encoding="utf-8")

    faults, _ = loader.check_paths([tmp_path])

    assert [(Path(f.file).name, f.line, f.code) for f in faults] == [
        ("two.yaml", 2, "def.duplicate_id"), ("two.yaml", 4, "ref.unknown_layer")]  # fmt: skip


SHIPPED = ["library", "xiangyang-auto", "wuhan-software"]


@pytest.mark.parametrize("folder", SHIPPED)
def test_the_shipped_self_tests_have_four_dimensions_of_three_elements_whose_names_are_marked_assumed(
    folder: str,
) -> None:
    loaded = loader.read(data_dir("workflows") / folder / "selftest.yaml")
    form = loaded.value

    assert loaded.faults == ()
    assert [dimension.name.zh[:2] for dimension in form.dimensions] == ["学业", "职业", "个人", "社会"]  # 003 §四(二)5
    assert [len(dimension.elements) for dimension in form.dimensions] == [3, 3, 3, 3]  # 004 五(五)1
    assert all("name" in e.assumed and "questions" in e.assumed for e in form.elements)
    assert all(dimension.source.startswith("003") for dimension in form.dimensions)
    assert len({place.question.text.zh for place in form.places}) == len(form.places)


@pytest.mark.parametrize("folder", SHIPPED)
def test_the_shipped_rules_name_their_source_or_that_they_are_assumed(folder: str) -> None:
    rules = loader.read(data_dir("workflows") / folder / "incidents.yaml").value

    assert {"teaching", "safety", "mass"} <= {one.key for one in rules.categories if one.source}
    assert all(bool(one.source) != bool(one.assumed) for one in rules.categories)
    assert all({"name", "days"} <= set(one.assumed) for one in rules.grades)


@pytest.mark.parametrize("text", [GOOD, RULES])
def test_a_value_kept_as_json_comes_back_equal(text: str) -> None:
    value = loader.read(text).value
    kind = Form if isinstance(value, Form) else Rules

    assert build_value(kind, to_plain(value)) == value
    assert canonical(to_plain(build_value(kind, to_plain(value)))) == canonical(to_plain(value))


def test_a_college_is_loaded_with_its_files_and_renewed_when_they_change(app: Flask) -> None:
    folder = loader.load_folder(packaged.folder_of("xiangyang-auto"))
    origin = Origin(now=MONDAY, recorded=MONDAY, door="test")
    installation.create(db.session, origin, sandbox=True)
    loading.load_college(db.session, origin, folder)
    lower = replace(folder, selftests=(replace(folder.selftests[0], low=2.5),))

    assert forms() == {"student-growth": folder.selftests[0]}
    assert loading.renew_college(db.session, origin, folder, write=True)["differences"] == []
    assert loading.renew_college(db.session, origin, lower, write=True)["differences"] == [
        {"what": "catalogue", "key": "selftest student-growth", "change": "changed"}]  # fmt: skip
    assert forms()["student-growth"].low == 2.5


def forms() -> dict[str, Form]:
    """Return the self-tests of the loaded college."""

    def body(driver: Driver) -> dict[str, Form]:
        row = colleges.by_key(driver, "xiangyang-auto")
        assert row is not None
        return catalogue.forms(driver, view(db.session, driver, row.id))

    return transact(db.session, body)
