"""The version of the tables: where a database stands, and how it is brought up to this program (alembic)."""

from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, scoped_session

from qaflow.errors import CorruptHistory, Refused
from qaflow.paths import data_dir

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""Every schema, oldest first."""
SCHEMA_HEAD = REVISIONS[-1]
VERSION_TABLE = "alembic_version"


OWN = frozenset(("cycle", "installation", "journal"))
UNFIT = {
    "newer": "the database was made by a later program; install that version or a later one",
    "foreign": "the database holds tables, but not the mark of their schema: name an empty one, or restore a backup",
}
"""Why a database is not upgraded."""


def schema_state(session: Session | scoped_session[Any]) -> str:
    """Return ``current``, ``older``, ``newer`` (a later program's), ``empty`` or ``foreign`` (tables, no mark)."""
    return _state(session.connection())


def upgrade(engine: Engine) -> None:
    """Bring a database to `SCHEMA_HEAD` in one transaction: a crash leaves the old schema or the new, never a mixture.

    On SQLite foreign keys rest meanwhile, because a table can only be rebuilt so, and are checked before the commit.
    """
    with engine.connect() as connection:
        lite = connection.dialect.name == "sqlite"
        raw: Any = connection.connection.dbapi_connection
        if lite:
            raw.execute("PRAGMA foreign_keys=OFF").close()
        try:
            with connection.begin():
                _migrate(connection)
                if lite:
                    _check_references(connection)
        finally:
            if lite:
                raw.execute("PRAGMA foreign_keys=ON").close()


def config() -> Config:
    """Return alembic's configuration for the packaged migrations."""
    folder = data_dir("migrations")
    settings = Config(str(folder / "alembic.ini"), attributes={"configure_logger": False})
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    return settings


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # two programs may start at once
        connection.execute(text("select pg_advisory_xact_lock(7361201)"))
    state = _state(connection)
    if state in UNFIT:
        raise Refused(f"schema.{state}", UNFIT[state])
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    if broken:
        raise CorruptHistory("schema.references", f"the upgrade would leave rows without their parent: {broken}")


def _state(connection: Connection) -> str:
    tables = set(inspect(connection).get_table_names())
    marked = VERSION_TABLE in tables
    version = connection.execute(text(f"select version_num from {VERSION_TABLE}")).scalar() if marked else None
    if version is None:
        return "foreign" if tables & OWN else "empty"
    if version not in REVISIONS:
        return "newer"
    return "current" if version == SCHEMA_HEAD else "older"
