"""The rows of the world in which pages are measured: a closed round, warnings, readings, goals and tasks of a college.

They are copied from the cycles that run, each row's values following from its number, so that two runs are alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from qaflow.store.db import Driver, Sql

PAST = 10_000_000  # added to a running cycle's number: its closed one of the year before
POINTS = 4
READINGS = 3  # a subject and point

_COLUMNS = (
    "college_id, subject_id, layer, track, number, parent_id, definition_id, period_start, period_end, status, "
    "outcome, stage, leaf, visit, revision, due, deadline_no, next_due, open_warnings, item_no, warning_no, sheet_no, "
    "unit_id, responsible_id, adopted, started_at, closed_at, ends_at, version, head"
)
_DAY = "substr('0' || (1 + {of} % 28), -2)"
_CLOSED = Sql(
    f"insert into cycle (id, {_COLUMNS}) select id + {PAST}, college_id, subject_id, layer, track, 0, null, "
    "definition_id, '2024-09-01', '2025-09-01', 'closed', case when id % 5 = 0 then 'incomplete' else 'complete' end, "
    "'improve', 'open', 1, 4, null, 0, null, 0, 4, 0, 0, unit_id, responsible_id, false, "
    "'2024-09-01T00:00:00.000000Z', "
    f"'2025-0' || (1 + id % 8) || '-' || {_DAY.format(of='id')} || 'T02:00:00.000000Z', null, 1, '' "
    f"from cycle where id < {PAST}"
)
_VISITS = Sql(
    "insert into visit (cycle_id, stage, number, state, entered_at, due, submitted_at, submitted_by, decided_at, "
    "outcome, revision, order_kind, need) select c.id, :stage, 1, 'done', "
    f"'2025-0' || :month || '-' || {_DAY.format(of='c.id % 9')} || 'T0' || (c.id % 9) || ':00:00.000000Z', "
    f"'2025-0' || :month || '-20', '2025-0' || :month || '-' || {_DAY.format(of='(c.id * 7) % 24')} || "
    "'T0' || (c.id % 7) || ':00:00.000000Z', c.responsible_id, "
    f"'2025-0' || :month || '-' || {_DAY.format(of='(c.id * 7) % 24 + 3')} || 'T0' || (c.id % 5) || ':00:00.000000Z', "
    f"'approved', 1, 'any', 1 from cycle c where c.id >= {PAST}"
)
_REVIEW = Sql(f"update cycle set leaf = 'review' where id % 10 = 3 and id < {PAST}")
_ASKED = Sql(f"update work_item set kind = 'decide', due = '2025-09-12' where cycle_id % 10 = 3 and cycle_id < {PAST}")
_LATE = Sql(f"update cycle set due = '2025-09-10' where id % 20 = 4 and id < {PAST}")
_WARNINGS = Sql(
    "insert into warning (id, college_id, cycle_id, subject_id, point_id, kind, severity, state, breached, inside, "
    "opened_at, value, limit_text, confirmed_at, closed_at) select c.id || '.' || :no, 1, c.id, c.subject_id, "
    "1 + c.id % 4, 'breach', case when c.id % 3 = 0 then 'major' else 'minor' end, :state, true, 0, "
    f"'2025-0' || (1 + c.id % 8) || '-' || {_DAY.format(of='c.id')} || 'T02:00:00.000000Z', 40, '>= 45', :settled, "
    f":settled from cycle c where c.id % :step = :slot and (:past or c.id < {PAST})"
)
_POINT = Sql(
    "insert into control_point (id, college_id, key, layer, name_zh, name_en, unit, cadence, direction, target, "
    "warn_lower, body) values (:id, 1, :key, 'course', :key, :key, '%', 'monthly', 'higher', 50, 45, '{}')"
)
_BATCH = Sql("insert into batch (id, college_id, digest, rows, accepted_at, by) values (1, 1, 'bench', 1, :at, 1)")
_READINGS = Sql(
    "insert into reading (college_id, point_id, subject_id, at, value, source, version, batch_id) select 1, :point, "
    "s.id, :at, 40 + (s.id * :salt) % 25, 'bench', 1, 1 from subject s where s.college_id = 1"
)
_GOALS = Sql(
    "insert into goal (college_id, source, layer, key, text_zh, text_en, unit_codes, target, weight, body, direction, "
    "starts, ends, subject_id, point_id) select 1, 'cycle', s.layer, 'g' || s.id, s.name, s.name, '[]', 50, 1, '{}', "
    "'higher', '2025-09-01', '2026-08-31', s.id, 1 + s.id % 4 from subject s where s.college_id = 1"
)
_TASK = (
    "id", "college_id", "plan", "no", "title_zh", "title_en", "departments", "owner_unit_id", "task_kind", "origin",
    "due", "recurs", "state", "late_warned", "body", "year", "loaded", "version",
)  # fmt: skip
_TERM = ("college_id", "key", "name_zh", "name_en", "starts", "ends")


def past(driver: Driver, stages: Sequence[tuple[str, int]]) -> None:
    """Write last year's closed cycles with a visit of each stage, due in a month of their last term."""
    driver.run(_CLOSED)
    for stage, month in stages:
        driver.run(_VISITS, {"stage": stage, "month": str(month)})
    for sql in (_REVIEW, _ASKED, _LATE):
        driver.run(sql)


def terms(driver: Driver, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write terms: (key, first day, last day)."""
    driver.insert_rows("term", _TERM, [(1, key, key, key, first, last) for key, first, last in rows])


def points(driver: Driver) -> None:
    """Write control points with limits."""
    for point in range(1, POINTS + 1):
        driver.run(_POINT, {"id": point, "key": f"point{point}"})


def measured(driver: Driver, times: Sequence[str]) -> None:
    """Write points, a reading of each subject and point at each instant, and goals that they measure."""
    points(driver)
    driver.run(_BATCH, {"at": times[0]})
    for point in range(1, POINTS + 1):
        for salt, at in enumerate(times, point):
            driver.run(_READINGS, {"point": point, "at": at, "salt": salt})
    driver.run(_GOALS)
    driver.run(_WARNINGS, {"no": 1, "state": "opened", "settled": None, "step": 10, "slot": 1, "past": False})
    settled = {"no": 2, "state": "closed", "settled": "2025-06-15T02:00:00.000000Z", "step": 5, "slot": 2, "past": True}
    driver.run(_WARNINGS, settled)


def tasks(driver: Driver, many: int, units: int) -> None:
    """Write tasks of the year over units and months, a third of them done."""
    states = ("done", "going", "planned")
    rows = [(n, 1, "year", n, f"t{n}", f"t{n}", "[]", 1 + n % units, ("key", "routine", "ad_hoc")[n % 3], "plan",
             f"2025-{9 + n % 4:02d}-{1 + n % 28:02d}", False, states[n % 3], False, "{}", 2025, False, 1)
            for n in range(1, many + 1)]  # fmt: skip
    driver.insert_rows("plan_task", _TASK, rows)
