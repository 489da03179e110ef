"""Many at once or one by one: the tick leaves the same facts and the same rows, and a lost row loses nothing."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from qaflow import testing
from qaflow.engine.definition import Deadline, Level, Stage
from qaflow.services.sweeping import advancing, escalating
from qaflow.services.sweeping import sweep as sweeping
from qaflow.services.work import LostRace
from qaflow.store import sweep
from qaflow.store.db import Driver, Sql, db, utc
from qaflow.testing import label, sheet, spiral, stage, track

PLAIN = testing.Field(key="note", label=label("note"))
STAGES = (
    stage("goal", form=(PLAIN,), deadline=Deadline(date="09-05"), auto_advance=True),
    stage("standard", form=(PLAIN,), deadline=Deadline(date="09-12"), auto_advance=True),
    stage("implement", deadline=Deadline(share=0.8)),
    stage("improve", deadline=Deadline(share=1.0)),
)
MANY = [f"M{n}" for n in range(30)]
FRIDAY_NIGHT = dt.datetime(2025, 9, 5, 16, tzinfo=dt.UTC)  # midnight in Shanghai: the first deadline has passed
MONDAY_EIGHT = dt.datetime(2025, 9, 8, 0, tzinfo=dt.UTC)  # the first level's instant


@pytest.fixture
def world(store_app: Flask) -> testing.World:
    """Return a college of which many courses are alike; their first stages move on by themselves."""
    return populated(STAGES)


@pytest.fixture
def calm(store_app: Flask) -> testing.World:
    """Return the same college, but nothing moves on by itself."""
    return populated(tuple(replace(s, auto_advance=False) for s in STAGES))


def populated(stages: tuple[Stage, ...]) -> testing.World:
    """Return a college with many courses that are alike."""
    made = spiral(stages=stages, sheets=(sheet("self", "responsible"),))
    diagnosed = track(diagnoses=(testing.appraisal(),))
    world = testing.World(db.session, made, tracks=(diagnosed,))
    world.courses(MANY, "section", "lead")
    return world


def cycles_of(world: testing.World, codes: list[str]) -> list[int]:
    """Return the cycles of courses."""
    found = dict(world.query("select s.code, c.id from cycle c join subject s on s.id = c.subject_id"))
    return [found[code] for code in codes]


def traces(world: testing.World, cycle: int) -> dict[str, Any]:
    """Return all that stands about a cycle, save what tells it from another one."""
    (subject,) = world.query("select subject_id from cycle where id = :c", c=cycle)[0]
    facts = [(kind, json.loads(data)) for kind, data in world.query(
        "select kind, data from journal where stream = :s order by seq", s=f"cycle:{cycle}")]  # fmt: skip
    for _, data in facts:
        assert data.pop("subject", subject) == subject
    rows = {}
    for table, order in (("cycle", "id"), ("visit", "stage, number"), ("work_item", "no"), ("sheet", "no"),
                         ("escalation", "deadline_no, level")):  # fmt: skip
        key = "id" if table == "cycle" else "cycle_id"
        found = db.session.execute(db.text(f"select * from {table} where {key} = :c order by {order}"), {"c": cycle})
        own = {"id", "head", "subject_id", "cycle_id", "item_id"}
        rows[table] = [{k: v for k, v in row.items() if k not in own} for row in found.mappings()]
        db.session.rollback()
    told = world.query("select journal_seq, kind, person_id, payload, state, available_at, tries from outbox where "
                       "journal_stream = :s order by id", s=f"cycle:{cycle}")  # fmt: skip
    told = [(*row[:3], {**json.loads(row[3]), "cycle": 0}, *row[4:]) for row in told]
    return {"facts": facts, "told": told, **rows}


def test_a_cycle_started_with_others_equals_one_started_alone(world: testing.World) -> None:
    alone = world.start("C1")
    world.tick()
    together = cycles_of(world, MANY)

    assert len(together) == len(MANY)
    assert all(traces(world, cycle) == traces(world, alone) for cycle in together)
    assert traces(world, alone)["sheet"]


def test_a_cycle_advanced_with_others_equals_one_advanced_alone(world: testing.World) -> None:
    world.tick()
    (alone,) = cycles_of(world, ["C1"])
    world.now = FRIDAY_NIGHT
    kinds = world.within(lambda d: advancing.attend(world.session, d, world.origin(), alone, False))

    report = world.tick()

    assert kinds == ["StageAdvanced"]
    assert report.done["advanced"] == len(MANY) + 1  # and C9
    assert all(traces(world, cycle) == traces(world, alone) for cycle in cycles_of(world, MANY))


@pytest.mark.parametrize("named", [False, True], ids=["by unit", "one by name"])
def test_an_item_escalated_with_others_equals_one_escalated_alone(calm: testing.World, named: bool) -> None:
    world = calm
    if named:  # who supervises these courses by name comes before the unit's head
        boss = world.person("boss")
        for code in ("C1", MANY[3]):
            world.within(lambda d, s=world.subjects[code]: d.insert_rows(
                "role_grant", ("college_id", "person_id", "role", "kind", "scope_kind", "scope_id"),
                [(world.college, boss, "unit_head", "supervisor", "subject", s)]))  # fmt: skip
    world.tick()
    (alone,) = cycles_of(world, ["C1"])
    world.now = MONDAY_EIGHT
    (item,) = [i for i in world.within(lambda d: sweep.items_late(d, utc(world.now), 0, 999)) if i.cycle == alone]
    world.within(lambda d: escalating.escalate_one(world.session, d, world.origin(), item))

    report = world.tick()

    assert report.done == {"escalated": len(MANY) + 1}
    same = [MANY[3]] if named else MANY
    assert all(traces(world, cycle) == traces(world, alone) for cycle in cycles_of(world, same))
    to = dict(world.query("select cycle_id, to_id from escalation"))
    first, fourth = cycles_of(world, [MANY[0], MANY[3]])
    assert (to[first] == to[fourth]) is not named


def test_a_batch_of_which_one_row_was_changed_writes_nothing(calm: testing.World) -> None:
    world = calm
    world.tick()
    world.now = MONDAY_EIGHT
    before = world.query("select count(*) from journal")

    def body(d: Driver) -> None:
        late = sweep.items_late(d, utc(world.now), 0, 999)
        stale = [*late[:-1], late[-1]._replace(version=late[-1].version + 1)]
        escalating.escalate_batch(world.session, d, world.origin(), stale)

    with pytest.raises(Exception, match="others are changing the same records"):
        world.within(body)

    assert world.query("select count(*) from journal") == before
    assert world.query("select count(*) from escalation") == [(0,)]


def test_items_of_a_batch_that_failed_go_singly_and_none_is_lost(world: testing.World,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    world.tick()
    world.now = MONDAY_EIGHT
    batches: list[int] = []

    def short(*args: Any) -> Any:
        batches.append(len(args[3]))
        raise LostRace

    with monkeypatch.context() as patch:
        patch.setattr(sweeping.escalating, "escalate_batch", short)
        patch.setattr(sweeping.advancing, "advance_alike", short)
        report = world.tick()

    everyone = len(MANY) + 2
    assert len(batches) >= 3  # decided again twice, then given up
    assert report.done["advanced"] == everyone
    assert world.query("select count(*) from incident") == [(0,)]


def test_two_items_of_one_cycle_go_up_in_one_sweep(calm: testing.World) -> None:
    world = calm
    cycle = world.start("C1")
    world.fire(cycle, "submit", "lead", content={"note": "x"})
    world.fire(cycle, "add_signer", "major", person="diag")
    world.now = dt.datetime(2025, 9, 5, 1, tzinfo=dt.UTC)  # both were to decide in three working days

    report = world.tick()

    assert report.done["escalated"] == 2
    assert [len(rows) for rows in [world.query("select distinct item_id from escalation")]] == [2]


LATE = [Level(after=1, to="supervisor", act="reassign"), Level(after=2, to="quality_office")]


@pytest.fixture
def reassigning(store_app: Flask) -> testing.World:
    """Return a college whose first level takes the work away from who is late."""
    return testing.World(db.session, spiral(stages=STAGES[2:], ladder=tuple(LATE)))


def test_a_level_that_reassigns_moves_the_work_and_the_former_holder_still_sees_it(reassigning: testing.World) -> None:
    world = reassigning
    cycle = world.start("C1")
    world.now = dt.datetime(2026, 9, 1, 0, 0, tzinfo=dt.UTC)

    world.tick()

    head, lead = world.persons["head"], world.persons["lead"]
    found = world.query("select holder_id, owner_id, level from work_item where cycle_id = :c", c=cycle)
    assert found == [(head, lead, 2)]
    assert world.query("select level, outcome from escalation where cycle_id = :c order by level", c=cycle) == [
        (1, "reassigned"), (2, "sent")]  # fmt: skip


def test_an_empty_post_is_skipped_and_recorded(calm: testing.World) -> None:
    world = calm
    world.tick()
    world.vacate("head")
    world.vacate("far_head")
    world.now = MONDAY_EIGHT

    world.tick()

    assert set(world.query("select level, outcome, act, to_id from escalation")) == {(1, "skipped", "skip", None)}


def test_an_item_whose_level_was_fired_meanwhile_is_left_alone(calm: testing.World) -> None:
    world = calm
    cycle = world.start("C1")
    world.now = MONDAY_EIGHT
    (item,) = world.within(lambda d: sweep.items_late(d, utc(world.now), 0, 999))
    count = [world.within(lambda d: escalating.escalate_one(world.session, d, world.origin(), item)) for _ in range(3)]

    assert count == [1, 0, 0]
    assert world.kinds(cycle).count("WorkEscalated") == 1


def test_the_ledger_takes_a_level_once(calm: testing.World) -> None:
    world = calm
    world.tick()
    world.now = MONDAY_EIGHT
    world.tick()
    columns = "college_id, item_id, deadline_no, level, due_at, fired_at, role, act, outcome"

    with pytest.raises(Exception, match="others are changing"):  # three times a duplicate
        world.within(lambda d: d.run(Sql(f"insert into escalation ({columns}) select {columns} from escalation")))


def test_a_cycle_that_only_seems_due_is_put_right_and_the_sweep_ends(world: testing.World) -> None:
    cycle = world.start("C1")
    right = world.query("select next_due from cycle where id = :c", c=cycle)
    world.query("update cycle set next_due = '2025-08-01T00:00:00.000000Z' where id = :c returning id", c=cycle)

    report = world.tick()

    assert "advanced" not in report.done
    assert world.query("select next_due from cycle where id = :c", c=cycle) == right
