"""Comparison of strata (分层法): units, majors or classes side by side, and how much of the spread lies between them.

A group of fewer than five persons or subjects is not shown, nor does it count in any sum: what is left out could be
reckoned back from a total (issue of portraits: "groups under five are not shown").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from .samples import Summary, summary

FEWEST = 5
"""A smaller group is not shown."""


@dataclass(frozen=True, kw_only=True)
class Strata:
    """Groups of five and more by name, and the spread between and within them (sums of squares)."""

    groups: tuple[tuple[str, Summary], ...]
    hidden: int  # groups that are too small
    n: int
    mean: float | None
    between: float
    within: float

    @property
    def share(self) -> float | None:
        """The share of the spread that lies between groups (η²); None where nothing varies or one group stands alone.

        Source: Montgomery, Design and Analysis of Experiments, one-way analysis of variance: SS between / SS total.
        """
        total = self.between + self.within
        return self.between / total if total > 0 and len(self.groups) > 1 else None


def compared(values: Mapping[str, Sequence[float]], fewest: int = FEWEST) -> Strata:
    """Return the groups side by side, in the order given."""
    kept = {name: list(group) for name, group in values.items() if len(group) >= fewest}
    every = [value for group in kept.values() for value in group]
    middle = fsum(every) / len(every) if every else None
    told = [(name, summary(group)) for name, group in kept.items()]
    between = fsum(one.n * (one.mean - middle) ** 2 for _, one in told) if middle is not None else 0.0
    within = fsum((value - one.mean) ** 2 for (name, one) in told for value in kept[name])
    return Strata(groups=tuple(told), hidden=sum(0 < len(group) < fewest for group in values.values()), n=len(every),
                  mean=middle, between=between, within=within)  # fmt: skip
