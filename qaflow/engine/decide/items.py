"""Decisions on work items and sheets: transfer, extend, remind, add a signer, copy, comment, record, escalate."""

from __future__ import annotations

import datetime as dt
from typing import Any

from qaflow.errors import Invalid

from .. import periods
from ..calendar import Calendar
from ..dates import iso_day
from ..machine import Compiled
from ..snapshot import Data, Item, Snapshot
from . import common, warnings
from .common import Context, Fact, refuse

SKIP = "skip"  # the post a level goes to is empty: skipped and recorded


def find(snap: Snapshot, args: Data, action: str, fitting: list[Item]) -> Item:
    """Return the open work item that a command means: the one named, or the only one that fits."""
    if args.get("item") is not None:
        item = snap.items.get(_number(args["item"]))
        if item is None:
            raise refuse("item.not_found", f"cycle {snap.id} has no work item {args['item']}", kind="data")
        if item.state != "open":
            raise refuse("item.not_open", f"work item {item.no} is {item.state}: cannot {action} it")
        return item
    if not fitting:
        raise refuse("item.none", f"cycle {snap.id} has no open work item to {action}")
    if len(fitting) > 1:
        raise warnings.ambiguous("item", [i.no for i in fitting])
    return fitting[0]


def _number(text: Any) -> int:
    if isinstance(text, int | str) and not isinstance(text, bool) and str(text).isdecimal():
        return int(str(text)[:9])
    raise refuse("item.not_found", f"{text!r} is no work item's number", kind="data")


def _live(compiled: Compiled, snap: Snapshot, action: str) -> None:
    if snap.status != "running":
        raise common.not_allowed(compiled, snap, action)


def transfer(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Hand a work item to another person (转办)."""
    _live(compiled, snap, "transfer")
    item = find(snap, args, "transfer", snap.open_items())
    person = ctx.holder
    if person is None or person == item.holder:
        raise refuse("transfer.same", f"work item {item.no} already lies with that person", kind="data")
    _may_hold(snap, item, person)
    return [Fact("ItemTransferred", {"item": item.no, "to": person, "reason": args["reason"], **common.who(ctx)})]


def _may_hold(snap: Snapshot, item: Item, person: int) -> None:
    """Refuse to hand a decision to whoever's work it is about, or to somebody who decides it already."""
    barred: set[int | None] = set()
    if item.kind in ("decide", "sign") and item.ref is None:
        barred = {snap.responsible, snap.visit.submitted_by, snap.visit.for_}
        if person in snap.visit.signers:
            raise refuse("signer.twice", "that person is already asked to decide", kind="data")
    elif item.kind in ("decide", "confirm"):
        barred = {snap.responsible, snap.warnings[str(item.ref)].acknowledged_by}
    elif item.kind == "sheet" and snap.sheets[int(str(item.ref).removeprefix("sheet:"))].kind == "appraisal":
        barred = {snap.responsible}
    if person in barred:
        raise refuse("approval.own", "nobody decides or appraises their own work", kind="right")


def extend(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Grant a later deadline: a new deadline number, the levels fired stay on record."""
    _live(compiled, snap, "extend")
    item = find(snap, args, "extend", snap.open_items())
    if ctx.effective == item.holder or ctx.actor == item.holder:
        raise refuse("extend.own", "nobody extends their own work", kind="right")
    try:
        due = ctx.calendar.next_working(iso_day(args["due"]))
    except (TypeError, Invalid):
        raise refuse("date.invalid", f"due {args.get('due')!r}: a date YYYY-MM-DD is needed", kind="data") from None
    if due <= dt.date.fromisoformat(item.due) or due < ctx.today:
        raise refuse("extend.not_later", f"due {due} must be later than {item.due} and not before today", kind="data")
    data: Data = {"item": item.no, "from": item.due, "due": due.isoformat(), "deadline_no": item.deadline_no + 1}
    data |= {"reason": args["reason"], **common.who(ctx)}
    rung = common.first_rung(compiled.definition, due, ctx.calendar)
    if rung:
        data["level_at"] = rung
    if item.kind == "submit" and compiled.definition.by_key[snap.stage].auto_advance:
        data["auto_at"] = common.stamp(ctx.calendar.deadline_instant(due))
    return [Fact("DeadlineExtended", data)]


def recalendar(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Move the deadlines of open work to an edited calendar, one fact each (engine rules, 6).

    A deadline that was granted stays on its day, or moves off a day off; a stage's is reckoned from its period again,
    any other by the working days that it had.
    """
    former = args["former"]
    facts = []
    for item in snap.open_items():
        due = _anew(compiled, snap, item, former, ctx)
        rung = common.rung_at(compiled.definition, due, item.level, ctx.calendar)
        auto = snap.visit.auto_at if item.kind == "submit" else None
        moved_auto = common.stamp(ctx.calendar.deadline_instant(due)) if auto else None
        if due.isoformat() == item.due and rung == item.level_at and moved_auto == auto:
            continue
        data: Data = {"item": item.no, "from": item.due, "due": due.isoformat(), "reason": "calendar"}
        data |= {"level_at": rung} if rung else {}
        facts.append(Fact("DeadlineMoved", data | ({"auto_at": moved_auto} if moved_auto else {})))
    return facts


def _anew(compiled: Compiled, snap: Snapshot, item: Item, former: Calendar, ctx: Context) -> dt.date:
    due = dt.date.fromisoformat(item.due)
    opened = former.local_day(dt.datetime.fromisoformat(item.opened_at))
    if item.deadline_no > 1:
        return ctx.calendar.next_working(due)
    if item.kind != "submit":
        days = former.working_between(opened, due)
        return ctx.calendar.add_working(opened, days) if days > 0 else ctx.calendar.next_working(due)
    stage, again = compiled.definition.by_key[snap.stage], item.visit > 1
    period = periods.Period(dt.date.fromisoformat(snap.start), dt.date.fromisoformat(snap.end))
    if periods.stage_day(stage, period, opened, former, revisit=again) != due:
        return ctx.calendar.next_working(due)  # resumed or withdrawn: its day was reckoned otherwise
    return periods.stage_day(stage, period, opened, ctx.calendar, revisit=again) or ctx.calendar.next_working(due)


def remind(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Remind the holder of a work item (催办)."""
    _live(compiled, snap, "remind")
    item = find(snap, args, "remind", snap.open_items())
    return [Fact("ItemReminded", {"item": item.no, "to": item.holder, **common.who(ctx)})]


def add_signer(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Add a signer to the visit under review (加签): the number of signatures needed rises by one."""
    common.require(compiled, snap, "approve")
    if {ctx.actor, ctx.for_} & {snap.visit.submitted_by, snap.visit.for_} - {None}:
        raise refuse("approval.own", f"cannot add a signer to your own submission of stage {snap.stage}", kind="right")
    if ctx.effective not in snap.visit.signers:
        raise refuse("approval.not_signer", f"you are not asked to decide stage {snap.stage}", kind="right")
    person = ctx.holder
    if person in snap.visit.signers:
        raise refuse("signer.twice", "that person is already asked to decide", kind="data")
    if person in (snap.visit.submitted_by, snap.visit.for_, snap.responsible):
        raise refuse("approval.own", "the submitter cannot be a signer", kind="right")
    stage = compiled.definition.by_key[snap.stage]
    due = common.working(ctx, stage.decide.days)  # type: ignore[union-attr]
    item = common.item(snap.item_no + 1, "sign", stage.key, snap.visit.number, person, due, compiled.definition, ctx)
    data = {"stage": stage.key, "visit": snap.visit.number, "person": person, "need": snap.visit.need + 1}
    later = snap.visit.order == "sequence" and snap.visit.need > 1  # asked when it is their turn
    return [Fact("SignerAdded", data | {"items": [] if later else [item], **common.who(ctx)})]


def copy(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Send a copy to a person who may see the cycle (抄送)."""
    return [Fact("CopySent", {"to": ctx.holder, **common.who(ctx)})]


def comment(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Write a comment; whom it names stands in the fact, for they are told."""
    named: Data = {"mentioned": list(args["mentioned"])} if args.get("mentioned") else {}
    return [Fact("Commented", {"text": args["text"], **named, **common.who(ctx)})]


def evidence(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Attach a file, kept by its hash, to the current visit."""
    _live(compiled, snap, "attach")
    data = {"stage": snap.stage, "visit": snap.visit.number, "hash": args["hash"], "size": args["size"]}
    return [Fact("EvidenceAdded", data | {"name": args["name"], "media": args["media"], **common.who(ctx)})]


def issue(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Issue a planned diagnosis sheet that has come due, with its assessor's work item."""
    sheet = snap.sheets[args["no"]]
    form = compiled.definition.sheet(sheet.kind)
    days = form.days if form else 10
    due = max(dt.date.fromisoformat(sheet.due), common.working(ctx, days))
    data: Data = {"sheet": {"no": sheet.no, "state": "open", "assessor": ctx.holder, "due": due.isoformat()}}
    visit = snap.visit
    data["items"] = [common.item(snap.item_no + 1, "sheet", snap.stage, visit.number, ctx.holder, due,
                                 compiled.definition, ctx, f"sheet:{sheet.no}")]  # fmt: skip
    return [Fact("SheetIssued", data)]


def skip_sheet(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Drop a planned sheet that the definition's catch-up policy passes over."""
    return [Fact("SheetIssued", {"sheet": {"no": args["no"], "state": "dropped"}, "skipped": args["why"]})]


def record(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Record a diagnosis sheet; an appraisal is never recorded by the responsible person."""
    _live(compiled, snap, "record")
    fitting = [s for s in snap.sheets.values() if s.state == "open"]
    name = args.get("sheet")
    if name is None:
        if len(fitting) != 1:
            if not fitting:
                raise common.not_allowed(compiled, snap, "record", "no diagnosis sheet is open")
            raise warnings.ambiguous("sheet", [s.no for s in fitting])
        sheet = fitting[0]
    else:
        sheet = snap.sheets.get(_number(name))  # type: ignore[assignment]
        if sheet is None:
            raise refuse("sheet.not_found", f"cycle {snap.id} has no sheet {name}", kind="data")
        if sheet.state != "open":
            raise common.not_allowed(compiled, snap, "record", f"sheet {name} is {sheet.state}")
    require_assessor(snap, sheet, ctx)
    from .stages import gate_missing

    form = compiled.definition.sheet(sheet.kind)
    missing = gate_missing(_as_stage(form), snap, ctx) if form else []
    if missing:
        raise refuse("gate.missing", f"sheet {sheet.no}: " + "; ".join(m["message"] for m in missing), kind="data",
                     errors=tuple(missing))  # fmt: skip
    data: Data = {"sheet": {"no": sheet.no, "state": "done", "content": ctx.content, "recorded_by": ctx.actor}}
    closes = [i.no for i in snap.open_items("sheet", f"sheet:{sheet.no}")]
    return [Fact("SheetRecorded", data | {"closes": closes, **common.who(ctx)})]


def require_assessor(snap: Snapshot, sheet: Any, ctx: Context) -> None:
    """Refuse whom a diagnosis sheet is not for; an appraisal is never for the responsible person."""
    own = {ctx.actor, ctx.for_} & {snap.responsible} - {None}
    if sheet.kind == "appraisal" and own:
        raise refuse("approval.own", "an appraisal's assessor is never the responsible person", kind="right")
    if ctx.effective not in (sheet.assessor, *(i.holder for i in snap.open_items("sheet", f"sheet:{sheet.no}"))):
        raise refuse("sheet.not_assessor", f"sheet {sheet.no} is another assessor's", kind="right")


def _as_stage(form: Any) -> Any:
    from ..definition import Stage

    return Stage(key="sheet", name=form.name, form=form.form)


def escalate(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Fire the next level of an overdue work item's ladder (engine rules, 6)."""
    item = snap.items[args["item"]]
    if item.state != "open" or item.level_at is None or item.level_at > ctx.now:
        return []
    level = item.level + 1
    rung = compiled.definition.ladder[level - 1]
    data: Data = {"item": item.no, "deadline_no": item.deadline_no, "level": level, "role": rung.to,
                  "to": ctx.holder, "due_at": item.level_at}  # fmt: skip
    data["act"] = rung.act if ctx.holder is not None else SKIP
    if rung.act == "reassign" and ctx.holder is not None and item.kind in ("submit", "acknowledge", "correct"):
        data["holder"] = ctx.holder
    following = common.rung_at(compiled.definition, dt.date.fromisoformat(item.due), level, ctx.calendar)
    if following:
        data["level_at"] = following
    return [Fact("WorkEscalated", data)]
