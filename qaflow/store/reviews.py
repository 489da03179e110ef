"""What reviews rest on: samples as the college's stream holds them, freezes of evidence, and what these cover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

EVERYTHING = 2**62
CHUNK = 200
COLUMNS = ("id", "college_id", "day", "layer", "reason", "cycles", "files", "digest", "manifest", "frozen_at",
           "frozen_by", "lifted_at", "lifted_by", "lifted_why")  # fmt: skip

_OF_LAYER = "(cast(:layer as text) = '' or c.layer = :layer)"
_POPULATION = Sql(
    f"select c.id, c.layer from cycle c where c.college_id = :college and c.id <= :last and {_OF_LAYER} order by c.id"
)
_DRAWN = Sql(
    "select c.id, s.name, s.code, c.layer, c.track, c.number, c.status, u.name_zh, u.name_en, p.name from cycle c "
    "join subject s on s.id = c.subject_id join unit u on u.id = c.unit_id left join person p on "
    "p.id = c.responsible_id where c.college_id = :college and c.id in :ids[] order by c.layer, c.id"
)
_FACT = "select seq, at, actor, data from journal where stream = :stream and kind = :kind and "
_FACTS = Sql(_FACT + "seq < :before order by seq desc limit :limit")
_AT = Sql(_FACT + "seq = :seq")
_ASKED = Sql(_FACT + "request_id = :request order by seq limit 1")
_NAMES = Sql("select id, name from person where college_id = :college and id in :ids[]")

_COVERED = f"c.college_id = :college and c.period_start <= :day and {_OF_LAYER}"
_CYCLES = (
    "select c.id, c.layer, c.track, c.number, c.period_start, c.version, c.head, s.code, s.name, d.hash from cycle c "
    f"join subject s on s.id = c.subject_id join definition d on d.id = c.definition_id where {_COVERED} order by c.id"
)
_CYCLES_LOCKED = Sql(_CYCLES, postgresql=_CYCLES + " for update of c")
_CYCLES_MANY = Sql(f"select count(*) from cycle c where {_COVERED}")
_FILES_OF = f"from evidence e join cycle c on c.id = e.cycle_id where e.college_id = :college and {_COVERED}"
_FILES = Sql(
    f"select e.cycle_id, e.id, e.stage, e.visit, e.name, e.hash, e.size, e.media, e.added_at {_FILES_OF} "
    "order by e.cycle_id, e.id"
)
_FILES_MANY = Sql(f"select count(*) {_FILES_OF}")
_TEXTS = Sql(
    "select v.cycle_id, v.stage, v.number, v.content from visit v join cycle c on c.id = v.cycle_id where "
    f"v.content is not null and {_COVERED} order by v.cycle_id, v.entered_at, v.stage, v.number"
)
_ENTRIES = Sql("select stream, seq, hash from journal where stream in :streams[] and seq in :seqs[]")
_STANDS = Sql(
    "select id from evidence_freeze where college_id = :college and lifted_at is null and day >= :start and "
    "(layer is null or layer = :layer) order by id limit 1"
)
_SAME = Sql(
    "select id from evidence_freeze where college_id = :college and lifted_at is null and day = :day and "
    "coalesce(layer, '') = :layer limit 1"
)
_SELECT = f"select {', '.join(COLUMNS)} from evidence_freeze where college_id = :college"
_ALL = Sql(_SELECT + " order by id desc limit :limit")
_ONE = Sql(_SELECT + " and id = :id")
_LIFT = Sql(
    "update evidence_freeze set lifted_at = :at, lifted_by = :by, lifted_why = :why where id = :id and "
    "college_id = :college and lifted_at is null"
)


class Said(NamedTuple):
    """A fact of a college's stream; `data` is its JSON text."""

    seq: int
    at: str
    actor: str
    data: str


class Drawn(NamedTuple):
    """A cycle of a sample."""

    id: int
    subject: str
    code: str
    layer: str
    track: str
    number: int
    status: str
    unit_zh: str
    unit_en: str | None
    responsible: str | None


class Covered(NamedTuple):
    """A cycle that a freeze covers, as far as its history had come."""

    id: int
    layer: str
    track: str
    number: int
    start: str
    version: int
    head: str
    code: str
    name: str
    definition: str


class File(NamedTuple):
    """A file of a covered cycle."""

    cycle: int
    id: int
    stage: str
    visit: int
    name: str
    hash: str
    size: int
    media: str
    at: str


class Freeze(NamedTuple):
    """A freeze; `reason`, `manifest` and `lifted_why` are hashes of kept content."""

    id: int
    college: int
    day: str
    layer: str | None
    reason: str
    cycles: int
    files: int
    digest: str
    manifest: str
    frozen_at: str
    frozen_by: int
    lifted_at: str | None
    lifted_by: int | None
    lifted_why: str | None


def population(driver: Driver, college: int, layer: str, last: int = EVERYTHING) -> list[tuple[int, str]]:
    """Return (number, layer) of every cycle up to a number, in order."""
    return driver.all(_POPULATION, {"college": college, "layer": layer, "last": last})


def drawn(driver: Driver, college: int, ids: Sequence[int]) -> list[Drawn]:
    """Return cycles of the college by their numbers."""
    return list(map(Drawn._make, driver.all(_DRAWN, {"college": college, "ids": list(ids)})))


def facts(driver: Driver, stream: str, kind: str, limit: int, before: int = EVERYTHING) -> list[Said]:
    """Return the facts of a kind before a place of a stream, the newest first."""
    key = {"stream": stream, "kind": kind, "before": before, "limit": limit}
    return list(map(Said._make, driver.all(_FACTS, key)))


def fact(driver: Driver, stream: str, kind: str, seq: int) -> Said | None:
    """Return the fact at a place of a stream, where it is of that kind."""
    row = driver.one(_AT, {"stream": stream, "kind": kind, "seq": seq})
    return None if row is None else Said._make(row)


def asked(driver: Driver, stream: str, kind: str, request: str) -> Said | None:
    """Return the fact that a request has left."""
    row = driver.one(_ASKED, {"stream": stream, "kind": kind, "request": request})
    return None if row is None else Said._make(row)


def names(driver: Driver, college: int, persons: Sequence[int]) -> dict[int, str]:
    """Return the names of people of the college."""
    return dict(driver.all(_NAMES, {"college": college, "ids": list(persons)}))


def count(driver: Driver, college: int, day: str, layer: str) -> tuple[int, int]:
    """Return how many cycles and files a freeze would cover."""
    key = {"college": college, "day": day, "layer": layer}
    return driver.value(_CYCLES_MANY, key), driver.value(_FILES_MANY, key)


def hold_covered(driver: Driver, college: int, day: str, layer: str) -> list[Covered]:
    """Return the cycles that a freeze covers, held until the transaction ends: whoever leaves a file waits."""
    return list(map(Covered._make, driver.all(_CYCLES_LOCKED, {"college": college, "day": day, "layer": layer})))


def files(driver: Driver, college: int, day: str, layer: str) -> list[File]:
    """Return the files of the cycles that a freeze covers."""
    return list(map(File._make, driver.all(_FILES, {"college": college, "day": day, "layer": layer})))


def texts(driver: Driver, college: int, day: str, layer: str) -> list[tuple[int, str, int, str]]:
    """Return (cycle, stage, visit, content hash) of what was submitted in the cycles that a freeze covers."""
    return driver.all(_TEXTS, {"college": college, "day": day, "layer": layer})


def entries(driver: Driver, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the hashes that stand at places (stream, number) of the journal."""
    found: dict[tuple[str, int], str] = {}
    for first in range(0, len(places), CHUNK):
        part = set(places[first : first + CHUNK])
        key = {"streams": [stream for stream, _ in part], "seqs": sorted({seq for _, seq in part})}
        found |= {(s, n): digest for s, n, digest in driver.all(_ENTRIES, key) if (s, n) in part}
    return found


def stands(driver: Driver, college: int, layer: str, start: str) -> bool:
    """Tell whether a freeze stands that covers a cycle of a layer whose period began on a day."""
    return driver.value(_STANDS, {"college": college, "layer": layer, "start": start}) is not None


def same(driver: Driver, college: int, day: str, layer: str) -> bool:
    """Tell whether the same freeze stands already."""
    return driver.value(_SAME, {"college": college, "day": day, "layer": layer}) is not None


def freezes(driver: Driver, college: int, limit: int) -> list[Freeze]:
    """Return a college's freezes, the newest first."""
    return list(map(Freeze._make, driver.all(_ALL, {"college": college, "limit": limit})))


def freeze(driver: Driver, college: int, number: int) -> Freeze | None:
    """Return one freeze of the college."""
    row = driver.one(_ONE, {"college": college, "id": number})
    return None if row is None else Freeze._make(row)


def put(driver: Driver, row: tuple[Any, ...]) -> None:
    """Write a freeze that stands: the columns up to `frozen_by`."""
    driver.insert_rows("evidence_freeze", COLUMNS, [(*row, None, None, None)])


def lift(driver: Driver, college: int, number: int, at: str, by: int | None, why: str) -> None:
    """End a freeze."""
    driver.run(_LIFT, {"college": college, "id": number, "at": at, "by": by, "why": why})
