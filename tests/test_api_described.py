"""Every path of the description, one by one: HTTP's methods as RFC 9110 has them, and bounds on whatever is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from browsing import Site
from calling import API, Program, code, program
from jsonschema_rs import Draft202012Validator
from werkzeug.test import TestResponse

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.resource import Resource

VERBS = ("get", "post", "put", "patch", "delete")
KINDS = [{"Content-Type": "text/xml"}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": ""},
         {"Content-Type": "application/json; charset=utf-16"},
         {"Content-Type": "application/json", "Content-Encoding": "gzip"}]  # fmt: skip
DATED = ("date", "date-time")


@pytest.fixture
def lead(site: Site) -> Program:
    """Return a client of the course's leader, whose cycle runs."""
    assert site.world.start() == 1
    return program(site, "lead")


def described(site: Site) -> Any:
    """Return the description as it is given out."""
    return site.app.test_client().get(f"{API}/openapi.json").get_json()


def paths(site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each path, its parts filled in, with the operations on it."""
    for path, verbs in described(site)["paths"].items():
        told = {p["name"]: p["schema"].get("enum", ["1"])[0] for p in verbs.get("parameters", [])}
        filled = re.sub(r"{(\w+)}", lambda found, told=told: told.get(found[1], "1"), path)  # type: ignore[misc]
        yield filled.removeprefix(API), {verb: verbs[verb] for verb in VERBS if verb in verbs}


def allowed(answer: TestResponse) -> set[str]:
    """Return the methods that an answer names."""
    return {one.strip() for one in answer.headers["Allow"].split(",")}


def meant(verbs: dict[str, Any]) -> set[str]:
    """Return the methods that a path takes as it is described."""
    return {"OPTIONS", *map(str.upper, verbs), *(("HEAD",) if "get" in verbs else ())}


def test_head_answers_what_get_does_without_its_body(lead: Program) -> None:
    for path, verbs in paths(lead.site):
        if "get" in verbs:
            head, get = lead.ask("HEAD", path), lead.get(path)
            assert (head.status_code, head.data) == (get.status_code, b""), path
            same = ("Content-Type", "ETag", "Vary", "Cache-Control")
            assert [head.headers.get(n) for n in same] == [get.headers.get(n) for n in same], path


def test_options_name_what_is_described_and_tell_nothing_more(lead: Program) -> None:
    for path, verbs in paths(lead.site):
        answer = lead.site.app.test_client().options(API + path)
        assert (answer.status_code, answer.data, allowed(answer)) == (200, b"", meant(verbs)), path


def test_other_methods_are_refused_with_those_that_there_are(lead: Program) -> None:
    for path, verbs in paths(lead.site):
        for verb in {*map(str.upper, VERBS), "PROPFIND"} - meant(verbs):
            answer = lead.ask(verb, path)
            assert (answer.status_code, allowed(answer)) == (405, meant(verbs)), (verb, path)
            assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("accept", ["text/html", "application/rtf", "application/json;q=0"])
def test_other_forms_than_json_are_answered_by_no_operation(lead: Program, accept: str) -> None:
    for path, verbs in paths(lead.site):
        for verb in verbs:
            body = {} if "requestBody" in verbs[verb] else None
            assert code(lead.ask(verb.upper(), path, body, Accept=accept)) == (406, "media.not_acceptable"), path


@pytest.mark.parametrize("headers", KINDS)
def test_no_operation_reads_another_body_than_plain_json(lead: Program, headers: dict[str, str]) -> None:
    sent = 0
    for path, verbs in paths(lead.site):
        for verb in (verb for verb in verbs if "requestBody" in verbs[verb]):
            answer = lead.ask(verb.upper(), path, b"{}", If_Match="*", **headers)
            assert code(answer) == (415, "media.unsupported"), (verb, path)
            sent += 1
    assert sent


def reads(told: dict[str, Any]) -> set[str]:
    """Return the content types of the bodies that an operation reads; a file is no JSON."""
    return set(told.get("requestBody", {}).get("content", ()))


@pytest.mark.parametrize(("body", "status", "fault"), [
    (b"", 400, "json.syntax"), (b"[]", 422, "json.not_object"), (b"null", 422, "json.not_object"),
    (b'{"a":1,"a":2}', 400, "json.duplicate_key"), (b'{"a":NaN}', 400, "number.not_finite"),
    (b'{"a":1e400}', 400, "number.not_finite"), (b"[" * 100_000, 400, "json.too_deep"),
    (b'{"a":"\\ud800"}', 422, "text.invalid_unicode"), (b'{"unheard_of":1}', 422, "field.unknown"),
    (b'{"created_by":1}', 422, "field.read_only"), (b'{"approved_by":1}', 422, "field.read_only"),
])  # fmt: skip
def test_every_operation_reads_its_body_alike(lead: Program, body: bytes, status: int, fault: str) -> None:
    for path, verbs in paths(lead.site):
        for verb in (verb for verb in verbs if reads(verbs[verb]) == {"application/json"}):
            answer = lead.ask(verb.upper(), path, body, If_Match="*")
            told = answer.get_json(force=True)
            codes = {told["code"], *(one["code"] for one in told.get("errors", []))}
            assert answer.status_code == status and fault in codes, (verb, path, told)


def test_a_key_that_cannot_be_one_is_refused_on_every_post(lead: Program) -> None:
    for n, (path, verbs) in enumerate(paths(lead.site)):
        if "post" in verbs:
            (kind, *_) = sorted(reads(verbs["post"])) or ("application/json",)
            answer = lead.post(path, "{}", If_Match="*", Idempotency_Key="k" * 10_000, Content_Type=kind)
            assert code(answer) == (400, "idempotency.key"), (n, path)


def faults(told: Any, at: str) -> Iterator[str]:
    """Yield what has no bounds in a schema, and what may hold anything."""
    kinds = told.get("type", [])
    kinds = set([kinds] if isinstance(kinds, str) else kinds)
    if "string" in kinds and not ({"enum", "maxLength"} & set(told) or told.get("format") in DATED):
        yield f"{at}: a text of any length"
    if kinds & {"integer", "number"} and not {"minimum", "maximum"} <= set(told):
        yield f"{at}: any number"
    if "array" in kinds and "maxItems" not in told:
        yield f"{at}: a list of any length"
    if "object" in kinds and told.get("additionalProperties") is not False:
        inner = told.get("additionalProperties")
        bounded = isinstance(inner, dict) and "maxProperties" in told
        yield from faults(inner, f"{at}/{{}}") if bounded else [f"{at}: an object that may hold anything"]
    if not {"type", "$ref", "enum", "anyOf", "oneOf", "allOf"} & set(told):
        yield f"{at}: anything"
    for name, inner in told.get("properties", {}).items():
        yield from faults(inner, f"{at}/{name}")
    if "items" in told:
        yield from faults(told["items"], f"{at}/*")
    for inner in (one for way in ("anyOf", "oneOf", "allOf") for one in told.get(way, [])):
        yield from faults(inner, at)


def test_a_number_beyond_those_that_are_described_is_not_there(lead: Program) -> None:
    for path in ("/cycles/{}", "/cycles/{}/history", "/me/tokens/{}", "/points/{}"):
        assert {lead.get(path.format(n)).status_code for n in (2**53, 2**63, 10**400)} == {404}, path


def test_an_operation_that_ends_says_since_when_and_until_when(site: Site) -> None:
    passing = Resource("api_passing", __name__, url_prefix="/passing", description="Made for this test")

    class Said(s.Strict):
        """A word."""

        word = s.text(s.NAME, required=True)

    @passing.get("", gives=Said, deprecated=(date(2026, 1, 1), date(2027, 1, 1)))
    def old(call: Call) -> dict[str, Any]:
        """Say a word, for a while."""
        return {"word": call.me.login}

    site.app.extensions["qaflow.api"].register_blueprint(passing, url_prefix=f"{API}/passing")
    answer = program(site, "lead").get("/passing")

    assert answer.get_json() == {"word": "lead"}
    assert answer.headers["Deprecation"] == "@1767225600"
    assert answer.headers["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    assert program(site, "lead").get("/me").headers.get("Deprecation") is None
    assert Program(site, "none").get("/passing").headers["Sunset"]
    assert described(site)["paths"][f"{API}/passing"]["get"]["deprecated"] is True


def test_each_part_has_a_plain_name_under_which_its_operations_stand(site: Site) -> None:
    told = described(site)
    names = [one["name"] for one in told["tags"]]
    used = [verbs[verb]["tags"] for verbs in told["paths"].values() for verb in VERBS if verb in verbs]

    assert {"me", "cycles", "readings"} <= set(names) and len(set(names)) == len(names)
    assert not [name for name in names if name.startswith("api")]
    assert {tuple(tags) for tags in used} == {(name,) for name in names}


def test_the_manual_leads_to_a_page_of_each_part_and_there_from_each_shape_to_another(site: Site) -> None:
    told = described(site)
    browser = site.browser("lead")

    index = browser.get(f"{API}/docs").text

    assert set(re.findall(rf'href="{API}/docs/([^"]+)"', index)) == {one["name"] for one in told["tags"]}
    for path, verbs in told["paths"].items():
        for verb in (verb for verb in VERBS if verb in verbs):
            page = browser.get(f"{API}/docs/{verbs[verb]['tags'][0]}").text
            anchors = re.findall(r' id="([^"]+)"', page)
            assert len(set(anchors)) == len(anchors)
            assert {f"{verb.upper()}{path}", *re.findall(r'href="#([A-Za-z]+)"', page)} - {"main"} <= set(anchors)
    assert browser.get(f"{API}/docs/nothing").status_code == 404


def test_whatever_is_named_has_bounds_and_nothing_may_hold_anything(site: Site) -> None:
    told = described(site)
    found = [one for name, schema in told["components"]["schemas"].items() for one in faults(schema, name)]
    for path, verbs in told["paths"].items():
        held = [verbs, *(verbs[verb] for verb in VERBS if verb in verbs)]
        asked = [one for every in held for one in every.get("parameters", [])]
        found += [one for p in asked for one in faults(p["schema"], f"{path} {p['name']}")]

    assert found == [], "\n".join(sorted(found))


def test_what_a_form_holds_is_a_value_or_rows_of_values(site: Site) -> None:
    act = described(site)["components"]["schemas"]["CyclesAct"]["properties"]["content"]
    form = Draft202012Validator(act)

    for fitting in ({}, {"a": "x", "b": 1.5, "c": None, "d": True}, {"rows": [{"a": "x", "in": [{"b": 1}]}]}):
        assert form.is_valid(fitting)
    many = dict.fromkeys(map(str, range(501)))
    for astray in ([], {"a": {"b": 1}}, {"a": ["x"]}, {"a": "x" * 100_001}, {"a": 1e16}, many):
        assert not form.is_valid(astray)


def test_an_object_without_a_bound_or_of_anything_is_a_fault() -> None:
    named, whole = {"maxProperties": 3}, {"type": "integer", "minimum": 0, "maximum": 9}

    def told(**more: Any) -> list[str]:
        return list(faults({"type": "object", **more}, "x"))

    assert told(additionalProperties=False) == told(additionalProperties=whole, **named) == []
    for astray in (told(), told(additionalProperties=whole), told(additionalProperties={}, **named),
                   told(additionalProperties=True, **named), told(additionalProperties={"type": "string"}, **named)):
        assert len(astray) == 1
