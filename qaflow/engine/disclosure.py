"""What a mean may give away: of fewer than five people nothing is told, nor what a subtraction would leave of fewer.

Whoever reads a mean may know some of its values already: their own, those of the subjects they answer for, those of a
unit they look after.  What counts is therefore the *hidden* part of a group, the values that the reader does not see
one by one: there must be none of them, or at least `FEWEST`.  The same holds for what is left when one group that is
told lies within another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

FEWEST = 5
"""Of so many at least a mean is told (issue 4, portraits)."""


class Part(NamedTuple):
    """The values of some subjects: how many, their sum, and how many of them the reader does not see."""

    many: int = 0
    total: float = 0.0
    hidden: int = 0

    def __add__(self, other: tuple[object, ...]) -> Part:
        """Return two parts as one."""
        more = Part(*other)  # type: ignore[arg-type]
        return Part(self.many + more.many, self.total + more.total, self.hidden + more.hidden)

    @property
    def keeps(self) -> bool:
        """Tell whether nothing, or enough, of it is hidden."""
        return self.hidden == 0 or self.hidden >= FEWEST

    @property
    def told(self) -> bool:
        """Tell whether its mean may stand alone."""
        return self.many >= FEWEST and self.keeps


class Mean(NamedTuple):
    """A mean and of how many."""

    value: float
    many: int


def together(parts: Iterable[Part]) -> Part:
    """Return parts as one."""
    whole = Part()
    for part in parts:
        whole += part
    return whole


def nested(inner: Part, rest: Part) -> tuple[Mean | None, Mean | None]:
    """Return the mean of a group and of the larger one that it lies in; None for what would tell of fewer than five.

    ``rest`` is what the larger group holds beyond the inner one.
    """
    whole = inner + rest
    near = _mean(inner) if inner.told else None
    far = _mean(whole) if whole.told and (near is None or rest.keeps) and rest.many else None
    return near, far


def beside(parts: Iterable[Part]) -> tuple[list[Mean | None], Mean | None]:
    """Return the means of groups apart from one another, and of all of them; None for what would tell of too few."""
    found = list(parts)
    means = [_mean(part) if part.told else None for part in found]
    whole = together(found)
    left = together(part for part, mean in zip(found, means, strict=True) if mean is None)
    return means, _mean(whole) if whole.told and left.keeps else None


def _mean(part: Part) -> Mean:
    return Mean(part.total / part.many, part.many)
