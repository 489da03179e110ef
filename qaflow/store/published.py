"""What the pages of definitions read: versions, the cycles on each, and those that were moved lately."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Version(NamedTuple):
    """A published version; `college` is None where all colleges share it."""

    id: int
    key: str
    version: int
    hash: str
    layer: str
    zh: str
    en: str
    published_at: str
    college: int | None
    by: str | None


class Standing(NamedTuple):
    """One cycle on a version."""

    id: int
    status: str
    subject: str
    number: int
    stage: str


_COLUMNS = ("select d.id, d.key, d.version, d.hash, d.layer, d.name_zh, d.name_en, d.published_at, d.college_id, "
            "case when p.is_system then null else p.name end from definition d left join person p on "
            "p.id = d.published_by where (d.college_id is null or d.college_id = :college)")  # fmt: skip
_ALL = Sql(f"{_COLUMNS} order by d.published_at desc, d.id desc")
_OF_KEY = Sql(f"{_COLUMNS} and d.key = :key order by d.version desc")
_COUNTS = Sql("select definition_id, status, count(*) from cycle where college_id = :college group by "
              "definition_id, status")  # fmt: skip
_CYCLES = Sql(
    "select y.id, y.status, j.name, y.number, y.stage from cycle y join subject j on j.id = y.subject_id where "
    "y.college_id = :college and y.definition_id = :definition and y.status in :statuses[] and y.id > :after "
    "order by y.id limit :most"
)
_MOVED = Sql(
    "select y.id, y.status, s.name, y.number, y.stage from cycle y join subject s on s.id = y.subject_id where "
    "y.college_id = :college and y.definition_id = :definition and exists (select 1 from journal j where "
    "j.stream = 'cycle:' || y.id and j.kind = 'DefinitionMigrated' and j.id > :since) order by y.id limit :most"
)
_NEWEST_ENTRY = Sql("select max(id) from journal")


def versions(driver: Driver, college: int | None, key: str | None = None) -> list[Version]:
    """Return a college's versions and the shared ones, newest first; only those of one definition where it is named."""
    found = driver.all(_ALL if key is None else _OF_KEY, {"college": college, "key": key})
    return list(map(Version._make, found))


def counts(driver: Driver, college: int | None) -> dict[tuple[int, str], int]:
    """Return how many of a college's cycles stand in each status, by version."""
    return {(one, status): count for one, status, count in driver.all(_COUNTS, {"college": college})}


def cycles(driver: Driver, college: int | None, definition: int, statuses: list[str], after: int,
           most: int) -> list[Standing]:  # fmt: skip
    """Return a college's cycles on a version, by number."""
    values = {"college": college, "definition": definition, "statuses": statuses, "after": after, "most": most}
    return list(map(Standing._make, driver.all(_CYCLES, values)))


def moved(driver: Driver, college: int | None, definition: int, since: int, most: int) -> list[Standing]:
    """Return the cycles that came to a version by a migration after an entry of the journal."""
    values = {"college": college, "definition": definition, "since": since, "most": most}
    return list(map(Standing._make, driver.all(_MOVED, values)))


def newest_entry(driver: Driver) -> int:
    """Return the number of the journal's newest entry."""
    return int(driver.value(_NEWEST_ENTRY) or 0)
