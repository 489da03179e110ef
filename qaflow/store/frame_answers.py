"""Answers to the points of the frame: every one is kept, the newest of a cycle, sheet and point counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.engine.snapshot import Data
from qaflow.store.db import Driver, Sql
from qaflow.store.sight import SEEN

ANSWER_COLUMNS = ("sheet_no", "code", "version", "degree", "text", "answered_at", "answered_by")
_PUT = Sql(
    f"insert into frame_answer (college_id, cycle_id, {', '.join(ANSWER_COLUMNS)}) values (:college, :cycle, "
    ":sheet_no, :code, :version, :degree, :content, :at, :by)"
)
_OF = (
    "select a.sheet_no, a.code, a.version, a.degree, a.text, a.answered_at, p.name, a.id, a.answered_by "
    "from frame_answer a left join person p on p.id = a.answered_by where a.college_id = :college and "
    "a.cycle_id = :cycle "
)
_ALL_OF = Sql(_OF + "order by a.answered_at desc, a.id desc")
_VERSION = Sql("select coalesce(max(version), 0) from frame_answer where college_id = :college and cycle_id = :cycle "
               "and sheet_no = :sheet and code = :code")  # fmt: skip
_CYCLES = Sql(
    "select c.id, s.id, s.name, s.code, u.kind, c.unit_id, u.code, c.layer, c.number, c.status, c.period_start from "
    "cycle c join subject s on s.id = c.subject_id join unit u on u.id = c.unit_id where c.college_id = :college and "
    "c.layer in :layers[] and c.status <> 'cancelled' and c.period_start <= :last and c.period_end > :first and "
    f"{SEEN} order by u.code, c.layer, c.period_start, c.id"
)
_NEWEST = Sql(
    "select a.cycle_id, a.code, a.degree from frame_answer a where a.college_id = :college and a.cycle_id in "
    ":cycles[] order by a.answered_at, a.id"
)


class Answer(NamedTuple):
    """One answer; the text is the hash of its evidence, problems and causes."""

    sheet_no: int
    code: str
    version: int
    degree: str
    text: str
    at: str
    by: str | None
    id: int
    person: int


class Diagnosed(NamedTuple):
    """A cycle that answers the frame, with what says which points concern it."""

    id: int
    subject_id: int
    subject: str
    code: str
    kind: str
    unit_id: int
    unit: str
    layer: str
    number: int
    status: str
    start: str


def put(driver: Driver, college: int, cycle: int, data: Data, at: str) -> None:
    """Keep an answer as its fact tells it."""
    named = {name: data[name] for name in ("sheet_no", "code", "version", "degree", "content", "by")}
    driver.run(_PUT, {"college": college, "cycle": cycle, "at": at, **named})


def version(driver: Driver, college: int, cycle: int, sheet: int, code: str) -> int:
    """Return how often a point was answered in a sheet (0 is the stage) of a cycle."""
    found: int = driver.value(_VERSION, {"college": college, "cycle": cycle, "sheet": sheet, "code": code})
    return found


def of_cycle(driver: Driver, college: int, cycle: int) -> list[Answer]:
    """Return all answers of a cycle, the newest first."""
    return [Answer._make(row) for row in driver.all(_ALL_OF, {"college": college, "cycle": cycle})]


def cycles(driver: Driver, college: int, layers: Sequence[str], first: str, last: str,
           sight: Mapping[str, Any]) -> list[Diagnosed]:  # fmt: skip
    """Return the cycles of a term on some layers that the reader may see, by unit."""
    found = driver.all(_CYCLES, {"college": college, "layers": list(layers), "first": first, "last": last, **sight})
    return [Diagnosed._make(row) for row in found]


def newest(driver: Driver, college: int, cycles: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return the degree of the newest answer to each point, by cycle."""
    found: dict[int, dict[str, str]] = {}
    for cycle, code, degree in driver.all(_NEWEST, {"college": college, "cycles": list(cycles)}) if cycles else ():
        found.setdefault(cycle, {})[code] = degree
    return found
