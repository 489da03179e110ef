"""The checks of a definition find what cannot work, name the way, and let the nearest working definition pass."""

import dataclasses

import pytest

from qaflow.engine import loader
from qaflow.engine.checks import check
from qaflow.engine.college import Role
from qaflow.engine.definition import Definition, Label, Level, Move, QuickLoop, Sheet, Signers, Stage

NAME = Label(zh="名", en="Name")
ROLES = tuple(
    Role(key=key, is_=kind, name=NAME)
    for key, kind in [
        ("course_leader", "responsible"),
        ("major_leader", "approver"),
        ("unit_head", "supervisor"),
        ("office", "quality_office"),
        ("head", "quality_head"),
        ("diagnostician", "diagnostician"),
    ]
)


def definition(moves=(), keys="goal design implement improve", **more):
    """A definition of stages, with ``moves`` by stage: [(to, when, automatic), …]."""
    moves = dict(moves)
    stages = tuple(
        Stage(key=k, name=NAME, moves=tuple(Move(to=t, when=w, automatic=a) for t, w, a in moves.get(k, ())))
        for k in keys.split()
    )
    ladder = (Level(after=1, to="supervisor"), Level(after=3, to="quality_office"))
    base = Definition(key="a.b", version=1, name=NAME, layer="course", stages=stages, ladder=ladder)
    return dataclasses.replace(base, **more)


def codes(value, *roles):
    return sorted({f.code for f in check(value, *roles)})


def first_stage(**parts):
    value = definition()
    return dataclasses.replace(value, stages=(dataclasses.replace(value.stages[0], **parts), *value.stages[1:]))


def test_stages_in_their_order_are_right():
    assert check(definition(), ROLES) == []


# Moves of the stages, the codes expected, a part of the message; then moves nearest to it that are right.
GRAPHS = [
    ({"goal": [("desing", None, False)]}, ["def.unknown_stage", "def.unreachable", "def.dead_end"], "desing",
     {"goal": [("design", None, False)]}),
    ({"design": [("improve", None, False)], "implement": [("improv", None, False)]},
     ["def.dead_end", "def.unreachable"],
     "to the end from implement", {"design": [("improve", "evidence() > 1", False), ("implement", None, False)]}),
    ({"goal": [("implement", None, False)]}, ["def.unreachable"], '"goal" to "design"',
     {"goal": [("implement", "evidence() > 0", False), ("design", None, False)]}),
    ({"improve": [("goal", None, False)]}, ["def.endless_loop", "def.no_end", "def.backward_move"],
     "goal → design → implement → improve → goal", {"improve": [(None, None, False)]}),
    ({"improve": [("improve", None, False)]}, ["def.endless_loop", "def.no_end", "def.backward_move"],
     "improve → improve", {"improve": [(None, None, False)]}),
    ({"design": [("goal", "evidence() > 1", True), ("implement", "evidence() <= 1", True)]},
     ["def.endless_loop", "def.backward_move"], "automatic move only",
     {"design": [("implement", "evidence() <= 1", True)]}),
    ({"goal": [("design", None, True)], "design": [("goal", None, True), (None, "evidence() < 0", False),
                                                  ("implement", None, False)]},
     ["def.endless_loop", "def.backward_move"], "by itself for ever", {"goal": [("design", None, True)]}),
    ({"goal": [("design", "evidence() > 1", True), ("implement", "evidence() > 2", True)]}, ["def.ambiguous"],
     "design and implement", {"goal": [("design", "evidence() > 1", True), ("implement", "evidence() <= 1", True)]}),
    ({"goal": [("design", None, True), ("implement", None, True)]}, ["def.ambiguous"], "same time",
     {"goal": [("design", None, True), ("implement", None, False)]}),
    ({"design": [("goal", None, False), ("implement", None, False)]}, ["def.backward_move"], "leads back",
     {"design": [("improve", None, False), ("implement", None, False)]}),
]  # fmt: skip


@pytest.mark.parametrize(("moves", "expected", "said", "twin"), GRAPHS)
def test_a_graph_that_cannot_work_is_named_with_its_way_and_its_twin_passes(moves, expected, said, twin):
    found = check(definition(moves))

    assert set(expected) <= {f.code for f in found}
    assert any(said in f.message for f in found), [f.message for f in found]
    assert [f for f in check(definition(twin)) if f.severity == "error"] == []


def test_a_dead_end_is_told_with_the_way_to_it():
    text = loader.dump(definition({"goal": [("design", None, False), ("implement", None, False)]}))
    loaded = loader.read(text.replace('    - key: "design"', '    - key: "design"\n      moves: []').replace(
        '  - key: "design"', '  - key: "design"\n    moves: []'))  # fmt: skip

    assert [f.code for f in loaded.faults] == ["def.dead_end"]
    found = check(definition({"design": [("nowhere", None, False)]}))
    assert "no way leads to the end from goal → design" in next(f.message for f in found if f.code == "def.dead_end")


def test_auto_advance_makes_a_stages_moves_automatic():
    value = definition({"goal": [("design", None, False), ("implement", None, False)]})
    advancing = (dataclasses.replace(value.stages[0], auto_advance=True), *value.stages[1:])

    assert codes(value) == []
    assert codes(dataclasses.replace(value, stages=advancing)) == ["def.ambiguous"]


# A changed part, the code expected, and the part nearest to it that is right.
STAGES = [
    ({"key": "design"}, "def.duplicate_id", {"key": "standard"}),
    ({"key": "Design"}, "def.duplicate_id", {"key": "standard"}),
    ({"key": "closed"}, "def.reserved_key", {"key": "goal"}),
    ({"covers": ("goal", "implement")}, "def.duplicate_cover", {"covers": ("goal", "standard")}),
    ({"covers": ("gaol",)}, "def.unknown_stage", {"covers": ("goal",)}),
    ({"gate": ("filled(aim)",)}, "cond.unknown_field", {"gate": ("evidence() > 1",)}),
    ({"gate": ("eval(1)",)}, "cond.not_allowed", {"gate": ("evidence() >= 1",)}),
    ({"gate": ("evidence() < 0",)}, "cond.never", {"gate": ("evidence() < 1",)}),
    ({"submit": "nobody"}, "def.unknown_role", {"submit": "course_leader"}),
    ({"decide": Signers(role="majer_leader")}, "def.unknown_role", {"decide": Signers(role="major_leader")}),
    ({"decide": Signers(role="leader")}, "def.unknown_role", {"decide": Signers(role="supervisor")}),
    ({"decide": Signers(role="approver", also=("nobody",))}, "def.unknown_role",
     {"decide": Signers(role="approver", also=("unit_head",))}),
    ({"decide": Signers(role="approver", need="quorum", quorum=3, also=("unit_head",))}, "def.quorum_unreachable",
     {"decide": Signers(role="approver", need="quorum", quorum=2, also=("unit_head",))}),
    ({"decide": Signers(role="approver", need="one", quorum=2)}, "def.quorum_unused",
     {"decide": Signers(role="approver", need="quorum", quorum=2)}),
    ({"decide": Signers(role="approver", need="all", also=("approver",))}, "def.duplicate_id",
     {"decide": Signers(role="approver", need="all", also=("unit_head",))}),
    ({"decide": Signers(role="responsible")}, "def.own_approval", {"decide": Signers(role="approver")}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "code", "twin"), STAGES)
def test_a_stage_that_cannot_work_is_told_and_its_twin_passes(part, code, twin):
    found = check(first_stage(**part), ROLES)

    assert code in [f.code for f in found]
    assert all(f.remedy and f.path for f in found)
    assert check(first_stage(**twin), ROLES) == []


def test_more_signatures_than_people_is_a_warning_at_publish():
    value = first_stage(decide=Signers(role="approver", need="quorum", quorum=3))

    found = check(value, ROLES, {"approver": 2})

    assert [(f.code, f.severity) for f in found] == [("def.quorum_unreachable", "warning")]
    assert check(value, ROLES, {"approver": 3}) == []


# A changed ladder, sheet or loop, its code, and the nearest right one.
REST = [
    ({"ladder": (Level(after=3, to="supervisor"), Level(after=1, to="office"))}, "def.escalation_order",
     {"ladder": (Level(after=1, to="supervisor"), Level(after=3, to="office"))}),
    ({"ladder": (Level(after=3, to="supervisor"), Level(after=3, to="office"))}, "def.escalation_order",
     {"ladder": (Level(after=3, to="supervisor"), Level(after=4, to="head"))}),
    ({"ladder": (Level(after=1, to="unit_head"),)}, "def.escalation_end", {"ladder": (Level(after=1, to="office"),)}),
    ({"ladder": (Level(after=1, to="ofice"),)}, "def.unknown_role", {"ladder": (Level(after=1, to="quality_head"),)}),
    ({"sheets": (Sheet(kind="appraisal", name=NAME),)}, "def.own_appraisal",
     {"sheets": (Sheet(kind="appraisal", name=NAME, assessor="diagnostician"),)}),
    ({"quick": QuickLoop(), "stages": (Stage(key="goal", name=NAME),)}, "def.no_hinge",
     {"quick": QuickLoop(), "stages": (Stage(key="goal", name=NAME), Stage(key="implement", name=NAME))}),
    ({"stages": ()}, "def.no_end", {"stages": (Stage(key="goal", name=NAME),)}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "code", "twin"), REST)
def test_a_definition_that_cannot_work_is_told_and_its_twin_passes(part, code, twin):
    assert code in codes(definition(**part), ROLES)
    assert check(definition(**twin), ROLES) == []


def test_without_a_college_only_neutral_roles_are_sure():
    assert [(f.code, f.severity) for f in check(first_stage(submit="course_leader"))] == [
        ("def.role_unchecked", "warning")
    ]
    assert check(first_stage(submit="responsible")) == []
