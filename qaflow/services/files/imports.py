"""Imports of units, people and subjects: all or nothing, and the second time nothing changes.

What a file does not hold stays: an import adds and changes, it never takes away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qaflow.errors import Missing, Usage
from qaflow.services import policy
from qaflow.services.college import CollegeView, view
from qaflow.services.notices import notices
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges
from qaflow.store.db import Driver

from .cells import Column
from .tabular import Table, Watch, read


@dataclass(kw_only=True)
class Import:
    """One import within its transaction: what it reads, writes and counts."""

    session: AnySession
    driver: Driver
    writer: Writer
    origin: Origin
    college: CollegeView
    table: Table
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    granted: int = 0
    notices: list[str] = field(default_factory=list)
    given: dict[int, list[int]] = field(default_factory=dict)  # to whom tasks of the year are given, and which

    def fault(self, row: Any, key: str, code: str, detail: str) -> None:
        """Note a fault of a row's cell."""
        self.table.faults.add(row.line, row.place(key), code, f"{key}: {detail}")

    def has(self, key: str) -> bool:
        """Tell whether the file has a column: what it has not is left as it stands."""
        return key in self.table.columns


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of import: its columns, and what takes the rows over."""

    key: str
    columns: tuple[Column, ...]
    take: Callable[[Import], None]
    right: str = "accounts"  # what a person needs who sends it; the operator at the command line is no person
    scoped: bool = False  # a role in part of the college suffices: each row is checked for whose it is


class _Rehearsed(Exception):
    """Ends a dry run, so that its transaction is rolled back."""

    def __init__(self, report: dict[str, Any]) -> None:
        super().__init__()
        self.report = report


def kinds() -> dict[str, Kind]:
    """Return the kinds of import by key."""
    from . import chains, people, points, readings, subjects, tasks, units

    found = (units.UNITS, people.PEOPLE, subjects.SUBJECTS, chains.GOALS,
             chains.STANDARDS, points.POINTS, tasks.TASKS, readings.READINGS)  # fmt: skip
    return {kind.key: kind for kind in found}


def run(session: AnySession, origin: Origin, kind: str, data: bytes, name: str, *, college: str | None = None,
        dry_run: bool = False, encoding: str | None = None, allow_empty: bool = False,
        sheet: str | None = None, watch: Watch | None = None) -> dict[str, Any]:  # fmt: skip
    """Import a file into a college and return what was new, updated and unchanged.

    Raises `Invalid` with every fault of the file (``errors``, each with ``at``, ``line``, ``column``, ``code``); then
    nothing was written.  ``dry_run`` does everything and takes it back; ``watch`` is told of rows as they are read.
    """
    chosen = kinds()[kind]

    def body(driver: Driver) -> dict[str, Any]:
        seen = view(session, driver, _college(driver, college))
        if origin.person is not None:
            day = seen.calendar.local_day(origin.now).isoformat()
            if not (chosen.scoped and policy.anywhere(driver, seen.id, origin.person, chosen.right, day)):
                policy.require_role(driver, seen.id, origin.person, chosen.right, day)
        colleges.head(driver, seen.id)  # two imports into one college wait for each other
        table = read(data, name, chosen.columns, encoding, allow_empty, sheet, watch)
        run = Import(session=session, driver=driver, writer=Writer(driver, origin), origin=origin, college=seen,
                     table=table)  # fmt: skip
        chosen.take(run)
        table.faults.raise_any()
        report = _report(run, kind, dry_run)
        if run.new or run.updated or run.granted:
            _noted(run, kind, hashlib.sha256(data).hexdigest())
        run.writer.flush()
        if dry_run:
            raise _Rehearsed(report)
        return report

    try:
        return transact(session, body)
    except _Rehearsed as rehearsed:
        return rehearsed.report


def _noted(run: Import, kind: str, digest: str) -> None:
    """Let the fact of the import stand, and tell each person at once of all tasks that the file gives them."""
    fact, seen = "FileImported", run.college
    counts = {"kind": kind, "rows": len(run.table.rows), "new": run.new, "updated": run.updated, "digest": digest}
    more = {"given": sorted(run.given)} if run.given else {}
    seq = college_fact(run.driver, run.writer, seen.id, seen.key, fact, counts | more)
    for person in notices.recipients(fact, more):
        told = notices.of_tasks(fact, run.given[person])
        run.writer.notify(seen.id, f"college:{seen.key}", seq, fact, [person], told)


def _report(run: Import, kind: str, dry_run: bool) -> dict[str, Any]:
    counts = {"rows": len(run.table.rows), "new": run.new, "updated": run.updated, "unchanged": run.unchanged}
    more = {"granted": run.granted, "dry_run": dry_run, "notices": run.table.notices + run.notices}
    return {"kind": kind, "college": run.college.key, **counts, **more}


def _college(driver: Driver, key: str | None) -> int:
    return chosen_college(driver, key).id


def chosen_college(driver: Driver, key: str | None) -> colleges.CollegeRow:
    """Return the college that is named, or the only one there is."""
    found = colleges.everyone(driver)
    if key is None and len(found) == 1:
        return found[0]
    keys = ", ".join(one.key for one in found) or "none; type: qaflow init"
    if key is None:
        raise Usage("college.ambiguous", f"say which college with --college; there are {keys}")
    chosen = next((one for one in found if one.key == key), None)
    if chosen is None:
        raise Missing("college.not_found", f"no college {key!r}; there are {keys}")
    return chosen


def chain_of(parents: dict[str, str | None], start: str) -> list[str] | None:
    """Return the chain by which something lies under itself, or None."""
    trail = [start]
    above = parents.get(start)
    while above is not None:
        trail.append(above)
        if above == start:
            return trail
        if above in trail[:-1]:
            return None  # the loop is further up, and told of its own members
        above = parents.get(above)
    return None


def loops(parents: dict[str, str | None], members: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return (member, chain) of each loop once, told of the first of the members that lies in it."""
    told: set[str] = set()
    found = []
    for one in members:
        chain = None if one in told else chain_of(parents, one)
        if chain is not None:
            told.update(chain)
            found.append((one, chain))
    return found
