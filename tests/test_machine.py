"""The table that decisions read is what the machine does: every trigger is fired in every leaf (engine rules, 9)."""

import itertools
from typing import Any

import pytest
from transitions import MachineError

from qaflow import testing
from qaflow.engine.definition import QUICK_STATES, Definition, Move
from qaflow.engine.machine import ALL_TRIGGERS, Arrow, compile_definition, leaves

BRANCHING = testing.spiral(
    "tiny.branching",
    stages=[
        testing.stage("goal", moves=(Move(to="implement", when="count(carried) > 0"), Move(to="design"))),
        testing.stage("design"),
        testing.stage("implement"),
        testing.stage("diagnose", moves=(Move(to="goal", when="filled(note)"), Move(to=None))),
    ],
)
THREE = testing.spiral(
    "tiny.three",
    stages=[
        testing.stage("before", covers=("goal", "standard")),
        testing.stage("during", covers=("implement",), auto_advance=True),
        testing.stage("after", covers=("diagnose",), decide=None),
    ],
)
CHILD = testing.spiral("tiny.child", stages=["goal", "diagnose", "improve"])
ALONE = testing.spiral("tiny.alone", stages=[testing.stage("goal", decide=None)])
DEFINITIONS = [testing.spiral(), BRANCHING, THREE, CHILD, ALONE]
ids = [d.key for d in DEFINITIONS]


class Guarded:
    """A model of which each guard holds or not, as the test says."""

    def __init__(self, holding: set[str]) -> None:
        self.holding = holding

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("guard:"):
            raise AttributeError(name)
        return lambda event: name.removeprefix("guard:") in self.holding


def all_leaves(definition: Definition) -> list[str]:
    """Return the names of every leaf, those of ended cycles included."""
    return [f"{s.key}.{x}" for s in definition.stages for x in leaves(definition, s)] + ["closed", "cancelled"]


def fired(definition: Definition, leaf: str, trigger: str, holding: set[str]) -> str | None:
    """Return where the machine goes, or None where it stays; a trigger unknown in the leaf raises."""
    machine = compile_definition(definition).machine
    model = Guarded(holding)
    machine.add_model(model, initial=leaf)
    try:
        return model.state if machine.trigger_event(model, trigger) else None
    finally:
        machine.remove_model(model)


def expected(arrows: tuple[Arrow, ...], holding: set[str]) -> str | None:
    """Return where the table says that the first arrow whose guards hold leads."""
    return next((a.dest for a in arrows if set(a.guards) <= holding), None)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=ids)
def test_the_machine_goes_where_the_table_says_whatever_guards_hold(definition: Definition) -> None:
    compiled = compile_definition(definition)
    fires = 0
    for (leaf, trigger), arrows in compiled.table.items():
        guards = sorted({g for a in arrows for g in a.guards})
        sets = [set(c) for n in (0, 1, 2, len(guards)) for c in itertools.combinations(guards, n)]
        sets += [set(a.guards) for a in arrows]
        for holding in sets:
            assert fired(definition, leaf, trigger, holding) == expected(arrows, holding), (leaf, trigger, holding)
            fires += 1
    assert fires >= len(compiled.table) >= len(all_leaves(definition)) - 2


@pytest.mark.parametrize("definition", DEFINITIONS, ids=ids)
def test_what_the_table_does_not_know_the_machine_refuses(definition: Definition) -> None:
    compiled = compile_definition(definition)
    everything = {g for arrows in compiled.table.values() for a in arrows for g in a.guards}
    for leaf, trigger in itertools.product(all_leaves(definition), compiled.machine.events):
        if (leaf, trigger) not in compiled.table:
            with pytest.raises(MachineError):
                fired(definition, leaf, trigger, everything)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=ids)
def test_a_state_that_no_definition_has_is_refused(definition: Definition) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.open"):
        compile_definition(definition).machine.add_model(Guarded(set()), initial="nowhere.open")


@pytest.mark.parametrize("definition", DEFINITIONS, ids=ids)
def test_every_arrow_starts_and_ends_on_a_leaf(definition: Definition) -> None:
    compiled = compile_definition(definition)
    known = set(all_leaves(definition))

    assert {leaf for leaf, _ in compiled.table} <= known - {"closed", "cancelled"}
    assert {a.dest for arrows in compiled.table.values() for a in arrows} <= known
    assert {trigger for _, trigger in compiled.table} <= set(ALL_TRIGGERS)


def test_the_quick_loop_hangs_on_the_stage_that_covers_implement_and_on_no_other() -> None:
    """Leaves are open and review; implement has monitor, warn, correct and review (engine rules, 3)."""
    for definition, hinge in ((testing.spiral(), "implement"), (THREE, "during"), (CHILD, None)):
        for stage in definition.stages:
            wanted = (*QUICK_STATES, "review") if stage.key == hinge else ("open", "review")
            assert leaves(definition, stage) == wanted


def test_submit_does_not_leap_out_of_the_loop() -> None:
    """A child answers its parent's triggers, so every trigger hangs on a leaf (engine rules, 3)."""
    compiled = compile_definition(testing.spiral())

    assert ("implement.monitor", "submit") in compiled.table
    assert ("implement.warn", "submit") not in compiled.table
    assert ("implement.correct", "submit") not in compiled.table
    assert not any(leaf == "implement" for leaf, _ in compiled.table)


def test_a_return_leads_to_earlier_stages_only() -> None:
    definition = testing.spiral()
    order = definition.order
    for (leaf, trigger), arrows in compile_definition(definition).table.items():
        if trigger in ("return", "reopen"):
            here = order.index(leaf.partition(".")[0])
            assert {order.index(a.dest.partition(".")[0]) for a in arrows} == set(range(here))


def test_a_stage_without_approval_has_no_way_into_review() -> None:
    compiled = compile_definition(ALONE)

    assert [a.dest for a in compiled.table["goal.open", "submit"]] == ["closed"]
    assert "goal.review" not in {a.dest for arrows in compiled.table.values() for a in arrows}


def test_advance_stands_only_where_the_stage_advances_by_itself() -> None:
    found = {leaf for leaf, trigger in compile_definition(THREE).table if trigger == "advance"}

    assert found == {"during.monitor"}


def test_equal_content_is_compiled_once() -> None:
    assert compile_definition(testing.spiral()) is compile_definition(testing.spiral())
    assert compile_definition(testing.spiral(version=2)) is not compile_definition(testing.spiral())


def test_a_machine_with_an_arrow_bent_is_noticed() -> None:
    """The comparison itself can fail: a transition that the table does not show."""
    compiled = compile_definition(testing.spiral("tiny.bent"))
    compiled.machine.add_transition("submit", "implement.warn", "implement.review")

    assert fired(compiled.definition, "implement.warn", "submit", set()) == "implement.review"
    assert ("implement.warn", "submit") not in compiled.table
