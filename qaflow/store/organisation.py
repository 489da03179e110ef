"""Units with what lies in each, and the cycles that run there."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class Unit(NamedTuple):
    """One unit: `heads` are (number, name) of those who lead it, the counts are of what goes on in it today."""

    id: int
    code: str
    kind: str
    system: str | None
    name_zh: str
    name_en: str
    parent: int | None
    aliases: str
    ends: str | None
    closed: bool
    heads: tuple[tuple[int, str], ...]
    people: int
    subjects: int
    cycles: int

    @property
    def name(self) -> dict[str, str]:
        """Its name in both languages."""
        return {"zh": self.name_zh, "en": self.name_en}


class Cycle(NamedTuple):
    """A running or suspended cycle, as far as the organisation needs to know it."""

    id: int
    layer: str
    track: str
    subject: int
    code: str
    name: str
    number: int
    status: str
    due: str | None
    period_start: str
    period_end: str
    person: int | None
    person_name: str | None


GRANTED = "(g.ends is null or g.ends >= :day)"  # standing, or to come
PEOPLE_OF = (
    "select g.scope_id as unit, g.person_id as person from role_grant g where g.college_id = :college and "
    f"g.scope_kind = 'unit' and {GRANTED} union "
    "select s.unit_id, s.responsible_id from subject s where s.college_id = :college and not s.ended and "
    "s.responsible_id is not null"
)
"""Who belongs to a unit: holders of a role for it, and who answers for a subject that lies in it."""
_UNITS = Sql("select id, code, kind, system, name_zh, name_en, parent_id, aliases, ends from unit "
             "where college_id = :college order by id")  # fmt: skip
_HEADS = Sql(
    "select g.scope_id, p.id, p.name, g.kind from role_grant g join person p on p.id = g.person_id where "
    "g.college_id = :college and g.scope_kind = 'unit' and g.kind in ('supervisor', 'leader') and "
    "p.disabled_at is null and (g.starts is null or g.starts <= :day) and (g.ends is null or g.ends >= :day) "
    "order by g.scope_id, g.kind desc, p.id"
)
_PEOPLE = Sql(f"select x.unit, count(*) from ({PEOPLE_OF}) x join person p on p.id = x.person "
              "where p.disabled_at is null group by x.unit")  # fmt: skip
_SUBJECTS = Sql("select unit_id, count(*) from subject where college_id = :college and not ended group by unit_id")
_OF_UNITS = Sql("select unit_id, count(*) from cycle where college_id = :college and "
                "status in ('running', 'suspended') group by unit_id")  # fmt: skip
_CHOSEN = (
    "c.college_id = :college and c.status in ('running', 'suspended') and (cast(:unit as bigint) = 0 or "
    "c.unit_id = :unit) and (cast(:subject as bigint) = 0 or c.subject_id = :subject) and "
    "(cast(:person as bigint) = 0 or c.responsible_id = :person)"
)
_CYCLES = Sql(
    "select c.id, c.layer, c.track, c.subject_id, s.code, s.name, c.number, c.status, c.due, c.period_start, "
    "c.period_end, c.responsible_id, p.name from cycle c join subject s on s.id = c.subject_id left join person p on "
    f"p.id = c.responsible_id where {_CHOSEN} and c.id > :after order by c.id limit :limit"
)
_CYCLE_COUNT = Sql(f"select count(*) from cycle c where {_CHOSEN}")
_CLOSE = Sql("update unit set ends = :day where id = :id and college_id = :college")
_BELOW = Sql("select count(*) from unit where college_id = :college and parent_id = :unit and "
             "(ends is null or ends >= :day)")  # fmt: skip
_HELD = Sql(f"select count(*) from role_grant g where g.college_id = :college and g.scope_kind = 'unit' and "
            f"g.scope_id = :unit and {GRANTED}")  # fmt: skip
_LYING = Sql("select count(*) from subject where college_id = :college and unit_id = :unit and not ended")


def units(driver: Driver, college: int, day: str) -> list[Unit]:
    """Return every unit of a college with its heads and counts."""
    key = {"college": college, "day": day}
    people, subjects = dict(driver.all(_PEOPLE, key)), dict(driver.all(_SUBJECTS, key))
    cycles_ = dict(driver.all(_OF_UNITS, key))
    heads: dict[int, dict[int, str]] = {}
    for unit, person, name, _ in driver.all(_HEADS, key):
        heads.setdefault(unit, {})[person] = name
    return [
        Unit._make((*row, row[8] is not None and row[8] <= day, tuple(heads.get(row[0], {}).items()),
                    people.get(row[0], 0), subjects.get(row[0], 0), cycles_.get(row[0], 0)))
        for row in driver.all(_UNITS, key)
    ]  # fmt: skip


def cycles(driver: Driver, after: int, limit: int, **chosen: int) -> list[Cycle]:
    """Return cycles that run, by number after one; `chosen` are college, unit, subject and person, 0 for all."""
    return list(map(Cycle._make, driver.all(_CYCLES, {**chosen, "after": after, "limit": limit})))


def cycle_count(driver: Driver, **chosen: int) -> int:
    """Return how many cycles run there."""
    return int(driver.value(_CYCLE_COUNT, chosen))


def close(driver: Driver, college: int, unit: int, day: str) -> None:
    """Let a unit end with a day."""
    driver.run(_CLOSE, {"college": college, "id": unit, "day": day})


def burden(driver: Driver, college: int, unit: int, day: str) -> dict[str, int]:
    """Return what keeps a unit from being closed: units below it, subjects in it, roles held for it."""
    key: dict[str, Any] = {"college": college, "unit": unit, "day": day}
    counts = {"units": driver.value(_BELOW, key), "subjects": driver.value(_LYING, key),
              "roles": driver.value(_HELD, key)}  # fmt: skip
    return {name: int(count) for name, count in counts.items()}
