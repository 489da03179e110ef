"""P22 over the API: an id that is another college's or another unit's is answered as one that never was.

Every field of a body and every part of a query that the description types as an id is among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from processes import tell
from rights.world import Rights, plain
from werkzeug.test import TestResponse

from qaflow.store.db import db

NEVER = 987_654
"""A number that nothing has."""
HIGHEST = 9_007_199_254_740_991
"""By this bound the description tells the number of a thing from other numbers, which are bounded by what they mean."""
Case = tuple[str, str, str, Callable[[Rights, int], Any], str, str]
INCIDENT = {"title": "x", "account": "x", "category": "teaching", "occurred_on": "2025-09-01"}
TASK = {"title": {"zh": "x"}, "due": "2025-12-01"}
ROUND = {"act": "suspend", "layer": "course", "track": "teaching", "day": "2025-09-01", "reason": "x"}
WORD = "0123456789abcdef"
BOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"
WITHIN = {
    "POST /cycles/{number}/actions/{action} /item": "counts within its cycle",
    "POST /cycles/{number}/actions/{action} /sheet": "counts within its cycle",
    "POST /inbox/filters /unit": "see the test of kept filters",
}
QUERIED = {"unit": "units", "owner": "people", "person": "people", "holder": "people", "goal": "goals",
           "under": "goals", "cycle": "cycles", "subject": "subjects", "point": "points"}  # fmt: skip
"""What the numbers in a query are of, by their names."""
GOALS = ("the goal of a task", "the goal of a task from now on")
"""The goals of this world are courses', which no task serves: these have no twin."""
EMPTY = {"/frame/annex3?subject": "no layer of this world answers the frame", "/frame/annex3.xlsx?subject": "as before",
         "/tasks/one-page?goal": "no plan of this world has a goal"}  # fmt: skip
"""Where this world has nothing of one's own to be shown."""
NEEDED = {"/readings": ("point", "subject")}


def leaving(subject: int) -> dict[str, Any]:
    """Return how somebody leaves, with an heir of a single subject."""
    return {"heir": "deputy", "subjects": [{"subject": subject, "heir": "new"}]}


def agreed(rights: Rights, subject: int) -> dict[str, Any]:
    """Return the same with the digest of what was told, where anything was."""
    path = f"/api/v1/people/{rights.colleges['home'].persons['lead']}/leave/preview"
    told = rights.call("admin", "POST", path, leaving(subject)).get_json(force=True)
    return leaving(subject) | {"agreed": told.get("digest", "0" * 64)}


CASES: dict[str, Case] = {
    "where an incident happened": (
        "lead", "POST", "/incidents", lambda r, n: INCIDENT | {"unit": n}, "units", "abroad",
    ),
    "the cycle of an incident": (
        "lead", "POST", "/incidents",
        lambda r, n: INCIDENT | {"unit": r.colleges["home"].units["section"], "cycle": n}, "cycles", "far",
    ),
    "the cycle of an incident abroad": (
        "lead", "POST", "/incidents",
        lambda r, n: INCIDENT | {"unit": r.colleges["home"].units["section"], "cycle": n}, "cycles", "abroad",
    ),
    "who leads a task": ("office", "POST", "/tasks", lambda r, n: TASK | {"lead": n}, "units", "abroad"),
    "who assists": (
        "office", "POST", "/tasks",
        lambda r, n: TASK | {"lead": r.colleges["home"].units["section"], "assisting": [n]}, "units", "abroad",
    ),
    "the goal of a task": (
        "office", "POST", "/tasks",
        lambda r, n: TASK | {"lead": r.colleges["home"].units["section"], "goal": n}, "goals", "abroad",
    ),
    "the unit of a subject": (
        "admin", "POST", "/subjects", lambda r, n: {"layer": "course", "code": "C-9", "name": "x", "unit": n}, "units",
        "abroad",
    ),
    "the unit above a unit": (
        "admin", "POST", "/units", lambda r, n: {"code": "lab-9", "kind": "section", "name": {"zh": "x"}, "parent": n},
        "units", "abroad",
    ),
    "the unit of a round": ("office", "POST", "/rounds/plan", lambda r, n: ROUND | {"unit": n}, "units", "abroad"),
    "the unit of an act on a round": (
        "office", "POST", "/rounds/act", lambda r, n: ROUND | {"once": WORD, "unit": n}, "units", "abroad",
    ),
    "who leads a task from now on": ("office", "PATCH", "/tasks/{task}", lambda r, n: {"lead": n}, "units", "abroad"),
    "who assists from now on": (
        "office", "PATCH", "/tasks/{task}", lambda r, n: {"assisting": [n]}, "units", "abroad",
    ),
    "the goal of a task from now on": (
        "office", "PATCH", "/tasks/{task}", lambda r, n: {"goal": n}, "goals", "abroad",
    ),
    "the unit of a subject from now on": (
        "admin", "PATCH", "/subjects/{subject}", lambda r, n: {"unit": n}, "units", "abroad",
    ),
    "the unit of a subject in a preview": (
        "admin", "POST", "/subjects/{subject}/preview", lambda r, n: {"unit": n}, "units", "abroad",
    ),
    "the unit above a unit from now on": (
        "admin", "PATCH", "/units/{far}", lambda r, n: {"parent": n}, "units", "abroad",
    ),
    "the unit of a channel": (
        "admin", "POST", "/operations/channels",
        lambda r, n: {"kind": "wecom", "name": "x", "address": BOT, "unit": n}, "units", "abroad",
    ),
    "a leaver's subject": (
        "admin", "POST", "/people/{lead}/leave/preview", lambda r, n: leaving(n), "subjects", "abroad",
    ),
    "a leaver's subject that is another's": (
        "admin", "POST", "/people/{lead}/leave/preview", lambda r, n: leaving(n), "portraits", "far",
    ),
    "a subject of whoever leaves": (
        "admin", "POST", "/people/{lead}/leave", lambda r, n: agreed(r, n), "subjects", "abroad",
    ),
    "work in bulk at once": (
        "lead", "POST", "/inbox/bulk", lambda r, n: {"act": "remind", "items": [{"id": n}]}, "items", "far",
    ),
    "work in bulk": (
        "lead", "POST", "/inbox/bulk/preview", lambda r, n: {"act": "remind", "items": [{"id": n}]}, "items", "far",
    ),
    "work in bulk abroad": (
        "lead", "POST", "/inbox/bulk/preview", lambda r, n: {"act": "remind", "items": [{"id": n}]}, "items", "abroad",
    ),
}  # fmt: skip


def number(rights: Rights, kind: str, place: str) -> int:
    """Return the number of something at a place."""
    found = rights.cycles[place, "fresh"] if kind == "cycles" else rights.things[kind][place]
    return int(found.number)


def path_of(rights: Rights, path: str) -> str:
    """Return an address in which what is named stands by its number."""
    home = rights.colleges["home"]
    return "/api/v1" + path.format(task=rights.things["tasks"]["near"].number, subject=home.subjects["near-fresh"],
                                   far=home.units["far"], lead=home.persons["lead"])  # fmt: skip


def words(answer: TestResponse, of: int) -> tuple[int, str]:
    """Return the status and all that is said, the number itself and the request's own left out."""
    text = re.sub(r'"(request_id|instance)": ?"[^"]*"', "", answer.get_data(as_text=True))
    return answer.status_code, re.sub(rf"\b{of}\b", "N", text)


def answered(rights: Rights, case: Case, of: int) -> tuple[int, str]:
    """Return what is said to a case with this number."""
    login, method, path, body, _, _ = case
    tag = "*" if method == "PATCH" else ""
    return words(rights.call(login, method, path_of(rights, path), body(rights, of), tag), of)


@pytest.mark.parametrize("what", CASES)
def test_an_id_of_others_is_answered_as_one_that_never_was(rights: Rights, what: str) -> None:
    case = CASES[what]

    theirs = answered(rights, case, number(rights, case[4], case[5]))
    changed = rights.changed()
    rights.restore()
    never = answered(rights, case, NEVER)

    tell(f"P22: {what}: {never[0]}")
    assert theirs == never
    assert changed == set() and rights.changed() == set()


@pytest.mark.parametrize("what", [what for what in CASES if what not in GOALS])
def test_the_same_with_an_id_of_ones_own_is_done(rights: Rights, what: str) -> None:
    """The twin: else whatever refuses everything would do."""
    case = CASES[what]

    own = answered(rights, case, number(rights, case[4], "near"))
    rights.restore()

    assert own[0] in (200, 201)
    assert own != answered(rights, case, NEVER)


def pointers(found: Any, of: int, at: str = "") -> list[str]:
    """Return where in a body a number stands."""
    if isinstance(found, dict):
        return [one for key, value in found.items() for one in pointers(value, of, f"{at}/{key}")]
    if isinstance(found, list):
        return [one for value in found for one in pointers(value, of, f"{at}[]")]
    return [at] if found == of and found is not True else []


def numbers(document: dict[str, Any], of: dict[str, Any], at: str = "") -> list[str]:
    """Return where in a schema ids stand."""
    if "$ref" in of:
        of = document["components"]["schemas"][of["$ref"].rpartition("/")[2]]
    found = [at] if of.get("maximum") == HIGHEST and of.get("minimum") == 1 else []
    found += numbers(document, of["items"], f"{at}[]") if "items" in of else []
    parts = of.get("properties", {}).items()
    return found + [one for key, value in parts for one in numbers(document, value, f"{at}/{key}")]


def described(rights: Rights) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the fields of bodies and the parts of queries that are ids, each with its operation."""
    document = rights.app.test_client().get("/api/v1/openapi.json").get_json()
    fields, parts = set(), set()
    for path, verbs in document["paths"].items():
        for verb, one in verbs.items():
            if verb not in ("get", "post", "put", "patch", "delete"):
                continue
            short = path.removeprefix("/api/v1")
            sent = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            fields |= {f"{verb.upper()} {short} {at}" for at in numbers(document, sent)}
            parts |= {(short, x["name"]) for x in one.get("parameters", ())
                      if x["in"] == "query" and numbers(document, x["schema"])}  # fmt: skip
    return fields, parts


def test_every_id_in_a_body_has_its_case(rights: Rights) -> None:
    fields, _ = described(rights)
    places = {"task": "{number}", "subject": "{number}", "far": "{number}", "lead": "{number}"}
    cases = {f"{method} {path.format(**places)} {at}" for _, method, path, body, _, _ in CASES.values()
             for at in pointers(body(rights, NEVER), NEVER)}  # fmt: skip

    assert fields - cases == set(WITHIN)
    assert cases - fields == set()


def test_an_id_of_others_in_a_query_shows_what_one_that_never_was_shows(rights: Rights) -> None:
    _, parts = described(rights)
    home, abroad = rights.colleges["home"], rights.colleges["abroad"]
    with rights.app.app_context():
        points = {"near": home.point(), "abroad": abroad.point()}
        db.session.remove()
    wrong, differs = [], 0

    for path, name in sorted(parts):
        kind = QUERIED[name]
        own, theirs = (points[x] if kind == "points" else number(rights, kind, x) for x in ("near", "abroad"))
        more = "".join(f"&{other}={points['near'] if other == 'point' else home.subjects['near-fresh']}"
                       for other in NEEDED.get(path, ()) if other != name)  # fmt: skip
        shown = [words(rights.call("office", "GET", f"/api/v1{path}?{name}={n}{more}"), n)
                 for n in (theirs, NEVER, own)]  # fmt: skip
        wrong += [f"{path}?{name}: {shown[0]} not {shown[1]}"] if shown[0] != shown[1] else []
        wrong += [f"{path}?{name}: {shown[2]}"] if (shown[2][0] != 200) != (f"{path}?{name}" in EMPTY) else []
        differs += shown[2] != shown[1]

    tell(f"P22: {len(parts)} ids in queries, {differs} of them show something of one's own")
    assert wrong == []
    assert differs >= 20


def test_a_kept_filter_of_others_unit_shows_what_one_that_never_was_shows(rights: Rights) -> None:
    seen = {}
    for name, unit in (("never", NEVER), ("abroad", number(rights, "units", "abroad")),
                       ("own", number(rights, "units", "near"))):  # fmt: skip
        kept = rights.call("lead", "POST", "/api/v1/inbox/filters", {"name": "unit", "unit": unit})
        found = rights.call("lead", "GET", f"/api/v1/inbox?unit={kept.get_json()['unit']}")
        page = plain(rights.ask("lead", "GET", f"/inbox?unit={unit}").text)
        seen[name] = words(kept, unit), words(found, unit), re.sub(rf"\b{unit}\b", "N", page)
        rights.restore()

    assert seen["abroad"] == seen["never"]
    assert seen["own"][1] != seen["never"][1] and seen["own"][2] != seen["never"][2]
