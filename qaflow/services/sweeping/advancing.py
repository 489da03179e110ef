"""The tick on cycles: auto-advance, diagnosis sheets, the end of a period (engine rules, 2 and 4).

Alike cycles are decided once and written with set statements; whatever is not alike goes through the same rules one
cycle at a time.  A batch of which one row was not as read is rolled back and its cycles go singly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qaflow.engine.decide import Context, Refusal
from qaflow.engine.fold import evolve
from qaflow.engine.machine import Compiled
from qaflow.engine.snapshot import Item, Snapshot, Visit
from qaflow.errors import CorruptHistory
from qaflow.services.accounts import lines as people
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import frame_gate, successors
from qaflow.services.cycles.acting import Acting, hold, require_open
from qaflow.services.work import AnySession, LostRace, Origin, Writer
from qaflow.store import content, journal, ledger, rounds, sweep
from qaflow.store import cycles as rows
from qaflow.store.db import Driver, utc

PROBE = 0  # the number of the imaginary cycle with which a group is decided


def plain_stage(form: Compiled, key: str) -> bool:
    """Tell whether a stage's gate is met whatever was written: then alike cycles need not be looked into."""
    stage = form.definition.by_key[key]
    needs = any(f.required or f.min_items for f in stage.form)
    return stage.auto_advance and not needs and not stage.gate and not stage.evidence and not stage.moves


def groups(session: AnySession, driver: Driver, due: Sequence[sweep.DueCycle], now: str) -> tuple[
        dict[tuple[Any, ...], list[sweep.DueCycle]], list[sweep.DueCycle]]:  # fmt: skip
    """Part the due cycles into groups that can be decided once, and the rest."""
    auto = sweep.auto_times(driver, [c.id for c in due])
    alike: dict[tuple[Any, ...], list[sweep.DueCycle]] = {}
    rest: list[sweep.DueCycle] = []
    plain = {
        (d, stage): plain_stage(compiled(session, driver, d), stage)
        for d, stage in {(c.definition, c.stage) for c in due}
    }
    for one in due:
        when = auto.get(one.id)
        calm = one.leaf in ("open", "monitor") and not one.open_warnings and one.responsible is not None
        ended = one.ends_at is not None and one.ends_at <= now
        if calm and when is not None and when <= now and not ended and plain[one.definition, one.stage]:
            key = (one.college, one.definition, one.stage, one.leaf, one.visit, one.start, one.end, one.ends_at)
            alike.setdefault(key, []).append(one)
        else:
            rest.append(one)
    return alike, rest


def advance_alike(session: AnySession, driver: Driver, origin: Origin,
                  group: list[sweep.DueCycle]) -> list[sweep.DueCycle]:  # fmt: skip
    """Advance a group with set statements; returns those that turned out to differ."""
    one = group[0]
    form = compiled(session, driver, one.definition)
    college = view(session, driver, one.college)
    target = form.follows[one.stage]
    now = utc(origin.now)
    if not target:
        return group
    usable, rest = _alike(driver, form, group, target[0], now)
    if not usable:
        return rest
    template = _Step(college, form, one, origin)
    sheets = sweep.planned_sheets(driver, one.college, [c.id for c, _ in usable])
    recorded = utc(origin.recorded)
    moves, ends, closes, visits, items, entries = [], [], [], [], [], []
    for cycle, no in usable:
        text = template.text(cycle, no)
        stream, seq = f"cycle:{cycle.id}", cycle.version + 1
        head = journal.digest(cycle.head, stream, seq, "StageAdvanced", 1, now, recorded, origin.actor, None,
                              origin.door, origin.request, one.definition, text)  # fmt: skip
        entries.append((stream, seq, "StageAdvanced", 1, now, recorded, origin.actor, None, origin.door, origin.request,
                        one.definition, text, cycle.head, head))  # fmt: skip
        moves.append(template.move(cycle, seq, head, sheets.get(cycle.id)))
        ends.append({"at": now, "cycle": cycle.id, "stage": cycle.stage, "number": cycle.visit})
        closes.append({"at": now, "college": cycle.college, "cycle": cycle.id, "no": no})
        visits.append((cycle.id, *template.visit))
        items.append(template.item(cycle))
    if not sweep.move(driver, moves, ends, closes):
        raise LostRace
    rounds.insert(driver, (), visits, items, ())
    driver.insert_rows("journal", journal.COLUMNS, entries)
    return rest


def _alike(driver: Driver, form: Compiled, group: list[sweep.DueCycle], target: str,
           now: str) -> tuple[list[tuple[sweep.DueCycle, int]], list[sweep.DueCycle]]:  # fmt: skip
    ids = [c.id for c in group]
    live = sweep.live_items(driver, ids)
    seen = sweep.visited(driver, ids, target)
    covering = form.definition.covering("implement")
    busy = sweep.with_children(driver, ids) if covering is not None and covering.key == group[0].stage else set()
    usable, rest = [], []
    for cycle in group:
        items = live.get(cycle.id, ())
        submits = [no for no, kind, state, _ in items if kind == "submit" and state == "open"]
        if (
            len(submits) == 1
            and all(i[2] != "stopped" for i in items)
            and cycle.id not in seen
            and cycle.id not in busy
        ):
            usable.append((cycle, submits[0]))
        else:
            rest.append(cycle)
    return usable, rest


class _Step:
    """The fact and rows of one auto-advance, made once from the engine's decision on an imaginary cycle."""

    def __init__(self, college: CollegeView, form: Compiled, one: sweep.DueCycle, origin: Origin) -> None:
        self.at = utc(origin.now)
        snap = Snapshot(PROBE, status="running", definition=one.definition, subject=one.subject, layer=one.layer,
                        unit=one.unit, start=one.start, end=one.end, ends_at=one.ends_at, stage=one.stage,
                        leaf=one.leaf, item_no=1, responsible=PROBE)  # fmt: skip
        snap.visits[one.stage] = Visit(stage=one.stage, number=one.visit, auto_at=self.at)
        snap.items[1] = Item(no=1, kind="submit", stage=one.stage, visit=one.visit, holder=PROBE)
        ctx = Context(moment=origin.now, now=self.at, today=college.calendar.local_day(origin.now),
                      calendar=college.calendar, responsible=PROBE)  # fmt: skip
        facts = origin.decide(form, snap, "advance", {}, ctx)
        if isinstance(facts, Refusal) or facts[0].kind != "StageAdvanced":
            raise LostRace
        data = facts[0].data
        (item,) = data["items"]
        self._head = f'{{"stage":{json.dumps(one.stage)},"visit":{one.visit},"revision":'
        self._enter = json.dumps(data["enter"], ensure_ascii=False, separators=(",", ":"))
        shown = {k: v for k, v in item.items() if k not in ("no", "holder")}
        self._item = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))[1:]
        evolve(snap, *facts[0], self.at)
        self.snap, visit = snap, snap.visit
        self._first = snap.items[item["no"]]
        self._next_due = snap.next_due()
        self.visit = (visit.stage, 1, "open", self.at, visit.due, 0, "any", 0, visit.auto_at)

    def text(self, cycle: sweep.DueCycle, no: int) -> str:
        """Return the fact's data for one cycle."""
        return (
            f'{self._head}{cycle.revision + 1},"closes":[{no}],"enter":{self._enter},'
            f'"items":[{{"no":{cycle.item_no + 1},"holder":{cycle.responsible},{self._item}]}}'
        )

    def move(self, cycle: sweep.DueCycle, version: int, head: str, sheet: str | None) -> dict[str, Any]:
        """Return the parameters that move the cycle's row."""
        times = [t for t in (self._next_due, sheet) if t]
        snap = self.snap
        return {"stage": snap.stage, "leaf": snap.leaf, "revision": cycle.revision + 1, "due": snap.visit.due,
                "next_due": min(times, default=None), "item_no": cycle.item_no + 1, "version": version, "head": head,
                "id": cycle.id, "was": cycle.version}  # fmt: skip

    def item(self, cycle: sweep.DueCycle) -> tuple[Any, ...]:
        """Return the row of the new work item."""
        first = self._first
        return (
            cycle.college, cycle.id, cycle.subject, cycle.item_no + 1, "submit", first.stage, 1, cycle.responsible,
            cycle.responsible, cycle.unit, cycle.layer, self.at, first.due, 1, 0, 1 if first.level_at else None,
            first.level_at, "open",
        )  # fmt: skip


def attend(session: AnySession, driver: Driver, origin: Origin, cycle: int, late: bool) -> list[str]:
    """Do everything that is due in one cycle; returns the kinds of facts. ``late`` says a sweep was missed."""
    return _attended(hold(session, driver, origin, cycle), late)


def _attended(acting: Acting, late: bool) -> list[str]:
    done: list[str] = []
    now = acting.writer.at
    if acting.snap.status == "running":
        done += _issue_sheets(acting, now, late)
        visit = acting.snap.visits[acting.snap.stage]
        if visit.auto_at and visit.auto_at <= now:
            done += [f.kind for f in acting.decide("advance", {}, _advance_context(acting))]
        if acting.snap.status == "running" and acting.snap.ends_at and acting.snap.ends_at <= now:
            done += _end_period(acting)
    cycles.finish(acting)
    if not done:
        _settle(acting, now)
    return done


def attend_many(session: AnySession, driver: Driver, origin: Origin, numbers: Sequence[int],
                late: bool) -> dict[int, list[str]]:  # fmt: skip
    """Do what `attend` does in several cycles, read ahead together; one that fails fails all of them."""
    found = rows.load_many(driver, numbers)
    done = {}
    with driver.settled():
        for number in numbers:
            try:
                with driver.savepoint():
                    done[number] = _attended(_ready(session, driver, origin, number, found.get(number)), late)
            except LostRace:  # one before it handed something over to this one
                with driver.savepoint():
                    done[number] = attend(session, driver, origin, number, late)
    return done


def _ready(session: AnySession, driver: Driver, origin: Origin, number: int,
           found: tuple[Snapshot, rows.Row] | None) -> Acting:  # fmt: skip
    if found is None:
        return hold(session, driver, origin, number)
    require_open(found[1], number)
    return Acting(session, driver, origin, *found, Writer(driver, origin))


def _settle(acting: Acting, now: str) -> None:
    """Put a due instant right that asked for nothing, so that no sweep turns on it for ever."""
    following = acting.snap.next_due()
    if following is not None and following <= now:
        raise CorruptHistory(
            "cycle.due", f"cycle {acting.snap.id} is due since {following}, and nothing can be done in it"
        )
    sweep.set_due(acting.driver, acting.snap.id, acting.snap.version, following)


def _issue_sheets(acting: Acting, now: str, late: bool) -> list[str]:
    """Issue what is due; of several sheets of a kind that were missed, the definition says which."""
    numbers = [s.no for s in acting.snap.sheets.values() if s.state == "planned" and s.issue_at <= now]
    policy = acting.compiled.definition.catch_up
    done = []
    for n, no in enumerate(numbers):
        sheet = acting.snap.sheets[no]
        same_later = any(acting.snap.sheets[o].kind == sheet.kind for o in numbers[n + 1 :])
        overdue = late and sheet.due < acting.today
        if (policy == "once" and same_later) or (policy == "skip" and overdue):
            acting.decide("skip_sheet", {"no": no, "why": policy}, acting.context())
            done.append("SheetSkipped")
            continue
        form = acting.compiled.definition.sheet(sheet.kind)
        role = form.assessor if form else "responsible"
        person = people.assessor(acting.driver, acting.college, acting.scope, role, acting.today,
                                 acting.snap.responsible, sheet.kind)  # fmt: skip
        done += [f.kind for f in acting.decide("issue", {"no": no}, acting.context(holder=person))]
    return done


def _advance_context(acting: Acting) -> Context:
    snap = acting.snap
    digest = snap.visits[snap.stage].content
    text = content.get(acting.driver, digest) if digest else None
    carried = tuple(successors.left_over(acting)) if successors.closes(acting) else ()
    return acting.context(
        values=json.loads(text) if text else {}, carried=carried,
        evidence=ledger.evidence_count(acting.driver, acting.row.college, snap.id, snap.stage),
        children=successors.running_children(acting.driver, snap.id), unanswered=frame_gate.unanswered(acting),
    )  # fmt: skip


def _end_period(acting: Acting) -> list[str]:
    lapses = acting.compiled.definition.on_period_end == "lapse"
    carried = tuple(successors.left_over(acting, whole=True)) if lapses else ()
    children = successors.running_children(acting.driver, acting.snap.id)
    return [f.kind for f in acting.decide("end_period", {}, acting.context(carried=carried, children=children))]


def end_subject(session: AnySession, driver: Driver, origin: Origin, college: int, subject: int) -> int:
    """Cancel the unclosed cycles of a subject whose time has ended; the reason stands in the fact."""
    ids = sweep.unclosed_of(driver, college, subject)
    for cycle in ids:
        acting = hold(session, driver, origin, cycle)
        if acting.snap.status == "cancelled":  # a child, ended with its parent
            continue
        acting.decide("cancel", {"reason": "subject.ended"}, acting.context())
        cycles.finish(acting)
    sweep.mark_ended(driver, subject)
    return len(ids)
