"""The shipped sets of 商洛 (source 001) and 襄阳汽车 (004) against counts and rows taken by hand from the sources."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from qaflow.engine.college import QUALITY_KINDS
from qaflow.engine.definition import NEUTRAL_STAGES, Definition
from qaflow.engine.loader import load_folder
from qaflow.engine.reading.folder import Folder

WORKFLOWS = Path(__file__).parent.parent / "workflows"
COLLEGES = ("shangluo", "xiangyang-auto")
TEN_001 = ["目标", "标准", "设计", "组织", "实施", "诊断", "激励", "学习", "创新", "改进"]
TEN_004 = ["目标", "标准", "计划", "组织", "实施", "诊断", "激励", "学习", "创新", "改进"]


@cache
def folder(college: str) -> Folder:
    """Read a shipped folder once."""
    return load_folder(WORKFLOWS / college)


def tracks(college: str) -> dict[tuple[str, str], tuple[str, str, list[tuple[str, str, int | None]]]]:
    """Return (length, monitoring, diagnoses) of each track by (layer, key)."""
    found = folder(college).college
    assert found is not None
    return {
        (t.layer, t.key): (t.period.length, t.monitoring, [(d.kind, d.every, d.month) for d in t.diagnoses])
        for t in found.tracks
    }


def task(college: str, no: int) -> dict[str, Any]:
    """Return a task of the college's one plan by its number."""
    (plan,) = folder(college).tasks
    return next(t for t in plan["tasks"] if t["no"] == no)


def definition(college: str, name: str) -> Definition:
    """Return a definition by its name within the college."""
    return folder(college).definitions[f"{college}.{name}"]


@pytest.mark.parametrize("college", COLLEGES)
def test_a_shipped_folder_has_no_fault(college: str) -> None:
    assert [str(f) for f in folder(college).faults] == []


@pytest.mark.parametrize(("college", "plans", "standards", "tasks"), [("shangluo", 109, 36, 40),
                                                                       ("xiangyang-auto", 28, 43, 90)])  # fmt: skip
def test_chains_and_schedule_have_as_many_entries_as_the_source(
    college: str, plans: int, standards: int, tasks: int
) -> None:
    found = folder(college)
    assert (len(found.plans), len(found.standards), len(found.tasks[0]["tasks"])) == (plans, standards, tasks)


def test_shangluo_runs_september_rounds_on_six_layers_watched_in_real_time() -> None:
    assert tracks("shangluo") == {
        ("school", "annual"): ("P1Y", "real-time", [("self", "yearly", 6), ("appraisal", "yearly", 6)]),
        ("major", "construction"): ("P1Y", "real-time", [("self", "yearly", 5), ("appraisal", "yearly", 6)]),
        ("course", "construction"): ("P1Y", "real-time", [("self", "semester", None), ("appraisal", "yearly", 6)]),
        ("teacher", "growth"): ("P3Y", "real-time", [("appraisal", "period", None)]),
        ("teacher", "growth.year"): ("P1Y", "real-time", [("self", "yearly", 5), ("improving", "yearly", 1)]),
        ("student", "growth"): ("P1Y", "real-time", [("self", "yearly", 5), ("appraisal", "yearly", 6)]),
        ("service", "annual"): ("P1Y", "real-time", [("self", "yearly", 5), ("appraisal", "yearly", 6)]),
    }
    found = folder("shangluo").college
    assert found is not None
    assert {t.period.anchor for t in found.tracks} == {"09-01"}


def test_xiangyang_runs_two_tracks_of_majors_and_courses_as_the_source_gives_them() -> None:
    assert tracks("xiangyang-auto") == {
        ("school", "annual"): ("P1Y", "real-time", [("self", "yearly", 10), ("appraisal", "yearly", 12)]),
        ("major", "teaching"): ("P1Y", "real-time", [("self", "yearly", 6)]),
        ("major", "construction"): ("P3Y", "real-time", [("appraisal", "period", None)]),
        ("major", "construction.year"): ("P1Y", "real-time", [("self", "yearly", 5)]),
        ("course", "construction"): (
            "P1Y",
            "monthly",
            [("self", "monthly", None), ("improving", "quarterly", None), ("appraisal", "yearly", 12)],
        ),
        ("course", "teaching"): ("semester", "real-time", [("self", "semester", None), ("appraisal", "yearly", 7)]),
        ("teacher", "development"): ("P3Y", "real-time", [("appraisal", "period", None)]),
        ("teacher", "development.year"): ("P1Y", "real-time", [("self", "yearly", 5), ("appraisal", "yearly", 6)]),
        ("student", "development"): (
            "semester",
            "real-time",
            [("self", "semester", None), ("improving", "semester", None)],
        ),
    }
    found = folder("xiangyang-auto").college
    assert found is not None
    assert [(t.layer, t.key) for t in found.tracks if t.period.anchor == "01-01"] == [
        ("school", "annual"),
        ("course", "construction"),
    ]


@pytest.mark.parametrize("college", COLLEGES)
def test_every_track_of_three_years_holds_a_yearly_child_that_ends_before_its_implementation(college: str) -> None:
    found = folder(college).college
    assert found is not None
    long = [t for t in found.tracks if t.period.length == "P3Y"]
    assert long
    for track in long:
        assert track.children == (f"{track.key}.year",)
        child = found.track_by_key[track.layer, track.children[0]]
        last = folder(college).definitions[child.definition].stages[-1].deadline
        hinge = folder(college).definitions[track.definition].covering("implement")
        assert last is not None
        assert last.share is not None
        assert hinge is not None
        assert hinge.deadline is not None
        assert hinge.deadline.share is not None
        assert (2 + last.share) / 3 <= hinge.deadline.share + 1e-9


@pytest.mark.parametrize(("college", "words", "full", "short"), [("shangluo", TEN_001, 6, 1),
                                                                  ("xiangyang-auto", TEN_004, 7, 2)])  # fmt: skip
def test_stages_are_worded_as_the_college_words_them(college: str, words: list[str], full: int, short: int) -> None:
    sets = [[s.name.zh for s in d.stages] for d in folder(college).definitions.values()]
    assert sets.count(words) == full
    assert len(sets) == full + short


@pytest.mark.parametrize("college", COLLEGES)
def test_every_definition_covers_the_ten_stages_in_order_with_rising_deadlines(college: str) -> None:
    for one in folder(college).definitions.values():
        covered = [c for s in one.stages for c in (s.covers or (s.key,))]
        assert covered == list(NEUTRAL_STAGES), one.key
        shares = [s.deadline.share for s in one.stages if s.deadline is not None and s.deadline.share is not None]
        assert len(shares) == len(one.stages)
        assert shares == sorted(set(shares)), one.key


@pytest.mark.parametrize("college", COLLEGES)
def test_every_ladder_rises_and_ends_at_the_quality_office(college: str) -> None:
    for one in folder(college).definitions.values():
        days = [level.after for level in one.ladder]
        assert 2 <= len(days) <= 4, one.key
        assert days == sorted(set(days)), one.key
        assert one.ladder[-1].to in QUALITY_KINDS


FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "goal": {"goals": ("text", "indicator", "target", "source_goal", "weight")},
    "standard": {"standards": ("text", "indicator", "target", "warning", "source")},
    "design": {"control_points": ("name", "measure"), "tasks": ("title", "owner", "due", "cost"), "plan": ()},
    "organize": {"resources": ("what", "owner", "partner")},
    "implement": {"results": ("task", "result")},
    "diagnose": {"verdicts": ("goal", "attained", "degree", "problems", "causes")},
    "incentivize": {"decisions": ("kind", "subject", "grade", "text")},
    "learn": {"learning": ("kind", "text")},
    "innovate": {"measures": ("problem", "measure")},
    "improve": {"effects": ("measure", "effect"), "carried": ("kind", "text")},
}


@pytest.mark.parametrize("college", COLLEGES)
def test_every_stage_captures_what_the_stages_that_it_covers_leave_behind(college: str) -> None:
    for one in folder(college).definitions.values():
        for stage in one.stages:
            form = {f.key: {part.key for part in f.fields} for f in stage.form}
            for neutral in stage.covers or (stage.key,):
                for key, fields in FORMS[neutral].items():
                    assert form[key] >= set(fields), (one.key, stage.key, key)


def test_the_kinds_of_signing_and_moving_on_all_occur() -> None:
    joint = definition("shangluo", "major-construction").by_key["design"].decide
    assert joint is not None
    assert (joint.need, joint.role, joint.also) == ("all", "unit_head", ("vice_president",))
    two = definition("xiangyang-auto", "course-construction").by_key["standard"].decide
    assert two is not None
    assert (two.need, two.quorum, two.role) == ("quorum", 2, "major_leader")
    assert len(two.also) == 2
    for college in COLLEGES:
        stages = [s for d in folder(college).definitions.values() for s in d.stages]
        assert any(s.decide is None for s in stages)
        assert any(s.auto_advance for s in stages)


@pytest.mark.parametrize(
    ("college", "name", "role"),
    [
        ("shangluo", "course-construction", "major_leader"),
        ("shangluo", "major-construction", "unit_head"),
        ("shangluo", "school-annual", "vice_president"),
        ("shangluo", "service-annual", "vice_president"),
        ("shangluo", "teacher-growth", "unit_head"),
        ("shangluo", "student-growth", "class_adviser"),
        ("xiangyang-auto", "course-teaching", "major_leader"),
        ("xiangyang-auto", "major-teaching", "unit_head"),
        ("xiangyang-auto", "student-development", "class_adviser"),
    ],
)
def test_the_next_responsible_level_decides(college: str, name: str, role: str) -> None:
    decide = definition(college, name).by_key["implement"].decide
    assert decide is not None
    assert decide.role == role


@pytest.mark.parametrize(
    ("college", "no", "departments", "source_time", "when"),
    [
        ("shangluo", 1, ["dzb"], "已完成", (None, None)),
        ("shangluo", 5, ["hlx", "yxx", "sfx", "jdx"], "2018.12.20", (None, "2018-12-20")),
        ("shangluo", 9, ["hlx", "yxx", "sfx", "jdx", "ggb"], "2019.12.20", (None, "2019-12-20")),
        ("shangluo", 20, ["xxzx", "zkzx"], "2019.06", (None, "2019-06-30")),
        ("shangluo", 23, ["zkzx"], "实时采集", (None, None)),
        ("shangluo", 24, ["zkzx"], "当年12月", (12, None)),
        ("shangluo", 28, ["zzrsc"], "2018.09-2019.09", (None, "2019-09-30")),
        ("shangluo", 36, ["dzb", "zkzx"], "复核前10天", (None, None)),
        ("shangluo", 37, ["jwc"], "时间待定", (None, None)),
        ("xiangyang-auto", 1, ["zgb"], "2019.03", (None, "2019-03-31")),
        ("xiangyang-auto", 14, ["fgc"], "2017.05", (None, "2017-05-31")),
        ("xiangyang-auto", 18, ["yb"], "每年初", (1, None)),
        ("xiangyang-auto", 24, ["jwc", "cxyc", "qcgc", "znzz", "xxgc", "jjgl", "jzgc", "ggk"], "2017.05",
         (None, "2017-05-31")),
        ("xiangyang-auto", 47, ["jwc"], "2017.02", (None, "2017-02-28")),
        ("xiangyang-auto", 81, ["yb", "jwc", "xgc"], "2017.03", (None, "2017-03-31")),
        ("xiangyang-auto", 90, ["xxzx"], "2019.12", (None, "2019-12-31")),
    ],
)  # fmt: skip
def test_a_row_of_the_schedule_keeps_its_departments_and_time(
    college: str, no: int, departments: list[str], source_time: str, when: tuple[int | None, str | None]
) -> None:
    found = task(college, no)
    assert list(found["departments"]) == departments
    assert found["source_time"] == source_time
    assert (found["month"], found["date"]) == when


@pytest.mark.parametrize(("college", "numbers"), [("shangluo", [24]), ("xiangyang-auto", [18, 19, 20])])
def test_only_yearly_tasks_come_again(college: str, numbers: list[int]) -> None:
    (plan,) = folder(college).tasks
    assert [t["no"] for t in plan["tasks"] if t["recurs"]] == numbers


def test_the_frame_of_shangluo_holds_table_1_by_system_and_layer() -> None:
    cells = Counter((p["system"], p["layer"]) for p in folder("shangluo").plans)
    layers = ("school", "major", "course", "teacher", "student")
    assert {s: [cells[s, layer] for layer in layers] for s in {system for system, _ in cells}} == {
        "decision_command": [3, 2, 2, 2, 2],
        "quality_generation": [4, 2, 4, 4, 4],
        "resource_building": [6, 3, 5, 4, 5],
        "support_service": [7, 3, 5, 6, 6],
        "supervision_control": [7, 4, 4, 4, 6],
    }
    assert cells["support_service", "service"] == 5
    row = [s["layer"] for s in folder("shangluo").standards if "table 1" in s["source"]]
    assert Counter(row) == {"school": 2, "major": 2, "course": 3, "teacher": 3, "student": 3}


@pytest.mark.parametrize(
    ("college", "kind", "key", "zh", "layer", "department"),
    [
        ("shangluo", "plans", "goal-school-2", "学院整改工作规划", "school", "zkzx"),
        ("shangluo", "plans", "sc-teacher-3", "“青蓝工程”实施", "teacher", "zzrsc"),
        ("shangluo", "plans", "rb-school-3", "资金保障", "school", "cwc"),
        ("shangluo", "standards", "std-student-2", "体能测试标准", "student", "xsc"),
        ("xiangyang-auto", "plans", "buildings", "校园基础建设规划", "school", "fgc"),
        ("xiangyang-auto", "plans", "party", "党的建设和思想政治工作规划", "school", "dwgzb"),
        ("xiangyang-auto", "plans", "each-course", "各专业课程建设规划", "course", "qcgc"),
        ("xiangyang-auto", "standards", "s10", "学期“三期”教学检查工作暂行规定", "school", "jwc"),
        ("xiangyang-auto", "standards", "s13", "教学管一体化实施管理办法", "major", "xgc"),
        ("xiangyang-auto", "standards", "s34", "课程诊断标准", "course", "jwc"),
        ("xiangyang-auto", "standards", "s43", "学生综合素质标准", "student", "xgc"),
    ],
)
def test_a_chain_entry_keeps_its_name_layer_and_owner(
    college: str, kind: str, key: str, zh: str, layer: str, department: str
) -> None:
    entries = {e["key"]: e for e in getattr(folder(college), kind)}
    found = entries[key]
    assert (found["name"]["zh"], found["layer"], found["departments"][0]) == (zh, layer, department)


@pytest.mark.parametrize("college", COLLEGES)
def test_every_goal_serves_a_known_one_above_and_every_standard_can_be_measured(college: str) -> None:
    keys = {p["key"] for p in folder(college).plans}
    roots = [p["key"] for p in folder(college).plans if p["parent"] is None]
    assert len(roots) == 1
    for standard in folder(college).standards:
        assert standard["plan"] in keys, standard["key"]
        assert standard["indicator"]["zh"], standard["key"]


def test_standards_of_xiangyang_fall_on_the_layers_as_in_table_7() -> None:
    layers = Counter(s["layer"] for s in folder("xiangyang-auto").standards)
    assert layers == {"school": 12, "major": 7, "course": 15, "teacher": 4, "student": 5}


@pytest.mark.parametrize(("college", "count", "layers"), [("shangluo", 20, 6), ("xiangyang-auto", 17, 5)])
def test_control_points_stand_on_every_layer_without_a_frame(college: str, count: int, layers: int) -> None:
    points = folder(college).points
    assert points is not None
    assert len(points["items"]) == 0  # neither source has a frame of diagnosis points
    found = Counter(p["layer"] for p in points["control_points"])
    assert (sum(found.values()), len(found)) == (count, layers)
    assert min(found.values()) >= 2
    known = tracks(college)
    assert all((p["layer"], p["track"]) in known for p in points["control_points"] if p["track"] is not None)


@pytest.mark.parametrize(
    ("college", "functional", "teaching"), [("shangluo", 9, 5), ("xiangyang-auto", 13, 6)]
)  # fmt: skip
def test_departments_stand_in_a_system_and_teaching_units_without_a_name_are_marked(
    college: str, functional: int, teaching: int
) -> None:
    organisation = folder(college).organisation
    assert organisation is not None
    units = organisation["units"]
    assert sum(u["kind"] == "functional" for u in units) == functional
    assert all(u["system"] for u in units if u["kind"] == "functional")
    invented = [u for u in units if u["kind"] == "teaching"]
    assert len(invented) == teaching
    assert all(u["invented"] for u in invented)


def test_the_self_test_of_xiangyang_has_four_dimensions_of_three_elements() -> None:
    sheet = definition("xiangyang-auto", "student-development").sheet("self")
    assert sheet is not None
    asked = [f.label.zh.split("·")[0] for f in sheet.form if "·" in f.label.zh]
    assert Counter(asked) == {"学会学习": 3, "学会做事": 3, "学会做人": 3, "学会生活": 3}


@pytest.mark.parametrize("college", COLLEGES)
def test_three_teaching_years_follow_each_other_without_gap(college: str) -> None:
    calendar = folder(college).calendar
    assert calendar is not None
    assert [y["key"] for y in calendar["years"]] == ["2024-2025", "2025-2026", "2026-2027"]
    spans = sorted((s["starts"], s["ends"]) for y in calendar["years"] for s in (*y["terms"], *y["breaks"]))
    assert len(spans) == 12
    days = [(date.fromisoformat(a), date.fromisoformat(b)) for a, b in spans]
    assert all((later[0] - earlier[1]).days == 1 for earlier, later in pairwise(days))
