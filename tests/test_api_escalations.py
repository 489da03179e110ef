"""Escalations over the API: overdue work that came up its ladder, one item whole, and what is done about it."""

import datetime as dt

import pytest
from browsing import Site
from calling import Program, code, program

DECIDE = 2  # the second work item of the first cycle: major's decision, due on Thursday 4 September
FRIDAY = dt.datetime(2025, 9, 5, 1, tzinfo=dt.UTC)  # an hour after the first level
ACTS = {"remind": {}, "extend": {"due": "2025-09-19", "reason": "ill"}, "transfer": {"to": "head", "reason": "ill"},
        "take-over": {"reason": "ill"}}  # fmt: skip


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college; major's decision has come to the head of the unit."""
    cycle = site.world.start()
    site.world.fire(cycle, "submit", "lead", content={"note": "x"})
    site.later(seconds=(FRIDAY - site.world.now).total_seconds())
    site.world.tick()
    return site


@pytest.fixture
def head(site: Site) -> Program:
    """Return a program of the head to whom the work came."""
    return program(site, "head")


def test_overdue_work_is_listed_with_its_ladder_for_whom_it_came_to(site: Site, head: Program) -> None:
    found = head.get("/escalations").get_json()
    others = program(site, "vp").get("/escalations?box=below").get_json()

    (item,) = found["items"]
    assert (item["id"], item["level"], item["due"], item["ladder"][0]["state"]) == (DECIDE, 1, "2025-09-04", "fired")
    assert item["ladder"][0]["mine"] and {"box": "mine", "count": 1} in found["boxes"]
    assert [one["id"] for one in others["items"]] == [DECIDE]
    for login in ("far_head", "lead", "guest"):
        assert program(site, login).get("/escalations?box=all").get_json()["items"] == []


@pytest.mark.parametrize("query", ["box=nothing", "nearness=soon", "unit=0", "level=-2", "layer=x", "after=forged"])
def test_the_list_is_narrowed_by_named_values_only(head: Program, query: str) -> None:
    assert head.get(f"/escalations?{query}").status_code == 422


def test_an_item_tells_what_may_be_done_and_what_another_day_would_give(head: Program) -> None:
    found = head.get(f"/escalations/{DECIDE}?due=2025-09-19").get_json()

    assert found["allowed"] == ["remind", "extend", "transfer", "take_over"] and found["late"] == 1
    assert [one["number"] for one in found["deadlines"]] == [1] and found["deadlines"][0]["fired"] == [1]
    assert found["preview"][0]["day"] > "2025-09-19"
    assert [one["kind"] for one in found["events"]] == ["WorkEscalated"]


def sent(asking: Program, act: str, item: int = DECIDE, **more: str) -> tuple[int, str]:
    """Send an act as the item was read, and return the status and the code of a refusal."""
    shown = asking.get(f"/escalations/{item}")
    answer = asking.post(f"/escalations/{item}/{act}", ACTS[act] | more, If_Match=shown.headers.get("ETag", '"1"'))
    return (answer.status_code, "") if answer.status_code == 204 else code(answer)


def test_a_reminder_counts_once_in_a_few_minutes(site: Site, head: Program) -> None:
    assert sent(head, "remind") == sent(head, "remind") == (204, "")
    assert site.world.query("select count(*) from journal where kind = 'ItemReminded'") == [(1,)]


def test_a_deadline_is_extended_and_the_work_leaves_the_list(site: Site, head: Program) -> None:
    assert sent(head, "extend") == (204, "")

    assert site.world.query(f"select due, deadline_no from work_item where id = {DECIDE}") == [("2025-09-19", 2)]
    assert head.get("/escalations").get_json()["items"] == []


@pytest.mark.parametrize("act", ["transfer", "take-over"])
def test_the_work_goes_to_somebody_else_or_to_oneself(site: Site, head: Program, act: str) -> None:
    assert sent(head, act) == (204, "")

    holder = site.world.persons["head"]
    assert site.world.query(f"select holder_id from work_item where id = {DECIDE}") == [(holder,)]


@pytest.mark.parametrize("act", ACTS)
def test_what_is_not_theirs_is_not_there_and_what_is_old_or_unknown_is_refused(
    site: Site, head: Program, act: str
) -> None:
    path = f"/escalations/{DECIDE}/{act}"

    for login, item in (("far_head", DECIDE), ("lead", DECIDE), ("head", 999)):
        assert sent(program(site, login), act, item) == (404, "item.not_found")
    assert code(head.post(path, ACTS[act])) == (428, "match.missing")
    assert code(head.post(path, ACTS[act], If_Match='"0.0"'))[0] == 412
    assert sent(head, act, extra="x") == (422, "data.invalid")
    assert sent(head, act, state="done") == (422, "data.invalid")
