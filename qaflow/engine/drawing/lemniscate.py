"""The curve of the 8: two halves of Bernoulli's lemniscate at two scales, joined at the crossing.

Both loops leave the crossing with the slope 1/k and curvature zero, so they join smoothly at any two scales.  The
origin is the crossing, y points down.  The slow loop does not close: it is opened by a seam at its top, since each
round leads into the next one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

Point = tuple[float, float]

STRETCH = 1.28  # k: the width of a loop by its height
CENTRE = 0.56  # the middle of a loop, as a share of its height from the crossing
SEAM = 0.042  # epsilon: how far the two ends at the top lie apart
OVERRUN = 0.075  # how far each half runs past the top, as a share of the half
CHORDS = 720  # chords of one half, by which arc length is summed
STEP = 6.0  # pixels between the points of a drawn stretch


@dataclass(frozen=True, eq=False)
class Curve:
    """A stretch of the figure, measured by arc length from its zero point."""

    points: tuple[Point, ...]
    marks: tuple[float, ...]  # the arc length at each point
    length: float  # from the zero point to the end that counts

    def at(self, s: float) -> Point:
        """Return the point at an arc length."""
        place = self._chord(s)
        (x0, y0), (x1, y1) = self.points[place], self.points[place + 1]
        share = (s - self.marks[place]) / (self.marks[place + 1] - self.marks[place])
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share

    def heading(self, s: float) -> float:
        """Return the direction of travel at an arc length, in radians (y down)."""
        place = self._chord(s)
        (x0, y0), (x1, y1) = self.points[place], self.points[place + 1]
        return math.atan2(y1 - y0, x1 - x0)

    def stretch(self, start: float | None = None, end: float | None = None) -> tuple[Point, ...]:
        """Return evenly spaced points between two arc lengths, by default the whole curve."""
        first = self.marks[0] if start is None else start
        last = self.marks[-1] if end is None else end
        steps = max(1, math.ceil((last - first) / STEP))
        return tuple(self.at(first + (last - first) * i / steps) for i in range(steps + 1))

    def _chord(self, s: float) -> int:
        return min(max(bisect_left(self.marks, s) - 1, 0), len(self.points) - 2)


@lru_cache(maxsize=8)
def right_half(a: float) -> Curve:
    """Return the slow loop from its top down the right side to the crossing; zero is the top."""
    quarter = math.pi / 2
    return _curve(
        lambda t: _opened(t, a, -1, (math.pi - t) / quarter), quarter * (1 - OVERRUN), math.pi, before=_overrun()
    )


@lru_cache(maxsize=8)
def left_half(a: float) -> Curve:
    """Return the slow loop from the crossing up the left side to its top; zero is the crossing."""
    quarter = math.pi / 2
    return _curve(lambda t: _opened(t, a, 1, t / quarter), 0.0, quarter * (1 + OVERRUN), after=_overrun())


@lru_cache(maxsize=8)
def quick_loop(b: float) -> Curve:
    """Return the quick loop from the crossing, down the left side and back up the right one."""
    return _curve(lambda t: _point(t, b, 1), 0.0, math.pi, chords=2 * CHORDS)


def opened(point: Point, a: float, factor: float) -> Point:
    """Scale a point about the middle of the slow loop."""
    middle = -CENTRE * a
    return point[0] * factor, middle + (point[1] - middle) * factor


def _overrun() -> int:
    return round(CHORDS * OVERRUN)


def _point(t: float, scale: float, down: int) -> Point:
    below = 1 + math.cos(t) ** 2
    return -STRETCH * scale * math.sin(t) * math.cos(t) / below, down * scale * math.sin(t) / below


def _opened(t: float, a: float, side: int, u: float) -> Point:
    u = min(max(u, 0.0), 1.0)
    return opened(_point(t, a, -1), a, 1 + side * SEAM * u * u * (3 - 2 * u))


def _curve(
    place: Callable[[float], Point], first: float, last: float, *, chords: int = CHORDS, before: int = 0, after: int = 0
) -> Curve:
    total = chords + before + after
    points = tuple(place(first + (last - first) * i / total) for i in range(total + 1))
    sums = list(accumulate((math.dist(p, q) for p, q in pairwise(points)), initial=0.0))
    zero = sums[before]
    return Curve(points=points, marks=tuple(s - zero for s in sums), length=sums[before + chords] - zero)
