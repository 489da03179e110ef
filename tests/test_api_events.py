"""`GET /api/v1/events`: the stream for those who poll."""

from collections.abc import Iterator

import pytest
from browsing import Site
from browsing import site as made
from calling import code, program

from qaflow.config import Settings
from qaflow.store.db import db


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college."""
    found = made(settings)
    yield found
    db.session.remove()
    db.engine.dispose()


def test_who_polls_gets_what_they_may_see_and_where_to_go_on(site: Site) -> None:
    cycle = site.world.start()
    lead = program(site, "lead")

    first = lead.get("/events").get_json()
    site.world.fire(cycle, "submit", "lead", content={"note": "SECRET-WORDS"})
    then = lead.get(f"/events?after={first['after']}")

    assert [event["type"] for event in first["items"]] == ["qaflow.cycle.started"]
    assert [event["type"] for event in then.get_json()["items"]] == ["qaflow.cycle.stage-submitted"]
    assert "SECRET-WORDS" not in then.text
    assert lead.get(f"/events?after={then.get_json()['after']}").get_json()["items"] == []
    assert program(site, "guest").get("/events").get_json()["items"] == []


def test_one_type_can_be_chosen_and_an_unknown_one_is_refused(site: Site) -> None:
    site.world.start()
    office = program(site, "office")

    assert {e["type"] for e in office.get("/events?type=qaflow.cycle.started").get_json()["items"]} == {
        "qaflow.cycle.started"
    }
    assert code(office.get("/events?type=qaflow.cycle.begun"))[0] == 422
