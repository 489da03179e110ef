"""Decisions on the slow loop: submit, withdraw, approve, reject, return, reopen, advance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from qaflow.errors import Invalid

from ..dates import iso_day
from ..definition import Definition, Field, Stage
from ..machine import Compiled
from ..snapshot import Data, Snapshot
from . import common
from .common import Context, Fact, refuse

MAX_SIGNERS = 50
SHOWN = 10  # points named of those without an answer


def submit(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Hand in the current stage; without approval it moves on at once."""
    _follow_first(compiled, snap, "submit")
    common.require(compiled, snap, "submit")
    stage = compiled.definition.by_key[snap.stage]
    _calm(compiled, snap, "submit", ctx)
    missing = gate_missing(stage, snap, ctx)
    if missing:
        raise refuse("gate.missing", f"stage {stage.key} is not complete: " + "; ".join(m["message"] for m in missing),
                     kind="data", errors=tuple(missing))  # fmt: skip
    data: Data = {"stage": stage.key, "visit": snap.visit.number, "revision": snap.revision + 1, **common.who(ctx)}
    if ctx.content:
        data["content"] = ctx.content
    data["closes"] = common.numbers(snap.open_items("submit"))
    if stage.decide is None or common.by_itself(compiled, snap, ctx):
        return [Fact("StageSubmitted", data | common.step(compiled, snap, "submit", ctx))]
    return [Fact("StageSubmitted", data | _review(compiled.definition, stage, snap, ctx))]


def _follow_first(compiled: Compiled, snap: Snapshot, action: str) -> None:
    if snap.status == "running" and snap.leaf in ("warn", "correct"):
        raise common.not_allowed(compiled, snap, action, f"{len(snap.open_warnings())} warning(s) open")


def _calm(compiled: Compiled, snap: Snapshot, action: str, ctx: Context) -> None:
    """Hold the hinge while a warning is open, a reopening is proposed or a child cycle runs (engine rules, 2 and 4)."""
    implement = compiled.definition.covering("implement")
    if implement is None or snap.stage != implement.key:
        return
    if snap.stage == compiled.definition.hinge and snap.open_warnings():
        raise common.not_allowed(compiled, snap, action, f"{len(snap.open_warnings())} warning(s) open")
    _childless(compiled, snap, action, ctx)


def _childless(compiled: Compiled, snap: Snapshot, action: str, ctx: Context) -> None:
    """Refuse to leave ``implement``, forward or back, while a child cycle runs in it (engine rules, 2)."""
    implement = compiled.definition.covering("implement")
    if ctx.children and implement is not None and snap.stage == implement.key:
        raise common.not_allowed(compiled, snap, action, f"{ctx.children} child cycle(s) still running")


def _review(definition: Definition, stage: Stage, snap: Snapshot, ctx: Context) -> Data:
    signers = [p for p in ctx.signers if p not in (ctx.actor, ctx.for_)]
    need = ctx.need
    if not signers or len(signers) < need:
        role = stage.decide.role  # type: ignore[union-attr]
        raise refuse(
            "approval.no_signer", f"{len(signers)} of {max(need, 1)} may decide stage {stage.key}: fill the post {role}"
        )
    order = stage.decide.order  # type: ignore[union-attr]
    due = common.working(ctx, stage.decide.days)  # type: ignore[union-attr]
    kind = "sign" if need > 1 else "decide"
    asked = signers[:1] if order == "sequence" and need > 1 else signers
    items = [
        common.item(snap.item_no + n, kind, stage.key, snap.visit.number, person, due, definition, ctx)
        for n, person in enumerate(asked, 1)
    ]
    data: Data = {"signers": signers, "need": need, "order": order, "items": items}
    return data | ({"raised": ctx.raised} if ctx.raised else {})


def gate_missing(stage: Stage, snap: Snapshot, ctx: Context) -> list[Data]:
    """Return what the stage's form, evidence and conditions still lack; empty when the gate is met."""
    missing: list[Data] = []
    for one in stage.form:
        missing += _field_faults(one, ctx.values.get(one.key), one.key)
    unknown = set(ctx.values) - {f.key for f in stage.form}
    missing += [{"pointer": k, "code": "field.unknown", "message": f"{k}: unknown field"} for k in sorted(unknown)]
    if ctx.evidence < stage.evidence:
        missing.append({"pointer": "evidence", "code": "gate.evidence",
                        "message": f"evidence: {ctx.evidence} of {stage.evidence} files"})  # fmt: skip
    if ctx.unanswered:
        missing.append({"pointer": "frame", "code": "gate.frame",
                        "message": f"frame: {len(ctx.unanswered)} points without an answer: "
                                   f"{', '.join(ctx.unanswered[:SHOWN])}"})  # fmt: skip
    if not missing:
        for text in stage.gate:
            if not common.holds(text, snap, ctx):
                missing.append({"pointer": "gate", "code": "gate.condition", "message": f"not met: {text}"})
    return missing


def _field_faults(one: Field, value: Any, at: str) -> list[Data]:
    if value is None or value == "" or value == []:
        return [_fault(at, "gate.required", "is required")] if one.required or one.min_items else []
    check = _CHECKS[one.type]
    why = check(one, value)
    if why:
        return [_fault(at, "field.invalid", why)]
    if one.type != "records":
        return []
    found: list[Data] = []
    if len(value) < one.min_items:
        found.append(_fault(at, "gate.required", f"needs at least {one.min_items} row(s)"))
    for n, row in enumerate(value):
        if not isinstance(row, dict):
            found.append(_fault(f"{at}/{n}", "field.invalid", "must be an object"))
            continue
        known = {f.key for f in one.fields}
        found += [_fault(f"{at}/{n}/{k}", "field.unknown", "unknown field") for k in sorted(set(row) - known)]
        for inner in one.fields:
            found += _field_faults(inner, row.get(inner.key), f"{at}/{n}/{inner.key}")
    return found


def _fault(at: str, code: str, why: str) -> Data:
    return {"pointer": at, "code": code, "message": f"{at}: {why}"}


def _text_fault(one: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text"
    if len(value) > one.max_length:
        return f"is longer than {one.max_length} characters"
    return None if value.strip() else "is blank"


def _number_fault(one: Field, value: Any) -> str | None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
    return None if fine else "must be a finite number"


def _date_fault(one: Field, value: Any) -> str | None:
    try:
        iso_day(value)
    except (TypeError, Invalid):
        return "must be a date YYYY-MM-DD"
    return None


def _choice_fault(one: Field, value: Any) -> str | None:
    return None if value in one.choices else f"must be one of {', '.join(one.choices)}"


_CHECKS = {
    "text": _text_fault,
    "number": _number_fault,
    "date": _date_fault,
    "choice": _choice_fault,
    "flag": lambda one, value: None if isinstance(value, bool) else "must be true or false",
    "records": lambda one, value: None if isinstance(value, list) and len(value) <= 1000 else "must be a list of rows",
}


def withdraw(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Take a submission back; possible until the first decision."""
    common.require(compiled, snap, "withdraw")
    if snap.visit.signed:
        raise common.not_allowed(compiled, snap, "withdraw", "a signer has already decided")
    return [Fact("StageWithdrawn", _back_to_work(compiled, snap, ctx))]


def _back_to_work(compiled: Compiled, snap: Snapshot, ctx: Context) -> Data:
    stage, visit = snap.stage, snap.visit
    leaf = compiled.entry(stage, snap.demanded()).partition(".")[2]
    due = max(dt.date.fromisoformat(visit.due), common.working(ctx, 1)) if visit.due else common.working(ctx, 5)
    data: Data = {"stage": stage, "visit": visit.number, "revision": snap.revision + 1, **common.who(ctx)}
    data["leaf"] = leaf
    data["drops"] = [i.no for i in _deciding(snap)]
    data["items"] = [common.item(snap.item_no + 1, "submit", stage, visit.number, ctx.responsible, due,
                                 compiled.definition, ctx)]  # fmt: skip
    if compiled.definition.by_key[stage].auto_advance:
        data["auto_at"] = common.stamp(ctx.calendar.deadline_instant(due))
    return data


def _deciding(snap: Snapshot) -> list[Any]:
    return [i for i in snap.open_items() if i.kind in ("decide", "sign") and i.ref is None]


def _signer(compiled: Compiled, snap: Snapshot, ctx: Context, action: str) -> int:
    """Return the signer as whom the actor decides, or refuse (own submission, no signer, twice)."""
    visit, person = snap.visit, ctx.effective
    if {ctx.actor, ctx.for_} & {visit.submitted_by, visit.for_} - {None}:
        raise refuse("approval.own", f"cannot {action} your own submission of stage {snap.stage}", kind="right")
    if person not in visit.signers:
        raise refuse("approval.not_signer", f"you are not asked to decide stage {snap.stage}", kind="right")
    if person in visit.signed or any(s["by"] == ctx.actor for s in visit.signed.values()):
        raise common.not_allowed(compiled, snap, action, "you have already decided this visit")
    return person


def approve(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Sign the submission; the signature that reaches the quorum moves the cycle on."""
    common.require(compiled, snap, "approve")
    _calm(compiled, snap, "approve", ctx)
    person = _signer(compiled, snap, ctx, "approve")
    visit = snap.visit
    if visit.order == "sequence" and visit.need > 1:
        first = next(p for p in visit.signers if p not in visit.signed)
        if person != first:
            raise common.not_allowed(compiled, snap, "approve", "another signer comes first")
    data: Data = {"stage": snap.stage, "visit": visit.number, "signer": person, **common.who(ctx)}
    if "comment" in args:
        data["comment"] = args["comment"]
    if len(visit.signed) + 1 < visit.need:
        return [Fact("StageSigned", data | _next_signer(compiled, snap, person, ctx))]
    data |= {"revision": snap.revision + 1, "closes": [], "drops": []}
    for one in _deciding(snap):
        data["closes" if one.holder == person else "drops"].append(one.no)
    way = common.step(compiled, snap, "approve", ctx)
    way["drops"] = data.pop("drops") + way.get("drops", [])
    way["drops"] = [n for n in dict.fromkeys(way["drops"]) if n not in data["closes"]]
    if not way["drops"]:
        del way["drops"]
    return [Fact("StageApproved", data | way)]


def _next_signer(compiled: Compiled, snap: Snapshot, person: int, ctx: Context) -> Data:
    visit = snap.visit
    data: Data = {"closes": [i.no for i in _deciding(snap) if i.holder == person]}
    follower = next(p for p in visit.signers if p not in visit.signed and p != person)
    if visit.order == "sequence" and follower not in {i.holder for i in _deciding(snap)}:
        days = compiled.definition.by_key[snap.stage].decide.days  # type: ignore[union-attr]
        data["items"] = [common.item(snap.item_no + 1, "sign", snap.stage, visit.number, follower,
                                     common.working(ctx, days), compiled.definition, ctx)]  # fmt: skip
    return data


def reject(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Say no: the same visit is open again, all signatures void."""
    common.require(compiled, snap, "reject")
    _signer(compiled, snap, ctx, "reject")
    return [Fact("StageRejected", _back_to_work(compiled, snap, ctx) | {"reason": args["reason"]})]


def return_(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Send the cycle back to an earlier stage: a new visit of it and of every stage after it."""
    common.require(compiled, snap, "return")
    target = _earlier(compiled, snap, args.get("to"), "return")
    _signer(compiled, snap, ctx, "return")
    _childless(compiled, snap, "return", ctx)
    return [Fact("StageReturned", _back_to(compiled, snap, target, ctx) | {"reason": args["reason"]})]


def _earlier(compiled: Compiled, snap: Snapshot, target: Any, action: str) -> str:
    order = compiled.definition.order
    passed = order[: order.index(snap.stage)]
    if target not in passed:
        raise refuse("stage.not_earlier", f"{action} needs an earlier stage; possible: {', '.join(passed) or 'none'}",
                     kind="data", allowed=passed)  # fmt: skip
    visit = snap.visits.get(target)
    if visit is None or visit.state not in ("done", "void"):
        raise refuse("stage.not_decided", f"stage {target} was not walked in this cycle", kind="data")
    return str(target)


def _back_to(compiled: Compiled, snap: Snapshot, target: str, ctx: Context) -> Data:
    order, hinge = compiled.definition.order, compiled.definition.hinge
    later = order[order.index(target) :]
    met = [w.id for w in snap.open_warnings() if w.proposal in later]
    stops, drops = [], []
    for one in snap.open_items():
        outdone = one.stage != hinge if one.kind == "submit" else one.ref is None or one.ref in met
        if outdone and one.kind in ("submit", "decide", "sign"):
            drops.append(one.no)
        elif one.stage == hinge == snap.stage and one.kind != "sheet":
            stops.append([one.no, common.left_of(one.due, ctx)])
    drops += [i.no for i in snap.items.values() if i.state == "stopped" and i.kind == "decide" and i.ref in met]
    entered, items = common.enter(compiled, snap, target, ctx, voids=tuple(s for s in later if s in snap.visits))
    data: Data = {"from": snap.stage, "to": target, "revision": snap.revision + 1, **common.who(ctx)}
    data |= {"enter": entered, "items": items, "drops": drops}
    if met:
        data["met"] = met
        data["items"] = [*items, *_to_confirm(compiled, snap, met, snap.item_no + len(items), ctx)]
    return data | ({"stops": stops} if stops else {})


def _to_confirm(compiled: Compiled, snap: Snapshot, met: list[str], last: int, ctx: Context) -> list[Data]:
    """Return the work that granted proposals leave: corrections that wait, clock stopped, to be confirmed."""
    quick = compiled.definition.quick
    days = quick.confirm_days if quick else 0
    asked = [(i.ref, i.holder) for i in snap.items.values()
             if i.kind == "decide" and i.ref in met and i.state in ("open", "stopped")]  # fmt: skip
    rows = []
    for no, (ref, holder) in enumerate(asked, last + 1):
        row = common.item(no, "confirm", str(compiled.definition.hinge), snap.visit.number, holder,
                          common.working(ctx, days), compiled.definition, ctx, ref)  # fmt: skip
        row.pop("level_at", None)
        rows.append(row | {"left": days})
    return rows


def reopen(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Reopen a decided stage (the quality office's own right)."""
    common.require(compiled, snap, "reopen")
    target = _earlier(compiled, snap, args.get("stage"), "reopen")
    _childless(compiled, snap, "reopen", ctx)
    data = _back_to(compiled, snap, target, ctx) | {"reason": args["reason"], "outcome": "reopened"}
    return [Fact("StageReopened", data)]


def reopen_for(compiled: Compiled, snap: Snapshot, target: str, warning: str, ctx: Context) -> Data:
    """Return the data of the reopening that the approver granted to a correction."""
    common.require(compiled, snap, "reopen")
    _earlier(compiled, snap, target, "reopen")
    _childless(compiled, snap, "approve", ctx)
    return _back_to(compiled, snap, target, ctx) | {"warning": warning, "outcome": "reopened"}


def advance(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Move the cycle on at the stage's deadline without a decision, or note why it stays (engine rules, 2)."""
    reasons = _held(compiled, snap, ctx)
    if reasons:
        return [Fact("AdvanceHeld", {"stage": snap.stage, "visit": snap.visit.number, "missing": reasons})]
    data: Data = {"stage": snap.stage, "visit": snap.visit.number, "revision": snap.revision + 1}
    data["closes"] = common.numbers(snap.open_items("submit"))
    return [Fact("StageAdvanced", data | common.step(compiled, snap, "advance", ctx))]


def _held(compiled: Compiled, snap: Snapshot, ctx: Context) -> list[str]:
    if snap.leaf == "review":
        return ["decision pending"]
    if (snap.state, "advance") not in compiled.table:
        return [f"{len(snap.open_warnings())} warning(s) open"]
    if ctx.children and snap.stage == getattr(compiled.definition.covering("implement"), "key", None):
        return ["child cycles running"]
    return [m["message"] for m in gate_missing(compiled.definition.by_key[snap.stage], snap, ctx)]
