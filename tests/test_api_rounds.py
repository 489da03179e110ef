"""Rounds over the API: how they stand, what is stuck, and acts on all their cycles with a dry run."""

from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program

SUSPEND = {"act": "suspend", "layer": "course", "track": "teaching", "day": "2025-09-01", "reason": "flood"}
WORD = "0123456789abcdef"
FACTS = "select count(*) from journal"


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college: three cycles of a round, one of them suspended before."""
    site.world.course("C2", "section", "lead")
    for course in ("C1", "C2", "C9"):
        site.world.start(course)
    site.world.fire(1, "suspend", "office", reason="before")
    return site


def test_rounds_are_listed_with_how_their_cycles_stand(site: Site, office: Program) -> None:
    found = office.get("/rounds").get_json()
    elsewhere = office.get("/rounds?layer=major").get_json()

    (line,) = found["items"]
    assert (line["track"], line["start"], line["running"], line["suspended"]) == ("teaching", "2025-09-01", 2, 1)
    assert found["steers"] and elsewhere["items"] == []
    assert program(site, "vp").get("/rounds").get_json()["steers"] is False
    assert code(program(site, "guest").get("/rounds")) == (403, "action.forbidden")


def test_what_is_stuck_is_counted_by_reason(site: Site, office: Program) -> None:
    found = office.get("/rounds/stuck?term=all").get_json()

    assert {"reason": "nobody", "count": 0} in found["stuck"]
    assert code(program(site, "guest").get("/rounds/stuck")) == (403, "action.forbidden")


def test_a_dry_run_changes_nothing_and_the_act_does_what_it_told_once(site: Site, office: Program) -> None:
    before = site.world.query(FACTS)

    told = office.post("/rounds/plan", SUSPEND).get_json()

    assert (told["total"], told["ahead"], told["refused"], told["following"]) == (3, 2, 1, 0)
    refused = [one for one in told["results"] if one["refused"]]
    assert [(one["cycle"], one["refused"]) for one in refused] == [(1, "transition.not_allowed")]
    assert site.world.query(FACTS) == before
    sent = SUSPEND | {"once": WORD}
    assert [office.post("/rounds/act", sent).get_json() for _ in range(2)] == [{"acted": 2}, {"acted": 0}]
    assert site.world.query("select status, count(*) from cycle group by 1") == [("suspended", 3)]
    assert office.post("/rounds/plan", SUSPEND).get_json()["total"] == 3


@pytest.mark.parametrize(("more", "pointer"), [
    ({"reason": ""}, "/reason"), ({"act": "extend"}, "/days"), ({"act": "migrate"}, "/to_version"),
    ({"act": "cancel"}, "/act"), ({"day": "2025-02-30"}, "/day"), ({"version": 2}, "/version"), ({"x": 1}, "/x"),
    ({"once": "short"}, "/once"),
])  # fmt: skip
def test_an_act_that_is_not_fully_said_is_refused_at_its_field(
    site: Site, office: Program, more: dict[str, Any], pointer: str
) -> None:
    before = site.world.query(FACTS)

    answer = office.post("/rounds/act", SUSPEND | {"once": WORD} | more)

    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.get_json(force=True)["errors"]]
    assert site.world.query(FACTS) == before


def test_a_round_is_steered_by_the_office_alone_and_an_unknown_track_is_not_there(site: Site, office: Program) -> None:
    for path, more in (("/rounds/plan", {}), ("/rounds/act", {"once": WORD})):
        assert code(program(site, "vp").post(path, SUSPEND | more)) == (403, "action.forbidden")
        assert office.post(path, SUSPEND | more | {"track": "none"}).status_code == 404
    assert site.world.query("select count(*) from cycle where status = 'suspended'") == [(1,)]


def test_the_versions_of_a_round_are_listed(site: Site, office: Program) -> None:
    found = office.get("/rounds/versions?layer=course&track=teaching&day=2025-09-01").get_json()

    assert [one["version"] for one in found["items"]] == [1]
    assert office.get("/rounds/versions?layer=course&track=none&day=2025-09-01").status_code == 404
