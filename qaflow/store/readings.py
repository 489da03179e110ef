"""Control points, readings, and the warnings they open: batches in, what is open, what is late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

NEVER = "9999-12-31"  # the next check of a point that is watched in real time


class Point(NamedTuple):
    """A control point with its limits."""

    id: int
    key: str
    layer: str
    cadence: str
    direction: str
    target: float
    warn_lower: float | None
    warn_upper: float | None
    body: str


class OpenWarning(NamedTuple):
    """The open warning of a point and subject."""

    id: str
    cycle: int | None
    state: str
    breached: bool
    severity: str
    inside: int
    kind: str


class Kept(NamedTuple):
    """A reading as it stands under its key: its newest version."""

    value: float
    id: int
    version: int


class New(NamedTuple):
    """A reading to be stored; a correction has a later version, what it replaces, and the hash of its reason."""

    point: int
    subject: int
    at: str
    value: float
    source: str
    version: int = 1
    replaces: int | None = None
    reason: str | None = None


class Read(NamedTuple):
    """One reading as it stands: corrected ones only in their last version."""

    id: int
    at: str
    value: float
    source: str


_POINT_COLUMNS = "id, key, layer, cadence, direction, target, warn_lower, warn_upper, body"
_POINTS = Sql(f"select {_POINT_COLUMNS} from control_point where college_id = :college order by id")
_CHECKS = Sql(f"select {_POINT_COLUMNS} from control_point where college_id = :college and "
              "(next_check is null or next_check <= :day) order by id")  # fmt: skip
_SET_CHECK = Sql("update control_point set next_check = :day where id = :id")
_SUBJECTS = Sql(
    "select id, layer, code from subject where college_id = :college and layer = :layer and code in :codes[]"
)
_OPEN = Sql(
    "select point_id, subject_id, id, cycle_id, state, breached, severity, inside, kind from warning where "
    "college_id = :college and point_id in :points[] and subject_id in :subjects[] and state not in ('closed', "
    "'dismissed')"
)
_KNOWN = Sql(
    "select point_id, subject_id, at, source, value, id, version from reading where college_id = :college and "
    "point_id in :points[] and subject_id in :subjects[] and at >= :first and at <= :last and "
    "(cast(:any as bigint) = 1 or source in :sources[]) order by version"
)
_NEWEST = Sql("select point_id, subject_id, max(at) from reading where college_id = :college and point_id in :points[] "
              "and subject_id in :subjects[] group by 1, 2")  # fmt: skip
_RAISE = Sql("update warning set severity = :severity, value = :value, reading_id = :reading, inside = 0 "
             "where college_id = :college and id = :id")  # fmt: skip
_BREACHED = Sql("update warning set breached = :breached, reading_id = :reading, inside = 0 "
                "where college_id = :college and id = :id")  # fmt: skip
_BATCH = Sql("insert into batch (id, college_id, digest, rows, accepted_at, by) values "
             "(:id, :college, :digest, :rows, :at, :by)")  # fmt: skip
_FIRST = Sql(
    "select min(r.at) from warning w join reading r on r.college_id = w.college_id and r.point_id = w.point_id and "
    "r.subject_id = w.subject_id and r.version = 1 join batch b on b.id = r.batch_id and b.accepted_at >= w.opened_at "
    "where w.college_id = :college and w.id = :id"
)
_INSIDE = Sql("update warning set inside = :inside where id = :id")
_CYCLES = Sql(
    "select subject_id, id, track, definition_id from cycle where college_id = :college and status = 'running' and "
    "subject_id in :subjects[] order by case when parent_id is null then 0 else 1 end, period_start desc, id"
)
_MISSING = Sql(
    "select s.id from subject s where s.college_id = :college and s.layer = :layer and not s.ended and "
    "(s.starts is null or s.starts <= :since) and exists (select 1 from cycle c where c.college_id = s.college_id and "
    "c.subject_id = s.id and c.status = 'running') and not exists (select 1 from reading r where "
    "r.college_id = s.college_id and r.point_id = :point and r.subject_id = s.id and r.at >= :since) and not exists "
    "(select 1 from warning w where w.college_id = s.college_id and w.point_id = :point and w.subject_id = s.id and "
    "w.state not in ('closed', 'dismissed')) order by s.id limit :limit"
)
_EVER = Sql("select 1 from reading where college_id = :college and point_id = :point limit 1")
_WARNING_COUNT = Sql("select count(*) from warning where college_id = :college and subject_id = :subject")
_ONE_POINT = Sql(f"select {_POINT_COLUMNS} from control_point where college_id = :college and id = :id")
_OF = Sql(
    "select r.id, r.at, r.value, r.source from reading r where r.college_id = :college and r.point_id = :point and "
    "r.subject_id = :subject and r.at >= :first and r.at < :last and not exists (select 1 from reading n where "
    "n.college_id = r.college_id and n.point_id = r.point_id and n.subject_id = r.subject_id and n.at = r.at and "
    "n.source = r.source and n.version > r.version) order by r.at desc, r.id desc limit :limit"
)
_PLACES = Sql("select id, layer, unit_id from subject where college_id = :college")
_COLUMNS = ("id", "college_id", "point_id", "subject_id", "at", "value", "source", "version", "batch_id", "replaces",
            "reason")  # fmt: skip


def points(driver: Driver, college: int) -> list[Point]:
    """Return a college's control points."""
    return list(map(Point._make, driver.all(_POINTS, {"college": college})))


def point(driver: Driver, college: int, number: int) -> Point | None:
    """Return one control point of a college."""
    row = driver.one(_ONE_POINT, {"college": college, "id": number})
    return Point._make(row) if row else None


def of(driver: Driver, college: int, point_: int, subject: int, span: tuple[str, str], limit: int) -> list[Read]:
    """Return the last readings of a subject's point between two instants, oldest first."""
    key = {"college": college, "point": point_, "subject": subject, "first": span[0], "last": span[1], "limit": limit}
    return list(map(Read._make, reversed(driver.all(_OF, key))))


def points_to_check(driver: Driver, college: int, day: str) -> list[Point]:
    """Return the points whose readings are to be looked for, or whose next check was never set."""
    return list(map(Point._make, driver.all(_CHECKS, {"college": college, "day": day})))


def set_check(driver: Driver, point: int, day: str) -> None:
    """Set the day on which a point's readings are looked for next."""
    driver.run(_SET_CHECK, {"id": point, "day": day})


def subjects(driver: Driver, college: int, layer: str, codes: Sequence[str]) -> dict[tuple[str, str], int]:
    """Return subjects by (layer, code)."""
    rows = driver.all(_SUBJECTS, {"college": college, "layer": layer, "codes": list(codes)})
    return {(of, code): number for number, of, code in rows}


def open_warnings(
    driver: Driver, college: int, points: Sequence[int], subjects: Sequence[int]
) -> dict[tuple[int, int], OpenWarning]:
    """Return the open warnings by (point, subject)."""
    rows = driver.all(_OPEN, {"college": college, "points": list(points), "subjects": list(subjects)})
    return {(r[0], r[1]): OpenWarning(r[2], r[3], r[4], bool(r[5]), r[6], r[7], r[8]) for r in rows}


def known(
    driver: Driver, college: int, points: Sequence[int], subjects: Sequence[int], span: tuple[str, str],
    sources: Sequence[str] | None = None,
) -> dict[tuple[Any, ...], Kept]:  # fmt: skip
    """Return the readings stored from one instant to another in their newest version, of some sources or of any.

    The keys are (point, subject, at, source).
    """
    key = {"college": college, "points": list(points), "subjects": list(subjects), "first": span[0], "last": span[1],
           "any": int(sources is None), "sources": list(sources or ())}  # fmt: skip
    same: dict[str, str] = {}  # one object for each instant and source: they repeat themselves thousands of times
    share = same.setdefault
    return {
        (point, subject, share(at, at), share(source, source)): Kept(value, number, version)
        for point, subject, at, source, value, number, version in driver.all(_KNOWN, key)
    }


def newest(driver: Driver, college: int, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Return the instant of the newest reading of pairs of point and subject."""
    wanted = set(pairs)
    if not wanted:
        return {}
    key = {"college": college, "points": sorted({p for p, _ in wanted}), "subjects": sorted({s for _, s in wanted})}
    return {(p, s): at for p, s, at in driver.all(_NEWEST, key) if (p, s) in wanted}


def insert(
    driver: Driver, college: int, rows: Sequence[New], digest: str, at: str, by: int
) -> tuple[int, Sequence[int]]:
    """Store a batch of readings; returns its number and theirs."""
    (batch,) = driver.reserve("batch", 1)
    driver.run(_BATCH, {"id": batch, "college": college, "digest": digest, "rows": len(rows), "at": at, "by": by})
    ids = driver.reserve("reading", len(rows))
    driver.insert_rows(
        "reading", _COLUMNS, [(i, college, *r[:6], batch, r.replaces, r.reason) for i, r in zip(ids, rows, strict=True)]
    )
    return batch, ids


def raise_warning(driver: Driver, college: int, warning: str, severity: str, value: float, reading: int) -> None:
    """Let a graver breach join a warning that stands with the college."""
    key = {"college": college, "id": warning, "severity": severity, "value": value, "reading": reading}
    driver.run(_RAISE, key)


def set_breached(driver: Driver, college: int, warning: str, breached: bool, reading: int) -> None:
    """Note that readings are back within, or outside, the limits of a warning that stands with the college."""
    driver.run(_BREACHED, {"college": college, "id": warning, "breached": breached, "reading": reading})


def first_of(driver: Driver, college: int, warning: str) -> str | None:
    """Return the instant of the earliest reading that came with or after the opening of a warning."""
    found: str | None = driver.value(_FIRST, {"college": college, "id": warning})
    return found


def set_inside(driver: Driver, warning: str, inside: int) -> None:
    """Note how many readings in a row lay inside the limits."""
    driver.run(_INSIDE, {"id": warning, "inside": inside})


def running_cycles(driver: Driver, college: int, subjects: Sequence[int]) -> dict[int, list[tuple[int, str, int]]]:
    """Return (cycle, track, definition row) of subjects' running cycles, containing ones and newest first."""
    found: dict[int, list[tuple[int, str, int]]] = {}
    for subject, cycle, track, definition in driver.all(_CYCLES, {"college": college, "subjects": list(subjects)}):
        found.setdefault(subject, []).append((cycle, track, definition))
    return found


def without_reading(driver: Driver, college: int, point: int, layer: str, since: str, limit: int) -> list[int]:
    """Return subjects with a running cycle and no reading of a point since an instant, and no open warning for it."""
    key = {"college": college, "point": point, "layer": layer, "since": since, "limit": limit}
    return [row[0] for row in driver.all(_MISSING, key)]


def ever_read(driver: Driver, college: int, point: int) -> bool:
    """Tell whether a point ever had a reading: one that nobody measures yet is not late."""
    return driver.value(_EVER, {"college": college, "point": point}) is not None


def warning_count(driver: Driver, college: int, subject: int) -> int:
    """Return how many warnings a subject ever had."""
    count: int = driver.value(_WARNING_COUNT, {"college": college, "subject": subject})
    return count


def places(driver: Driver, college: int) -> list[tuple[int, str, int]]:
    """Return (subject, layer, unit) of a college's subjects."""
    return driver.all(_PLACES, {"college": college})
