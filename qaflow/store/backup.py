"""Copies of the whole database by its own means, and putting one back (SQLite's backup API, PostgreSQL's COPY)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg import sql as names
from sqlalchemy.orm import Session, scoped_session

from qaflow.errors import CorruptHistory, Unavailable
from qaflow.store import journal
from qaflow.store.audit import steady
from qaflow.store.db import db
from qaflow.store.driver import Driver, Sql
from qaflow.store.schema import VERSION_TABLE

AnySession = Session | scoped_session[Any]
PATIENCE = 60.0  # seconds that a copy waits for a database that is being recovered
CHUNK = 1 << 20

_MADE = Sql("select count(*) from journal")
_PAUSE = Sql("update installation set paused_reason = :reason where id = 1")


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database in one step of its backup API: one moment of it, whoever writes meanwhile."""
    try:
        reading = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
        with closing(reading) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new, pages=-1)
    except sqlite3.Error as error:
        raise Unavailable("backup.failed", f"{source} cannot be copied: {error}", path=str(source)) from error


def look_into(file: Path) -> tuple[int, str]:
    """Return (journal entries, schema) of a SQLite file; `CorruptHistory` where it or its triggers are not sound."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as found:
            said = found.execute("pragma integrity_check(1)").fetchone()[0]
            standing = dict(found.execute(journal._STANDING["sqlite"]).fetchall())
            entries = found.execute(_MADE.sqlite).fetchone()[0]
            schema = found.execute(f"select version_num from {VERSION_TABLE}").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        raise CorruptHistory("backup.corrupt", f"the copy of the database cannot be read: {error}") from error
    missing = [n for n in journal.TRIGGERS["sqlite"] if n not in standing]
    if said != "ok" or missing:
        raise CorruptHistory(
            "backup.corrupt", f"the copy is not sound: {said}, triggers missing: {', '.join(missing) or 'none'}"
        )
    return entries, schema


def filled_sqlite(file: Path) -> bool:
    """Tell whether a SQLite file holds more than empty tables."""
    if not file.exists() or not file.stat().st_size:
        return False
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as found:
            tables = [row[0] for row in found.execute("select name from sqlite_master where type = 'table'")]
            return any(found.execute(f'select 1 from "{t}" limit 1').fetchone() for t in tables if t != VERSION_TABLE)
    except sqlite3.Error:
        return True  # whatever it is, it is not ours to overwrite


def tables() -> list[tuple[str, list[str]]]:
    """Return (table, columns) of the program's tables, parents before children."""
    return [(t.name, [c.name for c in t.columns]) for t in db.metadata.sorted_tables]


def dump_postgresql(session: AnySession, folder: Path) -> int:
    """Write every table by COPY, all of one moment; returns the number of journal entries."""
    driver = steady(session)
    try:
        for table, columns in tables():
            statement = names.SQL("copy {} ({}) to stdout").format(
                names.Identifier(table), names.SQL(",").join(map(names.Identifier, columns))
            )
            with (folder / f"{table}.copy").open("wb") as out, driver._cursor.copy(statement) as rows:
                for part in rows:
                    out.write(part)
        entries: int = driver.value(_MADE)
        return entries
    finally:
        session.rollback()


def filled_postgresql(driver: Driver) -> bool:
    """Tell whether any table holds a row; tables that are not there hold none."""
    there = {row[0] for row in driver.all(Sql("select tablename from pg_tables where schemaname = current_schema()"))}
    return any(driver.one(Sql(f'select 1 from "{table}" limit 1')) for table, _ in tables() if table in there)


def fill_postgresql(driver: Driver, folder: Path) -> None:
    """Read every table back by COPY and set the sequences behind their highest id; in the caller's transaction."""
    for table, columns in tables():
        statement = names.SQL("copy {} ({}) from stdin").format(
            names.Identifier(table), names.SQL(",").join(map(names.Identifier, columns))
        )
        with (folder / f"{table}.copy").open("rb") as rows, driver._cursor.copy(statement) as copy:
            while part := rows.read(CHUNK):
                copy.write(part)
    for table, columns in tables():
        if "id" in columns:
            _advance(driver, table)


def _advance(driver: Driver, table: str) -> None:
    """Set a table's sequence behind its highest id, where it has a sequence and rows."""
    sequence = driver.value(Sql(f"select pg_get_serial_sequence('{table}', 'id')"))
    highest = driver.value(Sql(f'select max(id) from "{table}"')) if sequence else None
    if highest is not None:
        driver.value(
            Sql("select setval(cast(:sequence as regclass), :highest)"), {"sequence": sequence, "highest": highest}
        )


def pause(driver: Driver, reason: str) -> None:
    """Let automatic steps wait until somebody confirms them."""
    driver.run(_PAUSE, {"reason": reason})
