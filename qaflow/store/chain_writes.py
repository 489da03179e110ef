"""Goals and standards as they are written: added, changed under their version, fixed by a cycle, retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

COMMON = ("layer", "text_zh", "text_en", "indicator", "unit", "direction", "weight", "starts", "ends", "owner_unit_id",
          "owner_id", "subject_id", "origin", "kind", "point_id")  # fmt: skip
FIELDS: dict[str, tuple[str, ...]] = {
    "goal": (*COMMON, "parent_id", "target", "attained", "attained_at", "degree"),
    "standard": (*COMMON, "goal_id", "system", "value", "warn_lower", "warn_upper"),
}
"""What people enter of an entry: the columns of its fact."""
OF_FILES: dict[str, tuple[str, ...]] = {
    "goal": ("layer", "text_zh", "text_en", "parent_id"),
    "standard": ("layer", "text_zh", "text_en", "goal_id", "indicator", "system"),
}
"""What the college's files give: who changes it takes the entry over from them."""
REST = {"goal": (("unit_codes", "[]"), ("body", "{}")), "standard": (("departments", "[]"), ("body", "{}"))}

_READ = {t: Sql(f"select id, key, source, cycle_id, version, retired_at, {', '.join(names)} from {t} where "
                "college_id = :college and id = :id") for t, names in FIELDS.items()}  # fmt: skip
_READ_ALL = {t: Sql(f"select id, key, source, cycle_id, version, retired_at, {', '.join(names)} from {t} where "
                    "college_id = :college and id in :ids[]") for t, names in FIELDS.items()}  # fmt: skip
_UPDATE = {t: Sql(f"update {t} set source = :source, version = version + 1, "
                  f"{', '.join(f'{n} = :{n}' for n in names)} where college_id = :college and id = :id and "
                  "version = :version and retired_at is null") for t, names in FIELDS.items()}  # fmt: skip
_RETIRE = {t: Sql(f"update {t} set retired_at = :at, version = version + 1 where college_id = :college and id = :id "
                  "and version = :version and retired_at is null") for t in FIELDS}  # fmt: skip
_BY_KEYS = {t: Sql(f"select key, id, source, retired_at from {t} where college_id = :college and key in :keys[]")
            for t in FIELDS}  # fmt: skip
_NEWEST = {t: Sql(f"select coalesce(max(id), 0) from {t} where college_id = :college") for t in FIELDS}
_ALIKE = {t: Sql(f"select id from {t} where college_id = :college and text_zh = :text_zh and layer = :layer and "
                 "retired_at is null and source = 'entered' and coalesce(starts, '') = coalesce(:starts, '') and "
                 "coalesce(owner_unit_id, 0) = coalesce(:owner_unit_id, 0) and "
                 "coalesce(subject_id, 0) = coalesce(:subject_id, 0) and coalesce(owner_id, 0) = "
                 f"coalesce(:owner_id, 0) and coalesce({above}, 0) = coalesce(:{above}, 0) order by id")
          for t, above in (("goal", "parent_id"), ("standard", "goal_id"))}  # fmt: skip
_OF_CYCLE = {t: Sql(f"select id, key, text_zh, indicator, retired_at from {t} where "
                    "college_id = :college and cycle_id = :cycle order by id") for t in FIELDS}  # fmt: skip
_WORDED = "(g.key in :texts[] or g.text_zh in :texts[] or g.text_en in :texts[]) order by g.id"
_NAMED = (
    Sql("select g.id, g.key, g.text_zh, g.text_en from goal g where g.college_id = :college and g.subject_id is null "
        "and g.retired_at is null and " + _WORDED),
    Sql("select g.id, g.key, g.text_zh, g.text_en from goal g where g.college_id = :college and "
        "g.cycle_id = :containing and g.retired_at is null and " + _WORDED),
    Sql("select g.id, g.key, g.text_zh, g.text_en from subject s join goal g on g.college_id = s.college_id and "
        "g.subject_id = s.parent_id where s.college_id = :college and s.id = :subject and g.retired_at is null and "
        + _WORDED),
)  # fmt: skip
"""Where a goal above is looked for by its words: among the plans', the containing cycle's, the subject's above."""
_FIX = {
    "goal": Sql("update goal set indicator = :indicator, target = :target, weight = :weight, "
                "parent_id = coalesce(:above, parent_id), "
                "owner_id = :owner, retired_at = null, version = version + 1 where id = :id"),
    "standard": Sql("update standard set indicator = :indicator, value = :target, direction = :direction, "
                    "warn_lower = :warn_lower, warn_upper = :warn_upper, goal_id = coalesce(:above, goal_id), "
                    "owner_id = :owner, retired_at = null, version = version + 1 where id = :id"),
}  # fmt: skip
_DROP = {t: Sql(f"update {t} set retired_at = :at, version = version + 1 where college_id = :college and "
                "cycle_id = :cycle and id in :ids[] and retired_at is null") for t in FIELDS}  # fmt: skip
_VERDICT = Sql(
    "update goal set degree = :degree, attained_at = :at, version = version + 1 where college_id = :college and "
    "cycle_id = :cycle and text_zh = :text and retired_at is null"
)


_LINKS = Sql("select g.key, o.key from goal g join goal o on o.id = g.parent_id where g.college_id = :college")


class Standing(NamedTuple):
    """An entry as it stands: what its next fact compares with."""

    id: int
    key: str
    source: str
    cycle: int | None
    version: int
    retired_at: str | None
    values: dict[str, Any]


def standing(driver: Driver, table: str, college: int, number: int) -> Standing | None:
    """Return an entry as it stands, or None."""
    row = driver.one(_READ[table], {"college": college, "id": number})
    return None if row is None else _standing(table, row)


def _standing(table: str, row: tuple[Any, ...]) -> Standing:
    return Standing._make((*row[:6], dict(zip(FIELDS[table], row[6:], strict=True))))


def standing_all(driver: Driver, table: str, college: int, ids: Sequence[int]) -> list[Standing]:
    """Return entries as they stand."""
    return [_standing(table, row) for row in driver.all(_READ_ALL[table], {"college": college, "ids": list(ids)})]


def add(driver: Driver, table: str, college: int, entries: Sequence[tuple[str, str, Mapping[str, Any]]],
        cycle: int | None = None, ids: Sequence[int] = ()) -> list[int]:  # fmt: skip
    """Add entries given as (key, source, values by column), those above before those below; returns their numbers."""
    if not entries:
        return []
    ids = list(ids or driver.reserve(table, len(entries)))
    names, rest = FIELDS[table], REST[table]
    columns = ("id", "college_id", "key", "source", "cycle_id", *names, *(name for name, _ in rest))
    driver.insert_rows(table, columns, [
        (i, college, key, source, cycle, *(values.get(n) for n in names), *(value for _, value in rest))
        for i, (key, source, values) in zip(ids, entries, strict=True)
    ])  # fmt: skip
    return ids


def change(driver: Driver, table: str, college: int, number: int, version: int, source: str,
           values: Mapping[str, Any]) -> bool:  # fmt: skip
    """Write an entry's values if its version is still the one read; tells whether it was."""
    return driver.run(_UPDATE[table], {**values, "college": college, "id": number, "version": version,
                                       "source": source}) == 1  # fmt: skip


def retire(driver: Driver, table: str, college: int, number: int, version: int, at: str) -> bool:
    """Retire an entry if its version is still the one read; tells whether it was."""
    return driver.run(_RETIRE[table], {"college": college, "id": number, "version": version, "at": at}) == 1


def by_keys(driver: Driver, table: str, college: int, keys: Sequence[str]) -> dict[str, tuple[int, str, str | None]]:
    """Return (number, source, when it was retired) of entries by key."""
    found = driver.all(_BY_KEYS[table], {"college": college, "keys": list(keys)})
    return {key: (number, source, retired) for key, number, source, retired in found}


def free_key(driver: Driver, table: str, college: int) -> str:
    """Return a key that no entry of the college has."""
    at = int(driver.value(_NEWEST[table], {"college": college}))
    while True:
        at += 1
        key = f"{table}-{at}"
        if not by_keys(driver, table, college, [key]):
            return key


def alike(driver: Driver, table: str, college: int, values: Mapping[str, Any]) -> int | None:
    """Return the entry that was entered in the same words for the same owner, such as by a first click."""
    found: int | None = driver.value(_ALIKE[table], {**values, "college": college})
    return found


def of_cycle(driver: Driver, table: str, college: int, cycle: int) -> list[tuple[Any, ...]]:
    """Return (number, key, text, indicator, when it was retired) of what a cycle fixed."""
    return driver.all(_OF_CYCLE[table], {"college": college, "cycle": cycle})


def named(driver: Driver, college: int, subject: int, containing: int | None, texts: Sequence[str]) -> dict[str, int]:
    """Return the goals that texts name, by key or wording."""
    found: dict[str, int] = {}
    for statement in _NAMED:
        open_ = [text for text in texts if text not in found]
        if open_:
            key = {"college": college, "subject": subject, "containing": containing or 0, "texts": open_}
            for number, *words in driver.all(statement, key):
                for word in words:
                    found.setdefault(word, number)
    return {text: found[text] for text in texts if text in found}


def fix(driver: Driver, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write anew what a cycle had fixed before; `id` is the entry, `above` the goal that it serves."""
    driver.many(_FIX[table], rows)


def drop(driver: Driver, table: str, college: int, cycle: int, ids: Sequence[int], at: str) -> None:
    """Retire what a cycle no longer holds to."""
    driver.run(_DROP[table], {"college": college, "cycle": cycle, "ids": list(ids), "at": at})


def verdicts(driver: Driver, college: int, cycle: int, found: Sequence[tuple[str, float]], at: str) -> None:
    """Note how far a cycle's goals are attained as its diagnosis says, given as (text, per cent)."""
    driver.many(_VERDICT, [{"college": college, "cycle": cycle, "text": text, "degree": degree, "at": at}
                           for text, degree in found])  # fmt: skip


def links(driver: Driver, college: int) -> list[tuple[str, str]]:
    """Return (key, key of the goal above) of all goals that serve one."""
    return driver.all(_LINKS, {"college": college})
