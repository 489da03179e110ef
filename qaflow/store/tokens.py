"""Bearer tokens: whose they are, what they are for, when they were used."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Bearing(NamedTuple):
    """A token that was not revoked, with its account as it stands now."""

    id: int
    person: int
    scopes: str | None
    expires_at: str | None
    last_used_at: str | None
    college: int | None
    login: str
    name: str
    language: str
    disabled_at: str | None
    is_system: bool
    program_since: str | None


class Row(NamedTuple):
    """A token as its owner sees it."""

    id: int
    name: str
    prefix: str | None
    scopes: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class Program(NamedTuple):
    """An account of a program: how many of its tokens open something, and when one was used last."""

    id: int
    login: str
    name: str
    disabled_at: str | None
    tokens: int
    last_used_at: str | None


_BEARING = Sql(
    "select t.id, t.person_id, t.scopes, t.expires_at, t.last_used_at, p.college_id, p.login, p.name, p.language, "
    "p.disabled_at, p.is_system, p.program_since from token t join person p on p.id = t.person_id "
    "where t.hash = :hash and t.revoked_at is null"
)
_USED = Sql(
    "update token set last_used_at = :at where id = :id and (last_used_at is null or last_used_at < :at)"
)
_OF = Sql(
    f"select {', '.join(Row._fields)} from token where person_id = :person and revoked_at is null and "
    "(expires_at is null or expires_at > :now) order by id desc"
)
_REVOKE = Sql("update token set revoked_at = :at where id = :id and person_id = :person and revoked_at is null")
_PROGRAMS = Sql(
    "select p.id, p.login, p.name, p.disabled_at, sum(case when t.id is not null and t.revoked_at is null and "
    "(t.expires_at is null or t.expires_at > :now) then 1 else 0 end), max(t.last_used_at) from person p "
    "left join token t on t.person_id = p.id where p.college_id = :college and p.program_since is not null and "
    "(cast(:one as bigint) is null or p.id = :one) group by p.id, p.login, p.name, p.disabled_at order by p.login "
    "limit :limit"
)
_ID = Sql("select id from token where hash = :hash")


def bearing(driver: Driver, digest: str) -> Bearing | None:
    """Return a token by its hash, None where there is none or it was revoked."""
    row = driver.one(_BEARING, {"hash": digest})
    return None if row is None else Bearing._make(row)


def used(driver: Driver, token: int, at: str) -> None:
    """Note that a token was used."""
    driver.run(_USED, {"id": token, "at": at})


def of(driver: Driver, person: int, now: str) -> list[Row]:
    """Return a person's tokens that still open anything, the newest first."""
    return list(map(Row._make, driver.all(_OF, {"person": person, "now": now})))


def number(driver: Driver, digest: str) -> int:
    """Return the number of the token with a hash."""
    return int(driver.value(_ID, {"hash": digest}))


def revoke(driver: Driver, person: int, token: int, at: str) -> bool:
    """Revoke one of a person's tokens; False where it is not theirs, or was revoked."""
    return driver.run(_REVOKE, {"id": token, "person": person, "at": at}) == 1


def programs(driver: Driver, college: int, now: str, limit: int, one: int | None = None) -> list[Program]:
    """Return the programs of a college by login, or one of them."""
    found = driver.all(_PROGRAMS, {"college": college, "now": now, "limit": limit, "one": one})
    return [Program._make((*row[:4], int(row[4]), row[5])) for row in found]
