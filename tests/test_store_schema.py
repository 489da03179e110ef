"""The migrations make exactly the models' tables, on both databases, all or nothing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, UniqueConstraint, inspect, text

from qaflow.errors import Refused
from qaflow.store import journal, schema
from qaflow.store.db import Sql, configure, db, driver, schema_state, upgrade

NOT_BY_COLLEGE = {  # unique in the installation or not a tenant's table: the journal, content and what hangs on them
    "answered_request", "college", "person", "token", "installation", "journal", "content", "outbox", "incident",
    "tick_run", "lease",
}  # fmt: skip
SWEPT = {"ix_cycle_due", "ix_work_item_level", "ix_subject_ends", "ix_message_waiting"}  # one sweep serves all colleges
BY_PARENT = {"ix_cycle_parent_id", "ix_work_item_cycle_id", "uq_definition_key_version"}
POSTGRES_DUMP = """
select 'column ' || table_name || '.' || column_name, data_type || ' ' || is_nullable || coalesce(collation_name, '')
  || coalesce(column_default, '') from information_schema.columns where table_schema = 'public'
union all select 'index ' || indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'constraint ' || conname, conrelid::regclass || pg_get_constraintdef(oid) from pg_constraint
  where connamespace = 'public'::regnamespace
union all select 'trigger ' || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all select 'function ' || proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace"""


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """An app on an empty database."""
    app = Flask("schema")
    configure(app, database_url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def words(sql: str) -> list[str]:
    """A definition's parts in no order: alembic and `create_all` list constraints differently."""
    return sorted(re.findall(r"[^,\s()\"]+", sql))


def dump(connection: Connection) -> dict[str, Any]:
    """Everything that the database says of its tables, indexes, constraints and triggers."""
    if connection.dialect.name == "postgresql":
        rows = connection.execute(text(POSTGRES_DUMP)).all()
    else:
        rows = connection.execute(text("select type || ' ' || name, coalesce(sql, '') from sqlite_master")).all()
    return {name: words(sql) for name, sql in rows if "alembic_version" not in name}


def tables() -> set[str]:
    with db.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_the_migrated_database_equals_the_models(app: Flask) -> None:
    upgrade(app)

    with db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []
    assert journal.missing_triggers(db.session) == []


def test_migrations_and_models_write_the_same_definitions(app: Flask) -> None:
    upgrade(app)
    with db.engine.connect() as connection:
        migrated = dump(connection)
    db.session.remove()
    with db.engine.begin() as connection:
        connection.execute(text("drop table alembic_version"))
        db.metadata.drop_all(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(text("drop function journal_refuse, journal_refuse_key"))

        db.metadata.create_all(connection)

        made = dump(connection)
    assert made.keys() == migrated.keys()
    assert made == migrated
    assert len(made) > len(db.metadata.tables) + len(journal.TRIGGERS[db.engine.dialect.name])


def test_an_upgrade_of_a_current_database_changes_nothing(app: Flask) -> None:
    assert schema_state(db.session) == "empty"
    db.session.rollback()
    upgrade(app)
    with db.engine.connect() as connection:
        before = dump(connection)

    upgrade(app)

    with db.engine.connect() as connection:
        assert dump(connection) == before
    assert schema_state(db.session) == "current"


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("create table lease (mine integer)"))  # in the way of the last table

    with pytest.raises(Exception, match="lease"):
        upgrade(app)

    assert tables() == {"lease"}
    assert schema_state(db.session) == "empty"


def test_a_database_of_a_later_program_is_known_and_not_touched(app: Flask) -> None:
    upgrade(app)
    with db.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
        before = dump(connection)

    with pytest.raises(Refused) as caught:
        upgrade(app)

    assert (caught.value.code, caught.value.exit) == ("schema.newer", 4)
    with db.engine.connect() as connection:
        assert dump(connection) == before
    assert schema_state(db.session) == "newer"


def test_the_program_knows_exactly_the_revisions_that_lie_in_its_folder() -> None:
    found = ScriptDirectory.from_config(schema.config()).walk_revisions()

    assert [script.revision for script in found][::-1] == list(schema.REVISIONS)


def test_every_column_can_be_named_bare_in_sql_of_both_databases(app: Flask) -> None:
    upgrade(app)
    drive = driver(db.session)

    for table in db.metadata.tables.values():
        columns = ",".join(column.name for column in table.columns)
        assert drive.all(Sql(f"select {columns} from {table.name}")) == []


def test_a_tenants_keys_and_indexes_begin_with_its_college() -> None:
    wrong = []
    for table in db.metadata.tables.values():
        if table.name in NOT_BY_COLLEGE or "college_id" not in table.columns:
            continue
        keys = {*table.indexes, *(c for c in table.constraints if isinstance(c, UniqueConstraint))}
        wrong += [key.name for key in keys if key.columns[0].name != "college_id" and key.name not in SWEPT | BY_PARENT]

    assert wrong == []


def test_the_due_indexes_serve_the_sweep(app: Flask) -> None:
    upgrade(app)
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("set local enable_seqscan = off"))  # empty tables are scanned whatever there is
    explain = "explain query plan" if db.engine.dialect.name == "sqlite" else "explain"
    for table, condition, index in (
        ("cycle", "status = 'running' and next_due <= 'x' and next_due is not null", "ix_cycle_due"),
        ("work_item", "state = 'open' and next_level_at <= 'x' and next_level_at is not null", "ix_work_item_level"),
        ("outbox", "state = 'waiting' and available_at <= 'x'", "ix_outbox_waiting"),
    ):
        plan = db.session.execute(text(f"{explain} select id from {table} where {condition}")).all()
        assert index in str(plan)
