"""P18: the mail server accepts then drops, refuses, stalls, is down; the sender is killed between send and mark."""

import datetime as dt
import random
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from mailing import Sink, smtp
from processes import tell

from qaflow import testing
from qaflow.adapters import smtp as adapter
from qaflow.adapters.mail import mailer
from qaflow.adapters.smtp import SmtpMailer
from qaflow.config import mask
from qaflow.engine.definition import Deadline
from qaflow.errors import Invalid, Unavailable
from qaflow.services.notices import digesting
from qaflow.services.ports import Mailer, Notice, Post
from qaflow.services.sweeping import handing_over
from qaflow.services.work import Origin
from qaflow.store import messages
from qaflow.store.db import db, utc

EIGHT = dt.datetime(2025, 9, 8, 0, tzinfo=dt.UTC)  # Monday 08:00 in Shanghai
MINUTE = dt.timedelta(minutes=1)
PEOPLE = 30
KILLS = 30
SEED = 20250908
POST = Post(base_url="https://qa.college.test")
NOTICE = Notice(key="digest.2025-09-08.1", to="lead", subject="诊改平台：3 条提醒", body="您有 3 项工作已逾期\n",
                html="<p>您有 3 项</p>", why="https://qa.college.test/me/notices/1", at=EIGHT)  # fmt: skip


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Serve a mail server."""
    with smtp() as found:
        yield found


def world() -> testing.World:
    """Return a college of thirty persons, each with an overdue item; no sandbox, so that logins are addresses."""
    form = testing.spiral(stages=(testing.stage("goal", deadline=Deadline(date="09-05")), testing.stage("improve")))
    made = testing.World(db.session, form)
    for n in range(PEOPLE - 2):
        made.person(f"p{n}")
        made.course(f"S{n}", "section", f"p{n}")
    made.tick(testing.MONDAY)
    made.tick(EIGHT)  # levels fire; nothing is handed over yet
    made.query("update installation set sandbox = false returning id")
    return made


def deliver(at: dt.datetime, by: Mailer) -> dict[str, int]:
    """Hand over what may leave at an instant."""
    return handing_over.deliver(db.session, Origin(now=at, recorded=at, door="test"), by, POST)


def wanted(made: testing.World) -> set[str]:
    """Return the Message-IDs of all messages, whatever became of them."""
    return {f"<{key}@college.test>" for (key,) in made.query("select key from message")}


def test_a_mail_is_text_and_html_in_chinese_with_the_headers_of_a_program(sink: Sink) -> None:
    by = SmtpMailer(sink.url)

    with closing(by):
        by.send(NOTICE)
        by.send(NOTICE)

    mail: Any = sink.mails[0]
    assert mail["Subject"] == NOTICE.subject and mail["To"] == "lead@college.test"
    assert sink.ids == ["<digest.2025-09-08.1@college.test>"] * 2
    assert mail["Auto-Submitted"] == "auto-generated" and mail["List-Id"] == "qaflow <notices.college.test>"
    assert mail["Date"].datetime == EIGHT and mail["List-Help"] == f"<{NOTICE.why}>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content().strip() == NOTICE.body.strip()


def test_who_has_no_address_is_told_nothing_and_logins_of_a_sandbox_are_no_addresses(sink: Sink) -> None:
    bare = mailer(sink.url.partition("&")[0])
    for by, notice in ((bare, NOTICE), (mailer(sink.url), Notice(**{**vars(NOTICE), "given": False}))):
        with pytest.raises(Invalid) as told:
            by.send(notice)
        assert told.value.code == "mail.no_address"
    assert sink.mails == []


def test_a_header_cannot_be_slipped_in(sink: Sink) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mailer(sink.url).send(Notice(**{**vars(NOTICE), "subject": "x\nBcc: all@college.test"}))
    assert sink.mails == []


def test_a_password_is_masked_and_never_sent_in_the_clear() -> None:
    url = "smtp://user:hush@mail.college.test:25?from=a@college.test"
    assert "hush" not in mask(url)
    with pytest.raises(Unavailable) as told:
        mailer("smtp://user:hush@nowhere.invalid?from=a@college.test&domain=college.test").send(NOTICE)
    assert "hush" not in told.value.detail


@pytest.mark.parametrize("how", ["drop", "refuse", "stall", "down"])
def test_whatever_the_server_does_no_mail_is_lost_and_none_gets_another_id(
    app: Flask, sink: Sink, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(adapter, "SECONDS", 0.3)
    made, by, at = world(), mailer(sink.url), EIGHT + MINUTE
    port, sink.how = sink.port, how
    if how == "down":
        with socket.create_server(("127.0.0.1", 0)) as probe:
            nobody = probe.getsockname()[1]
        by = mailer(sink.url.replace(str(port), str(nobody)))

    for minute in range(10):
        deliver(at + minute * MINUTE, by)
    broken = made.query("select tries, last_error from channel where kind = 'mail'")
    sink.how, by = "ok", mailer(sink.url)
    before = len(sink.mails)
    for minute in range(10, 120, 5):
        deliver(at + minute * MINUTE, by)
    for _ in range(2):  # what was refused thrice waits for a person, who lets it leave again
        made.within(lambda d: handing_over.retry(d, utc(at + 2 * 60 * MINUTE)))
        deliver(at + 2 * 60 * MINUTE, by)

    assert broken[0][0] > 0 and broken[0][1]
    assert set(sink.ids) == wanted(made) and len(wanted(made)) >= PEOPLE
    assert made.query("select distinct state from message") == [("sent",)]
    assert made.query("select tries, next_try_at from channel where kind = 'mail'") == [(0, None)]
    twice = len(sink.ids) - len(set(sink.ids))
    assert twice <= before  # only what came before the connection was cut
    tell(f"P18 {how}: {len(sink.ids)} mails, {twice} twice under the same id")


class Killed(BaseException):
    """The program dies."""


def killed_between(made: testing.World, sink: Sink, dice: random.Random) -> int:
    """Deliver, dying after some sends before they are marked; return how often it died."""
    by, kills, at = mailer(sink.url), 0, EIGHT + MINUTE
    real = messages.mark
    while kills < KILLS:
        left = [dice.randrange(2)]

        def mark(*args: Any, left: list[int] = left) -> int:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*args)

        messages.mark = mark
        try:
            deliver(at, by)
            break
        except Killed:
            kills += 1
            db.session.rollback()
        finally:
            messages.mark = real
        at += handing_over.CLAIMED + MINUTE
    deliver(at + handing_over.CLAIMED + MINUTE, by)
    deliver(at + 2 * handing_over.CLAIMED + MINUTE, by)
    return kills


def test_a_sender_killed_between_send_and_mark_loses_nothing_and_repeats_under_the_same_id(
    app: Flask, sink: Sink
) -> None:
    made = world()

    kills = killed_between(made, sink, random.Random(SEED))

    twice = len(sink.ids) - len(set(sink.ids))
    tell(f"P18: {kills} kills, {len(sink.ids)} mails, {twice} twice (seed {SEED})")
    assert kills >= KILLS - 1 and 0 < twice <= kills
    assert set(sink.ids) == wanted(made)


def test_a_program_that_marks_before_it_sends_is_caught(app: Flask, sink: Sink) -> None:
    """The planted defect: marked first, what a crash cut off is lost."""
    made, by = world(), mailer(sink.url)
    at = Origin(now=EIGHT + MINUTE, recorded=EIGHT + MINUTE, door="test")
    digesting.sort(db.session, at)
    for message in made.within(lambda d: messages.claim(d, utc(at.now), utc(at.now + MINUTE), 5)):
        made.within(lambda d, number=message.id: messages.mark(d, number, "sent", utc(at.now)))
        # the program dies here

    deliver(at.now + 20 * MINUTE, by)

    assert len(wanted(made) - set(sink.ids)) == 5


def test_a_server_that_is_down_delays_no_transition(app: Flask, sink: Sink) -> None:
    """A transition writes its notice and never speaks with the server: its time is the same."""
    made = world()
    with socket.create_server(("127.0.0.1", 0)) as hole:  # accepts and never answers
        by = mailer(sink.url.replace(str(sink.port), str(hole.getsockname()[1])))
        times: dict[str, list[float]] = {"up": [], "down": []}
        cycles = [row[0] for row in made.query("select id from cycle order by id")]
        made.now = EIGHT + MINUTE
        for turn in range(100):
            for state in ("up", "down"):
                began = time.perf_counter()
                made.fire(cycles[turn % len(cycles)], "comment", "office", text=f"{state} {turn}")
                times[state].append(time.perf_counter() - began)
            if turn == 0:
                deliver(EIGHT + MINUTE, by)  # every message is stuck from here on
    p99 = {state: sorted(found)[98] for state, found in times.items()}
    tell(f"P18: p99 of a transition {p99['up'] * 1000:.1f} ms, with the server down {p99['down'] * 1000:.1f} ms")
    assert sorted(times["down"])[50] <= sorted(times["up"])[50] * 1.1 + 0.002
    assert made.query("select count(*) from message where state = 'waiting'")[0][0] >= PEOPLE


def test_500_persons_over_one_connection_are_reached_in_seconds(sink: Sink) -> None:
    by, began = SmtpMailer(sink.url), time.perf_counter()
    with closing(by):
        for n in range(500):
            by.send(Notice(**{**vars(NOTICE), "key": f"k{n}"}))
    tell(f"500 mails in {time.perf_counter() - began:.1f} s")
    assert len(set(sink.ids)) == 500
