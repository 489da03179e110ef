"""The lines of the 8: what is travelled and what is ahead, the arrow of a return, and the chevrons."""

from __future__ import annotations

import math
from collections.abc import Iterator

from qaflow.engine.definition import Definition

from .figure_seats import Seats
from .figure_values import Chevron, Progress, Stroke
from .lemniscate import Curve, Point, opened

TIP_ROOM = 24.0  # the space between two beads that a chevron needs
RETURN_INSET = 0.84  # the arrow of a return runs inside the loop, at this scale
RETURN_LEAD = 26.0  # how far before its bead it leaves that way


class Lines:
    """The lines of a definition, or of a cycle that stands at a stage of it."""

    def __init__(self, definition: Definition, seats: Seats, progress: Progress | None) -> None:
        self.seats, self.progress = seats, progress
        self.here = None if progress is None else _standing(definition, progress)
        self.walked = self.here is None or (seats.pivot is not None and self.here >= seats.pivot)
        marks = progress.marks if progress else {}
        self.returned = [
            i
            for i, stage in enumerate(definition.stages)
            if i != seats.pivot and stage.key in marks and marks[stage.key].state == "returned"
        ]

    def strokes(self) -> Iterator[Stroke]:
        """Yield every stretch, in places of the page."""
        for curve in (self.seats.right, self.seats.left):
            for kind, start, end in self._spans(curve):
                yield self._stroke(kind, curve.stretch(start, end))
        if self.seats.has_loop:
            yield self._stroke(self._loop_kind, self.seats.loop.stretch())
        for index in self.returned:
            yield self._stroke("back", self._return(index))

    def chevrons(self) -> Iterator[Chevron]:
        """Yield an arrow head in every second gap, at the outer end, and at each return."""
        for curve in (self.seats.right, self.seats.left):
            for s in self._gaps(curve):
                yield self._chevron(curve, s, self._kind(s <= self._until(curve)))
        yield self._chevron(self.seats.left, self._outer_end(), self._kind(self.here == self.seats.count))
        if self.seats.has_loop:
            for quarter in range(4):
                yield self._chevron(self.seats.loop, (quarter + 0.5) * self.seats.loop.length / 4, self._loop_kind)
        for index in self.returned:
            (x0, y0), (x1, y1) = self._return(index)[-2:]
            yield Chevron(self.seats.to_page((x1, y1)), math.atan2(y1 - y0, x1 - x0), "back")

    @property
    def _loop_kind(self) -> str:
        return "fast" if self.walked else "idle"

    def _kind(self, travelled: bool) -> str:
        return "plan" if self.here is None else "gone" if travelled else "ahead"

    def _until(self, curve: Curve) -> float:
        """Return up to where a half is travelled, as an arc length."""
        if self.here is None or self.here >= self.seats.count:
            return curve.marks[-1]
        seat = self.seats.seat(self.here)
        if seat is not None and seat[0] is curve:
            return seat[1]
        return curve.marks[-1] if curve is self.seats.right and self.here >= self.seats.before else 0.0

    def _spans(self, curve: Curve) -> Iterator[tuple[str, float, float]]:
        """Yield the stretch ahead and the travelled one; the piece before the top is always travelled."""
        first, last, until = curve.marks[0], curve.marks[-1], self._until(curve)
        if until < last:
            yield "ahead", max(until, first), last
        if until > first:
            yield self._kind(True), first, until

    def _gaps(self, curve: Curve) -> list[float]:
        """Return the middle of every second gap between beads, of the first where there are two."""
        seats = self.seats.on(curve)
        ends = [*seats, curve.length] if curve is self.seats.right else [0.0, *seats]
        gaps = len(ends) - 1
        chosen = range(1, gaps, 2) if gaps > 2 else range(min(gaps, 1))
        room = 2 * self.seats.radius + TIP_ROOM
        return [(ends[i] + ends[i + 1]) / 2 for i in chosen if ends[i + 1] - ends[i] >= room]

    def _outer_end(self) -> float:
        """Return where the outer end's arrow head shows: before any bead that would cover it."""
        left = self.seats.left
        s = left.marks[-1]
        beads = [self.seats.right.at(place) for place in self.seats.on(self.seats.right)]
        while s > left.length * 0.98 and any(math.dist(left.at(s), bead) < self.seats.radius + 10 for bead in beads):
            s -= 2
        return s

    def _return(self, index: int) -> tuple[Point, ...]:
        """Return the way from the crossing back to a stage, inside the loop."""
        seat = self.seats.seat(index)
        if seat is None:
            return ()
        curve, s = seat
        start = opened((0.0, 0.0), self.seats.form.slow, RETURN_INSET)
        inner = [opened(p, self.seats.form.slow, RETURN_INSET) for p in self._way_back(curve, s)] or [start]
        bead, last = curve.at(s), inner[-1]
        gap = (self.seats.radius * 1.26 + 9) / math.dist(bead, last)
        tip = (bead[0] + (last[0] - bead[0]) * gap, bead[1] + (last[1] - bead[1]) * gap)
        return (*inner, tip) if gap < 1 and len(inner) > 1 else (start, tip)

    def _way_back(self, curve: Curve, s: float) -> tuple[Point, ...]:
        if curve is self.seats.right:
            return curve.stretch(s + RETURN_LEAD, curve.length)[::-1] if s + RETURN_LEAD < curve.length else ()
        return curve.stretch(0.0, s - RETURN_LEAD) if s > RETURN_LEAD else ()

    def _stroke(self, kind: str, points: tuple[Point, ...]) -> Stroke:
        return Stroke(kind, tuple(self.seats.to_page(p) for p in points))

    def _chevron(self, curve: Curve, s: float, kind: str) -> Chevron:
        return Chevron(self.seats.to_page(curve.at(s)), curve.heading(s), kind)


def _standing(definition: Definition, progress: Progress) -> int:
    """Return the index of the stage in which the cycle stands; past the last one once it is closed."""
    return len(definition.stages) if progress.current is None else definition.order.index(progress.current)
