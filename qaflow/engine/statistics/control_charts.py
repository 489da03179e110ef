"""Control charts (控制图): individuals and moving range, means and ranges, proportions, counts per unit.

Formulas: Montgomery, chapters 6 and 7; NIST, 6.3.2 and 6.3.3.  Limits stand three standard deviations from the centre.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from .constants import SIGMAS, d2, d3, lower_range, upper_range
from .samples import mean

SPAN = 2
"""Successive readings of which a moving range is taken (NIST, 6.3.2.2)."""
FEWEST = 2
"""Points without which there is no limit."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of a control chart: for each point its value, centre, limits and standard deviation."""

    kind: str  # I MR Xbar R p u
    values: tuple[float, ...]
    centre: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    sigma: tuple[float, ...]  # of what is charted: the zones of the rules are so wide

    @property
    def limits(self) -> tuple[tuple[float, float, float], ...]:
        """Centre, lower and upper limit of each point, as `charts.control` takes them."""
        return tuple(zip(self.centre, self.lower, self.upper, strict=True))


def individuals(values: Sequence[float]) -> tuple[Panel, Panel]:
    """Return the charts of single readings and of their moving ranges (I-MR).

    The standard deviation is the mean moving range over d2 of two.  Raises `ValueError` below two readings.
    """
    if len(values) < FEWEST:
        raise ValueError(f"{len(values)} readings: a control chart needs at least {FEWEST}")
    ranges = [abs(after - before) for before, after in itertools.pairwise(values)]
    sigma = mean(ranges) / d2(SPAN)
    return _level("I", values, mean(values), [sigma] * len(values)), _ranges("MR", ranges, [SPAN] * len(ranges), sigma)


def means_and_ranges(groups: Sequence[Sequence[float]]) -> tuple[Panel, Panel]:
    """Return the charts of subgroups' means and ranges (X̄-R), also for subgroups of unlike sizes.

    The centre is the mean of all readings; the standard deviation is the mean of range over d2, each for its
    subgroup's size: of equal sizes this is R̄/d2, and the limits are those by A2, D3 and D4.  Raises `ValueError`
    below two subgroups, or for a subgroup outside 2 to 25 readings.
    """
    if len(groups) < FEWEST:
        raise ValueError(f"{len(groups)} subgroups: a control chart needs at least {FEWEST}")
    sizes = [len(group) for group in groups]
    ranges = [max(group) - min(group) for group in groups]
    sigma = mean([r / d2(n) for r, n in zip(ranges, sizes, strict=True)])
    centre = fsum(value for group in groups for value in group) / sum(sizes)
    level = _level("Xbar", [mean(group) for group in groups], centre, [sigma / sqrt(n) for n in sizes])
    return level, _ranges("R", ranges, sizes, sigma)


def proportions(samples: Sequence[tuple[int, int]]) -> Panel:
    """Return the chart of proportions (p) of (how many have the mark, of how many), sizes as they are.

    Raises `ValueError` below two samples or where a sample is empty.
    """
    centre, sizes = _pooled([(float(many), float(size)) for many, size in samples])
    sigma = [sqrt(centre * (1 - centre) / size) for size in sizes]
    found = _level("p", [many / size for many, size in samples], centre, sigma)
    return Panel(kind="p", values=found.values, centre=found.centre, sigma=found.sigma,
                 lower=tuple(max(0.0, v) for v in found.lower),
                 upper=tuple(min(1.0, v) for v in found.upper))  # fmt: skip


def per_unit(samples: Sequence[tuple[float, float]]) -> Panel:
    """Return the chart of counts per unit (u) of (how many, units looked at), sizes as they are.

    Raises `ValueError` below two samples or where a sample is empty.
    """
    centre, sizes = _pooled(samples)
    found = _level("u", [many / size for many, size in samples], centre, [sqrt(centre / size) for size in sizes])
    return Panel(kind="u", values=found.values, centre=found.centre, sigma=found.sigma, upper=found.upper,
                 lower=tuple(max(0.0, v) for v in found.lower))  # fmt: skip


def _pooled(samples: Sequence[tuple[float, float]]) -> tuple[float, list[float]]:
    """Return the share of all samples together, and their sizes."""
    if len(samples) < FEWEST or any(size <= 0 or many < 0 for many, size in samples):
        raise ValueError(f"a control chart needs at least {FEWEST} samples, none of them empty")
    sizes = [size for _, size in samples]
    return fsum(many for many, _ in samples) / fsum(sizes), sizes


def _level(kind: str, values: Sequence[float], centre: float, sigma: Sequence[float]) -> Panel:
    return Panel(kind=kind, values=tuple(values), centre=(centre,) * len(values), sigma=tuple(sigma),
                 lower=tuple(centre - SIGMAS * s for s in sigma),
                 upper=tuple(centre + SIGMAS * s for s in sigma))  # fmt: skip


def _ranges(kind: str, values: Sequence[float], sizes: Sequence[int], sigma: float) -> Panel:
    centre = [d2(n) * sigma for n in sizes]
    return Panel(kind=kind, values=tuple(values), centre=tuple(centre), sigma=tuple(d3(n) * sigma for n in sizes),
                 lower=tuple(c * lower_range(n) for c, n in zip(centre, sizes, strict=True)),
                 upper=tuple(c * upper_range(n) for c, n in zip(centre, sizes, strict=True)))  # fmt: skip
