"""The API: who may, what is read, what is answered; the same on every operation."""

import re
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from rights.table import operation

from qaflow.api import strict
from qaflow.errors import QaflowError
from qaflow.services import tokens
from qaflow.store.db import Sql, db, driver


@pytest.fixture
def lead(site: Site) -> Program:
    """Return a client of the course's leader, whose cycle runs."""
    assert site.world.start() == 1
    return program(site, "lead")


def rows(text: str) -> list[tuple[Any, ...]]:
    """Return what a query gives."""
    try:
        return driver(db.session).all(Sql(text))
    finally:
        db.session.rollback()


def test_a_token_tells_who_bears_it(lead: Program) -> None:
    answer = lead.get("/me")

    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["login"], answer.get_json()["scopes"]) == ("lead", sorted(tokens.SCOPES))
    assert answer.headers["ETag"]


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic bGVhZDp4", "Bearer "])
def test_who_bears_no_token_is_nobody(site: Site, header: str) -> None:
    browser = site.browser("lead")

    answer = browser.client.get("/api/v1/me", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.mimetype == "application/problem+json"


def test_a_narrow_token_opens_what_it_is_for_and_makes_no_wider_one(lead: Program) -> None:
    made = lead.post("/me/tokens", {"name": "reader", "scopes": ["read"], "days": 1})
    narrow = Program(lead.site, made.get_json()["token"])

    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1/me/tokens/{made.get_json()['id']}")
    assert narrow.get("/cycles/1").status_code == 200
    assert code(narrow.fire(1, "submit", content={"note": "x"})) == (403, "token.scope")
    assert code(narrow.post("/me/tokens", {"name": "more", "scopes": ["work"]})) == (422, "token.scopes")
    lead.site.later(days=2)
    assert code(narrow.get("/cycles/1")) == (401, "token.invalid")


def test_a_revoked_token_opens_nothing(lead: Program) -> None:
    made = lead.post("/me/tokens", {"name": "short", "scopes": ["read"]}).get_json()
    other = Program(lead.site, made["token"])
    assert other.get("/me").status_code == 200

    assert lead.ask("DELETE", f"/me/tokens/{made['id']}").status_code == 204

    assert code(other.get("/me")) == (401, "token.invalid")
    assert code(lead.get(f"/me/tokens/{made['id']}")) == (404, "token.not_found")


def test_a_cycle_is_listed_shown_and_moved(lead: Program) -> None:
    listed, shown = lead.get("/cycles").get_json(), lead.get("/cycles/1")

    done = lead.post("/cycles/1/actions/submit", {"content": {"note": "x"}}, If_Match=shown.headers["ETag"])

    assert [one["id"] for one in listed["items"]] == [1]
    assert "submit" in shown.get_json()["allowed"]
    assert (done.status_code, done.get_json()["leaf"]) == (200, "review"), done.text
    assert done.headers["ETag"] != shown.headers["ETag"]
    history = lead.get("/cycles/1/history?limit=1").get_json()
    rest = lead.get(f"/cycles/1/history?after={history['next']}").get_json()
    assert [one["seq"] for one in (*history["items"], *rest["items"])] == list(range(1, len(rest["items"]) + 2))


def test_a_change_names_what_was_read(lead: Program) -> None:
    tag = lead.get("/cycles/1").headers["ETag"]
    assert code(lead.post("/cycles/1/actions/submit", {"content": {"note": "x"}})) == (428, "match.missing")
    assert lead.fire(1, "submit", content={"note": "x"}).status_code == 200

    assert code(lead.post("/cycles/1/actions/withdraw", {}, If_Match=tag)) == (412, "visit.stale")
    assert code(lead.post("/cycles/1/actions/withdraw", {}, If_Match="nonsense")) == (412, "version.stale")


def test_whoever_takes_it_as_it_stands_hears_of_the_state(lead: Program) -> None:
    assert code(lead.post("/cycles/1/actions/withdraw", {}, If_Match="*")) == (409, "transition.not_allowed")
    assert lead.post("/cycles/1/actions/submit", {"content": {"note": "x"}}, If_Match="*").status_code == 200


def test_comments_copies_and_reminders_are_sent_as_the_pages_send_them(lead: Program) -> None:
    for _ in range(2):
        assert lead.post("/cycles/1/actions/comment", {"text": "said once"}, If_Match="*").status_code == 200
    assert code(lead.post("/cycles/1/actions/copy", {"to": "office,nobody"}, If_Match="*"))[0] == 422
    assert lead.post("/cycles/1/actions/copy", {"to": "office,major"}, If_Match="*").status_code == 200

    kinds = [one["kind"] for one in lead.get("/cycles/1/history").get_json()["items"]]
    assert (kinds.count("Commented"), kinds.count("CopySent")) == (1, 2)


def test_the_office_starts_a_cycle_and_nobody_else(lead: Program) -> None:
    body = {"layer": "course", "subject": "C1", "track": "teaching", "day": "2026-10-01"}

    assert code(lead.post("/cycles", body)) == (403, "action.forbidden")
    made = program(lead.site, "office").post("/cycles", body)
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/cycles/2"), made.text
    assert made.headers["ETag"]


def test_what_the_state_forbids_is_refused_with_what_it_allows(lead: Program) -> None:
    answer = lead.fire(1, "withdraw")

    assert code(answer) == (409, "transition.not_allowed")
    assert "submit" in answer.get_json(force=True)["allowed"]


def test_of_another_units_cycle_nothing_is_told(lead: Program) -> None:
    stranger = program(lead.site, "admin")

    there = stranger.post("/cycles/1/actions/submit", {}, If_Match='"1.1"')
    absent = stranger.post("/cycles/99/actions/submit", {}, If_Match='"1.1"')

    assert code(there) == code(absent) == (404, "cycle.not_found")


SYNTAX = {
    "empty": (b"", 400, "json.syntax"),
    "null": (b"null", 422, "json.not_object"),
    "list": (b"[]", 422, "json.not_object"),
    "text": (b'"x"', 422, "json.not_object"),
    "cut off": (b'{"name":', 400, "json.syntax"),
    "comma": (b'{"name":"x",}', 400, "json.syntax"),
    "two": (b"{}{}", 400, "json.syntax"),
    "twice": (b'{"name":"user","name":"admin"}', 400, "json.duplicate_key"),
    "nan": (b'{"days":NaN}', 400, "number.not_finite"),
    "infinity": (b'{"days":-Infinity}', 400, "number.not_finite"),
    "1e400": (b'{"days":1e400}', 400, "number.not_finite"),
    "digits": (b'{"days":' + b"9" * 5000 + b"}", 400, "number.not_finite"),
    "deep": (b'{"name":' + b"[" * 100_000, 400, "json.too_deep"),
    "nested": (b'{"name":' + b"[" * 40 + b"]" * 40 + b"}", 400, "json.too_deep"),
    "half a pair": (b'{"name":"\\ud800"}', 422, "text.invalid_unicode"),
    "half a pair in a key": (b'{"\\ud800":1}', 422, "text.invalid_unicode"),
    "latin": (b'{"name":"\xe9"}', 400, "encoding.not_utf8"),
}


@pytest.mark.parametrize("name", SYNTAX)
def test_a_body_says_one_thing_or_is_refused(site: Site, name: str) -> None:
    body, *expected = SYNTAX[name]

    assert code(program(site, "lead").post("/me/tokens", body)) == tuple(expected)


@pytest.mark.parametrize("headers", [{"Content-Type": "text/xml"}, {"Content-Type": ""},
                                     {"Content-Type": "application/json; charset=utf-16"},
                                     {"Content-Encoding": "gzip", "Content-Type": "application/json"}])  # fmt: skip
def test_only_plain_json_is_read(site: Site, headers: dict[str, str]) -> None:
    assert code(program(site, "lead").ask("POST", "/me/tokens", b"{}", **headers)) == (415, "media.unsupported")


def test_a_body_beyond_its_size_is_not_read(site: Site) -> None:
    body = b'{"name":"' + b"x" * 1_000_001 + b'"}'

    assert code(program(site, "lead").post("/me/tokens", body)) == (413, "body.too_large")


FIELDS = {
    "unknown": ({"name": "x", "scopes": ["read"], "colour": 1}, "/colour", "field.unknown"),
    "read-only": ({"name": "x", "scopes": ["read"], "id": 1}, "/id", "field.read_only"),
    "missing": ({"scopes": ["read"]}, "/name", "field.required"),
    "null": ({"name": None, "scopes": ["read"]}, "/name", "field.null"),
    "kind": ({"name": 5, "scopes": ["read"]}, "/name", "type.expected_string"),
    "long": ({"name": "x" * 201, "scopes": ["read"]}, "/name", "text.too_long"),
    "number as text": ({"name": "x", "scopes": ["read"], "days": "5"}, "/days", "type.expected_number"),
    "truth as number": ({"name": "x", "scopes": ["read"], "days": True}, "/days", "type.expected_number"),
    "range": ({"name": "x", "scopes": ["read"], "days": 0}, "/days", "value.range"),
    "inner": ({"name": "x", "scopes": ["read", "all"]}, "/scopes/1", "value.unknown"),
    "empty list": ({"name": "x", "scopes": []}, "/scopes", "list.length"),
    "no list": ({"name": "x", "scopes": "read"}, "/scopes", "type.expected_list"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_each_fault_is_told_at_its_field(site: Site, name: str) -> None:
    body, pointer, fault = FIELDS[name]

    answer = program(site, "lead").post("/me/tokens", body)

    assert answer.status_code == 422
    (told,) = answer.get_json(force=True)["errors"]
    assert (told["pointer"], told["code"]) == (pointer, fault)


@pytest.mark.parametrize(("query", "fault"), [
    ("size=1", "query.unknown"), ("limit=-1", "value.range"), ("limit=1000000000", "value.range"),
    ("limit=1&limit=2", "query.twice"), ("after=forged", "query.cursor"), ("sort=password_hash", "value.unknown"),
    ("layer=none", "value.unknown"), ("unit=x", "type.expected_number"),
])  # fmt: skip
def test_a_list_is_narrowed_by_named_fields_only(site: Site, query: str, fault: str) -> None:
    answer = program(site, "lead").get(f"/cycles?{query}")

    assert (answer.status_code, answer.get_json(force=True)["code"][:6]) == (422, "query.")
    assert answer.get_json(force=True)["errors"][0]["code"] == fault


def test_the_same_request_with_the_same_key_is_done_once(lead: Program) -> None:
    body = {"name": "once", "scopes": ["read"]}

    first, again = (lead.post("/me/tokens", body, Idempotency_Key="k-1") for _ in range(2))

    assert (first.status_code, first.data, first.headers["Location"]) == (
        again.status_code, again.data, again.headers["Location"])  # fmt: skip
    assert len(lead.get("/me/tokens").get_json()["items"]) == 2  # the one that asks, and the one that was made
    other = lead.post("/me/tokens", body | {"days": 2}, Idempotency_Key="k-1")
    assert code(other) == (422, "idempotency.mismatch")
    assert code(lead.post("/me/tokens", body, Idempotency_Key="k" * 10_000)) == (400, "idempotency.key")
    assert first.get_json()["token"].encode() not in rows("select reply from answered_request")[0][0]


def test_a_key_opens_nobody_elses_reply_and_none_to_another_token(site: Site, lead: Program) -> None:
    """A reply may hold a new token: it is for the token that asked, and keys are each person's own."""
    body = {"name": "once", "scopes": ["read"]}
    first = lead.post("/me/tokens", body, Idempotency_Key="k-1")
    narrow = Program(site, first.get_json()["token"])

    assert code(program(site, "lead").post("/me/tokens", body, Idempotency_Key="k-1")) == (422, "idempotency.mismatch")
    theirs = program(site, "guest").post("/me/tokens", body, Idempotency_Key="k-1")
    assert theirs.status_code == 201 and theirs.get_json()["token"] != first.get_json()["token"]
    assert code(narrow.post("/me/tokens", body, Idempotency_Key="k-1"))[0] in (403, 422)


def test_a_key_is_free_again_after_a_day(lead: Program) -> None:
    body = {"name": "once", "scopes": ["read"]}
    first = lead.post("/me/tokens", body, Idempotency_Key="k-1")
    lead.site.later(hours=25)

    assert lead.post("/me/tokens", body, Idempotency_Key="k-1").data != first.data


def test_a_refusal_is_answered_again_too(lead: Program) -> None:
    tag = lead.get("/cycles/1").headers["ETag"]
    first = lead.post("/cycles/1/actions/withdraw", {}, If_Match=tag, Idempotency_Key="k-1")
    assert lead.fire(1, "submit", content={"note": "x"}).status_code == 200

    again = lead.post("/cycles/1/actions/withdraw", {}, If_Match=tag, Idempotency_Key="k-1")

    assert (first.status_code, first.data) == (409, again.data)


def test_who_wants_no_body_gets_none(lead: Program) -> None:
    made = lead.post("/me/tokens", {"name": "x", "scopes": ["read"]}, Prefer="return=minimal")

    assert (made.status_code, made.data, made.headers["Preference-Applied"]) == (201, b"", "return=minimal")


def test_a_token_that_sends_too_much_waits(site: Site) -> None:
    one = program(site, "lead")
    answers = [one.get("/me") for _ in range(601)]

    assert {a.status_code for a in answers[:600]} == {200}
    assert (code(answers[600]), answers[600].headers["Retry-After"]) == ((429, "rate.exceeded"), "60")
    site.later(seconds=59)
    assert one.get("/me").headers["Retry-After"] == "1"
    assert program(site, "lead").get("/me").status_code == 200
    site.later(seconds=1)
    assert one.get("/me").status_code == 200


def test_other_forms_than_json_are_not_answered(site: Site) -> None:
    assert code(program(site, "lead").get("/me", Accept="text/html")) == (406, "media.not_acceptable")


def test_the_last_use_is_written_once_a_minute(lead: Program) -> None:
    def used() -> Any:
        return rows("select last_used_at from token")[0][0]

    lead.get("/me")
    first = used()
    lead.site.later(seconds=30)
    lead.get("/me")
    assert used() == first
    lead.site.later(seconds=31)
    lead.get("/me")

    assert used() > first


def test_parsing_alone_refuses_in_the_same_words() -> None:
    with pytest.raises(QaflowError) as refused:
        strict.parsed(b'{"a":1,"a":2}')

    assert refused.value.code == "json.duplicate_key"


def test_a_session_changes_nothing_through_the_api(site: Site) -> None:
    browser = site.browser("lead")
    verbs = ("POST", "PUT", "PATCH", "DELETE")
    rules = [r for r in site.app.url_map.iter_rules() if operation(site.app, r.endpoint)]
    sent = [(verb, r.rule) for r in rules for verb in verbs if verb in (r.methods or ())]

    answers = [browser.client.open(re.sub(r"<[^>]+>", "1", rule), method=verb, json={}) for verb, rule in sent]

    assert sent
    assert {answer.status_code for answer in answers} == {401}
