"""What the tick keeps of itself: its runs, incidents, leases, and the installation's clock."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

LOOK_BACK = 100  # so many ticks before one may still run beside it


class Installation(NamedTuple):
    """The one row that says what this database is."""

    sandbox: bool
    clock_base: str | None
    clock_real: str | None
    paused_reason: str | None


class Incident(NamedTuple):
    """Work that failed alone."""

    id: int
    kind: str
    ref: str
    detail: str
    state: str
    tries: int
    next_try_at: str | None
    opened_at: str


QUIETLY = "restored quietly"
"""How the reason of a pause begins after which the first sweep tells nobody: its notices went out before."""
_INSTALLATION = Sql("select sandbox, clock_base, clock_real, paused_reason from installation where id = 1")
_PAUSE = Sql("update installation set paused_reason = :reason where id = 1")
_LAST = Sql("select to_at from tick_run order by id desc limit 1")
_LAST_ENDED = Sql("select to_at from tick_run where ended_at is not null order by id desc limit 1")
_OTHERS = Sql(
    "select count(*) from tick_run where id > :low and id <> :id and ended_at is null and started_at > :since"
)
_BEGIN = Sql("insert into tick_run (id, from_at, to_at, started_at, ended_at, done, skipped, door) values "
             "(:id, :from_at, :to_at, :started, null, '{}', '{}', :door)")  # fmt: skip
_END = Sql("update tick_run set ended_at = :ended, done = :done, skipped = :skipped where id = :id")
_INCIDENTS = Sql(
    "select id, kind, ref, detail, state, tries, next_try_at, opened_at from incident where state <> 'solved' "
    "order by id"
)
_PUT_INCIDENT = Sql(
    "insert into incident (college_id, kind, ref, detail, state, tries, next_try_at, opened_at, solved_at) values "
    "(:college, :kind, :ref, :detail, 'open', 1, :next, :at, null) on conflict (kind, ref) where state <> 'solved' "
    "do update set detail = excluded.detail, tries = incident.tries + 1, next_try_at = :next, state = 'open'"
)
_CAUSE = Sql("select detail from incident where kind = :kind and ref = :ref and state <> 'solved'")
_TRIES = Sql("select tries from incident where kind = :kind and ref = :ref and state <> 'solved'")
_SOLVE = Sql(
    "update incident set state = 'solved', solved_at = :at where kind = :kind and ref = :ref and state <> 'solved'"
)
_RETRY = Sql("update incident set next_try_at = :at, state = 'retry' where state <> 'solved' and kind like 'tick.%'")
_TAKE = Sql(
    "insert into lease (name, holder, token, until) values (:name, :holder, 1, :until) on conflict (name) do "
    "update set "
    "holder = excluded.holder, token = lease.token + 1, until = excluded.until "
    "where lease.until < :now or lease.until > :sane"
)
_RENEW = Sql("update lease set until = :until where name = :name and holder = :holder")
_FREE = Sql("update lease set until = :now where name = :name and holder = :holder")


def installation(driver: Driver) -> Installation | None:
    """Return what this database is, or None before `init`."""
    row = driver.one(_INSTALLATION)
    return Installation(bool(row[0]), *row[1:]) if row else None


def pause(driver: Driver, reason: str | None) -> None:
    """Stop automatic steps until they are confirmed, or (with None) let them go on."""
    driver.run(_PAUSE, {"reason": reason})


def last(driver: Driver) -> str | None:
    """Return the instant up to which the last tick swept."""
    found: str | None = driver.value(_LAST)
    return found


def last_ended(driver: Driver) -> str | None:
    """Return the instant up to which the last tick swept that came to its end."""
    found: str | None = driver.value(_LAST_ENDED)
    return found


def others_running(driver: Driver, number: int, since: str) -> bool:
    """Tell whether another tick that began after an instant still sweeps (an older one was killed)."""
    return bool(driver.value(_OTHERS, {"id": number, "low": number - LOOK_BACK, "since": since}))


def begin(driver: Driver, from_at: str | None, to_at: str, started: str, door: str) -> int:
    """Open a tick's row and return its number."""
    (number,) = driver.reserve("tick_run", 1)
    driver.run(_BEGIN, {"id": number, "from_at": from_at, "to_at": to_at, "started": started, "door": door})
    return number


def end(driver: Driver, number: int, ended: str, done: dict[str, int], skipped: dict[str, Any]) -> None:
    """Close a tick's row with what it did and what it passed over."""
    driver.run(_END, {"id": number, "ended": ended, "done": json.dumps(done), "skipped": json.dumps(skipped)})


def incidents(driver: Driver) -> list[Incident]:
    """Return the incidents that are not solved."""
    return list(map(Incident._make, driver.all(_INCIDENTS)))


def cause(driver: Driver, kind: str, ref: str) -> str | None:
    """Return what an unsolved incident says, or None where there is none."""
    found: str | None = driver.value(_CAUSE, {"kind": kind, "ref": ref})
    return found


def tries(driver: Driver, kind: str, ref: str) -> int:
    """Return how often a piece of work has failed."""
    return driver.value(_TRIES, {"kind": kind, "ref": ref}) or 0


def open_incident(
    driver: Driver, college: int | None, kind: str, ref: str, detail: str, at: str, next_try: str | None
) -> None:
    """Open an incident or count one more failure on it."""
    driver.run(
        _PUT_INCIDENT, {"college": college, "kind": kind, "ref": ref, "detail": detail, "at": at, "next": next_try}
    )


def solve(driver: Driver, kind: str, ref: str, at: str) -> int:
    """Close an incident."""
    return driver.run(_SOLVE, {"kind": kind, "ref": ref, "at": at})


def retry(driver: Driver, at: str) -> int:
    """Let every incident of the tick be tried again now."""
    return driver.run(_RETRY, {"at": at})


def take_lease(driver: Driver, name: str, holder: str, now: str, until: str, sane: str) -> bool:
    """Take or renew a lease; False while another holds it.

    One that ends after ``sane`` was taken by a clock that ran far ahead: it binds nobody.
    """
    if driver.run(_RENEW, {"name": name, "holder": holder, "until": until}):
        return True
    return driver.run(_TAKE, {"name": name, "holder": holder, "now": now, "until": until, "sane": sane}) == 1


def free_lease(driver: Driver, name: str, holder: str, now: str) -> None:
    """Give a lease up."""
    driver.run(_FREE, {"name": name, "holder": holder, "now": now})
