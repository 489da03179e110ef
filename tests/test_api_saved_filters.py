"""Kept filters and watched cycles over the API."""


import pytest
from browsing import Site
from calling import Program, code, program


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with a running cycle."""
    site.world.start()
    return site


def test_a_filter_is_kept_shown_renamed_and_taken_away(site: Site, lead: Program) -> None:
    kept = lead.post("/inbox/filters", {"name": "late", "layer": "course", "nearness": "overdue"})
    path = kept.headers["Location"].removeprefix("/api/v1")

    assert (kept.status_code, kept.get_json()["nearness"], kept.get_json()["unit"]) == (201, "overdue", None)
    assert lead.get("/inbox/filters").get_json()["items"] == [kept.get_json()] == [lead.get(path).get_json()]
    renamed = lead.ask("PATCH", path, {"name": "first"}, If_Match=kept.headers["ETag"])
    assert renamed.get_json() == kept.get_json() | {"name": "first"}
    assert site.world.query("select name from saved_filter") == [("first",)]
    stale = lead.ask("PATCH", path, {"name": "second"}, If_Match=kept.headers["ETag"])
    assert code(stale) == (412, "version.stale")
    assert lead.ask("DELETE", path).status_code == 204
    assert lead.get("/inbox/filters").get_json()["items"] == []


def test_the_same_name_writes_over_and_a_taken_one_is_refused_at_its_field(lead: Program) -> None:
    lead.post("/inbox/filters", {"name": "a"})
    lead.post("/inbox/filters", {"name": "b"})

    again = lead.post("/inbox/filters", {"name": "a", "box": "done"})
    shown = lead.get("/inbox/filters/1")
    taken = lead.ask("PATCH", "/inbox/filters/1", {"name": "b"}, If_Match=shown.headers["ETag"])

    assert (again.get_json()["id"], again.get_json()["box"]) == (1, "done")
    assert code(taken) == (422, "filter.taken")
    assert taken.get_json(force=True)["errors"][0]["pointer"] == "/name"


def test_somebody_elses_filter_is_not_there(site: Site, lead: Program) -> None:
    lead.post("/inbox/filters", {"name": "mine"})
    other = program(site, "major")

    for number in (1, 999):
        assert code(other.get(f"/inbox/filters/{number}")) == (404, "object.not_found")
        assert code(other.ask("DELETE", f"/inbox/filters/{number}")) == (404, "object.not_found")
        answer = other.ask("PATCH", f"/inbox/filters/{number}", {"name": "x"}, If_Match="*")
        assert code(answer) == (404, "object.not_found")
    assert lead.get("/inbox/filters/1").get_json()["name"] == "mine"


@pytest.mark.parametrize("more", [{"id": 3}, {"box": "all"}, {"name": ""}, {"unit": 0}, {"after": "x"}])
def test_what_no_filter_has_is_refused(lead: Program, more: dict[str, object]) -> None:
    assert lead.post("/inbox/filters", {"name": "x"} | more).status_code == 422


def test_a_cycle_is_watched_and_no_longer(site: Site, lead: Program) -> None:
    assert lead.get("/cycles/1/watch").get_json() == {"on": False}
    assert lead.post("/cycles/1/watch", {"on": True}).get_json() == {"on": True}
    assert lead.get("/cycles/1/watch").get_json() == {"on": True}
    assert site.world.query("select cycle_id, why from watch") == [(1, "chosen")]

    lead.post("/cycles/1/watch", {"on": False})
    assert site.world.query("select count(*) from watch") == [(0,)]
    assert code(lead.post("/cycles/1/watch", {"on": "yes"})) == (422, "data.invalid")


@pytest.mark.parametrize(("login", "number"), [("far_lead", 1), ("lead", 999)])
def test_what_one_may_not_see_is_not_watched(site: Site, login: str, number: int) -> None:
    foreign = program(site, login)

    assert code(foreign.get(f"/cycles/{number}/watch"))[0] == 404
    assert code(foreign.post(f"/cycles/{number}/watch", {"on": True})) == (404, "cycle.not_found")
    assert site.world.query("select count(*) from watch") == [(0,)]
