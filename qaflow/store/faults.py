"""What a database's errors mean to qaflow: the one place that maps them."""

import sqlite3
from typing import Any

import psycopg
from sqlalchemy.engine import ExceptionContext

from qaflow.errors import Busy, ConfigError, Refused, Unavailable

DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)
KEY_EXISTS = "journal: the key exists"
APPEND_ONLY = "journal: append only"
SEALED_STATE = "QF001"  # SQLSTATE of the journal's triggers on PostgreSQL


class Duplicate(Refused):
    """There is one with this key already."""

    code = "object.exists"


class Contended(Busy):
    """Another writer was in the way; decide again."""


class Sealed(Refused):
    """The journal is append-only: entries are never changed or removed."""

    code = "journal.sealed"


class Unreachable(Unavailable):
    """The database does not answer, or its disk takes no more."""

    code = "database.unavailable"


class WrongAddress(ConfigError):
    """The database server knows no such user, password or database; see QAFLOW_DATABASE_URL."""

    code = "config.database_url"


class Damaged(Unavailable):
    """The database file is damaged or no database; restore the newest backup into an empty home."""

    code = "database.damaged"


_SQLITE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Duplicate,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Duplicate,
    sqlite3.SQLITE_CONSTRAINT_ROWID: Duplicate,
}
_SQLITE_CLASS = {
    sqlite3.SQLITE_BUSY: Contended,
    sqlite3.SQLITE_LOCKED: Contended,
    sqlite3.SQLITE_FULL: Unreachable,
    sqlite3.SQLITE_IOERR: Unreachable,
    sqlite3.SQLITE_READONLY: Unreachable,
    sqlite3.SQLITE_CANTOPEN: Unreachable,
    sqlite3.SQLITE_CORRUPT: Damaged,
    sqlite3.SQLITE_NOTADB: Damaged,
}
_PRIMARY_CODE = 0xFF  # SQLite's extended codes carry the primary one in the low byte
_POSTGRES = {
    "23505": Duplicate,  # unique violation
    "40001": Contended,  # serialization failure
    "40P01": Contended,  # deadlock
    "55P03": Contended,  # lock not available
    SEALED_STATE: Sealed,
}
_MISTAKES = ("password authentication failed", "no password supplied", "does not exist")
"""What the server says at the door of somebody with a wrong address (no SQLSTATE comes with it)."""
_POSTGRES_CLASS = {"08": Unreachable, "53": Unreachable, "57": Unreachable}


def translated(error: BaseException) -> BaseException:
    """Return what a driver's error means, or the error itself where it is a fault of the program."""
    kind = _of_sqlite(error) if isinstance(error, sqlite3.Error) else _of_postgres(error)
    return error if kind is None else kind(cause=str(error).strip())


def _of_sqlite(error: sqlite3.Error) -> Any:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
        return {KEY_EXISTS: Duplicate, APPEND_ONLY: Sealed}.get(str(error))
    return _SQLITE.get(code) or _SQLITE_CLASS.get(code & _PRIMARY_CODE)


def _of_postgres(error: BaseException) -> Any:
    state = getattr(error, "sqlstate", None)
    if isinstance(error, psycopg.OperationalError) and any(told in str(error) for told in _MISTAKES):
        return WrongAddress
    if state is None:  # the connection itself was lost or refused
        return Unreachable if isinstance(error, psycopg.OperationalError) else None
    return _POSTGRES.get(state) or _POSTGRES_CLASS.get(state[:2])


def on_error(context: ExceptionContext) -> None:
    """Let SQLAlchemy's own statements raise the same errors as the hot path."""
    original = context.original_exception
    meaning = translated(original) if isinstance(original, DRIVER_ERRORS) else original
    if meaning is not original:
        raise meaning from original
