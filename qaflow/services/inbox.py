"""The inbox's read side: who owes what, and until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qaflow.store import inbox as rows
from qaflow.store.db import Driver
from qaflow.store.inbox import Work

PAGE = 5000

__all__ = ["Work", "look", "open_work"]


def open_work(driver: Driver, college: int, after: int = 0) -> Iterator[Work]:
    """Yield a college's live items (open, or their clock stopped) above an item's number, in the order of coming."""
    while True:
        found = rows.since(driver, college, after, PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1].id


def look(driver: Driver, ids: Sequence[int]) -> list[Work]:
    """Return items as they stand now, whatever their state, ordered by cycle and number."""
    return rows.look(driver, ids)
