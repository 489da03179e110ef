"""Factors of control charts by subgroup size, to three places as books print them (Montgomery, appendix VI)."""

from __future__ import annotations

from math import sqrt

SIGMAS = 3
"""Control limits stand so many standard deviations from the centre (Shewhart)."""
SMALLEST, LARGEST = 2, 25
"""Subgroup sizes for which ranges are used; beyond ten a range wastes much of what the readings say."""
_D2 = (1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078, 3.173, 3.258, 3.336, 3.407, 3.472, 3.532, 3.588,
       3.640, 3.689, 3.735, 3.778, 3.819, 3.858, 3.895, 3.931)  # fmt: skip
_D3 = (0.853, 0.888, 0.880, 0.864, 0.848, 0.833, 0.820, 0.808, 0.797, 0.787, 0.778, 0.770, 0.763, 0.756, 0.750, 0.744,
       0.739, 0.734, 0.729, 0.724, 0.720, 0.716, 0.712, 0.708)  # fmt: skip
_LOWER = (0, 0, 0, 0, 0, 0.076, 0.136, 0.184, 0.223, 0.256, 0.283, 0.307, 0.328, 0.347, 0.363, 0.378, 0.391, 0.403,
          0.415, 0.425, 0.434, 0.443, 0.451, 0.459)  # fmt: skip
_UPPER = (3.267, 2.574, 2.282, 2.114, 2.004, 1.924, 1.864, 1.816, 1.777, 1.744, 1.717, 1.693, 1.672, 1.653, 1.637,
          1.622, 1.608, 1.597, 1.585, 1.575, 1.566, 1.557, 1.548, 1.541)  # fmt: skip


def d2(size: int) -> float:
    """Return the mean range of a normal sample of this size, in standard deviations; `ValueError` outside 2 to 25."""
    return _D2[_place(size)]


def d3(size: int) -> float:
    """Return the standard deviation of that range, in standard deviations; `ValueError` outside 2 to 25."""
    return _D3[_place(size)]


def a2(size: int) -> float:
    """Return the factor by which the mean range gives the limits of means."""
    return SIGMAS / (d2(size) * sqrt(size))


def lower_range(size: int) -> float:
    """Return D3: the lower limit of ranges over their mean, never below zero."""
    return _LOWER[_place(size)]


def upper_range(size: int) -> float:
    """Return D4: the upper limit of ranges over their mean."""
    return _UPPER[_place(size)]


def _place(size: int) -> int:
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"subgroup size {size}: ranges are used from {SMALLEST} to {LARGEST}")
    return size - SMALLEST
