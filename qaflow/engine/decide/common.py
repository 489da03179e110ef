"""What every decision shares: facts, refusals, the context, deadlines and work items."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .. import conditions, ladder, periods
from ..calendar import Calendar
from ..definition import Definition, Stage
from ..machine import AUTOMATIC, CLOSED, Arrow, Compiled
from ..snapshot import RUNNING, Data, Snapshot

SYSTEM = None


class Fact(NamedTuple):
    """Something that happened: a past participle with its data (results, not inputs)."""

    kind: str
    data: Data


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a command was refused: a stable code, a sentence, and what would be allowed."""

    code: str
    detail: str
    allowed: tuple[str, ...] = ()
    kind: str = "state"  # state (409), right (403), data (422), stale (412)
    errors: tuple[Data, ...] = ()


class Refused(Exception):
    """Carries a refusal out of a nested rule to `decide`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The frozen circumstances of a decision, loaded by the service: who, when, resolved people, content."""

    moment: dt.datetime
    now: str  # the same instant as stored text
    today: dt.date  # its day in the college's zone
    calendar: Calendar
    actor: int | None = None  # None is the system
    for_: int | None = None  # the absent person, where a deputy acts
    signers: tuple[int, ...] = ()  # who decides, already moved up the line where needed
    need: int = 1
    raised: str | None = None  # why the decision went up the line
    responsible: int | None = None  # who owes the next submission
    content: str | None = None  # hash of the content handed in
    values: Mapping[str, Any] = field(default_factory=dict)  # that content
    evidence: int = 0
    unanswered: tuple[str, ...] = ()  # points of the frame that the stage must answer and has not
    children: int = 0  # children still running
    carried: tuple[Data, ...] = ()  # what the last stage leaves over
    holder: int | None = None  # a person named by the command, resolved

    @property
    def effective(self) -> int | None:
        """The person whose right is used: the absent one, where a deputy acts."""
        return self.for_ if self.for_ is not None else self.actor


def refuse(code: str, detail: str, *, kind: str = "state", allowed: tuple[str, ...] = (), **errors: Any) -> Refused:
    """Return the exception that carries a refusal."""
    return Refused(Refusal(code=code, detail=detail, kind=kind, allowed=allowed, errors=errors.get("errors", ())))


def who(ctx: Context) -> Data:
    """Return the actor part of a fact: ``by`` and, for a deputy, ``for``."""
    return {"by": ctx.actor} if ctx.for_ is None else {"by": ctx.actor, "for": ctx.for_}


def allowed(compiled: Compiled, snap: Snapshot) -> tuple[str, ...]:
    """Return the machine's triggers that the snapshot's leaf answers."""
    return tuple(t for t in compiled.triggers.get(snap.state, ()) if t != "follow")


def require(compiled: Compiled, snap: Snapshot, trigger: str) -> None:
    """Refuse a trigger that the machine does not know in this leaf, or in a cycle that does not run."""
    if snap.status != RUNNING:
        raise refuse("transition.not_allowed", f"cycle {snap.id} is {snap.status}: {trigger} is not possible",
                     allowed=("resume", "cancel") if snap.status == "suspended" else ())  # fmt: skip
    if (snap.state, trigger) not in compiled.table:
        raise not_allowed(compiled, snap, trigger)


def not_allowed(compiled: Compiled, snap: Snapshot, action: str, why: str = "") -> Refused:
    """Return the refusal of an illegal move, with the moves that are allowed."""
    can = actions(compiled, snap)
    detail = f"cannot {action} cycle {snap.id} in {snap.state}{': ' + why if why else ''}; possible: {', '.join(can)}"
    return refuse("transition.not_allowed", detail, allowed=can)


def actions(compiled: Compiled, snap: Snapshot) -> tuple[str, ...]:
    """Return every action that the cycle's state allows to somebody (rights apart)."""
    if snap.status == "suspended":
        return ("comment", "copy", "resume", "cancel")
    if snap.status != RUNNING:
        return ("comment", "copy")
    found = [*_slow(compiled, snap), *_quick(snap)]
    if snap.leaf == "review":
        found.append("add_signer")
    if any(s.state == "open" for s in snap.sheets.values()):
        found.append("record")
    if any(i.state == "open" for i in snap.items.values()):
        found += ["remind", "transfer", "extend"]
    return (*found, "warn", "comment", "copy", "suspend", "cancel")


def _slow(compiled: Compiled, snap: Snapshot) -> list[str]:
    """Return the actions on the slow loop; an answer to a proposed reopening is one of them."""
    found = [t for t in allowed(compiled, snap) if t in ("submit", "withdraw", "approve", "reject", "return", "reopen")]
    proposed = any(w.proposal for w in snap.open_warnings())
    if snap.leaf == "review" and snap.stage == compiled.definition.hinge and snap.open_warnings():
        found.remove("approve")
    if snap.leaf == "review" and snap.visit.signed:
        found.remove("withdraw")
    return found + [a for a in ("approve", "reject") if proposed and a not in found]


def _quick(snap: Snapshot) -> list[str]:
    live = snap.open_warnings()
    free = {w.state for w in live if not w.proposal}
    found = [a for a, s in (("acknowledge", {"opened"}), ("correct", {"acknowledged", "correcting"}),
                            ("confirm", {"correcting"})) if s & free]  # fmt: skip
    return [*found, "dismiss"] if live else found


def due_day(stage: Stage, start: str, end: str, ctx: Context, revisit: bool) -> dt.date:
    """Return the day on which a stage entered now is due; one without a deadline is due with the period."""
    period = periods.Period(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
    day = periods.stage_day(stage, period, ctx.today, ctx.calendar, revisit=revisit)
    return ctx.calendar.next_working(period.last) if day is None else day


def item(snap_no: int, kind: str, stage: str, visit: int, holder: int | None, due: dt.date,
         definition: Definition, ctx: Context, ref: str | None = None) -> Data:  # fmt: skip
    """Return a new work item with the instant of its first rung."""
    row: Data = {"no": snap_no, "kind": kind, "stage": stage, "visit": visit, "holder": holder, "due": due.isoformat()}
    rung = first_rung(definition, due, ctx.calendar)
    if rung:
        row["level_at"] = rung
    if ref is not None:
        row["ref"] = ref
    return row


def first_rung(definition: Definition, due: dt.date, calendar: Calendar) -> str | None:
    """Return the instant of the ladder's first level for a deadline, or None without a ladder."""
    return rung_at(definition, due, 0, calendar)


def rung_at(definition: Definition, due: dt.date, fired: int, calendar: Calendar) -> str | None:
    """Return the instant of the level after ``fired``, or None where the ladder has ended."""
    if fired >= len(definition.ladder):
        return None
    return stamp(ladder.next_rung(definition.ladder, due, fired, calendar).at)  # type: ignore[union-attr]


def stamp(moment: dt.datetime) -> str:
    """Return an aware instant as the fixed-width UTC text in which it is stored."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")[:26] + "Z"


def working(ctx: Context, days: int) -> dt.date:
    """Return the day ``days`` working days from today."""
    return ctx.calendar.add_working(ctx.today, days)


def enter(compiled: Compiled, snap: Snapshot, stage_key: str, ctx: Context, first_no: int | None = None,
          voids: tuple[str, ...] = (), demanded: str | None = None) -> tuple[Data, list[Data]]:  # fmt: skip
    """Return the ``enter`` part of a fact and the items that it opens.

    Stopped work items of the stage (a correction had reopened an earlier one) resume with the days they had left.
    """
    definition = compiled.definition
    stage = definition.by_key[stage_key]
    before = snap.visits.get(stage_key)
    visit = before.number + 1 if before else 1
    leaf = compiled.entry(stage_key, demanded or snap.demanded()).partition(".")[2]
    due = due_day(stage, snap.start, snap.end, ctx, revisit=before is not None)
    data: Data = {"stage": stage_key, "leaf": leaf, "visit": visit, "due": due.isoformat()}
    if stage.auto_advance:
        data["auto_at"] = stamp(ctx.calendar.deadline_instant(due))
    if voids:
        data["voids"] = list(voids)
    resumes = _resumes(definition, snap, stage_key, visit, ctx)
    if resumes:
        data["resumes"] = resumes
    if any(snap.items[r["no"]].kind == "submit" for r in resumes):
        return data, []
    no = snap.item_no + 1 if first_no is None else first_no
    return data, [item(no, "submit", stage_key, visit, ctx.responsible, due, definition, ctx)]


def _resumes(definition: Definition, snap: Snapshot, stage: str, visit: int, ctx: Context) -> list[Data]:
    stopped = [i for i in snap.items.values() if i.state == "stopped" and i.stage == stage]
    return [again(definition, i.no, i.left or 0, ctx, i.level) | {"visit": visit} for i in stopped]


def again(definition: Definition, no: int, left: int, ctx: Context, level: int = 0) -> Data:
    """Return the new deadline of a stopped item that had ``left`` working days."""
    due = ladder.again(ctx.calendar, ctx.moment, left)
    row: Data = {"no": no, "due": due.isoformat()}
    rung = rung_at(definition, due, level, ctx.calendar)
    return row | ({"level_at": rung} if rung else {})


def left_of(due: str, ctx: Context) -> int:
    """Return the working days left until a deadline, negative when it has passed."""
    return ladder.left(ctx.calendar, ctx.moment, dt.date.fromisoformat(due))


def numbers(items: list[Any]) -> list[int]:
    """Return the numbers of work items."""
    return [i.no for i in items]


def onward(compiled: Compiled, snap: Snapshot, trigger: str, ctx: Context) -> str:
    """Return the stage (or ``closed``) to which a trigger leads from here, its conditions regarded."""
    for arrow in compiled.table[(snap.state, trigger)]:
        if _open_way(arrow, snap, ctx):
            return arrow.dest.partition(".")[0]
    raise not_allowed(compiled, snap, trigger, "no way on holds for this content")


def by_itself(compiled: Compiled, snap: Snapshot, ctx: Context) -> bool:
    """Tell whether an automatic move takes this submission on without a decision."""
    ways = [a for a in compiled.table[(snap.state, "submit")] if AUTOMATIC in a.guards]
    return any(_open_way(a, snap, ctx) for a in ways)


def _open_way(arrow: Arrow, snap: Snapshot, ctx: Context) -> bool:
    return all(holds(g.removeprefix("when:"), snap, ctx) for g in arrow.guards if g.startswith("when:"))


def holds(text: str, snap: Snapshot, ctx: Context) -> bool:
    """Tell whether a condition holds for the content and the cycle as it stands."""
    return conditions.parse(text).holds(ctx.values, ctx.evidence, len(snap.open_warnings()), ctx.children)


def step(compiled: Compiled, snap: Snapshot, trigger: str, ctx: Context) -> Data:
    """Return the part of a fact that leaves the stage: the next one entered, or the close."""
    target = onward(compiled, snap, trigger, ctx)
    if target == CLOSED:
        return closing(snap, "complete", ctx)
    entered, items = enter(compiled, snap, target, ctx)
    return {"enter": entered, "items": items} if items else {"enter": entered}


def closing(snap: Snapshot, outcome: str, ctx: Context) -> Data:
    """Return the part of a fact that closes the cycle: open items dropped, what is left over named."""
    held = [i.no for i in snap.items.values() if i.state in ("open", "stopped") and i.kind != "submit"]
    data: Data = {"close": outcome}
    if held:
        data["drops"] = held
    if ctx.carried:
        data["carried"] = list(ctx.carried)
    return data
