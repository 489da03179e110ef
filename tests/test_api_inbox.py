"""The inbox and the warnings over the API: what waits, many items at once, and a warning's next step."""


import pytest
from browsing import Site
from calling import code, program


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with two submitted cycles and one of another unit."""
    for course, lead in (("C1", "lead"), ("C2", "lead"), ("C9", "far_lead")):
        if course == "C2":
            site.world.course("C2", "section", "lead")
        cycle = site.world.start(course)
        site.world.fire(cycle, "submit", lead, content={"note": "done"})
    return site


def test_the_inbox_holds_what_waits_for_whoever_asks_and_counts_each_box(site: Site) -> None:
    found = program(site, "major").get("/inbox").get_json()
    foreign = program(site, "guest").get("/inbox").get_json()

    assert [(one["kind"], one["cycle"]) for one in found["items"]] == [("decide", 1), ("decide", 2)]
    assert (found["total"], found["next"]) == (2, None)
    assert {"box": "mine", "count": 2} in found["boxes"]
    assert foreign["items"] == [] and foreign["total"] == 0


@pytest.mark.parametrize("query", ["box=nothing", "sort=password_hash", "unit=-1", "layer=x", "page=2", "after=forged"])
def test_a_list_is_narrowed_and_ordered_by_named_fields_only(site: Site, query: str) -> None:
    assert program(site, "major").get(f"/inbox?{query}").status_code == 422


def items(site: Site, login: str) -> list[int]:
    """Return the numbers of what waits for somebody."""
    return [one["id"] for one in program(site, login).get("/inbox").get_json()["items"]]


def test_many_are_approved_at_once_and_each_hears_its_own_result(site: Site) -> None:
    major = program(site, "major")
    ours, far = items(site, "major"), items(site, "far_major")
    sent = {"act": "approve", "items": [{"id": item} for item in (*ours, *far, 987_654)]}

    told = major.post("/inbox/bulk/preview", sent).get_json()
    before = items(site, "major")
    done = major.post("/inbox/bulk", sent).get_json()

    assert (told["done"], told["refused"], before) == (2, 2, ours)
    assert [(one["done"], one["code"]) for one in done["results"]] == [
        (True, None), (True, None), (False, "item.not_found"), (False, "item.not_found")]  # fmt: skip
    assert items(site, "major") == []


def test_all_or_nothing_does_none_where_one_is_refused(site: Site) -> None:
    ours = items(site, "major")
    sent = {"act": "approve", "items": [{"id": item} for item in (*ours, 987_654)], "all_or_nothing": True}

    answer = program(site, "major").post("/inbox/bulk", sent)

    assert code(answer) == (409, "bulk.refused")
    (fault,) = answer.get_json(force=True)["errors"]
    assert (fault["pointer"], fault["code"]) == ("/items/2", "item.not_found")
    assert items(site, "major") == ours


def test_a_malformed_item_refuses_the_whole_at_its_place(site: Site) -> None:
    ours = items(site, "major")

    answer = program(site, "major").post("/inbox/bulk", {"act": "approve", "items": [{"id": ours[0]}, {"id": "x"}]})

    assert answer.status_code == 422
    assert answer.get_json(force=True)["errors"][0]["pointer"] == "/items/1/id"
    assert items(site, "major") == ours


def test_a_warning_is_seen_and_answered_as_it_was_read(site: Site) -> None:
    site.world.fire(1, "warn", "diag", reason="too few hours")
    lead, far = program(site, "lead"), program(site, "far_lead")

    (line,) = lead.get("/warnings").get_json()["items"]
    shown = lead.get(f"/warnings/{line['id']}")
    step = f"/warnings/{line['id']}/acknowledge"
    done = lead.post(step, {"cause": "illness", "category": "people"}, If_Match=shown.headers["ETag"])
    stale = lead.post(step, {"cause": "illness"}, If_Match=shown.headers["ETag"])

    assert "acknowledge" in shown.get_json()["allowed"]
    assert (done.status_code, done.get_json()["state"]) == (200, "acknowledged")
    assert "illness" in done.get_json()["life"][-1]["words"]
    assert code(stale) == (409, "transition.not_allowed")
    assert code(far.get(f"/warnings/{line['id']}")) == code(far.get("/warnings/987654.1")) == (404, "warning.not_found")
    assert far.get("/warnings").get_json()["items"] == []
    assert lead.post(f"/warnings/{line['id']}/nothing", {}, If_Match='"1"').status_code == 404
