"""The chains of goals and standards as they are read: lists, one entry, and the sums that a roll-up needs.

What a person may see: the entries of plans, and those of subjects that `store.sight` lets through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.sight import SUBJECT

UNITS = {"goal": "unit_codes", "standard": "departments"}
SEEN = f"(g.subject_id is null or {SUBJECT})"
_JOINED = (
    "from {table} g left join subject s on s.college_id = g.college_id and s.id = g.subject_id "
    "left join unit u on u.college_id = g.college_id and u.id = coalesce(g.owner_unit_id, s.unit_id, "
    "(select f.id from unit f where f.college_id = g.college_id and f.code = {first})) "
)
_SHOWN = (
    "g.id, g.key, g.source, g.cycle_id, g.layer, g.text_zh, g.text_en, g.indicator, g.unit, g.direction, g.weight, "
    "g.starts, g.ends, u.id, g.owner_id, g.subject_id, g.origin, g.kind, g.point_id, g.retired_at, g.version, p.name, "
    "p.login, s.name, s.layer, s.responsible_id, u.name_zh, u.name_en, {system}, g.owner_unit_id, "
)
OWN = {
    "goal": "g.parent_id, g.target, g.attained, g.attained_at, g.degree, null, null",
    "standard": "g.goal_id, g.value, null, null, null, g.warn_lower, g.warn_upper",
}
SYSTEM = {"goal": "coalesce({body_system}, u.system)", "standard": "coalesce(g.system, u.system)"}
_WANTED = (
    "(:layer = '' or g.layer = :layer) and (:kind = '' or g.kind = :kind) and (:everywhere or u.id in :units[]) and "
    "(:owner = 0 or g.owner_id = :owner) and (:under = 0 or g.{above} = :under) and "
    "(:system = '' or coalesce({system}, 'none') = :system) and "
    "((g.retired_at is null and not :retired) or (g.retired_at is not null and :retired)) and (:year = '' or "
    "g.starts is null or substr(g.starts, 1, 4) = :year or "
    "(g.starts < :year || '-01-01' and coalesce(g.ends, '9999') >= :year || '-12-31'))"
)
"""A goal belongs to the year in which its period begins; one without a period, or of several years, to each of them."""
_DEGREE = (
    "case when g.degree is null then null when g.degree < 0 then 0.0 when g.degree > 100 then 1.0 "
    "else g.degree / 100.0 end"
)
SHARE = (
    "(case when g.attained is null or g.target is null then " + _DEGREE + " "
    "when g.direction = 'lower' then case when g.attained <= g.target then 1.0 when g.attained <= 0 or g.target <= 0 "
    "then 0.0 else g.target / g.attained end "
    "when g.direction = 'band' then case when g.target = 0 then case when g.attained = 0 then 1.0 else 0.0 end "
    "when abs(g.attained - g.target) >= abs(g.target) then 0.0 "
    "else 1.0 - abs(g.attained - g.target) / abs(g.target) end "
    "when g.target <= 0 then case when g.attained >= g.target then 1.0 else 0.0 end "
    "when g.attained >= g.target then 1.0 when g.attained <= 0 then 0.0 else g.attained / g.target end)"
)
"""The attainment that a goal states itself, as `engine.chains.attainment` reckons it; a test holds both together."""
_LEAF = (  # the goals above are looked up once, not for each goal
    "g.subject_id is not null and g.point_id is null and g.id not in (select k.parent_id from goal k where "
    "k.college_id = :college and k.parent_id is not null and k.retired_at is null)"
)
_FIRST = ("json_extract(g.{units}, '$[0]')", "(cast(g.{units} as json) ->> 0)")
_BODY = (
    "case when g.body like '{%' then json_extract(g.body, '$.system') end",
    "case when g.body like '{%' then cast(g.body as json) ->> 'system' end",
)


def statement(table: str, text: str) -> Sql:
    """Return a statement on goals or standards `g`, for both databases."""
    made = []
    for first, body in zip(_FIRST, _BODY, strict=True):
        system = SYSTEM[table].replace("{body_system}", body)
        whole = text.replace("{joined}", _JOINED).replace("{shown}", _SHOWN + OWN[table]).replace("{wanted}", _WANTED)
        for name, value in (("system", system), ("first", first.replace("{units}", UNITS[table])), ("table", table),
                            ("above", OWN[table].partition(",")[0][2:])):  # fmt: skip
            whole = whole.replace("{" + name + "}", value)
        made.append(whole)
    return Sql(made[0], postgresql=made[1])


PERSON = "left join person p on p.id = g.owner_id "
_ROWS = {t: statement(t, "select {shown} {joined}" + PERSON + "where g.college_id = :college and g.id in :ids[]")
         for t in UNITS}  # fmt: skip
_MINE = "where g.college_id = :college and " + SEEN + " "
_PAGE = {t: statement(t, "select {shown} {joined}" + PERSON + _MINE + "and {wanted} order by case when g.subject_id "
                      "is null then 0 else 1 end, g.layer, g.id limit :limit offset :offset")
         for t in UNITS}  # fmt: skip
_COUNT = {t: statement(t, "select count(*) {joined}" + _MINE + "and {wanted}") for t in UNITS}
_CELLS = {t: statement(t, "select g.layer, coalesce({system}, 'none'), count(*) {joined}" + _MINE +
                       "and {wanted} group by 1, 2") for t in UNITS}  # fmt: skip
_MAY_SEE = {t: statement(t, "select g.id {joined}" + _MINE + "and g.id = :id") for t in UNITS}
_INNER = statement("goal", f"select g.id, case when {SEEN} then 1 else 0 end, {{shown}} {{joined}}{PERSON}"
              f"where g.college_id = :college and g.retired_at is null and not ({_LEAF}) "
              "order by g.parent_id, g.id")  # fmt: skip
_POOLS = Sql(
    "select parent, seen, count(*), count(distinct subject), count(weight), coalesce(sum(weight), 0), "
    "coalesce(sum(case when share is not null then weight end), 0), coalesce(sum(weight * share), 0), "
    "sum(case when weight is null then 1 else 0 end), "
    "sum(case when weight is null and share is not null then 1 else 0 end), "
    "coalesce(sum(case when weight is null then share end), 0) from (select g.parent_id as parent, "
    f"case when {SEEN} then 1 else 0 end as seen, g.subject_id as subject, g.weight as weight, {SHARE} as share "
    "from goal g join subject s on s.college_id = g.college_id and s.id = g.subject_id where g.college_id = :college "
    f"and g.retired_at is null and g.parent_id is not null and {_LEAF}) t group by parent, seen"
)
_OUTLINE = statement("goal", "select g.id, g.layer, (select o.id from goal o where o.id = "
                "g.parent_id and o.retired_at is null), g.subject_id is null, g.indicator, g.unit, g.direction, "
                "g.target, g.weight, g.starts, g.ends, g.owner_id, u.id, g.kind, (select count(*) from standard x "
                "where x.college_id = g.college_id and x.goal_id = g.id and x.retired_at is null) + "
                "(select count(*) from standard x where x.college_id = g.college_id and x.cycle_id = g.cycle_id and "
                "x.retired_at is null), g.attained, g.attained_at {joined}"
                + _MINE + "and {wanted} and (:all or g.id in :ids[] or g.kind = 'key' and (g.owner_id = :whose or "
                "(g.owner_id is null and u.id = :of_unit))) order by g.id")  # fmt: skip
_UP = Sql(
    "with recursive up(id, parent, deep) as (select g.id, g.parent_id, 0 from goal g where g.college_id = :college and "
    "g.id = :id union select g.id, g.parent_id, deep + 1 from goal g join up on g.id = up.parent where "
    "g.college_id = :college and deep < 100) select id, parent from up order by deep"
)
_PERSON_OF = Sql("select id, login, name from person where id = :id")
_YEARS = Sql("select distinct substr(starts, 1, 4) from goal where college_id = :college and starts is not null "
             "and subject_id is null order by 1")  # fmt: skip
_UNMEASURED = Sql(
    "select g.id from standard g left join subject s on s.college_id = g.college_id and s.id = g.subject_id where "
    f"g.college_id = :college and g.retired_at is null and coalesce(g.indicator, '') = '' and {SEEN} order by g.id"
)


class Entry(NamedTuple):
    """A goal, or a standard: ``above`` is the goal above, ``target`` the value that meets it."""

    id: int
    key: str
    source: str
    cycle: int | None
    layer: str
    text_zh: str
    text_en: str
    indicator: str | None
    unit: str | None
    direction: str | None
    weight: float | None
    starts: str | None
    ends: str | None
    owner_unit: int | None  # as named, else its subject's, else the first of its plan
    owner: int | None
    subject: int | None
    origin: str | None
    kind: str | None
    point: int | None
    retired_at: str | None
    version: int
    owner_name: str | None
    owner_login: str | None
    subject_name: str | None
    subject_layer: str | None
    responsible: int | None
    unit_zh: str | None
    unit_en: str | None
    system: str | None
    named_unit: int | None
    above: int | None
    target: float | None
    attained: float | None
    attained_at: str | None
    degree: float | None
    warn_lower: float | None
    warn_upper: float | None


class PoolRow(NamedTuple):
    """Goals of subjects that lie under one goal and that a person sees, or does not see, added up."""

    parent: int
    seen: bool
    many: int
    subjects: int
    sums: tuple[Any, ...]  # as `engine.chains.Pool` names them


def entries(driver: Driver, table: str, college: int, ids: Sequence[int]) -> list[Entry]:
    """Return goals or standards by number, in the order asked."""
    found = {row[0]: Entry._make(row) for row in driver.all(_ROWS[table], {"college": college, "ids": list(ids)})}
    return [found[i] for i in ids if i in found]


def seen(driver: Driver, table: str, params: dict[str, Any], number: int) -> bool:
    """Tell whether an entry is there for a person."""
    return driver.value(_MAY_SEE[table], params | {"id": number}) is not None


def page(driver: Driver, table: str, params: dict[str, Any], limit: int, offset: int) -> tuple[int, list[Entry]]:
    """Return how many entries a choice has, and a page of them."""
    rows = driver.all(_PAGE[table], params | {"limit": limit, "offset": offset})
    return int(driver.value(_COUNT[table], params)), list(map(Entry._make, rows))


def cells(driver: Driver, table: str, params: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Return how many entries there are by (layer, system); ``none`` is the system of those whose unit has none."""
    return {(layer, system): many for layer, system, many in driver.all(_CELLS[table], params)}


def inner(driver: Driver, params: dict[str, Any]) -> list[tuple[Entry, bool]]:
    """Return the goals that make the tree, each with whether the person sees it: all but the ends of subjects."""
    return [(Entry._make(row[2:]), bool(row[1])) for row in driver.all(_INNER, params)]


def pools(driver: Driver, params: dict[str, Any]) -> list[PoolRow]:
    """Return the ends of the tree that lie with subjects, added up by the goal above."""
    return [PoolRow(row[0], bool(row[1]), row[2], row[3], tuple(row[4:])) for row in driver.all(_POOLS, params)]


def outline(driver: Driver, params: dict[str, Any], about: Entry | None = None) -> list[tuple[Any, ...]]:
    """Return what findings look at of every goal that stands and that the person sees.

    ``about`` one goal: of it, of the one above it, and of the key goals of its owner.
    """
    one = about and {"all": False, "ids": [about.id, about.above or 0], "whose": about.owner or 0,
                     "of_unit": 0 if about.owner else about.owner_unit or 0}  # fmt: skip
    return driver.all(_OUTLINE, params | (one or {"all": True, "ids": [], "whose": 0, "of_unit": 0}))


def upward(driver: Driver, college: int, goal: int) -> dict[int, int | None]:
    """Return the links from a goal up to its top, the nearest first; safe on circles."""
    return dict(driver.all(_UP, {"college": college, "id": goal}))


def years(driver: Driver, college: int) -> list[str]:
    """Return the years in which periods of plans' goals begin."""
    return [year for (year,) in driver.all(_YEARS, {"college": college})]


def unmeasured(driver: Driver, params: dict[str, Any]) -> list[int]:
    """Return the standards without an indicator."""
    return [number for (number,) in driver.all(_UNMEASURED, params)]


def person_of(driver: Driver, person: int | None) -> tuple[int, str, str] | None:
    """Return (number, login, name) of the person who owns an entry."""
    found = driver.one(_PERSON_OF, {"id": person or 0})
    return None if found is None else (found[0], found[1], found[2])
