"""Readings before and after a measure, over spans of the same length: what is seen, never what caused it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .disclosure import Mean

LONGEST = timedelta(days=90)
"""So far before and after a measure readings are taken (assumed: about a semester's teaching weeks)."""


class Effect(NamedTuple):
    """The mean of the readings before and after an instant, each with its number, over as many days either way."""

    days: int
    before: Mean | None
    after: Mean | None

    @property
    def change(self) -> float | None:
        """The mean after less the mean before; None where one of them is missing."""
        if self.before is None or self.after is None:
            return None
        return self.after.value - self.before.value


def around(readings: Sequence[tuple[datetime, float]], at: datetime, now: datetime) -> Effect:
    """Return the means around an instant: as long before it as has passed since, at most `LONGEST`."""
    span = max(min(LONGEST, now - at), timedelta(0))
    before = [value for when, value in readings if at - span <= when < at]
    after = [value for when, value in readings if at <= when < at + span]
    return Effect(span.days, mean(before), mean(after))


def between(readings: Sequence[tuple[datetime, float]], first: datetime, following: datetime) -> Mean | None:
    """Return the mean of the readings from an instant to before another."""
    return mean([value for when, value in readings if first <= when < following])


def mean(values: Sequence[float]) -> Mean | None:
    """Return a mean with its number; None of nothing."""
    return Mean(sum(values) / len(values), len(values)) if values else None
