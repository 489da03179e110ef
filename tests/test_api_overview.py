"""The overview over the API: the figures of the pages' service, each with a list of that many, nobody else's things."""

import json
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from overviewing import goal, peopled

GOALS = 60  # of one list: more than a page


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with everything in it."""
    peopled(site.world)
    site.clock.instant = site.world.now
    return site


def totals(asked: Program) -> dict[str, int]:
    """Return the overview's numbers in all."""
    found = asked.get("/overview").get_json()
    return {one["what"]: one["many"] for section in found["sections"] for one in section["total"]}


def lines(asked: Program, query: str) -> dict[str, Any]:
    """Return a list behind a number."""
    answer = asked.get(f"/overview/list?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize("login", ["office", "head", "lead", "guest"])
def test_each_number_opens_a_list_of_that_many_things_of_its_kind(site: Site, login: str) -> None:
    asked = program(site, login)

    for section in asked.get("/overview").get_json()["sections"]:
        assert len(section["spans"]) == len(section["trends"][0]["many"])
        kind = section["key"].removesuffix("s")
        rows = [(group["group"], one) for group in section["groups"] for one in group["numbers"]]
        for group, one in [("", total) for total in section["total"]] + rows:
            found = lines(asked, f"what={one['what']}&group={group}" if group else f"what={one['what']}")
            assert found["many"] == len(found["items"]) == one["many"], (group, one)
            assert all([name for name, told in item.items() if told] == [kind] for item in found["items"])


def test_numbers_are_those_of_the_tables_and_spans_narrow_lists(site: Site) -> None:
    office = program(site, "office")
    ((opened,),) = site.world.query("select count(*) from warning where state not in ('closed', 'dismissed')")
    ((running,),) = site.world.query("select count(*) from cycle where status = 'running'")

    found = totals(office)

    assert (found["warnings"], found["running"]) == (opened, running) and min(opened, running) > 0
    tasks = next(part for part in office.get("/overview").get_json()["sections"] if part["key"] == "tasks")
    trend = next(one["many"] for one in tasks["trends"] if one["what"] == "tasks")
    by_month = [lines(office, f"what=tasks&span={span['key']}")["many"] for span in tasks["spans"]]
    assert by_month == trend and sum(trend) > 1


def test_a_long_list_comes_page_by_page_and_whole(site: Site) -> None:
    for n in range(GOALS):
        goal(site.world, f"more {n}", "N4")
    office = program(site, "office")
    first = lines(office, "what=goals")
    second = lines(office, f"what=goals&after={first['next']}")

    ids = [item["goal"]["id"] for item in first["items"] + second["items"]]
    assert len(set(ids)) == len(ids) == first["many"] > GOALS and second["next"] is None
    assert code(program(site, "head").get(f"/overview/list?what=goals&after={first['next']}")) == (422, "query.cursor")


@pytest.mark.parametrize("login", ["far_lead", "guest"])
def test_nobody_is_told_of_another_unit_s_things(site: Site, login: str) -> None:
    site.world.query("update subject set name = 'SECRET' where unit_id = :u returning id",
                     u=site.world.units["section"])  # fmt: skip
    asked = program(site, login)
    pages = [asked.get("/overview").get_json(), *(lines(asked, f"what={what}") for what in totals(asked))]

    assert "SECRET" not in json.dumps(pages)
    assert "SECRET" in program(site, "lead").get("/overview").text


@pytest.mark.parametrize(("query", "fault"), [
    ("what=else", "value.unknown"), ("page=2", "query.unknown"), (f"span={'x' * 41}", "text.too_long"),
    ("after=x", "query.cursor"),
])  # fmt: skip
def test_what_the_list_does_not_know_is_refused(site: Site, query: str, fault: str) -> None:
    answer = program(site, "office").get(f"/overview/list?{query}")

    assert answer.status_code == 422
    assert [one["code"] for one in answer.get_json(force=True)["errors"]] == [fault]
