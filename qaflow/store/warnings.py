"""Warnings for those who may see them: lists by layer and age, one warning with its facts, its readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from qaflow.store import keyset, sight
from qaflow.store.db import Driver, Sql
from qaflow.store.keyset import Place

OPEN, CLOSED = "open", "closed"
STATES = {
    OPEN: "w.state not in ('closed', 'dismissed')",
    CLOSED: "w.state in ('closed', 'dismissed') and w.closed_at >= :since",
}
"""The two lists: what is open, and what was settled since an instant."""
FACTS = (
    "WarningOpened", "WarningReceived", "WarningJoined", "ReadingReturned", "WarningAcknowledged", "CorrectionStarted",
    "CorrectionConfirmed", "ReopeningRefused", "StageReopened", "WarningDismissed", "WarningsPassed",
)  # fmt: skip
"""Kinds of facts that tell a warning's life."""

_SEEN = f"((w.cycle_id is not null and {sight.SEEN}) or (w.cycle_id is null and {sight.SUBJECT}))"
_FROM = (
    "from warning w join subject s on s.id = w.subject_id left join cycle c on c.id = w.cycle_id "
    f"where w.college_id = :college and {{state}} and {_SEEN} "
)
_AGE = (
    "case when w.opened_at >= :age1 then 0 when w.opened_at >= :age2 then 1 when w.opened_at >= :age3 then 2 else 3 end"
)
_UNIT = "coalesce(c.unit_id, s.unit_id)"
_MINE = (
    "case when exists (select 1 from work_item x where x.cycle_id = w.cycle_id and x.ref = w.id and "
    "x.state in ('open', 'stopped') and (x.holder_id || ':' || x.layer) in :s_persons[]) then 1 else 0 end"
)
_RANK = "case when w.severity = 'major' then 0 else 1 end"
_FILTER = (
    "and (cast(:layer as text) = '' or s.layer = :layer) and (cast(:state as text) = '' or w.state = :state) and "
    "(cast(:severity as text) = '' or w.severity = :severity) and (cast(:kind as text) = '' or w.kind = :kind) and "
    f"(cast(:unit as bigint) = 0 or {_UNIT} = :unit) and (cast(:age as bigint) < 0 or {_AGE} = :age) and "
    f"(cast(:mine as bigint) = 0 or {_MINE} = 1) "
)
SORTS = keyset.both_ways({
    "severity": (_RANK, "w.opened_at", "w.id"), "opened_at": ("w.opened_at", "w.id"),
    "closed_at": ("coalesce(w.closed_at, '9999-12-31T23:59:59.999999Z')", "w.id"), "subject": ("s.name", "w.id"),
})  # fmt: skip
"""In what order the lists can stand."""
USUAL = {OPEN: "severity", CLOSED: "-closed_at"}
"""The order of each list where none is named."""
_COLUMNS = (
    "w.id, w.cycle_id, w.kind, w.severity, w.state, w.opened_at, w.closed_at, w.value, w.limit_text, w.proposal, "
    "w.breached, s.id, s.name, s.layer, c.track, c.number, p.id, coalesce(p.name_zh, t.title_zh), "
    "coalesce(p.name_en, t.title_en), p.unit"
)
_JOINED = "left join control_point p on p.id = w.point_id left join plan_task t on t.id = w.task_id"


class Row(NamedTuple):
    """A warning as a line says it."""

    id: str
    cycle: int | None
    kind: str
    severity: str
    state: str
    opened_at: str
    closed_at: str | None
    value: float | None
    limit: str | None
    proposal: str | None
    breached: bool
    subject: int
    name: str
    layer: str
    track: str | None
    number: int | None
    point: int | None
    zh: str | None  # of the control point or the task
    en: str | None
    unit: str | None  # in which the point is measured


class Facet(NamedTuple):
    """So many warnings of one layer, unit, state, severity, kind and age, whose next step is mine or not."""

    layer: str
    unit: int
    state: str
    severity: str
    kind: str
    age: int
    mine: int
    many: int


class Step(NamedTuple):
    """Who owes the next step of a warning, and by when."""

    warning: str
    kind: str
    holder: str | None
    due: str | None
    state: str


class One(NamedTuple):
    """One warning with where it stands and what was said about it (hashes of content)."""

    id: str
    cycle: int | None
    subject: int
    layer: str
    unit: int
    responsible: int | None
    cause: str | None
    measure: str | None
    reason: str | None
    scope: str | None
    start: str | None  # of the cycle's period
    end: str | None
    category: str | None  # kind of cause


@cache
def _page(box: str, sort: str, begins: bool) -> Sql:
    order = SORTS[sort]
    behind = "" if begins else f"and {order.beyond} "
    inner = f"select w.id {_FROM.format(state=STATES[box])} {_FILTER} {behind}order by {order.by} limit :limit"
    return Sql(
        f"select {_COLUMNS} from warning w join subject s on s.id = w.subject_id left join cycle c on "
        f"c.id = w.cycle_id {_JOINED} where w.id in ({inner}) order by {order.by}"
    )


@cache
def _place(sort: str) -> Sql:
    return Sql(f"select {SORTS[sort].selected} from warning w join subject s on s.id = w.subject_id where "
               "w.college_id = :college and w.id = :id")  # fmt: skip


_FACETS = {
    box: Sql(f"select s.layer, {_UNIT}, w.state, w.severity, w.kind, {_AGE}, {_MINE}, count(*) "
             f"{_FROM.format(state=state)} group by 1, 2, 3, 4, 5, 6, 7")
    for box, state in STATES.items()
}  # fmt: skip
_STEPS = Sql(
    "select i.ref, i.kind, h.name, i.due, i.state from work_item i left join person h on h.id = i.holder_id where "
    "i.cycle_id in :cycles[] and i.ref in :ids[] and i.state in ('open', 'stopped') order by i.no"
)
_ROW = Sql(
    f"select {_COLUMNS} from warning w join subject s on s.id = w.subject_id left join cycle c on c.id = w.cycle_id "
    f"{_JOINED} where w.college_id = :college and w.id = :id"
)
_ONE = Sql(
    f"select w.id, w.cycle_id, s.id, s.layer, {_UNIT}, s.responsible_id, w.cause, w.measure, w.reason, w.scope, "
    "c.period_start, c.period_end, w.category from warning w join subject s on s.id = w.subject_id left join cycle c "
    "on c.id = w.cycle_id where w.college_id = :college and w.id = :id"
)
_CYCLES_OF = Sql("select id from cycle where college_id = :college and subject_id = :subject")
_LIFE = Sql(
    "select kind, at, actor, on_behalf_of, data from journal where stream in :streams[] and kind in :kinds[] and "
    "data like :mark order by id"
)


def page(driver: Driver, box: str, params: Mapping[str, Any], sort: str, after: Place | None) -> list[Row]:
    """Return the next warnings of a list after a place, with the filters."""
    found = driver.all(_page(box, sort, after is None), {**params, **keyset.after(after)})
    return [Row._make(row)._replace(breached=bool(row[10])) for row in found]


def facets(driver: Driver, box: str, params: Mapping[str, Any]) -> list[Facet]:
    """Return what a list holds, counted by what one may filter by."""
    return list(map(Facet._make, driver.all(_FACETS[box], params)))


def place(driver: Driver, college: int, sort: str, warning: str) -> Place | None:
    """Return where a warning stands in a list's order."""
    row = driver.one(_place(sort), {"college": college, "id": warning})
    return tuple(row) if row else None


def steps(driver: Driver, rows: Sequence[Row]) -> dict[str, list[Step]]:
    """Return who owes the next step of each of some warnings."""
    found: dict[str, list[Step]] = {}
    cycles = sorted({row.cycle for row in rows if row.cycle is not None})
    if cycles:
        for step in map(Step._make, driver.all(_STEPS, {"cycles": cycles, "ids": [row.id for row in rows]})):
            found.setdefault(step.warning, []).append(step)
    return found


def one(driver: Driver, college: int, warning: str) -> tuple[Row, One] | None:
    """Return one warning of a college."""
    key = {"college": college, "id": warning}
    row, more = driver.one(_ROW, key), driver.one(_ONE, key)
    return (Row._make(row)._replace(breached=bool(row[10])), One._make(more)) if row and more else None


def life(driver: Driver, college: int, extra: str, subject: int, warning: str) -> list[tuple[Any, ...]]:
    """Return the facts of a warning's life in every cycle of its subject (and one stream more), oldest first."""
    cycles = driver.all(_CYCLES_OF, {"college": college, "subject": subject})
    streams = [extra, *(f"cycle:{number}" for (number,) in cycles)]
    return driver.all(_LIFE, {"streams": streams, "kinds": list(FACTS), "mark": f'%"{warning}"%'})
