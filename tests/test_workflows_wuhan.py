"""The shipped set of Wuhan holds what its source (003) says; the oracles are read from the source by hand."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from qaflow.engine.definition import Definition, Stage
from qaflow.engine.loader import Folder, load_folder

FOLDER = Path(__file__).parent.parent / "workflows" / "wuhan-software"
TEN = [
    "goal", "standard", "design", "organize", "implement", "diagnose", "incentivize", "learn", "innovate", "improve",
]  # fmt: skip
EIGHT = ["goal", "standard", "design", "implement", "diagnose", "incentivize", "innovate", "improve"]
ALL_TEACHING = "jxxy mkszy xxxy dzxy qcxy hjxy sxy ysxy rwxy"
CARRIED, SHARED, SENSE = "carried", "shared", "by sense"

# Annex 2, read by hand: number → point, departments, marks.
TASKS = {
    1: ("1.1.1", "ddc", set()),
    3: ("1.1.1", "kyc", {CARRIED}),
    5: ("1.1.1", "jwc", {CARRIED}),
    7: ("1.1.2", "ddc", {CARRIED, SENSE}),
    16: ("1.2.1", "rsc dzb", {SHARED}),
    20: ("1.2.2", "jwc " + ALL_TEACHING, {SHARED}),
    29: ("1.4.1", "sxzx ddc", set()),
    43: ("2.1.2", "jjy", set()),
    49: ("2.1.3", "cwc", {CARRIED}),
    52: ("2.2.2", "kyc jwc", set()),
    58: ("2.2.3", "sxzx", {CARRIED}),
    72: ("2.3.3", "jxxy", set()),
    73: ("2.3.3", "ddjwc jwc", set()),
    89: ("2.4.3", "", set()),
    100: ("3.1.2", "", {SENSE}),
    112: ("3.2.2", "jwc " + ALL_TEACHING, {CARRIED, SENSE}),
    127: ("3.5.2", "sxzx " + ALL_TEACHING, set()),
    131: ("3.6.1", "", set()),
    135: ("3.6.1", "cyxy", {SENSE}),
    137: ("3.6.2", "gjxy", {CARRIED}),
    160: ("3.8.3", "ddc", {CARRIED}),
    178: ("4.3.2", "jwc xjzx", {SENSE}),
    215: ("5.2.2", "jwc", set()),
    238: ("6.1.3", "dzb", {SENSE}),
    255: ("6.3.1", "mkszy", {CARRIED}),
    259: ("6.3.2", "xgc " + ALL_TEACHING, {CARRIED, SHARED, SENSE}),
    260: ("6.3.3", "cyxy", {SHARED}),
    283: ("7.2.1", "dzb rsc ddc jwc", set()),
    287: ("7.2.2", "", {SENSE}),
    301: ("7.4.1", "ddc jwc xgc rsc " + ALL_TEACHING, set()),
}
# 003 §四(二): length, kinds of diagnosis with how often.
TRACKS = {
    ("school", "work"): ("P1Y", ["improving monthly", "appraisal period", "appraisal yearly"]),
    ("major", "teaching"): ("P1Y", ["self monthly", "appraisal yearly"]),
    ("major", "construction"): ("P3Y", ["appraisal period"]),
    ("major", "construction.year"): ("P1Y", ["self period"]),
    ("course", "teaching"): ("semester", ["self monthly"]),
    ("course", "construction"): ("P1Y", ["appraisal period", "appraisal yearly"]),
    ("teacher", "team"): ("P1Y", ["self period"]),
    ("teacher", "person"): ("P1Y", ["self monthly", "appraisal semester"]),
    ("student", "development"): ("semester", ["appraisal semester", "self yearly", "appraisal yearly"]),
    ("service", "work"): ("P1Y", ["self monthly", "appraisal yearly"]),
}
APPROVER = {
    "school": "vice_president", "major": "unit_head", "course": "major_leader", "student": "class_adviser",
    "service": "vice_president",
}  # fmt: skip
CHILD = "wuhan-software.major-construction-year"
STUDENT = "wuhan-software.student-development"


@cache
def folder() -> Folder:
    return load_folder(FOLDER)


def college() -> Any:
    assert folder().college is not None
    return folder().college


def frame() -> dict[str, Any]:
    found = folder().points
    assert found is not None
    return found


def elements() -> list[dict[str, Any]]:
    return [e for item in frame()["items"] for e in item["elements"]]


def diagnosis_points() -> dict[str, dict[str, Any]]:
    return {p["code"]: p for e in elements() for p in e["points"]}


def entries(plan: str) -> dict[int, dict[str, Any]]:
    return {t["no"]: t for f in folder().tasks if f["plan"]["key"] == plan for t in f["tasks"]}


def units() -> dict[str, dict[str, Any]]:
    found = folder().organisation
    assert found is not None
    return {u["code"]: u for u in found["units"]}


def definitions() -> list[Definition]:
    return list(folder().definitions.values())


def joint(stage: Stage) -> bool:
    return stage.decide is not None and stage.decide.need == "all" and len(stage.decide.also) > 0


def test_the_folder_has_no_fault() -> None:
    assert [str(f) for f in folder().faults] == []


def test_the_frame_counts_seven_items_36_elements_and_90_points() -> None:
    assert [len(item["elements"]) for item in frame()["items"]] == [4, 5, 8, 5, 5, 5, 4]
    assert [sum(len(e["points"]) for e in item["elements"]) for item in frame()["items"]] == [9, 14, 19, 14, 12, 12, 10]
    assert (len(frame()["items"]), len(elements()), len(diagnosis_points())) == (7, 36, 90)


def test_codes_count_within_what_holds_them() -> None:
    for item in frame()["items"]:
        for n, element in enumerate(item["elements"], 1):
            assert element["code"] == f"{item['code']}.{n}"
            assert [p["code"] for p in element["points"]] == [
                f"{element['code']}.{m}" for m in range(1, len(element["points"]) + 1)
            ]


def test_stars_stand_where_annex_1_prints_them() -> None:
    stars = {code: p["star"] for code, p in diagnosis_points().items() if p["star"]}
    assert stars == {"2.3.3": "*", "3.2.2": "*", "3.7.1": "*", "3.7.2": "**", "3.7.3": "**", "3.7.4": "**"}


@pytest.mark.parametrize(
    ("code", "name", "platform", "first_indicator", "indicators"),
    [
        ("1.4.1", "信息采集与管理", ["3.4", "8.1"], "支持度", 3),
        ("2.4.2", "教学管理与教风", ["8.1", "8.2", "8.5", "8.6", "8.9"], "评教客体（对象）覆盖面", 2),
        ("3.1.3", "实施保障", ["3.4", "4", "5.1", "5.2", "6", "7.4", "7.5"], None, 0),
        ("3.3.1", "人才培养方案", ["7.2", "7.4", "7.5"], "校企共同制定人才培养方案的比例（%）", 4),
        ("4.4.5", "顶岗实习", ["7.4"], "顶岗实习参与人数比例", 3),
        ("6.4.2", "社会评价", ["7.6", "8.4", "9.3", "9.4", "9.5", "9.6", "9.7"], "母校满意度", 3),
        ("7.2.2", "发生率及影响", [], None, 0),
    ],
)
def test_a_point_has_its_indicators_and_platform_numbers(
    code: str, name: str, platform: list[str], first_indicator: str | None, indicators: int
) -> None:
    point = diagnosis_points()[code]
    assert point["name"]["zh"] == name
    assert list(point["platform"]) == platform
    assert len(point["indicators"]) == indicators
    assert first_indicator is None or point["indicators"][0]["zh"] == first_indicator


def test_annex_2_has_301_tasks_numbered_through() -> None:
    assert list(entries("annex2")) == list(range(1, 302))


def test_every_task_lies_at_a_point_and_with_departments_that_exist() -> None:
    points, codes = diagnosis_points(), units()
    for no, task in entries("annex2").items():
        assert task["point"] in points, no
        assert set(task["departments"]) <= set(codes), no
        assert task["title"]["zh"] and task["title"]["en"], no
    assert {t["point"] for t in entries("annex2").values()} == set(points)


def test_tasks_follow_the_points_in_order() -> None:
    order = [tuple(map(int, t["point"].split("."))) for t in entries("annex2").values()]
    assert order == sorted(order)


@pytest.mark.parametrize("no", TASKS)
def test_a_task_has_the_point_and_departments_of_annex_2(no: int) -> None:
    point, departments, marks = TASKS[no]
    task = entries("annex2")[no]
    assert task["point"] == point
    assert list(task["departments"]) == departments.split()
    assert (task["department"] == "carried") == (CARRIED in marks)
    assert (task["placed"] == "by sense") == (SENSE in marks)
    assert ("departments" in task["assumed"]) == (SHARED in marks)


def test_a_carried_department_is_the_one_above_within_the_same_point() -> None:
    carried = 0
    for above, task in pairwise(entries("annex2").values()):
        if task["department"] == "carried":
            assert (above["point"], above["departments"]) == (task["point"], task["departments"]), task["no"]
            assert task["source_departments"] == ""
            carried += 1
    assert carried > 50


def test_points_without_any_department_in_the_source_have_none() -> None:
    named: dict[str, set[str]] = {}
    for task in entries("annex2").values():
        named.setdefault(task["point"], set()).update(task["departments"])
    without = {point for point, departments in named.items() if not departments}
    assert without == {"2.4.3", "3.1.2", "4.2.2", "7.1.3", "7.2.2", "7.2.3"}


@pytest.mark.parametrize(
    ("no", "time", "recurs"),
    [(113, "每年", True), (137, "每年", True), (165, "按年度", True), (121, "学年度", True), (85, "学期", False),
     (221, "", False), (1, "", False), (290, "近三年", False)],
)  # fmt: skip
def test_only_yearly_tasks_recur(no: int, time: str, recurs: bool) -> None:
    task = entries("annex2")[no]
    assert (task["source_time"], task["recurs"]) == (time, recurs)


@pytest.mark.parametrize(
    ("no", "time", "day", "departments"),
    [(1, "2017年6月—2017年12月", "2017-12-31", "ddc"), (4, "2017年9月—2018年4月", "2018-04-30", "ddc"),
     (17, "2018年3月—2018年8月", "2018-08-31", "sxzx"), (18, "2018年6月—2018年10月", "2018-10-31", "jwc"),
     (23, "2018年11月—2018年12月", "2018-12-31", "ddc")],
)  # fmt: skip
def test_the_timetable_of_the_plan_has_its_dates(no: int, time: str, day: str, departments: str) -> None:
    task = entries("timetable")[no]
    assert (task["source_time"], str(task["date"])) == (time, day)
    assert list(task["departments"]) == departments.split()
    assert not task["recurs"]


def test_the_timetable_has_nine_steps() -> None:
    assert len({t["group"]["zh"] for t in entries("timetable").values()}) == 9


def test_the_standard_chain_has_28_kinds() -> None:
    found = folder().standards
    assert Counter(s["layer"] for s in found) == {
        "school": 3, "major": 5, "course": 5, "teacher": 4, "student": 3, "service": 8,
    }  # fmt: skip
    by_key = {s["key"]: s for s in found}
    assert list(by_key) == [f"s{n}" for n in range(1, 29)]
    assert (by_key["s7"]["name"]["zh"], list(by_key["s7"]["departments"])) == ("专业教学标准", ALL_TEACHING.split())
    assert (by_key["s15"]["name"]["zh"], list(by_key["s15"]["departments"])) == ("教师任职标准", ["jwc", "rsc"])
    assert (by_key["s28"]["name"]["zh"], list(by_key["s28"]["departments"])) == ("后勤生活服务标准", ["hqc"])
    assert all(s["indicator"]["zh"] for s in found)


def test_the_goal_chain_has_one_general_nine_special_and_nine_sub_plans() -> None:
    found = folder().plans
    assert Counter(p["level"] for p in found) == {"general": 1, "special": 9, "sub": 9}
    by_key = {p["key"]: p for p in found}
    assert (by_key["p0"]["name"]["zh"], by_key["p0"]["departments"]) == ("学校“十三五”发展规划", ("kyc",))
    assert by_key["p5"]["departments"] == ("sxzx", "jwc")
    assert [p["parent"] for p in found] == [None] + ["p0"] * 18


def test_nine_teaching_units_and_one_unit_for_two_names() -> None:
    teaching = [u for u in units().values() if u["kind"] == "teaching"]
    assert " ".join(u["code"] for u in teaching) == ALL_TEACHING
    assert [u["invented"] for u in teaching] == [False] * 2 + [True] * 7
    aliases = {u["name"]["zh"]: set(u["aliases"]) for u in units().values()}
    for name, alias in (
        ("教务处", "高职教务处"),
        ("督导处", "教学督导处"),
        ("人事处", "组织人事处"),
        ("科研处", "科技处"),
    ):
        assert alias in aliases[name]
    assert all(u["system"] for u in units().values() if u["kind"] == "functional")


def test_the_tracks_are_those_of_the_source() -> None:
    found = {
        (t.layer, t.key): (t.period.length, [f"{d.kind} {d.every}" for d in t.diagnoses]) for t in college().tracks
    }
    assert found == TRACKS


def test_the_years_of_a_construction_run_inside_its_three() -> None:
    tracks = college().track_by_key
    assert tracks["major", "construction"].children == ("construction.year",)
    assert tracks["major", "construction.year"].parent == "construction"


def test_the_grid_leaves_out_july_and_august() -> None:
    calendar = folder().calendar
    assert calendar is not None
    assert list(calendar["grid_months"]) == [1, 2, 3, 4, 5, 6, 9, 10, 11, 12]
    assert [y["key"] for y in calendar["years"]] == ["2024-2025", "2025-2026", "2026-2027"]


def test_each_track_has_its_own_definition_with_ten_or_eight_stages() -> None:
    used = [t.definition for t in college().tracks]
    assert sorted(used) == sorted(folder().definitions)
    orders = Counter(tuple(d.order) for d in definitions() if d.key != CHILD)
    assert orders == {tuple(TEN): 5, tuple(EIGHT): 4}
    assert all(s.name.zh == "计划" for d in definitions() for s in d.stages if s.key == "design" and d.key != CHILD)


def test_every_definition_covers_all_ten_stages() -> None:
    for definition in definitions():
        assert [n for n in TEN if definition.covering(n) is None] == [], definition.key


def test_deadlines_rise_and_end_before_the_period_does() -> None:
    for definition in definitions():
        shares = [
            s.deadline.share for s in definition.stages if s.deadline is not None and s.deadline.share is not None
        ]
        assert len(shares) == len(definition.stages)
        assert all(a < b for a, b in pairwise(shares)), definition.key
        assert shares[-1] < 1


def test_each_definition_has_a_stage_without_approval_and_one_that_advances_itself() -> None:
    for definition in definitions():
        assert any(s.decide is None for s in definition.stages), definition.key
        assert any(s.auto_advance for s in definition.stages), definition.key
        assert definition.key == STUDENT or any(joint(s) for s in definition.stages), definition.key


def test_the_next_responsible_level_approves() -> None:
    for definition in definitions():
        if definition.layer in APPROVER:
            goal = definition.by_key["goal"].decide
            assert goal is not None and goal.role == APPROVER[definition.layer], definition.key


def test_incentives_are_recorded_with_the_appraisal_grade() -> None:
    for definition in definitions():
        stage = definition.covering("incentivize")
        assert stage is not None
        decisions = next(f for f in stage.form if f.key == "decisions")
        fields = {f.key: f for f in decisions.fields}
        assert fields["kind"].choices == ("reward", "support", "accountability")
        assert "grade" in fields


def test_each_layer_has_two_control_points_with_limits() -> None:
    points = frame()["control_points"]
    assert all(n >= 2 for n in Counter(p["layer"] for p in points).values())
    assert {p["layer"] for p in points} == {layer.key for layer in college().layers}
    for point in points:
        assert point["target"] is not None
        limits = (point["warn_lower"] is not None, point["warn_upper"] is not None)
        assert limits == {"higher": (True, False), "lower": (False, True), "band": (True, True)}[point["direction"]]


def test_values_of_the_source_are_not_marked_as_assumed() -> None:
    points = {p["key"]: p for p in frame()["control_points"]}
    for key, target in (("practice-hours", 50), ("counsellor-ratio", 200), ("training-spend", 5)):
        assert points[key]["target"] == target
        assert "target" not in points[key]["assumed"]
