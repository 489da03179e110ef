"""Conditions hold by the grammar's rules, and nothing outside the grammar is understood."""

import time

import pytest

from qaflow.engine.conditions import ConditionError, parse
from qaflow.engine.overlap import can_both

VALUES = {
    "goals": [{"text": "a", "weight": 60}, {"text": "b", "weight": 40.0}],
    "problems": [],
    "causes": [{"text": "a"}, {"text": " "}],
    "grade": 3,
    "name": "优",
    "due": "2026-03-01",
    "agreed": True,
    "blank": "  ",
}

HOLDS = [
    ("count(goals) >= 1", True),
    ("count(goals) == 2", True),
    ("count(problems) > 0", False),
    ("count(nothing) == 0", True),
    ("sum(goals.weight) == 100", True),
    ("sum(problems.weight) == 0", True),
    ("filled(name) and not filled(blank)", True),
    ("filled(problems)", False),
    ("every(goals.text)", True),
    ("every(causes.text)", False),
    ("every(problems.cause)", True),  # no problem lacks a cause
    ("grade > 2 and grade <= 3", True),
    ("grade < 2 or name == '优'", True),
    ("not (grade == 3)", False),
    ("not grade == 3 or agreed", True),
    ('name != "良"', True),
    ("name == 3", False),  # of another kind: does not hold …
    ("name != 3", False),  # … whatever the operator
    ("missing == 1", False),
    ("missing != 1", False),
    ("due < '2026-04-01'", True),
    ("agreed == true", True),
    ("agreed != false", True),
    ("evidence() >= 2", True),
    ("open_warnings() == 1", True),
    ("children() == 0", True),
    ("1 < grade", True),
    ("grade == -3", False),
    ("grade == 3.0", True),
    ("grade >= grade", True),
    ("true == agreed and (grade == 1 or grade == 3)", True),
]


@pytest.mark.parametrize(("text", "expected"), HOLDS)
def test_a_condition_holds_or_not(text, expected):
    assert parse(text).holds(VALUES, evidence=2, open_warnings=1, children=0) is expected
    assert (parse(text).missing(VALUES, evidence=2, open_warnings=1) is None) is expected


def test_missing_names_the_first_part_that_fails_with_its_present_value():
    condition = parse("count(goals) >= 1 and sum(goals.weight) == 90 and evidence() > 5")

    assert condition.missing(VALUES) == "sum(goals.weight) == 90 (100)"
    assert parse("grade > 5").missing({}) == "grade > 5 (—)"


# What is refused, at which column, and the nearest condition that is allowed.
REFUSED = [
    ("__import__('os')", 1, "count(os) == 1"),
    ("x.__class__", 3, "x == 1"),
    ("10**10**10", 3, "x == 1010"),
    ("(a+)+$", 3, "(a)"),
    ("x == 1; y", 7, "x == 1 and y"),
    ("f'{x}'", 2, "f == '{x}'"),
    ("exec('1')", 1, "filled(x)"),
    ("count(goals)", 13, "count(goals) > 0"),
    ("count(goals.text) > 1", 12, "count(goals) > 1"),
    ("sum(goals) > 1", 10, "sum(goals.weight) > 1"),
    ("1 < 2 < 3", 3, "1 < x"),
    ("1 < x < 3", 7, "1 < x and x < 3"),
    ("1 == 1", 3, "x == 1"),
    ("", 1, "x"),
    ("x ==", 5, "x == 1"),
    ("(x == 1", 8, "(x == 1)"),
    ("x == 1)", 7, "x == 1"),
    ("x = 1", 3, "x == 1"),
    ("x == 'open", 6, "x == 'open'"),
    ("x == 1 y", 8, "x == 1 or y"),
    ("lambda: 1", 7, "x"),
    ("evidence(x) > 1", 10, "evidence() > 1"),
    ("x == 1e400", 7, "x == 1"),
    ("x == " + "9" * 40, 6, "x == 999999999999999"),
    ("{{7*7}}", 1, "x == '{{7*7}}'"),
    ("x == 1\x00", 7, "x == 1"),
    ("x > open", 9, None),
]


@pytest.mark.parametrize(("text", "column", "twin"), REFUSED)
def test_what_is_not_grammar_is_refused_at_its_column_and_its_twin_is_allowed(text, column, twin):
    if twin is not None:
        with pytest.raises(ConditionError) as caught:
            parse(text)
        assert caught.value.column == column
        parse(twin)
    else:
        assert parse(text).holds({"x": 2, "open": 1})


@pytest.mark.parametrize(
    "text", ["(" * 400 + "x", "not " * 120 + "x", "x and " * 80 + "x y", "x" * 501, "((((a+)+)+)+)+$" * 20]
)
def test_hostile_conditions_are_refused_quickly(text):
    began = time.process_time()
    with pytest.raises(ConditionError):
        parse(text)

    assert time.process_time() - began < 0.1


def test_brackets_nest_to_sixteen_and_texts_reach_500_characters():
    assert parse("(" * 16 + "x == 1" + ")" * 16).holds({"x": 1})
    assert parse("x == '" + "a" * 493 + "'").holds({"x": "a" * 493})


# Two conditions, and whether they can hold together.
TOGETHER = [
    ("x > 1", "x <= 1", False),
    ("x >= 1", "x <= 1", True),
    ("x > 1", "x < 2", True),
    ("x == 1", "x == 2", False),
    ("x == 1", "x != 1", False),
    ("x == 1", "y == 2", True),
    ("count(x) > 1", "count(x) < 2", False),  # no whole number between
    ("count(x) == 0", "not (count(x) > 0)", True),
    ("evidence() < 0", None, False),
    ("x > 1", "not (x > 1)", False),
    ("not (x > 1)", "not (x <= 1)", True),  # both hold where x is missing
    ("not (x > 1)", "not filled(y)", True),
    ("x == 'a'", "x == 'b'", False),
    ("x == 'a'", "x == 3", False),
    ("x == 'a'", "x != 'b'", True),
    ("x < 'b'", "x > 'c'", False),
    ("flag", "not flag", False),
    ("flag", "flag == false", False),
    ("filled(x)", "not filled(x)", False),
    ("x < y", "x > y", False),
    ("x < y", "y > x", True),
    ("x <= y", "x >= y", True),
    ("x < 1 or x > 5", "x >= 1 and x <= 5", False),
    ("x < 1 or x > 5", "x >= 1 and x <= 6", True),
    (None, "x > 1", True),
    (None, None, True),
]


@pytest.mark.parametrize(("first", "second", "expected"), TOGETHER)
def test_whether_two_conditions_can_hold_together(first, second, expected):
    assert can_both(first, second) is expected
    assert can_both(second, first) is expected


def test_overlap_agrees_with_trying_all_small_contents():
    """Where trying finds a content for which both hold, `can_both` must say so; where it says no, none may exist."""
    atoms = ["x > 1", "x <= 1", "x == 2", "x != 2", "y == 'a'", "y != 'a'", "x < z", "count(c) > 0", "count(c) < 2"]
    atoms += [f"not ({a})" for a in atoms]
    texts = [
        *atoms,
        *(f"{a} and {b}" for a in atoms[:6] for b in atoms[4:12]),
        *(f"{a} or {b}" for a in atoms for b in atoms[:4]),
    ]
    contents = [
        {"x": x, "y": y, "z": z, "c": c}
        for x in (None, 0, 1, 2, 3, "a") for y in (None, "a", "b", 1) for z in (None, 1, 2.5) for c in ([], [1], [1, 2])
    ]  # fmt: skip
    tables = [frozenset(n for n, v in enumerate(contents) if parse(t).holds(v)) for t in texts]
    exclusive = 0
    for first, one in zip(texts, tables, strict=True):
        for second, other in zip(texts[:40], tables[:40], strict=True):
            if one & other:
                assert can_both(first, second), (first, second)
            exclusive += not can_both(first, second)
    assert exclusive > 100
