"""Control points from a file: what they measure, and limits that hold from a day on."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from qaflow.engine import formulas
from qaflow.engine.college import CADENCES
from qaflow.engine.control import DIRECTIONS, Limits, crossing
from qaflow.engine.definition import canonical
from qaflow.errors import Invalid
from qaflow.services.cycles.acting import keep
from qaflow.services.points.limits import LimitBook
from qaflow.services.streams import college_fact, digest_of
from qaflow.store import limits as rows
from qaflow.store import readings
from qaflow.store import subjects as places

from .cells import Column
from .imports import Import, Kind
from .tabular import Row, unique

SYSTEM_ACCOUNT = 1
VALUES = ("warn_lower", "warn_upper", "alarm_lower", "alarm_upper")
REASON = 500
BY_FILE = "imported"
COLUMNS = (
    Column(key="key", zh="键", what="code", required=True),
    Column(key="layer", zh="层面", what="code", required=True),
    Column(key="name_zh", zh="中文名称", required=True),
    Column(key="name_en", zh="英文名称"),
    Column(key="unit", zh="单位", what="code"),
    Column(key="cadence", zh="频次", what="choice", required=True, choices=CADENCES),
    Column(key="direction", zh="方向", what="choice", required=True, choices=DIRECTIONS),
    Column(key="target", zh="目标值", what="number", required=True),
    Column(key="warn_lower", zh="预警下限", what="number"),
    Column(key="warn_upper", zh="预警上限", what="number"),
    Column(key="alarm_lower", zh="报警下限", what="number"),
    Column(key="alarm_upper", zh="报警上限", what="number"),
    Column(key="valid_from", zh="生效日期", what="day"),
    Column(key="reason", zh="原因", length=REASON),
    Column(key="formula", zh="公式", length=formulas.MOST_CHARACTERS),
    Column(key="source_system", zh="来源系统"),
    Column(key="measures", zh="数据内涵", length=REASON),
    Column(key="owner_unit", zh="责任单位", what="code"),
)


class _Taking:
    """One file of control points on its way in."""

    def __init__(self, run: Import) -> None:
        self.run = run
        self.standing = rows.standing(run.driver, run.college.id)
        self.units = {code: unit.id for code, unit in places.units(run.driver, run.college.id).items()}
        self.layers = {layer.key for layer in run.college.config.layers}
        self.today = run.college.calendar.local_day(run.origin.now).isoformat()
        points = readings.points(run.driver, run.college.id)
        self.points = {point.key: point for point in points}
        self.book = LimitBook(run.driver, run.college.id, points, run.college.calendar)

    def take(self) -> None:
        """Add points that are new, write those that differ, and give limits that differ a day of their own."""
        run, named = self.run, unique(self.run.table, "key")
        wanted = [(row, self._wanted(row)) for row in named]
        limited = {row["key"]: self._limits(row) for row in named}
        self._formulas(named, wanted)
        run.table.faults.raise_any()
        fresh = [(row, point) for row, point in wanted if row["key"] not in self.standing]
        for number, (_, point) in zip(run.driver.reserve("control_point", len(fresh)), fresh, strict=True):
            point["id"] = number
        rows.add_points(run.driver, [point for _, point in fresh])
        changed = {row["key"]: point for row, point in wanted if self._differs(row["key"], point)}
        rows.set_points(run.driver, list(changed.values()))
        ids = {row["key"]: point["id"] for row, point in wanted}
        moved = self._write_limits([row for row in named if self._moves(row, limited[row["key"]])], ids, limited)
        run.new, run.updated = len(fresh), len((changed.keys() | moved) - {row["key"] for row, _ in fresh})
        run.unchanged = len(named) - run.new - run.updated
        if run.new or changed:
            plain = [{k: v for k, v in point.items() if k != "id"} for _, point in wanted]
            college_fact(run.driver, run.writer, run.college.id, run.college.key, "PointsChanged",
                         {"count": run.new + len(changed), "new": run.new, "digest": digest_of(plain)})  # fmt: skip

    def _wanted(self, row: Row) -> dict[str, Any]:
        old = self.standing.get(row["key"] or "")
        if row["layer"] is not None and row["layer"] not in self.layers:
            self.run.fault(row, "layer", "ref.unknown_layer", f"the college has no layer {row['layer']!r}")
        if old is not None and row["layer"] != old["layer"]:
            self.run.fault(row, "layer", "point.layer", f"{row['key']} is of the layer {old['layer']}, and stays so")
        if row["owner_unit"] is not None and row["owner_unit"] not in self.units:
            self.run.fault(row, "owner_unit", "ref.unknown_unit", f"no unit {row['owner_unit']!r}")
        base = old or {"id": 0, "college_id": self.run.college.id, "key": row["key"], "layer": row["layer"],
                       "name_en": row["name_en"] or row["name_zh"], "unit": "", "direction": row["direction"],
                       "target": row["target"], "warn_lower": row["warn_lower"], "warn_upper": row["warn_upper"],
                       "body": "{}", "formula": None, "owner_unit_id": None, "loaded": False, "version": 1}  # fmt: skip
        found = base | {"name_zh": row["name_zh"], "cadence": row["cadence"]}
        for key in ("name_en", "unit"):
            if self.run.has(key) and row[key]:
                found[key] = row[key]
        if self.run.has("owner_unit"):
            found["owner_unit_id"] = self.units.get(row["owner_unit"] or "")
        if self.run.has("formula"):
            found["formula"] = self._formula(row)
        return found | {"body": self._body(row, found["body"])}

    def _formula(self, row: Row) -> str | None:
        if row["formula"] is None:
            return None
        try:
            return formulas.canonical(formulas.parse(row["formula"]))
        except Invalid as fault:
            self.run.fault(row, "formula", fault.code, fault.detail)
            return None

    def _body(self, row: Row, body: str) -> str:
        plain = json.loads(body)
        for key in ("source_system", "measures"):
            former = plain.get(key) or {}
            if self.run.has(key) and row[key] != (former.get("zh") if isinstance(former, dict) else former):
                plain[key] = {"zh": row[key], "en": row[key]} if row[key] else None
        return canonical(plain)

    def _formulas(self, named: list[Row], wanted: list[tuple[Row, dict[str, Any]]]) -> None:
        """Refuse formulas over points that are not there, of another layer, or that need one another in a circle."""
        every = self.standing | {row["key"]: point for row, point in wanted}
        found = {key: f for key, point in every.items() if (f := formulas.stored(point["formula"])) is not None}
        for row in named:
            for part in sorted(formulas.parts(found[row["key"]])) if row["key"] in found else ():
                if part not in every or every[part]["layer"] != row["layer"]:
                    told = f"no control point {part!r} of the layer {row['layer']}"
                    self.run.fault(row, "formula", "ref.unknown_point", told)
        chain = formulas.circle(found)
        if chain is not None:
            row = next((one for one in named if one["key"] in chain), named[0])
            self.run.fault(row, "formula", "formula.circle", f"points need one another: {' → '.join(chain)}")

    def _limits(self, row: Row) -> Limits | None:
        """Return the limits of a row; a column that the file has not stays as it stands."""
        if row["direction"] is None or row["target"] is None:
            return None
        point = self.points.get(row["key"])
        day = row["valid_from"] or self.today
        old = self.book.on(point.id, None, day).limits if point else None
        former = {} if old is None else dict(zip(VALUES, (old.lower, old.upper, old.alarm_lower, old.alarm_upper),
                                                 strict=True))  # fmt: skip
        values = [row[name] if self.run.has(name) else former.get(name) for name in VALUES]
        found = Limits(direction=row["direction"], target=row["target"], lower=values[0], upper=values[1],
                       alarm_lower=values[2], alarm_upper=values[3])  # fmt: skip
        crossed = crossing(found)
        if crossed is not None:
            self.run.fault(row, crossed, "point.limits", "alarm, warning and target values must follow one another")
        if row["valid_from"] is not None and row["valid_from"] < self.today:
            self.run.fault(row, "valid_from", "limit.past", "limits hold from today or later: the past keeps its own")
        return found

    def _differs(self, key: str, point: dict[str, Any]) -> bool:
        return key in self.standing and point != self.standing[key]

    def _moves(self, row: Row, wanted: Limits | None) -> bool:
        """Tell whether the limits of a row differ from those of its day; a new point holds its own, save alarms."""
        point = self.points.get(row["key"])
        if wanted is None:
            return False
        if point is None:
            return wanted.alarm_lower is not None or wanted.alarm_upper is not None
        return self.book.on(point.id, None, row["valid_from"] or self.today).limits != wanted

    def _write_limits(self, moved: list[Row], ids: dict[str, int], limited: dict[str, Limits | None]) -> set[str]:
        made = []
        for row in moved:
            limits = limited[row["key"]]
            assert limits is not None
            day = row["valid_from"] or (self.today if row["key"] in self.points else date.min.isoformat())
            made.append(limit_values(ids[row["key"]], None, day, limits) | {
                "reason": keep(self.run.driver, row["reason"] or BY_FILE), "set_at": self.run.writer.at,
                "set_by": self.run.origin.person or SYSTEM_ACCOUNT})  # fmt: skip
        if made:
            numbers = rows.put(self.run.driver, self.run.college.id, made)
            told = [{"limit": n, **one} for n, one in zip(numbers, made, strict=True)]
            college_fact(self.run.driver, self.run.writer, self.run.college.id, self.run.college.key, "LimitsSet",
                         {"limits": told})  # fmt: skip
        return {row["key"] for row in moved}


def limit_values(point: int, subject: int | None, day: str, limits: Limits) -> dict[str, Any]:
    """Return limits as a row holds them, without who set them and why."""
    return {"point_id": point, "subject_id": subject, "valid_from": day, "direction": limits.direction,
            "target": limits.target, "warn_lower": limits.lower, "warn_upper": limits.upper,
            "alarm_lower": limits.alarm_lower, "alarm_upper": limits.alarm_upper}  # fmt: skip


def take(run: Import) -> None:
    """Take a file of control points."""
    _Taking(run).take()


POINTS = Kind(key="points", columns=COLUMNS, take=take, right="points")
