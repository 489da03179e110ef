"""Rules that tell a special cause on a control chart (判异准则): Western Electric 1 to 4 and Nelson 1 to 8.

Western Electric (1956) as NIST, 6.3.2 lists them; Nelson (1984), tests 1 to 8.  A finding stands at the point that
completes its pattern and names all of it; for "two of three" and "four of five" that point is one of those beyond.
Zones are counted in the standard deviation of each point, so that subgroups of unlike sizes are judged alike; a point
on the centre line is on neither side, one on a boundary is within.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import copysign, inf
from typing import NamedTuple, TypeAlias

from .control_charts import Panel

Judge: TypeAlias = Callable[[Sequence[float]], bool]
ALONE = ("MR", "R")
"""Panels whose limits do not lie evenly round the centre: only the limits themselves are judged there."""


class Rule(NamedTuple):
    """One rule: how many points in a row it looks at, and what it says of them, in deviations from the centre."""

    name: str
    points: int
    holds: Judge


class Finding(NamedTuple):
    """One rule at one point: ``points`` are the places of the whole pattern, the last of them is ``at``."""

    rule: str
    at: int
    points: tuple[int, ...]


def _some(many: int, sigmas: float) -> Judge:
    """Return whether so many lie beyond a zone on the side of the last, which is one of them."""

    def holds(window: Sequence[float]) -> bool:
        side = copysign(1, window[-1])
        beyond = [z * side > sigmas for z in window]
        return beyond[-1] and sum(beyond) >= many

    return holds


def _one_side(window: Sequence[float]) -> bool:
    return all(z > 0 for z in window) or all(z < 0 for z in window)


def _steady(window: Sequence[float]) -> bool:
    steps = [b - a for a, b in itertools.pairwise(window)]
    return all(s > 0 for s in steps) or all(s < 0 for s in steps)


def _alternating(window: Sequence[float]) -> bool:
    steps = [(b > a) - (b < a) for a, b in itertools.pairwise(window)]
    return all(a * b < 0 for a, b in itertools.pairwise(steps))


def _calm(window: Sequence[float]) -> bool:
    return all(abs(z) < 1 for z in window)


def _mixed(window: Sequence[float]) -> bool:
    return all(abs(z) > 1 for z in window) and min(window) < 0 < max(window)


WESTERN_ELECTRIC = (
    Rule("WE1", 1, _some(1, 3)),
    Rule("WE2", 3, _some(2, 2)),
    Rule("WE3", 5, _some(4, 1)),
    Rule("WE4", 8, _one_side),
)
NELSON = (
    Rule("N1", 1, _some(1, 3)),
    Rule("N2", 9, _one_side),
    Rule("N3", 6, _steady),
    Rule("N4", 14, _alternating),
    Rule("N5", 3, _some(2, 2)),
    Rule("N6", 5, _some(4, 1)),
    Rule("N7", 15, _calm),
    Rule("N8", 8, _mixed),
)
PLACES = 9
"""Decimal places of a deviation: what differs beyond them is the rounding of a division."""


def deviations(panel: Panel) -> tuple[float, ...]:
    """Return how far each point lies from its centre, in its standard deviations."""
    return tuple(_deviation(v - c, s) for v, c, s in zip(panel.values, panel.centre, panel.sigma, strict=True))


def _deviation(distance: float, sigma: float) -> float:
    if sigma > 0:
        return round(distance / sigma, PLACES)
    return 0.0 if distance == 0 else copysign(inf, distance)


def findings(panel: Panel, rules: Sequence[Rule] = (*WESTERN_ELECTRIC, *NELSON)) -> tuple[Finding, ...]:
    """Return each rule's findings in the order of the points; of a panel of ranges only points beyond its limits."""
    if panel.kind in ALONE:
        beyond = [n for n, v in enumerate(panel.values) if not panel.lower[n] <= v <= panel.upper[n]]
        return tuple(Finding(rule.name, n, (n,)) for n in beyond for rule in rules if rule.points == 1)
    found = judged(deviations(panel), rules)
    return tuple(sorted(found, key=lambda one: one.at))


def judged(z: Sequence[float], rules: Sequence[Rule] = (*WESTERN_ELECTRIC, *NELSON)) -> tuple[Finding, ...]:
    """Return the findings of deviations from the centre, rule by rule."""
    return tuple(
        Finding(rule.name, end - 1, tuple(range(end - rule.points, end)))
        for rule in rules
        for end in range(rule.points, len(z) + 1)
        if rule.holds(z[end - rule.points : end])
    )
