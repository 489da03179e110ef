"""The chains of goals and standards (目标链, 标准链): how far a goal is attained, and how that adds up by weight.

Attainment is a share from 0 to 1.  The sources ask for it "rolled up by weight" (domain, 5) and give no formula: the
ones here are qaflow's own and stand in the docstrings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DIRECTIONS = ("higher", "lower", "band")
"""Which way a value is better: up, down, or as near as may be to its target."""


def attainment(value: float | None, target: float | None, direction: str | None = "higher") -> float | None:
    """Return how far a value attains its target, 0 to 1; None where one of them is not known.

    higher: value / target; lower: target / value; band: 1 less the distance from the target as a share of it.  A goal
    without a direction is one of more.  Where the target is not above 0 no share can be told: it is met or it is not.
    """
    if value is None or target is None:
        return None
    if direction == "lower":
        return 1.0 if value <= target else max(target, 0.0) / value if value > 0 else 0.0
    if direction == "band":
        return float(value == target) if target == 0 else max(0.0, 1.0 - abs(value - target) / abs(target))
    if target <= 0:
        return float(value >= target)
    return min(1.0, max(0.0, value / target))


@dataclass(frozen=True, kw_only=True)
class Node:
    """A goal in the tree: the one above it, its weight there, and its own attainment where it is measured itself.

    The weight of a subject's goal is one among that subject's goals, not among those of a plan: all goals of subjects
    under one goal are its ``grouped`` children, and count there together as one.
    """

    id: int
    parent: int | None = None
    weight: float | None = None
    own: float | None = None
    grouped: bool = False


class Pool(NamedTuple):
    """Grouped goals under one that were added up already: those with a weight, and those without one.

    Of each: how many there are, how many are measured, and the sums over the measured ones.
    """

    weighted: int = 0
    weight: float = 0.0  # of all that have one
    weight_measured: float = 0.0
    attained_weighted: float = 0.0  # weight × attainment
    plain: int = 0
    plain_measured: int = 0
    attained_plain: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Rolled:
    """What the roll-up says of a goal."""

    own: float | None  # as it is measured itself
    below: float | None  # the weighted mean of what lies under it
    covered: float  # the part of the weight under it of which the attainment is known, 0 to 1
    share: float  # the part of the goal above that it carries, 1 at the top
    of_top: float  # the part of the topmost goal that it carries
    depth: int

    @property
    def value(self) -> float | None:
        """How far it is attained: its own measurement, else what lies under it."""
        return self.below if self.own is None else self.own


@dataclass
class _Sum:
    """The children of one goal, added up; the grouped ones apart."""

    weighted: int = 0
    weight: float = 0.0
    plain: int = 0
    measured: list[tuple[float | None, float, float]] = field(default_factory=list)  # (weight, how many, attainment)
    group: _Sum | None = None

    @property
    def usual(self) -> float:
        """The weight of a child that has none: the mean of those that have one, 1 where none has."""
        return self.weight / self.weighted if self.weighted else 1.0

    @property
    def whole(self) -> float:
        """The weight of all children; the group is one of them without a weight of its own."""
        return self.weight + (self.plain + (self.group is not None)) * self.usual

    def of(self, grouped: bool) -> _Sum:
        """Return the sum that a child belongs to."""
        if not grouped:
            return self
        self.group = self.group or _Sum()
        return self.group

    def count(self, weight: float | None) -> None:
        """Count a child."""
        if weight is None:
            self.plain += 1
        else:
            self.weighted += 1
            self.weight += weight

    def mean(self) -> tuple[float | None, float]:
        """Return the weighted mean over the measured children, and the part of the weight that they are."""
        told = list(self.measured)
        if self.group is not None:
            value, covered = self.group.mean()
            told += [(None, covered, value)] if value is not None else []
        parts = [((w if w is not None else self.usual * many), share) for w, many, share in told]
        known = sum(weight for weight, _ in parts)
        if known <= 0:
            return None, 0.0
        return min(1.0, sum(w * share for w, share in parts) / known), min(1.0, known / self.whole)

    def share(self, node: Node) -> float:
        """Return the part of the goal that one of its children carries."""
        of = self.of(node.grouped)
        part = (of.usual if node.weight is None else node.weight) / of.whole if of.whole else 0.0
        return part * self.usual / self.whole if node.grouped and self.whole else part


def rollup(nodes: Iterable[Node], pools: Mapping[int, Pool] | None = None) -> dict[int, Rolled]:
    """Return what each goal's attainment is, up and down the tree.

    Up: the mean of the children's values, weighted; a child without a weight counts as much as its siblings do on the
    mean, and so does the group of the subjects' goals as a whole; one whose attainment is not known is left out, and
    ``covered`` tells how much is.  Down: ``share``.  A link to nothing, or one that closes a circle, is no link.
    """
    by_id = {node.id: node for node in nodes}
    parents = open_links({node.id: node.parent for node in by_id.values()})
    sums: dict[int, _Sum] = {i: _pooled((pools or {}).get(i)) for i in by_id}
    for i, above in parents.items():
        if above is not None:
            sums[above].of(by_id[i].grouped).count(by_id[i].weight)
    order = top_down(parents)
    values: dict[int, tuple[float | None, float]] = {}
    for i in reversed(order):
        node, above = by_id[i], parents[i]
        below = values[i] = sums[i].mean()
        value = below[0] if node.own is None else node.own
        if above is not None and value is not None:
            sums[above].of(node.grouped).measured.append((node.weight, 1, value))
    found: dict[int, Rolled] = {}
    for i in order:
        above, below = parents[i], values[i]
        share = 1.0 if above is None else sums[above].share(by_id[i])
        of_top, depth = (1.0, 0) if above is None else (share * found[above].of_top, found[above].depth + 1)
        found[i] = Rolled(own=by_id[i].own, below=below[0], covered=below[1], share=share, of_top=of_top, depth=depth)
    return found


def _pooled(pool: Pool | None) -> _Sum:
    """Return the sum of a goal under which goals were added up already."""
    if pool is None:
        return _Sum()
    group = _Sum(weighted=pool.weighted, weight=pool.weight, plain=pool.plain)
    if pool.weight_measured > 0:
        group.measured.append((pool.weight_measured, 1, pool.attained_weighted / pool.weight_measured))
    if pool.plain_measured:
        group.measured.append((None, pool.plain_measured, pool.attained_plain / pool.plain_measured))
    return _Sum(group=group)


def open_links(parents: Mapping[int, int | None]) -> dict[int, int | None]:
    """Return the links to the goal above that lead up to a top; those to nothing or around a circle are cut."""
    found: dict[int, int | None] = {}
    for start in parents:
        trail: dict[int, None] = {}
        at: int | None = start
        while at is not None and at not in found and at not in trail:
            trail[at] = None
            above = parents[at]
            at = above if above in parents else None
        for one in trail:
            above = parents[one]
            found[one] = above if above in parents else None
        if at is not None and at in trail:  # each link of the circle, whose members all stay
            around = list(trail)
            found |= dict.fromkeys(around[around.index(at) :])
    return found


def top_down(parents: Mapping[int, int | None]) -> list[int]:
    """Return all goals so that each stands after the one above it; of one level in the order given."""
    below: dict[int | None, list[int]] = {}
    for one, above in parents.items():
        below.setdefault(above, []).append(one)
    found: list[int] = []
    stack = list(reversed(below.get(None, [])))
    while stack:
        at = stack.pop()
        found.append(at)
        stack += reversed(below.get(at, []))
    return found


def above(parents: Mapping[int, int | None], start: int) -> list[int]:
    """Return the goals above one, the nearest first; safe on circles."""
    found: list[int] = []
    at = parents.get(start)
    while at is not None and at != start and at not in found:
        found.append(at)
        at = parents.get(at)
    return found


def closes_circle(parents: Mapping[int, int | None], child: int, parent: int | None) -> bool:
    """Tell whether a goal would lie under itself if it were put under another."""
    return parent is not None and (parent == child or child in above(parents, parent))
