"""One overdue item (督办): its ladder, its deadlines, what befell it, and a reminder that counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, cast

from qaflow.engine import decide as engine
from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import Definition, Label
from qaflow.engine.snapshot import Data
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import page as cycle_page
from qaflow.services.cycles import rights as cycle_rights
from qaflow.services.cycles.acting import Acting, hold
from qaflow.services.cycles.page import CyclePage
from qaflow.services.once import Once
from qaflow.services.policy import Reach
from qaflow.services.sweeping.escalating import Supervisors
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import cycles as cycle_rows
from qaflow.store import escalations as rows
from qaflow.store import people
from qaflow.store.db import Driver, instant, reading
from qaflow.store.escalations import Fired, Row
from qaflow.store.sweep import LateItem

from .escalations import Rung, reaches, reminders, rungs, stage_of, track_of

SOON = timedelta(minutes=10)  # so long a second reminder by the same person is the same one
OF_ITEM = ("DeadlineExtended", "DeadlineMoved", "ItemTransferred", "ItemReminded", "WorkEscalated")
"""Kinds of facts that tell what befell a work item since it was opened."""



class Deadline(NamedTuple):
    """One deadline of an item: its number, its day, the levels that fired on it."""

    number: int
    due: str
    fired: tuple[Fired, ...]


class Event(NamedTuple):
    """Something that befell the item."""

    kind: str
    at: str
    who: str | None  # None: the system
    for_: str | None
    to: str | None
    data: Data
    texts: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One overdue item: its ladder, its deadlines, what befell it, and what this person may do about it."""

    row: Row
    page: CyclePage
    track: Label | None
    stage: Label | None
    ladder: tuple[Rung, ...]
    late: int | None  # working days; None where it is not late, or no calendar says
    acts: tuple[str, ...]
    mine: bool  # I hold it
    deadlines: tuple[Deadline, ...]
    events: tuple[Event, ...]
    reminded: int
    last: str | None
    preview: tuple[Rung, ...]  # with another deadline


def look(session: AnySession, origin: Origin, me: SignedIn, item: int, due: date | None = None) -> Case:
    """Return one item, with the ladder that another day would give; `Missing` where it is not theirs to oversee."""
    try:
        return _look(session, origin, me, item, due)
    except Missing:
        raise Missing("item.not_found", f"no work item {item}") from None
    finally:
        session.rollback()


def _look(session: AnySession, origin: Origin, me: SignedIn, item: int, due: date | None) -> Case:
    driver = reading(session)
    row = rows.one(driver, me.college, item) if me.college is not None else None
    if row is None or me.college is None:
        raise Missing("item.not_found", f"no work item {item}")
    college = view(session, driver, me.college)
    today = college.calendar.local_day(origin.now)
    sight, over = reaches(driver, college, me.person, today)
    scope = policy.Scope(college=college.id, subject=row.subject, layer=row.layer, unit=row.unit)
    overseen = over.covers(scope) or rows.came(driver, college.id, item, sight.params)
    if not overseen:
        raise Missing("item.not_found", f"no work item {item}")
    session.rollback()  # the page of a cycle reads in a transaction of its own
    page = cycle_page.look(session, origin, row.cycle)
    driver = reading(session)
    return _case(session, driver, origin, college, sight, row, page, today, due)


def _case(session: AnySession, driver: Driver, origin: Origin, college: CollegeView, sight: Reach, row: Row,
          page: CyclePage, today: date, due: date | None) -> Case:  # fmt: skip
    definition = page.definition
    fired = rows.fired(driver, college.id, [row.id]).get(row.id, [])
    names = _addressees(driver, college, definition, row, today)
    told = reminders(rows.reminded(driver, [row.cycle])).get((row.cycle, row.no), [])
    events = _events(driver, page, row)
    anew = row._replace(due=due.isoformat(), level=0, next_level=None, next_at=None) if due else None
    return Case(
        row=row, page=page, track=track_of(college, row), stage=stage_of(definition, row),
        mine=row.holder == sight.person,
        ladder=rungs(college, definition, row, fired, sight, names), late=_late(college.calendar, row, today),
        acts=_acts(session, driver, origin, page, row), deadlines=_deadlines(row, events, fired), events=events,
        reminded=len(told), last=told[-1].at if told else None,
        preview=rungs(college, definition, anew, (), sight, names) if anew else (),
    )  # fmt: skip


def _late(calendar: Calendar, row: Row, today: date) -> int | None:
    try:
        late = calendar.working_between(calendar.next_working(date.fromisoformat(row.due)), today)
    except CalendarGap:
        return None
    return late if late > 0 and row.state == "open" else None


def _addressees(driver: Driver, college: CollegeView, definition: Definition, row: Row,
                today: date) -> dict[int, str | None]:  # fmt: skip
    """Return whom each level would ask today, by the rule by which the tick asks."""
    finder = Supervisors(driver, college, today.isoformat())
    item = LateItem(row.id, college.id, row.cycle, row.no, row.kind, row.holder, row.due, row.deadline_no, row.level,
                    row.next_at or "", row.layer, row.unit, row.subject, row.definition, 0, "")  # fmt: skip
    asked = {n: finder.of(level.to, item) for n, level in enumerate(definition.ladder, 1)}
    names = people.names(driver, sorted({p for p in asked.values() if p is not None}))
    return {n: names[p][0] if p in names else None for n, p in asked.items()}


def _acts(session: AnySession, driver: Driver, origin: Origin, page: CyclePage, row: Row) -> tuple[str, ...]:
    """Return what this person may do about the item; taking over is a transfer to oneself."""
    owed = next((one for one in page.owed if one.no == row.no), None)
    found: list[str] = [a for a in ("remind", "extend", "transfer") if owed is not None and a in owed.acts]
    if "transfer" in found and not owed.mine and _may_take(session, driver, origin, row):  # type: ignore[union-attr]
        found.append("take_over")
    return tuple(found)


def _may_take(session: AnySession, driver: Driver, origin: Origin, row: Row) -> bool:
    loaded = cycle_rows.load(driver, row.cycle, lock=False)
    if loaded is None:
        return False
    acting = Acting(session, cast(Driver, Once(driver)), origin, *loaded, Writer(driver, origin))
    args = {"item": row.no, "reason": "?"}
    found = engine.decide(acting.compiled, acting.snap, "transfer", args, acting.context(holder=origin.person))
    return not isinstance(found, engine.Refusal)


def _events(driver: Driver, page: CyclePage, row: Row) -> tuple[Event, ...]:
    facts = [f for f in page.history if f["kind"] in OF_ITEM and f["data"].get("item") == row.no]
    names = people.names(driver, sorted({f["data"]["to"] for f in facts if f["data"].get("to")}))
    return tuple(
        Event(f["kind"], f["at"], f["actor"], f["on_behalf_of"],
              names.get(f["data"].get("to") or 0, (None,))[0], f["data"], f["texts"])
        for f in facts
    )  # fmt: skip


def _deadlines(row: Row, events: Sequence[Event], fired: Sequence[Fired]) -> tuple[Deadline, ...]:
    """Return every deadline that the item had, the present one last."""
    days = {e.data["deadline_no"] - 1: e.data["from"] for e in events if e.kind == "DeadlineExtended"}
    days[row.deadline_no] = row.due
    return tuple(
        Deadline(number, day, tuple(one for one in fired if one.deadline_no == number))
        for number, day in sorted(days.items())
    )


def remind(session: AnySession, origin: Origin, cycle: int, args: Data, revision: int | None = None) -> bool:
    """Remind a work item's holder; the same person's second reminder in a few minutes is the first one again."""
    checked = cycles.check_args("remind", args)

    def body(driver: Driver) -> bool:
        acting = hold(session, driver, origin, cycle)
        cycle_rights.for_whom(acting, "remind", checked)
        told = reminders(rows.reminded(driver, [cycle]))
        just = [one for (_, no), all_ in told.items() if str(no) == str(checked.get("item")) for one in all_
                if one.actor == origin.actor and origin.now - instant(one.at) < SOON]  # fmt: skip
        if not just:
            cycles.act(acting, "remind", checked, revision)
            cycles.finish(acting)
        return not just

    return transact(session, body)
