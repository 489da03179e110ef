"""The floor of the overview: its figures by the standard library's `sqlite3`, for somebody who may see everything.

No right is asked, nothing is narrowed, nothing named: a statement a kind of rows, states and months counted by hand.
"""

from __future__ import annotations

import sqlite3

_MONTH = "substr({}, 1, 7)"
_STATEMENTS = (
    "select g.layer, g.ends < :today, (select r.value from reading r where r.college_id = 1 and "
    "r.point_id = g.point_id and r.subject_id = g.subject_id order by r.at desc, r.source desc, "
    "r.version desc limit 1) >= g.target, count(*) "
    "from goal g where g.college_id = 1 and g.retired_at is null group by 1, 2, 3",
    f"select severity, state in ('closed', 'dismissed'), {_MONTH.format('opened_at')}, {_MONTH.format('closed_at')}, "
    "count(*) from warning where college_id = 1 group by 1, 2, 3, 4",
    "select c.layer, case when c.leaf = 'review' then (select min(x.due) from work_item x where x.cycle_id = c.id and "
    "x.kind in ('decide', 'sign') and x.state = 'open') else c.due end < :today, count(*) from cycle c where "
    "c.college_id = 1 and c.status = 'running' group by 1, 2",
    f"select layer, outcome, {_MONTH.format('closed_at')}, count(*) from cycle where college_id = 1 and "
    "status = 'closed' and closed_at >= :year_ago group by 1, 2, 3",
    f"select task_kind, state, due < :today, {_MONTH.format('due')}, count(*) from plan_task where college_id = 1 and "
    "year = :year group by 1, 2, 3, 4",
)


def overview(connection: sqlite3.Connection, today: str) -> int:
    """Count what the overview counts; return how many rows that was."""
    year = int(today[:4])
    params = {"today": today, "year": year, "year_ago": f"{year - 1}{today[4:]}"}
    return sum(row[-1] for text in _STATEMENTS for row in connection.execute(text, params).fetchall())
