"""Rules that no other file's theme holds: automatic moves, edited calendars, late deciders, sealed histories."""

import datetime as dt
from collections.abc import Iterator

import pytest
from flask import Flask

from qaflow.engine.calendar import Calendar
from qaflow.engine.definition import Level, Move, QuickLoop
from qaflow.errors import Refused
from qaflow.services.auditing import audit
from qaflow.services.college import view
from qaflow.services.places import recalendar
from qaflow.store import ticks
from qaflow.store.db import Sql, db, driver
from qaflow.testing import World, spiral, stage

CYCLE = 1


@pytest.fixture(autouse=True)
def replayed(app: Flask) -> Iterator[None]:
    """Whatever a test did, the journal verifies and replays to the rows that stand."""
    yield
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


def small(**moves: tuple[Move, ...]) -> World:
    """Return a world whose spiral goes goal, design, implement, improve, with moves out of some stages."""
    keys = ("goal", "design", "implement", "improve")
    stages = [stage(key, moves=moves.get(key, ())) for key in keys]
    return World(db.session, spiral(stages=stages, quick=QuickLoop()))


def test_an_automatic_move_whose_condition_holds_is_taken_on_the_submission_without_a_decision(app: Flask) -> None:
    skip = Move(to="implement", when="not filled(text)", automatic=True)
    world = small(goal=(skip, Move(to="design", when="filled(text)")))
    cycle = world.start()

    found = world.fire(cycle, "submit", "lead")

    assert found["state"] == "implement.monitor"
    assert world.kinds(cycle) == ["CycleStarted", "StageSubmitted"]


def test_an_automatic_move_whose_condition_fails_leaves_the_decision_to_the_approver(app: Flask) -> None:
    skip = Move(to="implement", when="count(rows) > 3", automatic=True)
    world = small(goal=(skip, Move(to="design")))
    cycle = world.start()

    assert world.fire(cycle, "submit", "lead")["state"] == "goal.review"


def with_day_off(calendar: Calendar, day: dt.date) -> Calendar:
    """Return a calendar with one more day off."""
    return Calendar(zone=calendar.zone, years=calendar.years, free=calendar.free | {day}, working=calendar.working,
                    terms=calendar.terms, unpublished=calendar.unpublished, until=calendar.until)  # fmt: skip


def test_an_edited_calendar_moves_open_deadlines_with_one_fact_each(app: Flask) -> None:
    world = World(db.session)
    cycle = world.start()
    (item,) = world.state(cycle)["items"]
    due = dt.date.fromisoformat(item["due"])
    sql = Sql("insert into calendar_day (college_id, day, working, name, source) values (1, :day, false, 'x', 'own')")
    former = view(db.session, driver(db.session), 1).calendar

    def edit(d: object) -> list[dict[str, object]]:
        driver(db.session).run(sql, {"day": due.isoformat()})
        driver(db.session).run(Sql("update college set config_no = config_no + 1 where id = 1"))
        return recalendar.follow(db.session, driver(db.session), world.origin(), 1, former)

    moved = world.within(edit)

    after = with_day_off(former, due).next_working(due)
    assert moved == [{"what": "deadline", "key": f"cycle {cycle} item {item['no']}", "change": f"{due} > {after}"}]
    assert world.kinds(cycle)[-1] == "DeadlineMoved"
    assert world.state(cycle)["due"] == after.isoformat()


def test_the_lateness_of_a_decision_goes_up_the_line_of_whoever_owes_it(app: Flask) -> None:
    ladder = (Level(after=1, to="major_leader"), Level(after=30, to="quality_office"))
    world = World(db.session, spiral(ladder=ladder))
    cycle = world.start()
    world.fire(cycle, "submit", "lead")

    world.tick(world.later(10))

    told = world.query("select p.login, e.outcome from escalation e join person p on p.id = e.to_id")
    assert told == [("head", "sent")]


def test_a_cycle_whose_history_does_not_prove_it_is_read_only(app: Flask) -> None:
    world = World(db.session)
    cycle = world.start()
    ref, at = f"cycle:{cycle}", "2025-09-01T00:00:00.000000Z"
    world.within(lambda d: ticks.open_incident(d, 1, "history", ref, "edited by hand", at, None))

    assert isinstance(refused := world.refused(cycle, "submit", "lead"), Refused)
    assert refused.code == "history.sealed"
    world.within(lambda d: ticks.solve(d, "history", ref, at))
    assert world.fire(cycle, "submit", "lead")["state"] == "goal.review"
