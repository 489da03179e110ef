"""Limits of control points (质控点): when a reading breaches its warning values, and how gravely."""

from __future__ import annotations

from dataclasses import dataclass

DIRECTIONS = ("higher", "lower", "band")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Target and warning values of a control point; which of them count follows from the direction."""

    direction: str
    target: float
    lower: float | None = None
    upper: float | None = None

    @property
    def text(self) -> str:
        """The limits as they stand in a fact: ``≥ 45``, ``≤ 200``, ``45 … 200``."""
        lower = self.lower if self.direction in ("higher", "band") else None
        upper = self.upper if self.direction in ("lower", "band") else None
        if lower is not None and upper is not None:
            return f"{lower:g} … {upper:g}"
        if lower is not None:
            return f"≥ {lower:g}"
        return f"≤ {upper:g}" if upper is not None else ""


def breach(limits: Limits, value: float) -> str | None:
    """Return ``minor`` or ``major`` for a value outside its warning value, None inside.

    A breach is major when the value lies beyond the warning value by more than that value lies from the target.
    """
    if limits.direction in ("higher", "band") and limits.lower is not None and value < limits.lower:
        return _grade(limits.lower - value, abs(limits.target - limits.lower))
    if limits.direction in ("lower", "band") and limits.upper is not None and value > limits.upper:
        return _grade(value - limits.upper, abs(limits.upper - limits.target))
    return None


def _grade(beyond: float, room: float) -> str:
    return "major" if room > 0 and beyond > room else "minor"
