"""Differences between definitions: none where nothing differs, each edit found, the same seen from both sides."""

import dataclasses
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qaflow.engine.definition import Deadline, Definition, Field, Level, Signers
from qaflow.engine.differences import Change, changes, renamed
from qaflow.testing import label, sheet, spiral, stage

KEYS = ("goal", "standard", "design", "organize", "implement", "diagnose", "improve")
FIELDS = st.lists(
    st.builds(Field, key=st.sampled_from("abc"), label=st.just(label("f")), type=st.sampled_from(("text", "number")),
              required=st.booleans()),
    max_size=3, unique_by=lambda one: one.key,
)  # fmt: skip


@st.composite
def definitions(draw: Any) -> Definition:
    """Return a definition of some stages in some order, with whatever may stand in them."""
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    stages = [
        stage(key, name=label(draw(st.sampled_from(("one", "two", key)))), form=tuple(draw(FIELDS)),
              evidence=draw(st.integers(0, 1)), deadline=draw(st.sampled_from((None, Deadline(working_days=3)))))
        for key in keys
    ]  # fmt: skip
    ladder = tuple(Level(after=n, to="leader") for n in draw(st.lists(st.integers(1, 3), max_size=3)))
    sheets = tuple(sheet(kind, "diagnostician") for kind in draw(st.sets(st.sampled_from(("self", "appraisal")))))
    return spiral(stages=stages, ladder=ladder, sheets=sheets, overlap=draw(st.sampled_from(("start", "wait"))))


def said(one: Definition) -> dict[str, Any]:
    """Return what a definition says, without what it is called."""
    return {f.name: getattr(one, f.name) for f in dataclasses.fields(one) if f.name not in ("key", "version")}


def loose(found: list[Change]) -> list[str]:
    """Return changes without the keys of their stages, which a renaming gives differently from either side."""
    return sorted(repr((c.part, c.what, c.old, c.new)) for c in found)


@given(definitions(), definitions())
@settings(max_examples=300, deadline=None)
def test_there_is_a_difference_exactly_where_the_definitions_say_other_things(old: Definition, new: Definition) -> None:
    sheets = {s.kind: s for s in old.sheets} == {s.kind: s for s in new.sheets}
    same = all(v == said(new)[k] for k, v in said(old).items() if k != "sheets") and sheets

    assert (changes(old, new) == []) == same


@given(definitions(), definitions())
@settings(max_examples=300, deadline=None)
def test_the_other_way_round_each_change_is_the_same_with_both_sides_exchanged(
    old: Definition, new: Definition
) -> None:
    there, back = changes(old, new), changes(new, old)

    orders = [c for c in there if c.what == "order" and c.part == "definition"]
    turned = [c._replace(old=c.new, new=c.old) for c in back if not (c.what == "order" and c.part == "definition")]
    assert loose([c for c in there if c not in orders]) == loose(turned)
    assert renamed(new, old) == {b: a for a, b in renamed(old, new).items()}


def edit(**more: Any) -> list[Change]:
    """Return what differs when one stage is edited."""
    base = spiral(stages=KEYS)
    stages = tuple(dataclasses.replace(s, **more) if s.key == "design" else s for s in base.stages)
    return changes(base, dataclasses.replace(base, stages=stages, version=2))


def test_each_edit_of_a_stage_is_one_change_that_names_it() -> None:
    signers = Signers(role="unit_head", days=5)
    for what, value in (("name", label("plan")), ("gate", ("evidence() >= 1",)), ("decide", signers), ("evidence", 2),
                        ("deadline", Deadline(share=0.5)), ("auto_advance", True), ("submit", "dean")):  # fmt: skip
        (found,) = edit(**{what: value})
        assert (found.part, found.key, found.what, found.new) == ("stage", "design", what, value)


def test_a_field_that_came_went_or_changed_is_told_by_its_key() -> None:
    one, other = Field(key="plan", label=label("plan")), Field(key="cost", label=label("cost"), type="number")

    added = edit(form=(*spiral(stages=KEYS).by_key["design"].form, one))
    swapped = edit(form=(other,))

    assert [(c.part, c.key, c.what, c.old, c.new) for c in added] == [("field", "design", "plan", None, one)]
    assert [(c.what, c.old is None, c.new is None) for c in swapped] == [
        ("cost", True, False), ("note", False, True), ("carried", False, True)]  # fmt: skip


def test_a_stage_moved_is_one_change_of_the_order() -> None:
    before, after = spiral(stages=KEYS), spiral(stages=("standard", "goal", *KEYS[2:]))

    (found,) = changes(before, after)

    assert (found.what, found.old[:2], found.new[:2]) == ("order", ("goal", "standard"), ("standard", "goal"))


def test_a_stage_with_another_key_is_renamed_and_not_removed_and_added() -> None:
    aims = stage("aims", name=label("goal"), covers=("goal",))
    before, after = spiral(stages=("goal", "improve")), spiral(stages=(aims, "improve"))

    assert renamed(before, after) == {"goal": "aims"}
    found = [(c.what, c.old, c.new) for c in changes(before, after) if c.part == "stage"]
    assert ("key", "goal", "aims") in found
    assert not any(what == "" for what, _, _ in found)
