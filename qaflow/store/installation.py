"""The one row that says what a database is, the accounts of the program itself, and a copy before an upgrade."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from qaflow.store.db import Driver, Sql

_ROW = Sql("select sandbox, created_at, clock_base, clock_real, figures, schema, paused_reason from installation")
_INSERT = Sql("insert into installation (id, sandbox, created_at, schema) values (1, :sandbox, :at, :schema)")
_SCHEMA = Sql("update installation set schema = :schema where schema <> :schema")
_ACCOUNT = Sql(
    "insert into person (login, name, language, is_system, created_at, version, head) "
    "values (:login, :name, 'zh', true, :at, 0, '') on conflict (login) do nothing"
)
_ACCOUNT_ID = Sql("select id from person where login = :login and is_system")


class Row(NamedTuple):
    """The installation; instants are stored text."""

    sandbox: bool
    created_at: str
    clock_base: str | None
    clock_real: str | None
    figures: str | None
    schema: str
    paused_reason: str | None


def row(driver: Driver) -> Row | None:
    """Return the installation, or None before it was made."""
    found = driver.one(_ROW)
    return None if found is None else Row(bool(found[0]), *found[1:])


def insert(driver: Driver, sandbox: bool, at: str, schema: str) -> None:
    """Make the row; `Duplicate` where there is one."""
    driver.run(_INSERT, {"sandbox": sandbox, "at": at, "schema": schema})


def set_schema(driver: Driver, schema: str) -> None:
    """Note the schema that the tables have now."""
    driver.run(_SCHEMA, {"schema": schema})


def add_account(driver: Driver, login: str, name: str, at: str) -> None:
    """Make an account of the program itself, unless it is there."""
    driver.run(_ACCOUNT, {"login": login, "name": name, "at": at})


def account(driver: Driver, login: str) -> int | None:
    """Return the number of an account of the program itself."""
    found: int | None = driver.value(_ACCOUNT_ID, {"login": login})
    return found


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database, its log included, while others may use it; the copy is for its owner alone."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


_CLOCK = Sql("update installation set clock_base = :base, clock_real = :real, figures = :figures where sandbox")


def set_clock(driver: Driver, base: str, real: str, figures: str | None) -> bool:
    """Set a sandbox's own clock, and the figures of its making; False where the database is not a sandbox."""
    return driver.run(_CLOCK, {"base": base, "real": real, "figures": figures}) == 1
