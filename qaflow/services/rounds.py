"""Starting cycles: many at once when their period begins, or one on demand (engine rules, 2)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qaflow.engine import decide as engine
from qaflow.engine import periods
from qaflow.engine.calendar import CalendarGap
from qaflow.engine.college import Track
from qaflow.engine.decide import Context, Refusal
from qaflow.engine.machine import Compiled
from qaflow.engine.snapshot import Data, Snapshot, evolve
from qaflow.errors import Invalid, Missing, QaflowError, Refused
from qaflow.store import colleges, journal, ledger, rounds
from qaflow.store.db import Driver, utc

from . import successors
from .acting import Acting, hold, refusal
from .college import CollegeView, compiled, view
from .work import AnySession, Origin, Writer

BATCH = 1000
RECHECK = dt.timedelta(days=1)  # an unstarted cycle is looked at again the next day
UNCLOSED = ("running", "suspended")
Forms = Callable[[str], Compiled]
Next = tuple[str | None, str | None, str | None]  # next start, its instant, why unknown
MOST_UNCLOSED = 2  # a third unclosed cycle of a subject and track is not started


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One track's cycles for one period, as decided once for all its subjects."""

    college: CollegeView
    track: Track
    period: periods.Period
    definition_id: int
    compiled: Compiled


def rule_of(track: Track, ends: str | None = None) -> periods.Rule:
    """Return the period rule of a track; a project ends with its subject."""
    last = dt.date.fromisoformat(ends) if ends else None
    return periods.Rule(
        length=track.period.length, anchor=track.period.anchor or "09-01", start=track.period.from_, ends=last
    )


def period_of(college: CollegeView, track: Track, row: rounds.Due | None, day: dt.date, anchor: str | None = None,
              ends: str | None = None) -> periods.Period:  # fmt: skip
    """Return the period of a track, for a subject, that holds a day."""
    since = (row.anchor or row.starts) if row else anchor
    rule = rule_of(track, row.ends if row else ends)
    base = periods.anchor_date(rule, dt.date.fromisoformat(since) if since else day)
    return periods.period_at(rule, base, day, college.calendar)


def following(college: CollegeView, track: Track, row: rounds.Due, period: periods.Period) -> Next:
    """Return (next start, its instant, why unknown) after a period of a subject's track."""
    start = period.end
    if track.period.length == "project" or (row.ends and start.isoformat() > row.ends):
        return None, None, None
    try:
        period_of(college, track, row, start)
    except CalendarGap as gap:
        return start.isoformat(), utc(college.calendar.start_of(start)), gap.code
    return start.isoformat(), utc(college.calendar.start_of(start)), None


def first_start(
    college: CollegeView, track: Track, day: dt.date, anchor: str | None, ends: str | None
) -> tuple[str | None, str | None]:
    """Return the first period start on or after a day, for a subject that appears on it."""
    try:
        period = period_of(college, track, None, day, anchor, ends)
    except (CalendarGap, Invalid):
        return day.isoformat(), utc(college.calendar.start_of(day))
    start = period.start if period.start >= day else period.end
    if track.period.length == "project":
        start = max(period.start, day)
    if ends and start.isoformat() > ends:
        return None, None
    return start.isoformat(), utc(college.calendar.start_of(start))


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


def start_due(session: AnySession, driver: Driver, origin: Origin, college: int, limit: int = BATCH,
              held: Sequence[int] = ()) -> tuple[int, int]:  # fmt: skip
    """Start a batch of what is due; returns (started, looked at). Looked at 0 means nothing is due."""
    rows = rounds.due(driver, college, utc(origin.now), limit, held)
    return (start_rows(session, driver, origin, college, rows), len(rows)) if rows else (0, 0)


def start_rows(session: AnySession, driver: Driver, origin: Origin, college: int, rows: Sequence[rounds.Due]) -> int:
    """Start what schedule rows ask for, round by round."""
    seen = view(session, driver, college)
    groups: dict[tuple[str, str, str | None], list[rounds.Due]] = {}
    for row in rows:
        groups.setdefault((row.layer, row.track, row.next_start), []).append(row)
    inside = [g for g in groups if seen.track(g[0], g[1]).parent is not None]
    first = [g for g in groups if g not in inside]  # a containing cycle stands before its children start
    return sum(_start_group(session, driver, origin, seen, groups[g]) for g in (*first, *inside))


def _start_group(
    session: AnySession, driver: Driver, origin: Origin, college: CollegeView, rows: list[rounds.Due]
) -> int:
    """Start the cycles of one track that begin on one day: alike ones together, the rest one by one."""
    track = college.track(rows[0].layer, rows[0].track)
    by_period: dict[periods.Period, list[rounds.Due]] = {}
    later: list[tuple[int, str | None, str | None, str | None]] = []
    today = college.calendar.local_day(origin.now)
    known: dict[tuple[str | None, ...], periods.Period] = {}
    for row in rows:
        period = known.get(_lie(row))
        if period is None:
            try:
                period = period_of(
                    college, track, row, dt.date.fromisoformat(row.next_start) if row.next_start else today
                )
            except QaflowError as gap:
                later.append((row.id, row.next_start, utc(origin.now + RECHECK), gap.code))
                continue
            known[_lie(row)] = period
        by_period.setdefault(period, []).append(row)
    rounds.set_next(driver, later)
    return sum(_start_period(session, driver, origin, college, track, p, group) for p, group in by_period.items())


def _lie(row: rounds.Due) -> tuple[str | None, ...]:
    """Return what of a schedule row its periods hang on: most subjects of a track have the same."""
    return row.anchor or row.starts, row.ends, row.next_start


def _start_period(session: AnySession, driver: Driver, origin: Origin, college: CollegeView, track: Track,
                  period: periods.Period, rows: list[rounds.Due]) -> int:  # fmt: skip
    one = plan(session, driver, college, track, period)
    former = rounds.former(driver, college.id, track.key, [r.subject for r in rows])
    burdened = rounds.burdened(driver, college.id, track.key, [r.subject for r in rows])
    parents = _parents(driver, college, track, period, rows)
    alike, moved, started = [], [], 0
    forms = partial(compiled, session, driver)
    known: dict[tuple[str | None, ...], Next] = {}
    for row in rows:
        if _lie(row) not in known:
            known[_lie(row)] = following(college, track, row, period)
        onward = (row.id, *known[_lie(row)])
        before = former.get(row.subject, [])
        why = _unstarted(one, row, before, parents, forms)
        if why == "done":
            moved.append(onward)
        elif why == "overlap.close" or (why is None and row.subject in burdened):
            started += _start_one(session, driver, origin, one, row, before, parents)
            moved.append(onward)
        elif why is not None:
            moved.append(_not_started(one, row, why, origin))
        else:
            alike.append((row, before[-1] if before else None, parents.get(row.subject)))
            moved.append(onward)
    started += start_alike(driver, origin, one, alike)
    rounds.set_next(driver, moved)
    return started


def _parents(driver: Driver, college: CollegeView, track: Track, period: periods.Period,
             rows: Sequence[rounds.Due]) -> dict[int, rounds.Parent]:  # fmt: skip
    if track.parent is None:
        return {}
    subjects = [r.subject for r in rows]
    return rounds.parents(driver, college.id, track.parent, period.start.isoformat(), subjects)


def _unstarted(one: Plan, row: rounds.Due, before: list[rounds.Former], parents: dict[int, rounds.Parent],
               forms: Forms) -> str | None:  # fmt: skip
    """Return why a cycle is not started now, or None where nothing stands against it."""
    start = one.period.start.isoformat()
    if any(f.start == start for f in before) or (row.ends and start > row.ends):
        return "done"
    if row.responsible is None:
        return "responsible.missing"
    if one.track.parent is not None:
        parent = parents.get(row.subject)
        if parent is None or not _still_implementing(parent, forms):
            return "parent.not_running"
    unclosed = [f for f in before if f.status in UNCLOSED]
    policy = one.compiled.definition.overlap
    if unclosed and policy != "start":
        return f"overlap.{policy}"
    return "unclosed.two" if len(unclosed) >= MOST_UNCLOSED else None


def _still_implementing(parent: rounds.Parent, forms: Forms) -> bool:
    """Tell whether a containing cycle may still take children: until it has left its ``implement``."""
    definition = forms(parent.definition).definition
    implement = definition.covering("implement")
    return implement is None or definition.order.index(parent.stage) <= definition.order.index(implement.key)


def _not_started(
    one: Plan, row: rounds.Due, why: str, origin: Origin
) -> tuple[int, str | None, str | None, str | None]:
    """List a cycle as unstarted; when its whole period has passed, the next one is waited for."""
    if one.period.end <= one.college.calendar.local_day(origin.now):
        start, at, gap = following(one.college, one.track, row, one.period)
        return row.id, start, at, gap or why
    return row.id, one.period.start.isoformat(), utc(origin.now + RECHECK), why


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


def _start_one(session: AnySession, driver: Driver, origin: Origin, one: Plan, row: rounds.Due,
               before: list[rounds.Former], parents: dict[int, rounds.Parent]) -> int:  # fmt: skip
    """Start one cycle with what waits for it; a definition may close the former one first."""
    writer = Writer(driver, origin)
    _close_former(session, driver, origin, one, before, writer)
    parent = parents.get(row.subject)
    acting = begin(
        session, driver, origin, one, row, before[-1] if before else None, parent.id if parent else None, writer
    )
    acting.flush()
    writer.flush()
    return 1


def _close_former(session: AnySession, driver: Driver, origin: Origin, one: Plan, before: Sequence[rounds.Former],
                  writer: Writer) -> None:  # fmt: skip
    """Close what still runs from earlier periods, where the definition says so."""
    for former in before:
        if former.status in UNCLOSED and one.compiled.definition.overlap == "close":
            close_incomplete(session, driver, origin, former.id, writer)


def close_incomplete(session: AnySession, driver: Driver, origin: Origin, cycle: int, writer: Writer) -> None:
    """Close a cycle as incomplete: its open goals and problems are carried over."""
    acting = hold(session, driver, origin, cycle, writer)
    carried = tuple(successors.left_over(acting, whole=True))
    acting.decide("close", {"outcome": "incomplete"}, acting.context(carried=carried))
    acting.flush()
    successors.hand_over(acting)


def begin(session: AnySession, driver: Driver, origin: Origin, one: Plan, row: rounds.Due, before: rounds.Former | None,
          parent: int | None, writer: Writer, from_stage: str | None = None) -> Acting:  # fmt: skip
    """Start one cycle: its row, its first fact, then what was left over and what still warns."""
    today = one.college.calendar.local_day(origin.now)
    sheets = sheets_of(one, today if from_stage else one.period.start)
    args = start_args(one, row.subject, row.layer, row.unit, row.responsible, before, parent, sheets)
    args["from_stage"] = from_stage
    facts = origin.decide(one.compiled, Snapshot(0), "start", args, context(one.college, origin, row.responsible))
    if isinstance(facts, Refusal):
        raise refusal(facts)
    (cycle,) = driver.reserve("cycle", 1)
    _insert_bare(driver, one, row, before, parent, cycle, writer.at, facts[0].data)
    acting = hold(session, driver, origin, cycle, writer)
    acting.record(facts)
    waiting = ledger.waiting(driver, one.college.id, row.subject, one.track.key)
    if waiting:
        acting.decide("carry", {}, acting.context(carried=tuple(waiting)))
    orphans = rounds.orphans(driver, one.college.id, row.subject)
    if orphans:
        successors.receive(acting, orphans, None)
    period, track = one.period, one.track
    rounds.count_round(driver, one.college.id, track.layer, track.key, period.start.isoformat(), period.end.isoformat(),
                       writer.at, 1)  # fmt: skip
    if parent is not None:
        _tell_parent(session, driver, origin, parent, cycle, writer)
    return acting


def _insert_bare(driver: Driver, one: Plan, row: rounds.Due, before: rounds.Former | None, parent: int | None,
                 cycle: int, at: str, data: Data) -> None:  # fmt: skip
    """Insert the row that the first fact is then written onto (version 0, as no fact stands yet)."""
    values = (
        cycle, one.college.id, row.subject, row.layer, one.track.key, before.number + 1 if before else 1, parent,
        one.definition_id, one.period.start.isoformat(), one.period.end.isoformat(), "", "", "", 0, 0, None, 1, None,
        0, 0, 0, len(data.get("sheets", ())), row.unit, row.responsible, before.id if before else None,
        bool(data.get("adopted")), at, None, 0, journal.GENESIS,
    )  # fmt: skip
    driver.insert_rows("cycle", rounds.CYCLE_COLUMNS, [values])


def _tell_parent(session: AnySession, driver: Driver, origin: Origin, parent: int, child: int, writer: Writer) -> None:
    holder = hold(session, driver, origin, parent, writer)
    holder.record([engine.Fact("ChildStarted", {"child": child})])
    holder.flush()


def start_on_demand(session: AnySession, driver: Driver, origin: Origin, college: CollegeView, layer: str, code: str,
                    track_key: str, day: dt.date | None = None, from_stage: str | None = None) -> Acting:  # fmt: skip
    """Start (or adopt) one subject's cycle for the period that holds a day; refuses a second for the same period."""
    found = rounds.subject(driver, college.id, layer, code)
    if found is None:
        raise Missing("subject.not_found", f"no {layer} {code!r} in {college.key}")
    track = college.track(layer, track_key)
    row = rounds.scheduled(driver, college.id, found[0], track.key)
    if row is None:
        raise Missing("schedule.not_found", f"{layer} {code} does not run {track_key}")
    period = period_of(college, track, row, day or college.calendar.local_day(origin.now))
    one = plan(session, driver, college, track, period)
    before = rounds.former(driver, college.id, track.key, [row.subject]).get(row.subject, [])
    parents = _parents(driver, college, track, period, [row])
    why = _unstarted(one, row, before, parents, partial(compiled, session, driver))
    if why not in (None, "overlap.close"):
        assert why is not None
        raise Refused(f"start.{why.partition('.')[0]}" if why != "done" else "cycle.exists", _WHY.get(why, why))
    writer = Writer(driver, origin)
    _close_former(session, driver, origin, one, before, writer)
    parent = parents.get(row.subject)
    acting = begin(session, driver, origin, one, row, before[-1] if before else None, parent.id if parent else None,
                   writer, from_stage)  # fmt: skip
    acting.flush()
    if row.next_start is None or row.next_start <= period.start.isoformat():
        rounds.set_next(driver, [(row.id, *following(college, track, row, period))])
    writer.flush()
    return acting


_WHY = {
    "done": "this subject already has a cycle of the track for that period",
    "responsible.missing": "the subject has no responsible person",
    "parent.not_running": "the containing cycle does not run, or is past its implementation",
    "overlap.wait": "the cycle before is not closed, and the definition waits for it",
    "unclosed.two": "two cycles of this subject and track are not closed: a third is not started",
}
