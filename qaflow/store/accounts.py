"""Persons, grants, tokens and deputies: what is written when accounts change, and who left work behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

GRANT_COLUMNS = ("id", "college_id", "person_id", "role", "kind", "scope_kind", "scope_id", "scope_layer", "starts",
                 "ends", "provider")  # fmt: skip
_PERSON_COLUMNS = ("id", "college_id", "login", "name", "language", "disabled_at", "is_system", "created_at", "version",
                   "head", "password_hash", "program_since")  # fmt: skip
_DEPUTY_COLUMNS = ("id", "college_id", "person_id", "deputy_id", "role", "layer", "starts", "ends", "ended_at",
                   "reason")  # fmt: skip
_TOKEN_COLUMNS = ("person_id", "hash", "name", "created_at", "expires_at", "prefix", "scopes", "made_by")


class Account(NamedTuple):
    """An account as it is looked up by login: what imports compare, and the password's hash."""

    id: int
    college_id: int | None
    login: str
    name: str
    language: str
    disabled_at: str | None
    is_system: bool
    password_hash: str | None
    program_since: str | None
    mail: str | None


class DeputyRow(NamedTuple):
    """One appointment of a deputy."""

    id: int
    college_id: int
    person_id: int
    deputy_id: int
    role: str | None
    layer: str | None
    starts: str
    ends: str


class Orphan(NamedTuple):
    """A live work item that nobody who can act holds."""

    cycle: int
    no: int
    kind: str
    stage: str | None
    due: str | None
    holder: int | None
    subject: int
    layer: str
    unit: int
    state: str


_ACCOUNT = f"select {', '.join(Account._fields)} from person"
_BY_LOGINS = Sql(f"{_ACCOUNT} where login in :logins[]")
_ALIKE = Sql("select login from person where lower(login) in :logins[]")
_HEADS_TEXT = "select id, version, head from person where id in :ids[] order by id"
_HEADS = Sql(_HEADS_TEXT, postgresql=_HEADS_TEXT + " for update")
_SET_HEAD = Sql("update person set version = :version, head = :head where id = :id and version = :was")
_RENAME = Sql("update person set name = :name, language = :language where id = :id")
_READDRESS = Sql("update person set mail = :mail where id = :id")
_DISABLE = Sql("update person set disabled_at = :at where id = :id and disabled_at is null")
_PASSWORD = Sql("update person set password_hash = :hash where id = :id")
_REVOKE_TOKENS = Sql("update token set revoked_at = :at where person_id = :person and revoked_at is null")
_TOKEN = Sql("select t.person_id, t.expires_at, t.scopes from token t where t.hash = :hash and t.revoked_at is null")
_GRANTS = Sql(
    "select person_id, role, scope_kind, scope_id, scope_layer from role_grant where college_id = :college and "
    "ends is null"
)
_GRANT = Sql(f"select {', '.join(GRANT_COLUMNS)} from role_grant where id = :id")
_REVOKE = Sql("delete from role_grant where id = :id")
_LEFT = Sql(
    "select count(*) from role_grant g join person p on p.id = g.person_id where g.college_id = :college and "
    "g.kind in :kinds[] and g.scope_kind = 'college' and p.disabled_at is null and p.program_since is null and "
    "(g.starts is null or g.starts <= :day) and (g.ends is null or g.ends >= :day) and g.person_id <> :person and "
    "g.id <> :grant"
)
_HOLDS = Sql(
    "select count(*) from role_grant where college_id = :college and person_id = :person and "
    "scope_kind = 'college' and kind in :kinds[] and "
    "(starts is null or starts <= :day) and (ends is null or ends >= :day)"
)
_WINDOW = Sql(
    f"select {', '.join(DeputyRow._fields)} from deputy where college_id = :college and ended_at is null and "
    "starts <= :ends and ends >= :starts order by id"
)
_DUE = Sql(
    f"select {', '.join(DeputyRow._fields)} from deputy where ended_at is null and ends < :day "
    "and (cast(:college as bigint) is null or college_id = :college) order by ends, id limit :limit"
)
_DEPUTY = Sql(f"select {', '.join(DeputyRow._fields)} from deputy where id = :id and ended_at is null")
_END_DEPUTY = Sql("update deputy set ended_at = :at where id = :id and ended_at is null")
_ORPHANED = Sql(
    "select i.cycle_id, i.no, i.kind, i.stage, i.due, i.holder_id, i.subject_id, i.layer, i.unit_id, i.state "
    "from work_item i left join person p on p.id = i.holder_id where i.college_id = :college and "
    "i.state in ('open', 'stopped') and (p.id is null or p.disabled_at is not null) order by i.due, i.id limit :limit"
)
_CYCLES_HELD = Sql(
    "select distinct cycle_id from work_item where college_id = :college and holder_id = :person and "
    "state in ('open', 'stopped') and cycle_id is not null order by cycle_id"
)


def by_logins(driver: Driver, logins: Iterable[str]) -> dict[str, Account]:
    """Return the accounts of many login names."""
    return {row[2]: _account(row) for row in driver.all(_BY_LOGINS, {"logins": list(logins)})}


def alike(driver: Driver, logins: Iterable[str]) -> dict[str, str]:
    """Return the standing login for each that differs from it in case alone, by its folded form."""
    found = driver.all(_ALIKE, {"logins": sorted({login.casefold() for login in logins})})
    return {row[0].casefold(): row[0] for row in found}


def _account(row: tuple[Any, ...]) -> Account:
    account = Account._make(row)
    return account._replace(is_system=bool(account.is_system))


def insert(driver: Driver, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new persons: (id, college, login, name, language, created, head, whether it is a program)."""
    full = [(i, college, login, name, language, None, False, at, 1, head, None, at if program else None)
            for i, college, login, name, language, at, head, program in rows]  # fmt: skip
    driver.insert_rows("person", _PERSON_COLUMNS, full)


def heads(driver: Driver, ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Return (length, newest hash) of persons' streams, locked until the transaction ends."""
    return {row[0]: (row[1], row[2]) for row in driver.all(_HEADS, {"ids": sorted(set(ids))})}


def set_heads(driver: Driver, rows: Sequence[dict[str, Any]]) -> bool:
    """Move streams' heads ({id, was, version, head}); False where somebody else moved one."""
    return driver.many(_SET_HEAD, rows) == len(rows) if rows else True


def rename(driver: Driver, rows: Sequence[dict[str, Any]]) -> None:
    """Write names and languages ({id, name, language})."""
    driver.many(_RENAME, rows)


def readdress(driver: Driver, rows: Sequence[tuple[int, str | None]]) -> None:
    """Write mail addresses: (person, address or None)."""
    driver.many(_READDRESS, [{"id": person, "mail": mail} for person, mail in rows])


def disable(driver: Driver, person: int, at: str) -> bool:
    """Disable an account and its tokens; False where it was disabled already."""
    driver.run(_REVOKE_TOKENS, {"person": person, "at": at})
    return driver.run(_DISABLE, {"id": person, "at": at}) == 1


def set_password(driver: Driver, person: int, digest: str) -> None:
    """Write a password's hash."""
    driver.run(_PASSWORD, {"id": person, "hash": digest})


def put_token(driver: Driver, person: int, digest: str, name: str, at: str, expires: str | None, prefix: str,
              scopes: str | None = None, made_by: int | None = None) -> None:  # fmt: skip
    """Keep a token by its hash."""
    driver.insert_rows("token", _TOKEN_COLUMNS, [(person, digest, name, at, expires, prefix, scopes, made_by)])


def revoke_tokens(driver: Driver, person: int, at: str) -> int:
    """Revoke every token of a person; return how many."""
    return driver.run(_REVOKE_TOKENS, {"person": person, "at": at})


def token(driver: Driver, digest: str) -> tuple[int, str | None, str | None] | None:
    """Return (person, expiry, scopes) of a token that was not revoked."""
    return driver.one(_TOKEN, {"hash": digest})


def standing_grants(driver: Driver, college: int) -> set[tuple[int, str, str, int | None, str | None]]:
    """Return (person, role, scope kind, scope, layer) of every grant without an end."""
    return set(driver.all(_GRANTS, {"college": college}))


def put_grants(driver: Driver, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write grants in the order of `GRANT_COLUMNS`."""
    driver.insert_rows("role_grant", GRANT_COLUMNS, rows)


def one_grant(driver: Driver, grant: int) -> dict[str, Any] | None:
    """Return a grant by its number."""
    row = driver.one(_GRANT, {"id": grant})
    return dict(zip(GRANT_COLUMNS, row, strict=True)) if row else None


def drop_grant(driver: Driver, grant: int) -> None:
    """Take a grant away; that it stood is in the person's journal."""
    driver.run(_REVOKE, {"id": grant})


def holds(driver: Driver, college: int, person: int, day: str, kinds: Iterable[str]) -> bool:
    """Tell whether a person holds one of some kinds of role for the whole college."""
    return bool(driver.value(_HOLDS, {"college": college, "person": person, "day": day, "kinds": sorted(kinds)}))


def held_without(driver: Driver, college: int, day: str, kinds: Iterable[str], person: int = 0, grant: int = 0) -> int:
    """Return how many grants of some kinds count on a day beside a person's, or beside one grant."""
    key = {"college": college, "day": day, "kinds": sorted(kinds), "person": person, "grant": grant}
    return int(driver.value(_LEFT, key))


def put_deputy(driver: Driver, row: tuple[Any, ...]) -> None:
    """Write an appointment: (id, college, person, deputy, role, layer, starts, ends, reason)."""
    driver.insert_rows("deputy", _DEPUTY_COLUMNS, [(*row[:8], None, row[8])])


def deputies_within(driver: Driver, college: int, starts: str, ends: str) -> list[DeputyRow]:
    """Return the appointments that touch a span of days."""
    rows = driver.all(_WINDOW, {"college": college, "starts": starts, "ends": ends})
    return list(map(DeputyRow._make, rows))


def deputies_due(driver: Driver, day: str, college: int | None = None, limit: int = 1000) -> list[DeputyRow]:
    """Return the appointments whose last day lies before a day and that are not ended yet."""
    return list(map(DeputyRow._make, driver.all(_DUE, {"day": day, "college": college, "limit": limit})))


def one_deputy(driver: Driver, deputy: int) -> DeputyRow | None:
    """Return a standing appointment by its number."""
    row = driver.one(_DEPUTY, {"id": deputy})
    return DeputyRow._make(row) if row else None


def end_deputies(driver: Driver, ids: Sequence[int], at: str) -> bool:
    """Mark appointments as ended; False where somebody else ended one."""
    return driver.many(_END_DEPUTY, [{"id": i, "at": at} for i in ids]) == len(ids) if ids else True


def orphaned(driver: Driver, college: int, limit: int) -> list[Orphan]:
    """Return the live work items whose holder is nobody, deleted or disabled."""
    return list(map(Orphan._make, driver.all(_ORPHANED, {"college": college, "limit": limit})))


def cycles_held(driver: Driver, college: int, person: int) -> list[int]:
    """Return the cycles in which a person holds live work items."""
    return [row[0] for row in driver.all(_CYCLES_HELD, {"college": college, "person": person})]
