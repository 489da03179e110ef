"""One world, built once: two colleges, everybody who could ask, a cycle in every situation; rolled back in no time.

The database is a file; what it held when the world stood is kept in memory and copied back after each change.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asking
from browsing import PAGE, PASSWORD, TOKEN
from flask import Flask
from flask.testing import FlaskClient
from tasking import planned
from werkzeug.test import TestResponse

from qaflow import testing
from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.definition import Definition
from qaflow.services import tokens
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import deputies, passwords, programs
from qaflow.services.accounts.book import NewGrant
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.cycles import evidence
from qaflow.services.voices import incidents
from qaflow.services.voices.incidents import Grading, Report
from qaflow.services.work import Writer
from qaflow.store import chain_writes
from qaflow.store.db import Driver, Sql, db
from qaflow.testing import CARRIED, MONDAY, NOTE, STAFF, World, sheet, spiral, stage, track

MORE = ("mate", "looker", "qadmin", "revoked", "disabled", "coursed", "layered")
SITUATIONS = ("fresh", "review", "warned", "known", "correcting", "suspended", "passed", "closed")
PLACES = {"near": ("section", "lead"), "peer": ("section", "mate"), "far": ("far", "far_lead")}
HANDLED = {"near": ("section", "lead", "major"), "far": ("far", "far_lead", "far_major"),
           "abroad": ("section", "lead", "head")}  # fmt: skip
"""Where an incident happened, who reported it, and who handles it."""
RATE = 1_000_000
"""Requests of one token in a minute: the clock stands, so that all of them come in one."""
KEYS = ("goal", "design", "implement", "improve")
NAMED = Sql("update subject set name = :n where id = :i")
UNWATCHED = {"sign_in_guess", "web_session"}
"""Tables that every visit may write: who is there, who tried. Everything else stands still at a refusal."""


def definition(key: str) -> Definition:
    """Return a short spiral whose forms ask for nothing."""
    stages = [stage(k, form=(NOTE, CARRIED) if k == "improve" else (NOTE,)) for k in KEYS]
    return spiral(key, stages, sheets=(sheet("appraisal", "diagnostician"),))


class College(World):
    """A tiny college; the second one's people are called `x_…`."""

    def __init__(self, session: Any, key: str, prefix: str = "", mark: str = "") -> None:
        """Build it; what people write in it bears the mark."""
        self.key, self.prefix, self.mark = key, prefix, mark
        whole = definition(f"{key}.teaching")
        super().__init__(session, whole, tracks=[track(definition=whole.key)])

    def _people(self, driver: Driver) -> None:
        writer, origin = Writer(driver, self.origin()), self.origin()
        logins = [*(login for login, _, _ in STAFF), *testing.OTHERS, *MORE]
        named = [
            (self.prefix + x, f"{self.mark}name of {x}" if self.mark else f"name of {self.prefix}{x}") for x in logins
        ]
        ids = accounts.add_people(driver, writer, origin, self.college, named)
        self.persons = dict(zip(logins, ids, strict=True))
        more = [("mate", "course_leader", "section"), ("looker", "committee", "section"),
                ("qadmin", "quality_administrator", None), ("revoked", "major_leader", "section")]  # fmt: skip
        grants = [self._grant(*one) for one in (*STAFF, *more)]
        grants.append(NewGrant(self.persons["layered"], "committee", "layer", layer="course"))
        accounts.grant_many(driver, writer, origin, self.view(driver), grants)
        writer.flush()

    def oversee(self, login: str, courses: list[str]) -> None:
        """Let somebody look over single courses."""

        def body(driver: Driver) -> None:
            writer = Writer(driver, self.origin())
            grants = [NewGrant(self.persons[login], "committee", "subject", self.subjects[code]) for code in courses]
            accounts.grant_many(driver, writer, self.origin(), self.view(driver), grants)
            writer.flush()

        self.within(body)

    def goal(self, code: str) -> int:
        """Return a new goal of a course."""
        said = {"layer": "course", "text_zh": self.say("goal"), "text_en": self.say("goal")}
        values = said | {"subject_id": self.subjects[code]}
        return self.within(lambda d: chain_writes.add(d, "goal", self.college, [(code, "entered", values)])[0])

    def say(self, text: str) -> str:
        """Return a text as this college's people write it."""
        return f"{self.mark}{text}"

    def make(self, code: str, unit: str, lead: str, situation: str) -> int:
        """Return a new course's cycle that stands as the situation says."""
        title = self.say(f"course {code}")
        self.course(code, unit, lead)
        self.within(lambda d: d.run(NAMED, {"n": title, "i": self.subjects[code]}))
        cycle = self.start(
            code, from_stage="design" if situation in ("fresh", "review", "passed", "closed") else "implement"
        )
        reason = {"reason": self.say("reason")}
        self.fire(cycle, "comment", lead, text=self.say("comment"))
        if situation == "review":
            self.fire(cycle, "submit", lead, content={"note": self.say("note")})
        if situation in ("warned", "known", "correcting"):
            self.fire(cycle, "warn", "diag", **reason)
        if situation in ("known", "correcting"):
            self.fire(cycle, "acknowledge", lead, cause=self.say("cause"))
        if situation == "correcting":
            self.fire(cycle, "correct", lead, scope="implementation", measure=self.say("measure"))
        if situation == "passed":
            holder = "vp" if unit == "section" and not self.prefix else "office"
            self.fire(cycle, "transfer", lead, to=self.prefix + holder, **reason)
        if situation in ("suspended", "closed"):
            self.fire(cycle, {"suspended": "suspend", "closed": "cancel"}[situation], "office", **reason)
        return cycle


@dataclass(frozen=True)
class Thing:
    """Something with a number in an address, where it lies, and the revision of its forms."""

    number: int | str
    revision: int = 0
    part: int = 1
    """The number of what lies in it, where an address has two."""
    shows: str = ""
    """A text that only a page of this thing holds."""


@dataclass
class Rights:
    """The running program on the world."""

    app: Flask
    clock: StoppedClock
    file: Path
    cycles: dict[tuple[str, str], Thing]
    things: dict[str, dict[str, Thing]]
    """What else has a number in an address, by kind and place."""
    colleges: dict[str, College]
    cookies: dict[str, list[Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    bearers: dict[str, str] = field(default_factory=dict)
    """A token of each person for the API; `expired` is one of lead's that is over, `narrow` one that is for little."""
    restored: int = 0

    def keep(self) -> None:
        """Take the database as it stands to be what each test begins with."""
        self.live = sqlite3.connect(self.file, isolation_level=None)
        self.live.execute("PRAGMA synchronous=OFF")
        self.kept = sqlite3.connect(":memory:")
        self.live.backup(self.kept)
        self.digest = self.reckon()
        self.seen = self.version()

    def version(self) -> int:
        """Return a number that rises with each commit of anybody else."""
        (found,) = self.live.execute("PRAGMA data_version").fetchone()
        return int(found)

    def tables(self) -> list[str]:
        """Return the tables whose rows a refusal must leave alone."""
        rows = self.live.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
        return [name for (name,) in rows if name not in UNWATCHED and not name.startswith("sqlite_")]

    def reckon(self) -> dict[str, str]:
        """Return a digest of every watched table."""
        return {t: hashlib.sha256(repr(self.live.execute(f"select * from {t}").fetchall()).encode()).hexdigest()
                for t in self.tables()}  # fmt: skip

    def changed(self) -> set[str]:
        """Return the tables that differ from what the world holds."""
        if self.version() == self.seen:
            return set()
        now = self.reckon()
        return {t for t in now if now[t] != self.digest.get(t)}

    def restore(self) -> None:
        """Bring the world back where anything was written."""
        if self.version() != self.seen:
            self.kept.backup(self.live)
            self.seen = self.version()
            self.restored += 1

    def client(self, login: str) -> FlaskClient:
        """Return a browser that holds what this person's does."""
        found = self.app.test_client()
        for cookie in self.cookies[login]:
            found.set_cookie(cookie.key, cookie.value, domain=cookie.domain, path=cookie.path)
        return found

    def ask(
        self, login: str, method: str, path: str, data: dict[str, Any] | None = None, **headers: str
    ) -> TestResponse:
        """Let somebody ask, with the proof that their own page holds."""
        form = {"csrf_token": self.tokens[login]} | (data or {}) if method not in ("GET", "HEAD", "OPTIONS") else None
        return settled(self.client(login).open(path, method=method, data=form, headers=PAGE | headers, buffered=True))

    def call(
        self, login: str, method: str, path: str, body: Any = None, tag: str = "", raw: str = ""
    ) -> TestResponse:
        """Let a program ask, with the token of whoever it works for; a body of the type ``raw`` is sent as it is."""
        headers = {"Authorization": f"Bearer {self.bearers[login]}"} if login in self.bearers else {}
        headers |= {"If-Match": tag} if tag else {}
        sent = {"data": body, "content_type": raw} if raw else {"json": body}
        return settled(self.app.test_client().open(path, method=method, headers=headers, buffered=True, **sent))

    def college(self, place: str) -> College:
        """Return the college in which a place lies."""
        return self.colleges["abroad" if place == "abroad" else "home"]

    def enter(self, login: str) -> None:
        """Sign somebody in and keep what their browser holds."""
        client = self.app.test_client()
        token = TOKEN.search(client.get("/signin", headers=PAGE).text)
        assert token
        form = {"csrf_token": token[1], "login": login, "password": PASSWORD, "next": "/me"}
        answer = client.post("/signin", data=form, headers=PAGE)
        assert answer.status_code == 303, answer.text
        self.remember(login, client, "/me")

    def remember(self, login: str, client: FlaskClient, path: str) -> None:
        """Keep a browser's cookies and the proof of its forms."""
        token = TOKEN.search(client.get(path, headers=PAGE).text)
        assert token
        self.tokens[login] = token[1]
        self.cookies[login] = list(client._cookies.values())


def build(folder: Path, template: Path, mark: str = "") -> Rights:
    """Build the world in a folder; texts of the far unit and of the other college bear the mark."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    file = home / "qaflow.db"
    shutil.copy(template, file)
    secret = "tSx7-wQ9zLk2mVb4Rn8Yc1Df6Hg3Jp5Ua0EoIi"
    settings = Settings(home=home, database_url=f"sqlite:///{file}", secret_key=secret, api_rate=RATE)
    clock = StoppedClock(MONDAY)
    app = create_app(settings, clock=clock)
    with app.app_context():
        db.session.connection()
        db.session.rollback()
        rights = _filled(app, clock, file, mark)
        db.session.remove()
    for bearer in rights.bearers:
        rights.call(bearer, "GET", "/api/v1/me")  # the clock stands: from now on no look writes when a token was used
    rights.keep()
    return rights


def _filled(app: Flask, clock: StoppedClock, file: Path, mark: str) -> Rights:
    home, abroad = College(db.session, "tiny"), College(db.session, "next", "x_", mark)
    things: dict[tuple[str, str], Thing] = {}
    for place, (unit, lead) in {**PLACES, "abroad": ("section", "lead")}.items():
        college = abroad if place == "abroad" else home
        college.mark = mark if place in ("far", "abroad") else ""
        for situation in SITUATIONS:
            code = f"{place}-{situation}"
            number = college.make(code, unit, lead, situation)
            things[place, situation] = Thing(number, college.state(number)["revision"], shows=f"course {code}")
    home.oversee("coursed", [f"near-{situation}" for situation in SITUATIONS])
    appointments = {}
    for place, absent in (("near", "lead"), ("far", "far_lead"), ("abroad", "lead")):
        college = abroad if place == "abroad" else home
        first = MONDAY.date()
        number = deputies.appoint(db.session, college.origin(absent), college.persons[absent],
                                  college.persons["deputy" if place == "near" else "new"], first,
                                  first.replace(month=12), reason=f"{mark if place != 'near' else ''}away")  # fmt: skip
        appointments[place] = Thing(number)
    both = {"home": home, "abroad": abroad}
    rights = Rights(app, clock, file, things, {"appointments": appointments} | _more(app, things, both, mark), both)
    everybody = [*home.persons.values(), *abroad.persons.values()]
    passwords.share(db.session, home.origin(), everybody, PASSWORD)
    _enter_all(rights, home, abroad)
    return rights


def _more(
    app: Flask, cycles: dict[tuple[str, str], Thing], colleges: dict[str, College], mark: str
) -> dict[str, dict[str, Thing]]:
    """Return a file, a warning and a work item at each place, and a person, a unit and a subject of each college."""
    kinds = ("files", "warnings", "items", "people", "programs", "units", "subjects", "goals", "portraits")
    found: dict[str, dict[str, Thing]] = {kind: {} for kind in kinds}
    for place in (*PLACES, "abroad"):
        college = colleges["abroad" if place == "abroad" else "home"]
        fresh, lead = cycles[place, "fresh"], PLACES.get(place, ("", "lead"))[1]
        files = app.extensions["qaflow"].files
        college.mark = mark if place in ("far", "abroad") else ""
        for name in ("first", "second"):  # so that no file's number is its cycle's
            told = college.say(f"{name} file of {place}.txt")
            evidence.attach(db.session, college.origin(lead), files, int(fresh.number), told, name.encode())
        ((file, item),) = college.query(
            "select (select max(id) from evidence where cycle_id = :c), (select max(id) from work_item "
            "where cycle_id = :c)",
            c=fresh.number,
        )
        found["files"][place] = Thing(fresh.number, part=file)
        found["warnings"][place] = Thing(f"{cycles[place, 'warned'].number}.1")
        found["items"][place] = Thing(item)
        found["goals"][place] = Thing(college.goal(f"{place}-fresh"), shows=college.say("goal"))
        found["portraits"][place] = Thing(college.subjects[f"{place}-fresh"])
    for place, college in (("near", colleges["home"]), ("abroad", colleges["abroad"])):
        found["people"][place] = Thing(college.persons["new"])
        found["programs"][place] = _program(college, place)
        found["units"][place] = Thing(college.units["section"])
        found["subjects"][place] = Thing(college.subjects[f"{place}-fresh"])
    found["tasks"] = {place: _task(colleges, place, mark) for place in ("near", "far", "abroad")}
    _voices(found, colleges, mark)
    return found


def _task(colleges: dict[str, College], place: str, mark: str) -> Thing:
    """Return a task of the place's unit that its responsible person owns."""
    college = colleges["abroad" if place == "abroad" else "home"]
    college.mark = mark if place != "near" else ""
    unit, lead = PLACES.get(place, ("section", "lead"))
    title = college.say(f"task of {place}")
    number = planned(college, title, lead=unit, owner=college.prefix + lead)
    return Thing(number, 1, shows=title)


def _program(college: College, place: str) -> Thing:
    """Return a college's program, with a token in the place of its part."""
    admin, origin = asking.who(college, "admin"), college.origin("admin")
    college.mark = college.mark if place == "abroad" else ""  # at home it bears what the last place was marked by
    name = college.say(f"program of {place}")
    number = programs.add(db.session, origin, admin, f"{college.prefix}program", name)
    token, _ = programs.issue(db.session, origin, admin, number, "nightly", ["read"], 30)
    return Thing(number, part=token, shows=name)


def _voices(found: dict[str, dict[str, Thing]], colleges: dict[str, College], mark: str) -> None:
    """Add an open self-test to each college, and a graded incident at each place."""
    found |= {"selftests": {}, "answers": {}, "incidents": {}}
    for name, college in colleges.items():
        asking.known(college)
        number = asking.opened(college)
        found["selftests"]["near" if name == "home" else "abroad"] = Thing(number)
        for place in ("near", "far") if name == "home" else ("abroad",):
            found["answers"][place] = Thing(number, part=college.subjects[f"{place}-fresh"])
    for place, (unit, lead, handler) in HANDLED.items():
        college = colleges["abroad" if place == "abroad" else "home"]
        college.mark = mark if place in ("far", "abroad") else ""
        told = Report(title=college.say(f"incident {place}"), account=college.say("account"), category="teaching",
                      unit=college.units[unit], occurred_on=MONDAY.date())  # fmt: skip
        number = incidents.report(db.session, college.origin(lead), asking.who(college, lead), told)
        given = Grading(category="teaching", grade="slight", handler=college.prefix + handler)
        incidents.grade(db.session, college.origin("office"), asking.who(college, "office"), number, 1, given)
        found["incidents"][place] = Thing(number, shows=f"incident {place}")


def _hand_tokens(rights: Rights, home: College, abroad: College) -> None:
    for college, logins in ((home, list(home.persons)), (abroad, ["lead", "office", "admin", "head"])):
        for login in (one for one in logins if one != "new"):
            bearer = college.prefix + login
            rights.bearers[bearer] = passwords.token_for(db.session, college.origin("admin"), bearer)
    before = replace(home.origin("lead"), now=MONDAY - timedelta(days=3))
    rights.bearers["expired"] = passwords.token_for(db.session, before, "lead", days=1)
    lead = SignedIn(session="", person=home.persons["lead"], college=home.college, login="lead", name="lead",
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip
    _, rights.bearers["narrow"] = tokens.make(db.session, home.origin("lead"), lead, "narrow", ["events"], 30)


def _enter_all(rights: Rights, home: College, abroad: College) -> None:
    _hand_tokens(rights, home, abroad)
    anonymous = rights.app.test_client()
    rights.remember("anonymous", anonymous, "/signin")
    for login in home.persons:
        if login != "new":
            rights.enter(login)
    for login in ("lead", "office", "admin", "head"):
        rights.enter("x_" + login)
    accounts.disable(db.session, home.origin(), "disabled", "left")
    home.vacate("revoked")


def settled(answer: TestResponse) -> TestResponse:
    """Return an answer when what goes on beside the pages has ended."""
    for thread in threading.enumerate():
        if "_work" in thread.name:  # a verification of the history
            thread.join()
    return answer


def plain(text: str) -> str:
    """Return a page without what differs at each request."""
    text = re.sub(r'name="csrf_token" value="[^"]*"|content="[^"]{60,}"|<svg.*?</svg>', "", text, flags=re.DOTALL)
    return re.sub(r"\b[0-9a-f]{10}\b", "", text)


__all__ = ["PLACES", "SITUATIONS", "Rights", "Thing", "build", "plain", "settled"]
