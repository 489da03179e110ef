"""Alembic's environment: run the migrations on the connection that was handed over, else on the app's own."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from flask import current_app

from qaflow.store.db import db
from qaflow.store.types import Bytewise, Day, Instant

SPECIAL = {Bytewise: "KEY", Instant: "INSTANT", Day: "DAY"}  # constants that a migration defines for itself


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as names that a migration defines, so that later code cannot change an old migration."""
    if kind != "type":
        return False
    if isinstance(item, sa.BigInteger):
        return "BIG_ID"
    return SPECIAL.get(type(item), False)


def run(connection: sa.Connection) -> None:
    """Migrate in one transaction; SQLite's DDL takes part in it because transactions begin explicitly."""
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_item=render,
        render_as_batch=False,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with current_app.app_context(), db.engine.connect() as own:
        run(own)
