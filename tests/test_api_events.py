"""`GET /api/v1/events`: the stream for those who poll."""

from typing import Any

from browsing import Site
from calling import Program, code, program
from jsonschema_rs import Draft202012Validator

from qaflow.services.events.events import TOLD


def test_who_polls_gets_what_they_may_see_and_where_to_go_on(site: Site) -> None:
    cycle = site.world.start()
    lead = program(site, "lead")

    first = lead.get("/events").get_json()
    site.world.fire(cycle, "submit", "lead", content={"note": "SECRET-WORDS"})
    then = lead.get(f"/events?after={first['after']}")

    assert [event["type"] for event in first["items"]] == ["qaflow.cycle.started"]
    assert [event["type"] for event in then.get_json()["items"]] == ["qaflow.cycle.stage-submitted"]
    assert "SECRET-WORDS" not in then.text
    assert lead.get(f"/events?after={then.get_json()['after']}").get_json()["items"] == []
    assert program(site, "guest").get("/events").get_json()["items"] == []


def test_one_type_can_be_chosen_and_an_unknown_one_is_refused(site: Site) -> None:
    site.world.start()
    office = program(site, "office")

    assert {e["type"] for e in office.get("/events?type=qaflow.cycle.started").get_json()["items"]} == {
        "qaflow.cycle.started"
    }
    assert code(office.get("/events?type=qaflow.cycle.begun"))[0] == 422


def described(by: Program) -> dict[str, dict[str, Any]]:
    """Return by type what the data of an event is described to be."""
    told = by.get("/openapi.json").get_json()["components"]["schemas"]["EventsEvent"]["properties"]["data"]["anyOf"]
    return {name: one for one in told for name in one["description"].split(", ")}


def test_each_type_is_described_with_just_what_it_carries(site: Site) -> None:
    found = described(program(site, "lead"))

    assert set(found) == {told.type for told in TOLD.values()}
    for kind, told in TOLD.items():
        about = {"cycle"} if told.type.split(".")[1] in ("cycle", "sheet", "warning", "item") else set()
        assert set(found[told.type]["properties"]) == {*told.carries} | about, kind


def test_what_is_sent_is_as_it_is_described_and_nothing_else_would_be(site: Site) -> None:
    cycle, lead = site.world.start(), program(site, "lead")
    site.world.fire(cycle, "submit", "lead", content={"note": "x"})
    site.world.fire(cycle, "reject", "major", reason="again")
    lead.post(f"/cycles/{cycle}/files?name=a.txt", b"x", Content_Type="text/plain")
    told = {name: Draft202012Validator(one) for name, one in described(lead).items()}

    sent = lead.get("/events").get_json()["items"]

    assert {one["type"].rpartition(".")[2] for one in sent} >= {"started", "stage-submitted", "stage-rejected",
                                                                "evidence-added"}  # fmt: skip
    for one in sent:
        assert told[one["type"]].is_valid(one["data"]), one
        assert not told[one["type"]].is_valid(one["data"] | {"holder": 1})
        assert not told[one["type"]].is_valid(one["data"] | {"cycle": "1"})
