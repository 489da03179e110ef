"""What a sample is told by: size, mean, standard deviation, quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt
from typing import NamedTuple


class Summary(NamedTuple):
    """A sample in figures; the standard deviation of one value is not known."""

    n: int
    mean: float
    sd: float | None
    least: float
    lower: float  # quartiles
    median: float
    upper: float
    most: float


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; `ValueError` of nothing."""
    if not values:
        raise ValueError("no values have no mean")
    return fsum(values) / len(values)


def sd(values: Sequence[float]) -> float | None:
    """Return the standard deviation over n − 1; None below two values."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return sqrt(fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation between order statistics at (n − 1)·share.

    This is type 7 of Hyndman and Fan (The American Statistician 50, 1996), which spreadsheets use; `ValueError` of
    nothing, or for a share outside 0 to 1.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError("a quantile needs values, and a share from 0 to 1")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    weight = place - below
    return min(max(ordered[below] * (1 - weight) + ordered[above] * weight, ordered[below]), ordered[above])


def summary(values: Sequence[float]) -> Summary:
    """Return a sample in figures; `ValueError` of nothing."""
    least, lower, median, upper, most = (quantile(values, share) for share in (0, 0.25, 0.5, 0.75, 1))
    return Summary(len(values), mean(values), sd(values), least, lower, median, upper, most)
