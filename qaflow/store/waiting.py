"""The inbox's lists: the work items of one person's box in order, a page at a time, counted and by what they are.

A box is a condition on the holder and the state, which the index (college, holder, state, due) answers; the filters
narrow what it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.engine.definition import NEUTRAL_STAGES
from qaflow.store.db import Driver, Sql

LIVE = "i.state in ('open', 'stopped')"
LAST_DAY = "9999-12-31"
_HELD = "i.college_id = :college and i.holder_id = :person"
# "|| ''" and "+ 0" keep SQLite from the table's own key, where the small index of the few such visits answers faster
_SENT_BACK = (  # the stage was opened by a no, a return or a reopening: the prefilter spares the journal's look-up
    "i.kind = 'submit' and i.no > 1 and (i.visit > 1 or exists (select 1 from visit y where "
    "y.cycle_id = i.cycle_id and y.stage || '' = i.stage and y.number + 0 = i.visit and y.state = 'open' and "
    "y.submitted_at is not null)) and exists (select 1 from journal j where "
    "j.stream = 'cycle:' || i.cycle_id and j.at = i.opened_at and "
    "j.kind in ('StageReturned', 'StageRejected', 'StageReopened') and j.data like '%\"no\":' || i.no || ',%')"
)
_REACHED = (  # a deputy of a layer stands in on it alone; one of a role where the absent person's grant of it covers
    "(i.holder_id || ':' || i.layer || ':' in :whole[] or exists (select 1 from role_grant g where "
    "g.college_id = i.college_id and g.person_id = i.holder_id and (i.holder_id || ':' || i.layer || ':' || g.role "
    "in :parts[] or i.holder_id || ':' || i.layer || ':' || g.kind in :parts[]) and (g.starts is null or "
    "g.starts <= :today) and (g.ends is null or g.ends >= :today) and (g.scope_kind = 'college' or (g.scope_kind = "
    "'subject' and g.scope_id = i.subject_id) or (g.scope_kind = 'layer' and g.scope_layer = i.layer) or "
    "(g.scope_kind = 'unit' and i.unit_id in (with recursive under(id) as (select g.scope_id union select u.id "
    "from unit u join under on u.parent_id = under.id) select id from under)))))"
)
_IN_REVIEW = (  # of the submissions of a visit, the last
    "exists (select 1 from visit v where v.cycle_id = i.cycle_id and v.stage || '' = i.stage and "
    "v.number + 0 = i.visit and v.state = 'review' and :person in (v.submitted_by, i.holder_id)) and "
    "i.no = (select max(x.no) from work_item x where x.cycle_id = i.cycle_id and x.stage = i.stage and "
    "x.visit = i.visit and x.kind = 'submit' and x.state = 'done')"
)
BOXES = {
    "mine": f"{_HELD} and {LIVE}",
    "deputy": f"i.college_id = :college and i.holder_id in :absent[] and {LIVE} and {_REACHED}",
    "returned": f"{_HELD} and {LIVE} and {_SENT_BACK}",
    "submitted": "i.college_id = :college and i.holder_id in :both[] and i.state = 'done' and i.kind = 'submit' and "
    + _IN_REVIEW,
    "watch": "i.college_id = :college",
    "done": f"{_HELD} and i.state = 'done'",
}
"""What each box holds."""
SORTS = ("due", "opened", "subject", "unit", "stage")
"""By what a box can be ordered; what is done comes newest first where the others go by their deadline."""
_SIGNS = 40  # of a name by which is ordered: the place in a list stands in the address
_RANKS = " ".join(f"when '{stage}' then '{at:02}'" for at, stage in enumerate(NEUTRAL_STAGES))
_JOINS = {
    "subject": " join subject o on o.id = i.subject_id",
    "unit": " join unit o on o.id = i.unit_id",
}
_KEYS = {
    "opened": "i.opened_at",
    "subject": f"substr(o.name, 1, {_SIGNS})",
    "unit": f"substr(o.name_zh, 1, {_SIGNS})",
    "stage": f"(case i.stage {_RANKS} else '99' end || coalesce(i.stage, ''))",
}
_WATCHED = (  # watched cycles in the shape of work items: who watches sees where they stand, and since when
    "(select c.id, c.college_id, c.id as cycle_id, 0 as no, w.why as kind, c.stage, c.visit, c.responsible_id as "
    "holder_id, case when c.status = 'running' then c.due end as due, 0 as level, c.status as state, "
    "coalesce(v.entered_at, c.started_at) as opened_at, c.closed_at, c.layer, c.subject_id, c.unit_id, "
    "cast(null as text) as ref from watch w join cycle c on c.id = w.cycle_id left join visit v on v.cycle_id = c.id "
    "and v.stage = c.stage and v.number = c.visit where w.college_id = :college and w.person_id = :person and "
    "w.cycle_id in :seen[])"
)

_ASKED = (
    "from work_item x where x.cycle_id = i.cycle_id and x.stage = i.stage and x.visit = i.visit and "
    "x.kind in ('decide', 'sign') and x.state in ('open', 'stopped')"
)
_DUE = {"submitted": f"(select min(x.due) {_ASKED})"}
_FILTER = (
    "(cast(:layer as text) = '' or i.layer = :layer) and (cast(:stage as text) = '' or i.stage = :stage) and "
    "(cast(:kind as text) = '' or i.kind = :kind) and (cast(:unit as bigint) = 0 or i.unit_id = :unit)"
)
_FIELDS = (
    "select i.id, i.no, i.cycle_id, i.kind, i.stage, i.visit, i.holder_id, h.name, i.key_due, i.level, i.state, "
    "i.opened_at, i.closed_at, i.layer, s.name, c.track, c.number, d.hash, i.sent_back, v.submitted_at, b.name, "
    "p.name_zh, p.name_en, w.value, p.unit, a.name, i.unit_id "
    "from ({page}) i join subject s on s.id = i.subject_id left join person h on h.id = i.holder_id "
    "left join cycle c on c.id = i.cycle_id left join definition d on d.id = c.definition_id "
    "left join visit v on v.cycle_id = i.cycle_id and v.stage = i.stage and v.number = i.visit "
    "left join person b on b.id = v.submitted_by left join person a on a.id = i.asked "
    "left join warning w on w.id = i.ref and i.kind <> 'sheet' left join control_point p on p.id = w.point_id "
    "order by {order}"
)


class Row(NamedTuple):
    """One item of a box with what its two lines say."""

    id: int
    no: int
    cycle: int | None
    kind: str
    stage: str | None
    visit: int | None
    holder: int | None
    holder_name: str | None
    due: str | None
    level: int
    state: str
    opened_at: str
    closed_at: str | None
    layer: str
    subject: str
    track: str | None
    number: int | None
    definition: str | None  # content hash
    sent_back: int
    submitted_at: str | None
    submitted_by: str | None
    point_zh: str | None
    point_en: str | None
    value: float | None
    unit: str | None
    asked: str | None  # who decides what was submitted
    unit_id: int


class Facet(NamedTuple):
    """So many items of a box that are of one layer, stage, kind, unit and nearness."""

    layer: str
    stage: str | None
    kind: str
    unit: int
    when: int
    many: int
    cycle: int | None  # one of them


class Appointed(NamedTuple):
    """Somebody stands in for somebody today."""

    person: int
    deputy: int
    role: str | None
    layer: str | None


def _nearness(box: str) -> str:
    if box == "done":
        return "3"
    due = _DUE.get(box, "i.due")
    return f"case when {due} < :floor then 0 when {due} <= :today then 1 when {due} <= :week then 2 else 3 end"


def _from(box: str) -> str:
    return _WATCHED if box == "watch" else "work_item"


def _page(box: str, sort: str) -> Sql:
    """Write the statement of a page: first the box's own rows in order, then what belongs to these few."""
    newest = (box, sort) == ("done", "due")
    due = _DUE.get(box, "i.due")
    key = "i.closed_at" if newest else _KEYS.get(sort) or f"coalesce({due}, '{LAST_DAY}')"
    turn, way = ("<", "desc") if newest else (">", "asc")
    asked = f"(select min(x.holder_id) {_ASKED})" if box == "submitted" else "cast(null as bigint)"
    back = (
        f"case when {_SENT_BACK} then 1 else 0 end" if box in ("mine", "deputy") else "1" if box == "returned" else "0"
    )
    source = f"from {_from(box)} i{_JOINS.get(sort, '')}"
    inner = (
        f"select i.*, {key} as place, {due} as key_due, {asked} as asked, {back} as sent_back {source} where "
        f"i.id in (select i.id {source} where {BOXES[box]} and {_FILTER} and (cast(:when as bigint) < 0 or "
        f"{_nearness(box)} = :when) and ({key} {turn} :after or ({key} = :after and i.id {turn} :after_id)) "
        f"order by {key} {way}, i.id {way} limit :limit)"
    )
    return Sql(_FIELDS.format(page=inner, order=f"i.place {way}, i.id {way}"))


_PAGES = {(box, sort): _page(box, sort) for box in BOXES for sort in SORTS}
_FACETS = {
    box: Sql(f"select i.layer, i.stage, i.kind, i.unit_id, {_nearness(box)}, count(*), min(i.cycle_id) "
             f"from {_from(box)} i where {where} group by 1, 2, 3, 4, 5")
    for box, where in BOXES.items()
}  # fmt: skip
_COUNTS = Sql("select " + ", ".join(f"(select count(*) from {_from(box)} i where {where})"
                                    for box, where in BOXES.items()))  # fmt: skip
_APPOINTED = Sql(
    "select person_id, deputy_id, role, layer from deputy where college_id = :college and starts <= :day and "
    "ends >= :day and ended_at is null order by id"
)
_HASHES = Sql("select c.id, d.hash from cycle c join definition d on d.id = c.definition_id where c.id in :ids[]")
_UNITS = Sql("select id, name_zh, name_en from unit where college_id = :college and id in :ids[]")
_NEXT = Sql(
    "select n.next_start, s.name, s.layer, n.track from schedule n join subject s on s.id = n.subject_id where "
    "n.college_id = :college and n.subject_id in (select id from subject where college_id = :college and "
    "responsible_id = :person) and n.next_start is not null order by n.next_start, n.id limit 1"
)


def page(driver: Driver, box: str, sort: str, params: Mapping[str, Any]) -> list[Row]:
    """Return the next items of a box after a place in its order, with the filters."""
    return list(map(Row._make, driver.all(_PAGES[box, sort], params)))


def place(box: str, sort: str, row: Row, unit: str) -> str:
    """Return where a row stands in the order of its box, as the statement of a page compares it."""
    stage = row.stage or ""
    rank = f"{NEUTRAL_STAGES.index(stage):02}" if stage in NEUTRAL_STAGES else "99"
    keys = {"opened": row.opened_at, "subject": row.subject[:_SIGNS], "unit": unit[:_SIGNS], "stage": rank + stage}
    return keys.get(sort) or (row.closed_at if box == "done" else row.due) or LAST_DAY


def facets(driver: Driver, box: str, params: Mapping[str, Any]) -> list[Facet]:
    """Return what a box holds, counted by what one may filter by."""
    return list(map(Facet._make, driver.all(_FACETS[box], params)))


def counts(driver: Driver, params: Mapping[str, Any]) -> dict[str, int]:
    """Return how much each box holds."""
    return dict(zip(BOXES, driver.one(_COUNTS, params) or (), strict=True))


def appointed(driver: Driver, college: int, day: str) -> list[Appointed]:
    """Return every standing appointment of a college on a day, in the order of making."""
    return list(map(Appointed._make, driver.all(_APPOINTED, {"college": college, "day": day})))


def hashes(driver: Driver, cycles: Iterable[int]) -> dict[int, str]:
    """Return the hashes of the definitions by which cycles run."""
    return dict(driver.all(_HASHES, {"ids": list(cycles)}))


def units(driver: Driver, college: int, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return the names (zh, en) of units."""
    return {row[0]: row[1:] for row in driver.all(_UNITS, {"college": college, "ids": ids})}


def next_start(driver: Driver, college: int, person: int) -> tuple[str, str, str, str] | None:
    """Return (day, subject, layer, track) of the next cycle that begins for a person, None where none is planned."""
    return driver.one(_NEXT, {"college": college, "person": person})
