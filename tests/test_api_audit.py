"""The audit over the API: history searched, one entry, checkpoints, and a cycle's history that proves itself."""

import json
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from reviewing import go_elsewhere
from rights.world import settled

from qaflow.services.auditing import packs, proving
from qaflow.store.db import Sql, db


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college, with one cycle in its second stage and one elsewhere."""
    site.world.start()
    site.world.start("C9")
    site.world.fire(1, "submit", "lead", content={"note": "first words"})
    site.world.fire(1, "approve", "major", comment="well done")
    return site


@pytest.mark.parametrize(("query", "wanted"), [
    ("stream=cycle&subject=C1", {"cycle:1/1", "cycle:1/2", "cycle:1/3"}), ("person=major", {"cycle:1/3"}),
    ("kind=StageSubmitted", {"cycle:1/2"}), ("person=nobody", set()), ("stream=cycle&first=2025-09-02", set()),
])  # fmt: skip
def test_the_history_is_searched_by_who_what_when_and_where(office: Program, query: str, wanted: set[str]) -> None:
    found = office.get(f"/audit/entries?{query}").get_json()["items"]

    assert {f"{one['stream']}/{one['seq']}" for one in found} == wanted


@pytest.mark.parametrize("query", ["stream=journal", "unit=x", "first=2025-02-30", "sort=hash", "after=9"])
def test_what_narrows_nothing_is_refused(office: Program, query: str) -> None:
    assert office.get(f"/audit/entries?{query}").status_code == 422


def test_one_entry_is_shown_as_it_stands_in_its_chain(site: Site, office: Program) -> None:
    found = office.get("/audit/entries/cycle:1/3").get_json()

    assert site.world.query("select hash, prev, data from journal where stream = 'cycle:1' and seq = 3") == [
        (found["hash"], found["prev"], found["data"])]  # fmt: skip
    assert (found["words"], found["newer"]) == (["well done"], False)
    for absent in ("cycle:1/99", "cycle:99/1", "college:other/1", "nothing/1"):
        assert code(office.get(f"/audit/entries/{absent}")) == (404, "object.not_found")


def test_a_checkpoint_is_made_and_told_as_the_last_one(office: Program) -> None:
    assert office.get("/audit/proofs").get_json() == {"proofs": [], "checkpoint": None}

    answer = office.post("/audit/checkpoints", {})

    made_ = answer.get_json()
    assert answer.status_code == 201 and proving.given(made_["text"].encode())["at"][:10] in made_["name"]
    assert office.get("/audit/proofs").get_json()["checkpoint"]["who"] is not None
    assert office.post("/audit/checkpoints", {"at": "now"}).status_code == 422


def test_a_cycle_is_handed_out_as_a_file_that_proves_itself(office: Program) -> None:
    answer = office.get("/audit/cycles/1/pack")

    assert packs.verify(json.loads(answer.text))["consistent"]
    assert "cycle-1.json" in answer.headers["Content-Disposition"]
    assert office.get("/audit/cycles/99/pack").status_code == office.get("/audit/cycles/99/verify").status_code == 404


def test_a_cycle_changed_from_outside_is_found_out(site: Site, office: Program) -> None:
    sound = office.get("/audit/cycles/1/verify").get_json()
    site.world.within(lambda d: d.run(Sql("drop trigger journal_no_update")))
    site.world.within(lambda d: d.run(Sql("update journal set door = 'cli' where stream = 'cycle:1' and seq = 2")))
    altered = office.get("/audit/cycles/1/verify").get_json()

    assert (sound["consistent"], sound["entries"], sound["first_fault"]) == (True, 3, None)
    assert altered["consistent"] is False and altered["first_fault"].startswith("cycle:1/2")


def proven(office: Program, **body: str) -> dict[str, Any]:
    """Begin a verification and return what came of it."""
    answer = office.post("/audit/proofs", body, Idempotency_Key="k")
    place = answer.headers["Location"].removeprefix("/api/v1")
    assert answer.status_code == 202 and place == f"/audit/proofs/{answer.get_json()['id']}"
    settled(answer)
    found: dict[str, Any] = office.get(place).get_json()
    assert office.post("/audit/proofs", body, Idempotency_Key="k").data == answer.data
    assert found["ended_at"] and not found["running"]
    return found


def test_the_whole_history_is_verified_beside_the_request_and_its_place_tells_the_end(
    site: Site, office: Program
) -> None:
    found = proven(office)

    ((count,),) = site.world.query("select count(*) from journal")
    assert (found["entries"], found["faults"], found["first_fault"], found["checkpoint"]) == (count, 0, None, None)
    assert office.get("/audit/proofs").get_json()["proofs"] == [found]


def test_a_verification_is_held_against_the_checkpoint_that_is_sent(office: Program) -> None:
    kept = office.post("/audit/checkpoints", {}).get_json()["text"]

    compared = proven(office, checkpoint=kept)["checkpoint"]

    assert compared["same"] == compared["streams"] > 0
    for text in ("{}", "no json"):
        answer = office.post("/audit/proofs", {"checkpoint": text})
        assert code(answer) == (422, "checkpoint.invalid")
        assert answer.get_json(force=True)["errors"][0]["pointer"] == "/checkpoint"
    assert len(office.get("/audit/proofs").get_json()["proofs"]) == 1


def test_who_asks_while_one_is_at_work_is_shown_that_one(site: Site, office: Program) -> None:
    number, _, _ = proving.begin(db.session, site.world.origin("office"), site.world.college)

    shown = office.post("/audit/proofs", {}).get_json()

    assert (shown["id"], shown["running"]) == (number, True)
    assert site.world.query("select count(*) from proof") == [(1,)]
    go_elsewhere(site, "office")
    for far in (number, 999):
        assert code(office.get(f"/audit/proofs/{far}")) == (404, "proof.not_found")


@pytest.mark.parametrize("path", [
    "/entries", "/entries/cycle:1/1", "/proofs", "/proofs/1", "/cycles/1/pack", "/cycles/1/verify",
])  # fmt: skip
@pytest.mark.parametrize("login", ["lead", "vp", "admin"])
def test_the_audit_is_the_quality_offices_alone(site: Site, login: str, path: str) -> None:
    assert code(program(site, login).get(f"/audit{path}")) == (403, "action.forbidden")
    for made_ in ("/audit/checkpoints", "/audit/proofs"):
        assert code(program(site, login).post(made_, {})) == (403, "action.forbidden")


@pytest.mark.parametrize("path", ["/audit/entries", "/audit/logs/journal", "/audit/logs/xes", "/audit/logs/ocel"])
def test_days_at_the_edge_of_what_dates_can_hold_are_all_of_the_history(office: Program, path: str) -> None:
    spans = ("", "?first=0001-01-01&last=9999-12-31", "?first=9999-12-31", "?last=0001-01-01")
    whole, between, later, before = ((one.status_code, one.data) for one in (office.get(path + span) for span in spans))

    counts = [data.count(b"T01:00:00") for _, data in (whole, between)]
    assert {status for status, _ in (whole, between, later, before)} == {200}
    assert counts[0] == counts[1] > 0 and len(later[1]) == len(before[1]) < len(whole[1])


def test_the_first_entry_of_a_stream_names_none_before_it(office: Program) -> None:
    first = office.get("/audit/entries/cycle:1/1").get_json()

    assert first["prev"] == "" and first["hash"] and office.get("/audit/entries/cycle:1/2").get_json()["prev"]
