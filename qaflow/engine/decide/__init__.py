"""Facts decide, state follows: ``decide(compiled, snapshot, command, context) -> facts | refusal``.

Pure: no session, no clock, no log.  Whether the actor holds the right to act is asked before, in the services'
policy; what the state, the signatures and the separation of duties allow is decided here.
"""

from __future__ import annotations

from collections.abc import Callable

from ..machine import Compiled
from ..snapshot import Data, Snapshot
from . import diagnosing, items, life, stages, warnings
from .common import Context, Fact, Refusal, Refused, actions, refuse

Rule = Callable[[Compiled, Snapshot, Data, Context], list[Fact]]
Decide = Callable[[Compiled, Snapshot, str, Data, Context], list[Fact] | Refusal]


def _approve(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    if args.get("warning") is not None:
        return warnings.answer(compiled, snap, args, ctx, yes=True)
    if snap.status == "running" and snap.leaf != "review":
        args = args | {"warning": _proposed(snap)} if _proposed(snap) else args
        if args.get("warning"):
            return warnings.answer(compiled, snap, args, ctx, yes=True)
    return stages.approve(compiled, snap, args, ctx)


def _reject(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    if args.get("warning") is not None:
        return warnings.answer(compiled, snap, args, ctx, yes=False)
    if snap.status == "running" and snap.leaf != "review" and _proposed(snap):
        return warnings.answer(compiled, snap, args | {"warning": _proposed(snap)}, ctx, yes=False)
    return stages.reject(compiled, snap, args, ctx)


def _proposed(snap: Snapshot) -> str | None:
    """Return the only warning that proposes a reopening, or None; several need to be named."""
    found = [w.id for w in snap.open_warnings() if w.proposal]
    if len(found) > 1:
        raise warnings.ambiguous("warning", found)
    return found[0] if found else None


ACTIONS: dict[str, Rule] = {
    "submit": stages.submit,
    "withdraw": stages.withdraw,
    "approve": _approve,
    "reject": _reject,
    "return": stages.return_,
    "reopen": stages.reopen,
    "record": items.record,
    "comment": items.comment,
    "transfer": items.transfer,
    "add_signer": items.add_signer,
    "remind": items.remind,
    "copy": items.copy,
    "extend": items.extend,
    "suspend": life.suspend,
    "resume": life.resume,
    "cancel": life.cancel,
    "warn": warnings.warn,
    "acknowledge": warnings.acknowledge,
    "correct": warnings.correct,
    "confirm": warnings.confirm,
    "dismiss": warnings.dismiss,
}
"""What people fire (`cycle fire`)."""

MECHANISMS: dict[str, Rule] = {
    "start": life.start,
    "advance": stages.advance,
    "end_period": life.end_period,
    "close": life.close,
    "carry": life.carry,
    "migrate": life.migrate,
    "change_people": life.change_people,
    "pass_warnings": life.pass_warnings,
    "receive_warning": life.receive_warning,
    "join": warnings.join,
    "back": warnings.back,
    "issue": items.issue,
    "skip_sheet": items.skip_sheet,
    "escalate": items.escalate,
    "recalendar": items.recalendar,
    "attach": items.evidence,
    "answer": diagnosing.answer,
}
"""What services and the tick do beside them."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "reject": ("reason",),
    "return": ("to", "reason"),
    "comment": ("text",),
    "transfer": ("to", "reason"),
    "add_signer": ("person",),
    "copy": ("to",),
    "extend": ("due", "reason"),
    "suspend": ("reason",),
    "cancel": ("reason",),
    "reopen": ("stage", "reason"),
    "warn": ("reason",),
    "acknowledge": ("cause",),
    "correct": ("scope", "measure"),
    "dismiss": ("reason",),
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "submit": ("content",),
    "approve": ("comment", "warning"),
    "reject": ("warning",),
    "record": ("sheet", "content"),
    "transfer": ("item",),
    "remind": ("item",),
    "extend": ("item",),
    "warn": ("point",),
    "acknowledge": ("warning", "category"),
    "correct": ("warning",),
    "confirm": ("warning",),
    "dismiss": ("warning",),
}
"""The keys of each action's data (engine rules, 5)."""


def decide(compiled: Compiled, snap: Snapshot, action: str, args: Data, ctx: Context) -> list[Fact] | Refusal:
    """Return the facts that a command leads to, or the refusal that says what would be allowed."""
    rule = ACTIONS.get(action) or MECHANISMS.get(action)
    try:
        if rule is None:
            raise refuse("action.unknown", f"action {action!r} is unknown; one of {', '.join(ACTIONS)}", kind="data")
        return rule(compiled, snap, args, ctx)
    except Refused as refused:
        return refused.refusal


__all__ = ["ACTIONS", "MECHANISMS", "OPTIONAL", "REQUIRED", "Context", "Decide", "Fact", "Refusal", "actions", "decide"]
