"""What one person sees of themselves: deputies, and colleagues by name."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Appointment(NamedTuple):
    """A standing or coming deputy, with the names of both."""

    id: int
    person: int
    person_name: str
    deputy: int
    deputy_name: str
    role: str | None
    layer: str | None
    starts: str
    ends: str


class Colleague(NamedTuple):
    """A person of the same college."""

    id: int
    login: str
    name: str


_APPOINTMENTS = Sql(
    "select d.id, d.person_id, a.name, d.deputy_id, b.name, d.role, d.layer, d.starts, d.ends from deputy d "
    "join person a on a.id = d.person_id join person b on b.id = d.deputy_id where d.id in ("
    "select id from deputy where college_id = :college and person_id = :person union "
    "select id from deputy where college_id = :college and deputy_id = :person) "
    "and d.ended_at is null and d.ends >= :day order by d.starts, d.id"
)
_CONCERNS = Sql(
    "select count(*) from deputy where id = :id and college_id = :college and ended_at is null and "
    "(person_id = :person or deputy_id = :person)"
)
_COLLEAGUES = Sql(
    "select id, login, name from person where college_id = :college and disabled_at is null and not is_system and "
    "program_since is null and (login = :text or name = :text) order by login limit :limit"
)


def appointments(driver: Driver, college: int, person: int, day: str) -> list[Appointment]:
    """Return who stands in for a person and for whom they stand in, from a day on."""
    return list(map(Appointment._make, driver.all(_APPOINTMENTS, {"college": college, "person": person, "day": day})))


def concerns(driver: Driver, deputy: int, college: int, person: int) -> bool:
    """Tell whether a standing appointment is by or of a person."""
    return bool(driver.value(_CONCERNS, {"id": deputy, "college": college, "person": person}))


def colleagues(driver: Driver, college: int, text: str, limit: int) -> list[Colleague]:
    """Return the persons of a college with just that login or name."""
    return list(map(Colleague._make, driver.all(_COLLEAGUES, {"college": college, "text": text, "limit": limit})))
