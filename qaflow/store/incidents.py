"""Quality incidents: rows as they stand, and which of them somebody reads (`policy.hears`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class Row(NamedTuple):
    """One incident as it stands; title, account, handling, answer and conclusion are hashes of content."""

    id: int
    no: int
    state: str
    category: str
    grade: str | None
    complaint: bool
    title: str
    account: str
    handling: str | None
    answer: str | None
    conclusion: str | None
    occurred_on: str
    reported_at: str
    reported_by: int
    unit_id: int
    subject_id: int | None
    cycle_id: int | None
    warning_id: str | None
    owner_id: int | None
    due: str | None
    graded_at: str | None
    graded_by: int | None
    handled_at: str | None
    handled_by: int | None
    answered_at: str | None
    answered_by: int | None
    closed_at: str | None
    closed_by: int | None
    version: int


_COLUMNS = ", ".join(Row._fields)
_SEEN = "(:whole or reported_by = :person or owner_id in :persons[] or unit_id in :units[])"
_ONE = f"select {_COLUMNS} from quality_incident where college_id = :college and id = :id"
_LOOK = Sql(f"{_ONE} and {_SEEN}")
_HOLD = Sql(_ONE, postgresql=f"{_ONE} for update")
_LIST = Sql(
    f"select {_COLUMNS} from quality_incident where college_id = :college and {_SEEN} and "
    "occurred_on >= :first and occurred_on <= :last order by no desc"
)
_READABLE = Sql(f"select no from quality_incident where college_id = :college and no in :nos[] and {_SEEN}")
_YEARS = Sql(
    "select distinct substr(occurred_on, 1, 4) from quality_incident where college_id = :college and "
    f"{_SEEN} order by 1 desc"
)
_LAST = Sql("select coalesce(max(no), 0) from quality_incident where college_id = :college")
_SUBJECT = Sql("select layer, code, name from subject where college_id = :college and id = :id")


def _row(found: tuple[Any, ...]) -> Row:
    row = Row._make(found)
    return row._replace(complaint=bool(row.complaint))


def look(driver: Driver, college: int, number: int, sight: Mapping[str, Any]) -> Row | None:
    """Return an incident that somebody may read."""
    row = driver.one(_LOOK, {"college": college, "id": number, **sight})
    return _row(row) if row else None


def hold(driver: Driver, college: int, number: int) -> Row | None:
    """Return an incident held for writing."""
    row = driver.one(_HOLD, {"college": college, "id": number})
    return _row(row) if row else None


def seen(driver: Driver, college: int, sight: Mapping[str, Any], first: str, last: str) -> list[Row]:
    """Return the incidents that somebody may read and that happened from one day to another, the newest first."""
    return [_row(row) for row in driver.all(_LIST, {"college": college, "first": first, "last": last, **sight})]


def readable(driver: Driver, college: int, sight: Mapping[str, Any], nos: Sequence[int]) -> set[int]:
    """Return those of some incidents, by their numbers in the college, that somebody may read."""
    return {no for (no,) in driver.all(_READABLE, {"college": college, "nos": list(nos), **sight})}


def years(driver: Driver, college: int, sight: Mapping[str, Any]) -> list[int]:
    """Return the years of the incidents that somebody may read, the latest first."""
    return [int(year) for (year,) in driver.all(_YEARS, {"college": college, **sight})]


def put(driver: Driver, college: int, values: Mapping[str, Any]) -> tuple[int, int]:
    """Add an incident; returns its id and its number in the college, `Duplicate` where another was faster."""
    (number,) = driver.reserve("quality_incident", 1)
    no = driver.value(_LAST, {"college": college}) + 1
    row = dict.fromkeys(Row._fields) | dict(values) | {"id": number, "no": no, "version": 1}
    columns = ("college_id", *Row._fields)
    driver.insert_rows("quality_incident", columns, [(college, *(row[name] for name in Row._fields))])
    return number, no


def change(driver: Driver, row: Row, values: Mapping[str, Any]) -> bool:
    """Change an incident; False where its version is no longer the one read."""
    sets = ", ".join(f"{name} = :{name}" for name in values)
    text = Sql(f"update quality_incident set {sets}, version = version + 1 where id = :id and version = :was")
    return driver.run(text, {**values, "id": row.id, "was": row.version}) == 1


def subject(driver: Driver, college: int, number: int) -> tuple[str, str, str] | None:
    """Return a subject's layer, code and name."""
    return driver.one(_SUBJECT, {"college": college, "id": number})


def sight(whole: bool, units: Sequence[int], person: int, absent: Sequence[int]) -> dict[str, Any]:
    """Return the parameters that narrow reading to what somebody may read, also for those they stand in for."""
    return {"whole": whole, "units": list(units), "person": person, "persons": [person, *absent]}
