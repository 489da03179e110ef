"""Statistics against published examples, and against counts made another way.

- NIST/SEMATECH e-Handbook 6.3.2.2 (individuals, flow of ten batches) and 6.3.3.2 (proportions, thirty wafers).
- Montgomery, Introduction to Statistical Quality Control: piston rings (2nd edition, pp. 206-213; the data set
  `pistonrings` of R's qcc), purchase orders (table 7.4), dyed cloth (table 7.10), factors (appendix VI).
- NIST/SEMATECH e-Handbook 6.1.6 (capability: limits 8 and 20, mean 16, standard deviation 2).
"""

import math
import statistics
from collections.abc import Sequence
from itertools import groupby, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qaflow.engine.statistics import capability, constants, control_charts, frequencies, rules, samples, strata
from qaflow.engine.statistics.rules import NELSON, WESTERN_ELECTRIC, Finding

FLOW = (49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1)
WAFERS = (12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6)
ORDERS = (
    (12, 100), (8, 80), (6, 80), (9, 100), (10, 110), (12, 110), (11, 100), (16, 100), (10, 90), (6, 90), (20, 110),
    (15, 120), (9, 120), (8, 120), (6, 110), (8, 80), (10, 80), (7, 80), (5, 90), (8, 100), (5, 100), (8, 100),
    (10, 100), (6, 90), (9, 90),
)  # fmt: skip
CLOTH = ((14, 10.0), (12, 8.0), (20, 13.0), (11, 10.0), (7, 9.5), (10, 10.0), (21, 12.0), (16, 10.5), (19, 12.0),
         (23, 12.5))  # fmt: skip
RINGS = tuple(tuple(74 + int(sign) / 1000 for sign in line.split()) for line in """\
30 2 19 -8 8|-5 -8 1 11 4|-12 24 21 5 2|2 -4 -7 15 9|-8 7 15 -11 14|9 -6 -3 -15 -7|-5 6 -6 0 5|-15 3 -7 15 -12
8 -5 9 5 4|-2 0 -10 7 -5|-6 -2 -6 -5 -10|4 0 7 0 -4|-17 2 -2 -3 12|6 -33 -6 0 -16|12 14 -2 -1 7|0 -16 5 -2 -4
-6 12 -14 5 7|6 10 18 3 0|-16 2 3 5 -3|0 10 13 20 3|-12 1 9 5 -4|4 -1 -10 6 9|10 -11 -10 9 14|15 8 -7 0 10
-18 -16 -5 17 13""".replace("\n", "|").split("|"))  # fmt: skip
"""Inside diameters of 25 samples of five rings, as thousandths of a millimetre from 74 mm."""
AFTER = tuple(tuple(74 + int(sign) / 1000 for sign in line.split()) for line in """\
12 15 30 -14 0|-5 10 -10 15 1|-13 -1 -15 0 -10|8 10 3 -9 6|3 0 1 -14 -3|-6 3 15 20 4|8 2 18 -5 5|1 4 -10 -4 -2
15 0 16 25 0|30 5 0 16 12|1 -10 -5 10 24|15 20 24 5 19|35 10 12 15 26|17 13 36 25 26|10 5 29 0 20\
""".replace("\n", "|").split("|"))  # fmt: skip
"""Samples 26 to 40, judged by the limits of the first 25."""
VALUE = st.floats(-1e6, 1e6, allow_nan=False)
Z = st.lists(st.one_of(st.sampled_from([-3.5, -2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 3.5]),
                       st.floats(-4, 4)), max_size=40)  # fmt: skip


def near(value: float, places: int) -> float:
    """Return a value as a book prints it."""
    return round(value, places)


def test_the_flow_of_ten_batches_has_the_limits_that_nist_prints() -> None:
    level, ranges = control_charts.individuals(FLOW)

    assert (near(level.centre[0], 2), near(level.upper[0], 4), near(level.lower[0], 4)) == (50.81, 55.8041, 45.8159)
    assert (near(ranges.centre[0], 4), ranges.lower[0]) == (1.8778, 0.0)
    assert ranges.upper[0] == pytest.approx(6.1349, abs=2e-4)
    assert rules.findings(level) == rules.findings(ranges) == ()


def test_the_piston_rings_have_the_limits_that_are_printed() -> None:
    level, ranges = control_charts.means_and_ranges(RINGS)

    assert (near(level.centre[0], 5), near(level.lower[0], 5), near(level.upper[0], 4)) == (74.00118, 73.98805, 74.0143)
    assert (near(ranges.centre[0], 5), ranges.lower[0], near(ranges.upper[0], 4)) == (0.02276, 0.0, 0.0481)
    assert rules.findings(level, WESTERN_ELECTRIC[:1]) == ()


def test_the_later_piston_rings_leave_the_limits_where_the_book_says_so() -> None:
    level, _ = control_charts.means_and_ranges(RINGS)
    z = [(samples.mean(group) - level.centre[0]) / level.sigma[0] for group in (*RINGS, *AFTER)]

    beyond = [one.at + 1 for one in rules.judged(z, NELSON[:1])]

    assert beyond == [37, 38, 39]
    assert 40 in [one.at + 1 for one in rules.judged(z, WESTERN_ELECTRIC[1:3])]


def test_thirty_wafers_have_the_limits_that_nist_prints() -> None:
    found = control_charts.proportions([(many, 50) for many in WAFERS])

    assert (near(found.centre[0], 4), near(found.lower[0], 4)) == (0.2313, 0.0524)
    assert found.upper[0] == pytest.approx(0.4103, abs=1e-4)
    assert [one.at + 1 for one in rules.findings(found, NELSON[:1])] == [15, 23]


def test_purchase_orders_have_a_limit_for_each_size_of_sample() -> None:
    found = control_charts.proportions(ORDERS)

    by_size = {size: (near(low, 3), near(up, 3)) for (_, size), low, up in
               zip(ORDERS, found.lower, found.upper, strict=True)}  # fmt: skip
    assert near(found.centre[0], 3) == 0.096
    assert by_size[100] == (0.007, 0.184) and by_size[80] == (0.0, 0.194)
    assert [one.at + 1 for one in rules.findings(found, WESTERN_ELECTRIC[:1])] == [11]


def test_dyed_cloth_has_a_limit_for_each_length_of_a_roll() -> None:
    found = control_charts.per_unit(CLOTH)

    assert near(found.centre[0], 2) == 1.42
    assert found.lower[:3] == pytest.approx((0.29, 0.16, 0.43), abs=0.01)
    assert found.upper[:3] == pytest.approx((2.55, 2.68, 2.41), abs=0.01)  # the book goes on from the rounded centre
    assert rules.findings(found, NELSON[:1]) == ()


def test_capability_is_what_nist_works_out() -> None:
    cp, cpk = capability.indices(16, 2, 8, 20)

    assert (cp, near(cpk or 0, 4)) == (1.0, 0.6667)


def test_the_rings_capability_is_what_their_book_and_qcc_say() -> None:
    level, _ = control_charts.means_and_ranges(RINGS)
    sigma = level.sigma[0] * math.sqrt(5)

    cp, cpk = capability.indices(level.centre[0], sigma, 73.95, 74.05)

    assert (near(cp or 0, 2), near(cpk or 0, 2)) == (1.70, 1.66)


def test_factors_are_those_that_the_book_prints() -> None:
    printed = {2: (1.880, 0, 3.267), 3: (1.023, 0, 2.574), 5: (0.577, 0, 2.114), 7: (0.419, 0.076, 1.924),
               10: (0.308, 0.223, 1.777), 25: (0.153, 0.459, 1.541)}  # fmt: skip

    for size, (a2, lower, upper) in printed.items():
        assert constants.a2(size) == pytest.approx(a2, abs=1e-3)
        assert constants.lower_range(size) == pytest.approx(lower, abs=2e-3)
        assert constants.upper_range(size) == pytest.approx(upper, abs=2e-3)


@pytest.mark.parametrize("size", range(2, 26))
def test_the_mean_range_and_its_spread_follow_from_the_normal_distribution(size: int) -> None:
    """By integration: E(R) = ∫ 1 - Φ^n - (1 - Φ)^n, and E(R²) over pairs of bounds."""
    step = 0.05
    grid = [-7 + step * n for n in range(281)]
    below = [statistics.NormalDist().cdf(x) for x in grid]
    first = sum(1 - p**size - (1 - p) ** size for p in below) * step
    second = 0.0
    for a, p in enumerate(below):
        second += sum(1 - q**size - (1 - p) ** size + (q - p) ** size for q in below[a + 1 :]) * step * step * 2
        second += (1 - p**size - (1 - p) ** size) * step * step

    assert first == pytest.approx(constants.d2(size), abs=1e-3)
    spread = math.sqrt(second - first**2)
    assert spread == pytest.approx(constants.d3(size), abs=2e-3)
    assert constants.lower_range(size) == pytest.approx(max(0, 1 - 3 * spread / first), abs=2e-3)
    assert constants.upper_range(size) == pytest.approx(1 + 3 * spread / first, abs=2e-3)


def test_no_factor_is_given_for_a_size_that_has_none() -> None:
    for size in (1, 26):
        with pytest.raises(ValueError, match=f"subgroup size {size}"):
            constants.d2(size)


def by_hand(name: str, z: Sequence[float]) -> list[int]:
    """Return where a rule fires, told from the end of each pattern, another way than the program tells it."""
    many = {"WE4": 8, "N2": 9}
    zones = {"WE2": (3, 2, 2.0), "N5": (3, 2, 2.0), "WE3": (5, 4, 1.0), "N6": (5, 4, 1.0)}
    found = []
    for n in range(len(z)):
        if name in ("WE1", "N1"):
            fires = not -3 <= z[n] <= 3
        elif name in many:
            run = [key for key, group in groupby(z[: n + 1], key=lambda v: (v > 0) - (v < 0)) for _ in group]
            fires = n + 1 >= many[name] and len(set(run[-many[name] :])) == 1 and run[-1] != 0
        elif name in zones:
            last, enough, sigma = zones[name]
            part = z[max(0, n + 1 - last) : n + 1]
            fires = n + 1 >= last and ((z[n] > sigma and sum(v > sigma for v in part) >= enough)
                                       or (z[n] < -sigma and sum(v < -sigma for v in part) >= enough))  # fmt: skip
        elif name == "N3":
            part = list(z[n - 5 : n + 1]) if n >= 5 else []
            fires = bool(part) and len(set(part)) == 6 and part in (sorted(part), sorted(part, reverse=True))
        elif name == "N4":
            part = list(z[n - 13 : n + 1]) if n >= 13 else []
            peaks = [part[k - 1] < part[k] > part[k + 1] or part[k - 1] > part[k] < part[k + 1]
                     for k in range(1, len(part) - 1)]  # fmt: skip
            fires = bool(part) and all(peaks)
        elif name == "N7":
            fires = n >= 14 and max(abs(v) for v in z[n - 14 : n + 1]) < 1
        else:
            part = list(z[n - 7 : n + 1]) if n >= 7 else []
            fires = bool(part) and min(map(abs, part)) > 1 and {v > 0 for v in part} == {True, False}
        found += [n] if fires else []
    return found


@pytest.mark.parametrize("rule", [*WESTERN_ELECTRIC, *NELSON], ids=lambda rule: rule.name)
@given(z=Z)
@example(z=[0.5] * 9)
@example(z=[float(n) / 10 for n in range(8)])
@example(z=[0.5, -0.5] * 10)
@example(z=[1.5, -1.5] * 5)
@example(z=[0.2, 2.5, 0.1, 2.5, -2.5, 2.5])
def test_a_rule_fires_where_a_count_by_hand_says_so(rule: rules.Rule, z: list[float]) -> None:
    found = rules.judged(z, (rule,))

    assert [one.at for one in found] == by_hand(rule.name, z)
    assert all(one.points == tuple(range(one.at - rule.points + 1, one.at + 1)) for one in found)


def test_each_rule_is_met_by_its_own_pattern_alone() -> None:
    patterns = {
        "N1": [3.2], "N2": [0.1, 0.9] * 4 + [0.5], "N3": [-0.9, -0.6, -0.3, 0.3, 0.6, 0.9],
        "N4": [0.5, -0.5] * 7, "N5": [2.1, -0.5, 2.2], "N6": [1.2, 1.3, -0.2, 1.4, 1.1],
        "N7": [0.4, 0.6, -0.5] * 5, "N8": [1.2, -1.3, -1.2, 1.4, -1.5, -1.1, 1.3, -1.6],
    }  # fmt: skip

    for name, z in patterns.items():
        assert [one.rule for one in rules.judged(z, NELSON) if one.at == len(z) - 1] == [name], name


def test_a_point_on_its_limit_is_within() -> None:
    found = control_charts.Panel(kind="I", values=(0.3,), centre=(0.0,), lower=(-0.3,), upper=(0.3,), sigma=(0.1,))

    assert rules.findings(found) == ()


def test_of_ranges_only_the_limits_are_judged() -> None:
    values = [10.0, 10.1, 10.0, 10.1] * 6 + [14.0]
    _, ranges = control_charts.individuals(values)

    assert {(one.rule, one.at) for one in rules.findings(ranges)} == {("WE1", 23), ("N1", 23)}


@given(st.lists(VALUE, min_size=2, max_size=30))
def test_individuals_limits_lie_evenly_round_the_mean(values: list[float]) -> None:
    level, ranges = control_charts.individuals(values)

    assert len(level.values) == len(values) == len(ranges.values) + 1
    assert level.upper[0] - level.centre[0] == pytest.approx(level.centre[0] - level.lower[0], abs=1e-6)
    assert ranges.centre[0] == pytest.approx(statistics.fmean(ranges.values), abs=1e-6)


@given(st.integers(2, 10), st.data())
def test_subgroups_of_one_size_have_the_limits_of_the_tabulated_factors(size: int, data: st.DataObject) -> None:
    one = st.lists(st.floats(-100, 100), min_size=size, max_size=size)
    groups = data.draw(st.lists(one, min_size=2, max_size=8))
    level, ranges = control_charts.means_and_ranges(groups)
    mean_range = statistics.fmean(max(g) - min(g) for g in groups)

    assert level.upper[0] - level.centre[0] == pytest.approx(constants.a2(size) * mean_range, abs=1e-6)
    assert ranges.upper[0] == pytest.approx(constants.upper_range(size) * mean_range, abs=1e-6)
    assert ranges.lower[0] == pytest.approx(constants.lower_range(size) * mean_range, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 500)), min_size=2, max_size=20))
def test_proportions_stay_between_none_and_all(given_: list[tuple[int, int]]) -> None:
    found = control_charts.proportions(given_)

    assert all(0 <= low <= c <= up <= 1 for low, c, up in zip(found.lower, found.centre, found.upper, strict=True))


@pytest.mark.parametrize("make", [
    lambda: control_charts.individuals([1.0]), lambda: control_charts.means_and_ranges([[1.0, 2.0]]),
    lambda: control_charts.proportions([(1, 10)]), lambda: control_charts.per_unit([(1, 0), (2, 1)]),
])  # fmt: skip
def test_too_little_gives_no_limits(make: object) -> None:
    with pytest.raises(ValueError, match="at least"):
        make()  # type: ignore[operator]


@given(st.lists(VALUE, min_size=1, max_size=200))
@example([0.1 + 0.2, 0.3])
@example([1e-300, 2e-300])
@example([5.0] * 7)
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    bins = frequencies.histogram(values)

    assert sum(one.many for one in bins) == len(values)
    assert bins[0].low <= min(values) and max(values) <= bins[-1].high
    assert all(a.high == b.low for a, b in pairwise(bins))
    for one in bins[:-1]:
        assert one.many == sum(one.low <= value < one.high for value in values)


def test_a_histogram_has_about_as_many_bins_as_sturges_asks() -> None:
    bins = frequencies.histogram([float(n) for n in range(100)])

    assert frequencies.wanted(100) == 8
    assert [(one.low, one.high) for one in bins] == [(20.0 * n, 20.0 * (n + 1)) for n in range(5)]


@given(st.lists(VALUE, min_size=2, max_size=50), st.floats(0, 1))
def test_samples_are_told_as_the_standard_library_tells_them(values: list[float], share: float) -> None:
    found = samples.summary(values)

    assert found.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert found.sd == pytest.approx(statistics.stdev(values), abs=1e-3)
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    assert (found.lower, found.median, found.upper) == pytest.approx((lower, median, upper), abs=1e-6)
    assert min(values) <= samples.quantile(values, share) <= max(values)


@given(st.dictionaries(st.text(max_size=3), st.lists(st.floats(-1e3, 1e3), max_size=12), max_size=6))
def test_the_spread_between_and_within_is_the_whole_spread(values: dict[str, list[float]]) -> None:
    found = strata.compared(values)
    kept = [value for group in values.values() if len(group) >= 5 for value in group]

    assert [name for name, _ in found.groups] == [name for name, group in values.items() if len(group) >= 5]
    assert found.n == len(kept)
    whole = sum((value - statistics.fmean(kept)) ** 2 for value in kept) if kept else 0.0
    assert found.between + found.within == pytest.approx(whole, abs=1e-3)
    assert found.share is None or 0 <= found.share <= 1


def test_a_group_of_four_is_neither_shown_nor_counted() -> None:
    with_four = strata.compared({"a": [1.0, 2, 3, 4, 5], "b": [90.0] * 4, "c": []})
    without = strata.compared({"a": [1.0, 2, 3, 4, 5]})

    assert with_four.hidden == 1
    assert (with_four.n, with_four.mean, with_four.groups) == (without.n, without.mean, without.groups)


def test_one_way_analysis_of_three_groups_by_hand() -> None:
    """Means 3, 8, 13 about 8: 5·25 + 0 + 5·25 between, 3·10 within."""
    found = strata.compared({"a": [1, 2, 3, 4, 5], "b": [6, 7, 8, 9, 10], "c": [11, 12, 13, 14, 15]})

    assert (found.between, found.within, found.share) == (250.0, 30.0, 250 / 280)


def test_capability_of_readings_needs_ten_and_a_limit() -> None:
    assert capability.capability(FLOW[:9], 45, 55) is None
    assert capability.capability(FLOW, None, None) is None
    found = capability.capability(FLOW, 45, None)

    assert found is not None and found.cp is None and found.pp is None
    assert found.cpk == pytest.approx((50.81 - 45) / (3 * 1.8777777 / 1.128), abs=1e-4)
    assert found.ppk == pytest.approx((50.81 - 45) / (3 * statistics.stdev(FLOW)), abs=1e-9)


def test_findings_name_their_rule_and_the_whole_pattern() -> None:
    panel = control_charts.Panel(kind="I", values=(2.5, 0.0, 2.5), centre=(0.0,) * 3, lower=(-3.0,) * 3,
                                 upper=(3.0,) * 3, sigma=(1.0,) * 3)  # fmt: skip

    assert rules.findings(panel) == (Finding("WE2", 2, (0, 1, 2)), Finding("N5", 2, (0, 1, 2)))
