"""Work items that somebody ticked in a list, with what names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql

_ROWS = Sql(
    "select i.id, i.cycle_id, i.no, i.kind, i.stage, i.ref, i.state, i.due, s.name, c.track, c.number, i.layer, h.name "
    "from work_item i join cycle c on c.id = i.cycle_id join subject s on s.id = i.subject_id "
    "left join person h on h.id = i.holder_id where i.college_id = :college and i.id in :ids[]"
)


class Picked(NamedTuple):
    """One ticked work item."""

    id: int
    cycle: int
    no: int
    kind: str
    stage: str | None
    ref: str | None
    state: str
    due: str | None
    subject: str
    track: str | None
    number: int
    layer: str
    holder: str | None


def items(driver: Driver, college: int, ids: Sequence[int]) -> dict[int, Picked]:
    """Return those of a college's work items that there are, by number."""
    return {row[0]: Picked._make(row) for row in driver.all(_ROWS, {"college": college, "ids": list(ids)})}
