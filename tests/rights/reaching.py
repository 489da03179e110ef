"""Every operation of the API once as it is meant: a walk by the links that replies give, each of them held against the
description.  What the walk leaves behind is there to be named by whatever is drawn afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from asking import TERM
from browsing import PASSWORD, Site
from failing import run as change
from framing import DEPARTMENT, FrameWorld
from schemathesis.core import NOT_SET
from test_api_signin import CAMPUS
from test_bots import ADDRESSES, KINDS
from test_frame import FILE
from werkzeug.test import TestResponse

from qaflow.adapters.chat import Bots
from qaflow.adapters.targets import Guard
from qaflow.adapters.webhooks import Sender
from qaflow.engine import loader
from qaflow.services.frame import library as frame_library
from qaflow.services.ports import Identity, Ports
from qaflow.services.signin import linking
from qaflow.services.work import transact
from qaflow.store import ticks
from qaflow.store.db import db, utc
from qaflow.testing import MONDAY, stage

from .world import College, Rights, definition

API = "/api/v1"
DAYS = {"starts": "2025-09-08", "ends": "2025-09-12"}
WORD = "0123456789abcdef"
KEY = "tiny.teaching"
ROUND = {"layer": "course", "track": "teaching", "day": "2025-09-01"}
LIBRARY = {"library": "wuhan-software", "parts": ["1"]}
TEXT = {"zh": "提高到课率"}
DEAF = "http://127.0.0.1:9"
"""Where nobody listens: what is sent in a run leaves the machine as little as it arrives."""


@dataclass
class Walk:
    """A walk through the operations: `hold` sends a case as a role, and holds the reply against the description."""

    rights: Rights
    operations: dict[str, Any]
    hold: Callable[[str, Any], TestResponse]
    look: Callable[[str, str], TestResponse]
    shown: str = ""
    """The tag of the last reply."""

    def go(self, role: str, label: str, body: Any = NOT_SET, *, tag: str = "", media: str = "",
           query: dict[str, Any] | None = None, **parts: Any) -> Any:  # fmt: skip
        """Send what is meant to succeed, and return what came back."""
        method, path = label.split()
        kind = media or (None if body is NOT_SET else "application/json")
        case = self.operations[f"{method} {API}{path}"].Case(
            path_parameters=parts, query=query, body=body, media_type=kind, headers={"If-Match": tag} if tag else None
        )
        answer = self.hold(role, case)
        assert answer.status_code < 300, f"{label} as {role}: {answer.status_code} {answer.text}"
        self.shown = answer.headers.get("ETag", "")
        return answer.get_json(silent=True)

    def tag(self, role: str, path: str) -> str:
        """Return the tag with which a thing is read."""
        return str(self.look(role, API + path).headers["ETag"])

    def all(self, role: str, *paths: str, **parts: Any) -> None:
        """Look at several things."""
        for path in paths:
            self.go(role, f"GET {path}", **parts)


def deaf(ports: Ports) -> Ports:
    """Return the outside as one where all that is sent is sent to nobody, on this machine."""
    return replace(ports, poster=Sender(guard=Guard(loopback=True, ports=False), whole=5.0),
                   chats=Bots(dict.fromkeys(KINDS, (DEAF,))))  # fmt: skip


def walked(walk: Walk) -> None:
    """Walk through all of it; what ends something comes after whatever needs it."""
    home = walk.rights.colleges["home"]
    with walk.rights.app.app_context():
        made = _prepared(home)
        db.session.remove()
    for part in (_mine, _places, _people, _programs, _plans, _tasks, _incidents, _points, _cycles, _desk, _versions,
                 _selftests, _frame, _audit, _operations, _webhooks, _rounds):  # fmt: skip
        part(walk, home, made)


def _prepared(home: College) -> dict[str, int]:
    """Prepare what nobody can through the API: a campus's word, a point, work that failed, the library of frames."""
    home.point()
    frame_library.settle(db.session, home.origin())
    identity = Identity(provider="campus", subject="u-1", attributes={"number": ("new",)})
    person = linking.admitted(db.session, home.origin(), replace(CAMPUS, college=home.key), identity).person
    failed = utc(MONDAY)
    transact(db.session, lambda d: ticks.open_incident(d, home.college, "tick.deputies", f"college:{home.college}",
                                                       "it failed", failed, None))  # fmt: skip
    change("update outbox set state = 'failed', tries = 3 where id = (select min(id) from outbox)")
    ((incident,),) = home.query("select max(id) from incident")
    return {"linked": person, "failed": incident}


def _mine(walk: Walk, home: College, made: dict[str, int]) -> None:
    for path in ("", "/absences", "/deputies", "/language", "/notices", "/tokens"):
        walk.go("lead", f"GET /me{path}")
    walk.go("lead", "POST /me/proof", {"password": PASSWORD})
    walk.go("lead", "PUT /me/language", {"language": "en"}, tag="*")
    walk.go("lead", "PUT /me/notices", {"mail": True, "address": "a@example.org", "hour": 9}, tag="*")
    walk.go("lead", "POST /me/calendar")
    walk.go("lead", "GET /me/calendar")
    walk.go("major", "POST /me/calendar")
    walk.go("major", "DELETE /me/calendar")
    for _ in range(2):
        token = walk.go("lead", "POST /me/tokens", {"name": "nightly", "scopes": ["read"], "days": 3})["id"]
    walk.go("lead", "GET /me/tokens/{number}", number=token)
    walk.go("lead", "DELETE /me/tokens/{number}", number=token)
    away = walk.go("lead", "POST /me/absences", DAYS)["id"]
    walk.go("admin", "GET /absences")
    walk.go("lead", "DELETE /absences/{number}", number=away)
    number = walk.go("major", "POST /me/deputies", DAYS | {"who": "deputy"})["id"]
    walk.go("major", "DELETE /me/deputies/{number}", number=number)


def _places(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("admin", "/units", "/subjects", "/imports", "/calendar")
    unit = walk.go("admin", "POST /units", {"code": "lab", "kind": "section", "name": {"zh": "lab"}})["id"]
    walk.go("admin", "GET /units/{number}", number=unit)
    walk.go("admin", "PATCH /units/{number}", {"name": {"zh": "bench"}}, tag=walk.tag("admin", f"/units/{unit}"),
            number=unit)  # fmt: skip
    walk.go("admin", "POST /units/{number}/close", {"reason": "merged"}, tag="*", number=unit)
    new = {"layer": "course", "code": "C7", "name": "seven", "unit": home.units["section"], "person": "lead"}
    subject = walk.go("admin", "POST /subjects", new)["id"]
    walk.go("admin", "GET /subjects/{number}", number=subject)
    walk.go("admin", "POST /subjects/{number}/preview", {"name": "VII"}, number=subject)
    walk.go("admin", "PATCH /subjects/{number}", {"name": "VII"}, tag="*", number=subject)
    games = {"first": "2025-09-10", "how": "off", "name": "games"}
    walk.go("office", "POST /calendar/days", games)
    walk.go("office", "POST /calendar/terms/{term}", {"first": "2025-09-02", "last": "2026-01-20"}, term=TERM)
    walk.go("admin", "POST /imports/{kind}", b"login,name\nnew1,One\n", media="text/csv", kind="people")
    walk.all("lead", "/portraits", "/compare")
    walk.go("lead", "GET /portraits/{number}", number=home.subjects["near-fresh"])
    walk.go("lead", "GET /compare/{number}", number=home.subjects["near-fresh"])


def _people(walk: Walk, home: College, made: dict[str, int]) -> None:
    walk.all("admin", "/people", "/leavers", "/signin", "/signin/rules")
    person = walk.go("admin", "POST /people", {"login": "fresh", "name": "Fresh"})["id"]
    one = "/people/{number}"
    walk.all("admin", one, f"{one}/absences", f"{one}/deputies", f"{one}/signin", f"{one}/work", number=person)
    walk.go("admin", f"PATCH {one}", {"name": "Other"}, tag=walk.tag("admin", f"/people/{person}"), number=person)
    walk.go("admin", f"POST {one}/absences", DAYS, number=person)
    deputy = walk.go("admin", f"POST {one}/deputies", DAYS | {"who": "deputy"}, number=person)["id"]
    walk.go("admin", f"DELETE {one}/deputies/{{deputy}}", number=person, deputy=deputy)
    walk.go("admin", f"POST {one}/roles", {"role": "diagnostician"}, number=person)
    (role,) = walk.go("admin", f"GET {one}", number=person)["roles"]
    walk.go("admin", f"DELETE {one}/roles/{{grant}}", number=person, grant=role["id"])
    told = walk.go("admin", f"POST {one}/leave/preview", {"heir": "deputy"}, number=person)
    walk.go("admin", f"POST {one}/leave", {"heir": "deputy", "agreed": told["digest"]}, number=person)
    items = [{"act": "create", "login": "fresh-two", "name": "Two"}]
    walk.go("admin", "POST /people/bulk", {"items": items})
    (two,) = walk.look("admin", f"{API}/people?text=fresh-two").get_json()["items"]
    walk.go("admin", f"POST {one}/disable", {"reason": "left"}, tag="*", number=two["id"])
    (link,) = walk.go("admin", f"GET {one}/signin", number=made["linked"])["links"]
    walk.go("admin", f"DELETE {one}/links/{{link}}", number=made["linked"], link=link["id"])
    walk.go("admin", "PUT /signin/rules", {"second_factor": False, "approval_minutes": None}, tag="*")


def _programs(walk: Walk, home: College, _: dict[str, int]) -> None:
    one, wanted = "/programs/{number}", {"name": "nightly", "scopes": ["read"], "days": 3}
    walk.go("admin", "GET /programs")
    number = walk.go("admin", "POST /programs", {"login": "rooms", "name": "Rooms"})["id"]
    token = walk.go("admin", f"POST {one}/tokens", wanted, number=number)["id"]
    walk.all("admin", one, f"{one}/tokens", number=number)
    walk.go("admin", f"DELETE {one}/tokens/{{token}}", number=number, token=token)


def _plans(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("office", "/goals", "/goals/tree", "/standards", "/chains/findings", "/chains/matrix", "/chains/tasks",
             "/chains/year")  # fmt: skip
    for kind, new, changed in (("goals", {"target": 95}, {"attained": 76}), ("standards", {}, {"value": 85})):
        one = f"/{kind}/{{number}}"
        for ends in (False, True):
            number = walk.go("office", f"POST /{kind}", {"text": TEXT, "layer": "course", **new})["id"]
            walk.go("office", f"GET {one}", number=number)
            tag = walk.tag("office", f"/{kind}/{number}")
            walk.go("office", f"PATCH {one}", changed, tag=tag, number=number)
            if ends:
                walk.go("office", f"POST {one}/retire", tag="*", number=number)
            elif kind == "goals":
                parts = [{"owner": "head", "weight": 40}, {"owner": "lead", "weight": 60}]
                walk.go("office", f"POST {one}/decompose", {"parts": parts}, tag="*", number=number)


def _tasks(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("office", "/tasks", "/tasks/grid", "/tasks/one-page")
    new = {"title": TEXT, "due": "2025-12-01", "lead": home.units["section"], "owner": "lead"}
    number = walk.go("office", "POST /tasks", new)["id"]
    one = "/tasks/{number}"
    walk.go("lead", f"GET {one}", number=number)
    walk.go("office", f"PATCH {one}", {"due": "2025-12-15"}, tag=walk.tag("office", f"/tasks/{number}"), number=number)
    for role, verb, said in (("lead", "report", {"month": "2025-09", "state": "going"}),
                             ("lead", "finish", {"text": "done"}), ("office", "resume", {"text": "not yet"}),
                             ("office", "drop", {"text": "no money"})):  # fmt: skip
        walk.go(role, f"POST {one}/{verb}", said, tag="*", number=number)


def _incidents(walk: Walk, home: College, _: dict[str, int]) -> None:
    new = {"title": "x", "account": "x", "category": "teaching", "unit": home.units["section"], "complaint": True,
           "occurred_on": "2025-09-01"}  # fmt: skip
    grading = {"category": "teaching", "grade": "slight", "handler": "major"}
    number = walk.go("lead", "POST /incidents", new)["id"]
    one = "/incidents/{number}"
    walk.all("office", "/incidents", "/incidents/analysis")
    walk.go("lead", f"GET {one}", number=number)
    said: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("office", "grade", grading), ("major", "handle", {"text": "asked"}), ("office", "answer", {"text": "sorry"}),
        ("office", "close", {"text": "over"}),
    )  # fmt: skip
    for role, verb, words in said:
        tag = walk.tag("office", f"/incidents/{number}")
        walk.go(role, f"POST {one}/{verb}", words, tag=tag, number=number)


def _points(walk: Walk, home: College, _: dict[str, int]) -> None:
    point, subject = home.points["hours"], home.subjects["near-fresh"]
    new = {"point": "hours", "subject": "near-fresh", "at": "2025-09-01T00:30:00Z", "value": 60, "source": "timetable"}
    limits = {"valid_from": "2025-09-02", "direction": "higher", "target": 70, "lower": 60, "reason": "the plan"}
    walk.go("office", "POST /readings", {"items": [new, new | {"at": "2025-09-01T00:31:00Z"}]})
    lines = walk.go("office", "GET /readings", query={"point": point, "subject": subject})["items"]
    walk.go("office", "GET /readings/{number}", number=lines[0]["id"])
    walk.go("office", "POST /readings/{number}/correct", {"value": 61, "reason": "a slip"}, number=lines[0]["id"])
    walk.all("office", "/points", "/charts/points", "/charts/causes")
    walk.all("office", "/points/{number}", "/charts/points/{number}/compare", "/charts/points/{number}/subjects",
             number=point)  # fmt: skip
    walk.go("office", "GET /charts/points/{number}/subjects/{subject}", number=point, subject=subject)
    tag = walk.tag("office", f"/points/{point}")
    walk.go("office", "POST /points/{number}/limits", limits, tag=tag, number=point)


def _cycles(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("office", "/cycles", "/events", "/overview", "/overview/list", "/office", "/office/list", "/office/rounds",
             "/office/stuck", "/office/times", "/office/units", "/warnings")  # fmt: skip
    home_cycle = walk.rights.cycles["near", "fresh"].number
    started = walk.go("office", "POST /cycles", {"layer": "course", "subject": "C7", "track": "teaching"})["id"]
    one = "/cycles/{number}"
    walk.all("lead", one, f"{one}/history", f"{one}/files", f"{one}/watch", number=started)
    walk.go("lead", f"POST {one}/actions/{{action}}", {"text": "seen"}, tag=walk.tag("lead", f"/cycles/{started}"),
            number=started, action="comment")  # fmt: skip
    file = walk.go("lead", f"POST {one}/files", b"the minutes", media="text/plain", query={"name": "minutes.txt"},
                   number=home_cycle)["id"]  # fmt: skip
    walk.go("lead", f"GET {one}/files/{{file}}", number=home_cycle, file=file)
    walk.go("lead", f"POST {one}/watch", {"on": True}, number=started)
    warned = walk.rights.cycles["near", "warned"].number
    walk.go("lead", "GET /warnings/{warning}", warning=f"{warned}.1")
    walk.go("lead", "POST /warnings/{warning}/{step}", {"cause": "illness"}, tag=walk.tag("lead", f"/cycles/{warned}"),
            warning=f"{warned}.1", step="acknowledge")  # fmt: skip


def _desk(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("lead", "/inbox", "/inbox/filters", "/escalations")
    item = walk.rights.things["items"]["near"].number
    one = "/escalations/{item}"
    walk.go("head", f"GET {one}", item=item)
    walk.go("major", "POST /inbox/bulk/preview", {"act": "remind", "items": [{"id": item}]})
    walk.go("major", "POST /inbox/bulk", {"act": "remind", "items": [{"id": item}]})
    for verb, said in (("remind", {}), ("extend", {"due": "2026-10-30", "reason": "ill"}),
                       ("transfer", {"to": "deputy", "reason": "ill"}), ("take-over", {"reason": "ill"})):  # fmt: skip
        tag = walk.tag("head", f"/escalations/{item}")
        walk.go("head", f"POST {one}/{verb}", said, tag=tag, item=item)
    for name in ("late", "other"):
        kept = walk.go("lead", "POST /inbox/filters", {"name": name, "nearness": "overdue"})["id"]
    walk.go("lead", "GET /inbox/filters/{number}", number=kept)
    walk.go("lead", "PATCH /inbox/filters/{number}", {"name": "first"}, tag="*", number=kept)
    walk.go("lead", "DELETE /inbox/filters/{number}", number=kept)


def _versions(walk: Walk, home: College, _: dict[str, int]) -> None:
    whole = definition(KEY)
    more = replace(whole, version=2, stages=(*whole.stages[:-1], stage("diagnose", form=whole.stages[0].form),
                                             whole.stages[-1]))  # fmt: skip
    text = {"text": loader.dump(more)}
    one = "/definitions/{key}/{version}"
    walk.go("office", "POST /definitions/check", text)
    walk.go("office", "POST /definitions/publish", text, tag=walk.shown)
    walk.go("office", "GET /definitions")
    walk.all("office", one, f"{one}/cycles", key=KEY, version=1)
    walk.go("office", f"GET {one}/drawing/{{form}}", key=KEY, version=1, form="svg")
    walk.go("office", "GET /definitions/{key}/difference", query={"old": 1, "new": 2}, key=KEY)
    walk.go("office", f"POST {one}/migrate/plan", {}, key=KEY, version=2)
    walk.go("office", f"POST {one}/migrate", {}, key=KEY, version=2)


def _selftests(walk: Walk, home: College, _: dict[str, int]) -> None:
    """Hand a self-test in and take it into a diagnosis, which the second version of the definition has."""
    new = {"layer": "course", "code": "C8", "name": "eight", "unit": home.units["section"], "person": "lead"}
    subject = walk.go("admin", "POST /subjects", new)["id"]
    begun = {"layer": "course", "subject": "C8", "track": "teaching", "from_stage": "diagnose"}
    walk.go("office", "POST /cycles", begun)
    asked = {"key": "growth", "term": TERM, "opens": "2025-09-01", "closes": "2025-09-12"}
    number = walk.go("office", "POST /selftests", asked)["id"]
    walk.go("lead", "GET /selftests")
    walk.go("office", "GET /selftests/{number}", number=number)
    at = {"number": number, "subject": subject}
    one = "/selftests/{number}/subjects/{subject}"
    keys = [line["key"] for line in walk.go("lead", f"GET {one}", **at)["asked"]]
    walk.go("lead", f"POST {one}/answers", {"answers": [{"question": key, "grade": 2} for key in keys]}, **at)
    walk.go("lead", f"POST {one}/hand-in", **at)
    walk.go("lead", f"POST {one}/take", **at)


def _frame(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("office", "/frame", "/frame/annex3", "/frame/coverage", "/frame/coverage/list", "/frame/libraries")
    walk.go("office", "POST /frame/kind", {"kind": "new"})
    for how, sent in (("take", LIBRARY), ("replace", {"text": FILE})):
        walk.go("office", f"POST /frame/{how}/plan", sent)
        walk.go("office", f"POST /frame/{how}", sent, tag=walk.shown)
    part = walk.go("office", "POST /frame/parts", {"code": "1.1.9", "parent": "1.1", "name": {"zh": "校本"}})["id"]
    one = "/frame/parts/{number}"
    walk.go("office", f"GET {one}", number=part)
    walk.go("office", f"PATCH {one}", {"star": "*"}, tag=walk.tag("office", f"/frame/parts/{part}"), number=part)
    walk.go("office", f"POST {one}/drop", tag="*", number=part)
    walk.go("office", f"POST {one}/restore", tag="*", number=part)


def _audit(walk: Walk, home: College, _: dict[str, int]) -> None:
    cycle, lines = walk.rights.cycles["near", "fresh"].number, walk.go("office", "GET /audit/entries")["items"]
    walk.go("office", "GET /audit/entries/{stream}/{seq}", stream=lines[0]["stream"], seq=lines[0]["seq"])
    walk.all("office", "/audit/cycles/{number}/pack", "/audit/cycles/{number}/verify", number=cycle)
    walk.go("office", "POST /audit/checkpoints", {})
    proof = walk.go("office", "POST /audit/proofs", {})["id"]
    walk.go("office", "GET /audit/proofs/{number}", number=proof)
    walk.go("office", "GET /audit/logs/{kind}", kind="xes")
    sample = walk.go("office", "POST /audit/samples", {"n": 1, "seed": "s", "once": WORD})["id"]
    walk.go("office", "GET /audit/samples/{number}", number=sample)
    freeze = {"day": "2025-09-01", "reason": "the visit"}
    walk.go("office", "POST /audit/freezes/plan", freeze)
    frozen = walk.go("office", "POST /audit/freezes", freeze | {"once": WORD}, tag=walk.shown)["id"]
    walk.all("office", "/audit/freezes/{number}", "/audit/freezes/{number}/manifest", number=frozen)
    walk.go("office", "POST /audit/freezes/{number}/lift", {"reason": "over"}, number=frozen)
    walk.all("office", "/audit/proofs", "/audit/samples", "/audit/freezes")


def _operations(walk: Walk, home: College, made: dict[str, int]) -> None:
    at = "/operations"
    walk.all("admin", at, f"{at}/incidents", f"{at}/outbox", f"{at}/ticks", f"{at}/sessions", f"{at}/channels")
    for name in ("one", "two"):
        new = {"kind": "wecom", "name": name, "address": DEAF + ADDRESSES["wecom"]}
        bot = walk.go("admin", f"POST {at}/channels", new)["id"]
    one = f"{at}/channels/{{number}}"
    walk.go("admin", f"GET {one}", number=bot)
    walk.go("admin", f"POST {one}/resume", number=bot)
    walk.go("admin", f"POST {one}/trial", number=bot)
    walk.go("admin", f"DELETE {one}", number=bot)
    walk.go("admin", f"POST {at}/incidents/{{number}}/retry", number=made["failed"])
    walk.go("admin", f"POST {at}/outbox/retry")
    walk.go("admin", f"POST {at}/confirm")


def _webhooks(walk: Walk, home: College, _: dict[str, int]) -> None:
    one = "/webhooks/{number}"
    for name in ("one", "two"):
        hook = walk.go("admin", "POST /webhooks", {"name": name, "url": f"https://127.0.0.1:9/{name}"})["id"]
    walk.go("admin", "GET /webhooks")
    walk.go("admin", f"GET {one}", number=hook)
    for verb in ("pause", "resume", "secret"):
        walk.go("admin", f"POST {one}/{verb}", tag=walk.tag("admin", f"/webhooks/{hook}"), number=hook)
    walk.go("admin", f"POST {one}/trial", number=hook)
    (line,) = walk.go("admin", f"GET {one}/deliveries", number=hook)["items"]
    for verb in ("drop", "again"):
        walk.go("admin", f"POST {one}/deliveries/{{part}}/{verb}", number=hook, part=line["id"])
    walk.go("admin", f"POST {one}/remove", tag=walk.tag("admin", f"/webhooks/{hook}"), number=hook)


def _rounds(walk: Walk, home: College, _: dict[str, int]) -> None:
    walk.all("office", "/rounds", "/rounds/stuck")
    walk.go("office", "GET /rounds/versions", query=ROUND)
    later = ROUND | {"act": "extend", "days": 3, "reason": "flood"}
    walk.go("office", "POST /rounds/plan", later)
    walk.go("office", "POST /rounds/act", later | {"once": WORD})


def framed(walk: Walk, site: Site) -> None:
    """Answer the frame of diagnosis: in a cycle of a college that answers it, for this world's layers do not."""
    world = cast(FrameWorld, site.world)
    cycle = world.diagnose(DEPARTMENT)
    answer = {"code": world.points(cycle, "dept")[0], "degree": "met", "version": 0}
    walk.go("dept", "GET /cycles/{number}/frame", number=cycle)
    walk.go("dept", "POST /cycles/{number}/frame", {"answers": [answer]}, number=cycle)
