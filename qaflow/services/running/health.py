"""Can work be done here: database, schema, last sweep, disk. Reads only; never waits for a writer."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, scoped_session

from qaflow.config import Settings
from qaflow.errors import QaflowError, Refused
from qaflow.services.ports import Ports
from qaflow.store import db, health
from qaflow.store.driver import Driver
from qaflow.store.types import instant

LEAST_DISK = 100 * 1024 * 1024
MISSED_TICKS = 10  # so many intervals without a sweep are no accident

AnySession = Session | scoped_session[Any]

REMEDIES = {
    "empty": "there is no database yet; type: qaflow init",
    "older": "the database was made by an older program; type: qaflow init (it makes a backup first)",
    "newer": "the database was made by a newer program; install that version of qaflow",
    "foreign": db.UNFIT["foreign"],
}


def require_current(session: AnySession, settings: Settings) -> None:
    """Refuse a database that is not there, or whose tables are not this program's."""
    file = settings.sqlite_file
    # To look into a SQLite file that is not there would make one.
    state = "empty" if file is not None and not file.exists() else _schema(session)
    if state != "current":
        raise Refused(f"database.schema_{state}", REMEDIES[state], allowed=["init"] if state not in db.UNFIT else [])


def readiness(session: AnySession, ports: Ports) -> dict[str, Any]:
    """Return `ready` and, part by part, what stands: `database`, `schema`, `tick`, `disk`, `sandbox`."""
    report: dict[str, Any] = {"ready": False, "sandbox": None, "disk": _disk(ports.settings.home), "tick": None}
    try:
        require_current(session, ports.settings)
        report |= _facts(db.reading(session), ports)
    except QaflowError as error:
        return report | {"database": _reached(error), "schema": error.code, "detail": error.detail}
    finally:
        session.rollback()
    healthy = report["disk"]["ok"] and (report["tick"] is None or report["tick"]["ok"])
    return report | {"ready": True, "status": "ok" if healthy else "degraded", "database": "ok", "schema": "current"}


def colleges(session: AnySession) -> list[dict[str, Any]]:
    """Return each college's key, name, number of subjects and of running cycles."""
    try:
        rows = health.colleges(db.reading(session))
    finally:
        session.rollback()
    return [
        {"key": key, "name": {"zh": zh, "en": en}, "subjects": subjects, "running": running}
        for key, zh, en, subjects, running in rows
    ]


def _reached(error: QaflowError) -> str:
    return "ok" if isinstance(error, Refused) else "unavailable"


def _schema(session: AnySession) -> str:
    try:
        db.reading(session)
        return db.schema_state(session)
    finally:
        session.rollback()


def _facts(driver: Driver, ports: Ports) -> dict[str, Any]:
    row = health.installation(driver)
    return {
        "sandbox": bool(row and row[0]),
        "paused": row[3] if row else None,
        "incidents": health.open_incidents(driver),
        "tick": _tick(health.last_tick(driver), ports.clock.now(), ports.settings.tick_seconds),
    }


def _tick(row: tuple[Any, ...] | None, now: datetime, interval: int) -> dict[str, Any] | None:
    """Return when the last sweep began (machine's clock), its age in seconds, and whether that is young enough."""
    if row is None:
        return None
    age = int((now - instant(row[0])).total_seconds())
    return {"last": row[0], "effective": row[2], "age_seconds": age, "ok": age <= interval * MISSED_TICKS}


def _disk(home: Path) -> dict[str, Any]:
    free = disk_free(home)
    return {"free_mb": free // (1024 * 1024), "ok": free >= LEAST_DISK}


def disk_free(home: Path) -> int:
    """Return the bytes that are free where the installation lives, or will."""
    folder = next(each for each in (home, *home.parents) if each.exists())
    return shutil.disk_usage(folder).free
