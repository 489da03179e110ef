"""What a message says: counts, links and few words, never the content of findings; in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from qaflow.paths import data_dir

TITLES = {"zh": "诊改平台", "en": "Quality spirals"}
LINES = 20
WORDS = {
    "StageSubmitted": ("待审批", "to decide"), "StageSigned": ("待会签", "to sign"),
    "StageRejected": ("被驳回", "rejected"), "StageReturned": ("被退回", "sent back"),
    "StageReopened": ("阶段重开", "stage reopened"), "SignerAdded": ("请会签", "to sign"),
    "WarningOpened": ("新预警", "new warning"), "WarningReceived": ("承接预警", "warning taken over"),
    "WarningJoined": ("预警再次触发", "warning raised again"),
    "CorrectionStarted": ("待确认纠偏", "correction to confirm"),
    "ReopeningRefused": ("重开未获同意", "reopening refused"), "SheetIssued": ("诊断表待填", "diagnosis sheet to fill"),
    "ItemTransferred": ("转办给您", "transferred to you"), "WorkEscalated": ("逾期升级", "overdue, escalated to you"),
    "ItemReminded": ("催办", "reminder"), "CopySent": ("抄送", "copied to you"), "Commented": ("提到您", "named you"),
    "IncidentGraded": ("请处理", "for you to handle"), "IncidentHandled": ("已处理，待答复", "handled, to be answered"),
    "IncidentAnswered": ("已答复", "answered"), "IncidentClosed": ("已办结", "closed"),
    "TaskAdded": ("交给您", "given to you"), "TaskChanged": ("交给您", "given to you"),
    "FileImported": ("交给您", "given to you"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Line:
    """One notice: cycle, incident or tasks by number, what is up with it, and for whom, where somebody stands in."""

    text: str
    url: str
    for_: str = ""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a message to one person says."""

    language: str
    college: str
    lines: tuple[Line, ...]
    more: int  # notices beyond the lines
    overdue: int
    inbox: str  # addresses
    why: str

    @property
    def subject(self) -> str:
        """The subject: how much there is."""
        count, zh = len(self.lines) + self.more, self.language == "zh"
        parts = [f"{count} 条提醒" if zh else f"{count} notice(s)"] if count else []
        parts += [f"{self.overdue} 项逾期" if zh else f"{self.overdue} overdue"] if self.overdue else []
        mark, comma = ("：", "，") if zh else (": ", ", ")
        return TITLES[self.language] + mark + comma.join(parts)


@dataclass(frozen=True, kw_only=True)
class News:
    """What a message to a group says."""

    language: str
    unit: str
    url: str
    late: int = 0
    due: int = 0
    warnings: int = 0
    trial: bool = field(default=False)


def line(kind: str, payload: str, language: str, base: str, names: dict[int, str]) -> Line:
    """Return one notice in words."""
    zh, told = language == "zh", json.loads(payload)
    word = WORDS.get(kind, (kind, kind))[not zh]
    if "tasks" in told:
        of, url = _tasks(told, zh, base)
    elif "incident" in told:
        of, url = f"质量事故 {told['incident']}" if zh else f"incident {told['incident']}", f"{base}/incidents"
    else:
        of, url = f"轮次 {told['cycle']}" if zh else f"cycle {told['cycle']}", f"{base}/cycles/{told['cycle']}"
    return Line(text=f"{of}：{word}" if zh else f"{of}: {word}", url=url, for_=names.get(told.get("for"), ""))


def _tasks(told: dict[str, Any], zh: bool, base: str) -> tuple[str, str]:
    """Return what is said of tasks of the year, and where they stand."""
    many, one = len(told["tasks"]), told["tasks"][0]
    url = f"{base}/tasks/{one}" if many == 1 else f"{base}/tasks"
    if "no" in told:
        return (f"年度任务 {told['no']}" if zh else f"task of the year {told['no']}"), url
    return (f"年度任务 {many} 项" if zh else f"{many} task(s) of the year"), url


def written(of: Letter) -> tuple[str, str]:
    """Return a letter as text and as HTML."""
    text = _template(f"message.{of.language}.txt").render(of=of)
    return text, _template(f"message.{of.language}.html").render(of=of, subject=of.subject)


def news(of: News) -> tuple[str, str]:
    """Return the title and the text of a message to a group."""
    return TITLES[of.language], _template(f"group.{of.language}.txt").render(of=of).strip()


@cache
def _templates() -> Environment:
    folder = data_dir("templates") / "mail"
    return Environment(loader=FileSystemLoader(str(folder)), undefined=StrictUndefined,
                       autoescape=select_autoescape(("html",)), keep_trailing_newline=True)  # fmt: skip


def _template(name: str):  # type: ignore[no-untyped-def]  # jinja2's own type is not exported
    return _templates().get_template(name)


def absent(payloads: Sequence[str]) -> list[int]:
    """Return for whom notices are told to others."""
    return sorted({told["for"] for told in map(json.loads, payloads) if "for" in told})
