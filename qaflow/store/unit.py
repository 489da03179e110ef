"""A unit of work: several service calls as one transaction, each of them ending as if it had its own.

While a unit is open on a session, `commit` moves the mark behind what was written, and `rollback` goes back to the
mark: whoever reads and rolls back throws away nothing that was kept before.  Only the unit's end commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, scoped_session

from qaflow.store.driver import Driver, Sql, driver

_OPEN = "qaflow.unit"
_MARK, _BACK, _FORGET = Sql("savepoint kept"), Sql("rollback to savepoint kept"), Sql("release savepoint kept")
_LOCK = Sql("select 1", postgresql="select pg_advisory_xact_lock(hashtextextended(:name, 5))")
AnySession = Session | scoped_session[Any]


@dataclass
class Unit:
    """The open unit of a session; a spoiled one is never committed."""

    driver: Driver
    spoiled: bool = False


class UnitSession(Session):
    """A session on which a unit of work may be open."""

    def commit(self) -> None:
        """Commit, or within a unit keep what was written."""
        unit = self.info.get(_OPEN)
        if unit is None:
            super().commit()
        else:
            unit.driver.run(_FORGET)
            unit.driver.run(_MARK)

    def rollback(self) -> None:
        """Roll back, or within a unit go back to what was kept."""
        unit = self.info.get(_OPEN)
        if unit is None:
            super().rollback()
        else:
            unit.driver.run(_BACK)

    def close(self) -> None:
        """Close; a unit that is still open ends without being committed."""
        self.info.pop(_OPEN, None)
        super().close()


def of(session: AnySession) -> Unit | None:
    """Return the unit that is open on a session."""
    found: Unit | None = session.info.get(_OPEN)
    return found


@contextmanager
def opened(session: AnySession) -> Iterator[Unit]:
    """Open a unit; it is committed at the end of the block, unless that fails or the unit is spoiled."""
    if of(session) is not None:
        raise RuntimeError("a unit of work is open on this session already")
    session.rollback()
    unit = Unit(driver(session))
    unit.driver.run(_MARK)
    session.info[_OPEN] = unit
    try:
        yield unit
    except BaseException:
        unit.spoiled = True
        raise
    finally:
        session.info.pop(_OPEN, None)
        if unit.spoiled:
            session.rollback()
    if not unit.spoiled:
        session.commit()


def hold(driver: Driver, name: str) -> None:
    """Let whoever changes the same thing wait until this transaction ends; on SQLite all writers wait anyway."""
    driver.value(_LOCK, {"name": name})
