"""Facts in the streams of persons and colleges, many at a time; the heads stand on their rows (engine rules, 7)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from qaflow.errors import Missing
from qaflow.store import accounts, colleges
from qaflow.store.db import Driver

from .work import LostRace, Writer


class PersonStreams:
    """The journal streams of some persons, held locked: add facts, then `save` their heads."""

    def __init__(self, driver: Driver, writer: Writer, persons: Iterable[int]) -> None:
        self._driver, self._writer = driver, writer
        self._was = accounts.heads(driver, persons)
        self._now = dict(self._was)

    def fact(self, person: int, kind: str, data: dict[str, Any]) -> None:
        """Add one entry to a person's stream."""
        if person not in self._now:
            raise Missing("person.not_found", f"no person {person}")
        version, head = self._now[person]
        self._now[person] = (version + 1, self._writer.fact(f"person:{person}", version + 1, head, kind, data))

    def save(self) -> None:
        """Move the heads of the streams that grew; `LostRace` where somebody else wrote to one."""
        grown = [
            {"id": person, "was": self._was[person][0], "version": version, "head": head}
            for person, (version, head) in self._now.items()
            if version != self._was[person][0]
        ]
        if not accounts.set_heads(self._driver, grown):
            raise LostRace
        self._was = dict(self._now)


def person_fact(driver: Driver, writer: Writer, person: int, kind: str, data: dict[str, Any]) -> None:
    """Add one entry to one person's stream."""
    streams = PersonStreams(driver, writer, [person])
    streams.fact(person, kind, data)
    streams.save()


def college_fact(driver: Driver, writer: Writer, college: int, key: str, kind: str, data: dict[str, Any]) -> int:
    """Add one entry to a college's stream and return its place."""
    version, head = colleges.head(driver, college)
    newest = writer.fact(f"college:{key}", version + 1, head, kind, data)
    if not colleges.set_head(driver, college, version, version + 1, newest):
        raise LostRace
    return version + 1


def digest_of(rows: Iterable[Any]) -> str:
    """Return the SHA-256 over rows as canonical JSON lines: what a batch's fact holds instead of the batch."""
    found = hashlib.sha256()
    for row in rows:
        found.update(json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n")
    return found.hexdigest()
