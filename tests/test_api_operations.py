"""Operations over the API: the state, sweeps, failed work, the outbox, and what sets them going again."""


import pytest
from browsing import Site
from calling import Program, code, program
from failing import cure, incident, poison, run

from qaflow.services.sweeping import tick
from qaflow.services.work import transact
from qaflow.store import ticks
from qaflow.store.db import db


def test_the_state_names_the_newest_sweep(site: Site, admin: Program) -> None:
    site.world.start("C1")
    site.later(days=30)
    tick.run(db.session, site.app.extensions["qaflow"], door="test")

    found = admin.get("/operations").get_json()
    sweeps = admin.get("/operations/ticks").get_json()["items"]

    assert sweeps and found["last_sweep"] == sweeps[0]["started_at"]
    assert {one["state"] for one in found["outbox"]} == {"waiting", "failed", "sent", "dropped"}


def test_a_retry_says_what_came_of_it_once_for_each_key(site: Site, admin: Program) -> None:
    poison()
    site.world.tick()
    first, second = (one["id"] for one in admin.get("/operations/incidents").get_json()["items"])

    failed, again = (admin.post(f"/operations/incidents/{first}/retry", None, Idempotency_Key="k") for _ in range(2))
    told = failed.get_json()

    assert (failed.status_code, told["state"], told["tries"]) == (200, "open", 2)
    assert again.data == failed.data
    assert site.world.query("select id, tries from incident order by id desc") == [(first, 2), (second, 1)]
    cure()
    solved = admin.post(f"/operations/incidents/{first}/retry", None)
    assert (solved.get_json()["state"], solved.get_json()["retried"]) == ("solved", False)
    assert admin.get("/operations/incidents?state=solved").get_json()["items"] == [solved.get_json()]
    assert site.world.query("select count(*) from cycle") == [(1,)]


def test_what_no_sweep_clears_or_another_college_has_is_not_tried_again(site: Site, admin: Program) -> None:
    by_hand, far = incident(site, "history", "cycle:99"), incident(site, "tick.deputies", "college:77", 77)

    assert code(admin.post(f"/operations/incidents/{by_hand}/retry", None)) == (422, "incident.manual")
    assert code(admin.post(f"/operations/incidents/{far}/retry", None)) == (404, "incident.not_found")
    assert code(admin.post("/operations/incidents/999/retry", None)) == (404, "incident.not_found")
    assert site.world.query("select count(*) from tick_run") == [(0,)]


def test_failed_notices_are_taken_up_again_once_and_sent(site: Site, admin: Program) -> None:
    site.world.fire(site.world.start("C1"), "submit", "lead", content={})
    run("update outbox set state = 'failed', tries = 3")
    ((count,),) = site.world.query("select count(*) from outbox")

    replies = [admin.post("/operations/outbox/retry", None, Idempotency_Key="k") for _ in range(2)]

    assert [one.get_json() for one in replies] == [{"notices": count}] * 2 and count > 0
    assert site.world.query("select count(*) from outbox where state = 'failed'") == [(0,)]
    assert site.world.query("select door from tick_run") == [("api",)]
    assert admin.post("/operations/outbox/retry", None).get_json() == {"notices": 0}


def test_automatic_steps_go_on_when_confirmed_and_not_before_the_clock_is_right(site: Site, admin: Program) -> None:
    site.world.tick()
    transact(db.session, lambda d: ticks.pause(d, "500 days since the last tick"))
    assert admin.get("/operations").get_json()["paused"]

    assert admin.post("/operations/confirm", None).get_json() == {"waits": False, "why": None}

    assert admin.get("/operations").get_json()["paused"] is None
    run("update tick_run set to_at = '2030-01-01T00:00:00.000000Z'")
    still = admin.post("/operations/confirm", None).get_json()
    assert still["waits"] and "lies before the last tick" in still["why"]


def test_those_who_are_signed_in_are_listed(site: Site, admin: Program) -> None:
    site.browser("lead")
    (one,) = admin.get("/operations/sessions").get_json()["items"]

    assert (one["login"], one["name"]) == ("lead", "lead") and one["since"] <= one["seen_at"]
    assert admin.get("/operations").get_json()["sessions"] == 1


@pytest.mark.parametrize("path", ["/confirm", "/outbox/retry", "/incidents/1/retry"])
def test_only_the_administrator_sets_something_going(site: Site, path: str) -> None:
    incident(site, "tick.start", "schedule:1", site.world.college)

    for login in ("office", "lead", "vp"):
        assert code(program(site, login).post(f"/operations{path}", None)) == (403, "action.forbidden")
    assert site.world.query("select count(*) from tick_run") == [(0,)]


def test_lists_are_narrowed_by_state(site: Site, admin: Program) -> None:
    site.world.start("C1")
    waiting = admin.get("/operations/outbox?state=waiting").get_json()["items"]

    assert len(waiting) == site.world.query("select count(*) from outbox where state = 'waiting'")[0][0]
    assert admin.get("/operations/incidents").get_json()["items"] == []
    assert admin.get("/operations/outbox?state=lost").status_code == 422
    assert admin.get("/operations?colour=red").status_code == 422
    for path in ("", "/ticks", "/incidents", "/outbox", "/sessions"):
        assert code(program(site, "office").get(f"/operations{path}")) == (403, "action.forbidden")
