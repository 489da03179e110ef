"""Tasks of the year from a file, their months too: the sheets of `task_files`, edited in a spreadsheet, come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from qaflow.engine import grid
from qaflow.engine.definition import canonical
from qaflow.errors import Invalid
from qaflow.services.tasks.columns import COLUMNS, KIND_WORDS, NOTE_WORDS, ORIGIN_WORDS, SEPARATORS, key_of, owner_said
from qaflow.services.tasks.desk import Desk
from qaflow.services.tasks.fields import OWN_PLAN, cost_of
from qaflow.services.tasks.giving import given
from qaflow.store import profile
from qaflow.store import tasks as rows
from qaflow.store.tasks import Task, Unit

from .imports import Import, Kind
from .tabular import Row, unique

SAME_NAME = 5
SYSTEM_ACCOUNT = 1
DIGITS = 9
KEPT = ("state", "result")
"""Columns that leave with the tasks and are not taken back: a task is finished by whoever did it."""


Months = dict[str, str | None]
"""What is to be noted of months, None to take a note away."""


class _Taking:
    """One file of tasks on its way in."""

    def __init__(self, run: Import) -> None:
        self.run = run
        self.desk = Desk(run.session, run.driver, run.origin, run.college.id)
        self.standing = rows.everything(run.driver, run.college.id)
        self.notes = rows.notes(run.driver, run.college.id, [task.id for task in self.standing.values()])
        self.goals = {key: number for number, key, _, _ in rows.goals(run.driver, run.college.id, 100_000)}
        self.units = _by_name(self.desk)
        self.owners: dict[str, int | None] = {}
        self.by = run.origin.person or SYSTEM_ACCOUNT

    def take(self) -> None:
        """Add the tasks that are new, write those that differ, note the months that were changed."""
        self.run.table.rows[:] = [row.filled("plan", OWN_PLAN) for row in self.run.table.rows]
        wanted = [(row, *self._wanted(row)) for row in unique(self.run.table, "plan", "no")]
        months = {id(row): self._months(row, old, columns) for row, old, columns in wanted}
        self.run.table.faults.raise_any()
        fresh = [(row, columns) for row, old, columns in wanted if old is None]
        ids = rows.add(self.run.driver, self.run.college.id,
                       [self._new(row, columns, months[id(row)]) for row, columns in fresh])  # fmt: skip
        for number, (row, columns) in zip(ids, fresh, strict=True):
            self._note(number, months[id(row)])
            self._give(number, None, columns)
        changed = [self._write(old, columns, months[id(row)]) for row, old, columns in wanted if old is not None]
        self.run.new, self.run.updated = len(ids), sum(changed)
        self.run.unchanged = len(wanted) - len(ids) - sum(changed)
        if any(self.run.has(key) for key in KEPT):
            self.run.notices.append("state and result are not taken from a file: tasks are finished on their pages")

    def _new(self, row: Row, columns: dict[str, Any], months: Months) -> dict[str, Any]:
        past = bool(columns["due"] and columns["due"] < self.desk.today.isoformat())  # it stands without a warning
        return {**columns, **_begun(months, columns), "plan": row["plan"], "no": int(row["no"]), "late_warned": past}

    def _write(self, old: Task, columns: dict[str, Any], months: Months) -> bool:
        before = rows.columns(old)
        if columns == before and not months:
            return False
        again = columns["due"] != before["due"] and (columns["due"] or "") >= self.desk.today.isoformat()
        begun = _begun(months, columns) if old.state == grid.PLANNED else {}
        rows.change(self.run.driver, self.run.college.id, old, **{**columns, **begun}, again=again)
        self._note(old.id, months)
        if old.state not in (grid.DONE, grid.DROPPED):
            self._give(old.id, before, columns)
        return True

    def _give(self, task: int, before: dict[str, Any] | None, columns: dict[str, Any]) -> None:
        for person in given(self.desk, before, columns):
            self.run.given.setdefault(person, []).append(task)

    def _note(self, task: int, months: Months) -> None:
        for month, state in months.items():
            rows.note(self.run.driver, self.run.college.id, task, month, state, self.run.writer.at, self.by)

    def _wanted(self, row: Row) -> tuple[Task | None, dict[str, Any]]:
        no = row["no"] if str(row["no"]).isascii() and str(row["no"]).isdecimal() and len(row["no"]) <= DIGITS else None
        if no is None:
            self.run.fault(row, "no", "number.invalid", f"{row['no']!r} is no number of a task")
        old = self.standing.get((row["plan"], int(no or 0)))
        found = rows.columns(old) if old else dict.fromkeys(rows.FIELDS)
        found |= dict(self._cells(row, found))
        found["title_en"] = found["title_en"] or found["title_zh"]
        found["task_kind"], found["origin"] = found["task_kind"] or "routine", found["origin"] or "school"
        found["departments"] = found["departments"] or "[]"
        if found["starts"] and found["due"] and found["due"] < found["starts"]:
            self.run.fault(row, "due", "date.order", f"the finish {found['due']} lies before {found['starts']}")
        found["year"] = self._year(row, old, found["due"])
        return old, found

    def _year(self, row: Row, old: Task | None, due: str | None) -> int | None:
        """Return the year in which a task is planned: that of a new finish, as it stands, or as the file says."""
        if due and (old is None or due != old.due):
            return grid.year_of(self.desk.numbers, date.fromisoformat(due))
        return old.year if old is not None else self._said_year(row)

    def _said_year(self, row: Row) -> int | None:
        """Return the year whose months a row holds."""
        found: int | None = self._read(row, "year", _year) if row["year"] else None
        return found

    def _cells(self, row: Row, before: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Give the columns that the file holds, as they are stored."""
        yield "title_zh", row["title_zh"]
        for name, column in (("title_en", "title_en"), ("starts", "starts"), ("due", "due"), ("point", "point_code")):
            if self.run.has(name):
                yield column, row[name]
        for name, column, words in (("kind", "task_kind", KIND_WORDS), ("origin", "origin", ORIGIN_WORDS)):
            if self.run.has(name) and row[name]:
                yield column, key_of(words, row[name])
        if self.run.has("units"):
            codes = self._units(row)
            yield "departments", canonical(codes)
            yield "owner_unit_id", self.desk.by_code[codes[0]].id if codes else None
        if self.run.has("owner"):
            yield "owner_id", self._owner(row)
        if self.run.has("goal"):
            yield "goal_id", self._goal(row)
        if self.run.has("cost"):
            yield "cost", self._read(row, "cost", cost_of)

    def _read(self, row: Row, key: str, how: Any) -> Any:
        try:
            return how(row[key] or "")
        except Invalid as fault:
            self.run.fault(row, key, fault.code, fault.detail)
            return None

    def _units(self, row: Row) -> list[str]:
        found = []
        for said in row["units"] or ():
            unit = self.units.get(said)
            if unit is None:
                self.run.fault(row, "units", "ref.unknown_unit", f"no unit is called {said!r}, or several are")
            else:
                found.append(unit.code)
        return list(dict.fromkeys(found))

    def _owner(self, row: Row) -> int | None:
        said = owner_said(row["owner"]) if row["owner"] else None
        if said is None:
            return None
        if said not in self.owners:
            found = profile.colleagues(self.run.driver, self.run.college.id, said, SAME_NAME)
            exact = [c for c in found if c.login == said] or found
            self.owners[said] = exact[0].id if len(exact) == 1 else None
        if self.owners[said] is None:
            self.run.fault(row, "owner", "ref.unknown_user", f"no one person here has the login or name {said!r}")
        return self.owners[said]

    def _goal(self, row: Row) -> int | None:
        if row["goal"] and row["goal"] not in self.goals:
            self.run.fault(row, "goal", "ref.unknown_goal", f"no goal has the key {row['goal']!r}")
        return self.goals.get(row["goal"])

    def _months(self, row: Row, old: Task | None, columns: dict[str, Any]) -> Months:
        """Return the months of which the file says something else than the grid shows."""
        year = self._said_year(row) or columns["year"] or grid.year_of(self.desk.numbers, self.desk.today)
        notes = self.notes.get(old.id, {}) if old else {}
        found: Months = {}
        for month in grid.months(self.desk.numbers, year):
            key = f"m{int(month[5:])}"
            said = key_of(NOTE_WORDS, row[key])
            shown = grid.cell(self.desk.entry(old, notes), month, self.desk.today) if old else None
            if not self.run.has(key) or said == shown or (said is None and month not in notes):
                continue
            if old is not None and old.state in (grid.DONE, grid.DROPPED):
                self.run.fault(row, key, "task.closed", f"task {row['plan']} {row['no']} is {old.state}")
            elif month > grid.month_of(self.desk.today) and said not in (None, grid.PLANNED):
                self.run.fault(row, key, "month.ahead", f"{month} has not begun: it can only be planned")
            found[month] = said
        return found


def _begun(months: Months, columns: dict[str, Any]) -> dict[str, Any]:
    """Return what changes with the first work noted of a task: it is going."""
    worked = [month for month, state in months.items() if state in (grid.GOING, grid.DONE)]
    if not worked:
        return {}
    first = f"{min(worked)}-01"
    return {"state": grid.GOING, "starts": columns["starts"] or min(first, columns["due"] or first)}


def _by_name(desk: Desk) -> dict[str, Unit]:
    """Return the units by code, and by every name and alias that means one alone."""
    found: dict[str, Unit | None] = {}
    for unit in desk.units.values():
        for name in {unit.name_zh, unit.name_en, *json.loads(unit.aliases or "[]")} - {""}:
            found[SEPARATORS.sub("", name)] = None if name in found else unit
    return {name: unit for name, unit in found.items() if unit is not None} | desk.by_code


def _year(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and 1900 <= int(text) < 2200):
        raise Invalid("number.invalid", f"{text!r} is no year")
    return int(text)


def take(run: Import) -> None:
    """Take a file of tasks."""
    _Taking(run).take()


TASKS = Kind(key="tasks", columns=COLUMNS, take=take, right="task_files")
