"""What statistics are made of, as far as a person sees it: points, readings, their limits, strata, causes of warnings.

A subject lies within sight by `sight.SUBJECT`, a warning as the list of warnings has it; parameters come from
`policy.Reach`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store import sight
from qaflow.store.db import Driver, Sql

_COLUMNS = "p.id, p.key, p.layer, p.name_zh, p.name_en, p.unit, p.direction, p.target, p.warn_lower, p.warn_upper"
_LAYERS = Sql(f"select distinct s.layer from subject s where s.college_id = :college and {sight.SUBJECT}")
_POINTS = Sql(
    f"select {_COLUMNS} from control_point p where p.college_id = :college and p.layer in :layers[] and exists "
    "(select 1 from reading r where r.college_id = :college and r.point_id = p.id) order by p.id limit 500"
)
_POINT = Sql(f"select {_COLUMNS} from control_point p where p.college_id = :college and p.id = :point")
_WITH = (
    "from subject s join unit u on u.id = s.unit_id where s.college_id = :college and s.layer = :layer and "
    f"{sight.SUBJECT} "
)
_MEASURED = (
    "exists (select 1 from reading r where r.college_id = :college and r.point_id = :point and r.subject_id = s.id)"
)
_SUBJECTS = Sql(
    f"select s.id, s.name, s.code, u.name_zh, u.name_en {_WITH} and {_MEASURED} and s.id > :after order by s.id limit "
    ":limit"
)
_SUBJECT = Sql(f"select s.id, s.name, s.code, u.name_zh, u.name_en {_WITH} and s.id = :subject")
_SEEN = (
    "(select s.id, s.unit_id, s.parent_id from subject s where s.college_id = :college and s.layer = :layer and "
    f"{sight.SUBJECT}) z"
)
_SPAN = "r.college_id = :college and r.point_id = :point and r.at >= :first and r.at < :last"
_CORRECTED = (  # the few that were: an anti-join over all readings would take seconds
    "(select r.subject_id, r.at, r.source, max(r.version) as version from reading r where r.college_id = :college and "
    "r.point_id = :point and r.version > 1 group by r.subject_id, r.at, r.source) n on n.subject_id = r.subject_id and "
    "n.at = r.at and n.source = r.source"
)
_READ = (  # in their last version
    f"from reading r join {_SEEN} on z.id = r.subject_id left join {_CORRECTED} where {_SPAN} and "
    "(n.version is null or n.version = r.version)"
)
_LATEST = Sql(  # one look into the index for each subject
    "select z.unit_id, z.parent_id, (select r.value from reading r where r.college_id = :college and r.point_id = "
    ":point and r.subject_id = z.id and r.at >= :first and r.at < :last order by r.at desc, r.source desc, "
    f"r.version desc limit 1) from {_SEEN}"
)
_MONTHS = Sql(
    "select substr(r.at, 1, 7), sum(case when r.value < :lower or r.value > :upper then 1 else 0 end), count(*), "
    f"count(distinct r.subject_id) {_READ} group by substr(r.at, 1, 7) order by 1"
)
_VALUES = Sql(f"select substr(r.at, 1, 7), r.value {_READ} order by 1")
_ABOVE = Sql("select id, layer, name, parent_id from subject where college_id = :college and id in :ids[]")
_CAUSES = (
    "from warning w join subject s on s.id = w.subject_id left join cycle c on c.id = w.cycle_id left join "
    "control_point p on p.id = w.point_id where w.college_id = :college and w.state <> 'dismissed' and "
    "w.opened_at >= :first and w.opened_at < :last and (cast(:layer as text) = '' or s.layer = :layer) and "
    "(:anywhere or coalesce(c.unit_id, s.unit_id) in :units[]) and "
    f"((w.cycle_id is not null and {sight.SEEN}) or (w.cycle_id is null and {sight.SUBJECT})) "
)
_BY_CATEGORY = Sql(f"select coalesce(w.category, ''), count(*) {_CAUSES} group by 1")
_LISTED = Sql(
    "select w.id, coalesce(w.category, ''), w.cause, w.state, w.opened_at, w.kind, s.name, p.name_zh, p.name_en "
    f"{_CAUSES} and (cast(:category as text) = '*' or coalesce(w.category, '') = :category) order by w.opened_at desc, "
    "w.id desc limit :limit offset :offset"
)


class Point(NamedTuple):
    """A control point with its limits as they stand at the point itself."""

    id: int
    key: str
    layer: str
    name_zh: str
    name_en: str
    unit: str
    direction: str
    target: float
    lower: float | None
    upper: float | None


class Subject(NamedTuple):
    """A subject that was measured."""

    id: int
    name: str
    code: str
    unit_zh: str
    unit_en: str


class Latest(NamedTuple):
    """The last reading of one subject, with where the subject lies."""

    unit: int
    parent: int | None
    value: float


class Month(NamedTuple):
    """The readings of a month (in UTC): how many lay beyond the limits, of how many, of how many subjects."""

    month: str
    beyond: int
    readings: int
    subjects: int


class Cause(NamedTuple):
    """One warning with the cause that was found (a hash of content) and its kind."""

    warning: str
    category: str  # "" where none was named
    cause: str | None
    state: str
    opened_at: str
    kind: str
    subject: str
    zh: str | None  # of the control point
    en: str | None


def layers(driver: Driver, params: Mapping[str, Any]) -> list[str]:
    """Return the layers of which a person sees any subject."""
    return [layer for (layer,) in driver.all(_LAYERS, params)]


def points(driver: Driver, college: int, layers_: Sequence[str]) -> list[Point]:
    """Return the points of some layers that were ever read."""
    return list(map(Point._make, driver.all(_POINTS, {"college": college, "layers": list(layers_)})))


def point(driver: Driver, college: int, number: int) -> Point | None:
    """Return one control point of a college."""
    row = driver.one(_POINT, {"college": college, "point": number})
    return Point._make(row) if row else None


def subjects(driver: Driver, params: Mapping[str, Any]) -> list[Subject]:
    """Return the subjects within sight that a point was read of, after one, by number."""
    return list(map(Subject._make, driver.all(_SUBJECTS, params)))


def subject(driver: Driver, params: Mapping[str, Any]) -> Subject | None:
    """Return one subject within sight."""
    row = driver.one(_SUBJECT, params)
    return Subject._make(row) if row else None


def latest(driver: Driver, params: Mapping[str, Any]) -> list[Latest]:
    """Return the last reading in a span of each subject within sight."""
    return [Latest._make(row) for row in driver.all(_LATEST, params) if row[2] is not None]


def months(driver: Driver, params: Mapping[str, Any]) -> list[Month]:
    """Return what was read within sight month by month, and how much of it lay beyond two bounds."""
    found = driver.all(_MONTHS, params)
    return [Month(month, int(beyond), int(many), int(subjects_)) for month, beyond, many, subjects_ in found]


def values(driver: Driver, params: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return (month in UTC, value) of every reading within sight, by month."""
    return [(month, value) for month, value in driver.all(_VALUES, params)]


def above(driver: Driver, college: int, ids: Sequence[int]) -> list[tuple[int, str, str, int | None]]:
    """Return (number, layer, name, parent) of subjects."""
    return driver.all(_ABOVE, {"college": college, "ids": list(ids)}) if ids else []


def by_category(driver: Driver, params: Mapping[str, Any]) -> dict[str, int]:
    """Return how many warnings within sight have a cause of each kind; "" is not named."""
    return dict(driver.all(_BY_CATEGORY, params))


def causes(driver: Driver, params: Mapping[str, Any]) -> list[Cause]:
    """Return a page of the warnings behind those numbers, the newest first; the category `*` is all."""
    return list(map(Cause._make, driver.all(_LISTED, params)))
