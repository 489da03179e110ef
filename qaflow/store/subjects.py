"""Units and subjects: what imports compare, and what changes when people or places change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

UNIT_COLUMNS = ("id", "college_id", "code", "kind", "system", "name_zh", "name_en", "parent_id", "aliases")
SUBJECT_COLUMNS = ("id", "college_id", "layer", "code", "name", "unit_id", "responsible_id", "starts", "ends", "tier",
                   "kind", "anchor", "parent_id", "attributes", "ended")  # fmt: skip


class UnitRow(NamedTuple):
    """One unit as it stands."""

    id: int
    code: str
    kind: str
    system: str | None
    name_zh: str
    name_en: str
    parent_id: int | None
    aliases: str


class SubjectRow(NamedTuple):
    """One subject as it stands."""

    id: int
    layer: str
    code: str
    name: str
    unit_id: int
    responsible_id: int | None
    starts: str | None
    ends: str | None
    tier: str | None
    anchor: str | None
    parent_id: int | None
    ended: bool


_UNITS = Sql(f"select {', '.join(UnitRow._fields)} from unit where college_id = :college order by id")
_SET_UNIT = Sql(
    "update unit set kind = :kind, system = :system, name_zh = :name_zh, name_en = :name_en, parent_id = :parent_id, "
    "aliases = :aliases where id = :id and college_id = :college"
)
_UNIT_CLOSED = Sql("select 1 from unit where college_id = :college and id = :unit and ends <= :day")
_SUBJECT = f"select {', '.join(SubjectRow._fields)} from subject where college_id = :college"
_SUBJECTS = Sql(f"{_SUBJECT} order by id")
_BY_IDS = Sql(f"{_SUBJECT} and id in :ids[] order by id")
_OF_PERSON = Sql(f"{_SUBJECT} and responsible_id = :person order by id")
_SET_SUBJECT = Sql(
    "update subject set name = :name, starts = :starts, ends = :ends, tier = :tier, anchor = :anchor, "
    "parent_id = :parent_id, unit_id = :unit_id, responsible_id = :responsible_id "
    "where id = :id and college_id = :college"
)
_CYCLES = Sql(
    "select id, subject_id from cycle where college_id = :college and subject_id in :subjects[] and "
    "status in ('running', 'suspended') order by id"
)
_MOVE_ITEMS = Sql(
    "update work_item set unit_id = :unit where college_id = :college and cycle_id = :cycle and "
    "state in ('open', 'stopped')"
)


def units(driver: Driver, college: int) -> dict[str, UnitRow]:
    """Return a college's units by code."""
    return {row[1]: UnitRow._make(row) for row in driver.all(_UNITS, {"college": college})}


def put_units(driver: Driver, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new units in the order of `UNIT_COLUMNS`; a parent stands before its children."""
    driver.insert_rows("unit", UNIT_COLUMNS, rows)


def set_units(driver: Driver, college: int, rows: Iterable[UnitRow]) -> None:
    """Write changed units."""
    driver.many(_SET_UNIT, [row._asdict() | {"college": college} for row in rows])


def unit_closed(driver: Driver, college: int, unit: int, day: str) -> bool:
    """Tell whether a unit is closed on a day."""
    return driver.value(_UNIT_CLOSED, {"college": college, "unit": unit, "day": day}) is not None


def subjects(driver: Driver, college: int) -> list[SubjectRow]:
    """Return every subject of a college."""
    return [_subject(row) for row in driver.all(_SUBJECTS, {"college": college})]


def by_ids(driver: Driver, college: int, ids: Iterable[int]) -> list[SubjectRow]:
    """Return subjects of a college by number."""
    return [_subject(row) for row in driver.all(_BY_IDS, {"college": college, "ids": list(ids)})]


def of_person(driver: Driver, college: int, person: int) -> list[SubjectRow]:
    """Return the subjects that a person is responsible for."""
    return [_subject(row) for row in driver.all(_OF_PERSON, {"college": college, "person": person})]


def _subject(row: tuple[Any, ...]) -> SubjectRow:
    made = SubjectRow._make(row)
    return made._replace(ended=bool(made.ended))


def put_subjects(driver: Driver, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new subjects in the order of `SUBJECT_COLUMNS`."""
    driver.insert_rows("subject", SUBJECT_COLUMNS, rows)


def set_subjects(driver: Driver, college: int, rows: Iterable[SubjectRow]) -> None:
    """Write changed subjects."""
    driver.many(_SET_SUBJECT, [row._asdict() | {"college": college} for row in rows])


def unclosed_cycles(driver: Driver, college: int, ids: Iterable[int]) -> list[tuple[int, int]]:
    """Return (cycle, subject) of the unclosed cycles of subjects."""
    return driver.all(_CYCLES, {"college": college, "subjects": list(ids)})


def move_items(driver: Driver, college: int, cycle: int, unit: int) -> None:
    """Let the live work items of a cycle lie with its new unit."""
    driver.run(_MOVE_ITEMS, {"college": college, "cycle": cycle, "unit": unit})
