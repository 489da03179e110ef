"""The control points that belong to diagnosis points, and their newest readings as far as somebody may see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.sight import SUBJECT

_CONTROLS = Sql(
    "select id, key, layer, name_zh, name_en, unit, direction, target, warn_lower, warn_upper, body from control_point "
    "where college_id = :college and retired_at is null order by id"
)
_NEWEST = Sql(
    "select r.point_id, r.subject_id, s.unit_id, r.value, r.at from reading r join subject s on s.id = r.subject_id "
    f"where r.college_id = :college and r.point_id in :points[] and {SUBJECT} and "
    "not s.ended and not exists (select 1 from reading n where n.college_id = r.college_id and "
    "n.point_id = r.point_id and n.subject_id = r.subject_id and (n.at > r.at or (n.at = r.at and (n.version > "
    "r.version or (n.version = r.version and n.id > r.id))))) order by r.point_id, r.subject_id"
)
_SUBJECTS = Sql(
    "select s.id, s.layer, s.code, s.name, s.unit_id, u.kind from subject s join unit u on u.id = s.unit_id "
    f"where s.college_id = :college and s.layer in :layers[] and not s.ended and {SUBJECT} "
    "order by case when u.kind = 'college' then 0 else 1 end, s.layer, s.id"
)


class Control(NamedTuple):
    """A control point with the diagnosis point that it belongs to."""

    id: int
    key: str
    layer: str
    name_zh: str
    name_en: str
    unit: str
    direction: str
    target: float
    warn_lower: float | None
    warn_upper: float | None
    diagnosis_point: str
    measures: dict[str, str]

    @property
    def name(self) -> dict[str, str]:
        """Its name in both languages."""
        return {"zh": self.name_zh, "en": self.name_en}


class Newest(NamedTuple):
    """The newest reading of a point for a subject."""

    point: int
    subject: int
    unit: int
    value: float
    at: str


class Subject(NamedTuple):
    """A subject that a table can be made for."""

    id: int
    layer: str
    code: str
    name: str
    unit_id: int
    unit_kind: str


def controls(driver: Driver, college: int) -> list[Control]:
    """Return the control points that name a diagnosis point, in the order of their making."""
    found = []
    for *columns, body in driver.all(_CONTROLS, {"college": college}):
        more = json.loads(body)
        if more.get("point"):
            measures = more.get("measures") or {"zh": columns[3], "en": columns[4]}
            found.append(Control._make((*columns, more["point"], measures)))
    return found


def newest(driver: Driver, college: int, points: Sequence[int], sight: Mapping[str, Any]) -> list[Newest]:
    """Return the newest readings of points for the subjects that the reader may see."""
    found = driver.all(_NEWEST, {"college": college, "points": list(points), **sight}) if points else ()
    return [Newest._make(row) for row in found]


def subjects(driver: Driver, college: int, layers: Sequence[str], sight: Mapping[str, Any]) -> list[Subject]:
    """Return the subjects of some layers that the reader may see."""
    found = driver.all(_SUBJECTS, {"college": college, "layers": list(layers), **sight})
    return [Subject._make(row) for row in found]
