"""Portraits over the API: a subject whole for who may read it, absent for everybody else, others as means alone."""

import json

import pytest
from browsing import Site
from calling import code, program
from overviewing import peopled, reading


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with everything in it."""
    peopled(site.world)
    site.clock.instant = site.world.now
    return site


def test_a_portrait_holds_goals_readings_rounds_and_warnings_of_its_subject(site: Site) -> None:
    asked = program(site, "far_lead")
    number = site.world.subjects["F3"]

    found = asked.get(f"/portraits/{number}").get_json()

    (point,) = found["points"]
    ((warning, opened),) = site.world.query("select id, opened_at from warning where subject_id = :s", s=number)
    assert (found["subject"]["code"], found["subject"]["responsible"], found["layer"]["en"]) == (
        "F3", "far_lead", "course")  # fmt: skip
    assert [one["value"] for one in point["readings"]] == [30, 61, 62, 63] and point["severity"] is None
    assert [(one["id"], one["state"]) for one in found["warnings"]] == [(warning, "closed")]
    assert [one["opened"] for one in found["terms"]] == [0, 1] and opened.startswith("2025")
    assert [(one["number"], one["status"]) for one in found["rounds"]] == [(1, "running")]
    assert {one["text"]["en"] for one in found["goals"]} == {"goal of the layer", "goal of a person"}


def test_a_mean_of_others_is_told_of_five_and_never_of_four(site: Site) -> None:
    lead, number = program(site, "lead"), site.world.subjects["N0"]
    for code_ in ("N1", "N2", "N3"):
        reading(site.world, code_, 50, days=30)
    (before,) = lead.get(f"/portraits/{number}").get_json()["points"]
    site.world.courses([f"M{n}" for n in range(6)], "section", "head")
    for n in range(6):
        reading(site.world, f"M{n}", 50, days=30)

    (after,) = lead.get(f"/portraits/{number}").get_json()["points"]

    assert before["near"] is None
    assert after["near"] == {"many": 10, "value": pytest.approx((9 * 50 + 20) / 10)}  # N4 was read at 20


def test_the_list_holds_what_may_be_read_and_its_filters_narrow_it(site: Site) -> None:
    lead = program(site, "lead")
    every = lead.get("/portraits").get_json()
    responsible = site.world.query("select id from subject where responsible_id = :p and not ended",
                                   p=site.world.persons["lead"])  # fmt: skip

    assert {one["id"] for one in lead.get("/portraits?mine=yes").get_json()["items"]} == {n for (n,) in responsible}
    assert every["many"] == len(every["items"])
    assert all(one["ended"] is False for one in every["items"])
    assert [one["code"] for one in lead.get("/portraits?q=n3").get_json()["items"]] == ["N3"]
    assert lead.get("/portraits?layer=major").get_json()["many"] == 0
    assert code(lead.get("/portraits?page=2")) == (422, "query.invalid")
    assert program(site, "guest").get("/portraits").get_json() == {"items": [], "next": None, "many": 0}


def test_a_long_list_comes_page_by_page_and_whole(site: Site) -> None:
    site.world.courses([f"S{n:02}" for n in range(60)], "section", "lead")
    lead = program(site, "lead")
    first = lead.get("/portraits").get_json()
    second = lead.get(f"/portraits?after={first['next']}").get_json()

    ids = [one["id"] for one in first["items"] + second["items"]]
    assert len(set(ids)) == len(ids) == first["many"] > 60 and second["next"] is None
    assert code(program(site, "head").get(f"/portraits?after={first['next']}")) == (422, "query.cursor")


@pytest.mark.parametrize("login", ["far_head", "far_lead", "guest", "admin"])
def test_another_s_portrait_is_as_absent_as_none(site: Site, login: str) -> None:
    asked, number = program(site, login), site.world.subjects["N0"]
    site.world.query("update subject set name = 'SECRET' where unit_id = :u returning id",
                     u=site.world.units["section"])  # fmt: skip

    assert code(asked.get(f"/portraits/{number}")) == code(asked.get("/portraits/987654")) == (
        404, "subject.not_found")  # fmt: skip
    assert "SECRET" not in json.dumps(asked.get("/portraits").get_json())
    assert program(site, "lead").get(f"/portraits/{number}").status_code == 200
