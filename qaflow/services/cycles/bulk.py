"""Many acts in one transaction: one person's or one college's acts of a day, each refused or done by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import QaflowError
from qaflow.services.work import AnySession, LostRace, Origin, Writer, transact
from qaflow.store import cycles as rows
from qaflow.store.db import Driver

from . import acts as cycles
from .acting import Acting, hold, require_open

READ_AT_ONCE = 200
Held = tuple[Snapshot, rows.Row]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One action on one cycle by the person of its origin."""

    origin: Origin
    cycle: int
    action: str
    args: Data = field(default_factory=dict)
    revision: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How an act ended: where the cycle stands after it, or why it was refused."""

    act: Act
    state: str | None
    refused: QaflowError | None = None


def fire_many(session: AnySession, acts: Sequence[Act]) -> list[Outcome]:
    """Fire acts in order in one transaction; a refused one is reported and leaves nothing behind.

    Rights, rules and facts are those of `cycles.fire`; only the commit is shared.
    """
    return transact(session, lambda driver: fire_within(session, driver, acts))


def fire_within(session: AnySession, driver: Driver, acts: Sequence[Act]) -> list[Outcome]:
    """Fire acts in order in the caller's transaction, which may be rolled back: a rehearsal goes the same way."""
    with driver.settled():
        return [o for part in _parts(acts) for o in _fire(session, driver, part)]


def _parts(acts: Sequence[Act]) -> Iterator[Sequence[Act]]:
    return (acts[first : first + READ_AT_ONCE] for first in range(0, len(acts), READ_AT_ONCE))


def _fire(session: AnySession, driver: Driver, acts: Sequence[Act]) -> list[Outcome]:
    read = rows.load_many(driver, {act.cycle for act in acts})
    return [_one(session, driver, act, read) for act in acts]


def _one(session: AnySession, driver: Driver, act: Act, read: dict[int, Held]) -> Outcome:
    """Fire one act on what was read ahead; what another act of the batch has changed meanwhile is read again."""
    try:
        args = cycles.check_args(act.action, act.args)
        try:
            return _fired(session, driver, act, args, read.pop(act.cycle, None))
        except LostRace:
            return _fired(session, driver, act, args, None)
    except QaflowError as refused:
        return Outcome(act, None, refused)


def _fired(session: AnySession, driver: Driver, act: Act, args: Data, held: Held | None) -> Outcome:
    writer = Writer(driver, act.origin)
    with driver.savepoint():
        if held is None:
            acting = hold(session, driver, act.origin, act.cycle, writer)
        else:
            require_open(held[1], act.cycle)
            acting = Acting(session, driver, act.origin, *held, writer)
        cycles.act(acting, act.action, args, act.revision)
        cycles.finish(acting)
        return Outcome(act, acting.snap.state)
