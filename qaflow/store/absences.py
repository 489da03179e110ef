"""Days on which people are away."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

COLUMNS = ("id", "college_id", "person_id", "starts", "ends", "reason", "noted_at", "noted_by", "ended_at")


class Absence(NamedTuple):
    """One absence; `reason` is the hash of kept content, "" for none."""

    id: int
    college: int
    person: int
    name: str
    starts: str
    ends: str
    reason: str


_SELECT = (
    "select a.id, a.college_id, a.person_id, p.name, a.starts, a.ends, a.reason from absence a "
    "join person p on p.id = a.person_id where a.ended_at is null and "
)
_OF = Sql(_SELECT + "a.college_id = :college and a.person_id = :person and a.ends >= :day order by a.starts, a.id")
_ONE = Sql(_SELECT + "a.id = :id")
_NEAR = Sql(
    _SELECT + "a.college_id = :college and a.ends >= :first and a.starts <= :last and p.disabled_at is null "
    "order by a.starts, a.id limit :limit"
)
_END = Sql("update absence set ended_at = :at where id = :id and ended_at is null")


def put(driver: Driver, row: tuple[Any, ...]) -> None:
    """Write an absence: (id, college, person, starts, ends, reason, noted at, noted by)."""
    driver.insert_rows("absence", COLUMNS, [(*row, None)])


def of_person(driver: Driver, college: int, person: int, day: str) -> list[Absence]:
    """Return a person's absences that last or come."""
    return list(map(Absence._make, driver.all(_OF, {"college": college, "person": person, "day": day})))


def one(driver: Driver, number: int) -> Absence | None:
    """Return an absence that was not taken back."""
    row = driver.one(_ONE, {"id": number})
    return None if row is None else Absence._make(row)


def near(driver: Driver, college: int, first: str, last: str, limit: int) -> list[Absence]:
    """Return the absences that touch a span of days, of people who are still there."""
    key = {"college": college, "first": first, "last": last, "limit": limit}
    return list(map(Absence._make, driver.all(_NEAR, key)))


def end(driver: Driver, number: int, at: str) -> bool:
    """Take an absence back, or end it; False where somebody did."""
    return driver.run(_END, {"id": number, "at": at}) == 1
