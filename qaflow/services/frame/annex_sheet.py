"""The table of annex 3 in words, Chinese or English: the cells that a page shows, and the same as a workbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.ports import Leaf, Ports, Value
from qaflow.services.work import AnySession, Origin
from qaflow.store.db import instant

from . import annex
from .annex import FEW, Annex, Line, Measured

TITLES = {"zh": "附件3", "en": "Annex 3"}
HEADINGS = {
    "zh": ("诊断项目", "诊断要素", "诊断点", "主要工作", "诊断标准", "测量数据内涵", "预警值", "测量结果", "表现形式"),
    "en": ("Diagnosis item", "Diagnosis element", "Diagnosis point", "Main work", "Diagnosis standard",
           "Meaning of the data measured", "Warning value", "Measured result", "Form of presentation"),
}  # fmt: skip
"""As document 003 prints them."""
WIDTHS = (14, 18, 24, 60, 48, 40, 18, 26, 20)  # characters
FIXED = 3  # columns that stay in sight
WORDS: dict[str, dict[str, str]] = {
    "zh": {"below": "低于 {}", "above": "高于 {}", "few": "不足 {} 个，不显示", "none": "还没有数据",
           "mean": "{}，{} 个的均值", "curve": "读数与限值曲线", "text": "文字与佐证文件"},
    "en": {"below": "below {}", "above": "above {}", "few": "fewer than {}: not shown", "none": "no reading yet",
           "mean": "{}, mean of {}", "curve": "Curve of readings against limits", "text": "Text and evidence files"},
}  # fmt: skip


def work(line: Line, language: str) -> list[str]:
    """Return the tasks of a point."""
    return [f"{task.no}. {task.title[language]}" for task in line.tasks]


def limits(one: Measured, language: str) -> str:
    """Return at which values a control point warns."""
    bounds = (("below", one.limits.lower), ("above", one.limits.upper))
    return ", ".join(WORDS[language][side].format(_figure(at)) for side, at in bounds if at is not None)


def result(one: Measured, language: str, day: Callable[[str], str]) -> str:
    """Return what was measured: a subject's reading with its day, or the mean of several; `day` words an instant."""
    said = WORDS[language]
    if one.hidden:
        return said["few"].format(FEW)
    if one.value is None or one.at is None:
        return said["none"]
    value = f"{_figure(one.value)} {one.control.unit}".strip()
    return said["mean"].format(value, one.many) if one.many > 1 else f"{value} ({day(one.at)})"


def form(line: Line, language: str) -> str:
    """Return how a point is presented: measured ones by their curve, others by text and files (assumed)."""
    return WORDS[language]["curve" if line.measured else "text"]


def workbook(session: AnySession, origin: Origin, me: SignedIn, ports: Ports, subject: int, language: str) -> bytes:
    """Return the table of one subject as a workbook (xlsx), its readings those that this person may see.

    Raises `Missing` (``subject.not_found``) and `Unavailable` (``document.writer``).
    """
    return ports.written([_leaf(annex.look(session, origin, me, subject), language)])


def _leaf(found: Annex, language: str) -> Leaf:
    """Return the sheet: every row says its item and element, so that it can be filtered."""
    calendar = found.college.calendar

    def day(at: str) -> str:
        return calendar.local_day(instant(at)).isoformat()

    rows: list[list[Value]] = []
    item = element = ""
    for one in found.lines:
        item = _titled(one.item, language) if one.item else item
        element = _titled(one.element, language) if one.element else element
        standard: Mapping[str, str] = found.frame.bodies[one.point.code].get("requirement") or {}
        rows.append([
            item, element, _titled(one.point, language), "\n".join(work(one, language)), standard.get(language, ""),
            "\n".join(m.control.measures[language] for m in one.measured),
            "\n".join(limits(m, language) for m in one.measured),
            "\n".join(result(m, language, day) for m in one.measured), form(one, language),
        ])  # fmt: skip
    college = getattr(found.college.config.name, language)
    note = f"{college} {found.subject.name if found.subject else ''}".strip()
    return Leaf(title=TITLES[language], headings=HEADINGS[language], rows=rows, widths=WIDTHS, fixed=FIXED,
                landscape=True, note=note)  # fmt: skip


def _titled(row: Any, language: str) -> str:
    return f"{row.code} {row.star}{row.name[language]}"


def _figure(value: float) -> str:
    return f"{value:.10g}"  # no needless digits
