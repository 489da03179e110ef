"""Quality incidents over the API: reported, graded, handled, answered, closed, and counted."""

from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from werkzeug.test import TestResponse

GRADING = {"category": "safety", "grade": "serious", "handler": "major"}


def report(site: Site, login: str = "lead", **more: Any) -> TestResponse:
    """Let somebody report an incident."""
    said = {"title": "no teacher came", "account": "room 204", "category": "teaching",
            "unit": site.world.units["section"], "occurred_on": "2025-09-01"}  # fmt: skip
    return program(site, login).post("/incidents", said | more)


def test_an_incident_goes_from_its_report_to_its_close(site: Site, office: Program) -> None:
    made_ = report(site)
    path = made_.headers["Location"].removeprefix("/api/v1")

    graded = office.post(f"{path}/grade", GRADING, If_Match=made_.headers["ETag"])
    handled = program(site, "major").post(f"{path}/handle", {"text": "asked"}, If_Match=graded.headers["ETag"])
    answered = office.post(f"{path}/answer", {"text": "sorry"}, If_Match=handled.headers["ETag"])
    stale = office.post(f"{path}/close", {"text": "new rule"}, If_Match=graded.headers["ETag"])
    closed = office.post(f"{path}/close", {"text": "new rule"}, If_Match=answered.headers["ETag"])

    assert [one["state"] for one in closed.get_json()["steps"]] == ["reported", "graded", "handled", "answered",
                                                                    "closed"]  # fmt: skip
    assert (graded.get_json()["acts"], closed.get_json()["acts"]) == (["grade"], [])
    assert code(stale) == (412, "version.stale")
    assert code(office.post(f"{path}/answer", {"text": "x"}, If_Match="*")) == (409, "incident.state")
    assert site.world.query("select state, version from quality_incident") == [("closed", 5)]
    told = program(site, "lead").get(path).get_json()["steps"]
    assert {one["state"]: one["said"] for one in told}["answered"] == "sorry"


def test_lists_and_the_analysis_count_what_one_may_read(site: Site, office: Program) -> None:
    report(site)
    number = report(site, title="loud", category="safety", complaint=True).get_json()["id"]

    found = office.get("/incidents/analysis?year=2025").get_json()

    assert (found["many"], [one["many"] for one in found["category"] if one["value"] == "safety"]) == (2, [1])
    assert [one["id"] for one in office.get("/incidents?category=safety").get_json()["items"]] == [number]
    assert [one["id"] for one in office.get("/incidents?complaint=true").get_json()["items"]] == [number]
    assert office.get("/incidents?year=2024").get_json()["items"] == []
    assert program(site, "guest").get("/incidents").get_json()["items"] == []
    assert code(program(site, "guest").get("/incidents/analysis")) == (403, "action.forbidden")


@pytest.mark.parametrize(("more", "pointer", "fault"), [
    ({"category": "fun"}, "/category", "incident.category"), ({"unit": 4040}, "/unit", "ref.unknown_unit"),
    ({"cycle": 4040}, "/cycle", "cycle.unknown"), ({"warning": "none"}, "/warning", "warning.unknown"),
    ({"occurred_on": "2031-01-01"}, "/occurred_on", "incident.day"), ({"state": "closed"}, "/state", "field.read_only"),
    ({"title": ""}, "/title", "text.too_long"), ({"mood": "bad"}, "/mood", "field.unknown"),
])  # fmt: skip
def test_a_fault_of_a_report_is_named_at_its_field(site: Site, more: dict[str, Any], pointer: str,
                                                   fault: str) -> None:  # fmt: skip
    answer = report(site, **more)

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.get_json(force=True)["errors"]] == [(pointer, fault)]
    assert site.world.query("select count(*) from quality_incident") == [(0,)]


def test_whom_it_does_not_concern_finds_none_and_who_may_not_is_told(site: Site, office: Program) -> None:
    number = report(site).get_json()["id"]

    for path in (f"/incidents/{number}", "/incidents/404"):
        assert code(program(site, "guest").get(path)) == (404, "incident.unknown")
        assert code(program(site, "guest").post(f"{path}/grade", GRADING, If_Match="*")) == (404, "incident.unknown")
    lead = program(site, "lead")
    assert code(lead.post(f"/incidents/{number}/grade", GRADING, If_Match="*")) == (403, "action.forbidden")
    assert code(office.post(f"/incidents/{number}/grade", GRADING)) == (428, "match.missing")
    wrong = office.post(f"/incidents/{number}/grade", GRADING | {"handler": "nobody"}, If_Match="*")
    assert wrong.get_json(force=True)["errors"][0]["pointer"] == "/handler"
