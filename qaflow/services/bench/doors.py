"""What programs find at the door of the bench's world: work that waits to be decided, and a token for who decides."""

from __future__ import annotations

import datetime as dt
from statistics import quantiles
from typing import Any, NamedTuple

from qaflow.services.accounts import passwords
from qaflow.services.points import handing_in
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import installation as rows
from qaflow.store.bench import world as bench_world
from qaflow.store.db import utc

from . import intakes, world
from .world import ACTS, World

MS = 1000
PERCENTS = 100


class Owed(NamedTuple):
    """A cycle whose stage is to be submitted and approved, and the tokens of who does it."""

    cycle: int
    lead: str
    approver: str


class Served(NamedTuple):
    """What 32 programs saw: seconds of each reply, of all together, and the server's own processor time."""

    replies: list[float]
    whole: float
    server: float


def owed(session: AnySession, size: World, many: int, machine: dt.datetime) -> list[Owed]:
    """Return so many cycles that wait, with tokens; the world's clock stands at the day on which people act."""
    transact(session, lambda d: rows.set_clock(d, utc(ACTS), utc(machine), None))
    found = transact(session, lambda d: bench_world.cycles(d, size.step, 0, many))
    tokens: dict[int, str] = {}

    def known(person: int) -> str:
        if person not in tokens:
            tokens[person] = token(session, person)
        return tokens[person]

    return [Owed(cycle, known(lead), known(world.approver(unit))) for cycle, lead, unit in found]


def token(session: AnySession, person: int) -> str:
    """Make a token with which a person of the world does everything."""
    origin = Origin(now=ACTS, recorded=ACTS, door="bench", person=person)
    login = transact(session, lambda d: bench_world.login(d, person))
    return passwords.token_for(session, origin, login)


def figures(one: Served) -> dict[str, Any]:
    """Return what is told of requests of one kind."""
    cuts = quantiles(one.replies, n=PERCENTS)
    return {"requests": len(one.replies), "p50_ms": round(cuts[49] * MS, 1), "p99_ms": round(cuts[98] * MS, 1),
            "per_second": round(len(one.replies) / one.whole),
            "server_ms": round(one.server / len(one.replies) * MS, 2)}  # fmt: skip


def beside(one: Served, floor: float) -> dict[str, Any]:
    """Return the same of acts beside their floor, which takes so many seconds for one."""
    return figures(one) | {"floor_ms": round(floor * MS, 2), "ratio": round(one.server / len(one.replies) / floor, 1)}


def delivery(size: World, slot: int) -> list[dict[str, Any]]:
    """Return as many readings as one request may hold, in the form in which they are sent."""
    return [{"point": point, "subject": code, "at": at, "value": value, "source": source}
            for point, code, at, value, source in intakes.rows(size, handing_in.MOST, f"door{slot}", slot)]  # fmt: skip
