"""The month grid against the two tables as they are printed: 003 §四(一)3 (its unnumbered table), 004 table 6.

The figures below were read from the documents by the author of this test, not from the program's files.
"""

from __future__ import annotations

import pytest
from flask import Flask

from qaflow.engine import loader
from qaflow.services.definitions import loading, packaged
from qaflow.services.running import installation
from qaflow.services.tasks import files as task_files
from qaflow.services.tasks.columns import KIND_WORDS
from qaflow.services.work import Origin
from qaflow.store.db import db
from qaflow.testing import MONDAY

TITLE = "部门工作任务完成情况"
PRINTED = {
    "wuhan-software": (
        ["任务来源", "属性", "序号", "任务", "完成时限"],
        ["1月", "2月", "3月", "4月", "5月", "6月", "9月", "10月", "11月", "12月"],
        ["责任人"],
        ["重点工作", "常规工作"],
    ),
    "xiangyang-auto": (
        ["任务来源", "工作属性", "工作任务", "完成时限"],
        ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
        ["责任部门", "责任人"],
        ["重点工作", "常规工作", "临时工作"],
    ),
}
"""What each college's table prints: headings left of the months, the months, headings right of them, groups."""
SAME = {"属性": "工作属性", "任务": "工作任务"}
"""003 names two columns shorter than 004, whose words are used for both."""
OURS = {"序号", "责任部门", "计划", "年度"}
"""What one of the tables lacks, or what finds a task again in a file."""
ORIGIN = Origin(now=MONDAY, recorded=MONDAY, door="test")


@pytest.mark.parametrize("key", PRINTED)
def test_the_grid_has_the_headings_and_months_of_its_source_in_their_order(app: Flask, key: str) -> None:
    installation.create(db.session, ORIGIN, sandbox=False)
    loading.load_college(db.session, ORIGIN, loader.load_folder(packaged.folder_of(key)))
    left, months, right, _ = PRINTED[key]

    (leaf,) = task_files.export(db.session, ORIGIN, key, "grid", year=2025, unit=None, language="zh")

    assert leaf.title == f"{TITLE} 2025"
    headings = list(leaf.headings)
    first = headings.index("1月")
    assert headings[first : first + len(months)] == months
    printed = [SAME.get(name, name) for name in (*left, *months, *right)]
    assert [name for name in headings if name not in OURS or name in printed] == printed
    assert set(headings) - set(printed) <= OURS


@pytest.mark.parametrize("key", PRINTED)
def test_the_groups_stand_in_the_order_of_the_source(key: str) -> None:
    groups = PRINTED[key][3]
    assert list(KIND_WORDS.values())[: len(groups)] == groups


@pytest.mark.parametrize(("key", "plan", "many"), [("wuhan-software", "annex2", 301), ("xiangyang-auto", "table8", 90)])
def test_every_task_of_the_plan_leaves_by_the_export_of_some_year(app: Flask, key: str, plan: str, many: int) -> None:
    """Annex 2 of 003 numbers its tasks to 301; table 8 of 004 prints 90 rows, most of years that have passed."""
    installation.create(db.session, ORIGIN, sandbox=False)
    loading.load_college(db.session, ORIGIN, loader.load_folder(packaged.folder_of(key)))

    numbers = set()
    for year in range(2016, 2028):
        (leaf,) = task_files.export(db.session, ORIGIN, key, "tasks", year=year, unit=None, language="en")
        at = [list(leaf.headings).index(name) for name in ("plan", "no")]
        numbers |= {row[at[1]] for row in leaf.rows if row[at[0]] == plan}

    assert numbers == set(range(1, many + 1))
