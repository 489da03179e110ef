"""Overdue work that went up its ladder: lists for those it came to and those who oversee, one item with its levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store import sight
from qaflow.store.db import Driver, Sql

MINE, ALL, BELOW, EXTENDED = "mine", "all", "below", "extended"
_TOLD = (
    "exists (select 1 from escalation e where e.college_id = i.college_id and e.item_id = i.id and "
    "e.deadline_no = i.deadline_no and (e.to_id || ':' || c.layer) in :s_persons[])"
)
_WHERE = "i.college_id = :college and i.state = 'open' and c.status = 'running' and "
BOXES = {
    MINE: f"{_WHERE} i.id in (select e.item_id from escalation e where e.college_id = :college and "
          f"e.to_id in :s_ids[]) and {_TOLD} and (i.holder_id is null or i.holder_id <> :s_me) and {sight.SEEN}",
    ALL: f"{_WHERE} i.level > 0 and {sight.COVERED}",
    BELOW: f"{_WHERE} i.due < :floor and {sight.COVERED} and not {_TOLD}",
    EXTENDED: f"{_WHERE} i.deadline_no > 1 and i.due >= :floor and {sight.COVERED}",
}  # fmt: skip
"""What came to me, all that was raised in my scope, what is late there and did not come to me, what was extended."""

_FROM = "from work_item i join cycle c on c.id = i.cycle_id "
_PLACE = "coalesce(i.next_level_at, '~')"
_WHEN = (
    "case when i.next_level_at is null then 3 when i.next_level_at < :tomorrow then 0 "
    "when i.next_level_at < :week then 1 else 2 end"
)
_FILTER = (
    "and (cast(:layer as text) = '' or c.layer = :layer) and (cast(:kind as text) = '' or i.kind = :kind) and "
    "(cast(:unit as bigint) = 0 or c.unit_id = :unit) and (cast(:level as bigint) < 0 or i.level = :level) and "
    f"(cast(:when as bigint) < 0 or {_WHEN} = :when) "
)
_COLUMNS = (
    "i.id, i.cycle_id, i.no, i.kind, i.stage, i.visit, i.holder_id, h.name, i.due, i.level, i.deadline_no, "
    "i.next_level, i.next_level_at, i.opened_at, i.state, i.closed_at, c.layer, c.unit_id, s.id, s.name, c.track, "
    "c.number, c.status, d.hash, p.name_zh, p.name_en, w.value, p.unit"
)
_JOINED = (
    "join subject s on s.id = i.subject_id join definition d on d.id = c.definition_id left join person h on "
    "h.id = i.holder_id left join warning w on w.id = i.ref and i.kind <> 'sheet' left join control_point p on "
    "p.id = w.point_id"
)


class Row(NamedTuple):
    """A work item with whose it is and where its cycle lies."""

    id: int
    cycle: int
    no: int
    kind: str
    stage: str
    visit: int
    holder: int | None
    holder_name: str | None
    due: str
    level: int
    deadline_no: int
    next_level: int | None
    next_at: str | None
    opened_at: str
    state: str
    closed_at: str | None
    layer: str
    unit: int
    subject: int
    name: str
    track: str
    number: int
    status: str
    definition: str  # content hash
    point_zh: str | None
    point_en: str | None
    value: float | None
    measure: str | None


class Facet(NamedTuple):
    """So many items of a list that are of one layer, unit, kind, level, and nearness of the next level."""

    layer: str
    unit: int
    kind: str
    level: int
    when: int
    many: int


class Fired(NamedTuple):
    """A level that fired."""

    item: int
    deadline_no: int
    level: int
    role: str
    to: int | None
    name: str | None
    due_at: str
    fired_at: str
    act: str
    outcome: str


class Reminded(NamedTuple):
    """A reminder of a work item."""

    cycle: int
    at: str
    actor: str
    data: str  # JSON


_COUNTS = {
    box: Sql(f"select count(*) {_FROM} where {where}") for box, where in BOXES.items()
}  # fmt: skip
_FACETS = {
    box: Sql(f"select c.layer, c.unit_id, i.kind, i.level, {_WHEN}, count(*) {_FROM} where {where} "
             "group by 1, 2, 3, 4, 5")
    for box, where in BOXES.items()
}  # fmt: skip
_PAGES = {
    box: Sql(
        f"select {_COLUMNS} {_FROM} {_JOINED} where i.id in (select i.id {_FROM} where {where} {_FILTER} and "
        f"({_PLACE}, i.id) > (:after, :after_id) order by {_PLACE}, i.id limit :limit) order by {_PLACE}, i.id"
    )
    for box, where in BOXES.items()
}
_AT = Sql(f"select {_PLACE} from work_item i where i.college_id = :college and i.id = :id")
_ONE = Sql(f"select {_COLUMNS} {_FROM} {_JOINED} where i.college_id = :college and i.id = :id")
_CAME = Sql(f"select 1 {_FROM} where i.id = :id and i.college_id = :college and {_TOLD}")
_FIRED = Sql(
    "select e.item_id, e.deadline_no, e.level, e.role, e.to_id, p.name, e.due_at, e.fired_at, e.act, e.outcome "
    "from escalation e left join person p on p.id = e.to_id where e.college_id = :college and e.item_id in :ids[] "
    "order by e.item_id, e.deadline_no, e.level"
)
_REMINDED = Sql(
    "select cast(substr(stream, 7) as bigint), at, actor, data from journal where stream in :streams[] and "
    "kind = 'ItemReminded' order by id"
)


def counts(driver: Driver, boxes: Sequence[str], params: Mapping[str, Any]) -> dict[str, int]:
    """Return how much some lists hold."""
    return {box: driver.value(_COUNTS[box], params) for box in boxes}


def facets(driver: Driver, box: str, params: Mapping[str, Any]) -> list[Facet]:
    """Return what a list holds, counted by what one may filter by."""
    return list(map(Facet._make, driver.all(_FACETS[box], params)))


def page(driver: Driver, box: str, params: Mapping[str, Any]) -> list[Row]:
    """Return the next items of a list after a place, those first whose next level comes first."""
    return list(map(Row._make, driver.all(_PAGES[box], params)))


def place(driver: Driver, college: int, item: int) -> str | None:
    """Return where an item stands in the lists."""
    found: str | None = driver.value(_AT, {"college": college, "id": item})
    return found


def one(driver: Driver, college: int, item: int) -> Row | None:
    """Return one work item of a college, whatever its state."""
    row = driver.one(_ONE, {"college": college, "id": item})
    return Row._make(row) if row else None


def came(driver: Driver, college: int, item: int, params: Mapping[str, Any]) -> bool:
    """Tell whether a level of an item's present deadline went to one of some persons."""
    return driver.value(_CAME, {"college": college, "id": item, **params}) is not None


def fired(driver: Driver, college: int, items: Sequence[int]) -> dict[int, list[Fired]]:
    """Return every level that fired of some items, of earlier deadlines too."""
    found: dict[int, list[Fired]] = {}
    for level in map(Fired._make, driver.all(_FIRED, {"college": college, "ids": list(items)})):
        found.setdefault(level.item, []).append(level)
    return found


def reminded(driver: Driver, cycles: Sequence[int]) -> list[Reminded]:
    """Return the reminders in some cycles, oldest first."""
    streams = [f"cycle:{number}" for number in sorted(set(cycles))]
    return list(map(Reminded._make, driver.all(_REMINDED, {"streams": streams})))
