"""What a cycle's page shows beside it: kin, carried items, goals, standards, control points, files."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql

_KIN = Sql(
    "select c.id, s.name, c.number, c.track, c.layer, c.status, c.stage, d.hash, case when c.id = :parent then 1 else "
    "0 end from cycle c join subject s on s.id = c.subject_id join definition d on d.id = c.definition_id where "
    "c.college_id = :college and (c.id = :parent or c.parent_id = :id) order by 9 desc, c.period_start, c.id limit 100"
)
_CARRIED = Sql(
    "select r.kind, t.bytes, r.from_cycle_id, f.number, r.to_cycle_id, n.number, r.round_count from carry r "
    "join cycle f on f.id = r.from_cycle_id left join cycle n on n.id = r.to_cycle_id left join content t on "
    "t.hash = r.text where r.college_id = :college and r.subject_id = :subject and r.track = :track and "
    "(r.from_cycle_id = :id or r.to_cycle_id = :id) order by r.id limit 200"
)
_POINTS = Sql(
    "select p.key, p.name_zh, p.name_en, p.unit, p.target, p.warn_lower, p.warn_upper, r.value, r.at from "
    "control_point p left join reading r on r.id = (select x.id from reading x where x.college_id = :college and "
    "x.point_id = p.id and x.subject_id = :subject order by x.at desc, x.version desc limit 1) where "
    "p.college_id = :college and p.layer = :layer order by p.id limit 200"
)
_CHAIN = Sql(
    "select 'goal', g.text_zh, g.text_en, g.indicator, g.id, g.unit_codes, g.cycle_id from goal g where "
    "g.college_id = :college and g.layer = :layer and g.retired_at is null and (g.subject_id is null or "
    "g.cycle_id = :id) union all select 'standard', s.text_zh, s.text_en, s.indicator, s.id, s.departments, s.cycle_id "
    "from standard s where s.college_id = :college and s.layer = :layer and s.retired_at is null and "
    "(s.subject_id is null or s.cycle_id = :id) order by 1, 5 limit 200"
)
_FILES = Sql(
    "select e.id, e.stage, e.visit, e.hash, e.name, e.size, e.media, e.added_at, p.name from evidence e left join "
    "person p on p.id = e.added_by where e.college_id = :college and e.cycle_id = :cycle order by e.id"
)
_PEOPLE = Sql("select login, name from person where id in :ids[] and disabled_at is null order by name, login")
_UNIT_CODE = Sql("select code from unit where id = :id")


class Kin(NamedTuple):
    """The cycle above, or one below."""

    id: int
    subject: str
    number: int
    track: str
    layer: str
    status: str
    stage: str
    definition: str
    above: int


class Carried(NamedTuple):
    """An item that one round handed to the next."""

    kind: str
    text: str | None
    source: int
    source_number: int
    to: int | None
    to_number: int | None
    rounds: int


class Measured(NamedTuple):
    """A control point of the layer with its limits and this subject's last reading."""

    key: str
    zh: str
    en: str
    unit: str
    target: float
    lower: float | None
    upper: float | None
    value: float | None
    at: str | None


class Link(NamedTuple):
    """An entry of the chain of goals or of standards."""

    kind: str
    zh: str
    en: str
    indicator: str | None
    units: str  # JSON list of codes
    cycle: int | None


class File(NamedTuple):
    """A file that was left in a visit."""

    id: int
    stage: str
    visit: int
    hash: str
    name: str
    size: int
    media: str
    at: str
    by: str | None


def kin(driver: Driver, college: int, cycle: int, parent: int | None) -> list[Kin]:
    """Return the cycle above one and those below it."""
    return list(map(Kin._make, driver.all(_KIN, {"college": college, "id": cycle, "parent": parent or 0})))


def carried(driver: Driver, college: int, cycle: int, subject: int, track: str) -> list[Carried]:
    """Return what a cycle took over and what it handed on; an erased text is None."""
    found = driver.all(_CARRIED, {"college": college, "id": cycle, "subject": subject, "track": track})
    return [Carried(kind, bytes(text).decode() if text is not None else None, *rest) for kind, text, *rest in found]


def points(driver: Driver, college: int, layer: str, subject: int) -> list[Measured]:
    """Return the control points of a layer with a subject's last readings."""
    return list(map(Measured._make, driver.all(_POINTS, {"college": college, "layer": layer, "subject": subject})))


def chain(driver: Driver, college: int, layer: str, cycle: int) -> list[Link]:
    """Return the goals and standards of a layer, of the college's plan and of the cycle itself."""
    found = driver.all(_CHAIN, {"college": college, "layer": layer, "id": cycle})
    return [Link(kind, zh, en or zh, said, units or "[]", own) for kind, zh, en, said, _, units, own in found]


def files(driver: Driver, college: int, cycle: int) -> list[File]:
    """Return the files of a cycle in the order in which they came."""
    return list(map(File._make, driver.all(_FILES, {"college": college, "cycle": cycle})))


def people(driver: Driver, ids: list[int]) -> list[tuple[str, str]]:
    """Return (login, name) of persons who can still be told something."""
    return driver.all(_PEOPLE, {"ids": ids})


def unit_code(driver: Driver, unit: int) -> str:
    """Return the code of a unit."""
    return str(driver.value(_UNIT_CODE, {"id": unit}) or "")
