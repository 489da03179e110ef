"""Where the stages sit on the curve: before the hinge on the right, after it on the left."""

from __future__ import annotations

import math

from qaflow.engine.definition import Definition

from .figure_values import Format
from .lemniscate import CENTRE, Curve, Point, left_half, quick_loop, right_half

DESK = Format(width=560, height=616, cross=(280, 378), slow=318, quick=176, radius=13, lone=440, gap=12)
PHONE = Format(width=362, height=500, cross=(181, 308), slow=248, quick=142, radius=10.5, lone=362, gap=9)
LARGER = 1.45  # the hinge's radius by a bead's
CROWDED = 6  # stages on one side from which on notes collide
CLOSEST = 0.38  # a bead's radius by the gap between two, at most


class Seats:
    """The curves of one size with the seat of every stage; places on the page have the picture's corner as origin."""

    def __init__(self, definition: Definition, form: Format) -> None:
        self.form, self.count = form, len(definition.stages)
        self.right, self.left, self.loop = right_half(form.slow), left_half(form.slow), quick_loop(form.quick)
        pivot = definition.covering("implement")
        self.pivot = definition.stages.index(pivot) if pivot else None
        self.before = math.ceil(self.count / 2) if self.pivot is None else self.pivot
        self.after = self.count - self.before - (self.pivot is not None)
        self.has_loop = definition.hinge is not None
        gap = min(self.right.length / (self.before + 0.5), self.left.length / (self.after + 0.5))
        self.radius = min(form.radius, gap * CLOSEST)
        self.middle = (0.0, -CENTRE * form.slow)

    @property
    def crowded(self) -> bool:
        """Whether so many stages stand on one side that only their names find room."""
        return max(self.before, self.after) >= CROWDED

    def seat(self, index: int) -> tuple[Curve, float] | None:
        """Return the curve and arc length of a stage, None for the crossing."""
        if index == self.pivot:
            return None
        if index < self.before:
            return self.right, (index + 0.5) * self.right.length / (self.before + 0.5)
        step = index - self.before + (self.pivot is None)
        return self.left, step * self.left.length / (self.after + 0.5)

    def on(self, curve: Curve) -> list[float]:
        """Return the arc lengths of the stages on one half."""
        seats = [self.seat(i) for i in range(self.count)]
        return [s[1] for s in seats if s is not None and s[0] is curve]

    def to_page(self, point: Point) -> Point:
        """Return a point of the curve as one of the page."""
        return self.form.cross[0] + point[0], self.form.cross[1] + point[1]
