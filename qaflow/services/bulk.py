"""Many acts in one transaction: one person's or one college's acts of a day, each refused or done by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qaflow.engine.snapshot import Data
from qaflow.errors import QaflowError
from qaflow.store.db import Driver

from . import cycles
from .acting import hold
from .work import AnySession, Origin, Writer, transact


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
    return transact(session, lambda driver: [_one(session, driver, act) for act in acts])


def _one(session: AnySession, driver: Driver, act: Act) -> Outcome:
    try:
        args = cycles.check_args(act.action, act.args)
        with driver.savepoint():
            acting = hold(session, driver, act.origin, act.cycle, Writer(driver, act.origin))
            cycles.act(acting, act.action, args, act.revision)
            cycles.finish(acting)
            return Outcome(act, acting.snap.state)
    except QaflowError as refused:
        return Outcome(act, None, refused)
