"""P41: a changed definition changes no running cycle; a migration moves what fits and lists the rest with reasons."""

import dataclasses
import random
from typing import Any

import pytest
from flask import Flask

from qaflow.engine.definition import Deadline, Definition, Level, Signers
from qaflow.engine.machine import compile_definition, leaves
from qaflow.errors import Missing, Refused
from qaflow.services.cycles import migrating
from qaflow.services.definitions import publishing as definitions
from qaflow.store.db import db, set_synchronous
from qaflow.testing import World, label, spiral, stage

CYCLES, EDITS = 200, 20
ROW = "select id, definition_id, status, stage, leaf, visit, revision, due, next_due, version, head from cycle"


@pytest.fixture
def world(app: Flask) -> World:
    """Return a college in which 200 cycles stand in every stage and leaf."""
    made = World(db.session)
    set_synchronous(db.session, "OFF")
    chance = random.Random(41)
    made.courses([f"M{n}" for n in range(CYCLES)], "section", "lead")
    for n in range(CYCLES):
        cycle = made.start(f"M{n}", from_stage=chance.choice((None, *spiral().order)))
        scatter(made, cycle, chance)
    return made


def scatter(world: World, cycle: int, chance: random.Random) -> None:
    """Leave a cycle in one of the states in which a cycle may be."""
    for _ in range(chance.randrange(3)):
        if world.state(cycle)["status"] == "running":
            world.pass_stage(cycle)
    if world.state(cycle)["status"] != "running":
        return
    kind = chance.choice(("open", "review", "warned", "corrected", "suspended", "returned"))
    if kind in ("review", "returned"):
        world.fire(cycle, "submit", "lead", content={})
    if kind == "returned" and world.state(cycle)["stage"] != "goal":
        world.fire(cycle, "return", "major", to="goal", reason="r")
    if kind in ("warned", "corrected"):
        world.fire(cycle, "warn", "diag", reason="r")
    if kind == "corrected":
        world.fire(cycle, "acknowledge", "lead", cause="c")
        world.fire(cycle, "correct", "lead", scope="design", measure="m")
    if kind == "suspended":
        world.fire(cycle, "suspend", "office", reason="r")


def edited(chance: random.Random, version: int) -> tuple[str, Definition]:
    """Return one random edit of the definition, as its next version."""
    base, stages = spiral(), list(spiral().stages)
    place = chance.randrange(len(stages))
    kind = chance.choice(
        ("removed", "renamed", "added", "swapped", "no approval", "no loop", "deadline", "ladder", "name")
    )
    changes: dict[str, Any] = {}
    if kind == "removed":
        del stages[place]
    elif kind == "renamed":
        stages[place] = dataclasses.replace(stages[place], key="another", covers=(stages[place].key,))
    elif kind == "added":
        stages.insert(place, stage("extra"))
    elif kind == "swapped":
        stages[place - 1], stages[place] = stages[place], stages[place - 1]
    elif kind == "no approval":
        stages[place] = dataclasses.replace(stages[place], decide=None)
    elif kind == "deadline":
        stages[place] = dataclasses.replace(stages[place], deadline=Deadline(share=0.5), decide=Signers(role="dean"))
    elif kind == "ladder":
        changes["ladder"] = (Level(after=2, to="quality_office"),)
    else:
        changes = {"quick": None} if kind == "no loop" else {"name": label("renamed")}
    return kind, dataclasses.replace(base, version=version, stages=tuple(stages), **changes)


def standing(world: World) -> dict[int, tuple[Any, ...]]:
    """Return every cycle's row."""
    return {row[0]: row for row in world.query(ROW)}


def orphans(world: World, of: dict[str, Definition]) -> list[Any]:
    """Return unfinished cycles, and visits and proposals of theirs, whose state their definition does not have."""
    rows = world.query(
        "select c.id, c.stage, c.leaf, d.hash from cycle c join definition d on d.id = c.definition_id "
        "where c.status in ('running', 'suspended')"
    )
    found: list[Any] = [
        r
        for r in rows
        if f"{r[1]}.{r[2]}" not in {f"{s.key}.{leaf}" for s in of[r[3]].stages for leaf in leaves(of[r[3]], s)}
    ]
    hashes = {r[0]: r[3] for r in rows}
    visits = world.query("select cycle_id, stage from visit") + world.query(
        "select cycle_id, proposal from warning where proposal is not null and state not in ('closed', 'dismissed')"
    )
    return found + [v for v in visits if v[0] in hashes and v[1] not in of[hashes[v[0]]].by_key]


def test_twenty_edits_over_two_hundred_running_cycles_orphan_no_state_and_change_no_past(world: World) -> None:
    office, chance = world.origin("office"), random.Random(2041)
    known, seen, moved = {spiral().hash: spiral()}, set(), 0
    for version in range(2, EDITS + 2):
        kind, newer = edited(chance, version)
        known[newer.hash] = newer
        seen.add(kind)
        before, past = standing(world), world.query("select count(*), max(id) from journal where stream like 'cycle:%'")

        definitions.publish(world.session, office, newer)
        assert standing(world) == before, "publishing changes no running cycle"
        dry = migrating.migrate(world.session, office, newer.key, version, dry_run=True)
        assert standing(world) == before, "a dry run writes nothing"
        assert world.query("select count(*), max(id) from journal where stream like 'cycle:%'") == past
        unfinished = {c for c, row in before.items() if row[2] in ("running", "suspended")}
        assert {i["cycle"] for i in dry["items"]} == unfinished, "a dry run lists all"
        assert all((i["lands"] is None) == (i["why"] is not None) for i in dry["items"])

        done = migrating.migrate(world.session, office, newer.key, version, dry_run=False)
        went = {i["cycle"] for i in done["items"] if i["moved"]}
        assert went == {i["cycle"] for i in dry["items"] if i["why"] is None}, "what was promised was done"
        assert orphans(world, known) == [], kind
        after = standing(world)
        assert {c: after[c] for c in before if c not in went} == {c: before[c] for c in before if c not in went}
        assert all(after[c][2:8] == before[c][2:8] for c in went), "who moves stands where they stood"
        assert all(after[c][9] == before[c][9] + 1 for c in went), "a migration is one fact"
        moved += len(went)
    assert len(seen) >= 7, f"edits seen: {sorted(seen)}"
    assert CYCLES < moved < CYCLES * EDITS
    assert world.audit()["findings"] == []


def test_after_a_migration_the_cycle_runs_by_the_new_definition(app: Flask) -> None:
    world = World(db.session)
    cycle = world.start()
    newer = spiral(stages=["goal", "improve"], version=2)
    definitions.publish(world.session, world.origin("office"), newer)
    (one,) = migrating.migrate(world.session, world.origin("office"), newer.key, 2, dry_run=False)["items"]

    assert (one["state"], one["lands"], one["why"], one["moved"]) == ("goal.open", "goal.open", None, True)
    assert world.pass_stage(cycle, 2)["status"] == "closed"


@pytest.mark.parametrize(
    ("stages", "reached", "why"),
    [
        (["goal", "design", "improve"], "standard", "stage standard does not exist"),
        (["goal", "design", "improve"], "design", "stage standard was walked"),
        (["goal", "organize", "standard", "design"], "standard", "which was not walked"),
        (["standard", "goal", "design"], "design", "order of the stages walked differs"),
        ([stage("goal", decide=None), "standard"], "goal.review", "one is pending"),
        ([stage("goal", covers=("implement",)), "standard"], "goal", "state goal.open does not exist"),
    ],
)
def test_what_does_not_fit_stays_and_is_listed_with_the_reason(
    app: Flask, stages: list[Any], reached: str, why: str
) -> None:
    world = World(db.session)
    cycle = world.start()
    key, _, leaf = reached.partition(".")
    world.reach(cycle, key)
    if leaf:
        world.fire(cycle, "submit", "lead", content={})
    newer = spiral(stages=stages, version=2)
    definitions.publish(world.session, world.origin("office"), newer)
    before = standing(world)

    (one,) = migrating.migrate(world.session, world.origin("office"), newer.key, 2, dry_run=False)["items"]

    assert why in one["why"]
    assert standing(world) == before


def test_a_shorter_ladder_leaves_no_level_that_cannot_fire(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"]))
    cycle = world.start()
    world.later(7)
    world.tick()
    newer = dataclasses.replace(world.definitions[0], version=2, ladder=(Level(after=1, to="quality_office"),))
    definitions.publish(world.session, world.origin("office"), newer)
    migrating.migrate(world.session, world.origin("office"), newer.key, 2, dry_run=False)
    world.later(30)
    world.tick()

    assert world.kinds(cycle).count("WorkEscalated") == 1
    assert world.query("select count(*) from incident") == [(0,)]


def test_a_version_that_is_not_published_is_refused_and_a_taken_one_too(app: Flask) -> None:
    world = World(db.session)
    office = world.origin("office")

    with pytest.raises(Missing):
        migrating.migrate(world.session, office, "tiny.teaching", 9, dry_run=True)
    with pytest.raises(Refused, match="published already with other content"):
        definitions.publish(world.session, office, spiral(stages=["goal"]))


def test_new_cycles_take_the_newest_version_and_old_ones_keep_theirs(app: Flask) -> None:
    world = World(db.session)
    old = world.start()
    definitions.publish(world.session, world.origin("office"), spiral(stages=["goal", "improve"], version=2))
    world.course("C2", "section", "lead")
    new = world.start("C2")

    assert world.reach(new, "improve")["stage"] == "improve"
    assert world.pass_stage(old)["stage"] == "standard"
    assert compile_definition(spiral()).follows["goal"] == ("standard",)
