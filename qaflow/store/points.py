"""Control points for those who look at them: how many subjects stand outside or are late, and their readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store import sight
from qaflow.store.db import Driver, Sql

_OPEN = "w.state not in ('closed', 'dismissed')"
OUTSIDE, LATE, ALL = "outside", "late", "all"
_IS = {OUTSIDE: "w.breached", LATE: "w.kind = 'late' and w.reading_id is null"}
"""What stands behind the two numbers: readings outside the limits, readings that did not come."""


class Card(NamedTuple):
    """A control point as lists show it."""

    id: int
    key: str
    layer: str
    zh: str
    en: str
    unit: str
    cadence: str
    formula: str | None
    body: str
    owner_unit: int | None
    version: int


class Subject(NamedTuple):
    """A subject of a point's layer."""

    id: int
    code: str
    name: str
    unit: int
    responsible: int | None


class Last(NamedTuple):
    """A reading of one subject, whichever version."""

    id: int
    subject: int
    at: str
    value: float
    source: str
    version: int
    replaces: int | None
    reason: str | None
    accepted_at: str
    by: int


class Line(NamedTuple):
    """A current reading as an export holds it."""

    point: str
    subject: str
    name: str
    at: str
    value: float
    source: str
    version: int


_CARD = "p.id, p.key, p.layer, p.name_zh, p.name_en, p.unit, p.cadence, p.formula, p.body, p.owner_unit_id, p.version"
_CARDS = Sql(f"select {_CARD} from control_point p where p.college_id = :college and p.retired_at is null "
             "order by p.layer, p.id")  # fmt: skip
_CARD_OF = Sql(f"select {_CARD} from control_point p where p.college_id = :college and p.id = :point")
_COUNTS = Sql(
    f"select w.point_id, sum(case when {_IS[OUTSIDE]} then 1 else 0 end), sum(case when {_IS[LATE]} then 1 else 0 end) "
    "from warning w join subject s on s.id = w.subject_id where w.college_id = :college and w.point_id is not null and "
    f"{_OPEN} and {sight.SUBJECT} group by 1"
)
_SHOWN = {ALL: "true"} | {
    what: f"exists (select 1 from warning w where w.college_id = s.college_id and w.point_id = :point and "
          f"w.subject_id = s.id and {_OPEN} and {of})" for what, of in _IS.items()
}  # fmt: skip
_SUBJECT = "s.id, s.code, s.name, s.unit_id, s.responsible_id"
_SUBJECTS = {
    what: Sql(f"select {_SUBJECT} from subject s where s.college_id = :college and s.layer = :layer and "
              f"not s.ended and {sight.SUBJECT} and {of} and s.code > :after order by s.code limit :limit")
    for what, of in _SHOWN.items()
}  # fmt: skip
_SUBJECT_OF = Sql(f"select {_SUBJECT} from subject s where s.college_id = :college and s.layer = :layer and "
                  f"s.id = :subject and {sight.SUBJECT}")  # fmt: skip
_READING = "r.id, r.subject_id, r.at, r.value, r.source, r.version, r.replaces, r.reason, b.accepted_at, b.by"
_LAST = Sql(
    "select id, subject_id, at, value, source, version, replaces, reason, accepted_at, by from (select r.*, "
    "b.accepted_at, b.by, row_number() over (partition by r.subject_id order by r.at desc, r.id desc) as place from "
    "reading r join batch b on b.id = r.batch_id where r.college_id = :college and r.point_id = :point and "
    "r.subject_id in :subjects[]) newest where place = 1"
)
_OF_SUBJECT = Sql(f"select {_READING} from reading r join batch b on b.id = r.batch_id where r.college_id = :college "
                  "and r.point_id = :point and r.subject_id = :subject order by r.at desc, r.source, r.version desc "
                  "limit :limit")  # fmt: skip
_VERSIONS = Sql(f"select {_READING} from reading r join batch b on b.id = r.batch_id where r.college_id = :college and "
                "r.point_id = :point and r.subject_id = :subject and r.at = :at and r.source = :source order by "
                "abs(r.version - :version), r.version limit :limit")  # fmt: skip
_READING_OF = Sql(f"select r.point_id, {_READING} from reading r join batch b on b.id = r.batch_id where "
                  "r.college_id = :college and r.id = :reading")  # fmt: skip
_NEWER = Sql("select 1 from reading where college_id = :college and replaces = :reading limit 1")
_CURRENT = Sql(
    "select r.id, p.key, s.code, s.name, r.at, r.value, r.source, r.version from reading r join control_point p on "
    "p.id = r.point_id join subject s on s.id = r.subject_id where r.college_id = :college and r.id > :after and "
    f"(cast(:point as bigint) = 0 or r.point_id = :point) and {sight.SUBJECT} and not exists (select 1 from reading n "
    "where n.college_id = r.college_id and n.point_id = r.point_id and n.subject_id = r.subject_id and n.at = r.at and "
    "n.source = r.source and n.version > r.version) order by r.id limit :limit"
)
_BUMP = Sql("update control_point set version = version + 1 where college_id = :college and id = :point and "
            "version = :version")  # fmt: skip


def cards(driver: Driver, college: int) -> list[Card]:
    """Return a college's points that are not retired."""
    return list(map(Card._make, driver.all(_CARDS, {"college": college})))


def card(driver: Driver, college: int, point: int) -> Card | None:
    """Return one point of a college."""
    row = driver.one(_CARD_OF, {"college": college, "point": point})
    return Card._make(row) if row else None


def counts(driver: Driver, params: Mapping[str, Any]) -> dict[int, tuple[int, int]]:
    """Return by point how many subjects within sight stand outside their limits, and how many are late."""
    return {point: (int(outside), int(late)) for point, outside, late in driver.all(_COUNTS, params)}


def subjects(driver: Driver, what: str, params: Mapping[str, Any]) -> list[Subject]:
    """Return subjects within sight of a point's layer, in the order of their codes."""
    return list(map(Subject._make, driver.all(_SUBJECTS[what], params)))


def subject(driver: Driver, params: Mapping[str, Any]) -> Subject | None:
    """Return one subject of a layer, None where it is not within sight."""
    row = driver.one(_SUBJECT_OF, params)
    return Subject._make(row) if row else None


def last(driver: Driver, college: int, point: int, of: Sequence[int]) -> dict[int, Last]:
    """Return the newest reading of a point of each of some subjects."""
    if not of:
        return {}
    rows = driver.all(_LAST, {"college": college, "point": point, "subjects": list(of)})
    return {row[1]: Last._make(row) for row in rows}


def of_subject(driver: Driver, college: int, point: int, of: int, limit: int) -> list[Last]:
    """Return a subject's readings of a point with all their versions, newest first."""
    key = {"college": college, "point": point, "subject": of, "limit": limit}
    return list(map(Last._make, driver.all(_OF_SUBJECT, key)))


def versions(driver: Driver, college: int, point: int, of: Last, limit: int) -> list[Last]:
    """Return a reading's versions, newest first; of very many those nearest to it."""
    key = {"college": college, "point": point, "subject": of.subject, "at": of.at, "source": of.source,
           "version": of.version, "limit": limit}  # fmt: skip
    return sorted(map(Last._make, driver.all(_VERSIONS, key)), key=lambda one: -one.version)


def reading(driver: Driver, college: int, number: int) -> tuple[int, Last, bool] | None:
    """Return the point of a reading, the reading, and whether a later version replaces it."""
    key = {"college": college, "reading": number}
    row = driver.one(_READING_OF, key)
    return (row[0], Last._make(row[1:]), driver.value(_NEWER, key) is not None) if row else None


def current(driver: Driver, params: Mapping[str, Any], page: int = 20_000) -> list[Line]:
    """Return the current readings within sight, of one point or (0) of all, in the order in which they came."""
    found: list[Line] = []
    after = 0
    while rows := driver.all(_CURRENT, {**params, "after": after, "limit": page}):
        found += [Line._make(row[1:]) for row in rows]
        after = rows[-1][0]
    return found


def bump(driver: Driver, college: int, point: int, version: int) -> bool:
    """Move a point's version on; False where somebody else did."""
    return driver.run(_BUMP, {"college": college, "point": point, "version": version}) == 1
