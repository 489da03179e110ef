"""P21 for what leaves by itself: no word that people wrote is in an event, a mail, a bot's message or a calendar.

Every text that people can write bears a mark, in an eventful college and in one unit that is not another's; whatever
is sent is read whole.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asking
import pytest
import tasking
from audit_world import SPIRAL, eventful
from flask import Flask, current_app
from icalendar import Calendar
from processes import tell
from receiving import Receiver
from rights.world import Rights
from test_leaks_p21 import CANARY, COLLEGE_WIDE, WHO

from qaflow.adapters.targets import Guard
from qaflow.adapters.webhooks import Sender
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.services.accounts import book as accounts
from qaflow.services.cycles import evidence
from qaflow.services.events import delivering, events, feeds, webhooks
from qaflow.services.events import stream as event_stream
from qaflow.services.notices import channels as channel_desk
from qaflow.services.notices import letters, notices
from qaflow.services.notices.channels import NewBot
from qaflow.services.notices.letters import Line
from qaflow.services.ports import Chat, Notice, Ports, Post
from qaflow.services.sweeping import tick
from qaflow.services.voices import incidents
from qaflow.services.voices.incidents import Grading, Report
from qaflow.services.work import Writer
from qaflow.store import events as rows
from qaflow.store.db import Driver, Sql, db, driver
from qaflow.testing import NOTE, OTHERS, STAFF, World

MARK = "FINDING-7c1"
"""Stands in every text that people write about the work."""
PERSON = "PERSON-7c1"
"""Stands in every person's name."""
TEXTS = ("reason", "text", "cause", "measure", "comment")
PLAIN = re.compile(r"[\w.:/+-]{1,80}")
"""What an event's data may hold beside numbers: keys, days, states and hashes."""
FORM = replace(SPIRAL, stages=tuple(replace(one, form=(NOTE,)) for one in SPIRAL.stages))
"""The eventful spiral, with something to write in each stage."""
NAMING = ("by", "holder", "person", "actor", "owner", "responsible", "signers", "for", "mentioned", "as")
"""Fields of facts that say who."""
KEY = "tSx7-wQ9zLk2mVb4Rn8Yc1Df6Hg3Jp5Ua0EoIi"
LEAST_KINDS, LEAST_TOLD = 30, 12


@dataclass
class Heard:
    """What was sent, as it left."""

    mails: list[Notice] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)

    def send(self, message: Notice | Chat) -> None:
        """Keep a message to a person or a group."""
        (self.mails if isinstance(message, Notice) else self.chats).append(message)  # type: ignore[arg-type]

    def check(self, kind: str, address: str) -> None:
        """Take every address."""


class Marked(World):
    """A college in which every name and every text is marked, and whatever is to be sent is heard."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """Listen from the beginning."""
        self.heard = Heard()
        super().__init__(*args, **more)

    def _people(self, d: Driver) -> None:
        writer, origin = Writer(d, self.origin()), self.origin()
        logins = [*(login for login, _, _ in STAFF), *OTHERS]
        ids = accounts.add_people(d, writer, origin, self.college, [(x, f"{PERSON} {x}") for x in logins])
        self.persons = dict(zip(logins, ids, strict=True))
        accounts.grant_many(d, writer, origin, self.view(d), [self._grant(*one) for one in STAFF])
        writer.flush()

    def fire(self, cycle: int, action: str, login: str, revision: int | None = None, **args: Any) -> Any:
        """Act with marked words."""
        said = {k: f"{MARK} {v}" if k in TEXTS else v for k, v in args.items()}
        if "content" in said:
            said["content"] = {"note": MARK}
        if action == "comment":
            said["text"] += " @major @office"
        return super().fire(cycle, action, login, revision, **said)

    def tick(self, at: Any = None) -> Any:
        """Sweep, and hand over what is to be told."""
        self.now = at or self.now
        post = Post(chats=self.heard, base_url="https://qa.example.edu.cn", secret_key=KEY)
        return tick.swept(db.session, self.origin(), limit=timedelta(days=4000), mailer=self.heard, post=post)


def bots(world: Marked, ports: Ports) -> None:
    """Give the whole college and one unit a bot."""
    admin = asking.who(world, "admin")
    for name, unit in (("all", None), ("far", world.units["far"])):
        bot = NewBot(kind="wecom", name=name, address="https://x.example/" + name, unit=unit)
        channel_desk.add(db.session, ports, world.origin("admin"), admin, bot)


def beside(world: Marked, files: Any) -> None:
    """Let people write where no cycle's form is: files, tasks and incidents."""
    (cycle,) = world.query("select min(id) from cycle where status = 'running' and responsible_id = :p",
                           p=world.persons["lead"])[0]  # fmt: skip
    evidence.attach(db.session, world.origin("lead"), files, cycle, f"{MARK}.txt", MARK.encode())
    task = tasking.planned(world, f"{MARK} task", due="2026-01-30")
    tasking.act(world, "finish", "lead", task, f"{MARK} result")
    tasking.act(world, "resume", "office", task, f"{MARK} reason")
    tasking.act(world, "drop", "office", task, f"{MARK} reason")
    told = Report(title=f"{MARK} title", account=f"{MARK} account", category="teaching", unit=world.units["section"],
                  occurred_on=world.now.date())  # fmt: skip
    number = incidents.report(db.session, world.origin("lead"), asking.who(world, "lead"), told)
    given = Grading(category="teaching", grade="slight", handler="major")
    incidents.grade(db.session, world.origin("office"), asking.who(world, "office"), number, 1, given)
    (last,) = world.query("select max(id) from cycle where status = 'running'")[0]
    world.fire(last, "cancel", "office", reason="")
    for version, (who, act) in enumerate((("major", "handle"), ("office", "answer"), ("office", "close")), 2):
        incidents.say(db.session, world.origin(who), asking.who(world, who), number, version, act, f"{MARK} {act}")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Flask]:
    """Return one program for all that only read what was sent."""
    home = tmp_path_factory.mktemp("told") / "home"
    home.mkdir(mode=0o700)
    shutil.copy(sqlite_template, home / "qaflow.db")
    url = f"sqlite:///{home / 'qaflow.db'}"
    app = create_app(Settings(home=home, database_url=url, secret_key=KEY, api_rate=1_000_000))  # the clock stands
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def lived(app: Flask) -> Marked:
    """Return a college after months in which people did what they can, and wrote marked words everywhere."""
    ports = replace(app.extensions["qaflow"], chats=Heard())
    world = eventful(db.session, 11, acts=250, spiral_=FORM, of=Marked)
    assert isinstance(world, Marked)
    rename = Sql("update subject set name = :n || code")
    world.within(lambda d: d.run(rename, {"n": MARK}))
    bots(world, ports)
    beside(world, ports.files)
    for _ in range(40):
        world.tick(world.later(1))
    db.session.remove()
    return world


def written(world: World) -> str:
    """Return the contents that people wrote, as the database keeps them."""
    return str(world.query("select * from content"))


def strings(value: Any) -> Iterator[str]:
    """Yield every text in a value, names of fields too."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from (name, *strings(one))
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


def told(world: World) -> list[rows.Row]:
    """Return every fact that is told outside."""
    event_stream.relay(db.session)
    found = rows.after(driver(db.session), world.college, 0, 10**6)
    db.session.rollback()
    return found


def wordy(world: World, facts: list[rows.Row]) -> list[str]:
    """Return what events say that is no key, day, state or number, and each login, hash of a text and naming field."""
    hashes = {digest for (digest,) in world.query("select hash from content")}
    unfit = world.persons.keys() - {"major"} | set(NAMING) | hashes
    found = []  # "major" is a severity too
    for fact in facts:
        event = events.envelope(fact)
        said = [s for s in strings(event["data"]) if not PLAIN.fullmatch(s) or s in unfit]
        said += [mark for mark in (MARK, PERSON) if mark in json.dumps(event)]
        found += [f"{fact.kind}: {one}" for one in said]
    return found


def test_no_event_holds_a_word_of_a_person_or_a_name(lived: Marked) -> None:
    facts = told(lived)
    kinds = {fact.kind for fact in facts}

    tell(f"P21: {len(facts)} events of {len(kinds)} kinds read")
    assert len(kinds) >= LEAST_KINDS, sorted(set(events.KINDS) - kinds)
    assert written(lived).count(MARK) >= 100
    assert wordy(lived, facts) == []


@pytest.mark.parametrize("kind", ["StageSubmitted", "EvidenceAdded", "TaskDropped", "WarningOpened"])
def test_an_event_that_carried_a_whole_fact_is_caught(lived: Marked, kind: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """The mutant: a kind that carries all that its fact holds."""
    monkeypatch.setattr(events, "carried", lambda k, data: data if k == kind else {})

    assert wordy(lived, told(lived))


def test_a_webhook_sends_what_the_stream_says_and_no_more(lived: Marked, app: Flask) -> None:
    ports = app.extensions["qaflow"]
    ports = replace(ports, poster=Sender(guard=Guard(loopback=True, ports=False)))
    with Receiver() as receiver:
        webhooks.add(db.session, ports, lived.origin("admin"), asking.who(lived, "admin"), "out", receiver.url, ())
        (cycle,) = lived.query("select min(id) from cycle where status = 'running'")[0]
        lived.fire(cycle, "comment", "office", text="")
        lived.fire(cycle, "suspend", "office", reason="")
        delivering.deliver(db.session, ports, lived.origin(), True)

    assert len(receiver.taken) == 1
    for one in receiver.taken:
        heard = one.body.decode() + repr(sorted(one.headers.items()))
        assert MARK not in heard and PERSON not in heard and '"reason"' not in heard


def test_no_mail_digest_or_bots_message_holds_a_word_of_a_person(lived: Marked) -> None:
    heard = lived.heard
    kinds = {kind for (kind,) in lived.query("select distinct kind from outbox where state <> 'dropped'")}

    tell(f"P21: {len(heard.mails)} mails of {len(kinds)} kinds of notices, {len(heard.chats)} messages of bots read")
    assert len(heard.mails) >= 100 and len(heard.chats) >= 10 and len(kinds) >= LEAST_TOLD, kinds
    assert {mail.key.partition(".")[0] for mail in heard.mails} == {"digest", "urgent"}
    for mail in heard.mails:
        assert MARK not in str(mail)
        assert PERSON not in mail.subject
    for chat in heard.chats:
        assert MARK not in str(chat) and PERSON not in str(chat)


def test_the_only_person_that_a_mail_names_is_the_one_for_whom_its_reader_stands_in(lived: Marked) -> None:
    by_person = {login: [m for m in lived.heard.mails if m.to.partition("@")[0] == login] for login in lived.persons}
    named = {
        login: {name for m in mails for name in re.findall(PERSON + r" (\w+)", m.body + m.html)}
        for login, mails in by_person.items()
    }

    assert named.pop("deputy") == {"major"}
    assert set().union(*named.values()) == set()


def test_a_mail_that_told_the_reason_is_caught(lived: Marked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: a notice that takes along what was written."""
    plain, before = notices.summary, lived.heard
    monkeypatch.setattr(letters, "line", lambda kind, payload, *_: Line(text=payload, url=""))
    monkeypatch.setattr(notices, "summary", lambda kind, data: plain(kind, data) | {"why": MARK})
    lived.heard = Heard()
    (cycle,) = lived.query("select min(id) from cycle where status = 'running'")[0]
    lived.fire(cycle, "warn", "diag", reason="")
    for _ in range(4):
        lived.tick(lived.later(1))
    heard, lived.heard = lived.heard, before

    assert any(MARK in str(mail) for mail in heard.mails)


def calendar(world: World, login: str) -> str:
    """Return somebody's calendar as a telephone gets it."""
    me = asking.who(world, login)
    token = feeds.renew(db.session, world.origin(login), me)
    db.session.remove()
    answer = current_app.test_client().get(f"/calendar/{token}.ics")
    assert answer.status_code == 200
    Calendar.from_ical(answer.data)
    return re.sub(r"\r\n[ \t]", "", answer.text)


def test_a_calendar_names_its_owners_subjects_and_nothing_that_was_written(lived: Marked) -> None:
    seen = 0
    for login in ("lead", "major", "office", "deputy", "guest"):
        text = calendar(lived, login)
        seen += text.count("BEGIN:VEVENT")
        assert PERSON not in text
        assert re.sub(MARK + r"R?C?\d+", "", text).count(MARK) == 0, login

    assert seen >= 10


@pytest.mark.parametrize("login", [*WHO, *COLLEGE_WIDE])
def test_who_polls_meets_no_event_of_what_lies_elsewhere(rights: Rights, login: str) -> None:
    """Unit B's cycles are not there for people of unit A, the other college's for nobody, and no mark for anybody."""
    elsewhere = {t.number for (place, _), t in rights.cycles.items() if place == "abroad"}
    far = {t.number for (place, _), t in rights.cycles.items() if place == "far"}
    near = {t.number for (place, _), t in rights.cycles.items() if place == "near"}
    got, after, more = [], 0, True
    while more:
        page = rights.call(login, "GET", f"/api/v1/events?limit=500&after={after}").get_json()
        got, after, more = [*got, *page["items"]], page["after"], page["more"]
    rights.restore()
    cycles = {event["data"].get("cycle") for event in got}

    assert not cycles & elsewhere
    assert login in COLLEGE_WIDE or not cycles & far
    assert CANARY not in json.dumps(got)
    assert {e["source"] for e in got} <= {"urn:qaflow:college:tiny"}
    assert login != "lead" or near <= cycles
    assert login != "office" or near | far <= cycles


def test_a_role_that_ends_takes_its_events_with_it(rights: Rights) -> None:
    """Rights are reckoned at each poll, not when a token was made."""
    home = rights.colleges["home"]

    def cycles() -> set[int]:
        found = rights.call("looker", "GET", "/api/v1/events?limit=500").get_json()["items"]
        return {event["data"].get("cycle") for event in found} - {None}

    with rights.app.app_context():
        before = cycles()
        home.vacate("looker")
        db.session.remove()
        after = cycles()
    rights.restore()

    assert before and not after
