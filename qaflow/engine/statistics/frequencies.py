"""How often: histogram with a stated rule for its bins, and Pareto's order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil, floor, inf, isfinite, log2, log10
from typing import NamedTuple

STEPS = (1, 2, 2.5, 5, 10)
"""Widths that read well, in powers of ten."""


class Bin(NamedTuple):
    """One bin, its lower bound in it, its upper bound not (but in the last)."""

    low: float
    high: float
    many: int


class Ranked(NamedTuple):
    """One cause in Pareto's order, with the share that is reached up to it."""

    label: str
    many: int
    cumulative: float  # 0 to 1


def wanted(n: int) -> int:
    """Return how many bins Sturges' rule asks for: log2 n, rounded up, and one (J. Am. Stat. Assoc. 21, 1926)."""
    return ceil(log2(n)) + 1 if n > 0 else 0


def histogram(values: Sequence[float]) -> tuple[Bin, ...]:
    """Return the bins of finite values: as wide as Sturges' rule asks, widened to 1, 2, 2.5 or 5 of a power of ten."""
    if not values or not all(isfinite(value) for value in values):
        return ()
    low, high = min(values), max(values)
    width = _width((high - low) / wanted(len(values))) if high > low else 1.0
    first = floor(low / width)
    edges = [width * (first + n) for n in range(max(1, ceil(high / width) - first) + 1)]
    if not edges[0] <= low or not high <= edges[-1] or len(set(edges)) < len(edges):  # lost in rounding
        edges = [low, high if high > low else low + width]
    counts = [0] * (len(edges) - 1)
    for value in values:
        counts[min(max(bisect_right(edges, value) - 1, 0), len(counts) - 1)] += 1
    return tuple(Bin(a, b, many) for a, b, many in zip(edges, edges[1:], counts, strict=False))


def _width(least: float) -> float:
    power = 10.0 ** floor(log10(least)) if least > 0 else 0.0
    return next((step * power for step in STEPS if step * power >= least), least) if 0 < power < inf else least or 1.0


def ranked(rows: Sequence[tuple[str, int]]) -> tuple[Ranked, ...]:
    """Return causes by how often they are met, equal ones in the order given (J. M. Juran's Pareto principle)."""
    ordered = sorted(rows, key=lambda row: -row[1])
    total, reached = sum(many for _, many in ordered), 0
    found = []
    for label, many in ordered:
        reached += many
        found.append(Ranked(label, many, reached / total if total else 0.0))
    return tuple(found)
