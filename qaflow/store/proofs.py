"""Verifications of the journal that somebody asked for, with their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

_COLUMNS = (
    "p.id, p.started_at, p.ended_at, w.name, p.door, p.entries, p.streams, p.faults, p.first_fault, p.results, "
    "p.checkpoint"
)
_LATEST = Sql(
    f"select {_COLUMNS} from proof p left join person w on w.id = p.person_id where p.college_id = :college "
    "order by p.id desc limit :limit"
)
_ONE = Sql(f"select {_COLUMNS} from proof p left join person w on w.id = p.person_id where p.college_id = :college "
           "and p.id = :id")  # fmt: skip
_RUNNING = Sql(
    "select id from proof where college_id = :college and ended_at is null and started_at > :since order by id desc "
    "limit 1"
)
_END = Sql(
    "update proof set ended_at = :at, entries = :entries, streams = :streams, faults = :faults, first_fault = :first, "
    "results = :results, checkpoint = :checkpoint where id = :id and ended_at is null"
)
_CHECKPOINT = Sql(
    "select at, seq, actor from journal where stream = :stream and kind = 'CheckpointMade' order by seq desc limit 1"
)
_COLLEGE_OF = {
    "cycle": Sql("select g.key from cycle c join college g on g.id = c.college_id where c.id = :id"),
    "person": Sql("select g.key from person p join college g on g.id = p.college_id where p.id = :id"),
}
_STREAMS = Sql(
    "select 'cycle:' || id from cycle where college_id = :college union all select 'person:' || id from person where "
    "college_id = :college union all select 'college:' || key from college where id = :college"
)


class Proof(NamedTuple):
    """One verification as it stands."""

    id: int
    started_at: str
    ended_at: str | None
    who: str | None
    door: str
    entries: int
    streams: int
    faults: int
    first_fault: str | None
    results: str
    checkpoint: str | None


def latest(driver: Driver, college: int, limit: int) -> list[Proof]:
    """Return a college's verifications, the newest first."""
    return list(map(Proof._make, driver.all(_LATEST, {"college": college, "limit": limit})))


def one(driver: Driver, college: int, number: int) -> Proof | None:
    """Return one verification of a college."""
    row = driver.one(_ONE, {"college": college, "id": number})
    return Proof._make(row) if row else None


def running(driver: Driver, college: int, since: str) -> int | None:
    """Return the verification that is at work and began after an instant."""
    found: int | None = driver.value(_RUNNING, {"college": college, "since": since})
    return found


def begin(driver: Driver, college: int, person: int, door: str, at: str) -> int:
    """Note that a verification begins; returns its number."""
    (number,) = driver.reserve("proof", 1)
    columns = ("id", "college_id", "started_at", "person_id", "door", "entries", "streams", "faults", "results")
    driver.insert_rows("proof", columns, [(number, college, at, person, door, 0, 0, 0, "{}")])
    return number


def end(driver: Driver, number: int, found: Mapping[str, Any]) -> None:
    """Note what a verification found."""
    driver.run(_END, {"id": number, **found})


def checkpoint(driver: Driver, stream: str) -> tuple[str, int, str] | None:
    """Return when a college's last checkpoint was made, its place in the stream, and by whom."""
    return driver.one(_CHECKPOINT, {"stream": stream})


def college_of(driver: Driver, kind: str, number: int) -> str | None:
    """Return the key of the college to which a cycle or person belongs."""
    found: str | None = driver.value(_COLLEGE_OF[kind], {"id": number}) if kind in _COLLEGE_OF else None
    return found


def streams(driver: Driver, college: int) -> set[str]:
    """Return the names of a college's streams: its cycles', its people's and its own."""
    return {name for (name,) in driver.all(_STREAMS, {"college": college})}
