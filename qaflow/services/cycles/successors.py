"""From one cycle to the next: what is left over, open warnings, children (engine rules, 2 and 4)."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from qaflow.engine.decide import Fact
from qaflow.engine.machine import ways_on
from qaflow.engine.snapshot import Data
from qaflow.errors import Invalid
from qaflow.services.accounts.lines import approver_of, deciders
from qaflow.store import content, ledger, succession
from qaflow.store.db import Driver

from .acting import Acting, hold, keep


def closes(acting: Acting) -> bool:
    """Tell whether the current stage is one that can end the cycle."""
    return None in (target for target, _ in _ways(acting))


def _ways(acting: Acting) -> Any:
    definition = acting.compiled.definition
    return ways_on(definition, definition.by_key[acting.snap.stage])


def running_children(driver: Driver, cycle: int) -> int:
    """Return how many child cycles of a cycle are not closed."""
    return succession.running_children(driver, cycle)


def left_over(acting: Acting, whole: bool = False, current: Data | None = None) -> list[Data]:
    """Return what a closing cycle leaves over, its texts kept as content.

    Named by people: the rows of ``carried``.  Unsolved: problems of verdicts that were not attained.  With ``whole``
    (the cycle ends before its end) its goals without an attained verdict too.  ``current`` is the content that is just
    being handed in.
    """
    forms = [f for f in _contents(acting) if not (current and f[0] == acting.snap.stage)]
    if current:
        forms.append((acting.snap.stage, current))
    rows = [(r.get("kind", "problem"), r.get("text", ""), ref) for ref, r in _rows(forms, "carried")]
    named = {text for _, text, _ in rows}
    attained = {r.get("goal") for _, r in _rows(forms, "verdicts") if r.get("attained")}
    for ref, verdict in _rows(forms, "verdicts"):
        problem = verdict.get("problems")
        if not verdict.get("attained") and problem and problem not in named:
            rows.append(("problem", problem, ref))
    if whole:
        rows += [
            ("goal", g["text"], ref) for ref, g in _rows(forms, "goals") if g.get("text") and g["text"] not in attained
        ]
    earlier = {c["ref"]: c for c in acting.snap.carried_in}
    return [
        {
            "kind": kind,
            "text": keep(acting.driver, text),
            "ref": ref,
            "rounds": 1 + earlier.get(ref, {}).get("rounds", 0),
        }
        for kind, text, ref in rows
        if text
    ]


def _contents(acting: Acting) -> list[tuple[str, Data]]:
    visits = [v for v in acting.snap.visits.values() if v.content]
    texts = content.get_many(acting.driver, [v.content for v in visits if v.content])
    return [(v.stage, json.loads(texts[v.content] or "{}")) for v in visits if v.content in texts]


def _rows(forms: list[tuple[str, Data]], key: str) -> list[tuple[str, Data]]:
    return [
        (f"{stage}/{key}/{n}", row)
        for stage, form in forms
        for n, row in enumerate(form.get(key) or ())
        if isinstance(row, dict)
    ]


def hand_over(acting: Acting) -> None:
    """Hand a closed cycle's left-overs and open warnings to the subject's next running cycle, where there is one."""
    snap, driver, college = acting.snap, acting.driver, acting.row.college
    following = succession.next_unclosed(driver, college, snap.subject, snap.track, snap.start)
    if following is not None:
        waiting = ledger.waiting(driver, college, snap.subject, snap.track)
        if waiting:
            receiver = hold(acting.session, driver, acting.origin, following, acting.writer)
            receiver.decide("carry", {}, receiver.context(carried=tuple(waiting)))
            receiver.flush()
    open_ones = snap.open_warnings()
    if open_ones:
        _pass_on(acting, succession.running(driver, college, snap.subject, snap.track, snap.id))
    for child in succession.live_children(driver, snap.id):
        _end_child(acting, child)
    if snap.parent is not None:
        _tell_parent(acting)


def _end_child(parent: Acting, child: int) -> None:
    """End a child with the cycle that contained it: closed as incomplete, or cancelled with a cancelled one."""
    acting = hold(parent.session, parent.driver, parent.origin, child, parent.writer)
    if parent.snap.status == "cancelled":
        acting.decide("cancel", {"reason": "parent.cancelled"}, acting.context())
    else:
        acting.decide("close", {"outcome": "incomplete"}, acting.context(carried=tuple(left_over(acting, whole=True))))
    acting.flush()
    hand_over(acting)


def _pass_on(acting: Acting, to: int | None) -> None:
    """Pass open warnings on: a fact in both streams; without a next cycle they stand with the college."""
    driver, snap = acting.driver, acting.snap
    passing = snap.open_warnings()
    acting.decide("pass_warnings", {"warnings": [w.id for w in passing], "to": to}, acting.context())
    if to is None:
        succession.orphan_warnings(driver, [w.id for w in passing])
    else:
        receiver = hold(acting.session, driver, acting.origin, to, acting.writer)
        receive(receiver, [plain_warning(w) for w in passing], snap.id)
        receiver.flush()
    acting.flush()


def plain_warning(warning: Any) -> Data:
    """Return a warning as the plain row of a fact."""
    return {k: v for k, v in dataclasses.asdict(warning).items() if v is not None and v is not False}


def receive(receiver: Acting, warnings: list[Data], origin: int | None) -> None:
    """Take warnings over from a former cycle, with the work they ask for."""
    definition = receiver.compiled.definition
    for row in warnings:
        signers: tuple[int, ...] = ()
        if row["state"] == "correcting":
            stage = definition.by_key[definition.hinge or receiver.snap.stage]
            found = deciders(receiver.driver, receiver.college, receiver.scope, approver_of(definition, stage),
                             receiver.today, {receiver.snap.responsible})  # fmt: skip
            signers = found.persons[:3]
        row = row | {"proposal": None}
        receiver.decide("receive_warning", {"row": row, "from": origin}, receiver.context(signers=signers))


def _tell_parent(acting: Acting) -> None:
    """Note a closed child in its parent's stream."""
    parent = acting.snap.parent
    assert parent is not None
    holder = hold(acting.session, acting.driver, acting.origin, parent, acting.writer)
    if holder.snap.status in ("running", "suspended"):
        holder.record([Fact("ChildClosed", {"child": acting.snap.id, "outcome": acting.snap.outcome})])
        holder.flush()


def point_of(acting: Acting, args: Data) -> Data:
    """Return the control point that a hand-made warning names, as its number: one of the cycle's own layer."""
    if args.get("point") is None:
        return {}
    found = succession.point_id(acting.driver, acting.row.college, acting.snap.layer, str(args["point"]))
    if found is None:
        raise Invalid("ref.unknown_point", f"layer {acting.snap.layer} has no control point {args['point']!r}")
    if succession.open_warning(acting.driver, acting.row.college, found, acting.snap.subject):
        raise Invalid("warning.open", f"a warning for {args['point']!r} is already open")
    return {"point": found}
