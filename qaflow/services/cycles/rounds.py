"""Starting cycles: many at once when their period begins, or one on demand (engine rules, 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial

from qaflow.engine import decide as engine
from qaflow.engine import periods
from qaflow.engine.college import Track
from qaflow.engine.decide import Refusal
from qaflow.engine.machine import Compiled
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import Missing, QaflowError, Refused
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.work import AnySession, Origin, Writer
from qaflow.store import journal, ledger, rounds
from qaflow.store.db import Driver, utc

from . import successors
from .acting import Acting, hold, refusal
from .launching import Plan, context, plan, sheets_of, start_alike, start_args
from .scheduling import Next, following, period_of

BATCH = 1000
RECHECK = dt.timedelta(days=1)  # an unstarted cycle is looked at again the next day
UNCLOSED = ("running", "suspended")
Forms = Callable[[str], Compiled]
MOST_UNCLOSED = 2  # a third unclosed cycle of a subject and track is not started


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
