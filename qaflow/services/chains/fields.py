"""The fields of goals and standards as people and files give them: texts in, columns out, every fault at its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qaflow.engine.chains import DIRECTIONS
from qaflow.engine.college import SYSTEMS
from qaflow.errors import Invalid
from qaflow.services.college import CollegeView
from qaflow.services.files.cells import Column, cell_value
from qaflow.store import chain_writes, readings
from qaflow.store import subjects as places
from qaflow.store.db import Driver

KINDS = ("key", "routine", "ad_hoc")
"""重点, 常规, 临时 (domain, 5)."""
ORIGINS = ("plan", "superior", "school")
"""The plan, an order from above, the school's own addition (domain, 5)."""
TEXT = 1000
MOST_DEGREE = 100.0

COMMON = (
    Column(key="text", zh="内容", required=True, length=TEXT),
    Column(key="text_en", zh="英文内容", length=TEXT),
    Column(key="layer", zh="层面", what="code", required=True),
    Column(key="indicator", zh="指标"),
    Column(key="unit", zh="计量单位", length=40),
    Column(key="direction", zh="方向", what="choice", choices=DIRECTIONS),
    Column(key="weight", zh="权重", what="number"),
    Column(key="starts", zh="开始", what="day"),
    Column(key="ends", zh="结束", what="day"),
    Column(key="owner_unit", zh="责任部门", what="code"),
    Column(key="owner", zh="责任人"),
    Column(key="subject", zh="对象", what="code", length=130),
    Column(key="origin", zh="来源", what="choice", choices=ORIGINS),
    Column(key="kind", zh="类型", what="choice", choices=KINDS),
    Column(key="point", zh="质控点", what="code"),
)
KEY = Column(key="key", zh="编号", what="code")
COLUMNS: dict[str, tuple[Column, ...]] = {
    "goal": (
        *COMMON,
        Column(key="parent", zh="上级目标", what="code"),
        Column(key="target", zh="目标值", what="number"),
        Column(key="attained", zh="完成值", what="number"),
        Column(key="degree", zh="完成度", what="number"),
    ),
    "standard": (
        *COMMON,
        Column(key="goal", zh="对应目标", what="code"),
        Column(key="system", zh="系统", what="choice", choices=SYSTEMS),
        Column(key="value", zh="标准值", what="number"),
        Column(key="warn_lower", zh="预警下限", what="number"),
        Column(key="warn_upper", zh="预警上限", what="number"),
    ),
}
"""What is given of a goal and of a standard, beside the key."""
NUMBERS = frozenset(("weight", "target", "attained", "degree", "value", "warn_lower", "warn_upper"))
ABOVE = {"goal": "parent", "standard": "goal"}


class Fault(NamedTuple):
    """What is wrong with one field."""

    field: str
    code: str
    detail: str


@dataclass
class Refs:
    """What fields may name: units, goals, points and subjects by their codes, people by login or name."""

    driver: Driver
    college: CollegeView
    person: Callable[[str], int]  # raises `Invalid` where nobody, or several, are meant
    units: dict[str, int] = field(init=False)
    points: dict[str, int] = field(init=False)
    _subjects: dict[str, int] | None = None

    def __post_init__(self) -> None:
        """Look units and points up; subjects when the first is named."""
        self.units = {code: unit.id for code, unit in places.units(self.driver, self.college.id).items()}
        self.points = {point.key: point.id for point in readings.points(self.driver, self.college.id)}

    def subject(self, named: str) -> int | None:
        """Return the subject that ``LAYER/CODE`` means."""
        if self._subjects is None:
            self._subjects = {f"{s.layer}/{s.code}": s.id for s in places.subjects(self.driver, self.college.id)
                              if not s.ended}  # fmt: skip
        return self._subjects.get(named)

    def goal(self, key: str) -> int | None:
        """Return the goal of a key."""
        found = chain_writes.by_keys(self.driver, "goal", self.college.id, [key])
        return found[key][0] if key in found and found[key][2] is None else None


def cells(table: str, given: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """Return the cleaned cells of the fields that are given as texts, noting what is wrong with them."""
    found: dict[str, Any] = {}
    for column in COLUMNS[table]:
        if column.key in given:
            try:
                found[column.key] = cell_value(column, given[column.key])
            except Invalid as fault:
                found[column.key] = None
                faults.append(Fault(column.key, fault.code, fault.detail))
    return found


def values(table: str, given: Mapping[str, Any], refs: Refs, faults: list[Fault], *,
           known: Mapping[str, int] | None = None) -> dict[str, Any]:  # fmt: skip
    """Return the columns that cleaned cells mean, noting what is wrong; ``known`` are more goals, by key."""
    found: dict[str, Any] = {}
    for name, cell in given.items():
        try:
            column, value = _value(name, cell, refs, known or {})
        except Invalid as fault:
            faults.append(Fault(name, fault.code, fault.detail))
        else:
            found[column] = value
    if "text" in given:
        found["text_en"] = given.get("text_en") or found.get("text_zh")
    return found


def _value(name: str, cell: Any, refs: Refs, known: Mapping[str, int]) -> tuple[str, Any]:
    column = _COLUMN.get(name, name)
    if cell is None:
        return column, None
    if name in NUMBERS:
        if (name == "weight" and cell <= 0) or (name == "degree" and not 0 <= cell <= MOST_DEGREE):
            raise Invalid("value.range", "a weight lies above 0, a degree between 0 and 100")
        return column, float(cell)
    if name == "layer":
        return column, _known(cell, {one.key: one.key for one in refs.college.config.layers}.get(cell), "layer")
    if name == "owner_unit":
        return column, _known(cell, refs.units.get(cell), "unit")
    if name == "point":
        return column, _known(cell, refs.points.get(cell), "point")
    if name == "subject":
        return column, _known(cell, refs.subject(cell), "subject")
    if name in ABOVE.values():
        return column, _known(cell, known.get(cell) or refs.goal(cell), "goal")
    return column, refs.person(cell) if name == "owner" else cell


_COLUMN = {"text": "text_zh", "owner_unit": "owner_unit_id", "owner": "owner_id", "subject": "subject_id",
           "point": "point_id", "parent": "parent_id", "goal": "goal_id"}  # fmt: skip


def _known(cell: str, found: Any, what: str) -> Any:
    if found is None:
        raise Invalid(f"ref.unknown_{what}", f"no {what} {cell!r} in this college")
    return found


def agree(table: str, found: Mapping[str, Any], subject_layer: str | None) -> list[Fault]:
    """Return where the columns of one entry contradict each other."""
    faults = []
    if found.get("starts") and found.get("ends") and found["ends"] < found["starts"]:
        faults.append(Fault("ends", "date.order", f"the end {found['ends']} lies before the start {found['starts']}"))
    if subject_layer is not None and found.get("layer") != subject_layer:
        faults.append(Fault("layer", "chain.layer", f"the subject is of layer {subject_layer}"))
    lower, upper = found.get("warn_lower"), found.get("warn_upper")
    if lower is not None and upper is not None and lower >= upper:
        faults.append(Fault("warn_upper", "value.range", "the upper warning value lies above the lower one"))
    return faults
