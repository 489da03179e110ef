"""Operations over the API: the state, sweeps, failed work, and the outbox."""

from collections.abc import Iterator

import pytest
from browsing import Site
from browsing import site as made
from calling import Program, code, program

from qaflow.config import Settings
from qaflow.services.sweeping import tick
from qaflow.store.db import db


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college."""
    yield made(settings)
    db.session.remove()
    db.engine.dispose()


@pytest.fixture
def admin(site: Site) -> Program:
    """Return a program of the administrator."""
    return program(site, "admin")


def test_the_state_names_the_newest_sweep(site: Site, admin: Program) -> None:
    site.world.start("C1")
    site.later(days=30)
    tick.run(db.session, site.app.extensions["qaflow"], door="test")

    found = admin.get("/operations").get_json()
    sweeps = admin.get("/operations/ticks").get_json()["items"]

    assert sweeps and found["last_sweep"] == sweeps[0]["started_at"]
    assert {one["state"] for one in found["outbox"]} == {"waiting", "failed", "sent", "dropped"}


def test_lists_are_narrowed_by_state(site: Site, admin: Program) -> None:
    site.world.start("C1")
    waiting = admin.get("/operations/outbox?state=waiting").get_json()["items"]

    assert len(waiting) == site.world.query("select count(*) from outbox where state = 'waiting'")[0][0]
    assert admin.get("/operations/incidents").get_json()["items"] == []
    assert admin.get("/operations/outbox?state=lost").status_code == 422
    assert admin.get("/operations?colour=red").status_code == 422
    for path in ("", "/ticks", "/incidents", "/outbox"):
        assert code(program(site, "office").get(f"/operations{path}")) == (403, "action.forbidden")
