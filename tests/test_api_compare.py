"""Comparisons over the API: units, a subject beside its last round, readings around measures; small groups hidden."""

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


def test_a_measure_stands_with_the_means_before_and_after_it(site: Site) -> None:
    found = program(site, "far_lead").get(f"/compare/{site.world.subjects['F3']}").get_json()

    (measure,) = found["measures"]
    ((warning, cycle),) = site.world.query("select id, cycle_id from warning where subject_id = :s",
                                           s=site.world.subjects["F3"])  # fmt: skip
    assert (measure["kind"], measure["text"], measure["warning"]) == ("correction", "more hours in F3", warning)
    assert measure["before"] == {"value": 30, "many": 1} and measure["after"] == {"value": 62, "many": 3}
    assert measure["change"] == 32
    assert [one["id"] for one in found["rounds"]] == [cycle] and found["rounds"][0]["share"] is None
    assert [one["now"] for one in found["points"]] == [{"value": (30 + 61 + 62 + 63) / 4, "many": 4}]


def test_a_unit_with_four_readings_is_hidden_and_one_with_five_is_told(site: Site) -> None:
    for n in range(4):
        reading(site.world, f"F{n}", 70, days=30)
    office = program(site, "office")
    few = office.get("/compare").get_json()
    site.world.courses(["F4"], "far", "far_lead")
    reading(site.world, "F4", 70, days=30)
    enough = office.get("/compare").get_json()

    far = site.world.query("select name_zh from unit where id = :u", u=site.world.units["far"])[0][0]
    told = [{unit["name"]["zh"]: unit["value"] for unit in found["units"] if unit["name"]} for found in (few, enough)]
    assert told[0][far] is None and told[1][far]["many"] == 5
    assert (few["layer"], few["point"]) == ("course", site.world.points["hours"])
    assert all(len(unit["shares"]) == len(few["spans"]) for unit in few["units"])
    assert office.get(f"/compare?layer=course&point={few['point']}").get_json() == enough


@pytest.mark.parametrize("login", ["far_head", "far_lead", "guest", "admin"])
def test_another_s_comparison_is_as_absent_as_none(site: Site, login: str) -> None:
    asked, number = program(site, login), site.world.subjects["N0"]
    site.world.query("update unit set name_zh = 'SECRET', name_en = 'SECRET' where id = :u returning id",
                     u=site.world.units["section"])  # fmt: skip

    assert code(asked.get(f"/compare/{number}")) == code(asked.get("/compare/987654")) == (404, "subject.not_found")
    assert "SECRET" not in json.dumps(asked.get("/compare").get_json())
    assert program(site, "lead").get(f"/compare/{number}").status_code == 200


def test_what_it_does_not_know_is_refused(site: Site) -> None:
    office = program(site, "office")

    assert code(office.get("/compare?page=2")) == (422, "query.invalid")
    assert code(office.get("/compare?point=0")) == (422, "query.invalid")
    assert code(office.get(f"/compare/{site.world.subjects['N0']}?layer=course")) == (422, "query.unknown")
