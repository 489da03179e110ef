"""Which points are asked, whom they concern and how far they are answered, held to independent arithmetic."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaflow.engine.diagnosis import DEGREES, Part, Whose, asked, concerning, tally, total

POINTS = ("1.1.1", "1.1.2", "2.1.1", "2.1.2")
FRAME = (
    Part("1", "item", None, units=False),
    Part("1.1", "element", "1"),
    Part("1.1.1", "point", "1.1"),
    Part("1.1.2", "point", "1.1", "*"),
    Part("2", "item", None),
    Part("2.1", "element", "2"),
    Part("2.1.1", "point", "2.1", "**"),
    Part("2.1.2", "point", "2.1"),
)


@pytest.mark.parametrize(
    ("kind", "points"),
    [("new", ("1.1.1", "2.1.2")), ("ordinary", ("1.1.1", "1.1.2", "2.1.2")), ("demonstration", POINTS)],
)
def test_stars_leave_points_out_by_the_kind_of_college(kind: str, points: tuple[str, ...]) -> None:
    assert asked(FRAME, kind) == points


@pytest.mark.parametrize(("code", "left"), [("1.1.2", 3), ("2.1", 2), ("1", 2)])
def test_what_is_dropped_takes_all_below_it_along(code: str, left: int) -> None:
    dropped = [part._replace(dropped=True) if part.code == code else part for part in FRAME]

    assert len(asked(dropped, "demonstration")) == left


@pytest.mark.parametrize(
    ("whose", "points"),
    [
        (Whose("college", "root"), POINTS),
        (Whose("teaching", "code"), ("2.1.1", "2.1.2")),  # items for teaching units, whatever tasks say
        (Whose("functional", "dean"), ("1.1.1", "2.1.2")),  # points with a task of its own
        (Whose("functional", "bare"), ()),
    ],
)
def test_points_concern_the_school_units_by_item_and_departments_by_task(whose: Whose, points: tuple[str, ...]) -> None:
    tasks = {"1.1.1": {"dean", "code"}, "2.1.2": {"dean"}, "1.1.2": {"code"}}

    assert concerning(FRAME, POINTS, whose, tasks) == points


def test_a_frame_whose_tasks_name_nobody_concerns_everybody() -> None:
    assert concerning(FRAME, POINTS, Whose("functional", "bare"), {"1.1.1": ()}) == POINTS


def test_a_point_s_own_departments_count_as_those_of_its_tasks() -> None:
    own = [part._replace(departments=("bare",)) if part.code == "2.1.1" else part for part in FRAME]

    assert concerning(own, POINTS, Whose("functional", "bare"), {}) == ("2.1.1",)


codes = st.sampled_from([f"1.1.{n}" for n in range(1, 9)])
diagnoses = st.lists(
    st.tuples(st.lists(codes, unique=True), st.dictionaries(codes, st.sampled_from(DEGREES))), max_size=6
)


@given(diagnoses)
def test_coverage_counts_each_asked_point_once_by_its_degree(found: list[tuple[list[str], dict[str, str]]]) -> None:
    whole = total(tally(points, answers) for points, answers in found)

    pairs = [answers.get(code) for points, answers in found for code in points]  # one by one, as a clerk would
    assert whole.asked == len(pairs)
    assert whole.missing == pairs.count(None)
    assert Counter(whole.degrees) == Counter(one for one in pairs if one is not None)
    assert whole.answered + whole.missing == whole.asked
    assert (whole.percent == 100) == (bool(pairs) and None not in pairs)


@given(st.lists(codes, unique=True), st.dictionaries(codes, st.sampled_from(DEGREES)), codes, st.sampled_from(DEGREES))
def test_one_more_answer_raises_coverage_by_one_or_changes_a_degree(
    points: list[str], answers: dict[str, str], code: str, degree: str
) -> None:
    before, after = tally(points, answers), tally(points, answers | {code: degree})

    assert after.answered - before.answered == int(code in points and code not in answers)
    assert after.degrees.get(degree, 0) >= int(code in points)
