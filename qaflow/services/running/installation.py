"""Making an installation: its tables, its mark (engine rules, 8), and the program's own accounts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from qaflow.config import Settings
from qaflow.errors import Refused
from qaflow.paths import make_private
from qaflow.services.ports import Ports
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import db as database
from qaflow.store import installation as rows
from qaflow.store.db import SCHEMA_HEAD, Driver, instant, utc

OPERATOR = "operator"
ACCOUNTS = {"system": "系统", OPERATOR: "操作员"}
"""Who acts where no person does: the tick, and the commands of whoever runs the machine."""


def create(session: AnySession, origin: Origin, sandbox: bool) -> dict[str, Any]:
    """Make the installation's row and accounts; on one that is there only the schema is noted.

    The mark of a sandbox is given at birth: it can neither be taken off nor put on later.
    """

    def body(driver: Driver) -> dict[str, Any]:
        found = rows.row(driver)
        if found is None:
            rows.insert(driver, sandbox, utc(origin.recorded), SCHEMA_HEAD)
        elif sandbox and not found.sandbox:
            raise Refused("installation.not_sandbox", "this database is not a sandbox and cannot become one; "
                          "give a new one its own QAFLOW_HOME")  # fmt: skip
        else:
            rows.set_schema(driver, SCHEMA_HEAD)
        for login, name in ACCOUNTS.items():
            rows.add_account(driver, login, name, utc(origin.recorded))
        return {"created": found is None, "sandbox": found.sandbox if found else sandbox}

    return transact(session, body)


def present(driver: Driver, machine: datetime) -> datetime:
    """Return the effective present: in a demo's database the simulated end plus the time since (engine rules, 8)."""
    found = rows.row(driver)
    if found is None or found.clock_base is None or found.clock_real is None:
        return machine
    return instant(found.clock_base) + (machine - instant(found.clock_real))


def now_of(session: AnySession, ports: Ports) -> tuple[datetime, datetime, bool]:
    """Return (effective now, the machine's now, whether this is a sandbox); refuses a database without installation."""
    real = ports.clock.now()
    driver = database.reading(session)
    found = rows.row(driver)
    if found is None:
        raise Refused("installation.missing", "this database holds no installation: run `qaflow init` first")
    now = present(driver, real)
    session.rollback()
    return now, real, found.sandbox


def operator(session: AnySession, ports: Ports, door: str = "cli") -> Origin:
    """Return the origin of what whoever runs the machine does, before `create` too (engine rules, 8)."""
    real = ports.clock.now()
    now = transact(session, lambda driver: present(driver, real))
    return Origin(now=now, recorded=real, door=door, account=OPERATOR)


def prepare(app: Any, session: AnySession, settings: Settings, machine: datetime) -> dict[str, Any]:
    """Bring the tables to this program's schema, after a backup where they hold something.

    Returns ``from`` (the schema state found: empty, older, current), ``backup`` (the copy, or None) and ``notice``. A
    database made by a later program is refused (`schema.newer`).
    """
    file = settings.sqlite_file
    make_private(file.parent if file is not None else settings.home)
    state = _state(session, file)
    if state in database.UNFIT:
        raise Refused(f"schema.{state}", database.UNFIT[state])
    copy = notice = None
    if state == "older" and file is not None:
        copy = back_up(file, settings.home, machine)
    elif state == "older":
        notice = "PostgreSQL: no copy was made before the upgrade; the server's own backup (pg_dump) is yours to take"
    if state != "current":
        database.upgrade(app)
    if file is not None and state == "empty":
        file.chmod(0o600)
    return {"from": state, "backup": copy, "notice": notice}


def back_up(file: Path, home: Path, machine: datetime) -> Path:
    """Copy the database into the home's ``backups`` and return the copy."""
    copy = make_private(home / "backups") / f"before-upgrade-{machine:%Y%m%dT%H%M%S%f}Z.db"
    rows.copy_sqlite(file, copy)
    return copy


def _state(session: AnySession, file: Path | None) -> str:
    if file is not None and not file.exists():
        return "empty"
    try:
        database.reading(session)
        return database.schema_state(session)
    finally:
        session.rollback()
