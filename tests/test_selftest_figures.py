"""The arithmetic of self-tests: means of grades, and that no shown means add up to a group of fewer than five."""

from fractions import Fraction
from itertools import combinations

import asking
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from qaflow.engine import selftest
from qaflow.engine.selftest import FEWEST, Group

FORM = asking.form(dimensions=3, elements=2, questions=3)
KEYS = [place.question.key for place in FORM.places]
ANSWERS = some.dictionaries(some.sampled_from(KEYS), some.integers(1, 5))


@given(ANSWERS)
def test_an_element_s_score_is_the_mean_of_its_grades_and_a_dimension_s_the_mean_of_its_elements(
    answers: dict[str, int],
) -> None:
    found = selftest.scores(FORM, answers)
    dimensions = selftest.by_dimension(FORM, found)

    for dimension in "abc":
        means = []
        for element in (f"{dimension}1", f"{dimension}2"):
            grades = [grade for key, grade in answers.items() if key.startswith(element)]
            assert (element in found) == bool(grades)
            if grades:
                means.append(Fraction(sum(grades), len(grades)))
                assert found[element] == pytest.approx(float(means[-1]))
        assert (dimension in dimensions) == bool(means)
        if means:
            assert dimensions[dimension] == pytest.approx(float(sum(means) / len(means)))
    assert len(selftest.missing(FORM, answers)) == len(KEYS) - len(answers)


@given(some.lists(ANSWERS, min_size=1, max_size=8))
def test_a_group_s_mean_lies_within_its_members_and_is_theirs_where_all_answer_alike(
    all_of: list[dict[str, int]],
) -> None:
    scored = [selftest.scores(FORM, answers) for answers in all_of]

    found = selftest.mean(scored)

    for key, value in found.items():
        own = [one[key] for one in scored if key in one]
        assert min(own) - 1e-9 <= value <= max(own) + 1e-9
    assert selftest.mean([scored[0]] * 3) == pytest.approx(scored[0])


def test_an_element_is_weak_below_the_limit_and_not_at_it() -> None:
    found = selftest.weak(FORM, {"a1": 2.99, "a2": 3.0, "b1": 3.01})

    assert [element.key for element in found] == ["a1"]


def test_the_rate_of_nobody_asked_is_unknown_not_nought() -> None:
    assert (selftest.rate(0, 0), selftest.rate(3, 4), selftest.rate(0, 4)) == (None, 0.75, 0.0)


@some.composite
def trees(draw: some.DrawFn) -> list[Group]:
    """Draw units within units, each with how many of its own people handed in, all within it counted."""
    above: list[int | None] = [None]
    own = [draw(some.integers(0, 7))]
    for key in range(1, draw(some.integers(1, 8))):
        above.append(draw(some.integers(0, key - 1)))
        own.append(draw(some.integers(0, 12)))
    many = list(own)
    for key in range(len(own) - 1, 0, -1):
        many[above[key] or 0] += many[key]
    return [Group(key, above[key], many[key]) for key in range(len(own))]


def people(groups: list[Group]) -> dict[int, frozenset[tuple[int, int]]]:
    """Return who is in each group, as the tree says."""
    sets: dict[int, frozenset[tuple[int, int]]] = {}
    for group in reversed(groups):
        inner = [one for one in groups if one.above == group.key]
        within = frozenset().union(*(sets[one.key] for one in inner)) if inner else frozenset()
        own = group.many - sum(one.many for one in inner)
        sets[group.key] = within | {(group.key, n) for n in range(own)}
    return sets


def derivable(shown: set[frozenset[tuple[int, int]]]) -> set[frozenset[tuple[int, int]]]:
    """Return the sets whose sum follows from shown ones: what is left of one within another, again and again."""
    found = set(shown)
    while True:
        new = {a - b for a, b in combinations(sorted(found, key=len, reverse=True), 2) if b < a} - found - {frozenset()}
        if not new:
            return found
        found |= new


@settings(deadline=None)  # what can be derived grows fast, and other processes share the machine
@given(trees())
def test_from_the_shown_means_none_of_fewer_than_five_people_can_be_reckoned(groups: list[Group]) -> None:
    sets = people(groups)

    shown = selftest.showable(groups)

    for one in derivable({sets[key] for key in shown}):
        assert len(one) >= FEWEST


@settings(deadline=None)  # what can be derived grows fast, and other processes share the machine
@given(trees())
def test_what_gives_nobody_away_is_shown(groups: list[Group]) -> None:
    sets = people(groups)
    all_of = {sets[group.key] for group in groups}

    if all(len(one) >= FEWEST for one in derivable(all_of - {frozenset()})):
        assert selftest.showable(groups) == {group.key for group in groups if group.many}


CASES = [
    # one class of four: hidden, and nothing else is there
    ([Group(1, None, 4)], set()),
    # the college and its only class are the same people
    ([Group(1, None, 9), Group(2, 1, 9)], {1, 2}),
    # a class of three beside one of thirty: shown beside the college's, the thirty's mean would give the three away
    ([Group(1, None, 33), Group(2, 1, 30), Group(3, 1, 3)], {1}),
    # two small classes are five together
    ([Group(1, None, 35), Group(2, 1, 30), Group(3, 1, 3), Group(4, 1, 2)], {1, 2}),
    # the smaller of two is hidden, not the larger
    ([Group(1, None, 23), Group(2, 1, 12), Group(3, 1, 9), Group(4, 1, 2)], {1, 2}),
    # nobody handed in
    ([Group(1, None, 0)], set()),
]


@pytest.mark.parametrize(("groups", "expected"), CASES)
def test_the_smallest_group_that_must_be_is_hidden(groups: list[Group], expected: set[int]) -> None:
    assert selftest.showable(groups) == expected


def test_a_member_sees_a_mean_of_five_others_at_least() -> None:
    """Of a class of six a member knows one, of a class of five too: then four would be left."""
    assert selftest.told_to_member(6)
    assert not selftest.told_to_member(5)
