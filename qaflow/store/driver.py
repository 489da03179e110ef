"""The hot path: SQL text on the driver cursor of the session's own connection.

A statement is written once with ``:name`` parameters and translated once per database. It runs inside the session's
transaction, without SQLAlchemy's compile and result layers (a third of the cost of a small statement).

Booleans are ``true``/``false`` in SQL and bool in parameters on both databases; SQLite gives 0 and 1 back. PostgreSQL
cannot guess the type of ``:x is null``: write ``cast(:x as text) is null``. A list parameter stands as ``in :ids[]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy.exc
from psycopg import sql as names
from sqlalchemy.orm import Session, scoped_session

from qaflow.store.faults import DRIVER_ERRORS, translated

NONE: dict[str, Any] = {}
T = TypeVar("T")
COPY_FROM_ROWS = 20  # below this, a pipelined executemany is faster than COPY's extra round trips

_TOKEN = re.compile(
    r"(?P<quoted>'(?:[^']|'')*')|(?P<cast>::)|(?P<many>\bin\s+:(?P<list>[a-z_]\w*)\[\])|:(?P<name>[a-z_]\w*)|(?P<percent>%)",
    re.IGNORECASE,
)


class Sql:
    """One statement for both databases; `postgresql` is the wording for PostgreSQL where it must differ."""

    __slots__ = ("lists", "marked", "names", "postgresql", "sqlite")

    def __init__(self, text: str, *, postgresql: str | None = None) -> None:
        """Translate the text for both drivers."""
        self.lists = tuple(m["list"] for m in _TOKEN.finditer(text) if m["list"])
        self.sqlite = _TOKEN.sub(_for_sqlite, text)
        self.postgresql = _TOKEN.sub(_for_postgresql, postgresql or text)
        self.names = tuple(m["name"] for m in _TOKEN.finditer(text) if m["name"])
        self.marked = _TOKEN.sub(lambda m: "?" if m["name"] else m[0], text)

    def __repr__(self) -> str:
        return f"Sql({self.sqlite!r})"


def _for_sqlite(match: re.Match[str]) -> str:
    return f"in (select value from json_each(:{match['list']}))" if match["list"] else match[0]


def _for_postgresql(match: re.Match[str]) -> str:
    if match["list"]:
        return f"= any(%({match['list']})s)"
    if match["name"]:
        return f"%({match['name']})s"
    return match[0].replace("%", "%%")


class Driver:
    """Statements on one connection within one transaction; take a new one in each transaction."""

    __slots__ = ("_connection", "_cursor", "_memo", "_reserved", "_transaction", "engine")
    dialect: str

    def __init__(self, connection: Any, cursor: Any, transaction: Any, engine: Any = None) -> None:
        """Hold the driver's connection, its cursor, the engine and the transaction that bounds this object's life."""
        self._connection = connection
        self._cursor = cursor
        self._transaction = transaction
        self._reserved: dict[str, int] = {}
        self._memo: dict[Any, Any] | None = None
        self.engine = engine

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Ask once what the work inside does not change: roles, units, deputies, the college's configuration."""
        self._memo = {}
        try:
            yield
        finally:
            self._memo = None

    def once(self, key: tuple[Any, ...], ask: Callable[[], T]) -> T:
        """Return an answer, within `settled` the one that was given before; nobody may change what is returned."""
        if self._memo is None:
            return ask()
        if key not in self._memo:
            self._memo[key] = ask()
        found: T = self._memo[key]
        return found

    def all(self, sql: Sql, params: Mapping[str, Any] = NONE) -> list[tuple[Any, ...]]:
        """Return every row."""
        raise NotImplementedError

    def one(self, sql: Sql, params: Mapping[str, Any] = NONE) -> tuple[Any, ...] | None:
        """Return the first row or None; the rest is read and dropped, so that no read stays open."""
        rows = self.all(sql, params)
        return rows[0] if rows else None

    def value(self, sql: Sql, params: Mapping[str, Any] = NONE) -> Any:
        """Return the first column of the first row, or None."""
        rows = self.all(sql, params)
        return rows[0][0] if rows else None

    def run(self, sql: Sql, params: Mapping[str, Any] = NONE) -> int:
        """Run a writing statement and return how many rows it touched."""
        raise NotImplementedError

    def many(self, sql: Sql, params: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement for each parameter set and return how many rows all of them touched."""
        raise NotImplementedError

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows given as tuples in the order of `columns`; return how many."""
        raise NotImplementedError

    def reserve(self, table: str, count: int) -> Sequence[int]:
        """Return `count` unused ids of a table in rising order, for rows to be inserted in this transaction."""
        raise NotImplementedError

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what is inside when it fails; the error goes on to the caller."""
        self.run(_SAVE)
        try:
            yield
        except BaseException:
            self.run(_UNDO)
            self.run(_RELEASE)
            raise
        self.run(_RELEASE)

    def _live(self) -> None:
        if not self._transaction.is_active:
            raise sqlalchemy.exc.InvalidRequestError("this driver's transaction has ended: call driver(session) again")


_SAVE, _UNDO, _RELEASE = Sql("savepoint step"), Sql("rollback to savepoint step"), Sql("release savepoint step")


class SqliteDriver(Driver):
    """The standard library's cursor."""

    __slots__ = ()
    dialect = "sqlite"

    def all(self, sql: Sql, params: Mapping[str, Any] = NONE) -> list[tuple[Any, ...]]:
        """Return every row."""
        if not self._transaction.is_active:
            self._live()
        if sql.lists:
            params = _as_json(sql, params)
        try:
            rows: list[tuple[Any, ...]] = self._cursor.execute(sql.sqlite, params).fetchall()
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return rows

    def run(self, sql: Sql, params: Mapping[str, Any] = NONE) -> int:
        """Run a writing statement and return how many rows it touched."""
        if not self._transaction.is_active:
            self._live()
        if sql.lists:
            params = _as_json(sql, params)
        try:
            count: int = self._cursor.execute(sql.sqlite, params).rowcount
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return count

    def many(self, sql: Sql, params: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement for each parameter set and return how many rows all of them touched."""
        if sql.lists:
            return self._executemany(sql.sqlite, [_as_json(sql, each) for each in params])
        if len(sql.names) < 2:  # itemgetter then gives no tuple
            return self._executemany(sql.sqlite, params)
        rows = list(map(itemgetter(*sql.names), params))  # a quarter faster than looking each name up in each row
        return self._executemany(sql.marked, rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows given as tuples in the order of `columns`; return how many."""
        marks = ",".join("?" * len(columns))
        return self._executemany(f"insert into {table} ({','.join(columns)}) values ({marks})", rows)

    def reserve(self, table: str, count: int) -> Sequence[int]:
        """Return the ids after the highest: this transaction holds the only write lock."""
        (highest,) = self.all(Sql(f"select coalesce(max(id), 0) from {table}"))[0]
        first = max(highest, self._reserved.get(table, 0)) + 1
        self._reserved[table] = first + count - 1
        return range(first, first + count)

    def _executemany(self, text: str, rows: Sequence[Any]) -> int:
        self._live()
        if not rows:
            return 0
        try:
            count: int = self._cursor.executemany(text, rows).rowcount
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return count


class PostgresDriver(Driver):
    """psycopg's cursor."""

    __slots__ = ()
    dialect = "postgresql"

    def all(self, sql: Sql, params: Mapping[str, Any] = NONE) -> list[tuple[Any, ...]]:
        """Return every row."""
        self._live()
        try:
            rows: list[tuple[Any, ...]] = self._cursor.execute(sql.postgresql, params).fetchall()
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return rows

    def run(self, sql: Sql, params: Mapping[str, Any] = NONE) -> int:
        """Run a writing statement and return how many rows it touched."""
        self._live()
        try:
            count: int = self._cursor.execute(sql.postgresql, params).rowcount
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return count

    def many(self, sql: Sql, params: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement for each parameter set, pipelined; return how many rows all of them touched."""
        return self._executemany(sql.postgresql, params)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows given as tuples in the order of `columns`, many by COPY; return how many."""
        if len(rows) >= COPY_FROM_ROWS:
            return self._copy(table, columns, rows)
        marks = ",".join(["%s"] * len(columns))
        return self._executemany(f"insert into {table} ({','.join(columns)}) values ({marks})", rows)

    def reserve(self, table: str, count: int) -> Sequence[int]:
        """Draw the ids from the table's sequence, so that no other transaction gets them."""
        return [row[0] for row in self.all(_DRAW, {"table": table, "count": count})]

    def _executemany(self, text: str, rows: Sequence[Any]) -> int:
        self._live()
        if not rows:
            return 0
        try:
            self._cursor.executemany(text, rows)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return int(self._cursor.rowcount)

    def _copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        self._live()
        statement = names.SQL("copy {} ({}) from stdin").format(
            names.Identifier(table), names.SQL(",").join(map(names.Identifier, columns))
        )
        try:
            with self._cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return int(self._cursor.rowcount)


_DRAW = Sql(
    "select nextval(pg_get_serial_sequence(:table, 'id')) from generate_series(1, cast(:count as bigint)) order by 1"
)


def _as_json(sql: Sql, params: Mapping[str, Any]) -> dict[str, Any]:
    return {**params, **{name: json.dumps(list(params[name])) for name in sql.lists}}


def driver(session: Session | scoped_session[Any]) -> Driver:
    """Return the session's connection as a `Driver`, beginning its transaction if none runs."""
    connection = session.connection()
    kind = SqliteDriver if connection.dialect.name == "sqlite" else PostgresDriver
    raw = connection.connection.dbapi_connection
    cursor = connection.info.get("qaflow.cursor")
    if cursor is None:
        cursor = connection.info["qaflow.cursor"] = raw.cursor()  # type: ignore[union-attr]
    return kind(raw, cursor, connection.get_transaction(), connection.engine)
