"""The quality office's figures over the API: each number with a list of that many, nobody's beyond their scope."""

import json
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program

FIGURES = ("", "/rounds", "/units", "/times", "/stuck")


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college, two cycles started, the first stage of one handed in, a year on."""
    site.world.start("C1")
    site.world.start("C9")
    site.world.fire(1, "submit", "lead", content={"note": "x"})
    site.later(days=400)
    site.world.query("update schedule set unstarted_reason = 'unclosed.two' returning id")
    return site


def many(asked: Program, **query: Any) -> int:
    """Return how many lines a list holds, and hold it against what it says."""
    answer = asked.get("/office/list?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert found["many"] == len(found["items"])
    return int(found["many"])


@pytest.mark.parametrize("login", ["office", "vp", "diag"])
def test_each_number_opens_a_list_of_that_many_lines(site: Site, login: str) -> None:
    asked = program(site, login)
    heat, rounds, units, times, stuck = (asked.get(f"/office{path}?term=all").get_json() for path in FIGURES)

    for row in heat["rows"]:
        for cell in row["stages"]:
            told = [many(asked, term="all", layer=row["layer"], track=row["track"], stage=cell["stage"], what=what)
                    for what in ("running", "late", "waiting")]  # fmt: skip
            assert told == [cell["many"], cell["late"], cell["waiting"]]
    for late in heat["late"]:
        assert late["many"] == [many(asked, term="all", layer=late["layer"], what="aged", age=n) for n in range(4)]
    for one in rounds["rounds"]:
        of = {"term": "all", "layer": one["layer"], "track": one["track"], "round": one["start"]}
        assert [many(asked, **of, what=what) for what in ("all", "running", "suspended", "closed")] == [
            one["cycles"], one["running"], one["suspended"], one["closed"]]  # fmt: skip
    for one in units["ranked"] + units["few"]:
        assert many(asked, term="all", unit=one["unit"], what="met") == one["met"]
    assert units["total"]["many"] == many(asked, term="all", what="due") > 0
    for pile in (one for one in times["piles"] if one["person"]):
        assert many(asked, term="all", what="decisions", holder=pile["person"]) == pile["many"] > 0
    for reason in stuck["reasons"]:
        assert many(asked, term="all", what=reason["why"]) == reason["many"]
    assert heat["unstarted"] == many(asked, term="all", what="unstarted") == sum(o["many"] for o in stuck["unstarted"])
    assert heat["total"]["many"] == 2 and heat["unstarted"] > 0


def test_the_figures_are_those_of_the_tables(site: Site) -> None:
    office = program(site, "office")
    ((cycle, stage, due),) = site.world.query(
        "select c.id, c.stage, min(i.due) from cycle c join work_item i on i.cycle_id = c.id where c.leaf = 'review' "
        "and i.kind = 'decide' and i.state = 'open' group by c.id, c.stage"
    )

    (line,) = office.get("/office/list?term=all&what=waiting").get_json()["items"]
    (round_,) = office.get("/office/rounds?term=all").get_json()["rounds"]

    assert (line["cycle"]["id"], line["cycle"]["stage"], line["cycle"]["due"]) == (cycle, stage, due)
    assert line["unstarted"] is None and (round_["cycles"], round_["running"]) == (2, 2)
    assert [one["stage"] for one in office.get("/office/times?term=all").get_json()["stages"]] == ["goal"]


def test_who_surveys_nothing_is_refused_and_a_committee_reads_sums_alone(site: Site) -> None:
    site.world.person("board", "committee")
    for login in ("lead", "admin"):
        asked = program(site, login)
        assert {code(asked.get(f"/office{path}")) for path in (*FIGURES, "/list")} == {(403, "action.forbidden")}
    board = program(site, "board")

    sums = [board.get(f"/office{path}?term=all") for path in FIGURES]
    assert [one.status_code for one in sums] == [200] * len(FIGURES)
    assert not any(one.get_json()["lists"] for one in sums) and sums[3].get_json()["piles"] == []
    assert code(board.get("/office/list")) == (403, "action.forbidden")


def test_a_leader_of_one_unit_never_reads_another_s_subject_or_number(site: Site) -> None:
    site.world.person("far_vp", "vice_president", "far")
    site.world.query("update subject set name = 'SECRET' where code = 'C1' returning id")
    site.world.query("update unit set name_zh = 'SECRET', name_en = 'SECRET' where id = :u returning id",
                     u=site.world.units["section"])  # fmt: skip
    far, whole = program(site, "far_vp"), program(site, "office")

    pages = [far.get(f"/office{path}?term=all").get_json() for path in FIGURES]
    lists = [far.get(f"/office/list?term=all&what={w}").get_json() for w in ("all", "unstarted", "late", "decisions")]
    assert "SECRET" not in json.dumps([pages, lists])
    assert pages[0]["total"]["many"] == 1 and many(far, term="all", unit=site.world.units["section"]) == 0
    assert "SECRET" in whole.get("/office/list?term=all&what=all").text


def test_a_long_list_comes_page_by_page_and_whole(site: Site) -> None:
    site.world.courses([f"S{n:02}" for n in range(60)], "section", "lead")
    for n in range(60):
        site.world.start(f"S{n:02}")
    office = program(site, "office")
    first = office.get("/office/list?term=all").get_json()
    second = office.get(f"/office/list?term=all&after={first['next']}").get_json()

    ids = [one["cycle"]["id"] for one in first["items"] + second["items"]]
    assert len(set(ids)) == len(ids) == first["many"] == 62 and second["next"] is None


@pytest.mark.parametrize("query", ["what=else", "age=4", "unit=x", "round=today", "page=2", "after=x"])
def test_what_the_list_does_not_know_is_refused(site: Site, query: str) -> None:
    assert program(site, "office").get(f"/office/list?{query}").status_code == 422
