"""What the page of operations and the monitoring read: ticks, incidents, outbox, leases, sessions, the database."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from qaflow.store import messages
from qaflow.store.db import Driver, Sql

LOOK_BACK = 5000  # so many ticks are searched for gaps


class Run(NamedTuple):
    """One sweep; `done` and `skipped` are counts and reasons by kind."""

    id: int
    from_at: str | None
    to_at: str
    started_at: str
    ended_at: str | None
    done: dict[str, Any]
    skipped: dict[str, Any]
    door: str


class Incident(NamedTuple):
    """Work that failed alone."""

    id: int
    college: int | None
    kind: str
    ref: str
    detail: str
    state: str
    tries: int
    next_try_at: str | None
    opened_at: str
    solved_at: str | None


class Notice(NamedTuple):
    """One notice of the outbox: to whom, how it stands, and why where it failed."""

    id: int
    kind: str
    person: str | None
    state: str
    tries: int
    available_at: str
    sent_at: str | None
    why: str | None


class Lease(NamedTuple):
    """Who holds what, and until when."""

    name: str
    holder: str
    token: int
    until: str


_RUNS = Sql("select id, from_at, to_at, started_at, ended_at, done, skipped, door from tick_run where id < :before "
            "order by id desc limit :most")  # fmt: skip
_STARTS = Sql("select started_at from tick_run where id > (select coalesce(max(id), 0) from tick_run) - :back "
              "order by id")  # fmt: skip
_ENDED = Sql("update tick_run set ended_at = :at where id = :id")
_MINE = "(i.college_id is null or i.college_id = :college)"
_INCIDENTS = Sql(
    "select i.id, i.college_id, i.kind, i.ref, i.detail, i.state, i.tries, i.next_try_at, i.opened_at, i.solved_at "
    f"from incident i where {_MINE} and i.state in :states[] order by i.id desc limit :most"
)
_INCIDENT = Sql(
    "select i.id, i.college_id, i.kind, i.ref, i.detail, i.state, i.tries, i.next_try_at, i.opened_at, i.solved_at "
    f"from incident i where {_MINE} and i.id = :id"
)
_OBJECTS = {
    "cycle": Sql("select y.college_id, j.name from cycle y join subject j on j.id = y.subject_id where y.id = :id"),
    "subject": Sql("select college_id, name from subject where id = :id"),
    "schedule": Sql("select s.college_id, j.name from schedule s join subject j on j.id = s.subject_id "
                    "where s.id = :id"),
    "item": Sql("select w.college_id, j.name from work_item w join subject j on j.id = w.subject_id where w.id = :id"),
}  # fmt: skip
_OUTBOX = Sql("select state, count(*) from outbox where college_id = :college group by state")
_MESSAGE = Sql("select max(college_id) from outbox where message_id = :key")
_UNSENT = Sql("select state, count(*) from outbox where state in ('waiting', 'failed') group by state")
_OLDEST = Sql("select min(available_at) from outbox where state = 'waiting' and college_id = :college")
_NOTICES = Sql(
    "select o.id, o.kind, p.name, o.state, o.tries, o.available_at, o.sent_at, (select max(i.detail) from incident i "
    "where i.kind = 'tick.mail' and i.ref = o.message_id and i.state <> 'solved') from outbox o left join person p on "
    "p.id = o.person_id where o.college_id = :college and o.state = :state order by o.id desc limit :most"
)
_REVIVE = Sql("update outbox set state = 'waiting', available_at = :now where state = 'failed' and "
              "college_id = :college")  # fmt: skip
_REVIVE_ONE = Sql("update outbox set state = 'waiting', available_at = :now where state = 'failed' and "
                  "message_id = :key")  # fmt: skip
_TRY_NOW = Sql("update incident set next_try_at = :at, state = 'retry' where id = :id and state <> 'solved' and "
               "kind like 'tick.%'")  # fmt: skip
_LEASES = Sql("select name, holder, token, until from lease order by name")
_SESSIONS = Sql(
    "select p.login, p.name, s.created_at, s.seen_at from web_session s join person p on p.id = s.person_id where "
    "p.college_id = :college and s.ended_at is null and s.seen_at >= :seen and s.created_at >= :begun order by "
    "s.seen_at desc limit :most"
)
_YEARS = Sql("select year, published from calendar_year where college_id = :college order by year")
_ENTRIES = Sql("select max(id) from journal")
_SIZE = Sql("select page_count * page_size from pragma_page_count(), pragma_page_size()",
            postgresql="select pg_database_size(current_database())")  # fmt: skip
_CLOCK = Sql("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
             postgresql="select to_char(clock_timestamp() at time zone 'utc', "
                        "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")  # fmt: skip
_STATES = Sql("select state, count(*) from incident group by state")
_CYCLES = Sql("select status, count(*) from cycle where status in ('running', 'suspended') group by status")
_ITEMS = Sql("select count(*), coalesce(sum(case when due < :day then 1 else 0 end), 0) from work_item where "
             "state = 'open'")  # fmt: skip
_BACKLOG = Sql(
    "select (select count(*) from cycle where status = 'running' and next_due <= :now) + (select count(*) from "
    "work_item where state = 'open' and next_level_at <= :now) + (select count(*) from schedule where next_at <= :now)"
)


def runs(driver: Driver, before: int, most: int) -> list[Run]:
    """Return sweeps, the newest first."""
    rows = driver.all(_RUNS, {"before": before, "most": most})
    return [Run(*row)._replace(done=json.loads(row[5]), skipped=json.loads(row[6])) for row in rows]


def starts(driver: Driver) -> list[str]:
    """Return when the last sweeps began, the oldest first."""
    return [row[0] for row in driver.all(_STARTS, {"back": LOOK_BACK})]


def ended(driver: Driver, number: int, at: str) -> None:
    """Note when a sweep really ended, by the machine's clock."""
    driver.run(_ENDED, {"id": number, "at": at})


def incidents(driver: Driver, college: int | None, states: list[str], most: int) -> list[Incident]:
    """Return a college's incidents and those of the whole installation."""
    found = driver.all(_INCIDENTS, {"college": college, "states": states, "most": most})
    return list(map(Incident._make, found))


def incident(driver: Driver, college: int | None, number: int) -> Incident | None:
    """Return one incident of a college or of the whole installation."""
    row = driver.one(_INCIDENT, {"college": college, "id": number})
    return Incident(*row) if row else None


def object_of(driver: Driver, kind: str, number: int) -> tuple[int, str] | None:
    """Return the college and the subject's name of what an incident is about."""
    row = driver.one(_OBJECTS[kind], {"id": number}) if kind in _OBJECTS else None
    return (row[0], row[1]) if row else None


def college_of_message(driver: Driver, key: str) -> int | None:
    """Return the college whose notices a message holds."""
    found: int | None = driver.value(_MESSAGE, {"key": key})
    return found


def outbox(driver: Driver, college: int | None) -> tuple[dict[str, int], str | None]:
    """Return how many of a college's notices stand in each state, and since when the oldest waits."""
    return dict(driver.all(_OUTBOX, {"college": college})), driver.value(_OLDEST, {"college": college})


def outbox_states(driver: Driver) -> dict[str, int]:
    """Return how many notices of all colleges wait or failed."""
    found = dict(driver.all(_UNSENT))
    return {state: found.get(state, 0) for state in ("waiting", "failed")}


def notices(driver: Driver, college: int | None, state: str, most: int) -> list[Notice]:
    """Return a college's notices in a state, the newest first."""
    return list(map(Notice._make, driver.all(_NOTICES, {"college": college, "state": state, "most": most})))


def revive(driver: Driver, college: int | None, now: str) -> int:
    """Let a college's failed notices be sent again."""
    messages.revive(driver, now, college)
    return driver.run(_REVIVE, {"college": college, "now": now})


def try_now(driver: Driver, one: Incident, at: str) -> None:
    """Let one incident of the tick be tried again now, with its notices where it is about mail."""
    driver.run(_TRY_NOW, {"id": one.id, "at": at})
    if one.kind == "tick.mail":
        messages.revive(driver, at, key=one.ref)
        driver.run(_REVIVE_ONE, {"key": one.ref, "now": at})


def leases(driver: Driver) -> list[Lease]:
    """Return the leases."""
    return list(map(Lease._make, driver.all(_LEASES)))


def sessions(driver: Driver, college: int | None, seen: str, begun: str, most: int) -> list[tuple[str, str, str, str]]:
    """Return (login, name, since, last seen) of a college's people who are signed in."""
    return driver.all(_SESSIONS, {"college": college, "seen": seen, "begun": begun, "most": most})


def years(driver: Driver, college: int | None) -> list[tuple[int, bool]]:
    """Return the years of a college's calendar, and whether their make-up days were published."""
    return [(year, bool(published)) for year, published in driver.all(_YEARS, {"college": college})]


def entries(driver: Driver) -> int:
    """Return the number of the newest entry: nothing is ever taken out of the journal."""
    return int(driver.value(_ENTRIES) or 0)


def size(driver: Driver) -> int:
    """Return the database's size in bytes."""
    return int(driver.value(_SIZE) or 0)


def clock(driver: Driver) -> str:
    """Return what the database's own clock shows."""
    return str(driver.value(_CLOCK))


def figures(driver: Driver, now: str, day: str) -> dict[str, Any]:
    """Return counts over the whole installation, for monitoring: none of them names anybody."""
    items = driver.one(_ITEMS, {"day": day}) or (0, 0)
    return {"incidents": dict(driver.all(_STATES)), "cycles": dict(driver.all(_CYCLES)), "open": items[0],
            "overdue": int(items[1]), "backlog": int(driver.value(_BACKLOG, {"now": now}) or 0)}  # fmt: skip
