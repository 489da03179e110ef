"""The one `SQLAlchemy()` of flask-sqlalchemy, its types and its engines' settings (engine rules, 9).

SQLite loses updates silently in pysqlite's default mode: every transaction here begins IMMEDIATE, except where a
reader asks for a deferred one (`reading`). ``synchronous=FULL`` is the default because NORMAL loses acknowledged work
on power loss; the demo may lower it while it fills.
"""

from contextlib import closing
from datetime import date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from sqlalchemy import Boolean, Double, Engine, Integer, LargeBinary, MetaData, Text, event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.orm import DeclarativeBase, Session, registry, scoped_session

from qaflow.store import schema, unit
from qaflow.store.driver import Driver, Sql, driver
from qaflow.store.faults import DRIVER_ERRORS, Contended, Duplicate, Sealed, Unreachable, on_error, translated
from qaflow.store.schema import SCHEMA_HEAD, UNFIT, schema_state
from qaflow.store.types import BIG_ID, Bytewise, Day, Instant, Name, Ref, instant, utc

__all__ = [
    "SCHEMA_HEAD", "UNFIT", "Contended", "Day", "Driver", "Duplicate", "Instant", "Model", "Name", "Ref", "Sealed",
    "Sql", "Unreachable", "checkpoint", "configure", "db", "driver", "engine_options", "instant", "normalised",
    "reading", "schema_state", "set_synchronous", "settings", "upgrade", "utc",
]  # fmt: skip

BUSY_MILLISECONDS = 30_000
TURN = "qaflow.turn"
CACHE_KIB = 65_536  # 64 MB halve a tick's time at 1,000,000 cycles
CHECKPOINT_PAGES = 16_384  # 64 MB of log: a sweep's batches do not each pay for a checkpoint
STATEMENTS_KEPT = 512
PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": BUSY_MILLISECONDS,
    "cache_size": -CACHE_KIB,
    "wal_autocheckpoint": CHECKPOINT_PAGES,
    "temp_store": "MEMORY",
}
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


TYPES: dict[Any, Any] = {
    str: Text(),
    int: Integer(),
    float: Double(),
    bool: Boolean(),
    bytes: LargeBinary(),
    datetime: Instant(),
    date: Day(),
    Ref: BIG_ID,
    Name: Bytewise(),
}


class Base(DeclarativeBase):
    """The tables' common ground: names of constraints, and the column type of each Python type."""

    registry = registry(metadata=MetaData(naming_convention=NAMES), type_annotation_map=TYPES)


class AppSession(unit.UnitSession, BoundSession):
    """The session of the app, on which a unit of work may be open."""


db = SQLAlchemy(model_class=Base, session_options={"class_": AppSession})
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def normalised(database_url: str) -> URL:
    """Return the address with psycopg 3 named as PostgreSQL's driver."""
    url = make_url(database_url)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def engine_options(database_url: str) -> dict[str, Any]:
    """Return the engine's settings for this database."""
    if normalised(database_url).get_backend_name() == "sqlite":
        wait = BUSY_MILLISECONDS / 1000
        # Last in, first out: few connections stay warm, so that few caches fill
        return {"connect_args": {"timeout": wait, "cached_statements": STATEMENTS_KEPT}, "pool_use_lifo": True}
    return {
        "pool_pre_ping": True,
        "pool_use_lifo": True,
        "connect_args": {"options": f"-c lock_timeout={BUSY_MILLISECONDS}"},
    }


def configure(app: Flask, database_url: str) -> None:
    """Bind the app to its database and set its engine up."""
    app.config["SQLALCHEMY_DATABASE_URI"] = normalised(database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(database_url)
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)


def prepare(engine: Engine) -> None:
    """Hang the database's settings and the mapping of errors on an engine."""
    event.listen(engine, "handle_error", on_error)
    if engine.dialect.name == "sqlite":
        pragmas = dict(PRAGMAS)
        engine.update_execution_options(qaflow_pragmas=pragmas)
        event.listen(engine, "connect", lambda connection, _record: _set_pragmas(connection, pragmas))
        turns = Turns()
        event.listen(engine, "begin", turns.begin)
        event.listen(engine, "checkin", turns.end)


def _set_pragmas(connection: Any, pragmas: dict[str, Any]) -> None:
    connection.isolation_level = None  # pysqlite's own BEGIN comes too late: reads before the first write are unguarded
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}").close()


class Turns:
    """Whose turn it is to write, among the threads of this process.

    SQLite lets one write at a time, and whoever waits asks again at growing intervals: of 32 that decide at once some
    would wait half a second.  Here they stand in line; between processes SQLite's own waiting counts.
    """

    def __init__(self) -> None:
        """Make a line in which nobody stands."""
        self._turn = Lock()

    def begin(self, connection: Connection) -> None:
        """Begin a transaction, a writing one when its turn has come."""
        deferred = connection.get_execution_options().get("qaflow_reading")
        raw: Any = connection.connection.dbapi_connection  # SQLAlchemy's own way costs 20 µs more a transaction
        if not deferred and self._turn.acquire(timeout=BUSY_MILLISECONDS / 1000):
            connection.connection.info[TURN] = True
        try:
            raw.execute("BEGIN" if deferred else "BEGIN IMMEDIATE")
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    def end(self, _connection: Any, record: Any) -> None:
        """Give the turn on when a connection comes back: its transaction is over."""
        if record.info.pop(TURN, None):
            self._turn.release()


def reading(session: Session | scoped_session[Any]) -> Driver:
    """Begin a transaction that only reads, so that it neither waits for writers nor holds them up.

    Within a unit of work it is the unit's, and sees what that has written.
    """
    if unit.of(session) is not None:
        return driver(session)
    session.connection(execution_options={"qaflow_reading": True, "postgresql_readonly": True})
    return driver(session)


def set_synchronous(session: Session | scoped_session[Any], level: str) -> None:
    """Set SQLite's `synchronous` to ``FULL`` or ``OFF`` for every connection from now on; between transactions only."""
    if level not in ("FULL", "OFF"):
        raise ValueError(f"synchronous is FULL or OFF, not {level!r}")
    engine = _engine(session)
    if engine.dialect.name == "sqlite":
        engine.get_execution_options()["qaflow_pragmas"]["synchronous"] = level
        session.rollback()
        engine.dispose()


def checkpoint(session: Session | scoped_session[Any]) -> None:
    """Write SQLite's log back into the database file; between transactions only."""
    engine = _engine(session)
    if engine.dialect.name == "sqlite":
        session.rollback()
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _engine(session: Session | scoped_session[Any]) -> Engine:
    bind = session.get_bind()
    return bind if isinstance(bind, Engine) else bind.engine


def settings(session: Session | scoped_session[Any]) -> dict[str, Any]:
    """Return the settings that hold on the session's connection, read back from the database."""
    if _engine(session).dialect.name == "sqlite":
        return {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in PRAGMAS}
    names = ("fsync", "synchronous_commit", "full_page_writes", "lock_timeout", "server_version")
    return {name: session.execute(text(f"SHOW {name}")).scalar() for name in names}


def upgrade(app: Flask) -> None:
    """Bring the app's database to this program's schema, all or nothing."""
    with app.app_context():
        schema.upgrade(db.engine)
