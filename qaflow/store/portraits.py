"""What is known of one subject: its goals, readings, rounds and warnings, and what others of its kind have in the mean.

Everything here is asked with the reader's reach.  Of others nothing comes out but counts and sums of groups; what of a
group the reader may see one by one is counted beside, so that `services.groups` can tell what a mean would give away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.overview import CYCLE, SUBJECTS
from qaflow.store.sight import SUBJECT

LATEST = (
    "(select r.value from reading r where r.college_id = :college and r.point_id = p.id and r.subject_id = s.id and "
    "r.at < :until order by r.at desc, r.source desc, r.version desc limit 1)"
)
"""The last reading of a subject at a point before an instant, as it stands after corrections."""

_CARD = (
    "select s.id, s.code, s.name, s.layer, s.kind, s.tier, s.unit_id, u.name_zh, u.name_en, s.responsible_id, p.name, "
    "s.starts, s.ends, s.ended from subject s join unit u on u.id = s.unit_id left join person p on "
    "p.id = s.responsible_id where s.college_id = :college"
)
_ONE = Sql(f"{_CARD} and {SUBJECT} and s.id = :subject")
_NARROW = (
    f"from subject s where s.college_id = :college and s.id in {SUBJECTS} and (:all or not s.ended) and "
    "(cast(:layer as text) = '' or s.layer = :layer) and (cast(:mine as bigint) = 0 or s.responsible_id = :s_me) and "
    "(cast(:q as text) = '' or lower(s.name) like :q escape '!' or lower(s.code) like :q escape '!')"
)
_MANY = Sql(f"select count(*) {_NARROW}")
_PAGE = Sql(
    f"{_CARD} and s.id in (select s.id {_NARROW} order by s.layer, s.code, s.id limit :limit offset :offset) "
    "order by s.layer, s.code, s.id"
)
_CHAIN = (  # the layer's are nobody's in particular, a functional department's, or the subject's own units'
    "from {table} g where g.college_id = :college and g.retired_at is null and (g.subject_id = :subject or "
    "(g.subject_id is null and g.layer = :layer and (g.owner_unit_id is null or g.owner_unit_id in :line[] or exists "
    "(select 1 from unit u where u.id = g.owner_unit_id and u.kind = 'functional')) and (g.owner_id is null or "
    "g.owner_unit_id is not null or g.owner_id = :responsible))) order by g.subject_id is null, g.ends is null, "
    "g.ends, g.id limit :limit"
)
_GOALS = Sql(
    "select g.id, g.subject_id is not null, g.text_zh, g.text_en, g.indicator, g.target, g.unit, g.direction, "
    "g.starts, g.ends, case when g.point_id is null then g.attained else (select r.value from reading r where "
    "r.college_id = g.college_id and r.point_id = g.point_id and r.subject_id = :subject and (g.ends is null or "
    "r.at < g.ends || :cut) order by r.at desc, r.source desc, r.version desc limit 1) end, g.point_id "
    + _CHAIN.format(table="goal")
)
_STANDARDS = Sql(
    "select g.id, g.subject_id is not null, g.text_zh, g.text_en, g.indicator, g.target, g.value, g.unit, g.direction "
    + _CHAIN.format(table="standard")
)
_POINTS = Sql(
    "select p.id, p.name_zh, p.name_en, p.unit, p.direction, p.target, p.warn_lower, p.warn_upper from control_point p "
    "where p.college_id = :college and p.layer = :layer and exists (select 1 from reading r where "
    "r.college_id = p.college_id and r.point_id = p.id and r.subject_id = :subject) order by p.id"
)
_LIMITS = Sql(
    "select l.point_id, l.subject_id is not null, l.valid_from, l.direction, l.target, l.warn_lower, l.warn_upper from "
    "point_limit l where l.college_id = :college and l.point_id in :points[] and (l.subject_id is null or "
    "l.subject_id = :subject) order by l.point_id, l.subject_id is not null, l.valid_from, l.id"
)
_READINGS = Sql(
    "select r.point_id, r.at, r.value from reading r where r.college_id = :college and r.point_id in :points[] and "
    "r.subject_id = :subject and r.at >= :since and not exists (select 1 from reading n where n.college_id = "
    "r.college_id and n.point_id = r.point_id and n.subject_id = r.subject_id and n.at = r.at and n.source = r.source "
    "and n.version > r.version) order by r.point_id, r.at, r.id"
)
_ON_TIME = (
    "from visit v where v.cycle_id = c.id and v.state <> 'void' and v.due < :floor and (v.submitted_at is not null or "
    "v.state <> 'open' or c.status <> 'suspended')"
)
_ROUNDS = Sql(
    "select c.id, c.track, c.number, c.period_start, c.period_end, c.status, c.outcome, "
    f"(select count(*) {_ON_TIME}), (select count(*) {_ON_TIME} and v.submitted_at < v.due || :cut) from cycle c where "
    f"c.college_id = :college and c.subject_id = :subject and {CYCLE} order by c.period_start desc, c.id desc "
    "limit :limit"
)
_WARNINGS = Sql(
    "select w.id, coalesce(p.name_zh, t.title_zh), coalesce(p.name_en, t.title_en), w.kind, w.severity, w.state, "
    "w.opened_at, w.closed_at, w.measure, w.confirmed_at, w.point_id from warning w left join cycle c on "
    "c.id = w.cycle_id left join control_point p on p.id = w.point_id left join plan_task t on t.id = w.task_id where "
    "w.college_id = :college and w.subject_id = :subject and (c.id in (select c.id from cycle c where c.college_id = "
    f":college and c.subject_id = :subject and {CYCLE}) or w.cycle_id is null) "
    "order by w.opened_at desc, w.id limit :limit"
)
_GROUPS = Sql(  # materialized, or SQLite looks each last reading up twice: to ask whether there is one, and its value
    f"with j as materialized (select s.id, s.layer, s.unit_id = :unit as near, s.id in {SUBJECTS} as seen from "
    "subject s where s.college_id = :college and s.layer = :layer and coalesce(s.kind, '') = :kind and "
    "s.id <> :subject and (s.ends is null or s.ends >= :month)), "
    f"x as materialized (select p.id as point, s.near, s.seen, {LATEST} as value from control_point p cross join j s "
    "where p.college_id = :college and p.layer = s.layer and p.id in :points[]) "
    "select x.point, x.near, x.seen, count(*), sum(x.value) from x where x.value is not null group by 1, 2, 3"
)
_SELF_TESTS = Sql(
    "select q.id, q.name_zh, q.name_en, q.term, q.body, a.scores, a.handed_in_at from questionnaire_answer a join "
    "questionnaire q on q.id = a.questionnaire_id where a.college_id = :college and a.subject_id = :subject and "
    "a.handed_in_at is not null and a.handed_in_by = :s_me order by a.handed_in_at desc limit :limit"
)


class Subject(NamedTuple):
    """One subject with its unit and who answers for it."""

    id: int
    code: str
    name: str
    layer: str
    kind: str | None
    tier: str | None
    unit: int
    unit_zh: str
    unit_en: str | None
    responsible: int | None
    person: str | None
    starts: str | None
    ends: str | None
    ended: bool


class Round(NamedTuple):
    """One cycle: of its stage visits whose deadline has passed, how many were handed in by it."""

    id: int
    track: str
    number: int
    start: str
    end: str
    status: str
    outcome: str | None
    due: int
    met: int


class Warned(NamedTuple):
    """One warning; `measure` is the hash of what was done."""

    id: str
    zh: str | None
    en: str | None
    kind: str
    severity: str
    state: str
    opened_at: str
    closed_at: str | None
    measure: str | None
    confirmed_at: str | None
    point: int | None


class Sums(NamedTuple):
    """So many others' last readings at a point, in the same unit or not, seen one by one by the reader or not."""

    point: int
    near: bool
    seen: bool
    many: int
    total: float


def one(driver: Driver, params: Mapping[str, Any]) -> Subject | None:
    """Return a subject that the reader reaches; None for any other."""
    row = driver.one(_ONE, params)
    return Subject._make(row)._replace(ended=bool(row[-1])) if row else None


def page(driver: Driver, params: Mapping[str, Any]) -> tuple[int, list[Subject]]:
    """Return how many subjects the reader reaches, as narrowed, and a page of them."""
    return int(driver.value(_MANY, params)), list(map(Subject._make, driver.all(_PAGE, params)))


def goals(driver: Driver, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the goals of a subject and of its layer, its own first."""
    return driver.all(_GOALS, params)


def standards(driver: Driver, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the standards of a subject and of its layer, its own first."""
    return driver.all(_STANDARDS, params)


def points(driver: Driver, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the control points at which a subject has been read."""
    return driver.all(_POINTS, params)


def limits(driver: Driver, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the limits of points over time: those for all, then a subject's own, oldest first."""
    return driver.all(_LIMITS, params)


def readings(driver: Driver, params: Mapping[str, Any]) -> dict[int, list[tuple[str, float]]]:
    """Return (instant, value) of a subject's readings as they stand, by point."""
    found: dict[int, list[tuple[str, float]]] = {}
    for point, at, value in driver.all(_READINGS, params):
        found.setdefault(point, []).append((at, value))
    return found


def cycles(driver: Driver, params: Mapping[str, Any]) -> list[Round]:
    """Return a subject's cycles that the reader may open, the newest first."""
    return list(map(Round._make, driver.all(_ROUNDS, params)))


def warnings(driver: Driver, params: Mapping[str, Any]) -> list[Warned]:
    """Return a subject's warnings that the reader may open, the newest first."""
    return list(map(Warned._make, driver.all(_WARNINGS, params)))


def groups(driver: Driver, params: Mapping[str, Any]) -> list[Sums]:
    """Return the sums of the other subjects' last readings at points."""
    return [Sums(point, bool(near), bool(seen), int(many), float(total))
            for point, near, seen, many, total in driver.all(_GROUPS, params)]  # fmt: skip


def self_tests(driver: Driver, params: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """Return the self-tests that the reader handed in themselves for a subject, the newest first."""
    return driver.all(_SELF_TESTS, params)
