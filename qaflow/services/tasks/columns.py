"""The columns in which tasks leave and come back: headings and words of the tables in 003 §四(一)3 and 004 table 6."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qaflow.engine.grid import DONE, DROPPED, GOING, LATE, PLANNED
from qaflow.services.files.cells import Column
from qaflow.store.tasks import Task, Unit

ORIGIN_WORDS = {"plan": "学校规划", "superior": "上级下达", "school": "学校增设"}
KIND_WORDS = {"key": "重点工作", "routine": "常规工作", "ad_hoc": "临时工作"}
STATE_WORDS = {DONE: "完成", GOING: "进行", LATE: "逾期", PLANNED: "计划", DROPPED: "取消"}
NOTE_WORDS = {key: word for key, word in STATE_WORDS.items() if key != DROPPED}
SEPARATORS = re.compile(r"[;；|]")
WITH_LOGIN = re.compile(r".*\((\S+)\)", re.DOTALL)
MOST = 4000  # characters of the list of a task's units


def _choice(key: str, zh: str, words: Mapping[str, str]) -> Column:
    return Column(key=key, zh=zh, what="choice", choices=(*words, *words.values()))


MONTHS = {f"m{number}": number for number in range(1, 13)}
GRID = (
    _choice("origin", "任务来源", ORIGIN_WORDS),
    _choice("kind", "工作属性", KIND_WORDS),
    Column(key="no", zh="序号", what="code", required=True),
    Column(key="title_zh", zh="工作任务", required=True),
    Column(key="due", zh="完成时限", what="day"),
)
AFTER = (
    Column(key="units", zh="责任部门", what="list", length=MOST),
    Column(key="owner", zh="责任人", length=300),
    Column(key="plan", zh="计划", what="code"),
    Column(key="year", zh="年度", what="code"),
)
"""What stands right of the months: first as the sources have it, then what finds the task again."""
MORE = (
    Column(key="title_en", zh="英文名称"),
    Column(key="starts", zh="开始时间", what="day"),
    Column(key="cost", zh="经费", what="code"),
    Column(key="goal", zh="目标", what="code"),
    Column(key="point", zh="诊断点", what="code"),
    _choice("state", "状态", STATE_WORDS),
    Column(key="result", zh="工作成效", length=MOST),
)
COLUMNS = (*GRID, *(_choice(key, f"{number}月", NOTE_WORDS) for key, number in MONTHS.items()), *AFTER, *MORE)


def heading(column: Column, language: str) -> str:
    """Return what a column is called in a file."""
    return column.zh if language == "zh" else column.key


def word(words: Mapping[str, str], key: str, language: str) -> str:
    """Return the word of a key in a file; one that is not known is itself."""
    return words.get(key, key) if language == "zh" else key


def key_of(words: Mapping[str, str], said: str | None) -> str | None:
    """Return the key of a word, in either language."""
    return next((key for key, one in words.items() if said in (key, one)), None)


def owner_text(task: Task) -> str:
    """Return who owns a task, so that the name is read and the login found."""
    return f"{task.owner_name} ({task.owner_login})" if task.owner else ""


def owner_said(text: str) -> str:
    """Return whom a cell means: the login in brackets, else a login or name."""
    found = WITH_LOGIN.fullmatch(text)
    return found[1] if found else text


def unit_words(units: Mapping[int, Unit]) -> dict[str, str]:
    """Return what each unit's code is called in a file: its name where that can mean no other, else the code."""
    names = [unit.name_zh for unit in units.values()]
    codes = {unit.code for unit in units.values()}
    plain = (u for u in units.values() if names.count(u.name_zh) == 1 and not SEPARATORS.search(u.name_zh))
    return {u.code: u.code for u in units.values()} | {
        u.code: u.name_zh for u in plain if u.name_zh == u.code or u.name_zh not in codes
    }
