"""What people owe: live work items with what is needed to act on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Work(NamedTuple):
    """One work item of a running or suspended cycle, with where that cycle stands."""

    id: int
    cycle: int
    no: int
    kind: str
    stage: str
    visit: int
    ref: str | None
    holder: int | None
    due: str
    level: int
    state: str
    opened_at: str
    layer: str
    track: str
    subject: int
    unit: int
    definition: str  # content hash
    at_stage: str  # where the cycle stands
    leaf: str
    open_warnings: int
    parent: int | None
    period_end: str
    status: str
    sheet: str | None = None  # the kind of diagnosis, of a sheet's item
    point: int | None = None  # the control point of the warning that the item answers


_WORK = (
    "select i.id, i.cycle_id, i.no, i.kind, i.stage, i.visit, i.ref, i.holder_id, i.due, i.level, i.state, "
    "i.opened_at, i.layer, c.track, i.subject_id, i.unit_id, d.hash, c.stage, c.leaf, c.open_warnings, c.parent_id, "
    "c.period_end, c.status{more} from work_item i join cycle c on c.id = i.cycle_id "
    "join definition d on d.id = c.definition_id "
)
_MORE = (
    ", case when i.kind = 'sheet' then (select s.kind from sheet s where s.college_id = i.college_id and "
    "s.cycle_id = i.cycle_id and s.no = cast(substr(i.ref, 7) as integer)) end, case when i.kind <> 'sheet' and "
    "i.ref is not null then (select w.point_id from warning w where w.id = i.ref) end"
)
_SINCE = Sql(
    _WORK.format(more=", null, null")
    + "where i.id > :after and i.college_id + 0 = :college and i.state in ('open', 'stopped') order by i.id "
    "limit :limit"  # the sum keeps SQLite from sorting the whole college: the ids are in order
)
_LOOK = Sql(_WORK.format(more=_MORE) + "where i.id in :ids[] order by i.cycle_id, i.no")


def since(driver: Driver, college: int, after: int, limit: int) -> list[Work]:
    """Return the live items of a college with a number above one, oldest first."""
    return list(map(Work._make, driver.all(_SINCE, {"college": college, "after": after, "limit": limit})))


def look(driver: Driver, ids: Sequence[int]) -> list[Work]:
    """Return items by number as they stand now, whatever their state."""
    return list(map(Work._make, driver.all(_LOOK, {"ids": list(ids)})))
