"""Any history of one college, the newest first: entries found by who, what, when and where, a stretch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.journal import Entry

STRETCH = 200_000  # so many entries are looked through at once; the list then says how far it came
NARROW = 5_000  # cycles or entries that are looked up one by one rather than walked past

_FIELDS = ", ".join(f"j.{name}" for name in Entry._fields)
_NUMBER = "case when j.stream like '{kind}:%' then cast(substr(j.stream, {at}) as bigint) end"
_CYCLE, _PERSON = _NUMBER.format(kind="cycle", at=7), _NUMBER.format(kind="person", at=8)
_OF_CYCLE = "c.college_id = :college and (:unit = 0 or c.unit_id in (select id from below))"
_OURS = f"""(exists (select 1 from cycle c join subject s on s.id = c.subject_id where c.id = {_CYCLE} and {_OF_CYCLE}
    and (:subject = '' or s.name like :subject escape '!' or s.code like :subject escape '!'))
  or (:unit = 0 and :subject = '' and (j.stream = :own
    or exists (select 1 from person p where p.id = {_PERSON} and p.college_id = :college))))"""
_BELOW = """with recursive below(id) as (select id from unit where id = :unit and college_id = :college
  union select u.id from unit u join below b on u.parent_id = b.id)"""
_FITS = f"""(:person = '' or j.actor = :person or j.on_behalf_of = :person)
  and (:door = '' or j.door = :door) and (:streams = '' or j.stream like :streams)
  and (:every = 1 or j.kind in :kinds[]) and j.at >= :first and j.at < :last and {_OURS}"""
_NEWEST = "order by j.id desc limit :limit"  # as they were recorded: an index by instants would cost every act
_WALK = Sql(f"""{_BELOW} select j.id, {_FIELDS} from journal j
where j.id < :id and j.id >= :far and {_FITS} {_NEWEST}""")
_FAR = Sql("select id, at from journal where id < :id order by id desc limit 1 offset :stretch")
_BY_PERSON = Sql(f"""{_BELOW} select j.id, {_FIELDS} from journal j where j.id in (select id from journal
  where actor = :person union select id from journal where on_behalf_of = :person)
and j.id < :id and {_FITS} {_NEWEST}""")
_CYCLES = Sql(f"""{_BELOW} select c.id from cycle c join subject s on s.id = c.subject_id where {_OF_CYCLE}
and (:subject = '' or s.name like :subject escape '!' or s.code like :subject escape '!') limit :most""")
_BY_STREAM = Sql(f"""{_BELOW} select j.id, {_FIELDS} from journal j where j.stream in :names[]
and j.id < :id and {_FITS} {_NEWEST}""")
_ONE = Sql(f"select j.id, {_FIELDS} from journal j where j.stream = :stream and j.seq = :seq")
_CYCLE_OF = Sql("select c.id, c.college_id, c.number, s.name, c.unit_id, d.hash from cycle c join subject s on "
                "s.id = c.subject_id join definition d on d.id = c.definition_id where c.id in :ids[]")  # fmt: skip
_PERSON_OF = Sql("select id, college_id, name from person where id in :ids[]")
_UNITS = Sql("select id, name_zh, name_en from unit where college_id = :college order by id")
_NAMED = Sql(
    "select id from person where college_id = :college and (login = :text or name = :text) order by id limit 2"
)
_DEFINITIONS = Sql("select hash, name_zh, name_en, version from definition where hash in :hashes[]")


class Row(NamedTuple):
    """One entry with the number of its row."""

    id: int
    entry: Entry


class Page(NamedTuple):
    """Entries found, and how far back was looked (number, instant) where the stretch ended before the page was full."""

    rows: list[Row]
    far: tuple[int, str] | None


def page(driver: Driver, params: Mapping[str, Any]) -> Page:
    """Return the newest entries that fit, before a place; never more than a stretch is walked."""
    if params["person"].isdigit():
        return Page(_rows(driver.all(_BY_PERSON, params)), None)
    if params["unit"] or params["subject"]:
        found = driver.all(_CYCLES, {**params, "most": NARROW + 1})
        if len(found) <= NARROW:
            names = [f"cycle:{row[0]}" for row in found]
            return Page(_rows(driver.all(_BY_STREAM, {**params, "names": names})), None)
    far = driver.one(_FAR, {**params, "stretch": STRETCH})
    rows = _rows(driver.all(_WALK, {**params, "far": far[0] if far else 0}))
    return Page(rows, (far[0], far[1]) if far and len(rows) < params["limit"] else None)


def _rows(found: Sequence[tuple[Any, ...]]) -> list[Row]:
    return [Row(row[0], Entry._make(row[1:])) for row in found]


def one(driver: Driver, stream: str, seq: int) -> Row | None:
    """Return one entry."""
    found = driver.one(_ONE, {"stream": stream, "seq": seq})
    return Row(found[0], Entry._make(found[1:])) if found else None


class CycleOf(NamedTuple):
    """The cycle that a stream belongs to."""

    id: int
    college: int
    number: int
    subject: str
    unit: int
    definition: str


def cycles(driver: Driver, ids: Sequence[int]) -> dict[int, CycleOf]:
    """Return cycles by number, with their subject."""
    return {row[0]: CycleOf._make(row) for row in driver.all(_CYCLE_OF, {"ids": list(ids)})}


def persons(driver: Driver, ids: Sequence[int]) -> dict[int, tuple[int | None, str]]:
    """Return (college, name) of persons."""
    return {row[0]: (row[1], row[2]) for row in driver.all(_PERSON_OF, {"ids": list(ids)})}


def units(driver: Driver, college: int) -> list[tuple[int, str, str]]:
    """Return (number, name in Chinese, name in English) of the college's units."""
    return [(row[0], row[1], row[2] or row[1]) for row in driver.all(_UNITS, {"college": college})]


def person_named(driver: Driver, college: int, text: str) -> list[int]:
    """Return the persons of a college who have this login or name, two at most."""
    return [row[0] for row in driver.all(_NAMED, {"college": college, "text": text})]


def definitions(driver: Driver, hashes: Sequence[str]) -> dict[str, tuple[str, str, int]]:
    """Return (name in Chinese, name in English, version) of definitions by their hash."""
    return {row[0]: (row[1], row[2] or row[1], row[3]) for row in driver.all(_DEFINITIONS, {"hashes": list(hashes)})}
