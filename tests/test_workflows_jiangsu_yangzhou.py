"""The shipped sets of two colleges hold what their sources say; the oracles are written by hand from the sources."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from qaflow.engine.calendar import Calendar, Term
from qaflow.engine.loader import load_folder
from qaflow.engine.periods import Period, Rule, anchor_date, period_at, stage_days

FOLDER = Path(__file__).parent.parent / "workflows"
JIANGSU, YANGZHOU = "jiangsu-engineering", "yangzhou-polytechnic"
BOTH = (JIANGSU, YANGZHOU)
TEN = [
    "goal", "standard", "design", "organize", "implement", "diagnose", "incentivize", "learn", "innovate", "improve",
]  # fmt: skip
FORM_KEYS = {
    "goal": ["goals"], "standard": ["standards"], "design": ["plan", "control_points", "tasks"],
    "organize": ["resources"], "implement": ["results"], "diagnose": ["verdicts"], "incentivize": ["decisions"],
    "learn": ["learning"], "innovate": ["measures"], "improve": ["effects", "carried"],
}  # fmt: skip


@cache
def read(college: str, name: str) -> Any:
    return YAML(typ="safe").load((FOLDER / college / f"{name}.yaml").read_text(encoding="utf-8"))


def definitions(college: str) -> dict[str, Any]:
    files = sorted((FOLDER / college / "definitions").glob("*.yaml"))
    plain = [read(college, f"definitions/{f.stem}") for f in files]
    return {d["key"]: d for d in plain}


def track(college: str, layer: str, key: str) -> Any:
    return next(t for t in read(college, "college")["tracks"] if (t["layer"], t["key"]) == (layer, key))


def unit_codes(college: str) -> set[str]:
    return {u["code"] for u in read(college, "organisation")["units"]}


def task(college: str, number: int) -> Any:
    return read(college, "tasks")["tasks"][number - 1]


def when(entry: Any) -> tuple[str, str | None, int | None, bool]:
    day = entry.get("date")
    return entry["source_time"], None if day is None else str(day), entry.get("month"), entry["recurs"]


# Tracks


@pytest.mark.parametrize(
    ("college", "layer", "key", "length", "starts", "monitoring", "diagnoses"),
    [
        (JIANGSU, "school", "annual", "P1Y", "calendar", "real-time", ["self period", "appraisal yearly 12"]),
        (JIANGSU, "major", "construction", "P3Y", "calendar", "real-time", ["appraisal period"]),
        (JIANGSU, "major", "construction.year", "P1Y", "calendar", "real-time",
         ["self yearly 8", "appraisal yearly 8"]),
        (JIANGSU, "course", "annual", "P1Y", "calendar", "real-time", ["self yearly 8", "appraisal yearly 8"]),
        (JIANGSU, "teacher", "annual", "P1Y", "calendar", "real-time", ["self yearly 12", "appraisal yearly 12"]),
        (JIANGSU, "student", "annual", "P1Y", "calendar", "real-time", ["self yearly 12", "appraisal yearly 12"]),
        (YANGZHOU, "school", "annual", "P1Y", "calendar", "monthly", ["self period", "appraisal yearly 12"]),
        (YANGZHOU, "major", "construction", "P3Y", "calendar", "semester", ["self semester", "appraisal period"]),
        (YANGZHOU, "course", "construction", "project", "subject", "quarterly",
         ["self quarterly", "appraisal period"]),
        (YANGZHOU, "course", "teaching", "semester", "calendar", "half-month",
         ["self semester", "appraisal semester"]),
        (YANGZHOU, "teacher", "growth", "P3Y", "subject", "semester", ["self semester", "appraisal period"]),
        (YANGZHOU, "student", "growth", "semester", "calendar", "monthly", ["self semester"]),
    ],
)  # fmt: skip
def test_track_has_the_period_cadence_and_diagnoses_of_its_source(
    college: str, layer: str, key: str, length: str, starts: str, monitoring: str, diagnoses: list[str]
) -> None:
    found = track(college, layer, key)
    said = [" ".join(str(x) for x in (d["kind"], d["every"], d.get("month")) if x) for d in found["diagnoses"]]
    assert (found["period"]["length"], found["period"]["from"], found["monitoring"]) == (length, starts, monitoring)
    assert said == diagnoses


@pytest.mark.parametrize(("college", "tracks"), [(JIANGSU, 6), (YANGZHOU, 6)])
def test_each_track_has_a_definition_of_its_layer_with_a_sheet_for_each_diagnosis(college: str, tracks: int) -> None:
    known, found = definitions(college), read(college, "college")["tracks"]
    assert len(found) == len(known) == tracks
    for one in found:
        definition = known[one["definition"]]
        assert definition["layer"] == one["layer"]
        assert [s["kind"] for s in definition["sheets"]] == [d["kind"] for d in one["diagnoses"]]


def test_majors_of_000_run_their_annual_plans_inside_three_years() -> None:
    assert track(JIANGSU, "major", "construction")["children"] == ["construction.year"]
    assert track(JIANGSU, "major", "construction.year")["parent"] == "construction"


def test_what_the_sources_leave_open_is_marked_assumed() -> None:
    marked = {(c, t["layer"], t["key"]): t["assumed"] for c in BOTH for t in read(c, "college")["tracks"]}
    assert marked[JIANGSU, "school", "annual"] == ["anchor", "appraisal month"]
    assert marked[YANGZHOU, "teacher", "growth"] == ["period"]
    assert marked[YANGZHOU, "course", "teaching"] == marked[YANGZHOU, "student", "growth"] == []


# Stages


@pytest.mark.parametrize(
    ("college", "names"),
    [
        (JIANGSU, ["目标", "标准", "组织实施", "诊断改进"]),
        (YANGZHOU, ["事前设定目标标准", "事中监测预警", "事后诊断改进"]),
    ],
)
def test_stages_are_worded_as_the_college_does_and_cover_the_ten_once(college: str, names: list[str]) -> None:
    for definition in definitions(college).values():
        assert [s["name"]["zh"] for s in definition["stages"]] == names
        assert [c for s in definition["stages"] for c in s["covers"]] == TEN


def test_inner_loops_bear_the_names_of_the_two_sources() -> None:
    loops = {c: {tuple(n["zh"] for n in d["quick_loop"]["names"]) for d in definitions(c).values()} for c in BOTH}
    assert loops == {JIANGSU: {("监测", "反馈", "改进")}, YANGZHOU: {("监测", "预警", "纠偏")}}


@pytest.mark.parametrize("college", BOTH)
def test_a_stage_captures_what_each_covered_stage_leaves(college: str) -> None:
    for definition in definitions(college).values():
        for stage in definition["stages"]:
            assert [f["key"] for f in stage["form"]] == [k for c in stage["covers"] for k in FORM_KEYS[c]]


@pytest.mark.parametrize("college", BOTH)
def test_the_definitions_show_joint_sign_off_no_approval_and_auto_advance(college: str) -> None:
    stages = [s for d in definitions(college).values() for s in d["stages"]]
    decided = [s["approval"] for s in stages if s["approval"] != "none"]
    assert any(a["need"] == "all" and a["also"] for a in decided)
    assert len(decided) < len(stages)
    assert any(s["auto_advance"] and not s["gate"] for s in stages)


@pytest.mark.parametrize("college", BOTH)
def test_ladders_rise_to_the_quality_office(college: str) -> None:
    for definition in definitions(college).values():
        days = [int(level["after"].split()[0]) for level in definition["ladder"]]
        assert 2 <= len(days) <= 4
        assert days == sorted(set(days))
        assert definition["ladder"][-1]["to"] == "quality_office"


@pytest.mark.parametrize("college", BOTH)
def test_stages_are_decided_by_the_next_responsible_level(college: str) -> None:
    level = {
        "school": "vice_president", "major": "unit_head", "course": "major_leader",
        "teacher": "unit_head", "student": "class_adviser",
    }  # fmt: skip
    for definition in definitions(college).values():
        decided = [s["approval"]["role"] for s in definition["stages"] if s["approval"] != "none"]
        assert set(decided) == {level[definition["layer"]]}


def test_diagnosis_of_000_is_due_in_the_month_of_its_schedule() -> None:
    due = {k: d["stages"][-1]["deadline"] for k, d in definitions(JIANGSU).items()}
    assert due["jiangsu-engineering.major-construction-year"]["date"].startswith("08-")
    assert due["jiangsu-engineering.course-annual"]["date"].startswith("08-")
    assert due["jiangsu-engineering.student-annual"]["date"].startswith("12-")


# Organisation and calendar


@pytest.mark.parametrize(("college", "functional"), [(JIANGSU, 13), (YANGZHOU, 15)])
def test_units_are_counted_and_the_small_demo_has_450_subjects(college: str, functional: int) -> None:
    organisation = read(college, "organisation")
    kinds = Counter(u["kind"] for u in organisation["units"])
    small = organisation["demo"]["small"]
    assert kinds == {"functional": functional, "teaching": 5}
    assert 1 + kinds.total() + sum(small[k] for k in ("majors", "courses", "teachers", "students")) == 450


def test_teaching_units_that_no_source_names_are_marked_invented() -> None:
    invented = {c: [u["name"]["zh"] for u in read(c, "organisation")["units"] if u.get("invented")] for c in BOTH}
    teaching = {c: [u["name"]["zh"] for u in read(c, "organisation")["units"] if u["kind"] == "teaching"] for c in BOTH}
    assert [n for n in teaching[JIANGSU] if n not in invented[JIANGSU]] == ["素质教学部"]
    assert teaching[YANGZHOU] == invented[YANGZHOU]


def test_a_department_under_two_names_is_one_unit_with_aliases() -> None:
    aliases = {u["name"]["zh"]: u.get("aliases", []) for u in read(JIANGSU, "organisation")["units"]}
    assert "质量办公室" in aliases["发展规划处（质量办公室）"]
    assert {"党办", "校办"} <= set(aliases["办公室"])


@pytest.mark.parametrize("college", BOTH)
def test_three_teaching_years_have_neither_gap_nor_overlap(college: str) -> None:
    years = read(college, "calendar")["years"]
    spans = sorted((s["starts"], s["ends"]) for y in years for s in (*y["terms"], *y["breaks"]))
    assert [y["key"] for y in years] == ["2024-2025", "2025-2026", "2026-2027"]
    assert (str(spans[0][0]), str(spans[-1][1])) == ("2024-09-01", "2027-08-31")
    assert all((after[0] - before[1]).days == 1 for before, after in pairwise(spans))


# Tasks


def test_schedule_of_000_has_36_rows_in_eight_groups() -> None:
    tasks = read(JIANGSU, "tasks")["tasks"]
    assert [t["no"] for t in tasks] == list(range(1, 37))
    assert list(Counter(t["group"]["zh"] for t in tasks).values()) == [7, 4, 4, 4, 5, 2, 6, 4]
    assert sum(t["recurs"] for t in tasks) == 15


@pytest.mark.parametrize(
    ("number", "lead", "cell", "time"),
    [
        (1, "dw", "学校党委", ("2019.9", "2019-09-30", None, False)),
        (2, "jwc", "教务处", ("2019.12", "2019-12-31", None, False)),
        (10, "bgs", "职能部门", ("每年度", None, None, True)),
        (12, "szjxb", "二级学院（部）", ("每年度6月份", None, 6, True)),
        (17, "bgs", "各职能部门", ("2019.10", "2019-10-31", None, False)),
        (18, "fzghc", "发展规划处（质量办公室）", ("2019.9", "2019-09-30", None, False)),
        (19, "bgs", "各职能部门", ("每年度2月份", None, 2, True)),
        (21, "twxxzx", "图文信息中心、各职能部门", ("2020.6", "2020-06-30", None, False)),
        (25, "xcb", "宣传部、发展规划处（质量办公室）", ("2020.6", "2020-06-30", None, False)),
        (29, "jwc", "教务处", ("每年度8月份", None, 8, True)),
        (31, "rsc", "人事处", ("每年度 12 月份", None, 12, True)),
        (32, "xgc", "学工处", ("每年度 12 月份", None, 12, True)),
        (35, "rsc", "人事处", ("每年度 2 月份", None, 2, True)),
        (36, "xgc", "学工处", ("每年度 6 月份", None, 6, True)),
    ],
)
def test_row_of_the_schedule_of_000(number: int, lead: str, cell: str, time: tuple[Any, ...]) -> None:
    row = task(JIANGSU, number)
    assert (row["departments"][0], row["source_departments"], when(row)) == (lead, cell, time)
    assert "department" not in row


@pytest.mark.parametrize("number", [3, 30])
def test_empty_cells_of_000_hold_the_department_above(number: int) -> None:
    row = task(JIANGSU, number)
    assert (row["departments"], row["department"]) == (["jwc"], "carried")
    assert "source_departments" not in row


def test_all_functional_departments_answer_where_000_says_each_department() -> None:
    functional = {u["code"] for u in read(JIANGSU, "organisation")["units"] if u["kind"] == "functional"}
    assert set(task(JIANGSU, 28)["departments"]) == functional - {"dw"}


def test_schedule_of_002_has_30_rows_in_six_groups() -> None:
    tasks = read(YANGZHOU, "tasks")["tasks"]
    assert [t["no"] for t in tasks] == list(range(1, 31))
    assert list(Counter(t["group"]["zh"] for t in tasks).values()) == [6, 8, 2, 2, 5, 7]
    assert [t["no"] for t in tasks if t["recurs"]] == [4]


@pytest.mark.parametrize(
    ("number", "departments", "time"),
    [
        (1, ["db", "zgb"], ("2019.01 2019.03", "2019-03-31", None, False)),
        (3, ["zgb", "zzb", "jwc", "ggfzs", "gjs"], ("2019.01 2019.03", "2019-03-31", None, False)),
        (4, ["zzb", "rsc", "jwc", "kjc", "jjy", "zgb"], ("每年 1月份 每年 3月份", None, 3, True)),
        (5, ["zzb", "rsc", "db"], ("2019.01 2019.06", "2019-06-30", None, False)),
        (6, ["yb", "zgb", "zzb"], ("2019.06 持续", None, None, False)),
        (19, ["xxzx"], ("2019.01 2019.12", "2019-12-31", None, False)),
        (21, ["xxzx", "jwc"], ("2019.01 2019.12", "2019-12-31", None, False)),
        (22, ["xxzx", "jsfzzx", "rsc"], ("2019.01 2019.12", "2019-12-31", None, False)),
        (24, ["zgb", "yb", "zzb", "cwc"], ("2019.01 2019.09", "2019-09-30", None, False)),
        (29, ["zgb"], ("2019.01 2019.09", "2019-09-30", None, False)),
        (30, ["xcb"], ("2019.01 2020.12", "2020-12-31", None, False)),
    ],
)
def test_row_of_the_schedule_of_002(number: int, departments: list[str], time: tuple[Any, ...]) -> None:
    assert (task(YANGZHOU, number)["departments"], when(task(YANGZHOU, number))) == (departments, time)


# Chains and points


def test_standard_tables_of_000_stand_row_by_row() -> None:
    standards = read(JIANGSU, "standards")["standards"]
    assert Counter(s["layer"] for s in standards) == {
        "school": 6, "major": 12, "course": 13, "teacher": 10, "student": 9,
    }  # fmt: skip
    names = {s["key"]: (s["group"]["zh"], s["name"]["zh"]) for s in standards}
    assert names["major-1"] == ("专业建设标准", "专业设置及动态调整标准")
    assert names["major-12"] == ("专业教学运行标准", "毕业设计规范及考核标准")
    assert names["course-4"] == ("课程建设标准", "课程教学资源建设标准")
    assert names["course-10"] == ("课程教学运行标准", "课程调整标准")
    assert names["course-13"] == ("课程管理标准", "精品资源共享课程标准")
    assert names["teacher-10"] == ("教师发展标准", "教学团队认定标准")
    assert names["student-3"] == ("学生道德品质标准", "心理品质标准")


@pytest.mark.parametrize(("college", "plans", "standards"), [(JIANGSU, 18, 50), (YANGZHOU, 16, 12)])
def test_chains_are_counted_and_hang_together(college: str, plans: int, standards: int) -> None:
    goals, yardsticks = read(college, "plans")["plans"], read(college, "standards")["standards"]
    keys = {p["key"] for p in goals}
    assert (len(keys), len({s["key"] for s in yardsticks})) == (plans, standards)
    assert [p["key"] for p in goals if p["parent"] is None] == ["overall"]
    assert {p["parent"] for p in goals} - {None} <= keys
    assert {s["plan"] for s in yardsticks} <= keys
    assert {s["layer"] for s in yardsticks} == {p["layer"] for p in goals}


def test_nine_special_plans_of_000_serve_the_overall_plan() -> None:
    special = [p["name"]["zh"] for p in read(JIANGSU, "plans")["plans"] if p["level"] == "special"]
    assert len(special) == 9
    assert {"国际交流与合作规划", "校园基本建设规划", "内部质量保证体系建设规划"} <= set(special)


@pytest.mark.parametrize("college", BOTH)
def test_owners_of_tasks_plans_and_standards_are_units_of_the_college(college: str) -> None:
    rows = [row for name in ("tasks", "plans", "standards") for row in read(college, name)[name]]
    assert {code for row in rows for code in row["departments"]} <= unit_codes(college)


@pytest.mark.parametrize(("college", "count"), [(JIANGSU, 20), (YANGZHOU, 15)])
def test_each_layer_has_control_points_and_no_frame_is_made_up(college: str, count: int) -> None:
    points = read(college, "points")
    layers = Counter(p["layer"] for p in points["control_points"])
    assert points["items"] == []
    assert (layers.total(), len(layers)) == (count, 5)
    assert min(layers.values()) >= 2


def test_only_the_network_targets_of_000_are_the_sources_own() -> None:
    given = {p["key"]: p["target"] for p in read(JIANGSU, "points")["control_points"] if "target" not in p["assumed"]}
    assert given == {"network-points": 10000, "bandwidth": 4}
    assert all("target" in p["assumed"] for p in read(YANGZHOU, "points")["control_points"])


@pytest.mark.parametrize("college", BOTH)
def test_warning_values_lie_on_the_bad_side_of_the_target(college: str) -> None:
    for point in read(college, "points")["control_points"]:
        assert point["warn_lower"] < point["target"]
        assert (point["warn_upper"] is not None) == (point["direction"] == "band")


def rows_of(college: str) -> list[Any]:
    units = read(college, "organisation")["units"]
    chains = [*read(college, "plans")["plans"], *read(college, "standards")["standards"]]
    tracks = read(college, "college")["tracks"]
    return [*units, *chains, *tracks, *read(college, "tasks")["tasks"], *read(college, "points")["control_points"]]


@pytest.mark.parametrize(("college", "number"), [(JIANGSU, "000"), (YANGZHOU, "002")])
def test_every_row_can_be_traced_to_its_section(college: str, number: str) -> None:
    for row in rows_of(college):
        assert number in row["source"]
        assert "§" in row["source"] or "table" in row["source"] or "fig." in row["source"]


# As the engine reads them


def engine_calendar(college: str) -> Calendar:
    plain = [t for y in read(college, "calendar")["years"] for t in y["terms"]]
    terms = [Term(key=t["key"], starts=t["starts"], ends=t["ends"]) for t in plain]
    years = frozenset(range(2023, 2030))
    return Calendar(zone="Asia/Shanghai", years=years, terms=tuple(terms), until=date(2027, 8, 31))


@pytest.mark.parametrize("college", BOTH)
def test_the_checker_finds_no_fault_in_the_folder(college: str) -> None:
    folder = load_folder(FOLDER / college)
    assert [str(f) for f in folder.faults] == []
    assert len(folder.definitions) == 6


@pytest.mark.parametrize("college", BOTH)
def test_deadlines_rise_inside_the_period_of_every_track(college: str) -> None:
    folder, calendar = load_folder(FOLDER / college), engine_calendar(college)
    by_key = folder.definitions
    assert folder.college is not None
    for one in folder.college.tracks:
        period = one.period
        rule = Rule(length=period.length, anchor=period.anchor or "09-01", start=period.from_, ends=date(2026, 12, 31))
        span = period_at(rule, anchor_date(rule, date(2025, 3, 1)), date(2025, 10, 1), calendar)
        days = list(stage_days(by_key[one.definition].stages, span, calendar).values())
        assert len(days) == len(by_key[one.definition].stages)
        assert days == sorted(set(days))
        assert days[0] in span
        assert days[-1] in span


def test_the_last_annual_plan_of_000_is_due_before_the_three_years_leave_their_work() -> None:
    folder, calendar = load_folder(FOLDER / JIANGSU), engine_calendar(JIANGSU)
    by_key = {key: d.stages for key, d in folder.definitions.items()}
    long, year = Period(date(2024, 9, 1), date(2027, 9, 1)), Period(date(2026, 9, 1), date(2027, 9, 1))
    parent = stage_days(by_key[f"{JIANGSU}.major-construction"], long, calendar)
    child = stage_days(by_key[f"{JIANGSU}.major-construction-year"], year, calendar)
    assert (child["rectify"], parent["conduct"]) == (date(2027, 8, 18), date(2027, 8, 23))
