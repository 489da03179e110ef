"""The figures of a college's rounds: each is counted and listed by one and the same condition.

A chosen part of the college is a condition on cycles (`WHERE`); what is counted there is one of `WHATS`.  The deadline
in force is the stage's while it is worked on, and the earliest open decision's while it is in review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

DUE = (
    "(case when c.leaf = 'review' then (select min(x.due) from work_item x where x.cycle_id = c.id and "
    "x.kind in ('decide', 'sign') and x.state = 'open') else c.due end)"
)
SCOPE = (
    "({t}.college_id = :college and (:whole or {t}.layer in :scope_layers[] or {t}.unit_id in :scope_units[] or "
    "{s} in :scope_subjects[]) and (cast(:layer as text) = '' or {t}.layer = :layer) and "
    "(:everywhere or {t}.unit_id in :units[]))"
)
OF_TERM = "c.period_start <= :term_last and c.period_end > :term_first"
WHERE = (
    SCOPE.format(t="c", s="c.subject_id") + f" and {OF_TERM} and (cast(:track as text) = '' or c.track = :track) and "
    "(cast(:round as text) = '' or c.period_start = :round) and "
    "(:any_place or c.definition_id || ':' || c.stage in :places[])"
)
"""Which cycles: within the reader's scope, of the term's rounds, narrowed by layer, track, unit and stage."""

_NOBODY = (
    "(not exists (select 1 from work_item x left join person p on p.id = x.holder_id where x.cycle_id = c.id and "
    "x.state = 'open' and p.id is not null and p.disabled_at is null))"
)
_VISIT = "exists (select 1 from visit v where v.cycle_id = c.id and v.stage = c.stage and v.number = c.visit and "
STUCK = {
    "nobody": f"c.status = 'running' and {_NOBODY}",
    "proposal": "c.status = 'running' and c.open_warnings > 0 and exists (select 1 from warning w where "
    "w.college_id = c.college_id and w.cycle_id = c.id and w.proposal is not null and "
    "w.state not in ('closed', 'dismissed'))",
    "period": "c.status = 'running' and c.period_end <= :today",
    "advance": f"c.status = 'running' and {_VISIT}v.auto_at is not null and v.auto_at < :now)",
    "sealed": "c.status in ('running', 'suspended') and exists (select 1 from incident n where n.kind = 'history' and "
    "n.ref = 'cycle:' || c.id and n.state <> 'solved')",
}
"""Why a running cycle takes no next step soon (engine rules, 2 and 5); one cycle may have several reasons."""
WHATS = {
    "all": "true",
    "running": "c.status = 'running'",
    "waiting": "c.status = 'running' and c.leaf = 'review'",
    "late": f"c.status = 'running' and {DUE} < :floor",
    "aged": f"c.status = 'running' and {DUE} between :from and :to",
    "suspended": "c.status = 'suspended'",
    "closed": "c.status = 'closed'",
    **STUCK,
}
"""What is counted of them."""

_OF_VISITS = (
    "from visit v join cycle c on c.id = v.cycle_id where " + WHERE.replace("|| c.stage in", "|| v.stage in") + " "
)
_WORKED = _OF_VISITS + "and v.submitted_at >= :handed_from and v.submitted_at < :handed_to and v.state <> 'void'"
_VISITS = (
    _OF_VISITS + "and c.status <> 'cancelled' and "
    "v.state <> 'void' and v.due between :term_first and :term_last and v.due < :floor and "
    "(v.submitted_at is not null or v.state <> 'open' or c.status <> 'suspended')"
)
_MET = "v.submitted_at is not null and v.submitted_at < {next}"
_NEXT = "v.due || :cut"
WHICH_VISITS = {
    "due": "true",
    "met": f"({_MET.format(next=_NEXT)})",
    "missed": f"not ({_MET.format(next=_NEXT)})",
}
"""Stage visits whose deadline passed in the term: all, handed in by the end of that day, or not."""

_STANDING = Sql(
    f"select c.layer, c.track, c.definition_id, c.stage, c.leaf = 'review', {DUE} as due, count(*) from cycle c where "
    f"{WHERE} and c.status = 'running' group by 1, 2, 3, 4, 5, 6"
)
_REASONS = Sql(
    "select "
    + ", ".join(f"coalesce(sum(case when {what} then 1 else 0 end), 0)" for what in STUCK.values())
    + f" from cycle c where {WHERE} and c.status in ('running', 'suspended')"
)
_UNSTARTED = (
    "from schedule s join subject j on j.id = s.subject_id where s.unstarted_reason is not null and "
    + SCOPE.format(t="j", s="j.id") + " and (cast(:track as text) = '' or s.track = :track) and "
    "(cast(:why as text) = '' or s.unstarted_reason = :why)"
)  # fmt: skip
_UNSTARTED_BY = Sql(f"select s.unstarted_reason, count(*) {_UNSTARTED} group by 1 order by 2 desc, 1")
_RATES = Sql(  # first by cycle, in the order of the index that finds them: so nothing is sorted but the cycles' sums
    "select x.unit_id, sum(x.many), sum(x.met) from (select c.unit_id, count(*) as many, "
    f"sum(case when {WHICH_VISITS['met']} then 1 else 0 end) as met {_VISITS} group by c.subject_id, c.id) as x "
    "group by 1"
)
_INSTANTS = ("entered_at", "submitted_at", "decided_at")
_HOURS = " || ':' || ".join(f"coalesce(substr(v.{at}, 1, 13), '')" for at in _INSTANTS)
_TIMES = f"select group_concat(c.definition_id || ':' || v.stage || ':' || {_HOURS}, ',') {_WORKED}"
_TIMES_TEXT = Sql(_TIMES, postgresql=_TIMES.replace("group_concat", "string_agg"))
"""All visits in one text: alike ones are counted here in half of the time in which the database sorts them."""
_DECISIONS = (
    "from work_item i join cycle c on c.id = i.cycle_id where " + WHERE + " and c.status = 'running' and "
    "(c.leaf = 'review' or c.open_warnings > 0) and i.kind in ('decide', 'sign', 'confirm') and i.state = 'open'"
)
_PILES = Sql(
    "select i.holder_id, p.name, count(*), sum(case when i.due < :floor then 1 else 0 end) "
    f"{_DECISIONS.replace(' where ', ' left join person p on p.id = i.holder_id where ', 1)} "
    "group by 1, 2 order by 4 desc, 3 desc, 1 limit :limit"
)
_FIELDS = (
    "c.id, j.name, c.layer, c.track, c.number, d.hash, {stage}, {leaf}, c.status, {due}, p.name, u.name_zh, u.name_en, "
    "{ref}"
)
_JOINS = (
    " join subject j on j.id = c.subject_id join definition d on d.id = c.definition_id "
    "join unit u on u.id = c.unit_id left join person p on p.id = {who} where "
)
_OWN = {"stage": "c.stage", "leaf": "c.leaf", "due": f"{DUE} as due", "ref": "0"}
_OF_VISIT = {"stage": "v.stage", "leaf": "v.state", "due": "v.due", "ref": "v.number"}
_OF_ITEM = {"stage": "coalesce(i.stage, c.stage)", "leaf": "c.leaf", "due": "i.due", "ref": "i.no"}


def _listed(fields: Mapping[str, str], source: str, who: str, more: str, order: str) -> tuple[Sql, Sql]:
    """Return how many a list holds, and a page of it: both of one text."""
    body = source.replace(" where ", _JOINS.format(who=who), 1) + f" and {more}"
    columns = _FIELDS.format(**fields)
    return Sql(f"select count(*) {source} and {more}"), Sql(
        f"select {columns} {body} order by {order} limit :limit offset :offset"
    )


_LISTS = {name: _listed(_OWN, f"from cycle c where {WHERE}", "c.responsible_id", what, "due is null, due, c.id")
          for name, what in WHATS.items()}  # fmt: skip
_LISTS |= {name: _listed(_OF_VISIT, _VISITS, "c.responsible_id", what, "v.due, c.id, v.number")
           for name, what in WHICH_VISITS.items()}  # fmt: skip
_LISTS["worked"] = _listed(_OF_VISIT, _WORKED, "c.responsible_id", "true", "v.due, c.id, v.number")
_LISTS["decided"] = _listed(_OF_VISIT, _WORKED, "c.responsible_id", "v.decided_at is not null", "v.due, c.id, v.number")
_HOLDER = "(cast(:holder as bigint) = 0 or i.holder_id = :holder)"
_LISTS["decisions"] = _listed(_OF_ITEM, _DECISIONS, "i.holder_id", _HOLDER, "i.due, c.id, i.no")
_LISTS["late_decisions"] = _listed(
    _OF_ITEM, _DECISIONS, "i.holder_id", f"{_HOLDER} and i.due < :floor", "i.due, c.id, i.no"
)
LISTS = (*_LISTS, "unstarted")
"""Every list that a number may open."""
_UNSTARTED_PAGE = Sql(
    "select j.id, j.code, j.name, j.layer, s.track, s.next_start, s.unstarted_reason, p.name "
    + _UNSTARTED.replace(" where ", " left join person p on p.id = j.responsible_id where ", 1)
    + " order by s.unstarted_reason, j.layer, j.code, s.track limit :limit offset :offset"
)
_UNSTARTED_MANY = Sql(f"select count(*) {_UNSTARTED}")
_UNITS = Sql("select id, parent_id, kind, name_zh, name_en from unit where college_id = :college order by id")
_TERMS = Sql("select key, name_zh, name_en, starts, ends from term where college_id = :college order by starts")
_DEFINITIONS = Sql("select id, hash from definition where college_id = :college or college_id is null order by id")


class Standing(NamedTuple):
    """How many running cycles stand alike."""

    layer: str
    track: str
    definition: int
    stage: str
    waiting: bool
    due: str | None
    many: int


class Line(NamedTuple):
    """One line of a list."""

    cycle: int
    subject: str
    layer: str
    track: str
    number: int
    definition: str
    stage: str
    leaf: str
    status: str
    due: str | None
    who: str | None
    unit_zh: str
    unit_en: str | None
    ref: int


class Unit(NamedTuple):
    """A unit with the one above it."""

    id: int
    parent: int | None
    kind: str | None
    name_zh: str
    name_en: str | None


class Term(NamedTuple):
    """A term with its names."""

    key: str
    name_zh: str
    name_en: str
    starts: str
    ends: str


def standing(driver: Driver, params: Mapping[str, Any]) -> list[Standing]:
    """Return where the running cycles stand, alike ones together."""
    return list(map(Standing._make, driver.all(_STANDING, params)))


def reasons(driver: Driver, params: Mapping[str, Any]) -> dict[str, int]:
    """Return how many cycles are stuck for each reason."""
    found = driver.all(_REASONS, params)[0]
    return dict(zip(STUCK, map(int, found), strict=True))


def unstarted(driver: Driver, params: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return how many subjects did not start, by reason."""
    return driver.all(_UNSTARTED_BY, params)


def rates(driver: Driver, params: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """Return (unit, stage visits whose deadline passed in the term, those handed in by it)."""
    return [(unit, int(many), int(met)) for unit, many, met in driver.all(_RATES, params)]


def times(driver: Driver, params: Mapping[str, Any]) -> list[tuple[int, str, str, str, str, int]]:
    """Return (definition, stage, entered, handed in, decided or "", how many): hours in UTC, alike visits together."""
    alike = Counter((driver.value(_TIMES_TEXT, params) or "").split(","))
    del alike[""]
    found = ((text.split(":"), many) for text, many in alike.items())
    return [(int(key[0]), key[1], key[2], key[3], key[4], many) for key, many in found]


def piles(driver: Driver, params: Mapping[str, Any], limit: int) -> list[tuple[int | None, str | None, int, int]]:
    """Return (person, name, open decisions, overdue ones), those with most overdue first."""
    return driver.all(_PILES, {**params, "limit": limit})


def page(driver: Driver, what: str, params: Mapping[str, Any], limit: int, offset: int) -> tuple[int, list[Line]]:
    """Return how many a list holds, and a page of it."""
    many, rows = _LISTS[what]
    return driver.value(many, params), list(
        map(Line._make, driver.all(rows, {**params, "limit": limit, "offset": offset}))
    )


def unstarted_page(driver: Driver, params: Mapping[str, Any], limit: int, offset: int) -> tuple[int, list[Any]]:
    """Return how many subjects did not start, and a page of them with the reason."""
    rows = driver.all(_UNSTARTED_PAGE, {**params, "limit": limit, "offset": offset})
    return driver.value(_UNSTARTED_MANY, params), rows


def units(driver: Driver, college: int) -> list[Unit]:
    """Return a college's units."""
    return list(map(Unit._make, driver.all(_UNITS, {"college": college})))


def terms(driver: Driver, college: int) -> list[Term]:
    """Return a college's terms in order."""
    return list(map(Term._make, driver.all(_TERMS, {"college": college})))


def definitions(driver: Driver, college: int) -> dict[int, str]:
    """Return the definitions that a college's rounds may follow: number to hash."""
    return dict(driver.all(_DEFINITIONS, {"college": college}))
