"""Starting cycles: what is due on the schedule, and the rows of many cycles at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class Due(NamedTuple):
    """One (subject, track) whose next cycle is due to start."""

    id: int
    subject: int
    track: str
    next_start: str | None
    layer: str
    unit: int
    responsible: int | None
    starts: str | None
    ends: str | None
    anchor: str | None
    code: str


class Former(NamedTuple):
    """A cycle that a subject already has on a track."""

    subject: int
    id: int
    number: int
    status: str
    start: str


class Parent(NamedTuple):
    """The running cycle that contains a child's."""

    id: int
    stage: str
    definition: str


_DUE_COLUMNS = (
    "s.id, s.subject_id, s.track, s.next_start, j.layer, j.unit_id, j.responsible_id, j.starts, j.ends, "
    "j.anchor, j.code "
    "from schedule s join subject j on j.id = s.subject_id"
)
_DUE_TEXT = (f"select {_DUE_COLUMNS} where s.college_id = :college and s.next_at <= :now and not (s.id in :held[]) "
             "order by s.next_at, s.id limit :limit")  # fmt: skip
_DUE = Sql(_DUE_TEXT, postgresql=_DUE_TEXT + " for update of s skip locked")
_ONE = Sql(f"select {_DUE_COLUMNS} where s.college_id = :college and s.subject_id = :subject and s.track = :track")
_FORMER = Sql(
    "select subject_id, id, number, status, period_start from cycle where college_id = :college and track = :track and "
    "subject_id in :subjects[] order by subject_id, number"
)
_PARENT = Sql(
    "select c.subject_id, c.id, c.stage, d.hash from cycle c join definition d on d.id = c.definition_id where "
    "c.college_id = :college and c.track = :track and c.status = 'running' and c.period_start <= :day and "
    "c.period_end > :day and c.subject_id in :subjects[]"
)
_SET_NEXT = Sql("update schedule set next_start = :start, next_at = :at, unstarted_reason = :reason where id = :id")
_ROUND = Sql(
    "insert into round (college_id, layer, track, period_start, period_end, started_at, cycles) values "
    "(:college, :layer, :track, :start, :end, :at, :count) on conflict (college_id, layer, track, period_start) "
    "do update set cycles = round.cycles + excluded.cycles"
)
_WITH_CARRY = Sql("select distinct subject_id from carry where college_id = :college and track = :track and "
                  "state = 'waiting' and subject_id in :subjects[]")  # fmt: skip
_WITH_WARNING = Sql("select distinct subject_id from warning where college_id = :college and cycle_id is null and "
                    "state not in ('closed', 'dismissed') and subject_id in :subjects[]")  # fmt: skip
_ORPHANS = Sql(
    "select id, point_id, task_id, kind, severity, state, breached, opened_at, reading_id, limit_text, value, "
    "cause, scope, measure, limit_id, category from warning where college_id = :college and subject_id = :subject and "
    "cycle_id is null and state not in ('closed', 'dismissed') order by opened_at, id"
)
_SUBJECT = Sql("select id, layer, code, name, unit_id, responsible_id, starts, ends, anchor from subject where "
               "college_id = :college and layer = :layer and code = :code")  # fmt: skip
_UNSTARTED = Sql(
    "select s.subject_id, j.layer, j.code, s.track, s.next_start, s.unstarted_reason from schedule s join subject j on "
    "j.id = s.subject_id where s.college_id = :college and s.unstarted_reason is not null order by s.id limit :limit"
)
_NEW_SCHEDULES = ("college_id", "subject_id", "track", "next_start", "next_at")

CYCLE_COLUMNS = (
    "id", "college_id", "subject_id", "layer", "track", "number", "parent_id", "definition_id", "period_start",
    "period_end", "status", "stage", "leaf", "visit", "revision", "due", "deadline_no", "next_due", "open_warnings",
    "item_no", "warning_no", "sheet_no", "unit_id", "responsible_id", "previous_id", "adopted", "started_at", "ends_at",
    "version", "head",
)  # fmt: skip
VISIT_COLUMNS = (
    "cycle_id",
    "stage",
    "number",
    "state",
    "entered_at",
    "due",
    "revision",
    "order_kind",
    "need",
    "auto_at",
)
ITEM_COLUMNS = (
    "college_id", "cycle_id", "subject_id", "no", "kind", "stage", "visit", "holder_id", "owner_id", "unit_id", "layer",
    "opened_at", "due", "deadline_no", "level", "next_level", "next_level_at", "state",
)  # fmt: skip
SHEET_COLUMNS = ("college_id", "cycle_id", "no", "kind", "number", "due", "issue_at", "state")


def due(driver: Driver, college: int, now: str, limit: int, held: Sequence[int] = ()) -> list[Due]:
    """Return what is due to start, oldest first, save what an incident holds back."""
    key = {"college": college, "now": now, "limit": limit, "held": list(held)}
    return list(map(Due._make, driver.all(_DUE, key)))


def scheduled(driver: Driver, college: int, subject: int, track: str) -> Due | None:
    """Return the schedule row of a subject's track."""
    row = driver.one(_ONE, {"college": college, "subject": subject, "track": track})
    return Due._make(row) if row else None


def former(driver: Driver, college: int, track: str, subjects: Sequence[int]) -> dict[int, list[Former]]:
    """Return the cycles that subjects already have on a track, in order."""
    found: dict[int, list[Former]] = {}
    for row in driver.all(_FORMER, {"college": college, "track": track, "subjects": list(subjects)}):
        found.setdefault(row[0], []).append(Former._make(row))
    return found


def parents(driver: Driver, college: int, track: str, day: str, subjects: Sequence[int]) -> dict[int, Parent]:
    """Return the running cycle of the containing track for subjects."""
    rows = driver.all(_PARENT, {"college": college, "track": track, "day": day, "subjects": list(subjects)})
    return {subject: Parent(cycle, stage, definition) for subject, cycle, stage, definition in rows}


def burdened(driver: Driver, college: int, track: str, subjects: Sequence[int]) -> set[int]:
    """Return the subjects for which left-overs or warnings wait: their cycles are started one by one."""
    key = {"college": college, "track": track, "subjects": list(subjects)}
    return {r[0] for r in driver.all(_WITH_CARRY, key)} | {r[0] for r in driver.all(_WITH_WARNING, key)}


def orphans(driver: Driver, college: int, subject: int) -> list[dict[str, Any]]:
    """Return the open warnings of a subject that stand with the college for want of a cycle."""
    names = ("id", "point", "task", "kind", "severity", "state", "breached", "opened_at", "reading", "limit", "value",
             "cause", "scope", "measure", "limit_id", "category")  # fmt: skip
    rows = driver.all(_ORPHANS, {"college": college, "subject": subject})
    plain = [dict(zip(names, row, strict=True)) for row in rows]
    for row in plain:
        row["breached"] = bool(row["breached"]) or None
    return [{k: v for k, v in row.items() if v is not None} for row in plain]  # fmt: skip


def set_next(driver: Driver, rows: Sequence[tuple[int, str | None, str | None, str | None]]) -> None:
    """Move schedule rows on: (id, next start, its instant, why it did not start)."""
    driver.many(_SET_NEXT, [{"id": i, "start": start, "at": at, "reason": why} for i, start, at, why in rows])


def count_round(
    driver: Driver, college: int, layer: str, track: str, start: str, end: str, at: str, count: int
) -> None:
    """Count started cycles in their round."""
    driver.run(_ROUND, {"college": college, "layer": layer, "track": track, "start": start, "end": end, "at": at,
                        "count": count})  # fmt: skip


def subject(driver: Driver, college: int, layer: str, code: str) -> tuple[Any, ...] | None:
    """Return a subject by layer and code."""
    return driver.one(_SUBJECT, {"college": college, "layer": layer, "code": code})


def schedule(driver: Driver, rows: Sequence[tuple[int, int, str, str | None, str | None]]) -> None:
    """Enter subjects' tracks in the schedule: (college, subject, track, next start, its instant)."""
    driver.insert_rows("schedule", _NEW_SCHEDULES, rows)


def unstarted(driver: Driver, college: int, limit: int = 1000) -> list[tuple[Any, ...]]:
    """Return the list of cycles that should have started and did not, with the reason."""
    return driver.all(_UNSTARTED, {"college": college, "limit": limit})


def insert(
    driver: Driver, cycles: Sequence[Any], visits: Sequence[Any], items: Sequence[Any], sheets: Sequence[Any]
) -> None:
    """Write the rows of many new cycles."""
    driver.insert_rows("cycle", CYCLE_COLUMNS, cycles)
    driver.insert_rows("visit", VISIT_COLUMNS, visits)
    driver.insert_rows("work_item", ITEM_COLUMNS, items)
    driver.insert_rows("sheet", SHEET_COLUMNS, sheets)
