"""What a log tells of a fact, and who calls whom what: shared by the three forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

from qaflow.store.db import Driver
from qaflow.store.journal import Entry
from qaflow.store.mining import Case

from . import events


class Source(Protocol):
    """Where a log comes from."""

    driver: Driver
    college: int
    key: str
    layer: str
    names: bool

    def called(self, actor: str | None) -> str | None:
        """Return what the log calls an actor."""
        ...

    def subject(self, number: int, code: str, name: str) -> str:
        """Return what the log calls a subject."""
        ...

    def pages(self) -> Iterator[list[Case]]:
        """Yield the cycles in pages."""
        ...

    def facts(self, streams: list[str]) -> Iterator[Entry]:
        """Yield the entries of streams."""
        ...

    def histories(self, page: list[Case]) -> dict[int, list[Entry]]:
        """Return the entries of a page's cycles."""
        ...


def carried(entry: Entry) -> dict[str, Any]:
    """Return what an event of a fact carries; of kinds that are not told outside nothing."""
    return events.carried(entry.kind, json.loads(entry.data)) if entry.kind in events.TOLD else {}


def flat(data: dict[str, Any]) -> dict[str, str | int | float | bool]:
    """Return the single values of a fact, those one step down under ``outer.inner``."""
    found: dict[str, str | int | float | bool] = {}
    for name, value in data.items():
        inner = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        found |= {key: one for key, one in inner.items() if isinstance(one, (str, int, float))}
    return found
