"""Whom a message is for and what it says, reckoned when it is sent: account, rights, deputies, address and counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from qaflow.engine.definition import Label
from qaflow.errors import Unavailable
from qaflow.services import sealing
from qaflow.services.college import CollegeView, view
from qaflow.services.desk.inbox import bounds
from qaflow.services.ports import Chat, Mailer, Notice, Post
from qaflow.services.work import AnySession, Origin
from qaflow.store import channels, installation, messages, outbox, people, telling
from qaflow.store.channels import Channel
from qaflow.store.db import Driver, driver, utc
from qaflow.store.messages import Message

from . import letters
from .digesting import UNCHOSEN
from .letters import Letter, News
from .weighing import may_know

PURPOSE = "channel secrets"
MINUTE = dt.timedelta(minutes=1)
A_MINUTE = {"wecom": 20, "dingtalk": 20, "feishu": 5}
"""Messages of a bot in a minute: WeCom and DingTalk say 20; Feishu 100, and 5 in a second, which this keeps."""


def ready(session: AnySession, origin: Origin, message: Message, mailer: Mailer,
          post: Post) -> Callable[[], None] | None:  # fmt: skip
    """Return what sends a message, or None where nobody is to be told any more.

    Raises `Unavailable` where its channel has reached its vendor's limit or cannot be read.
    """
    d = driver(session)
    try:
        college = view(session, d, message.college)
        if message.person is not None:
            notice = _notice(d, origin, college, message, post)
            return None if notice is None else lambda: mailer.send(notice)
        chat = _chat(d, origin, college, message, post)
    finally:
        session.rollback()
    return None if chat is None or post.chats is None else lambda: post.chats.send(chat)  # type: ignore[union-attr]


def _notice(d: Driver, origin: Origin, college: CollegeView, message: Message, post: Post) -> Notice | None:
    """Return the mail to a person; None for who is gone, wants none, or has nothing to be told any more."""
    person = message.person or 0
    account = people.by_id(d, person)
    choice = telling.choices(d, college.id, [person]).get(person, UNCHOSEN)
    if account is None or account.disabled_at is not None or not choice.mail:
        return None
    letter = _letter(d, origin, college, message, account.language, post.base_url)
    if not letter.lines and not letter.overdue:
        return None
    found = installation.row(d)
    sandbox = found is not None and found.sandbox
    text, html = letters.written(letter)
    known = choice.address or account.mail
    return Notice(key=message.key, to=known or account.login, subject=letter.subject, body=text, html=html,
                  why=letter.why, language=letter.language, at=origin.recorded,
                  given=known is not None or not sandbox)  # fmt: skip


def _letter(d: Driver, origin: Origin, college: CollegeView, message: Message, language: str, base: str) -> Letter:
    person, today = message.person or 0, college.calendar.local_day(origin.now)
    rows = may_know(d, college, person, today.isoformat(), outbox.carried(d, message.ids))
    shown = rows[: letters.LINES]
    absent = [p for p, _ in people.stands_in_for(d, college.id, person, today.isoformat())]
    late = (telling.overdue_of(d, college.id, [person, *absent], bounds(college.calendar, today)[0])
            if message.kind == "digest" else 0)  # fmt: skip
    names = {p: name for p, (name, _) in people.names(d, letters.absent([r.payload for r in shown])).items()}
    return Letter(language=language, college=worded(college.config.name, language), overdue=late,
                  lines=tuple(letters.line(r.kind, r.payload, language, base, names) for r in shown),
                  more=len(rows) - len(shown), inbox=f"{base}/inbox",
                  why=f"{base}/me/notices/{message.id}")  # fmt: skip


def _chat(d: Driver, origin: Origin, college: CollegeView, message: Message, post: Post) -> Chat | None:
    """Return the message to a group; None where its channel is gone or nothing is left to be said."""
    channel = channels.one(d, message.channel)
    if channel is None or channel.address is None or post.chats is None:
        return None
    since = utc(origin.now - MINUTE)
    if messages.sent_since(d, college.id, channel.mark, since) >= A_MINUTE[channel.kind]:
        raise Unavailable("chat.limited", f"{A_MINUTE[channel.kind]} messages a minute are sent to this bot already")
    news = _news(d, origin, college, channel, message.kind == "trial", post.base_url)
    if not (news.trial or news.late or news.due or news.warnings):
        return None
    title, text = letters.news(news)
    return Chat(kind=channel.kind, address=_opened(post, channel.address), title=title, text=text,
                secret=_opened(post, channel.secret), at=origin.recorded)  # fmt: skip


def _opened(post: Post, sealed: bytes | None) -> str:
    return sealing.unseal(post.secret_key, PURPOSE, sealed).decode() if sealed is not None else ""


def _news(d: Driver, origin: Origin, college: CollegeView, channel: Channel, trial: bool, base: str) -> News:
    floor, today, _ = bounds(college.calendar, college.calendar.local_day(origin.now))
    late, due, warnings = telling.group(d, college.id, channel.unit, floor, today)
    unit = {number: Label(zh=zh, en=en) for number, zh, en in telling.units(d, college.id)}.get(channel.unit or 0)
    return News(language=channel.language, unit=worded(unit or college.config.name, channel.language),
                url=f"{base}/inbox", late=late, due=due, warnings=warnings, trial=trial)  # fmt: skip


def worded(label: Label, language: str) -> str:
    """Return a label in a language."""
    return label.zh if language == "zh" else label.en
