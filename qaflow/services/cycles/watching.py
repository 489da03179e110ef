"""Watched cycles (关注): chosen, copied to somebody (抄送), or named in a comment; listed while one may see them."""

from __future__ import annotations

from typing import cast

from qaflow.errors import Missing, Refused
from qaflow.services import policy
from qaflow.services.college import view
from qaflow.services.once import Once
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import cycles as cycle_rows
from qaflow.store import watching as rows
from qaflow.store.db import Driver, utc

MOST = 200
"""Of the cycles that one person watches: what is copied to them beyond it drives out the oldest that they did not
choose."""
CHOSEN, COPIED, NAMED = "chosen", "copied", "named"
WHYS = (CHOSEN, COPIED, NAMED)


def watch(driver: Driver, college: int, person: int, cycle: int, why: str, at: str) -> None:
    """Let a person watch a cycle from an instant on, in the caller's transaction; once is enough."""
    rows.add(driver, college, person, cycle, why, at)
    rows.trim(driver, college, person, MOST)


def choose(session: AnySession, origin: Origin, cycle: int, on: bool) -> None:
    """Begin or stop to watch a cycle; `Missing` where it is not theirs to see, `Refused` where they watch too many."""
    person = origin.person
    if person is None:
        raise Missing("cycle.not_found", f"no cycle {cycle}")

    def body(driver: Driver) -> None:
        college = _require_sight(session, driver, origin, cycle, person)
        if not on:
            rows.drop(driver, college, person, cycle)
            return
        held = rows.of(driver, college, person)
        if cycle not in {one.cycle for one in held} and sum(one.why == CHOSEN for one in held) >= MOST:
            raise Refused("watch.too_many", f"{MOST} cycles are watched already")
        rows.add(driver, college, person, cycle, CHOSEN, utc(origin.now))
        rows.choose(driver, college, person, cycle)
        rows.trim(driver, college, person, MOST)

    transact(session, body)


def watches(driver: Driver, college: int, person: int, cycle: int) -> bool:
    """Tell whether a person watches a cycle."""
    return any(one.cycle == cycle for one in rows.of(driver, college, person))


def seen(driver: Driver, college: int, person: int, day: str) -> list[int]:
    """Return the watched cycles that the person may see on a day (engine rules, 5)."""
    held = rows.of(driver, college, person)
    if not held:
        return []
    once = cast(Driver, Once(driver))
    found = cycle_rows.load_many(driver, [one.cycle for one in held], lock=False)
    return [number for number, (snap, row) in found.items() if row.college == college
            and policy.may_see(once, policy.scope_of(snap, college), snap, person, day)]  # fmt: skip


def _require_sight(session: AnySession, driver: Driver, origin: Origin, cycle: int, person: int) -> int:
    found = cycle_rows.load(driver, cycle, lock=False)
    if found is not None:
        snap, row = found
        day = view(session, driver, row.college).calendar.local_day(origin.now).isoformat()
        if policy.may_see(driver, policy.scope_of(snap, row.college), snap, person, day):
            return row.college
    raise Missing("cycle.not_found", f"no cycle {cycle}")
