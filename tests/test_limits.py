"""Limits and formulas: arithmetic by hand, and held against models that are written another way."""

import datetime as dt
import itertools
import json
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaflow.engine import formulas
from qaflow.engine.control import Limits, breach, crossing
from qaflow.errors import Invalid

HIGHER = Limits(direction="higher", target=50, lower=45)
ALARMED = Limits(direction="higher", target=50, lower=45, alarm_lower=30)
LOWER = Limits(direction="lower", target=18, upper=20)
BAND = Limits(direction="band", target=60, lower=50, upper=80, alarm_lower=40, alarm_upper=90)


@pytest.mark.parametrize(("limits", "value", "expected"), [
    (HIGHER, 45, None),  # on the warning value is inside
    (HIGHER, 44.9, "minor"),
    (HIGHER, 40, "minor"),  # beyond by 5, as far as the target: not more
    (HIGHER, 39.9, "major"),
    (HIGHER, 1000, None),
    (ALARMED, 31, "minor"),  # far beyond, but within the alarm value
    (ALARMED, 30, "minor"),
    (ALARMED, 29.9, "major"),
    (LOWER, 20, None),
    (LOWER, 20.1, "minor"),
    (LOWER, 22.1, "major"),
    (LOWER, -5, None),
    (BAND, 45, "minor"),
    (BAND, 39, "major"),
    (BAND, 85, "minor"),
    (BAND, 91, "major"),
    (Limits(direction="higher", target=5), -9, None),  # no warning value: nothing breaches
])  # fmt: skip
def test_a_value_is_held_against_the_warning_and_alarm_values(
    limits: Limits, value: float, expected: str | None
) -> None:
    assert breach(limits, value) == expected


number = st.integers(-20, 20).map(float)
sides = st.one_of(st.none(), number)


@given(st.sampled_from(["higher", "lower", "band"]), number, sides, sides, sides, sides, number)
def test_any_limits_judge_as_a_list_of_conditions_does(
    direction: str, target: float, low: float | None, high: float | None, alow: float | None, ahigh: float | None,
    value: float,
) -> None:  # fmt: skip
    limits = Limits(direction=direction, target=target, lower=low, upper=high, alarm_lower=alow, alarm_upper=ahigh)
    # each side by itself, mirrored: too high is too low of the negative
    found = []
    for name, sign, warn, alarm in (("higher", 1, low, alow), ("lower", -1, high, ahigh)):
        if direction in (name, "band") and warn is not None and sign * value < sign * warn:
            edge = sign * alarm if alarm is not None else sign * warn - abs(target - warn)
            grave = sign * value < edge and (alarm is not None or target != warn)
            found.append("major" if grave else "minor")

    assert breach(limits, value) == (found[0] if found else None)


@pytest.mark.parametrize(("limits", "field"), [
    (HIGHER, None), (BAND, None), (LOWER, None),
    (Limits(direction="up", target=1), "direction"),
    (Limits(direction="higher", target=40, lower=45), "warn_lower"),
    (Limits(direction="lower", target=21, upper=20), "warn_upper"),
    (Limits(direction="higher", target=50, lower=45, alarm_lower=46), "alarm_lower"),
    (Limits(direction="lower", target=18, upper=20, alarm_upper=19), "alarm_upper"),
    (Limits(direction="higher", target=50, alarm_lower=30), "alarm_lower"),  # an alarm without a warning value
    (Limits(direction="higher", target=50, lower=45, alarm_upper=90), "alarm_upper"),  # of the side that is good
    (Limits(direction="higher", target=50, lower=45, upper=20), None),  # the other side does not count
])  # fmt: skip
def test_limits_that_cross_name_the_value_that_stands_wrong(limits: Limits, field: str | None) -> None:
    assert crossing(limits) == field


def test_limits_stand_in_a_fact_as_people_write_them() -> None:
    assert [one.text for one in (HIGHER, ALARMED, LOWER, BAND)] == [
        "≥ 45", "≥ 45 (≥ 30)", "≤ 20", "50 … 80 (40 … 90)"]  # fmt: skip


# Formulas


@pytest.mark.parametrize(("text", "values", "expected"), [
    ("ratio(a, b)", {"a": 6.0, "b": 4.0}, 1.5),
    ("share(a,b)", {"a": 1.0, "b": 4.0}, 25.0),
    ("difference(a, b)", {"a": 1.0, "b": 4.0}, -3.0),
    ("sum(a, b, a)", {"a": 1.0, "b": 4.0}, 6.0),
    ("mean(a, b)", {"a": 1.0, "b": 4.0}, 2.5),
    ("share(sum(a, b), sum(a, b, c.d-e))", {"a": 1.0, "b": 1.0, "c.d-e": 2.0}, 50.0),
    ("ratio(a, b)", {"a": 6.0, "b": 0.0}, None),  # nothing to divide by
    ("ratio(a, b)", {"a": 6.0}, None),  # a part is missing
    ("sum(a, b)", {"a": 1.7e308, "b": 1.7e308}, None),  # past all numbers
])  # fmt: skip
def test_a_formula_is_reckoned_from_its_parts(text: str, values: dict[str, float], expected: float | None) -> None:
    assert formulas.value(formulas.parse(text), values) == expected


@pytest.mark.parametrize(("text", "place"), [
    ("", "at character 1"),
    ("a", "begin with"),
    ("ratio(a)", "at character 1"),
    ("ratio(a, b, c)", "at character 1"),
    ("ratio(a, b", "at character 11"),
    ("ratio(a, b))", "at character 12"),
    ("ratio(a, )", "at character 10"),
    ("power(a, b)", "at character 1"),
    ("ratio(a, power(b, c))", "at character 10"),
    ("ratio(a, b) + 1", "at character 13"),
    ("__import__('os').system('id')", "at character 1"),
    ("sum(a, (b))", "at character 8"),
    ("ratio(a;b)", "at character 8"),
    ("ｒatio(a, b)", "at character 1"),
    ("mean(" * 7 + "a" + ", b)" * 7, "at character 26"),
    ("sum(" + ", ".join(["a"] * 21) + ")", "at character 1"),
    ("sum(a, b)" + " " * 1000, "at most"),
])  # fmt: skip
def test_what_no_formula_is_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(Invalid) as told:
        formulas.parse(text)

    assert told.value.code == "formula.invalid"
    assert place in told.value.detail


keys = st.sampled_from(["a", "b", "c", "d.e", "f-g"])


def made(below: st.SearchStrategy[formulas.Formula]) -> st.SearchStrategy[formulas.Formula]:
    """Draw an operation over what is below it."""
    two = st.tuples(st.sampled_from(["ratio", "share", "difference"]), st.lists(below, min_size=2, max_size=2))
    more = st.tuples(st.sampled_from(["sum", "mean"]), st.lists(below, min_size=2, max_size=4))
    return st.one_of(two, more).map(lambda drawn: {"op": drawn[0], "of": drawn[1]})


trees = st.recursive(keys, made, max_leaves=5).filter(lambda drawn: isinstance(drawn, dict))
SAME = {"ratio": operator.truediv, "difference": operator.sub, "sum": lambda *n: sum(n),
        "mean": lambda *n: sum(n) / len(n), "share": lambda a, b: a * 100 / b}  # fmt: skip


def reckoned(tree: formulas.Formula, values: dict[str, float]) -> float:
    """Return a formula's value by Python's own operators; whatever cannot be reckoned raises."""
    if isinstance(tree, str):
        return values[tree]
    return float(SAME[tree["op"]](*(reckoned(one, values) for one in tree["of"])))  # type: ignore[operator]


@given(trees, st.dictionaries(keys, number, min_size=5))
def test_any_formula_reads_back_as_it_was_written_and_gives_what_python_gives(
    tree: formulas.Formula, values: dict[str, float]
) -> None:
    assert formulas.parse(formulas.shown(tree)) == tree
    assert formulas.stored(formulas.canonical(tree)) == json.loads(json.dumps(tree))
    try:
        expected: float | None = reckoned(tree, values)
    except ZeroDivisionError:
        expected = None

    assert formulas.value(tree, values) == expected


def test_points_that_need_one_another_are_found_and_others_ordered() -> None:
    made = {"x": formulas.parse("sum(y, a)"), "y": formulas.parse("mean(b, z)"), "z": formulas.parse("sum(a, b)")}

    assert formulas.circle(made) is None
    assert formulas.ordered(made) == ["z", "y", "x"]
    assert formulas.circle(made | {"z": formulas.parse("sum(x, b)")}) == ["x", "y", "z", "x"]
    assert formulas.circle({"x": formulas.parse("sum(x, a)")}) == ["x", "x"]


@pytest.mark.parametrize(("cadence", "day", "first", "last"), [
    ("weekly", "2026-11-29", "2026-11-23", "2026-11-29"),  # a Sunday
    ("half-month", "2026-02-15", "2026-02-01", "2026-02-15"),
    ("half-month", "2026-02-16", "2026-02-16", "2026-02-28"),
    ("monthly", "2028-02-10", "2028-02-01", "2028-02-29"),
    ("quarterly", "2026-12-31", "2026-10-01", "2026-12-31"),
    ("semester", "2026-02-01", "2026-02-01", "2026-07-31"),
    ("semester", "2026-01-31", "2025-08-01", "2026-01-31"),
    ("semester", "2026-08-01", "2026-08-01", "2027-01-31"),
    ("yearly", "2026-05-05", "2026-01-01", "2026-12-31"),
])  # fmt: skip
def test_parts_belong_together_within_a_period(cadence: str, day: str, first: str, last: str) -> None:
    found = formulas.period(cadence, dt.date.fromisoformat(day))

    assert found is not None
    assert tuple(one.isoformat() for one in found) == (first, last)


def test_periods_follow_one_another_without_gap_or_overlap() -> None:
    for cadence in ("weekly", "half-month", "monthly", "quarterly", "semester", "yearly"):
        day, spans = dt.date(2024, 1, 1), []
        while day < dt.date(2030, 1, 1):
            span = formulas.period(cadence, day)
            assert span is not None and span[0] <= day <= span[1]
            spans.append(span)
            day += dt.timedelta(days=1)
        for before, after in itertools.pairwise(dict.fromkeys(spans)):
            assert before[1] + dt.timedelta(days=1) == after[0]
    assert formulas.period("real-time", dt.date(2026, 1, 1)) is None
