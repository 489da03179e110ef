"""Writing facts into a college's stream: the head is read with a lock and moved once at the end."""

from __future__ import annotations

from typing import Any

from qaflow.store import colleges, journal
from qaflow.store.db import Driver

from .work import LostRace, Origin, Writer


class CollegeStream:
    """The stream ``college:KEY`` within one transaction; `close` writes what was added."""

    __slots__ = ("_driver", "_head", "_id", "_name", "_version", "_was", "_writer")

    def __init__(self, driver: Driver, origin: Origin, college: int, key: str) -> None:
        """Read the head and hold it until the transaction ends."""
        self._driver, self._id, self._name = driver, college, f"college:{key}"
        self._writer = Writer(driver, origin)
        self._version, head = colleges.head(driver, college)
        self._was, self._head = self._version, head or journal.GENESIS

    @property
    def name(self) -> str:
        """The stream's name in the journal."""
        return self._name

    @property
    def at(self) -> str:
        """The instant of its facts, as they hold it."""
        return self._writer.at

    def fact(self, kind: str, data: dict[str, Any], definition: str | None = None) -> int:
        """Add a fact and return its place."""
        self._version += 1
        self._head = self._writer.fact(self._name, self._version, self._head, kind, data, definition)
        return self._version

    def close(self) -> None:
        """Write the facts and move the head; `LostRace` where somebody was faster."""
        if self._version == self._was:
            return
        if not colleges.set_head(self._driver, self._id, self._was, self._version, self._head):
            raise LostRace
        self._writer.flush()
