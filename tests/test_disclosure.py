"""What means give away: an independent reader who knows what they see tries every difference of what is told."""

import datetime as dt
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from qaflow.engine import disclosure, effects
from qaflow.engine.disclosure import FEWEST, Part
from qaflow.engine.effects import LONGEST

VALUES = st.floats(-1e6, 1e6, allow_nan=False)
PERSON = st.tuples(VALUES, st.booleans())  # (value, seen by the reader)
GROUP = st.lists(PERSON, max_size=14)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def part(group: list[tuple[float, bool]]) -> Part:
    """Return a group as it is counted."""
    return Part(len(group), sum(value for value, _ in group), sum(not seen for _, seen in group))


def left(told: list[list[int]], seen: set[int]) -> list[set[int]]:
    """Return what a reader is left with after each subtraction of what is told from what is told, and what they see."""
    sets = [set(one) for one in told]
    found = [one - seen for one in sets]
    for first, second in combinations(sets, 2):
        if first <= second or second <= first:
            found.append((first ^ second) - seen)
    return found


@given(GROUP, GROUP)
def test_no_difference_of_nested_means_leaves_one_to_four_unseen(inner: list[tuple[float, bool]],
                                                                 rest: list[tuple[float, bool]]) -> None:  # fmt: skip
    near, far = disclosure.nested(part(inner), part(rest))

    people = inner + rest
    told = [list(range(len(inner)))] if near else []
    told += [list(range(len(people)))] if far else []
    seen = {n for n, (_, known) in enumerate(people) if known}
    assert all(not one or len(one) >= FEWEST for one in left(told, seen))
    for mean, group in ((near, inner), (far, people)):
        if mean:
            assert mean.many == len(group) >= FEWEST
            assert abs(mean.value - sum(v for v, _ in group) / len(group)) <= 1e-6 * (1 + abs(mean.value))


@given(st.lists(GROUP, max_size=5))
def test_no_total_beside_groups_leaves_one_to_four_unseen(groups: list[list[tuple[float, bool]]]) -> None:
    means, whole = disclosure.beside(map(part, groups))

    for mean, group in zip(means, groups, strict=True):
        hidden = sum(not seen for _, seen in group)
        assert (mean is not None) == (len(group) >= FEWEST and (hidden == 0 or hidden >= FEWEST))
    if whole:
        untold = sum(not seen for mean, group in zip(means, groups, strict=True) if mean is None for _, seen in group)
        assert untold == 0 or untold >= FEWEST


def test_groups_of_enough_are_told_and_smaller_ones_are_not() -> None:
    five, four = Part(5, 10.0, 5), Part(4, 8.0, 4)

    assert disclosure.nested(five, five) == ((2.0, 5), (2.0, 10))
    assert disclosure.nested(four, five) == (None, (2.0, 9))
    assert disclosure.nested(five, four) == ((2.0, 5), None)  # the rest would be told by subtraction
    assert disclosure.nested(Part(6, 12.0, 4), Part()) == (None, None)  # the reader knows two of six
    assert disclosure.nested(Part(5, 10.0, 0), Part()) == ((2.0, 5), None)
    assert disclosure.beside([five, four]) == ([(2.0, 5), None], None)
    assert disclosure.beside([five, five]) == ([(2.0, 5), (2.0, 5)], (2.0, 10))


@given(st.lists(st.tuples(st.integers(-200, 200), VALUES), max_size=30), st.integers(-150, 0))
def test_as_many_days_are_looked_at_before_a_measure_as_after(readings: list[tuple[int, float]], day: int) -> None:
    at = NOW + dt.timedelta(days=day)
    found = effects.around([(NOW + dt.timedelta(days=d), v) for d, v in readings], at, NOW)

    span = min(LONGEST.days, -day)
    before = [v for d, v in readings if day - span <= d < day]
    after = [v for d, v in readings if day <= d < day + span]
    assert found.days == span
    counted = [mean.many if mean else 0 for mean in (found.before, found.after)]
    assert counted == [len(before), len(after)]
    if before and after:
        assert found.change is not None
        wanted = sum(after) / len(after) - sum(before) / len(before)
        assert abs(found.change - wanted) <= 1e-6 * (1 + abs(wanted))
    else:
        assert found.change is None
