"""Portraits and comparisons: what they hold, whom they are shown to, and what of others they tell."""

import pytest
from flask import Flask
from overviewing import made, me, reading

from qaflow.errors import Missing
from qaflow.services.figures import comparing, portraits
from qaflow.services.figures.comparing import Comparison
from qaflow.services.figures.portraits import Chosen, Point, Portrait
from qaflow.store.db import db
from qaflow.testing import World


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return the tiny college with everything in it."""
    return made(db.session)


def look(world: World, login: str, course: str) -> Portrait:
    """Return a course's portrait as somebody sees it."""
    return portraits.look(db.session, world.origin(login), me(world, login), world.subjects[course])


def compared(world: World, login: str, course: str) -> Comparison:
    """Return a course's comparison as somebody sees it."""
    return comparing.subject(db.session, world.origin(login), me(world, login), world.subjects[course])


def names(world: World, login: str, **chosen: object) -> set[str]:
    """Return the codes of the portraits that somebody may read."""
    found = portraits.listed(db.session, world.origin(login), me(world, login), Chosen(**chosen))  # type: ignore[arg-type]
    assert found.many == len(found.lines)
    return {line.code for line in found.lines}


def point(found: Portrait) -> Point:
    """Return the only point of a portrait."""
    (one,) = found.points
    return one


def test_a_portrait_holds_goals_readings_rounds_and_warnings_of_its_subject(world: World) -> None:
    found = look(world, "far_lead", "F3")

    assert (found.subject.code, found.subject.person, found.layer.en) == ("F3", "far_lead", "course")
    assert [value for _, value in point(found).readings] == [30, 61, 62, 63] and point(found).severity is None
    assert [(one.number, one.status) for _, one in found.rounds] == [(1, "running")]
    assert [(w.state, w.kind) for w in found.warnings] == [("closed", "breach")]
    assert [(t.span.key, t.opened, t.major) for t in found.terms] == [("2024-spring", 0, 0), ("2025-autumn", 1, 1)]
    goals = {goal.text.en: (goal.own, goal.value, goal.met) for goal in look(world, "lead", "N3").goals}
    assert goals["goal stated"] == (True, 51.0, True) and goals["goal missed"] == (True, 20.0, False)
    assert goals["goal of the layer"] == (False, 10.0, False) and "goal of N0" not in goals
    assert "goal of the unit" in goals and "goal of a person" not in goals
    far = {goal.text.en for goal in found.goals}
    assert far == {"goal of the layer", "goal of a person"}  # another unit's goal is not its


def test_limits_by_day_take_the_place_of_the_point_s_and_a_subject_s_own_of_those_for_all(world: World) -> None:
    columns = ("college_id", "point_id", "subject_id", "valid_from", "direction", "target", "warn_lower", "reason",
               "set_at", "set_by")  # fmt: skip
    rows = [(world.college, world.points["hours"], subject, day, "higher", 70.0, lower, "r", "2025-09-01T", 1)
            for subject, day, lower in ((None, "2025-09-01", 61.0), (None, "2026-09-01", 99.0),
                                        (world.subjects["F3"], "2025-09-01", 20.0))]  # fmt: skip
    world.within(lambda d: d.insert_rows("point_limit", columns, rows))

    assert point(look(world, "far_lead", "F3")).limits.lower == 20.0
    assert point(look(world, "far_lead", "F0")).limits.lower == 61.0


def test_rounds_say_how_many_stages_were_handed_in_on_time(world: World) -> None:
    (_, one), *rest = look(world, "far_lead", "F2").rounds

    assert not rest and (one.due, one.met) == (1, 0)
    (_, settled), *_ = look(world, "far_lead", "F3").rounds
    assert settled.met >= 1 and settled.due >= settled.met


@pytest.mark.parametrize("login", ["far_head", "far_lead", "far_major", "admin", "guest", "new", "board"])
def test_a_portrait_is_not_there_for_whoever_neither_answers_nor_looks_after(world: World, login: str) -> None:
    if login == "board":
        world.person("board", "committee")
    for page in (look, compared):
        with pytest.raises(Missing):
            page(world, login, "N0")
    assert not names(world, login) & {"N0", "N1", "C1"}


def test_each_lists_the_portraits_that_are_theirs(world: World) -> None:
    near, far = {"C1", *(f"N{n}" for n in range(5))}, {"C9", *(f"F{n}" for n in range(4))}

    assert names(world, "vp") == names(world, "office") == near | far
    assert names(world, "head") == names(world, "lead") == near and names(world, "far_major") == far
    assert names(world, "office", text="n") == near - {"C1"} and names(world, "office", text="%") == set()
    assert names(world, "vp", mine=1) == set() and names(world, "lead", mine=1) == near
    world.deputy("far_lead", "deputy")
    assert names(world, "deputy") == far
    world.person("mate", "course_leader", "section")
    assert names(world, "mate") == set()  # shares work in the unit, but looks after nobody


def test_others_are_told_in_groups_of_five_and_never_by_what_a_reader_knows_already(world: World) -> None:
    world.person("solo")
    world.courses([f"X{n}" for n in range(5)], "far", "far_lead")
    world.course("S0", "section", "solo")
    for code in ("S0", *(f"X{n}" for n in range(5)), "N3"):
        reading(world, code, 50 + len(code), days=30)
    unit = (44, 10, 41, 52, 20)  # the last readings of N0 to N4

    own = point(look(world, "solo", "S0"))

    assert own.near is not None and own.like is not None
    assert (own.near.many, own.near.value) == (5, sum(unit) / 5)
    assert own.like.many == 5 + 5 + 3  # F0, F1 and F3 beside the five new ones
    world.query("update subject set responsible_id = :p where code = 'N4' returning id", p=world.persons["solo"])
    knows = point(look(world, "solo", "S0"))
    assert knows.near is None and knows.like is not None  # four of the unit would be left


def test_four_others_are_nobody_s_to_read(world: World) -> None:
    own = point(look(world, "far_lead", "F3"))

    assert own.near is None  # of the unit only F0, F1 are read
    world.query("delete from reading where subject_id in (select id from subject where code in ('N1', 'N2')) "
                "returning id")  # fmt: skip
    assert point(look(world, "far_lead", "F3")).like is None


def test_a_reading_of_this_month_moves_no_mean_of_others(world: World) -> None:
    world.person("solo")
    world.course("S0", "section", "solo")
    reading(world, "S0", 50)
    reading(world, "N3", 52, days=30)
    before = point(look(world, "solo", "S0")).near
    reading(world, "N0", 99)

    assert before is not None and point(look(world, "solo", "S0")).near == before


def test_a_kind_of_subjects_is_compared_with_its_own_kind_alone(world: World) -> None:
    world.query("update subject set kind = 'core' where code in ('F0', 'F3', 'N0') returning id")

    assert point(look(world, "far_lead", "F3")).like is None


def test_a_measure_stands_with_the_readings_before_and_after_it(world: World) -> None:
    found = compared(world, "far_lead", "F3")

    (measure,) = found.measures
    assert (measure.kind, measure.text) == ("correction", "more hours in F3")
    assert measure.effect.before is not None and measure.effect.after is not None
    assert (measure.effect.before.value, measure.effect.before.many) == (30, 1)
    assert (measure.effect.after.value, measure.effect.after.many) == (62, 3)
    assert measure.effect.change == 32
    (one,) = found.points
    assert one.now is not None and (one.now.many, one.before) == (4, None)


def test_a_finished_improvement_stands_beside_the_next_round(world: World) -> None:
    reading(world, "N3", 40, days=60)
    reading(world, "N3", 70, days=1)

    found = compared(world, "lead", "N3")

    (measure,) = found.measures
    assert (measure.kind, measure.text) == ("improvement", "done")
    assert measure.effect.change == 30
    assert [one.round.status for one in found.rounds] == ["closed"]


def test_the_last_round_stands_beside_this_one(world: World) -> None:
    reading(world, "N3", 40, days=30)
    world.later(330)
    world.start("N3")
    reading(world, "N3", 70)

    found = compared(world, "lead", "N3")

    assert [one.round.number for one in found.rounds] == [2, 1]
    (one,) = found.points
    assert one.now is not None and one.before is not None and (one.now.value, one.before.value) == (70, 40)


def test_units_are_compared_where_five_are_read_and_the_rest_is_told_together(world: World) -> None:
    reading(world, "N3", 53, days=30)
    head = comparing.units(db.session, world.origin("head"), me(world, "head"), comparing.Chosen())
    whole = comparing.units(db.session, world.origin("office"), me(world, "office"), comparing.Chosen())

    assert {line.name.en if line.name else "": line.value and line.value.many for line in head.lines} == {
        "section": 5, "": None}  # fmt: skip
    assert {line.name.en: line.value and line.value.many for line in whole.lines if line.name} == {
        "section": 5, "far": None}  # fmt: skip
    assert [span.key for span in head.spans] == ["2025-autumn", "2024-spring"]
