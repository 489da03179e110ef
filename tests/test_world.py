"""The tiny college itself: what the other tests stand on."""

import pytest
from flask import Flask

from qaflow import testing
from qaflow.store.db import db


@pytest.fixture
def world(app: Flask) -> testing.World:
    """Return the tiny college with one definition of ten stages."""
    return testing.World(db.session)


def test_a_cycle_runs_through_all_ten_stages_and_closes(world: testing.World) -> None:
    cycle = world.start()

    found = world.pass_stage(cycle, 10)

    assert (found["status"], found["outcome"]) == ("closed", "complete")
    assert world.kinds(cycle) == ["CycleStarted"] + ["StageSubmitted", "StageApproved"] * 10


def test_the_scheduled_courses_start_at_the_tick_of_their_period(world: testing.World) -> None:
    report = world.tick()

    assert report.done["started"] == 2
    assert world.query("select count(*) from cycle") == [(2,)]


def test_the_clock_stands_until_a_test_moves_it(world: testing.World) -> None:
    before = world.now

    assert world.later(3) == world.now
    assert (world.now - before).days == 3
