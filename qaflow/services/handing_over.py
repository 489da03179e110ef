"""Handing the outbox over: one message per person and delivery, at least once, recognisable when sent again."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from qaflow import logs
from qaflow.errors import QaflowError
from qaflow.store import outbox, people
from qaflow.store.db import driver, utc

from .ports import Mailer, Notice
from .work import AnySession, Origin, transact

LATER = dt.timedelta(minutes=10)
PAGE = 5000
LINES = 20

log = logs.get("qaflow.outbox")


def deliver(session: AnySession, origin: Origin, mailer: Mailer, report: Any) -> int:
    """Send what waits, grouped by person; what was sent is marked after it left, what failed is tried later.

    Rows are first claimed under one message id, so that a crash between sending and marking leads to the same message
    again, never to another one.
    """
    now = utc(origin.now)
    sent = 0
    while True:
        claimed = transact(session, lambda d: outbox.claim(d, now, PAGE))
        if not claimed:
            break
        for (person, key), rows in _grouped(claimed).items():
            if _send(session, origin, mailer, person, key, rows):
                sent += 1
    report.add("messages", sent)
    return sent


def _grouped(rows: list[tuple[Any, ...]]) -> dict[tuple[int, str], list[tuple[Any, ...]]]:
    found: dict[tuple[int, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault((row[5], row[7]), []).append(row)
    return found


def _send(session: AnySession, origin: Origin, mailer: Mailer, person: int, key: str, rows: list[tuple[Any, ...]]) -> bool:
    """Send one person's rows as one message; the recipient is looked up now, a disabled one gets nothing."""
    ids = [row[0] for row in rows]
    account = people.by_id(driver(session), person)
    session.rollback()
    if account is None or account.disabled_at is not None:
        transact(session, lambda d: outbox.mark(d, ids, "dropped", utc(origin.now)))
        return False
    notice = compose(account.login, account.language, key, rows)
    try:
        mailer.send(notice)
    except (QaflowError, OSError) as error:
        log.warning("outbox.failed", key=key, error=str(error))
        transact(session, lambda d: outbox.postpone(d, ids, utc(origin.now + LATER)))
        return False
    transact(session, lambda d: outbox.mark(d, ids, "sent", utc(origin.now)))
    return True


WORDS = {
    "StageSubmitted": ("待审批", "to decide"), "StageSigned": ("待会签", "to sign"), "StageRejected": ("被驳回", "rejected"),
    "StageReturned": ("被退回", "sent back"), "StageReopened": ("阶段重开", "stage reopened"), "SignerAdded": ("请会签", "to sign"),
    "WarningOpened": ("新预警", "new warning"), "WarningReceived": ("承接预警", "warning taken over"),
    "WarningJoined": ("预警再次触发", "warning raised again"), "CorrectionStarted": ("待确认纠偏", "correction to confirm"),
    "ReopeningRefused": ("重开未获同意", "reopening refused"), "SheetIssued": ("诊断表待填", "diagnosis sheet to fill"),
    "ItemTransferred": ("转办给您", "transferred to you"), "WorkEscalated": ("逾期升级", "overdue, escalated to you"),
    "ItemReminded": ("催办", "reminder"), "CopySent": ("抄送", "copied to you"),
}  # fmt: skip


def compose(login: str, language: str, key: str, rows: list[tuple[Any, ...]]) -> Notice:
    """Return one message for several notices: counts and links by number, never the content of findings."""
    which = 0 if language == "zh" else 1
    subject = (f"诊改平台：{len(rows)} 条提醒", f"Quality spirals: {len(rows)} notice(s)")[which]
    lines = []
    for row in rows[:LINES]:
        payload = json.loads(row[6])
        word = WORDS.get(row[4], (row[4], row[4]))[which]
        lines.append((f"轮次 {payload['cycle']}：{word}", f"cycle {payload['cycle']}: {word}")[which])
    if len(rows) > LINES:
        lines.append((f"另有 {len(rows) - LINES} 条，见待办。", f"and {len(rows) - LINES} more in your inbox.")[which])
    return Notice(key=key, to=login, subject=subject, body="\n".join(lines))
