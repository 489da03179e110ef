"""Launching alike cycles together: decided once, written with set statements (engine rules, 2)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qaflow.engine import periods
from qaflow.engine.college import Track
from qaflow.engine.decide import Context, Refusal
from qaflow.engine.fold import evolve
from qaflow.engine.machine import Compiled
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import Missing
from qaflow.services.college import CollegeView, compiled
from qaflow.services.work import AnySession, Origin
from qaflow.store import colleges, journal, rounds
from qaflow.store.db import Driver, utc

from .acting import refusal


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One track's cycles for one period, as decided once for all its subjects."""

    college: CollegeView
    track: Track
    period: periods.Period
    definition_id: int
    compiled: Compiled


def plan(session: AnySession, driver: Driver, college: CollegeView, track: Track, period: periods.Period) -> Plan:
    """Gather what all cycles of a round share; the newest published version of the definition is theirs."""
    found = colleges.newest(driver, track.definition)
    if found is None:
        raise Missing(
            "definition.not_found", f"track {track.key} needs the definition {track.definition}, which is not published"
        )
    return Plan(college=college, track=track, period=period, definition_id=found[0],
                compiled=compiled(session, driver, found[1]))  # fmt: skip


def sheets_of(one: Plan, since: dt.date) -> list[tuple[str, dt.date]]:
    """Return the dated diagnosis sheets of a cycle: each kind at each occurrence inside the period."""
    found = [
        (d.kind, day)
        for d in one.track.diagnoses
        for day in periods.occurrences(d.every, one.period, one.college.calendar, d.month)
        if day >= since
    ]
    return sorted(found, key=lambda s: (s[1], s[0]))


def start_args(one: Plan, subject: int, layer: str, unit: int, responsible: int | None, before: rounds.Former | None,
               parent: int | None, sheets: list[tuple[str, dt.date]]) -> Data:  # fmt: skip
    """Return the arguments of the engine's ``start``."""
    return {"subject": subject, "layer": layer, "track": one.track.key, "number": before.number + 1 if before else 1,
            "start": one.period.start.isoformat(), "end": one.period.end.isoformat(), "responsible": responsible,
            "unit": unit, "parent": parent, "previous": before.id if before else None, "sheets": sheets}  # fmt: skip


def context(college: CollegeView, origin: Origin, responsible: int | None) -> Context:
    """Return the circumstances of a start."""
    return Context(moment=origin.now, now=utc(origin.now), today=college.calendar.local_day(origin.now),
                   calendar=college.calendar, actor=origin.person, responsible=responsible)  # fmt: skip


def start_alike(driver: Driver, origin: Origin, one: Plan,
                rows: Sequence[tuple[rounds.Due, rounds.Former | None, rounds.Parent | None]]) -> int:  # fmt: skip
    """Start cycles that differ only in subject, people and number: decided once, written with set statements."""
    if not rows:
        return 0
    sheets = sheets_of(one, one.period.start)
    template = _Template(one, origin, sheets)
    ids = driver.reserve("cycle", len(rows))
    at, recorded = utc(origin.now), utc(origin.recorded)
    cycles, visits, items, sheet_rows, entries = [], [], [], [], []
    for cycle, (row, before, parent) in zip(ids, rows, strict=True):
        text = template.text(row, before, parent.id if parent else None)
        stream = f"cycle:{cycle}"
        head = journal.digest(journal.GENESIS, stream, 1, "CycleStarted", 1, at, recorded, origin.actor, None,
                              origin.door, origin.request, template.hash, text)  # fmt: skip
        entries.append((stream, 1, "CycleStarted", 1, at, recorded, origin.actor, None, origin.door, origin.request,
                        template.hash, text, journal.GENESIS, head))  # fmt: skip
        cycles.append(template.cycle(cycle, row, before, parent.id if parent else None, head))
        visits.append((cycle, *template.visit))
        items.append(template.item(cycle, row))
        sheet_rows += [(one.college.id, cycle, *s) for s in template.sheets]
    rounds.insert(driver, cycles, visits, items, sheet_rows)
    driver.insert_rows("journal", journal.COLUMNS, entries)
    track, period = one.track, one.period
    rounds.count_round(driver, one.college.id, track.layer, track.key, period.start.isoformat(), period.end.isoformat(),
                       at, len(rows))  # fmt: skip
    return len(rows)


class _Template:
    """The fact and the rows of a start, made once from the engine's decision with blanks for what differs."""

    def __init__(self, one: Plan, origin: Origin, sheets: list[tuple[str, dt.date]]) -> None:
        self.one, self.hash, self.at = one, one.compiled.definition.hash, utc(origin.now)
        args = start_args(one, 0, one.track.layer, 0, 0, None, None, sheets)
        facts = origin.decide(one.compiled, Snapshot(0), "start", args, context(one.college, origin, 0))
        if isinstance(facts, Refusal):
            raise refusal(facts)
        data = dict(facts[0].data)
        (item,) = data.pop("items")
        for name in ("subject", "number", "responsible", "unit"):
            data.pop(name)
        self._rest = json.dumps(data, ensure_ascii=False, separators=(",", ":"))[1:]
        shown = {k: v for k, v in item.items() if k != "holder"}
        self._item = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))[1:]
        self.snap = Snapshot(0)
        evolve(self.snap, *facts[0], self.at)
        visit, first = self.snap.visit, self.snap.items[1]
        self._first = first
        self._next_due = self.snap.next_due()
        self.visit = (visit.stage, visit.number, visit.state, self.at, visit.due, 0, "any", 0, visit.auto_at)
        self.sheets = [(s.no, s.kind, s.no, s.due, s.issue_at, s.state) for s in self.snap.sheets.values()]

    def text(self, row: rounds.Due, before: rounds.Former | None, parent: int | None) -> str:
        """Return the fact's data for one subject."""
        number = before.number + 1 if before else 1
        previous = f'"previous":{before.id},' if before else ""
        inside = f'"parent":{parent},' if parent is not None else ""
        return (
            f'{{"subject":{row.subject},"number":{number},"responsible":{row.responsible},"unit":{row.unit},{inside}'
            f'{previous}"items":[{{"holder":{row.responsible},{self._item}],{self._rest}'
        )

    def cycle(
        self, cycle: int, row: rounds.Due, before: rounds.Former | None, parent: int | None, head: str
    ) -> tuple[Any, ...]:
        """Return the cycle's row."""
        snap, one = self.snap, self.one
        visit = snap.visit
        return (
            cycle, one.college.id, row.subject, row.layer, one.track.key, before.number + 1 if before else 1, parent,
            one.definition_id, snap.start, snap.end, snap.status, snap.stage, snap.leaf, visit.number, 0, visit.due, 1,
            self._next_due, 0, snap.item_no, 0, snap.sheet_no, row.unit, row.responsible, before.id if before else None,
            False, self.at, snap.ends_at, 1, head,
        )  # fmt: skip

    def item(self, cycle: int, row: rounds.Due) -> tuple[Any, ...]:
        """Return the row of the first work item."""
        first = self._first
        return (
            self.one.college.id, cycle, row.subject, first.no, first.kind, first.stage, first.visit, row.responsible,
            row.responsible, row.unit, row.layer, self.at, first.due, 1, 0, 1 if first.level_at else None,
            first.level_at, "open",
        )  # fmt: skip
