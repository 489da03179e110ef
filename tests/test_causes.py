"""The kind of a warning's cause: named with the cause, kept in the fact, replayed, carried on with the warning."""

from collections.abc import Iterator

import pytest
from flask import Flask

from qaflow.engine.definition import CATEGORIES
from qaflow.errors import Invalid, QaflowError
from qaflow.services.auditing import audit
from qaflow.store.db import db
from qaflow.testing import World


@pytest.fixture(autouse=True)
def replayed(app: Flask) -> Iterator[None]:
    """Whatever a test did, the journal verifies and replays to the rows that stand."""
    yield
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


@pytest.fixture
def world(app: Flask) -> World:
    """Return the tiny college with an open warning in the cycle of C1."""
    made = World(db.session)
    made.point()
    made.start()
    made.read(40.0)
    return made


def kinds(world: World) -> list[str | None]:
    """Return the kinds of cause of the warnings, as their rows hold them."""
    return [kind for (kind,) in world.query("select category from warning order by id")]


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_kind_of_cause_may_be_named_and_stands_in_fact_and_row(world: World, category: str) -> None:
    world.fire(1, "acknowledge", "lead", cause="why", category=category)

    (fact,) = [data for kind, data in world.history(1) if kind == "WarningAcknowledged"]
    assert (fact["set"]["category"], kinds(world)) == (category, [category])


def test_without_a_kind_the_fact_is_as_it_always_was(world: World) -> None:
    world.fire(1, "acknowledge", "lead", cause="why")

    (fact,) = [data for kind, data in world.history(1) if kind == "WarningAcknowledged"]
    assert "category" not in fact["set"] and kinds(world) == [None]


@pytest.mark.parametrize("category", ["weather", "", 3])
def test_an_unknown_kind_is_refused_and_changes_nothing(world: World, category: object) -> None:
    told = world.refused(1, "acknowledge", "lead", cause="why", category=category)

    assert isinstance(told, QaflowError) and "categor" in told.detail
    assert world.state(1)["warnings"][0]["state"] == "opened" and kinds(world) == [None]


def test_no_other_act_takes_a_kind(world: World) -> None:
    world.fire(1, "acknowledge", "lead", cause="why")
    told = world.refused(1, "correct", "lead", scope="implementation", measure="more", category="people")

    assert isinstance(told, Invalid) and told.code == "data.invalid"


def test_a_warning_that_opens_anew_gets_its_kind_anew(world: World) -> None:
    world.fire(1, "acknowledge", "lead", cause="why", category="method")
    world.fire(1, "correct", "lead", scope="implementation", measure="more")
    world.fire(1, "confirm", "major")
    world.later(1)
    world.read(40.0)
    assert kinds(world) == ["method"]

    world.fire(1, "acknowledge", "lead", cause="again")

    assert kinds(world) == [None]
    (_, second) = [data for kind, data in world.history(1) if kind == "WarningAcknowledged"]
    assert second["set"]["category"] is None


def test_the_kind_goes_with_a_warning_into_the_next_round(world: World) -> None:
    world.fire(1, "acknowledge", "lead", cause="why", category="people")
    world.fire(1, "cancel", "office", reason="over")
    world.later(1)

    cycle = world.start(day=world.now.replace(year=2026).date())

    (fact,) = [data for kind, data in world.history(cycle) if kind == "WarningReceived"]
    assert (fact["warning"]["category"], kinds(world)) == ("people", ["people"])
