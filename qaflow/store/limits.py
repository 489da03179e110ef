"""Limits of control points over time, of all subjects or of one; and what is entered or imported of the points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class LimitRow(NamedTuple):
    """The limits of a point from a day on; a subject's own go before those of the layer."""

    id: int
    point: int
    subject: int | None
    valid_from: str
    direction: str
    target: float
    warn_lower: float | None
    warn_upper: float | None
    alarm_lower: float | None
    alarm_upper: float | None
    reason: str  # content hash
    set_at: str
    set_by: int


_COLUMNS = ("id", "point_id", "subject_id", "valid_from", "direction", "target", "warn_lower", "warn_upper",
            "alarm_lower", "alarm_upper", "reason", "set_at", "set_by")  # fmt: skip
_OF = Sql(f"select {', '.join(_COLUMNS)} from point_limit where college_id = :college and point_id in :points[] "
          "order by valid_from, id")  # fmt: skip
_FORMULAS = Sql("select key, layer, cadence, formula from control_point where college_id = :college and "
                "formula is not null and retired_at is null order by id")  # fmt: skip
POINT_COLUMNS = ("id", "college_id", "key", "layer", "name_zh", "name_en", "unit", "cadence", "direction", "target",
                 "warn_lower", "warn_upper", "body", "formula", "owner_unit_id", "loaded", "version")  # fmt: skip
_SET_POINT = Sql(
    "update control_point set name_zh = :name_zh, name_en = :name_en, unit = :unit, cadence = :cadence, "
    "body = :body, formula = :formula, owner_unit_id = :owner_unit_id, next_check = null, version = version + 1 "
    "where id = :id"
)
_STANDING = Sql(f"select {', '.join(POINT_COLUMNS)} from control_point where college_id = :college")


def of(driver: Driver, college: int, points: Sequence[int]) -> list[LimitRow]:
    """Return the limits of points in the order of their day; of one day the last set stands last."""
    if not points:
        return []
    return list(map(LimitRow._make, driver.all(_OF, {"college": college, "points": list(points)})))


def put(driver: Driver, college: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write limits (without their numbers) and return the numbers they were given."""
    ids = list(driver.reserve("point_limit", len(rows)))
    made = [(i, college, *(row[c] for c in _COLUMNS[1:])) for i, row in zip(ids, rows, strict=True)]
    driver.insert_rows("point_limit", ("id", "college_id", *_COLUMNS[1:]), made)
    return ids


def formulas(driver: Driver, college: int) -> list[tuple[str, str, str, str]]:
    """Return (key, layer, cadence, formula) of the derived points."""
    return driver.all(_FORMULAS, {"college": college})


def standing(driver: Driver, college: int) -> dict[str, dict[str, Any]]:
    """Return a college's points whole, by key."""
    return {row[2]: dict(zip(POINT_COLUMNS, row, strict=True)) for row in driver.all(_STANDING, {"college": college})}


def add_points(driver: Driver, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add points."""
    driver.insert_rows("control_point", POINT_COLUMNS, [tuple(row[c] for c in POINT_COLUMNS) for row in rows])


def set_points(driver: Driver, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what may change of points: not their limits, which have days of their own."""
    if rows:
        driver.many(_SET_POINT, [dict(row) for row in rows])
