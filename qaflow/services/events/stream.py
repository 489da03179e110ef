"""The stream of a college's events for those who poll: ordered by position, each as far as its reader may see.

Rights are reckoned at each read: the events of a cycle are for whoever may see the cycle, those of the college for
the quality office and the administrator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from qaflow.errors import Invalid, Missing
from qaflow.services import policy
from qaflow.services.college import view
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import events as rows
from qaflow.store.db import Driver, reading

from . import events

BATCH = 5000
ROUNDS = 400  # so many batches at once: two million entries
MOST = 500
PAGE = 100
LOOK = 2000  # so many are looked at for one page; a reader of little gets an empty one and where to go on


class Reader(Protocol):
    """Who reads."""

    @property
    def person(self) -> int:
        """Their number."""
        ...

    @property
    def college(self) -> int | None:
        """Their college."""
        ...


@dataclass(frozen=True, kw_only=True)
class Page:
    """Events in order; `after` is where to go on, `more` whether something stands there already."""

    items: list[dict[str, Any]]
    after: int
    more: bool


def relay(session: AnySession, rounds: int = ROUNDS) -> int:
    """Give positions to all that was committed since, a batch a transaction; returns to how many."""
    total = 0
    for _ in range(rounds):
        given = transact(session, lambda d: rows.relay(d, events.KINDS, BATCH))
        total += given
        if given < BATCH:
            break
    return total


def poll(session: AnySession, origin: Origin, me: Reader, after: int = 0, most: int = PAGE,
         types: tuple[str, ...] = ()) -> Page:  # fmt: skip
    """Return the events after a position that the reader may see, at most so many; `Invalid` for an unknown type."""
    if me.college is None:
        raise Missing("college.not_found", "you belong to no college")
    require_types(types)
    relay(session)
    driver = reading(session)
    try:
        return _page(session, driver, origin, me, me.college, after, min(most, MOST), frozenset(types))
    finally:
        session.rollback()


def require_types(types: tuple[str, ...]) -> None:
    """Refuse a type of event that there is not."""
    strange = sorted(set(types) - set(events.TYPES))
    if strange:
        raise Invalid("event.unknown_type", f"no type of event {strange[0]!r}", types=list(events.TYPES))


def _page(session: AnySession, driver: Driver, origin: Origin, me: Reader, college: int, after: int, most: int,
          types: frozenset[str]) -> Page:  # fmt: skip
    found = rows.after(driver, college, after, LOOK)
    wanted = [row for row in found if not types or events.TOLD[row.kind].type in types]
    seen = _visible(session, driver, origin, me, college, wanted)
    shown = [row for row in wanted if row.position in seen]
    taken = shown[:most]
    reach = taken[-1].position if len(shown) > most else found[-1].position if found else after
    more = len(shown) > most or len(found) == LOOK
    return Page(items=[events.envelope(row) for row in taken], after=reach, more=more)


def _visible(session: AnySession, driver: Driver, origin: Origin, me: Reader, college: int,
             found: list[rows.Row]) -> set[int]:  # fmt: skip
    seen = view(session, driver, college)
    day = seen.calendar.local_day(origin.now).isoformat()
    reach = policy.reach(driver, college, [layer.key for layer in seen.config.layers], me.person, day)
    shown = rows.visible(driver, college, [r.position for r in found if r.cycle is not None], reach.params)
    if policy.allowed(driver, college, me.person, ("organisation",), day):
        shown |= {r.position for r in found if r.cycle is None}
    return shown
