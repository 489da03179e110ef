"""How fast the journal is proven: `audit verify` over whole lives of cycles."""

from __future__ import annotations

import datetime as dt
from statistics import median
from typing import Any

from qaflow.services.auditing import audit
from qaflow.services.cycles import acts as cycles
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import journal
from qaflow.store.bench import world as bench_world
from qaflow.store.db import Driver

from . import world
from .workloads import FORM, timed
from .world import ACTS, MINUTE


def entries_a_second(session: AnySession, entries: int, runs: int) -> float:
    """Return how many entries a second are hashed and replayed, by the verification that `audit verify` is made of.

    One cycle is walked from its start to its end by the services; its life is copied under other numbers, hashed anew.
    """
    ((cycle, person, unit),) = transact(session, lambda d: bench_world.cycles(d, 1, 0, 1))
    walk(session, cycle, person, world.approver(unit))
    transact(session, lambda d: _copy(d, cycle, entries))
    found: list[int] = []
    seconds = median(timed(lambda: found.append(_verified(session))) for _ in range(runs))
    return found[0] / seconds


def walk(session: AnySession, cycle: int, person: int, approver: int) -> None:
    """Walk a cycle to its end: each stage handed in, taken back, handed in again and approved."""
    again: list[tuple[int, str, dict[str, Any]]] = [(person, "withdraw", {}), (person, "submit", {})]
    steps = [(person, "submit", {"content": FORM}), *again, (approver, "approve", {})]
    for n, (who, action, args) in enumerate(steps * len(world.spiral().stages)):
        at: dt.datetime = ACTS + n * MINUTE
        cycles.fire(session, Origin(now=at, recorded=at, door="bench", person=who), cycle, action, dict(args))


def _copy(driver: Driver, cycle: int, entries: int) -> None:
    life = journal.read(driver, f"cycle:{cycle}")
    first = 1 + bench_world.last_cycle(driver)
    copies = range(first, first + entries // len(life))
    journal.append(driver, [entry for number in copies for entry in _alias(life, f"cycle:{number}")])


def _alias(life: list[journal.Entry], stream: str) -> list[journal.Entry]:
    head, found = journal.GENESIS, []
    for entry in life:
        fields = (stream, *entry[1:-2])
        prev, head = head, journal.digest(head, *fields)
        found.append(journal.Entry(*fields, prev, head))
    return found


def _verified(session: AnySession) -> int:
    report = audit.verify(session, rows=False)
    if not report["verified"]:
        raise AssertionError(f"the bench's journal does not verify: {report['first_bad']}")
    count: int = report["entries"]
    return count
