"""Decisions on the quick loop: a warning's life (engine rules, 4)."""

from __future__ import annotations

from typing import Any

from ..definition import CATEGORIES, SCOPES, QuickLoop
from ..machine import Compiled
from ..snapshot import OPEN_WARNING, Data, Snapshot, WarningLife
from . import common, stages
from .common import Context, Fact, refuse

SEVERITIES = ("minor", "major")


def _quick(compiled: Compiled) -> QuickLoop:
    return compiled.definition.quick or QuickLoop()


def _running(compiled: Compiled, snap: Snapshot, action: str) -> None:
    if snap.status != "running":
        raise common.not_allowed(compiled, snap, action)


def find(compiled: Compiled, snap: Snapshot, args: Data, action: str, states: frozenset[str]) -> WarningLife:
    """Return the warning that a command means: the one named, or the only one that fits."""
    _running(compiled, snap, action)
    free = action == "dismiss"  # one whose reopening is proposed waits for the answer, or is dismissed
    fitting = [w for w in snap.warnings.values() if w.state in states and (free or not w.proposal)]
    name = args.get("warning")
    if name is not None:
        warning = snap.warnings.get(name)
        if warning is None:
            raise refuse("warning.not_found", f"cycle {snap.id} has no warning {name}", kind="data")
        if warning not in fitting:
            why = "proposes a reopening: approve or reject it first" if warning.proposal else f"is {warning.state}"
            raise common.not_allowed(compiled, snap, action, f"warning {name} {why}")
        return warning
    if not fitting:
        raise common.not_allowed(compiled, snap, action, "no warning fits")
    if len(fitting) > 1:
        raise ambiguous("warning", [w.id for w in fitting])
    return fitting[0]


def ambiguous(what: str, ids: list[Any]) -> common.Refused:
    """Return the refusal of a command that could mean several targets."""
    return refuse("target.ambiguous", f"several fit, name the {what}: {', '.join(map(str, ids))}", kind="data",
                  errors=tuple({"pointer": what, "code": "candidate", "message": str(i)} for i in ids))  # fmt: skip


def leaf_after(compiled: Compiled, snap: Snapshot, changes: dict[str, str]) -> Data:
    """Return the ``leaf`` part of a fact after the warnings' states change; empty where the leaf stays."""
    if snap.stage != compiled.definition.hinge or snap.leaf == "review" or snap.status != "running":
        return {}
    states = {w.id: w.state for w in snap.warnings.values() if w.state in OPEN_WARNING} | changes
    current = set(states.values())
    leaf = "warn" if "opened" in current else "correct" if current & OPEN_WARNING else "monitor"
    return {} if leaf == snap.leaf else {"leaf": leaf}


def warn(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Open a warning: a breach, a late reading, a task off plan, or a diagnostician's word."""
    _running(compiled, snap, "warn")
    quick = _quick(compiled)
    no = snap.warning_no + 1
    row: Data = {"id": f"{snap.id}.{no}", "state": "opened"}
    for name in ("point", "task", "kind", "severity", "breached", "reading", "limit", "limit_id", "value", "reason"):
        if args.get(name) is not None:
            row[name] = args[name]
    row.setdefault("severity", SEVERITIES[0])
    row.setdefault("kind", "manual")
    data: Data = {"warning": row, "warning_no": no, **common.who(ctx)}
    if row["kind"] == "breach":  # by which rule readings will count as back, and which version of the reading it was
        data |= {"damping": quick.damping, "version": args.get("version", 1)}
    data["items"] = [_item(compiled, snap, "acknowledge", ctx.responsible, quick.acknowledge_days, row["id"], ctx)]
    return [Fact("WarningOpened", data | leaf_after(compiled, snap, {row["id"]: "opened"}))]


def _item(compiled: Compiled, snap: Snapshot, kind: str, holder: int | None, days: int, ref: str, ctx: Context,
          no: int | None = None) -> Data:  # fmt: skip
    visit = snap.visits[snap.stage]
    return common.item(no or snap.item_no + 1, kind, snap.stage, visit.number, holder, common.working(ctx, days),
                       compiled.definition, ctx, ref)  # fmt: skip


def _change(compiled: Compiled, snap: Snapshot, kind: str, warning: WarningLife, changes: Data, ctx: Context,
            **more: Any) -> Fact:  # fmt: skip
    data: Data = {"warning": warning.id, "set": changes, **common.who(ctx), **more}
    ended = [i.no for i in snap.items.values() if i.ref == warning.id and i.state in ("open", "stopped")]
    if ended:
        data["closes"] = ended
    if "state" in changes:
        data |= leaf_after(compiled, snap, {warning.id: changes["state"]})
    return Fact(kind, data)


def acknowledge(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Take a warning up and name its cause, and its kind where that is known."""
    warning = find(compiled, snap, args, "acknowledge", frozenset(("opened",)))
    category = args.get("category")
    if category is not None and category not in CATEGORIES:
        told = f"category {category!r} is unknown; one of {', '.join(CATEGORIES)}"
        raise refuse("category.unknown", told, kind="data")
    item = _item(compiled, snap, "correct", ctx.responsible, _quick(compiled).correct_days, warning.id, ctx)
    changes: Data = {"state": "acknowledged", "cause": args["cause"], "acknowledged_by": ctx.effective}
    if category != warning.category:  # a second acknowledgement names the cause anew
        changes["category"] = category
    return [_change(compiled, snap, "WarningAcknowledged", warning, changes, ctx, items=[item])]


def correct(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Name scope and measure; a scope before ``implement`` is a proposal that the approver answers."""
    warning = find(compiled, snap, args, "correct", frozenset(("acknowledged", "correcting")))
    scope = args.get("scope")
    if scope not in SCOPES:
        raise refuse("scope.unknown", f"scope {scope!r} is unknown; one of {', '.join(SCOPES)}", kind="data")
    target = _reopens(compiled, snap, str(scope))
    if snap.stage != compiled.definition.hinge:
        scope = SCOPES[0]  # outside the loop's stage a correction has scope implementation
    changes: Data = {"state": "correcting", "scope": scope, "measure": args["measure"], "proposal": target}
    changes["acknowledged_by"] = ctx.actor
    kind = "decide" if target else "confirm"
    signers = [p for p in ctx.signers if p not in (ctx.actor, ctx.for_)]
    if not signers:
        raise refuse("approval.no_signer", "nobody may confirm this correction: fill the approver's post")
    items = [
        _item(compiled, snap, kind, person, _quick(compiled).confirm_days, warning.id, ctx, snap.item_no + n)
        for n, person in enumerate(signers, 1)
    ]
    return [_change(compiled, snap, "CorrectionStarted", warning, changes, ctx, items=items)]


def _reopens(compiled: Compiled, snap: Snapshot, scope: str) -> str | None:
    """Return the earlier stage that a correction's scope reopens, or None where nothing moves."""
    definition = compiled.definition
    if scope == "implementation" or snap.stage != definition.hinge:
        return None
    stage = definition.covering(scope)
    if stage is None or stage.key == snap.stage:
        return None
    return stage.key if stage.key in snap.visits else None


def confirm(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Confirm a correction; with readings back within limits the warning closes."""
    warning = find(compiled, snap, args, "confirm", frozenset(("correcting",)))
    _not_own(snap, warning, ctx, "confirm")
    changes: Data = {"state": "confirmed" if warning.breached else "closed"}
    return [_change(compiled, snap, "CorrectionConfirmed", warning, changes, ctx)]


def _not_own(snap: Snapshot, warning: WarningLife, ctx: Context, action: str) -> None:
    """Refuse a decision on one's own correction: who acknowledged and corrected it is never its approver."""
    if {ctx.actor, ctx.for_} & {warning.acknowledged_by, snap.responsible} - {None}:
        raise refuse("approval.own", f"cannot {action} your own correction", kind="right")


def dismiss(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Dismiss a false alarm, with the reason."""
    warning = find(compiled, snap, args, "dismiss", OPEN_WARNING)
    _not_own(snap, warning, ctx, "dismiss")
    changes = {"state": "dismissed", "reason": args["reason"], "proposal": None}
    return [_change(compiled, snap, "WarningDismissed", warning, changes, ctx)]


def join(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Let a further breach join its open warning; after a confirmation it sets the warning back to opened."""
    warning = snap.warnings[args["warning"]]
    changes: Data = {"breached": True, "reading": args["reading"], "value": args["value"]}
    severity = max(warning.severity, args.get("severity", SEVERITIES[0]), key=SEVERITIES.index)
    if severity != warning.severity:
        changes["severity"] = severity
    again = warning.state == "confirmed"
    if not again and warning.breached and "severity" not in changes:
        return []
    data: Data = {"warning": warning.id, "set": changes, **_judged(args)}
    if again:
        changes["state"], changes["confirmed_at"] = "opened", None
        data["items"] = [_item(compiled, snap, "acknowledge", ctx.responsible, _quick(compiled).acknowledge_days,
                               warning.id, ctx)]  # fmt: skip
        data |= leaf_after(compiled, snap, {warning.id: "opened"})
    return [Fact("WarningJoined", data)]


def back(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Note that readings are back within the limits; a confirmed warning closes by it."""
    warning = snap.warnings[args["warning"]]
    changes: Data = {"breached": False, "reading": args["reading"]}
    if warning.state == "confirmed":
        changes["state"] = "closed"
    data: Data = {"warning": warning.id, "set": changes, **_judged(args)}
    if warning.kind == "breach":
        data["damping"] = _quick(compiled).damping
    if "state" in changes:
        data |= leaf_after(compiled, snap, {warning.id: "closed"})
    return [Fact("ReadingReturned", data)]


def _judged(args: Data) -> Data:
    """Return by which limit a reading was judged, and in which version it was read."""
    return {name: args[name] for name in ("limit", "limit_id", "version") if args.get(name) is not None}


def answer(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context, yes: bool) -> list[Fact]:
    """Answer a proposed reopening: yes goes back to the stage, no keeps the warning acknowledged."""
    action = "approve" if yes else "reject"
    warning = snap.warnings.get(args["warning"])
    _running(compiled, snap, action)
    if warning is None:
        raise refuse("warning.not_found", f"cycle {snap.id} has no warning {args['warning']}", kind="data")
    if not warning.proposal:
        raise common.not_allowed(compiled, snap, action, f"warning {warning.id} proposes no reopening")
    _not_own(snap, warning, ctx, action)
    asked = {i.holder for i in snap.items.values() if i.ref == warning.id and i.state in ("open", "stopped")}
    if ctx.effective not in asked:
        raise refuse("approval.not_signer", f"you are not asked to answer warning {warning.id}", kind="right")
    if not yes:
        item = _item(compiled, snap, "correct", ctx.responsible, _quick(compiled).correct_days, warning.id, ctx)
        changes = {"state": "acknowledged", "proposal": None, "scope": None, "reason": args["reason"]}
        return [_change(compiled, snap, "ReopeningRefused", warning, changes, ctx, items=[item])]
    return [Fact("StageReopened", stages.reopen_for(compiled, snap, warning.proposal, warning.id, ctx))]
