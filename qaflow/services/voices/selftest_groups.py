"""Who took part in a self-test and what groups answered on the average; no single person's answers come from here.

Means are told after the last day only, when they change no more, and of the groups that `showable` lets through: which
these are is decided over the whole college, so that what two people see adds up to nothing either.  Answers count to
the unit in which the subject lay when they were handed in: somebody who moves takes nothing out of a mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import orjson

from qaflow.engine.definition import Label
from qaflow.engine.selftest import FEWEST, Group, rate, showable
from qaflow.services import policy
from qaflow.services.college import CollegeView
from qaflow.services.places import structure
from qaflow.store import people, selftests
from qaflow.store.dashboard import Unit, units
from qaflow.store.db import Driver
from qaflow.store.selftests import Opened

LOOKS_AFTER = policy.SEES_SCOPE - {"responsible"}
"""Kinds of role that read participation and means of what they cover."""
FEW, KEPT = "few", "kept"


class Row(NamedTuple):
    """One group: how many were asked and handed in, and its mean of each element where it may be told.

    ``hidden`` says why it may not: `FEW` handed in, or it is `KEPT` back because a difference would give others away.
    """

    unit: int
    name: Label
    depth: int
    asked: int
    handed_in: int
    means: dict[str, float] | None = None
    hidden: str | None = None

    @property
    def rate(self) -> float | None:
        """The share that took part."""
        return rate(self.handed_in, self.asked)


class Groups(NamedTuple):
    """The groups within somebody's reach, units before what lies in them; and all of them together."""

    rows: tuple[Row, ...]
    asked: int
    handed_in: int

    @property
    def rate(self) -> float | None:
        """The share that took part."""
        return rate(self.handed_in, self.asked)


def loads(text: str) -> dict[str, Any]:
    """Return what a column of answers or scores holds."""
    found: dict[str, Any] = orjson.loads(text)
    return found


def seen(driver: Driver, college: CollegeView, layer: str, person: int, today: date) -> frozenset[int]:
    """Return the units whose subjects of a layer somebody looks after, whole."""
    found = policy.reach(driver, college.id, [layer], person, today.isoformat(), LOOKS_AFTER)
    if layer in found.layers:
        return frozenset(unit.id for unit in units(driver, college.id))
    return frozenset(int(one.partition(":")[0]) for one in found.units)


def of(driver: Driver, college: CollegeView, opened: Opened, within: frozenset[int], *, means: bool) -> Groups:
    """Return the groups of a self-test among some units, with their means where they are wanted and may be told."""
    tree = _Tree(driver, college, opened)
    shown = [unit for unit in tree.order() if unit.id in within and tree.asked.get(unit.id)]
    told = tree.means([u.id for u in shown]) if means else {}
    rows = tuple(tree.row(unit, told, means) for unit in shown)
    among = {unit.id for unit in shown}
    tops = [row for row, unit in zip(rows, shown, strict=True) if unit.parent not in among]
    return Groups(rows, sum(row.asked for row in tops), sum(row.handed_in for row in tops))


def mean_of(driver: Driver, college: CollegeView, opened: Opened, unit: int) -> tuple[int, dict[str, float] | None]:
    """Return how many of a unit handed in, and their means where they may be told."""
    tree = _Tree(driver, college, opened)
    return tree.done.get(unit, 0), tree.means([unit]).get(unit)


class _Tree:
    """The college's units with how many were asked and handed in, in each with everything under it."""

    def __init__(self, driver: Driver, college: CollegeView, opened: Opened) -> None:
        self.driver, self.college, self.opened = driver, college, opened
        self.units: dict[int, Unit] = {unit.id: unit for unit in units(driver, college.id)}
        self.under = people.units_under(driver, college.id)
        self.asked: dict[int, int] = {}
        self.done: dict[int, int] = {}
        for unit, (asked, done) in selftests.by_unit(driver, college.id, opened).items():
            for one in self.line(unit):
                self.asked[one] = self.asked.get(one, 0) + asked
                self.done[one] = self.done.get(one, 0) + done
        groups = [Group(u, self.units[u].parent, many) for u, many in self.done.items()]
        self.showable = showable(groups)

    def line(self, unit: int | None) -> list[int]:
        """Return a unit and those above it."""
        return structure.line(self.units, unit)

    def order(self) -> list[Unit]:
        """Return the units, each before those in it."""
        return sorted(self.units.values(), key=lambda unit: self.line(unit.id)[::-1])

    def means(self, wanted: Iterable[int]) -> dict[int, dict[str, float]]:
        """Return the means of those of some units that may be told."""
        kept = [unit for unit in wanted if unit in self.showable]
        own = self._sums(sorted(set().union(*(self.under.get(unit, {unit}) for unit in kept)))) if kept else {}
        sums: dict[int, dict[str, float]] = {unit: {} for unit in kept}
        for unit, found in own.items():
            for one in self.line(unit):
                of_unit = sums.get(one, {})
                of_unit |= {key: of_unit.get(key, 0.0) + value for key, value in found.items()}
        return {unit: {key: total / self.done[unit] for key, total in of_unit.items()}
                for unit, of_unit in sums.items()}  # fmt: skip

    def _sums(self, among: list[int]) -> dict[int, dict[str, float]]:
        """Return for each unit the sums of the scores of those who lie in it directly; equal answers are read once."""
        many: dict[tuple[int, str], int] = {}
        for row in selftests.scores(self.driver, self.college.id, self.opened.id, among):
            many[row] = many.get(row, 0) + 1
        found: dict[int, dict[str, float]] = {}
        for (unit, text), count in many.items():
            of_unit = found.setdefault(unit, {})
            for key, value in loads(text).items():
                of_unit[key] = of_unit.get(key, 0.0) + value * count
        return found

    def row(self, unit: Unit, told: dict[int, dict[str, float]], means: bool) -> Row:
        """Return a unit's row."""
        many = self.done.get(unit.id, 0)
        hidden = None if not means or unit.id in told else FEW if many < FEWEST else KEPT
        name, depth = Label(zh=unit.name_zh, en=unit.name_en or unit.name_zh), len(self.line(unit.id)) - 1
        return Row(unit.id, name, depth, self.asked.get(unit.id, 0), many, told.get(unit.id), hidden)
