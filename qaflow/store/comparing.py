"""What comparisons ask: the sums of groups of subjects by unit, and the measures whose effects are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.overview import CYCLE, SUBJECTS
from qaflow.store.portraits import LATEST

_LIKE = "s.layer = :layer and coalesce(s.kind, '') = :kind and (s.ends is null or s.ends >= :month)"
_VALUES = Sql(  # materialized for the same reason as the sums of portraits
    f"with x as materialized (select s.unit_id as unit, s.id in {SUBJECTS} as seen, {LATEST} as value from subject s "
    f"join control_point p on p.college_id = :college and p.id = :point where s.college_id = :college and {_LIKE}) "
    "select x.unit, x.seen, count(*), sum(x.value) from x where x.value is not null group by 1, 2"
)
_SHARES = Sql(
    "select x.unit, x.seen, count(*), sum(x.share) from (select s.unit_id as unit, "
    f"s.id in {SUBJECTS} as seen, 1.0 * sum(case when v.submitted_at < v.due || :cut then 1 else 0 end) / count(*) "
    f"as share from subject s join cycle c on c.college_id = s.college_id and c.subject_id = s.id join visit v on "
    f"v.cycle_id = c.id where s.college_id = :college and {_LIKE} and s.id <> :subject and c.status <> 'cancelled' and "
    "(cast(:track as text) = '' or c.track = :track) and v.state <> 'void' and v.due >= :from and v.due < :to and "
    "v.due < :floor and (v.submitted_at is not null or v.state <> 'open' or c.status <> 'suspended') "
    "group by s.id, s.unit_id) as x group by 1, 2"
)
_KINDS = Sql(
    "select distinct s.layer, coalesce(s.kind, '') from subject s where s.college_id = :college and "
    f"s.id in {SUBJECTS} order by 1, 2"
)
_POINTS = Sql(
    "select id, name_zh, name_en, unit from control_point where college_id = :college and layer = :layer and "
    "retired_at is null order by id"
)
_IMPROVED = Sql(
    "select c.id, c.track, c.number, d.hash, v.stage, v.submitted_at, v.content from cycle c join visit v on "
    "v.cycle_id = c.id join definition d on d.id = c.definition_id where c.college_id = :college and "
    f"c.subject_id = :subject and v.state = 'done' and v.submitted_at is not null and {CYCLE} "
    "order by v.submitted_at desc, c.id limit :limit"
)


class Sums(NamedTuple):
    """So many subjects of a unit, seen one by one by the reader or not, and the sum of their values."""

    unit: int
    seen: bool
    many: int
    total: float


def values(driver: Driver, params: Mapping[str, Any]) -> list[Sums]:
    """Return the last readings at a point, summed by unit."""
    return _sums(driver.all(_VALUES, params))


def shares(driver: Driver, params: Mapping[str, Any]) -> list[Sums]:
    """Return each subject's share of stages handed in on time between two days, summed by unit."""
    return _sums(driver.all(_SHARES, params))


def _sums(rows: list[tuple[Any, ...]]) -> list[Sums]:
    return [Sums(unit, bool(seen), int(many), float(total)) for unit, seen, many, total in rows]


def kinds(driver: Driver, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (layer, kind or "") of the subjects that the reader reaches."""
    return driver.all(_KINDS, params)


def points(driver: Driver, params: Mapping[str, Any]) -> list[tuple[int, str, str, str]]:
    """Return (number, name, English name, unit) of a layer's control points."""
    return driver.all(_POINTS, params)


def handed_in(driver: Driver, params: Mapping[str, Any]) -> list[tuple[int, str, int, str, str, str, str | None]]:
    """Return (cycle, track, number, definition, stage, instant, content's hash) of a subject's finished stages."""
    return driver.all(_IMPROVED, params)
