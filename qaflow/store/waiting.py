"""The inbox's lists: the work items of one person's box in order, a page at a time, counted and by what they are.

A box is a condition on the holder and the state, which the index (college, holder, state, due) answers; the filters
narrow what it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

LIVE = "i.state in ('open', 'stopped')"
LAST_DAY = "9999-12-31"
_HELD = "i.college_id = :college and i.holder_id = :person"
_SENT_BACK = (  # the stage was opened by a no, a return or a reopening: the prefilter spares the journal's look-up
    "i.kind = 'submit' and i.no > 1 and (i.visit > 1 or exists (select 1 from visit y where "
    "y.cycle_id = i.cycle_id and y.stage = i.stage and y.number = i.visit and y.state = 'open' and "
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
    "exists (select 1 from visit v where v.cycle_id = i.cycle_id and v.stage = i.stage and v.number = i.visit and "
    "v.state = 'review' and :person in (v.submitted_by, i.holder_id)) and "
    "i.no = (select max(x.no) from work_item x where x.cycle_id = i.cycle_id and x.stage = i.stage and "
    "x.visit = i.visit and x.kind = 'submit' and x.state = 'done')"
)
BOXES = {
    "mine": f"{_HELD} and {LIVE}",
    "deputy": f"i.college_id = :college and i.holder_id in :absent[] and {LIVE} and {_REACHED}",
    "returned": f"{_HELD} and {LIVE} and {_SENT_BACK}",
    "submitted": "i.college_id = :college and i.holder_id in :both[] and i.state = 'done' and i.kind = 'submit' and "
    + _IN_REVIEW,
    "done": f"{_HELD} and i.state = 'done'",
}
"""What each box holds."""

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
    "p.name_zh, p.name_en, w.value, p.unit, a.name "
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


def _page(box: str) -> Sql:
    """Write the statement of a page: first the box's own rows in order, then what belongs to these few."""
    done = box == "done"
    due = _DUE.get(box, "i.due")
    key = "i.closed_at" if done else f"coalesce({due}, '{LAST_DAY}')"
    turn, way = ("<", "desc") if done else (">", "asc")
    asked = f"(select min(x.holder_id) {_ASKED})" if box == "submitted" else "cast(null as bigint)"
    back = (
        f"case when {_SENT_BACK} then 1 else 0 end" if box in ("mine", "deputy") else "1" if box == "returned" else "0"
    )
    inner = (
        f"select i.*, {key} as place, {due} as key_due, {asked} as asked, {back} as sent_back from work_item i where "
        f"i.id in (select i.id from work_item i where {BOXES[box]} and {_FILTER} and (cast(:when as bigint) < 0 or "
        f"{_nearness(box)} = :when) and ({key} {turn} :after or ({key} = :after and i.id {turn} :after_id)) "
        f"order by {key} {way}, i.id {way} limit :limit)"
    )
    return Sql(_FIELDS.format(page=inner, order=f"i.place {way}, i.id {way}"))


_PAGES = {box: _page(box) for box in BOXES}
_FACETS = {
    box: Sql(f"select i.layer, i.stage, i.kind, i.unit_id, {_nearness(box)}, count(*), min(i.cycle_id) "
             f"from work_item i where {where} group by 1, 2, 3, 4, 5")
    for box, where in BOXES.items()
}  # fmt: skip
_COUNTS = Sql("select " + ", ".join(f"(select count(*) from work_item i where {where})" for where in BOXES.values()))
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


def page(driver: Driver, box: str, params: Mapping[str, Any]) -> list[Row]:
    """Return the next items of a box after a place, with the filters."""
    return list(map(Row._make, driver.all(_PAGES[box], params)))


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
