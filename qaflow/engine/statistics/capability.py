"""Capability of a process (过程能力): its spread against the limits that it is to keep (NIST, 6.1.6).

Cp and Cpk rest on the spread within (short term: moving ranges or subgroups), Pp and Ppk on the spread overall.  With
one limit alone only Cpk and Ppk can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .constants import SIGMAS, d2
from .control_charts import SPAN, individuals
from .samples import mean, sd

FEWEST = 10
"""Readings below which an index says nothing (qaflow's own bound; NIST, 6.1.6 asks for some fifty)."""


class Capability(NamedTuple):
    """The four indices; None where a limit is missing or nothing varies."""

    cp: float | None
    cpk: float | None
    pp: float | None
    ppk: float | None
    within: float  # standard deviations
    overall: float


def indices(middle: float, sigma: float, lower: float | None,
            upper: float | None) -> tuple[float | None, float | None]:  # fmt: skip
    """Return (Cp, Cpk) for a mean and a standard deviation, or (Pp, Ppk) for the overall one."""
    if sigma <= 0:
        return None, None
    sides = [(limit - middle) * sign / (SIGMAS * sigma) for limit, sign in ((lower, -1), (upper, 1))
             if limit is not None]  # fmt: skip
    whole = (upper - lower) / (2 * SIGMAS * sigma) if lower is not None and upper is not None else None
    return whole, min(sides) if sides else None


def capability(values: Sequence[float], lower: float | None, upper: float | None) -> Capability | None:
    """Return the capability of single readings in their order; None below ten readings or without a limit."""
    overall = sd(values)
    if len(values) < FEWEST or overall is None or (lower is None and upper is None):
        return None
    within = individuals(values)[1].centre[0] / d2(SPAN)
    middle = mean(values)
    return Capability(*indices(middle, within, lower, upper), *indices(middle, overall, lower, upper), within, overall)
