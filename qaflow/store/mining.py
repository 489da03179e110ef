"""A college's histories in pages, for logs that other programs read; memory does not grow with the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from qaflow.store.driver import Driver, Sql
from qaflow.store.journal import COLUMNS, Entry

PAGE = 100
LINES = 2000


class Case(NamedTuple):
    """One cycle, and what it is about."""

    id: int
    layer: str
    track: str
    number: int
    definition: str
    subject: int
    code: str
    name: str


class Thing(NamedTuple):
    """A work item (its number within the cycle) or a warning (its id) of a cycle."""

    cycle: int
    key: int | str
    kind: str
    detail: str | None  # the stage of an item, the severity of a warning


_CASES = Sql(
    "select c.id, c.layer, c.track, c.number, d.key, s.id, s.code, s.name from cycle c join subject s on "
    "s.id = c.subject_id join definition d on d.id = c.definition_id where c.college_id = :college and "
    "c.id > :after and (:layer = '' or c.layer = :layer) order by c.id limit :most"
)
_SUBJECTS = Sql(
    "select s.id, s.layer, s.code, s.name from subject s where s.college_id = :college and s.id > :after and "
    "(:layer = '' or s.layer = :layer) and exists (select 1 from cycle c where c.college_id = :college and "
    "c.subject_id = s.id) order by s.id limit :most"
)
_PEOPLE = Sql("select id from person where college_id = :college and id > :after order by id limit :most")
_NAMES = Sql("select id, login, name from person where id in :ids[]")
_FACTS = Sql(
    f"select {','.join(COLUMNS)} from journal where stream in :streams[] and (stream, seq) > (:stream, :seq) "
    "and at >= :first and at < :until order by stream, seq limit :most"
)
_ITEMS = Sql("select cycle_id, no, kind, stage from work_item where cycle_id in :ids[] order by cycle_id, no")
_WARNINGS = Sql("select cycle_id, id, kind, severity from warning where college_id = :college and cycle_id in :ids[] "
                "order by cycle_id, id")  # fmt: skip


def cases(driver: Driver, college: int, layer: str) -> Iterator[list[Case]]:
    """Yield a college's cycles, of one layer or ("") of all, in pages by number."""
    after = 0
    while found := driver.all(_CASES, {"college": college, "layer": layer, "after": after, "most": PAGE}):
        yield list(map(Case._make, found))
        after = found[-1][0]


def subjects(driver: Driver, college: int, layer: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield (number, layer, code, name) of the subjects that have cycles."""
    after = 0
    while found := driver.all(_SUBJECTS, {"college": college, "layer": layer, "after": after, "most": PAGE}):
        yield from found
        after = found[-1][0]


def people(driver: Driver, college: int) -> Iterator[list[int]]:
    """Yield the numbers of a college's people in pages."""
    after = 0
    while found := driver.all(_PEOPLE, {"college": college, "after": after, "most": PAGE}):
        yield [row[0] for row in found]
        after = found[-1][0]


def names(driver: Driver, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return login and name of people by number."""
    return {row[0]: (row[1], row[2]) for row in driver.all(_NAMES, {"ids": list(ids)})}


def facts(driver: Driver, streams: Sequence[str], span: Mapping[str, str]) -> Iterator[Entry]:
    """Yield the entries of streams within ``first`` and ``until`` (half-open), stream after stream in order."""
    stream, seq = "", 0
    while found := driver.all(_FACTS, {"streams": list(streams), "stream": stream, "seq": seq, "most": LINES, **span}):
        yield from map(Entry._make, found)
        stream, seq = found[-1][0], found[-1][1]


def items(driver: Driver, cycles: Sequence[int]) -> list[Thing]:
    """Return the work items of cycles."""
    return list(map(Thing._make, driver.all(_ITEMS, {"ids": list(cycles)})))


def warnings(driver: Driver, college: int, cycles: Sequence[int]) -> list[Thing]:
    """Return the warnings of cycles."""
    return list(map(Thing._make, driver.all(_WARNINGS, {"college": college, "ids": list(cycles)})))
