"""Subjects as the organisation's pages list them, and one with its schedule and cycles."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class Listed(NamedTuple):
    """One subject of a list."""

    id: int
    layer: str
    code: str
    name: str
    unit: int
    unit_zh: str
    unit_en: str
    person: int | None
    person_name: str | None
    person_login: str | None
    person_disabled: str | None
    tier: str | None
    starts: str | None
    ends: str | None
    ended: bool
    cycles: int
    unstarted: str | None

    @property
    def unit_name(self) -> dict[str, str]:
        """Where it lies, in both languages."""
        return {"zh": self.unit_zh, "en": self.unit_en}


class Planned(NamedTuple):
    """When a subject's next cycle of a track starts, or why it did not."""

    track: str
    next_start: str | None
    reason: str | None


class Run(NamedTuple):
    """One of a subject's cycles."""

    id: int
    track: str
    number: int
    status: str
    outcome: str | None
    due: str | None
    period_start: str
    period_end: str
    person_name: str | None


_CYCLES_OF = "(select count(*) from cycle c where c.college_id = s.college_id and c.subject_id = s.id and "
_COLUMNS = (
    "s.id, s.layer, s.code, s.name, s.unit_id, u.name_zh, u.name_en, s.responsible_id, p.name, p.login, "
    "p.disabled_at, s.tier, "
    f"s.starts, s.ends, s.ended, {_CYCLES_OF}c.status in ('running', 'suspended')), (select min(h.unstarted_reason) "
    "from schedule h where h.college_id = s.college_id and h.subject_id = s.id and "
    "h.unstarted_reason is not null and h.unstarted_reason <> 'done')"
)
_FROM = "from subject s join unit u on u.id = s.unit_id left join person p on p.id = s.responsible_id where "
_CHOSEN = (
    "s.college_id = :college and (cast(:layer as text) = '' or s.layer = :layer) and (cast(:unit as bigint) = 0 or "
    "s.unit_id = :unit) and (cast(:person as bigint) = 0 or s.responsible_id = :person) and "
    "(cast(:text as text) = '' or lower(s.code) like :like escape '!' or lower(s.name) like :like escape '!') and "
    "(cast(:state as text) = 'all' or (:state = 'on' and not s.ended) or (:state = 'ended' and s.ended) or "
    "(:state = 'unstarted' and not s.ended and exists (select 1 from schedule h where h.college_id = s.college_id and "
    "h.subject_id = s.id and h.unstarted_reason is not null and h.unstarted_reason <> 'done')) or "
    "(:state = 'nobody' and not s.ended and (p.id is null or p.disabled_at is not null)))"
)
_LIST = Sql(f"select {_COLUMNS} {_FROM} {_CHOSEN} and s.id > :after order by s.id limit :limit")
_COUNT = Sql(f"select count(*) {_FROM} {_CHOSEN}")
_ONE = Sql(f"select {_COLUMNS} {_FROM} s.college_id = :college and s.id = :id")
_PLANNED = Sql("select track, next_start, unstarted_reason from schedule where college_id = :college and "
               "subject_id = :subject order by track")  # fmt: skip
_RUNS = Sql(
    "select c.id, c.track, c.number, c.status, c.outcome, c.due, c.period_start, c.period_end, p.name from cycle c "
    "left join person p on p.id = c.responsible_id where c.college_id = :college and c.subject_id = :subject "
    "order by c.period_start desc, c.id desc limit :limit"
)
_TAKEN = Sql("select id from subject where college_id = :college and layer = :layer and code = :code")


def _key(college: int, chosen: dict[str, Any]) -> dict[str, Any]:
    plain = str(chosen["text"]).lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return {"college": college, **chosen, "like": f"%{plain}%"}


def subjects(driver: Driver, college: int, after: int, limit: int, **chosen: Any) -> list[Listed]:
    """Return subjects by number after one; `chosen` are text, layer, unit, person and state."""
    rows = driver.all(_LIST, _key(college, chosen) | {"after": after, "limit": limit})
    return [_listed(row) for row in rows]


def count(driver: Driver, college: int, **chosen: Any) -> int:
    """Return how many subjects the filters let through."""
    return int(driver.value(_COUNT, _key(college, chosen)))


def one(driver: Driver, college: int, subject: int) -> Listed | None:
    """Return one subject of a college."""
    row = driver.one(_ONE, {"college": college, "id": subject})
    return None if row is None else _listed(row)


def _listed(row: tuple[Any, ...]) -> Listed:
    made = Listed._make(row)
    return made._replace(ended=bool(made.ended))


def planned(driver: Driver, college: int, subject: int) -> list[Planned]:
    """Return a subject's schedule, a line for each track."""
    return list(map(Planned._make, driver.all(_PLANNED, {"college": college, "subject": subject})))


def runs(driver: Driver, college: int, subject: int, limit: int) -> list[Run]:
    """Return a subject's cycles, the newest first."""
    return list(map(Run._make, driver.all(_RUNS, {"college": college, "subject": subject, "limit": limit})))


def taken(driver: Driver, college: int, layer: str, code: str) -> int | None:
    """Return the subject that has a code on a layer."""
    found: int | None = driver.value(_TAKEN, {"college": college, "layer": layer, "code": code})
    return found
