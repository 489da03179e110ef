"""Handing the outbox over: one message per person and delivery, at least once, recognisable when sent again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from threading import Thread

from qaflow import logs
from qaflow.errors import QaflowError, Unavailable
from qaflow.store import outbox, people, ticks
from qaflow.store.db import Driver, driver, utc

from .ports import Mailer, Notice
from .work import AnySession, Origin, transact

CLAIMED = dt.timedelta(minutes=10)  # how long a message taken belongs to whoever took it
BACK_OFF = (dt.timedelta(minutes=1), dt.timedelta(minutes=10))  # then a person has to look at it
SECONDS = 20.0  # a mailer that takes longer is cut off
INCIDENT = "tick.mail"
LINES = 20

log = logs.get("qaflow.outbox")


def deliver(session: AnySession, origin: Origin, mailer: Mailer) -> dict[str, int]:
    """Send what waits, grouped by person; returns how many messages were ``sent``, ``failed`` and ``dropped``.

    Notices are first claimed under one message id: of two processes that deliver at once each takes other ones, and
    a crash between sending and marking leads to the same message again, never to another one.
    """
    claimed = transact(session, lambda d: outbox.claim(d, utc(origin.now), utc(origin.now + CLAIMED)))
    done: dict[str, int] = {}
    for message in claimed:
        how = _send(session, origin, mailer, message)
        done[how] = done.get(how, 0) + 1
    return done


def retry(d: Driver, now: str) -> int:
    """Let what could not be sent be tried again."""
    return outbox.revive(d, now)


def _send(session: AnySession, origin: Origin, mailer: Mailer, message: outbox.Message) -> str:
    """Send one message and mark it; the recipient is looked up now, a disabled one gets nothing."""
    d = driver(session)
    account = people.by_id(d, message.person)
    lines = outbox.lines(d, message.ids[:LINES])
    session.rollback()
    if account is None or account.disabled_at is not None:
        transact(session, lambda d: outbox.mark(d, message.ids, "dropped", utc(origin.now)))
        return "dropped"
    notice = compose(account.login, account.language, message.key, len(message.ids), lines)
    try:
        within(SECONDS, lambda: mailer.send(notice))
    except Exception as error:  # noqa: BLE001 - whatever a mailer raises concerns this message alone
        log.warning("outbox.failed", key=message.key, error=str(error))
        told = error.detail if isinstance(error, QaflowError) else f"{type(error).__name__}: {error}"
        transact(session, lambda d: _failed(d, origin, message, told))
        return "failed"
    transact(session, lambda d: _sent(d, origin, message))
    return "sent"


def _sent(d: Driver, origin: Origin, message: outbox.Message) -> None:
    outbox.mark(d, message.ids, "sent", utc(origin.now))
    if message.tries > len(BACK_OFF):
        ticks.solve(d, INCIDENT, message.key, utc(origin.now))


def _failed(d: Driver, origin: Origin, message: outbox.Message, told: str) -> None:
    """Try a message again later, at most three times in all; then it waits as an incident for a person."""
    if message.tries <= len(BACK_OFF):
        outbox.postpone(d, message.ids, utc(origin.now + BACK_OFF[message.tries - 1]))
        return
    outbox.mark(d, message.ids, "failed", utc(origin.now))
    ticks.open_incident(d, None, INCIDENT, message.key, told[:500], utc(origin.now), None)


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do work that may hang, for so long at most; what it raises is raised here, `Unavailable` when it was cut off."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            raised.append(error)

    thread = Thread(target=guarded, daemon=True, name="qaflow-mail")
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Unavailable("mail.timeout", f"the mailer did not answer within {seconds:g} s")
    if raised:
        raise raised[0]


WORDS = {
    "StageSubmitted": ("待审批", "to decide"), "StageSigned": ("待会签", "to sign"),
    "StageRejected": ("被驳回", "rejected"), "StageReturned": ("被退回", "sent back"),
    "StageReopened": ("阶段重开", "stage reopened"), "SignerAdded": ("请会签", "to sign"),
    "WarningOpened": ("新预警", "new warning"), "WarningReceived": ("承接预警", "warning taken over"),
    "WarningJoined": ("预警再次触发", "warning raised again"),
    "CorrectionStarted": ("待确认纠偏", "correction to confirm"),
    "ReopeningRefused": ("重开未获同意", "reopening refused"), "SheetIssued": ("诊断表待填", "diagnosis sheet to fill"),
    "ItemTransferred": ("转办给您", "transferred to you"), "WorkEscalated": ("逾期升级", "overdue, escalated to you"),
    "ItemReminded": ("催办", "reminder"), "CopySent": ("抄送", "copied to you"),
    "IncidentGraded": ("请处理", "for you to handle"), "IncidentHandled": ("已处理，待答复", "handled, to be answered"),
    "IncidentAnswered": ("已答复", "answered"), "IncidentClosed": ("已办结", "closed"),
}  # fmt: skip


def compose(login: str, language: str, key: str, count: int, lines: Sequence[tuple[str, str]]) -> Notice:
    """Return one message for several notices: counts and links by number, never the content of findings."""
    which = 0 if language == "zh" else 1
    subject = (f"诊改平台：{count} 条提醒", f"Quality spirals: {count} notice(s)")[which]
    body = []
    for kind, payload in lines:
        word, told = WORDS.get(kind, (kind, kind))[which], json.loads(payload)
        of = (f"质量事故 {told['incident']}", f"incident {told['incident']}") if "incident" in told else (
            f"轮次 {told['cycle']}", f"cycle {told['cycle']}")  # fmt: skip
        body.append((f"{of[0]}：{word}", f"{of[1]}: {word}")[which])
    if count > len(lines):
        body.append((f"另有 {count - len(lines)} 条，见待办。", f"and {count - len(lines)} more in your inbox.")[which])
    return Notice(key=key, to=login, subject=subject, body="\n".join(body))
