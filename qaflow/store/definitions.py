"""Published definitions: their rows, the cycles that run on them, and who could sign."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql

EVERY = 2**31 - 1


class Listed(NamedTuple):
    """A published version; `stages` is JSON text."""

    id: int
    key: str
    version: int
    hash: str
    layer: str
    name_zh: str
    name_en: str
    stages: str
    published_at: str
    college: str | None
    running: int


_INSERT = Sql(
    "insert into definition (college_id, key, version, hash, layer, name_zh, name_en, stages, body, published_at, "
    "published_by) values (:college, :key, :version, :hash, :layer, :zh, :en, :stages, :body, :at, :by)"
)
_LIST = Sql(
    "select d.id, d.key, d.version, d.hash, d.layer, d.name_zh, d.name_en, d.stages, d.published_at, c.key, "
    "(select count(*) from cycle y where y.definition_id = d.id and y.status in ('running', 'suspended')) "
    "from definition d left join college c on c.id = d.college_id order by d.key, d.version"
)
_RUNNING = Sql(
    "select y.id, j.code, j.name, d.version from cycle y join definition d on d.id = y.definition_id "
    "join subject j on j.id = y.subject_id where d.key = :key and d.version <> :version and "
    "y.status in ('running', 'suspended') and y.id > :after order by y.id limit :most"
)
_HASHES = Sql("select hash, version from definition where key = :key order by version desc")
_HOLDERS = Sql(
    "select count(distinct g.person_id) from role_grant g join person p on p.id = g.person_id where "
    "g.college_id = :college and (g.role in :roles[] or g.kind in :roles[]) and p.disabled_at is null and "
    "(g.starts is null or g.starts <= :day) and (g.ends is null or g.ends >= :day)"
)


def insert(driver: Driver, college: int, key: str, version: int, digest: str, layer: str, zh: str, en: str, stages: str,
           body: str, at: str, by: int) -> None:  # fmt: skip
    """Store a version; `Duplicate` where it is stored already."""
    driver.run(_INSERT, {"college": college, "key": key, "version": version, "hash": digest, "layer": layer, "zh": zh,
                         "en": en, "stages": stages, "body": body, "at": at, "by": by})  # fmt: skip


def listed(driver: Driver) -> list[Listed]:
    """Return every published version with the number of cycles that run on it."""
    return list(map(Listed._make, driver.all(_LIST)))


def running(driver: Driver, key: str, version: int, after: int = 0, most: int = EVERY) -> list[
        tuple[int, str, str, int]]:  # fmt: skip
    """Return (cycle, subject's code, its name, version) of unfinished cycles that stand at another version."""
    return driver.all(_RUNNING, {"key": key, "version": version, "after": after, "most": most})


def hashes(driver: Driver, key: str) -> list[tuple[str, int]]:
    """Return (hash, version) of every version of a definition, the newest first."""
    return driver.all(_HASHES, {"key": key})


def holders(driver: Driver, college: int, roles: list[str], day: str) -> int:
    """Count the persons who hold any of the roles (or kinds) somewhere in the college on a day."""
    return int(driver.value(_HOLDERS, {"college": college, "roles": roles, "day": day}))
