"""The rows of the bench's world: one college with its people, subjects and schedule, written with set inserts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.store.db import Driver, Sql

_COLLEGE = Sql(
    "insert into college (id, key, name_zh, name_en, timezone, body, created_at, version, head, calendar_until, "
    "config_no) "
    "values (1, :key, :key, :key, :zone, :body, :at, 0, '', :until, 1)"
)
_DEFINITION = Sql(
    "insert into definition (id, college_id, key, version, hash, layer, name_zh, name_en, stages, body, published_at, "
    "published_by) values (1, 1, :key, 1, :hash, :layer, :key, :key, :stages, :body, :at, 1)"
)
_ADVANCE_VISIT = Sql("update visit set auto_at = :at where cycle_id % :step = :slot")
_ADVANCE_CYCLE = Sql("update cycle set next_due = :at where id % :step = :slot")
_LATE_ITEM = Sql("update work_item set due = :due, next_level_at = :at where cycle_id % :step = :slot")
_CYCLES = Sql("select id, responsible_id, unit_id from cycle where id % :step = :slot order by id limit :limit")
_LOGIN = Sql("select login from person where id = :id")
_LAST = Sql("select max(id) from cycle")


def college(driver: Driver, values: dict[str, Any]) -> None:
    """Write the college's row: key, zone, body, until, at."""
    driver.run(_COLLEGE, values)


def definition(driver: Driver, values: dict[str, Any]) -> None:
    """Write the only definition: key, hash, layer, stages, body, at."""
    driver.run(_DEFINITION, values)


def years(driver: Driver, found: Sequence[int], at: str) -> None:
    """Adopt civil years without any day off."""
    columns = ("college_id", "year", "published", "adopted_at")
    driver.insert_rows("calendar_year", columns, [(1, y, True, at) for y in found])


def units(driver: Driver, count: int) -> None:
    """Write the units, numbered from 1: the first contains the others."""
    columns = ("id", "college_id", "code", "kind", "name_zh", "name_en", "parent_id", "aliases")
    rows = [(n, 1, f"u{n}", "teaching", f"u{n}", f"u{n}", 1 if n > 1 else None, "[]") for n in range(1, count + 1)]
    driver.insert_rows("unit", columns, rows)


def persons(driver: Driver, ids: Sequence[int], at: str) -> None:
    """Write accounts."""
    columns = ("id", "college_id", "login", "name", "language", "is_system", "created_at", "version", "head")
    driver.insert_rows("person", columns, [(n, 1, f"p{n}", f"p{n}", "zh", False, at, 0, "") for n in ids])


def grants(driver: Driver, rows: Sequence[tuple[int, str, str, str, int | None]]) -> None:
    """Write roles: (person, role, kind, scope, scope's number)."""
    columns = ("college_id", "person_id", "role", "kind", "scope_kind", "scope_id")
    driver.insert_rows("role_grant", columns, [(1, *row) for row in rows])


def subjects(driver: Driver, layer: str, rows: Sequence[tuple[int, int, int]]) -> None:
    """Write subjects: (number, unit, responsible person)."""
    columns = ("id", "college_id", "layer", "code", "name", "unit_id", "responsible_id", "attributes", "ended")
    driver.insert_rows("subject", columns, [(n, 1, layer, f"s{n}", f"s{n}", u, p, "{}", False) for n, u, p in rows])


def advance_at(driver: Driver, step: int, slot: int, at: str) -> None:
    """Let the visits of each `step`-th cycle end by themselves at an instant."""
    driver.run(_ADVANCE_VISIT, {"at": at, "step": step, "slot": slot})
    driver.run(_ADVANCE_CYCLE, {"at": at, "step": step, "slot": slot})


def late_at(driver: Driver, step: int, slot: int, at: str, due: str) -> None:
    """Let the first level of the items of each `step`-th cycle fall at an instant."""
    driver.run(_LATE_ITEM, {"at": at, "due": due, "step": step, "slot": slot})


def cycles(driver: Driver, step: int, slot: int, limit: int) -> list[tuple[int, int, int]]:
    """Return (cycle, responsible person, unit) of each `step`-th cycle."""
    key = {"step": step, "slot": slot, "limit": limit}
    return driver.all(_CYCLES, key)


def login(driver: Driver, person: int) -> str:
    """Return a person's login."""
    found: str = driver.value(_LOGIN, {"id": person})
    return found


def last_cycle(driver: Driver) -> int:
    """Return the highest number of a cycle."""
    found: int = driver.value(_LAST)
    return found
