"""Acts on whole rounds: the dry run tells what the act then does, refusals name themselves, twice is once."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask

from qaflow.engine.definition import Deadline
from qaflow.errors import Forbidden, Invalid, Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.cycles import steering
from qaflow.services.cycles.steering import Fate, Plan, Wanted
from qaflow.services.definitions import publishing as definitions
from qaflow.store.db import db
from qaflow.testing import World, spiral, stage

START = "2025-09-01"
DATED = spiral(stages=[stage("goal", deadline=Deadline(share=0.1)), stage("standard"), stage("improve")])
BASE = Wanted(act="suspend", layer="course", track="teaching", day=START, reason="r", once="a")


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return a college with four running cycles, of which one is suspended."""
    world = World(db.session, DATED)
    world.courses(["N1", "N2"], "section", "lead")
    for code in ("N1", "N2", "C1", "C9"):
        world.start(code)
    world.fire(world.query("select id from cycle order by id limit 1")[0][0], "suspend", "office", reason="before")
    return world


def me(world: World, login: str = "office") -> SignedIn:
    """Return somebody as signed in."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def dry(world: World, login: str = "office", **changes: Any) -> Plan:
    """Return a dry run."""
    return steering.plan(db.session, world.origin(login), me(world, login), replace(BASE, **changes))


def run(world: World, login: str = "office", **changes: Any) -> int:
    """Act, and return on how many."""
    return steering.run(db.session, world.origin(login), me(world, login), replace(BASE, **changes))


def said(plan: Plan) -> dict[str, str]:
    """Return by course what happens: done, go, or the code of the refusal."""

    def word(fate: Fate) -> str:
        return "done" if fate.done else fate.error.code if fate.error else "go"

    return {fate.of.code: word(fate) for fate in plan.fates}


def facts(world: World) -> list[tuple[Any, ...]]:
    """Return the whole journal and the rows it gives."""
    rows = "select id, status, stage, due, version, head, definition_id from cycle order by id"
    return [*world.query("select stream, seq, kind, hash from journal order by id"), *world.query(rows)]


@pytest.mark.parametrize("changes", [
    {}, {"act": "resume"}, {"act": "extend", "days": 5}, {"act": "extend", "until": "2025-12-31"}, {"act": "start"},
], ids=["suspend", "resume", "extend", "until", "start"])  # fmt: skip
def test_a_dry_run_writes_nothing_and_says_what_the_act_then_does(world: World, changes: dict[str, Any]) -> None:
    world.courses(["S1"], "section", "lead")
    before = facts(world)

    foretold = said(dry(world, **changes))

    assert facts(world) == before
    acted = run(world, **changes)
    after = said(dry(world, **changes))
    assert acted == list(foretold.values()).count("go") == list(after.values()).count("done") > 0
    assert {k: v for k, v in foretold.items() if v != "go"} == {k: v for k, v in after.items() if v != "done"}
    assert world.audit()["verified"]


def test_confirming_twice_does_it_once(world: World) -> None:
    assert run(world, act="extend", days=5) == 3
    once = facts(world)

    assert run(world, act="extend", days=5) == 0
    assert facts(world) == once
    assert run(world, act="extend", days=5, once="b") == 3


def test_one_refused_cycle_holds_up_no_other(world: World) -> None:
    plan = dry(world)

    assert said(plan) == {"N1": "transition.not_allowed", "N2": "go", "C1": "go", "C9": "go"}
    assert (plan.total, plan.ahead, plan.refused, plan.done) == (4, 3, 1, 0)
    assert plan.fates[0].of.code == "N1"
    run(world)
    assert world.query("select count(*) from cycle where status = 'suspended'") == [(4,)]


def test_an_extension_moves_every_open_item_of_the_stage_by_working_days(world: World) -> None:
    before = dict(world.query("select cycle_id, due from work_item where state = 'open'"))

    run(world, act="extend", days=5)

    after = dict(world.query("select cycle_id, due from work_item where state = 'open'"))
    calendar = world.within(lambda d: world.view(d).calendar)
    for cycle, due in before.items():
        assert after[cycle] == calendar.add_working(date.fromisoformat(due), 5).isoformat()
    assert said(dry(world, act="extend", until="2025-09-03", once="c"))["C1"] == "extend.not_later"


def test_a_round_starts_all_who_have_not_started_and_names_those_who_cannot(world: World) -> None:
    world.courses(["S1", "S2"], "section", "lead")
    world.course("S3", "section", None)

    assert said(dry(world, act="start")) == {"S3": "start.responsible", "N1": "cycle.exists", "N2": "cycle.exists",
                                             "C1": "cycle.exists", "C9": "cycle.exists", "S1": "go",
                                             "S2": "go"}  # fmt: skip
    assert run(world, act="start") == 2
    assert run(world, act="start") == 0


def test_cycles_go_over_to_another_version_where_it_fits(world: World) -> None:
    definitions.publish(db.session, world.origin(), replace(DATED, version=2, name=DATED.stages[0].name))
    definitions.publish(db.session, world.origin(), replace(DATED, version=3, stages=DATED.stages[1:]))
    wanted = Wanted(**vars(BASE) | {"act": "migrate", "version": 2})

    versions = steering.versions(db.session, world.origin("office"), me(world), wanted)

    assert [version for _, version in versions] == [3, 2, 1]
    assert set(said(dry(world, act="migrate", version=3)).values()) == {"migration.unfit"}
    assert run(world, act="migrate", version=2) == 4
    assert set(said(dry(world, act="migrate", version=2, once="n")).values()) == {"migration.there"}
    assert set(said(dry(world, act="migrate", version=9, once="m")).values()) == {"definition.not_found"}


def test_unit_and_stage_narrow_whom_an_act_reaches(world: World) -> None:
    cycle = world.query("select c.id from cycle c join subject s on s.id = c.subject_id where s.code = 'C1'")[0][0]
    world.fire(cycle, "submit", "lead", content={})
    world.fire(cycle, "approve", "major")

    assert set(said(dry(world, unit=world.units["far"]))) == {"C9"}
    assert set(said(dry(world, stage="standard"))) == {"C1"}
    assert dry(world, day="2024-09-01").fates == dry(world, unit=999).fates == ()


def test_batches_follow_one_another_until_all_are_reached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "BATCH", 2)
    monkeypatch.setattr(steering, "CHUNK", 1)

    first = dry(world)
    second = dry(world, after=first.following)

    assert (first.total, len(first.fates), len(second.fates), second.following) == (4, 2, 2, 0)
    assert not set(said(first)) & set(said(second))
    assert run(world) == 1 and run(world, after=first.following) == 2


@pytest.mark.parametrize("login", ["lead", "major", "head", "vp", "diag", "admin", "guest"])
@pytest.mark.parametrize("act", steering.ACTS)
def test_rounds_are_steered_by_the_quality_office_alone(world: World, login: str, act: str) -> None:
    before = facts(world)

    for tried in (dry, run):
        with pytest.raises(Forbidden):
            tried(world, login, act=act, days=1, version=1)
    assert facts(world) == before


@pytest.mark.parametrize(("changes", "field"), [
    ({"reason": " "}, "reason"), ({"act": "extend"}, "days"), ({"act": "extend", "days": 251}, "days"),
    ({"act": "extend", "until": "soon"}, "until"), ({"act": "migrate"}, "version"), ({"act": "approve"}, "act"),
    ({"day": "2025-9-1"}, "day"),
])  # fmt: skip
def test_an_act_not_fully_said_is_refused_by_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        dry(world, **changes)

    assert [e["pointer"] for e in refused.value.errors if isinstance(e, dict)] == [field]
    with pytest.raises(Invalid):
        run(world, **changes)


def test_a_track_that_is_not_the_college_s_is_not_there(world: World) -> None:
    with pytest.raises(Missing):
        dry(world, track="nothing")
    with pytest.raises(Invalid):
        run(world, once="")
