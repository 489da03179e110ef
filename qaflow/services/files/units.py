"""Units from a file: departments, teaching units, sections and classes, with who lies under whom."""

from __future__ import annotations

import json

from qaflow.engine.college import SYSTEMS, UNIT_KINDS
from qaflow.store import colleges
from qaflow.store import subjects as rows
from qaflow.store.subjects import UnitRow

from .cells import Column
from .imports import Import, Kind, loops
from .tabular import Row, unique

COLUMNS = (
    Column(key="code", zh="代码", what="code", required=True),
    Column(key="kind", zh="类别", what="choice", required=True, choices=UNIT_KINDS),
    Column(key="name_zh", zh="中文名称", required=True),
    Column(key="name_en", zh="英文名称"),
    Column(key="parent", zh="上级", what="code"),
    Column(key="system", zh="系统", what="choice", choices=SYSTEMS),
    Column(key="aliases", zh="别名", what="list", length=1000),
)


def take(run: Import) -> None:
    """Add the units that are new and write those that differ."""
    standing = rows.units(run.driver, run.college.id)
    named = unique(run.table, "code")
    _check(run, named, standing)
    run.table.faults.raise_any()
    fresh = [row for row in named if row["code"] not in standing]
    ids = {code: unit.id for code, unit in standing.items()}
    numbers = run.driver.reserve("unit", len(fresh)) if fresh else ()
    ids |= {row["code"]: number for row, number in zip(fresh, numbers, strict=True)}
    wanted = [_unit(run, row, standing.get(row["code"]), ids) for row in named]
    changed = [unit for unit in wanted if unit.code in standing and unit != standing[unit.code]]
    rows.put_units(run.driver, [_values(run.college.id, u) for u in _parents_first(wanted) if u.code not in standing])
    rows.set_units(run.driver, run.college.id, changed)
    run.new, run.updated = len(fresh), len(changed)
    run.unchanged = len(named) - run.new - run.updated
    if run.new or run.updated:
        colleges.reconfigure(run.driver, run.college.id)


def _check(run: Import, named: list[Row], standing: dict[str, UnitRow]) -> None:
    codes = {unit.id: unit.code for unit in standing.values()}
    parents = {unit.code: codes.get(unit.parent_id or 0) for unit in standing.values()}
    known = set(standing) | {row["code"] for row in run.table.rows if row["code"]}
    for row in named:
        if not run.has("parent"):
            continue
        parent = row["parent"]
        if parent == row["code"]:
            run.fault(row, "parent", "org.self_supervision", f"{parent} cannot lie under itself")
            parent = None
        elif parent is not None and parent not in known:
            run.fault(row, "parent", "ref.unknown_unit", f"no unit {parent!r} in the college or in this file")
        parents[row["code"]] = parent
    by_code = {row["code"]: row for row in named}
    for code, chain in loops(parents, list(by_code)):
        run.fault(by_code[code], "parent", "org.cycle", f"units lie under themselves: {' → '.join(chain)}")


def _unit(run: Import, row: Row, old: UnitRow | None, ids: dict[str, int]) -> UnitRow:
    """Return the unit as the file wants it; a column that the file has not stays as it stands."""
    unit = old or UnitRow(ids[row["code"]], row["code"], row["kind"], None, row["name_zh"], row["name_zh"], None, "[]")
    unit = unit._replace(kind=row["kind"], name_zh=row["name_zh"])
    if run.has("name_en"):
        unit = unit._replace(name_en=row["name_en"] or row["name_zh"])
    if run.has("parent"):
        unit = unit._replace(parent_id=ids[row["parent"]] if row["parent"] else None)
    if run.has("system"):
        unit = unit._replace(system=row["system"])
    if run.has("aliases") and json.loads(unit.aliases) != (row["aliases"] or []):
        unit = unit._replace(aliases=json.dumps(row["aliases"] or [], ensure_ascii=False))
    return unit


def _values(college: int, unit: UnitRow) -> tuple[object, ...]:
    return (unit.id, college, *unit[1:])


def _parents_first(units: list[UnitRow]) -> list[UnitRow]:
    """Return the units ordered so that a parent stands before what lies under it."""
    by_id = {unit.id: unit for unit in units}
    placed: dict[int, UnitRow] = {}
    for unit in units:
        line = []
        above: UnitRow | None = unit
        while above is not None and above.id not in placed:
            line.append(above)
            above = by_id.get(above.parent_id or 0)
        placed.update((one.id, one) for one in reversed(line))
    return list(placed.values())


UNITS = Kind(key="units", columns=COLUMNS, take=take)
