"""When overdue work goes up the ladder, and when it never does (engine rules, 6)."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from qaflow import testing
from qaflow.adapters.mail import FileMailer
from qaflow.config import Settings
from qaflow.engine.definition import Deadline
from qaflow.services.sweeping import tick
from qaflow.services.work import Origin
from qaflow.store import colleges
from qaflow.store.db import db, utc

SECOND = dt.timedelta(microseconds=1)
DUE = Deadline(date="09-05")  # a Friday; the ladder has its levels 1, 3 and 5 working days after it


@pytest.fixture
def world(app: Flask) -> testing.World:
    """Return a college whose courses owe their goals by Friday."""
    stages = (testing.stage("goal", deadline=DUE), testing.stage("standard"), testing.stage("improve"))
    world = testing.World(db.session, testing.spiral(stages=stages))
    world.query("update schedule set next_at = null where subject_id = :s returning id", s=world.subjects["C9"])
    return world


def eight(month: int, day: int, year: int = 2025) -> dt.datetime:
    """Return 08:00 in Shanghai."""
    return dt.datetime(year, month, day, 0, tzinfo=dt.UTC)


def levels(world: testing.World) -> list[tuple[Any, ...]]:
    """Return (deadline number, level, instant) of what fired, in order."""
    return world.query("select deadline_no, level, due_at from escalation order by id")


def test_levels_fall_at_eight_on_the_nth_working_day_after_the_deadline(world: testing.World) -> None:
    world.start("C1")
    counts = []
    for moment in (eight(9, 8), eight(9, 10), eight(9, 12)):
        for at in (moment - SECOND, moment, moment + SECOND):
            world.tick(at)
            counts.append(len(levels(world)))

    assert counts == [0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert [at for _, _, at in levels(world)] == [utc(eight(9, 8)), utc(eight(9, 10)), utc(eight(9, 12))]


def test_days_off_and_make_up_days_count_as_the_calendar_says(world: testing.World) -> None:
    days = [("2025-09-06", True), ("2025-09-08", False), ("2025-09-09", False)]  # a Saturday is worked for two days off

    def adopt(d: Any) -> None:
        d.insert_rows("calendar_day", ("college_id", "day", "working", "name", "source"),
                      [(world.college, day, working, "x", "test") for day, working in days])  # fmt: skip
        colleges.reconfigure(d, world.college)

    world.within(adopt)
    world.start("C1")

    world.tick(eight(9, 30))

    assert [at for _, _, at in levels(world)] == [utc(eight(9, 6)), utc(eight(9, 11)), utc(eight(9, 15))]


def test_all_levels_missed_come_in_one_sweep_each_counted_from_the_deadline(world: testing.World) -> None:
    world.start("C1")

    report = world.tick(eight(10, 20))

    assert report.done == {"escalated": 3}
    assert [level for _, level, _ in levels(world)] == [1, 2, 3]
    assert world.tick(eight(10, 21)).done == {}


def test_done_work_never_goes_up_and_deciding_has_a_ladder_of_its_own(world: testing.World) -> None:
    cycle = world.start("C1")
    world.fire(cycle, "submit", "lead", content={})
    world.now = eight(9, 30)
    kinds = ("select i.kind, e.to_id from escalation e join work_item i on i.id = e.item_id where e.level = 1 and "
             "e.cycle_id = :c")  # fmt: skip

    world.tick()

    assert world.query(kinds, c=cycle) == [("decide", world.persons["head"])]


def test_an_extension_drops_open_levels_and_arms_the_new_deadline(world: testing.World) -> None:
    cycle = world.start("C1")
    world.tick(eight(9, 8))
    world.fire(cycle, "extend", "head", due="2025-09-19", reason="ill")

    world.tick(eight(9, 19))
    assert [(n, level) for n, level, _ in levels(world) if n == 2] == []
    world.tick(eight(9, 22))

    mine = world.query("select deadline_no, level, due_at from escalation where cycle_id = :c order by id", c=cycle)
    assert mine == [(1, 1, utc(eight(9, 8))), (2, 1, utc(eight(9, 22)))]


def test_suspended_work_never_goes_up_and_goes_on_after(world: testing.World) -> None:
    cycle = world.start("C1")
    world.now = eight(9, 4)
    world.fire(cycle, "suspend", "office", reason="flood")

    assert world.tick(eight(10, 15)).done == {}
    world.fire(cycle, "resume", "office")
    assert world.tick(eight(10, 16)).done == {}  # a working day was left
    due = world.query("select due from work_item where cycle_id = :c", c=cycle)[0][0]
    assert due == "2025-10-16"
    assert world.tick(eight(10, 17)).done == {"escalated": 1}


@pytest.mark.parametrize("ending", ["cancel", "close"])
def test_work_of_an_ended_cycle_never_goes_up(world: testing.World, ending: str) -> None:
    cycle = world.start("C1")
    if ending == "cancel":
        world.fire(cycle, "cancel", "office", reason="course dropped")
    else:
        world.system(cycle, "close", {"outcome": "incomplete"})

    assert world.tick(eight(10, 20)).done == {}


def test_a_stage_visited_again_is_armed_again(world: testing.World) -> None:
    cycle = world.start("C1")
    world.tick(eight(9, 8))
    world.fire(cycle, "submit", "lead", content={})
    world.fire(cycle, "reject", "major", reason="too short")
    submits = ("select no, level, due, next_level_at from work_item where cycle_id = :c and kind = 'submit' and "
               "state = 'open'")  # fmt: skip
    ((number, level, due, at),) = world.query(submits, c=cycle)

    assert (number, level) == (3, 0)
    assert due > "2025-09-05" and at > utc(eight(9, 8))
    world.tick(eight(9, 30))
    again = world.query("select e.level from escalation e join work_item i on i.id = e.item_id where "
                        "i.cycle_id = :c and i.no = :n order by e.level", c=cycle, n=number)  # fmt: skip
    assert [row[0] for row in again] == [1, 2, 3]


def test_who_moved_to_another_unit_is_late_with_the_head_of_that_unit(world: testing.World) -> None:
    cycle = world.start("C1")
    world.system(cycle, "change_people", {"unit": world.units["far"]})

    world.tick(eight(9, 8))

    assert world.query("select to_id from escalation") == [(world.persons["far_head"],)]


def test_a_subject_whose_time_ended_has_its_cycle_cancelled_the_day_after_in_its_own_zone(world: testing.World) -> None:
    world.course("C5", "section", "lead", ends="2025-09-03")
    cycle = world.start("C5")
    midnight = dt.datetime(2025, 9, 3, 16, tzinfo=dt.UTC)  # in Shanghai

    world.tick(midnight - SECOND)
    assert world.state(cycle)["status"] == "running"
    report = world.tick(midnight)

    assert report.done["cancelled"] == 1
    assert world.state(cycle)["status"] == "cancelled"


def test_a_tick_leaves_a_row_with_what_it_did(world: testing.World) -> None:
    world.tick()
    world.tick(eight(9, 8))

    rows = world.query("select from_at, to_at, done, skipped, door, ended_at from tick_run order by id")

    assert [row[2:5] for row in rows] == [('{"started": 1}', "{}", "test"), ('{"escalated": 1}', "{}", "test")]
    assert [row[:2] for row in rows] == [(None, utc(testing.MONDAY)), (utc(testing.MONDAY), utc(eight(9, 8)))]
    assert all(row[5] for row in rows)


def test_the_last_tick_to_end_hands_all_notices_over(world: testing.World, settings: Settings, tmp_path: Path) -> None:
    world.start("C1")
    other = world.within(lambda d: tick.ticks.begin(d, None, utc(world.now), utc(eight(9, 8)), "another"))
    mailer = FileMailer(tmp_path / "mail")

    def sweep(at: dt.datetime) -> tick.Report:
        return tick.swept(db.session, Origin(now=at, recorded=at, door="test"), limit=dt.timedelta(400), mailer=mailer)

    first = sweep(eight(9, 8) + dt.timedelta(minutes=1))
    world.within(lambda d: tick.ticks.end(d, other, utc(eight(9, 8)), {}, {}))
    second = sweep(eight(9, 8) + dt.timedelta(minutes=2))

    assert "messages" not in first.done and second.done == {"messages": 2}  # the supervisor, and whoever is late
    assert len(list((tmp_path / "mail").iterdir())) == 2
