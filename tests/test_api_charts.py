"""Charts over the API: the figures that the pages draw, of what one sees and no more."""

import datetime as dt
import itertools
import json
import statistics
from dataclasses import replace

import pytest
from browsing import Site
from calling import Program, code, program

from qaflow.services.points import monitoring
from qaflow.services.points.monitoring import NewReading
from qaflow.testing import MONDAY

WANDER = (52.0, 51.0, 49.0, 50.0, 51.5, 48.5, 50.5, 49.5, 51.0, 50.0, 49.0, 60.0)


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with twelve readings of each of its two courses."""
    site.world.point()
    given = [NewReading("hours", "course", course, MONDAY + dt.timedelta(weeks=n), value, "test")
             for course in ("C1", "C9") for n, value in enumerate(WANDER)]  # fmt: skip
    last = max(one.at for one in given)
    monitoring.accept(site.world.session, replace(site.world.origin(), now=last, recorded=last), site.world.college,
                      given)  # fmt: skip
    site.later(weeks=14)
    return site


def test_a_study_gives_limits_rule_hits_histogram_and_descriptions(site: Site, office: Program) -> None:
    (point,) = office.get("/charts/points").get_json()["items"]
    subjects = office.get(f"/charts/points/{point['id']}/subjects").get_json()["items"]
    number = next(one["id"] for one in subjects if one["code"] == "C1")

    found = office.get(f"/charts/points/{point['id']}/subjects/{number}").get_json()

    assert [one["value"] for one in found["readings"]] == list(WANDER)
    assert found["summary"]["mean"] == pytest.approx(statistics.mean(WANDER))
    level = found["control"][0]
    ranges = [abs(b - a) for a, b in itertools.pairwise(WANDER)]
    assert level["upper"][0] == pytest.approx(statistics.mean(WANDER) + 2.66 * statistics.mean(ranges), rel=1e-3)
    assert {hit["rule"] for hit in level["hits"] if hit["at"] == 11} >= {"WE1", "N1"}
    assert sum(one["many"] for one in found["histogram"]) == len(WANDER)
    assert [one["key"] for one in found["charts"]][:3] == ["time", "control", "ranges"]
    assert all(json.loads(one["description"])["$schema"] for one in found["charts"])


def test_groups_and_causes_are_told_as_on_the_pages(site: Site, office: Program) -> None:
    compared = office.get("/charts/points/1/compare?by=unit&term=all").get_json()
    causes = office.get("/charts/causes").get_json()

    assert (compared["groups"], compared["hidden"]) == ([], 2)  # groups of fewer than five are hidden
    assert sum(one["many"] for one in causes["kinds"]) == len(causes["items"])
    assert len(office.get("/charts/causes?category=none").get_json()["items"]) == causes["kinds"][-1]["many"]
    assert code(office.get("/charts/causes?category=moon")) == (422, "query.invalid")


def test_whoever_sees_no_subject_of_a_point_finds_no_chart(site: Site) -> None:
    guest, far = program(site, "guest"), program(site, "far_lead")

    for path in ("/charts/points/1/subjects", "/charts/points/404/subjects", "/charts/points/1/compare"):
        assert code(guest.get(path)) == (404, "point.not_found")
    for number in (site.world.subjects["C1"], 40404):
        assert code(far.get(f"/charts/points/1/subjects/{number}")) == (404, "subject.not_found")
    assert [one["code"] for one in far.get("/charts/points/1/subjects").get_json()["items"]] == ["C9"]
    assert guest.get("/charts/points").get_json()["items"] == []
