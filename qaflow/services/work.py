"""One service call is one transaction: retry of lost races, the journal's writing, the notices that leave with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session, scoped_session

from qaflow.engine.decide import Decide, decide
from qaflow.errors import Busy, QaflowError
from qaflow.store import journal, outbox
from qaflow.store import unit as units
from qaflow.store.db import Contended, Driver, Duplicate, driver, utc

TRIES = 3
FORMAT = 1
compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Returns the JSON text of a fact's data."""
T = TypeVar("T")
AnySession = Session | scoped_session[Any]


class LostRace(Exception):
    """Somebody else changed the row between our reading and our writing."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who acts, through which door, and when: ``now`` is effective, ``recorded`` the machine's clock."""

    now: datetime
    recorded: datetime
    door: str
    person: int | None = None  # None: the system account named by `account`
    account: str = "system"
    request: str | None = None
    decide: Decide = field(default=decide, compare=False, repr=False)  # by which rules: a demo's test refuses all

    @property
    def actor(self) -> str:
        """The actor as it stands in the journal."""
        return self.account if self.person is None else str(self.person)


def transact(session: AnySession, body: Callable[[Driver], T]) -> T:
    """Run a body in one transaction; a lost race is decided again, three times, then `Busy` (engine rules, 3)."""
    if isinstance(session, scoped_session):
        session = session()  # asked once, not at every step
    opened = units.of(session)
    if opened is not None:
        return _joined(session, opened, body)
    for _ in range(TRIES):
        try:
            result = body(driver(session))
            session.commit()
            return result
        except (Contended, LostRace, Duplicate):
            session.rollback()
        except BaseException:
            session.rollback()
            raise
    raise Busy("busy", "others are changing the same records: try again in a moment")


def _joined(session: AnySession, unit: units.Unit, body: Callable[[Driver], T]) -> T:
    """Run a body within the open unit; a race that is lost here is lost by the unit, whoever catches the error."""
    try:
        result = body(driver(session))
        session.commit()
        return result
    except (Contended, LostRace, Duplicate) as lost:
        unit.spoiled = True
        session.rollback()
        raise LostRace from lost
    except BaseException:
        session.rollback()
        raise


def together(session: AnySession, body: Callable[[Driver], T]) -> T:
    """Run several service calls as one transaction, decided again as a whole where any of them lost a race.

    Each `transact` within joins it, and each reader's rollback takes back only what was not kept.  A body that must
    not be done twice outside the database has no place here.
    """
    if isinstance(session, scoped_session):
        session = session()
    for _ in range(TRIES):
        try:
            with units.opened(session) as unit:
                result = body(unit.driver)
                if unit.spoiled:
                    raise LostRace
            return result
        except (Contended, LostRace, Duplicate):
            continue
    raise Busy("busy", "others are changing the same records: try again in a moment")


def each(session: AnySession, calls: Sequence[Callable[[], T]]) -> list[T | QaflowError]:
    """Make several service calls in one transaction and return their results; a refused one leaves nothing behind.

    Rights, rules and facts are those of each call; only the commit is shared.
    """
    return together(session, lambda _: [_called(call) for call in calls])


def _called(call: Callable[[], T]) -> T | QaflowError:
    try:
        return call()
    except QaflowError as refused:
        return refused


class Writer:
    """Collects the facts and notices of one transaction and writes them together."""

    __slots__ = ("_driver", "_entries", "_notices", "_origin", "at", "recorded")

    def __init__(self, driver: Driver, origin: Origin) -> None:
        self._driver = driver
        self._origin = origin
        self._entries: list[journal.Entry] = []
        self._notices: list[outbox.Row] = []
        self.at = utc(origin.now)
        self.recorded = utc(origin.recorded)

    def fact(self, stream: str, seq: int, prev: str, kind: str, data: dict[str, Any], definition: str | None = None,
             for_: int | None = None) -> str:  # fmt: skip
        """Add one entry to a stream and return its hash."""
        text = compact(data)
        origin = self._origin
        behalf = None if for_ is None else str(for_)
        digest = journal.digest(prev, stream, seq, kind, FORMAT, self.at, self.recorded, origin.actor, behalf,
                                origin.door, origin.request, definition, text)  # fmt: skip
        self._entries.append(journal.Entry(stream, seq, kind, FORMAT, self.at, self.recorded, origin.actor, behalf,
                                           origin.door, origin.request, definition, text, prev, digest))  # fmt: skip
        return digest

    def notify(self, college: int, stream: str, seq: int, kind: str, persons: list[int], payload: str) -> None:
        """Add a notice for each person but the actor; it leaves with this transaction."""
        for person in persons:
            if person != self._origin.person:
                key = f"{stream}.{seq}.{person}"
                self._notices.append(outbox.Row(college, stream, seq, kind, person, payload, "waiting", self.at, key))

    def flush(self) -> None:
        """Write what was collected."""
        if self._entries:
            journal.append(self._driver, self._entries)
            self._entries = []
        if self._notices:
            outbox.put(self._driver, self._notices)
            self._notices = []
