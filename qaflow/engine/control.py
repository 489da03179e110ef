"""Limits of control points (质控点): when a reading breaches its warning values (预警值), and how gravely."""

from __future__ import annotations

from dataclasses import dataclass

DIRECTIONS = ("higher", "lower", "band")
MINOR, MAJOR = "minor", "major"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Target, warning and alarm values of a control point; which of them count follows from the direction."""

    direction: str
    target: float
    lower: float | None = None
    upper: float | None = None
    alarm_lower: float | None = None  # beyond an alarm value a breach is major
    alarm_upper: float | None = None

    @property
    def below(self) -> bool:
        """Whether values can be too low."""
        return self.direction in ("higher", "band")

    @property
    def above(self) -> bool:
        """Whether values can be too high."""
        return self.direction in ("lower", "band")

    @property
    def text(self) -> str:
        """The limits as they stand in a fact: ``≥ 45``, ``≤ 200``, ``45 … 200``, with alarm values ``≥ 45 (30)``."""
        plain = _span(self.lower if self.below else None, self.upper if self.above else None)
        alarm = _span(self.alarm_lower if self.below else None, self.alarm_upper if self.above else None)
        return f"{plain} ({alarm})" if plain and alarm else plain


def _span(lower: float | None, upper: float | None) -> str:
    if lower is not None and upper is not None:
        return f"{lower:g} … {upper:g}"
    if lower is not None:
        return f"≥ {lower:g}"
    return f"≤ {upper:g}" if upper is not None else ""


def breach(limits: Limits, value: float) -> str | None:
    """Return ``minor`` or ``major`` for a value outside its warning value, None inside.

    A breach is major beyond the alarm value; where that side has none, when the value lies beyond the warning value by
    more than that value lies from the target.
    """
    if limits.below and limits.lower is not None and value < limits.lower:
        if limits.alarm_lower is not None:
            return MAJOR if value < limits.alarm_lower else MINOR
        return _grade(limits.lower - value, abs(limits.target - limits.lower))
    if limits.above and limits.upper is not None and value > limits.upper:
        if limits.alarm_upper is not None:
            return MAJOR if value > limits.alarm_upper else MINOR
        return _grade(value - limits.upper, abs(limits.upper - limits.target))
    return None


def _grade(beyond: float, room: float) -> str:
    return MAJOR if room > 0 and beyond > room else MINOR


def crossing(limits: Limits) -> str | None:
    """Return which value stands on the wrong side of another, None where all agree.

    From below: alarm, warning, target on the side that can be too low; target, warning, alarm on the other.
    """
    if limits.direction not in DIRECTIONS:
        return "direction"
    low = limits.below and limits.lower is not None
    high = limits.above and limits.upper is not None
    rules = (
        ("warn_lower", low and limits.lower > limits.target),  # type: ignore[operator]
        ("warn_upper", high and limits.upper < limits.target),  # type: ignore[operator]
        ("alarm_lower", limits.below and _out_of_order(limits.alarm_lower, limits.lower)),
        ("alarm_upper", limits.above and _out_of_order(limits.upper, limits.alarm_upper)),
        ("alarm_lower", limits.below and limits.lower is None and limits.alarm_lower is not None),
        ("alarm_upper", limits.above and limits.upper is None and limits.alarm_upper is not None),
        ("alarm_lower", not limits.below and limits.alarm_lower is not None),
        ("alarm_upper", not limits.above and limits.alarm_upper is not None),
    )
    return next((name for name, wrong in rules if wrong), None)


def _out_of_order(lower: float | None, upper: float | None) -> bool:
    return lower is not None and upper is not None and lower > upper
