"""What a college's files fill: rows by their own key, compared with what stands, added, changed and taken out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """A table that files fill; `held` says which rows must stay though they left the files, `own` which they leave."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    born: tuple[tuple[str, Any], ...] = ()  # what a new row begins with and files never change again
    held: str = "false"
    own: str = "false"
    numbered: bool = True
    clear: str = ""  # statement that lets go of the rows to be taken out


class Standing(NamedTuple):
    """A row as it stands."""

    id: int | None
    values: tuple[Any, ...]
    held: bool
    own: bool  # somebody took it over from the files: they change it no more


UNIT = Table("unit", ("code",), ("kind", "system", "name_zh", "name_en", "parent_id", "aliases", "ends"),
             (("starts", None),))  # fmt: skip
SUBJECT = Table("subject", ("layer", "code"), ("name", "unit_id", "kind", "ends"),
                (("attributes", "{}"), ("ended", False)))  # fmt: skip
TRACK = Table(
    "track", ("layer", "key"), ("definition_key", "parent_key", "body"),
    held="exists (select 1 from cycle c where c.college_id = track.college_id and c.layer = track.layer and "
         "c.track = track.key and c.status in ('running', 'suspended'))",
    clear="delete from schedule where college_id = :college and exists (select 1 from track t join subject s on "
          "s.layer = t.layer where t.id in :ids[] and s.id = schedule.subject_id and t.key = schedule.track)",
)  # fmt: skip
FRAME = Table("frame", ("code",), ("level", "parent_code", "name_zh", "name_en", "star", "body"), held="not loaded",
              own="not loaded")  # fmt: skip
CONTROL_POINT = Table(
    "control_point", ("key",),
    ("layer", "name_zh", "name_en", "unit", "cadence", "direction", "target", "warn_lower", "warn_upper", "formula",
     "body"),
    held="not loaded or exists (select 1 from reading r where r.college_id = control_point.college_id and "
         "r.point_id = control_point.id) or exists (select 1 from warning w where "
         "w.college_id = control_point.college_id and w.point_id = control_point.id) or exists (select 1 from "
         "point_limit l where l.college_id = control_point.college_id and l.point_id = control_point.id)",
)  # fmt: skip
PLAN_TASK = Table(
    "plan_task", ("plan", "no"),
    ("title_zh", "title_en", "departments", "owner_unit_id", "point_code", "task_kind", "origin", "source_time",
     "month", "recurs", "body"),
    (("state", "planned"), ("late_warned", False)),
    held="not loaded or state <> 'planned' or late_warned or exists (select 1 from warning w where "
         "w.college_id = plan_task.college_id and w.task_id = plan_task.id)",
    own="not loaded",
)  # fmt: skip
_SERVED = (
    "exists (select 1 from {child} x where x.college_id = goal.college_id and x.{ref} = goal.id and x.source <> 'plan')"
)
GOAL = Table(
    "goal", ("key",), ("layer", "text_zh", "text_en", "unit_codes", "parent_id", "body"), (("source", "plan"),),
    held="source <> 'plan' or version > 1 or " + _SERVED.format(child="goal", ref="parent_id") + " or "
         + _SERVED.format(child="standard", ref="goal_id"),
    own="source <> 'plan' or retired_at is not null",
    clear="update goal set parent_id = null where college_id = :college and parent_id in :ids[]",
)  # fmt: skip
STANDARD = Table(
    "standard", ("key",), ("layer", "text_zh", "text_en", "departments", "goal_id", "indicator", "system", "body"),
    (("source", "plan"),),
    held="source <> 'plan' or version > 1",
    own="source <> 'plan' or retired_at is not null",
)  # fmt: skip
TERM = Table("term", ("key",), ("name_zh", "name_en", "starts", "ends"), numbered=False)
CATALOGUE = Table("catalogue", ("kind", "key"), ("body",), numbered=False)
DAY = Table("calendar_day", ("day",), ("working", "name", "source"), numbered=False)
YEAR = Table("calendar_year", ("year",), ("published", "adopted_at"), numbered=False)

_INSERT_COLLEGE = Sql(
    "insert into college (key, name_zh, name_en, timezone, body, created_at, version, head, calendar_until, config_no) "
    "values (:key, :name_zh, :name_en, :timezone, :body, :at, 0, '', :until, 1)"
)
_UPDATE_COLLEGE = Sql(
    "update college set name_zh = :name_zh, name_en = :name_en, timezone = :timezone, body = :body, "
    "calendar_until = :until where id = :id"
)
_UNSCHEDULED = Sql(
    "select s.id, s.anchor, s.ends from subject s where s.college_id = :college and s.layer = :layer and "
    "s.code in :codes[] and not s.ended and not exists (select 1 from schedule p where p.college_id = s.college_id "
    "and p.subject_id = s.id and p.track = :track) order by s.id"
)
_LOADED = Sql("select data from journal where stream = :stream and kind = 'CollegeLoaded' order by seq desc limit 1")
_ANCHOR = Sql(
    "update subject set anchor = :day where college_id = :college and layer in :layers[] and anchor is null and "
    "starts is null and not ended"
)


def insert_college(driver: Driver, values: dict[str, Any]) -> None:
    """Make a college's row; `Duplicate` where there is one of the key."""
    driver.run(_INSERT_COLLEGE, values)


def update_college(driver: Driver, college: int, values: dict[str, Any]) -> None:
    """Give a college's row what its files say now."""
    driver.run(_UPDATE_COLLEGE, {**values, "id": college})


def standing(driver: Driver, table: Table, college: int) -> dict[Key, Standing]:
    """Return the rows of a table that files fill, by their key."""
    number = "id" if table.numbered else "null"
    wide = len(table.key)
    columns = ", ".join((*table.key, *table.values))
    text = f"select {number}, ({table.held}), ({table.own}), {columns} from {table.name} where college_id = :college"
    rows = driver.all(Sql(text), {"college": college})
    return {tuple(r[3 : 3 + wide]): Standing(r[0], tuple(r[3 + wide :]), bool(r[1]), bool(r[2])) for r in rows}


def insert(driver: Driver, table: Table, college: int, rows: Iterable[tuple[int | None, Key, tuple[Any, ...]]]) -> None:
    """Add rows given as (id, key, values), parents before children."""
    begin, given = tuple(name for name, _ in table.born), tuple(value for _, value in table.born)
    number = ("id",) if table.numbered else ()
    columns = (*number, "college_id", *table.key, *table.values, *begin)
    made = [((i,) if table.numbered else ()) + (college, *key, *values, *given) for i, key, values in rows]
    driver.insert_rows(table.name, columns, made)


def update(driver: Driver, table: Table, college: int, rows: Sequence[tuple[Key, tuple[Any, ...]]]) -> None:
    """Change rows given as (key, values)."""
    sets = ", ".join(f"{name} = :{name}" for name in table.values)
    where = " and ".join(f"{name} = :{name}" for name in table.key)
    text = Sql(f"update {table.name} set {sets} where college_id = :college and {where}")
    names = (*table.key, *table.values)
    driver.many(text, [{"college": college, **dict(zip(names, (*k, *v), strict=True))} for k, v in rows])


def take_out(driver: Driver, table: Table, college: int, keys: Sequence[Key], ids: Sequence[int]) -> None:
    """Remove rows that the files no longer hold."""
    if table.clear and ids:
        driver.run(Sql(table.clear), {"college": college, "ids": list(ids)})
    where = " and ".join(f"{name} = :{name}" for name in table.key)
    text = Sql(f"delete from {table.name} where college_id = :college and {where}")
    driver.many(text, [{"college": college, **dict(zip(table.key, key, strict=True))} for key in keys])


def last_loaded(driver: Driver, key: str) -> str | None:
    """Return the data of the newest fact that a college was loaded."""
    found: str | None = driver.value(_LOADED, {"stream": f"college:{key}"})
    return found


def anchor(driver: Driver, college: int, layers: Sequence[str], day: str) -> None:
    """Let subjects without a first day of their own count their periods from a day."""
    driver.run(_ANCHOR, {"college": college, "layers": list(layers), "day": day})


def unscheduled(driver: Driver, college: int, layer: str, track: str, among: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return (id, anchor, ends) of those subjects that have no schedule of a track yet."""
    return driver.all(_UNSCHEDULED, {"college": college, "layer": layer, "track": track, "codes": list(among)})
