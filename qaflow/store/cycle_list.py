"""The list of cycles: those a person may see, narrowed, counted by what they can be narrowed by, a page at a time.

The deadline in force is the stage's while it is worked on, and the earliest open decision's while it is in review.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from qaflow.store import keyset
from qaflow.store.db import Driver, Sql
from qaflow.store.keyset import Place
from qaflow.store.sight import COVERED, SEEN

LAST_DAY = "9999-12-31"
STATUS = {
    "live": "c.status in ('running', 'suspended')",
    "all": "true",
    **{name: f"c.status = '{name}'" for name in ("running", "suspended", "closed", "cancelled")},
}
"""Which cycles by their status; `live` are those that are not over."""

DUE = (
    "(case when c.status <> 'running' then null when c.leaf = 'review' then (select min(x.due) from work_item x where "
    "x.cycle_id = c.id and x.kind in ('decide', 'sign') and x.state = 'open') else c.due end)"
)
_SUBJECT = "(select j.{} from subject j where j.id = c.subject_id)"
SORTS = keyset.both_ways({
    "due": (f"coalesce({DUE}, '{LAST_DAY}')", "c.id"), "start": ("c.period_start", "c.id"),
    "end": ("c.period_end", "c.id"), "subject": (_SUBJECT.format("name"), "c.id"),
    "code": (_SUBJECT.format("code"), "c.id"),
})  # fmt: skip
"""In what order the list can stand."""
_NEAR = f"case when {DUE} < :floor then 0 when {DUE} <= :today then 1 when {DUE} <= :week then 2 else 3 end"
_THEIRS = (  # first the few that can be theirs, by indexes; then whether they are
    f"c.id in (select c.id from cycle c where c.college_id = :college and ({COVERED} or "
    "(c.responsible_id || ':' || c.layer) in :s_persons[]) union select i.cycle_id from work_item i where "
    f"i.college_id = :college and i.holder_id in :s_ids[]) and {SEEN}"
)
_OF_TERM = "c.period_start <= :term_last and c.period_end > :term_first"
_NAMED = "(lower(s.name) like :q escape '!' or lower(s.code) like :q escape '!')"
_NARROW = (
    "(cast(:layer as text) = '' or c.layer = :layer) and (cast(:track as text) = '' or c.track = :track) and "
    "(cast(:stage as text) = '' or c.stage = :stage) and (:anywhere or c.unit_id in :units[]) and "
    f"(cast(:when as bigint) < 0 or {_NEAR} = :when)"
)
_SHOWN = (
    "select c.id, s.name, s.code, c.layer, c.track, c.number, c.status, c.outcome, c.stage, c.leaf, {due}, "
    "c.open_warnings, c.period_start, c.period_end, c.unit_id, p.name, d.hash from cycle c join subject s on "
    "s.id = c.subject_id join definition d on d.id = c.definition_id left join person p on p.id = c.responsible_id "
    "where c.id in :ids[]"
)
_ROWS = Sql(_SHOWN.format(due=DUE))
_UNITS = Sql("select id, code, name_zh, name_en, parent_id from unit where college_id = :college order by id")
_HASHES = Sql("select id, hash from definition where id in :ids[]")


class Row(NamedTuple):
    """One cycle as the list shows it."""

    id: int
    subject: str
    code: str
    layer: str
    track: str
    number: int
    status: str
    outcome: str | None
    stage: str
    leaf: str
    due: str | None
    warnings: int
    start: str
    end: str
    unit: int
    responsible: str | None
    definition: str  # content hash


class Placed(NamedTuple):
    """A cycle and its place in the order of the list."""

    row: Row
    place: Place


class Facet(NamedTuple):
    """So many cycles of one layer, track, stage, unit and nearness; one of their definitions names the stage."""

    layer: str
    track: str
    stage: str
    unit: int
    when: int
    many: int
    definition: int


class Unit(NamedTuple):
    """A unit of the college."""

    id: int
    code: str
    zh: str
    en: str | None
    parent: int | None


class Kind(NamedTuple):
    """Which parts a statement has: is everything seen, which status, is a term or a text asked for."""

    whole: bool
    status: str
    term: bool
    text: bool


def _from(kind: Kind) -> str:
    parts = ["c.college_id = :college", STATUS[kind.status]]
    parts += [] if kind.whole else [_THEIRS]
    parts += [_OF_TERM] if kind.term else []
    parts += [_NAMED] if kind.text else []
    joined = " join subject s on s.id = c.subject_id" if kind.text else ""
    return f"from cycle c{joined} where {' and '.join(parts)}"


@cache
def _facets(kind: Kind) -> Sql:
    return Sql(f"select c.layer, c.track, c.stage, c.unit_id, {_NEAR}, count(*), min(c.definition_id) {_from(kind)} "
               "group by 1, 2, 3, 4, 5")  # fmt: skip


@cache
def _page(kind: Kind, sort: str, begins: bool) -> Sql:
    order = SORTS[sort]
    behind = "" if begins else f"and {order.beyond} "
    return Sql(f"select {order.selected} {_from(kind)} and {_NARROW} {behind}order by {order.by} limit :limit")


def facets(driver: Driver, kind: Kind, params: Mapping[str, Any]) -> list[Facet]:
    """Return what the list holds, counted by what it can be narrowed by."""
    return list(map(Facet._make, driver.all(_facets(kind), params)))


def page(driver: Driver, kind: Kind, params: Mapping[str, Any], sort: str, after: Place | None) -> list[Placed]:
    """Return the next cycles after a place, each with its own."""
    places = driver.all(_page(kind, sort, after is None), {**params, **keyset.after(after)})
    ids = [place[-1] for place in places]
    found = {row[0]: Row._make(row) for row in driver.all(_ROWS, {"ids": ids})} if ids else {}
    return [Placed(found[place[-1]], tuple(place)) for place in places]


def units(driver: Driver, college: int) -> list[Unit]:
    """Return every unit of a college."""
    return list(map(Unit._make, driver.all(_UNITS, {"college": college})))


def hashes(driver: Driver, definitions: Iterable[int]) -> dict[int, str]:
    """Return the content hashes of definitions."""
    return dict(driver.all(_HASHES, {"ids": list(definitions)}))
