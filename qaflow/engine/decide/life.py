"""Decisions on a cycle's life: start, suspend, resume, cancel, close, carry over, migrate."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from ..calendar import CalendarGap
from ..definition import Definition
from ..machine import Compiled, compile_definition
from ..snapshot import Data, Item, Snapshot
from . import common
from .common import Context, Fact, refuse

SHEET_DAYS = 10  # working days to fill a sheet whose form names none


def start(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Start a cycle in its first stage, or adopt one at ``from_stage`` (earlier stages stand as before the system)."""
    definition = compiled.definition
    if snap.status:
        raise refuse("cycle.exists", f"cycle {snap.id} already stands")
    first = args.get("from_stage") or definition.order[0]
    if first not in definition.by_key:
        raise refuse("stage.unknown", f"stage {first!r} is unknown; one of {', '.join(definition.order)}", kind="data")
    data: Data = {name: args[name] for name in ("subject", "layer", "track", "number", "start", "end", "responsible",
                                                "unit")}  # fmt: skip
    data["definition"] = definition.hash
    data["key"], data["of"] = definition.key, definition.version
    for name in ("parent", "previous", "reason"):
        if args.get(name) is not None:
            data[name] = args[name]
    data["ends_at"] = common.stamp(ctx.calendar.start_of(dt.date.fromisoformat(args["end"])))
    adopted = definition.order[: definition.order.index(first)]
    if args.get("from_stage"):
        data["adopted"] = list(adopted)
    if args.get("sheets"):
        data["sheets"] = _sheets(definition, args["sheets"], ctx)
    fresh = Snapshot(snap.id)
    fresh.start, fresh.end = args["start"], args["end"]
    entered, items = common.enter(compiled, fresh, first, ctx, first_no=1, demanded="monitor")
    return [Fact("CycleStarted", data | common.who(ctx) | {"enter": entered, "items": items})]


def _sheets(definition: Definition, planned: list[tuple[str, dt.date]], ctx: Context) -> list[Data]:
    rows = []
    for no, (kind, day) in enumerate(planned, 1):
        at = common.stamp(ctx.calendar.start_of(_issue_day(definition, kind, day, ctx)))
        rows.append({"no": no, "kind": kind, "due": day.isoformat(), "issue_at": at})
    return rows


def _issue_day(definition: Definition, kind: str, due: dt.date, ctx: Context) -> dt.date:
    """Return when a sheet is issued: so many working days before it is due, so that it can be filled in time."""
    form = definition.sheet(kind)
    try:
        return max(ctx.calendar.back_working(due, form.days if form else SHEET_DAYS), min(ctx.today, due))
    except CalendarGap:
        return due


def suspend(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Stop the cycle's clock: the working days left of every deadline are kept."""
    if snap.status != "running":
        raise common.not_allowed(compiled, snap, "suspend")
    stops = [[i.no, common.left_of(i.due, ctx)] for i in snap.open_items()]
    left: Data = {"since": ctx.today.isoformat(), "items": [no for no, _ in stops]}
    if snap.visit.due:
        left["stage"] = common.left_of(snap.visit.due, ctx)
    if snap.leaf != "review" and compiled.definition.by_key[snap.stage].auto_advance:
        left["auto"] = True
    return [Fact("CycleSuspended", {"reason": args["reason"], "stops": stops, "left": left, **common.who(ctx)})]


def resume(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Let the clock run again with the days that were left."""
    if snap.status != "suspended":
        raise common.not_allowed(compiled, snap, "resume")
    left = snap.left or {}
    paused = [i for i in snap.items.values() if i.state == "stopped" and i.no in left.get("items", ())]
    data: Data = {"resumes": [common.again(compiled.definition, i.no, i.left or 0, ctx, i.level) for i in paused]}
    if "stage" in left:
        row = common.again(compiled.definition, 0, left["stage"], ctx)
        data["due"] = row["due"]
        if left.get("auto"):
            data["auto_at"] = common.stamp(ctx.calendar.deadline_instant(dt.date.fromisoformat(row["due"])))
    if snap.ends_at:
        data["ends_at"] = snap.ends_at
    if snap.stage == compiled.definition.hinge and snap.leaf not in ("review", snap.demanded()):
        data["leaf"] = snap.demanded()  # readings went on while the clock stood
    return [Fact("CycleResumed", data | common.who(ctx))]


def cancel(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """End a cycle without its result; the reason stays."""
    if snap.status not in ("running", "suspended"):
        raise common.not_allowed(compiled, snap, "cancel")
    return [Fact("CycleCancelled", _ending(snap, "cancelled", ctx) | {"reason": args["reason"], **common.who(ctx)})]


def close(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Close a cycle by rule (lapsed, incomplete): what was missing is carried over."""
    if snap.status not in ("running", "suspended"):
        return []
    data = _ending(snap, args["outcome"], ctx) | {"missing": list(compiled.definition.order[_place(compiled, snap) :])}
    return [Fact("CycleClosed", data | ({"carried": list(ctx.carried)} if ctx.carried else {}))]


def _place(compiled: Compiled, snap: Snapshot) -> int:
    return compiled.definition.order.index(snap.stage)


def _ending(snap: Snapshot, outcome: str, ctx: Context) -> Data:
    drops = [i.no for i in snap.items.values() if i.state in ("open", "stopped")]
    return {"close": outcome, "drops": drops}


def end_period(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Note that the period ended while the cycle still runs; a definition may let it lapse instead."""
    if compiled.definition.on_period_end == "lapse" and not ctx.children:
        return close(compiled, snap, {"outcome": "lapsed"}, ctx)
    return [Fact("PeriodEnded", {"stage": snap.stage})]


def migrate(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Move a running cycle to another version of its definition, where it fits."""
    new: Definition = args["definition"]
    renames: dict[str, str] = args.get("renames", {})
    problem = misfit(compiled, snap, new, renames)
    if problem:
        raise refuse("migration.unfit", problem.told)
    target = renames.get(snap.stage, snap.stage)
    data: Data = {"definition": new.hash, "from": compiled.definition.version, "to": new.version, "stage": target}
    if renames:
        data["renames"] = renames
    rungs = [[i.no, rung] for i in snap.open_items() if (rung := _rung(new, i, ctx)) != i.level_at]
    if rungs:
        data["rungs"] = rungs
    return [Fact("DefinitionMigrated", data | common.who(ctx))]


def _rung(new: Definition, item: Item, ctx: Context) -> str | None:
    """Return when the new ladder's next level falls; deadlines and levels fired stay as they are."""
    return common.rung_at(new, dt.date.fromisoformat(item.due), item.level, ctx.calendar)


class Misfit(NamedTuple):
    """Why a cycle cannot move to a version: a code, the sentence for programs, and the stage that it is about."""

    code: str
    told: str
    stage: str = ""


def misfit(compiled: Compiled, snap: Snapshot, new: Definition, renames: dict[str, str]) -> Misfit | None:
    """Return why a cycle cannot move to another version, or None where it can."""
    if snap.status not in ("running", "suspended"):
        return Misfit("ended", f"cycle {snap.id} is {snap.status}")
    target, leaf = renames.get(snap.stage, snap.stage), snap.leaf
    if target not in new.by_key:
        return Misfit("stage_gone", f"stage {snap.stage} does not exist in version {new.version}", snap.stage)
    if f"{target}.{leaf}" not in compile_definition(new).triggers:
        return Misfit("state_gone", f"state {snap.stage}.{leaf} does not exist in version {new.version}", snap.stage)
    if leaf == "review" and new.by_key[target].decide is None:
        told = f"stage {target} needs no decision in version {new.version}, and one is pending"
        return Misfit("decision_pending", told, target)
    return _walked_otherwise(compiled, snap, new, renames, target)


def _walked_otherwise(compiled: Compiled, snap: Snapshot, new: Definition, renames: dict[str, str],
                      target: str) -> Misfit | None:  # fmt: skip
    """Return why the way walked so far would be no way of the new version."""
    walked = [renames.get(s, s) for s in compiled.definition.order if s in snap.visits]
    gone = [s for s in walked if s not in new.by_key]
    if len(set(walked)) < len(walked):
        return Misfit("merged", "two stages walked would become one")
    if gone:
        told = f"stage {gone[0]} was walked and does not exist in version {new.version}"
        return Misfit("walked_gone", told, gone[0])
    places = [new.order.index(s) for s in walked]
    if places != sorted(places):
        return Misfit("order", f"the order of the stages walked differs in version {new.version}")
    ahead = [s for s in new.order[: new.order.index(target)] if s not in walked]
    if not ahead:
        return None
    told = f"version {new.version} has stage {ahead[0]} before {target}, which was not walked"
    return Misfit("not_walked", told, ahead[0])


def carry(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Take over what an earlier cycle left, as new items linked to the old."""
    return [Fact("CarryReceived", {"carried": list(ctx.carried)})]


def change_people(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Follow a subject that moved to another unit or has another responsible person."""
    data = {k: args[k] for k in ("unit", "responsible") if k in args}
    return [Fact("ResponsibleChanged", data | {"reason": args.get("reason", "")} | common.who(ctx))]


def pass_warnings(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Hand the warnings still open at the close to the subject's next running cycle."""
    return [Fact("WarningsPassed", {"warnings": args["warnings"], "to": args["to"]})]


def receive_warning(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Take over a warning still open from the subject's former cycle."""
    from . import warnings

    row: Data = args["row"]
    kind, days = _duty(row, compiled)
    data: Data = {"warning": row, "from": args["from"]}
    people = ctx.signers if kind in ("confirm", "decide") else (ctx.responsible,)
    if kind:
        data["items"] = [
            warnings._item(compiled, snap, kind, p, days, row["id"], ctx, snap.item_no + n)
            for n, p in enumerate(people, 1)
        ]
    return [Fact("WarningReceived", data | warnings.leaf_after(compiled, snap, {row["id"]: row["state"]}))]


def _duty(row: Data, compiled: Compiled) -> tuple[str, int]:
    from .warnings import _quick

    quick = _quick(compiled)
    duties = {"opened": ("acknowledge", quick.acknowledge_days), "acknowledged": ("correct", quick.correct_days),
              "correcting": ("confirm", quick.confirm_days)}  # fmt: skip
    return duties.get(row["state"], ("", 0))
