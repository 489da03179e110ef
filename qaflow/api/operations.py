"""Operations: the state of the program, sweeps, failed work, and the outbox."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.resource import Resource
from qaflow.services.running import operations
from qaflow.services.running.operations import OUTBOX, STATES, Overview, Told

resource = Resource("api_operations", __name__, url_prefix="/operations", description="The running program")
LONG = 8000


class Year(s.Strict):
    """A year of the calendar, and whether its make-up days are known."""

    year = s.whole(required=True)
    published = s.flag(required=True)


class Counted(s.Strict):
    """How many notices are in a state."""

    state = s.choice(OUTBOX, required=True)
    count = s.whole(required=True)


class State(s.Strict):
    """How the program fares."""

    version = s.text(s.NAME, required=True)
    python = s.text(s.NAME, required=True)
    now = s.instant(required=True)
    machine = s.instant(required=True)
    last_sweep = s.instant(required=True, allow_none=True)
    expected = s.instant(required=True, allow_none=True)
    late = s.flag(required=True)
    interval = s.whole(required=True)
    paused = s.text(LONG, 0, required=True, allow_none=True)
    sandbox = s.flag(required=True)
    incidents = s.whole(required=True)
    outbox = s.many(Counted, len(OUTBOX), required=True)
    broken_channels = s.whole(required=True)
    database = s.text(s.NAME, required=True)
    database_size = s.whole(required=True, allow_none=True)
    disk_free = s.whole(required=True, allow_none=True)
    evidence_files = s.whole(required=True)
    evidence_size = s.whole(required=True)
    sessions = s.whole(required=True)
    years = s.many(Year, 1000, required=True)


class Sweep(s.Strict):
    """A sweep: when it was for and when it ran."""

    id = s.ident(required=True)
    from_at = s.instant(required=True, allow_none=True)
    to_at = s.instant(required=True)
    started_at = s.instant(required=True)
    ended_at = s.instant(required=True, allow_none=True)
    door = s.text(s.NAME, required=True)


class Failed(s.Strict):
    """Work that failed alone: what it is about, and when it is tried next."""

    id = s.ident(required=True)
    kind = s.text(s.NAME, required=True)
    ref = s.text(LONG, 0, required=True)
    detail = s.text(LONG, 0, required=True)
    state = s.text(s.NAME, required=True)
    tries = s.whole(required=True)
    next_try_at = s.instant(required=True, allow_none=True)
    opened_at = s.instant(required=True)
    solved_at = s.instant(required=True, allow_none=True)
    cycle = s.ident(required=True, allow_none=True)
    retried = s.flag(required=True)


class Notice(s.Strict):
    """A notice of the outbox: to whom, and why it failed where it did."""

    id = s.ident(required=True)
    kind = s.text(s.NAME, required=True)
    person = s.text(s.NAME, required=True, allow_none=True)
    state = s.choice(OUTBOX, required=True)
    tries = s.whole(required=True)
    available_at = s.instant(required=True)
    sent_at = s.instant(required=True, allow_none=True)
    why = s.text(LONG, 0, required=True, allow_none=True)


class Confirmed(s.Strict):
    """Whether automatic steps still wait, and why."""

    waits = s.flag(required=True)
    why = s.text(LONG, required=True, allow_none=True)


class TakenUp(s.Strict):
    """How many notices were taken up again."""

    notices = s.whole(required=True)


class Session(s.Strict):
    """Who is signed in, since when, and when last seen."""

    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    since = s.instant(required=True)
    seen_at = s.instant(required=True)


class Failing(s.Strict):
    """Whether failed work is still open."""

    state = s.choice(tuple(STATES), load_default="open")


class Standing(s.Strict):
    """In which state notices are shown."""

    state = s.choice(OUTBOX, load_default="failed")


@resource.get("", scope="admin", gives=State)
def state(call: Call) -> dict[str, Any]:
    """Show how the program fares."""
    return _state(operations.overview(call.session, call.ports, call.origin, call.me))


@resource.get("/ticks", scope="admin", asks=s.Onward, gives=s.listing(Sweep))
def ticks(call: Call) -> dict[str, Any]:
    """List the sweeps, the newest first."""
    found = operations.runs(call.session, call.origin, call.me, call.after() or 0)
    following = found[-1].id if len(found) == operations.PAGE else None
    return call.page([one._asdict() for one in found], following)


@resource.get("/incidents", scope="admin", asks=Failing, gives=s.listing(Failed))
def incidents(call: Call) -> dict[str, Any]:
    """List work that failed alone."""
    found = operations.incidents(call.session, call.origin, call.me, call.query["state"])
    return call.page([_failed(one) for one in found], None)


@resource.post("/incidents/<int:number>/retry", scope="admin", alone=True, gives=Failed)
def retry(call: Call, number: int) -> dict[str, Any]:
    """Try one incident again now, and show what came of it."""
    return _failed(operations.retry(call.session, call.ports, call.origin, call.me, number))


@resource.get("/outbox", scope="admin", asks=Standing, gives=s.listing(Notice))
def outbox(call: Call) -> dict[str, Any]:
    """List the college's notices in a state."""
    found = operations.notices(call.session, call.origin, call.me, call.query["state"])
    return call.page([one._asdict() for one in found], None)


@resource.post("/outbox/retry", scope="admin", alone=True, gives=TakenUp)
def send_again(call: Call) -> dict[str, int]:
    """Send again what failed."""
    return {"notices": operations.send_again(call.session, call.ports, call.origin, call.me)}


@resource.post("/confirm", scope="admin", alone=True, gives=Confirmed)
def confirm(call: Call) -> dict[str, Any]:
    """Let automatic steps go on; they wait where the clock still is not right."""
    why = operations.confirm(call.session, call.ports, call.origin, call.me).notice
    return {"waits": why is not None, "why": why}


@resource.get("/sessions", scope="admin", gives=s.listing(Session))
def sessions(call: Call) -> dict[str, Any]:
    """List who of the college is signed in now, whoever was seen last first."""
    found = operations.signed_in(call.session, call.ports, call.origin, call.me)
    return call.page([dict(zip(Session().fields, one, strict=True)) for one in found], None)


def _failed(one: Told) -> dict[str, Any]:
    return one.row._asdict() | {"cycle": one.cycle, "retried": one.retried}


def _state(found: Overview) -> dict[str, Any]:
    files, size, _ = found.evidence
    same = ("now", "machine", "expected", "late", "interval", "paused", "sandbox", "disk_free", "sessions")
    return {name: getattr(found, name) for name in same} | {
        "version": found.versions["qaflow"], "python": found.versions["Python"],
        "last_sweep": found.last and found.last.started_at, "incidents": len(found.incidents),
        "outbox": [{"state": name, "count": count} for name, count in found.outbox.items()],
        "broken_channels": found.broken, "database": found.database["kind"], "database_size": found.database["size"],
        "evidence_files": files, "evidence_size": size,
        "years": [{"year": year, "published": published} for year, published in found.years],
    }  # fmt: skip
