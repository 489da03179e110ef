"""Tasks past their planned finish: one warning in their owner's running cycle (engine rules, 1)."""

from __future__ import annotations

import datetime as dt
import json

from qaflow.services.college import CollegeView
from qaflow.services.points.breaches import Breaches
from qaflow.services.work import AnySession, Origin
from qaflow.store import late_tasks as rows
from qaflow.store.db import Driver

BATCH = 500
YEAR_PAST = dt.timedelta(days=300)  # a yearly task is planned anew so long after its finish


def settle_tasks(driver: Driver, college: int, today: dt.date) -> None:
    """Fit a loaded plan into the running year: yearly tasks recur, what was due before stands without a warning."""
    changed = []
    for task, month, recurs, due, _, body in rows.planned_tasks(driver, college):
        date = json.loads(body)["date"]
        if recurs and (month or date):
            wanted = due or _next_month_end(today, month or dt.date.fromisoformat(date).month).isoformat()
        else:
            wanted = date
        if wanted and wanted != due:
            changed.append((task, wanted, not recurs and wanted < today.isoformat()))
    rows.set_tasks_due(driver, changed)


def _renew_tasks(driver: Driver, college: int, today: dt.date, before: str) -> None:
    """Plan yearly tasks anew, long after their finish."""
    passed = rows.recurring_tasks(driver, college, before)
    ends = [(task, _next_month_end(today, dt.date.fromisoformat(due).month)) for task, due in passed]
    rows.set_tasks_due(driver, [(task, end.isoformat(), False) for task, end in ends])


def _next_month_end(today: dt.date, month: int) -> dt.date:
    """Return the last day of a month, of this year or the next, not before today."""
    for year in (today.year, today.year + 1):
        end = dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)
        if end >= today:
            return end
    raise AssertionError(month)


def warn_late_tasks(session: AnySession, driver: Driver, origin: Origin, college: CollegeView) -> int:
    """Open one warning for each task past its planned finish, in its owner's running cycle (engine rules, 1)."""
    today = college.calendar.local_day(origin.now)
    day = today.isoformat()
    _renew_tasks(driver, college.id, today, (today - YEAR_PAST).isoformat())
    late = rows.late_tasks(driver, college.id, day, BATCH)
    subjects = [s for _, _, s, _ in late if s is not None]
    breaches = Breaches(session, driver, origin, college)
    breaches.expect(subjects)
    for task, _, subject, _ in late:
        if subject is not None:
            breaches.open_warning(subject, {"task": task, "kind": "task", "severity": "minor"}, None)
        rows.task_warned(driver, task)
    breaches.finish()
    return len(late)
