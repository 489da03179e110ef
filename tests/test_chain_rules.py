"""The rules of the chains by themselves: attainment, roll-up, findings, years; each against an oracle of its own."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaflow.engine.chain_findings import (
    MOST_KEY,
    Goal,
    Match,
    Read,
    compare,
    conflicts,
    findings,
    overloads,
    smart,
    unreachable,
)
from qaflow.engine.chains import Node, Pool, Rolled, attainment, closes_circle, open_links, rollup, top_down

WORKED = Path(__file__).parent / "worked" / "rollup.csv"
TODAY = date(2026, 3, 1)
DAY = timedelta(days=1)


def worked() -> list[dict[str, str]]:
    """Return the sheet that was worked by hand."""
    with WORKED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    """Return a cell's number."""
    return float(text) if text else None


def test_the_roll_up_gives_the_figures_of_the_sheet_worked_by_hand() -> None:
    rows = worked()
    ids = {row["goal"]: at for at, row in enumerate(rows, 1)}
    nodes = []
    for row in rows:
        own = attainment(number(row["value"]), number(row["target"]), row["direction"] or None)
        degree = number(row["degree"])
        nodes.append(Node(id=ids[row["goal"]], parent=ids.get(row["parent"]), weight=number(row["weight"]),
                          grouped=row["grouped"] == "yes",
                          own=degree / 100 if own is None and degree is not None else own))  # fmt: skip

    found = rollup(nodes)

    assert len(rows) == 17
    for row in rows:
        one = found[ids[row["goal"]]]
        for name in ("own", "below", "covered", "share", "of_top"):
            assert getattr(one, name) == (pytest.approx(number(row[name])) if row[name] else None), (row["goal"], name)


@pytest.mark.parametrize(("value", "target", "direction", "share"), [
    (None, 5, "higher", None),  # not measured
    (5, None, "higher", None),  # nothing to reach
    (0, 5, "higher", 0.0),
    (-1, 5, "higher", 0.0),  # never below nothing
    (6, 5, "higher", 1.0),  # never more than all
    (0, 0, "higher", 1.0),  # no share can be told: it is met
    (-1, 0, "higher", 0.0),
    (0, 2, "lower", 1.0),
    (4, 2, "lower", 0.5),
    (1, 0, "lower", 0.0),
    (2, -2, "lower", 0.0),
    (4, 4, "band", 1.0),
    (3, 4, "band", 0.75),
    (5, 4, "band", 0.75),
    (9, 4, "band", 0.0),
    (0.1, 0, "band", 0.0),
])  # fmt: skip
def test_attainment(value: float | None, target: float | None, direction: str, share: float | None) -> None:
    assert attainment(value, target, direction) == share


values = st.floats(-1e6, 1e6, allow_nan=False)


@given(values, values, st.sampled_from(["higher", "lower", "band", None]))
def test_an_attainment_is_a_share_and_whole_at_the_target(value: float, target: float, direction: str | None) -> None:
    share = attainment(value, target, direction)

    assert share is not None and 0.0 <= share <= 1.0
    assert attainment(target, target, direction) == 1.0


weights = st.one_of(st.none(), st.integers(1, 100))
shares = st.one_of(st.none(), st.integers(0, 100))


Forest = list[tuple[int, int | None, int | None, int | None, bool]]
"""Goals as (id, parent, weight, own attainment in per cent, grouped)."""


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    """Return goals, each under an earlier one or under none."""
    many = draw(st.integers(1, 14))
    return [(i, draw(st.one_of(st.none(), st.integers(1, i - 1))) if i > 1 else None, draw(weights), draw(shares),
             draw(st.booleans())) for i in range(1, many + 1)]  # fmt: skip


def mean(children: list[tuple[Fraction | None, Fraction, Fraction | None]]) -> tuple[Fraction | None, Fraction]:
    """Return the mean of children given as (weight, how much is known, value), and how much of the weight it is of."""
    named = [w for w, _, _ in children if w is not None]
    usual = sum(named, Fraction(0)) / len(named) if named else Fraction(1)
    parts = [((usual if w is None else w) * known, v) for w, known, v in children if v is not None]
    total, whole = sum((w for w, _ in parts), Fraction(0)), sum((usual if w is None else w for w, _, _ in children))
    return (sum((w * v for w, v in parts), Fraction(0)) / total, total / whole) if total else (None, Fraction(0))


def oracle(forest: Forest, goal: int) -> tuple[Fraction | None, Fraction]:
    """Return what lies under a goal and how much of it is known, in whole fractions and by recursion."""
    told: dict[bool, list[tuple[Fraction | None, Fraction, Fraction | None]]] = {False: [], True: []}
    for child, parent, weight, own, grouped in forest:
        if parent == goal:
            value = Fraction(own, 100) if own is not None else oracle(forest, child)[0]
            told[grouped].append((Fraction(weight) if weight is not None else None, Fraction(1), value))
    if told[True]:
        value, known = mean(told[True])
        told[False].append((None, known, value))
    return mean(told[False])


def rolled(forest: Forest) -> dict[int, Rolled]:
    """Return the roll-up of goals."""
    return rollup(Node(id=i, parent=p, weight=w, own=None if o is None else o / 100, grouped=g)
                  for i, p, w, o, g in forest)  # fmt: skip


@given(forests())
def test_the_roll_up_agrees_with_fractions_reckoned_by_recursion(forest: Forest) -> None:
    found = rolled(forest)

    for i, *_ in forest:
        wanted, known = oracle(forest, i)
        assert found[i].below == (None if wanted is None else pytest.approx(float(wanted)))
        assert found[i].covered == pytest.approx(float(known))
        below = [found[c].share for c, p, *_ in forest if p == i]
        assert not below or sum(below) == pytest.approx(1.0)


@given(forests())
def test_goals_that_the_database_added_up_count_as_the_same_goals_one_by_one(forest: Forest) -> None:
    parents = {p for _, p, *_ in forest}
    ends = [row for row in forest if row[0] not in parents and row[1] is not None and row[4]]
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0] * len(Pool._fields))
    for _, parent, weight, own, _ in ends:
        assert parent is not None
        into, known = sums[parent], own is not None
        if weight is not None:
            into[0], into[1] = into[0] + 1, into[1] + weight
            into[2], into[3] = into[2] + weight * known, into[3] + weight * (own or 0) / 100
        else:
            into[4], into[5], into[6] = into[4] + 1, into[5] + known, into[6] + (own or 0) / 100

    whole = rolled(forest)
    pools = {goal: Pool._make(s) for goal, s in sums.items()}
    pooled = rollup([Node(id=i, parent=p, weight=w, own=None if o is None else o / 100, grouped=g)
                     for i, p, w, o, g in forest if i not in {row[0] for row in ends}], pools)  # fmt: skip

    for i, one in pooled.items():
        for name in ("below", "covered", "share"):
            assert getattr(one, name) == (None if (v := getattr(whole[i], name)) is None else pytest.approx(v)), name


links = st.dictionaries(st.integers(1, 9), st.one_of(st.none(), st.integers(1, 12)), min_size=1)


@given(links)
def test_circles_and_links_to_nothing_are_cut_and_no_goal_is_lost(parents: dict[int, int | None]) -> None:
    cut = open_links(parents)

    assert sorted(top_down(cut)) == sorted(parents)
    assert set(rollup(Node(id=i, parent=p) for i, p in parents.items())) == set(parents)
    for one, above in parents.items():
        trail, at = [one], above
        while at in parents and at not in trail:
            trail.append(at)
            at = parents[at]
        in_circle = at == one
        assert cut[one] == (None if in_circle or above not in parents else above), parents


@given(links, st.integers(1, 9), st.integers(1, 9))
def test_a_link_closes_a_circle_where_the_goal_is_reached_again_by_walking_up(
    parents: dict[int, int | None], child: int, parent: int
) -> None:
    at: int | None = parent
    reached = False
    for _ in range(len(parents) + 2):
        reached = reached or at == child
        at = parents.get(at or 0)

    assert closes_circle(parents, child, parent) == reached


def goal(**more: object) -> Goal:
    """Return a goal that lacks nothing but what is said."""
    whole = {"id": 1, "layer": "school", "indicator": "到课率", "target": 95.0, "weight": 1.0, "owner": 7,
             "starts": date(2025, 9, 1), "ends": date(2026, 8, 31), "standards": 1}  # fmt: skip
    return Goal(**(whole | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("lack", "kind"), [
    ({"indicator": None}, "no_indicator"),
    ({"target": None}, "no_target"),
    ({"ends": None}, "no_deadline"),
    ({"owner": None}, "no_owner"),
    ({"weight": None}, "no_weight"),
])  # fmt: skip
def test_a_smart_goal_has_no_finding_and_each_lack_is_one(lack: dict[str, object], kind: str) -> None:
    assert smart(goal(), TODAY) == []
    assert smart(goal(**lack), TODAY) == [kind]


@pytest.mark.parametrize(("reads", "more", "told"), [
    ([], {}, False),  # nothing measured
    ([(0, 50)], {}, False),  # one reading shows no pace
    ([(0, 50), (100, 70)], {}, False),  # 0.2 a day, doubled for 264 days: more than enough
    ([(0, 50), (100, 54)], {}, True),  # 0.04 a day, doubled for 264 days: 75, short of 95
    ([(0, 50), (100, 50)], {}, True),  # standing still
    ([(0, 50), (100, 40)], {}, True),  # the wrong way
    ([(0, 50), (100, 95)], {}, False),  # reached
    ([(0, 50), (100, 58.6)], {}, False),  # 58.6 + 2 * 0.086 * 264 = 104.0
    ([(0, 9), (100, 8)], {"direction": "lower", "target": 2.0}, True),  # 8 - 2 * 0.01 * 264 = 2.72
    ([(0, 9), (100, 7.5)], {"direction": "lower", "target": 2.0}, False),  # 7.5 - 2 * 0.015 * 264 < 0
    ([(0, 9), (100, 8)], {"direction": "band", "target": 7.0}, False),  # passes 7 on its way to 2.72
    ([(0, 9), (100, 10)], {"direction": "band", "target": 7.0}, True),
    ([(0, 50)], {"ends": date(2026, 2, 28)}, True),  # the deadline is over
    ([(0, 95)], {"ends": date(2026, 2, 28)}, False),
])  # fmt: skip
def test_a_target_is_out_of_reach_where_twice_the_pace_would_not_do(
    reads: list[tuple[int, float]], more: dict[str, object], told: bool
) -> None:
    start = date(2025, 9, 1)
    one = goal(reads=tuple(Read(start + day * DAY, value) for day, value in reads),
               **{"ends": start + 364 * DAY, **more})  # fmt: skip

    assert unreachable(one, TODAY) is told


@pytest.mark.parametrize(("child", "over", "why"), [
    ({"target": 90.0}, {}, "target"),
    ({"target": 96.0}, {}, None),
    ({"target": 96.0, "direction": "lower"}, {"direction": "lower"}, "target"),
    ({"target": 94.0, "direction": "lower"}, {"direction": "lower"}, None),
    ({"direction": "lower"}, {}, "direction"),  # none means more
    ({"target": 94.0, "direction": "band"}, {"direction": "band"}, "target"),
    ({"target": 90.0, "indicator": "出勤率"}, {}, None),
    ({"target": 90.0, "indicator": "到课率 （％）"}, {"indicator": "到课率(%)"}, "target"),
    ({"target": 90.0, "unit": "人"}, {"unit": "%"}, None),
    ({"target": None}, {}, None),
])  # fmt: skip
def test_a_goal_conflicts_with_the_one_above_on_the_same_indicator(
    child: dict[str, object], over: dict[str, object], why: str | None
) -> None:
    found = conflicts([goal(**over), goal(**{"id": 2, "parent": 1, **child})])

    assert [(c.goal, c.parent, c.why) for c in found] == ([(2, 1, why)] if why else [])


def test_more_key_goals_than_the_limit_overload_a_person_or_a_unit() -> None:
    def carried(many: int, **more: object) -> list[Goal]:
        return [goal(**{"id": i, "kind": "key", **more}) for i in range(1, many + 1)]

    assert overloads(carried(MOST_KEY), TODAY) == []
    assert [(o.what, o.owner, len(o.goals)) for o in overloads(carried(MOST_KEY + 1), TODAY)] == [("person", 7, 6)]
    of_unit = overloads(carried(MOST_KEY + 1, owner=None, owner_unit=3), TODAY)
    assert [(o.what, o.owner) for o in of_unit] == [("unit", 3)]
    assert overloads(carried(MOST_KEY + 1, kind="routine"), TODAY) == []
    assert overloads(carried(MOST_KEY + 1, ends=TODAY - DAY), TODAY) == []  # they are over


def test_orphans_are_goals_of_plans_with_nothing_under_them_and_goals_below_that_serve_none() -> None:
    goals = [goal(), goal(id=2, layer="course", parent=1), goal(id=3, layer="course"),
             goal(id=4, layer="teacher", parent=2, whole=False), goal(id=5, standards=0)]  # fmt: skip

    found = findings(goals, "school", TODAY)

    assert found == {3: ["childless", "rootless"], 5: ["childless", "standardless"]}
    assert findings(goals, "school", TODAY, served={3, 5}) == {3: ["rootless"], 5: ["standardless"]}


def test_years_are_paired_by_key_without_its_year_then_by_text() -> None:
    before = {1: ("annual-2025", "年度目标"), 2: ("g2", "就业率 "), 3: ("g3", "停办"), 4: ("g4", "就业率")}
    now = {5: ("annual-2026", "改名的年度目标"), 6: ("g6", "就业率"), 7: ("g7", "新")}

    assert compare(before, now) == [Match(1, 5), Match(4, 6), Match(None, 7), Match(2, None), Match(3, None)]
