"""A college's units, subjects and control points as they stand, and units added beside those of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from qaflow.services.college import CollegeView
from qaflow.services.streams import college_fact, digest_of
from qaflow.services.work import Writer
from qaflow.store import colleges, limits, readings
from qaflow.store import subjects as rows
from qaflow.store.db import Driver
from qaflow.store.readings import Point
from qaflow.store.subjects import SubjectRow, UnitRow

__all__ = ["NewUnit", "Point", "SubjectRow", "UnitRow", "add_units", "below", "college_id", "line", "measured",
           "points", "subjects", "units"]  # fmt: skip


class Placed(Protocol):
    """Whatever lies under another of its kind, by number."""

    @property
    def parent(self) -> int | None:
        """The number of what it lies under."""
        ...


class NewUnit(NamedTuple):
    """A unit to be added under one that stands."""

    code: str
    kind: str
    name_zh: str
    name_en: str
    parent: int


def line(units: Mapping[int, Placed], unit: int | None) -> list[int]:
    """Return a unit and those above it, the nearest first; nothing where there is no such unit."""
    found: list[int] = []
    while unit is not None and unit in units and unit not in found:
        found.append(unit)
        unit = units[unit].parent
    return found


def below(units: Mapping[int, Placed], unit: int) -> list[int]:
    """Return a unit and all under it."""
    return [one for one in units if unit in line(units, one)]


def college_id(driver: Driver, key: str) -> int | None:
    """Return a college's number by its key."""
    found = colleges.by_key(driver, key)
    return found.id if found else None


def units(driver: Driver, college: int) -> dict[str, UnitRow]:
    """Return a college's units by code."""
    return rows.units(driver, college)


def subjects(driver: Driver, college: int) -> list[SubjectRow]:
    """Return a college's subjects."""
    return rows.subjects(driver, college)


def points(driver: Driver, college: int) -> list[Point]:
    """Return a college's control points."""
    return readings.points(driver, college)


def measured(driver: Driver, college: int) -> list[Point]:
    """Return the control points that are measured, not reckoned from others by a formula."""
    derived = {key for key, *_ in limits.formulas(driver, college)}
    return [point for point in points(driver, college) if point.key not in derived]


def add_units(driver: Driver, writer: Writer, college: CollegeView, new: Sequence[NewUnit]) -> list[int]:
    """Add units and return their numbers in order."""
    if not new:
        return []
    ids = list(driver.reserve("unit", len(new)))
    rows.put_units(driver, [(i, college.id, u.code, u.kind, None, u.name_zh, u.name_en, u.parent, "[]")
                            for i, u in zip(ids, new, strict=True)])  # fmt: skip
    data = {"count": len(ids), "first": ids[0], "last": ids[-1], "digest": digest_of(new)}
    college_fact(driver, writer, college.id, college.key, "UnitsAdded", data)
    colleges.reconfigure(driver, college.id)
    return ids
