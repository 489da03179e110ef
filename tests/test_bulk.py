"""Many acts in one transaction: the same facts as one by one, and a refused act leaves nothing behind."""

from typing import Any

import pytest
from flask import Flask

from qaflow import testing
from qaflow.services.cycles.bulk import Act, fire_many
from qaflow.services.desk.inbox import look, open_work
from qaflow.store import cycles
from qaflow.store.db import Driver, db

DONE = {"content": {"note": "done"}}


@pytest.fixture
def world(store_app: Flask) -> testing.World:
    """Return the tiny college on each of the two databases."""
    found = testing.World(db.session)
    found.course("C2", "section", "lead")
    return found


def act(world: testing.World, cycle: int, action: str, login: str, **args: Any) -> Act:
    """Return an act of a person."""
    return Act(origin=world.origin(login), cycle=cycle, action=action, args=args)


def test_acts_of_a_batch_build_on_each_other_and_end_as_single_ones(world: testing.World) -> None:
    one, other = world.start(), world.start("C2")
    steps = [("submit", "lead", DONE), ("approve", "major", {})] * 2
    done = fire_many(world.session, [act(world, one, action, login, **args) for action, login, args in steps])
    world.pass_stage(other, 2)
    assert [o.refused for o in done] == [None] * 4
    assert world.kinds(one) == world.kinds(other)
    assert world.state(one)["state"] == world.state(other)["state"]
    assert world.audit()["verified"]


def test_a_refused_act_leaves_nothing_and_the_others_stand(world: testing.World) -> None:
    one, other = world.start(), world.start("C2")
    kept = world.query("select count(*) from content")
    done = fire_many(
        world.session,
        [
            act(world, one, "submit", "major", **DONE),
            act(world, 999_999, "submit", "lead", **DONE),
            act(world, one, "fly", "lead"),
            act(world, other, "submit", "lead", **DONE),
        ],
    )
    assert [o.refused.code if o.refused else None for o in done] == [
        "action.forbidden",
        "cycle.not_found",
        "action.unknown",
        None,
    ]
    assert world.kinds(one) == ["CycleStarted"]
    assert world.kinds(other) == ["CycleStarted", "StageSubmitted"]
    assert world.query("select count(*) from content") == [(kept[0][0] + 1,)]
    assert world.audit()["verified"]


def test_many_cycles_are_read_as_each_is_read_alone(world: testing.World) -> None:
    one, other = world.start(), world.start("C2")
    world.reach(one, "implement")
    world.fire(other, "submit", "lead", **DONE)

    def body(driver: Driver) -> None:
        together = cycles.load_many(driver, [one, other])
        for cycle in (one, other):
            alone = cycles.load(driver, cycle)
            assert alone is not None
            assert together[cycle][0] == alone[0]
            assert (together[cycle][1].head, together[cycle][1].stored) == (alone[1].head, alone[1].stored)

    world.within(body)


def test_the_inbox_shows_what_came_since_and_where_it_stands_now(world: testing.World) -> None:
    cycle = world.start()
    (first,) = world.within(lambda d: list(open_work(d, 1)))
    assert (first.cycle, first.kind, first.stage, first.state) == (cycle, "submit", "goal", "open")
    world.fire(cycle, "submit", "lead", **DONE)
    (second,) = world.within(lambda d: list(open_work(d, 1, first.id)))
    assert (second.kind, second.holder) == ("decide", world.persons["major"])
    assert [w.state for w in world.within(lambda d: look(d, [first.id, second.id]))] == ["done", "open"]
