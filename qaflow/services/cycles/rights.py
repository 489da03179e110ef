"""Which acts a cycle's page offers to a person: what the policy permits, and the engine does not refuse to them."""

from __future__ import annotations

from qaflow.engine import decide as engine
from qaflow.engine.snapshot import Data, WarningLife
from qaflow.errors import Forbidden, Missing
from qaflow.services import policy

from . import acts, successors
from .acting import Acting

ON_WARNING = {"acknowledge": ("opened",), "correct": ("acknowledged", "correcting"), "confirm": ("correcting",),
              "dismiss": ("opened", "acknowledged", "correcting", "confirmed")}  # fmt: skip
"""In which states of a warning an act on it can be done (engine rules, 4)."""
NOBODY = 0  # whom an act that names a colleague would name
ANSWERS = ("approve", "reject")
ON_ITEM = ("extend", "transfer", "remind")
PROBED = ("approve", "reject", "add_signer", "return", "confirm", "dismiss", "withdraw")
"""Acts of which the engine itself asks who does them: it is asked before they are offered."""


def permitted(acting: Acting) -> tuple[str, ...]:
    """Return which of the actions that the cycle's state allows the policy permits to this person.

    Acts on one warning or one work item are told by `on_warning` and `on_item`.
    """
    if acting.row.sealed:
        return ()
    apart = (*ON_WARNING, *ON_ITEM)
    offered = [a for a in engine.actions(acting.compiled, acting.snap) if a not in apart]
    return tuple(a for a in dict.fromkeys(offered) if may(acting, a, _probe(acting, a)))


def _probe(acting: Acting, action: str) -> Data:
    if action == "return":
        return {"to": next(iter(targets(acting)), ""), "reason": "?"}
    return {"reason": "?"} if action in engine.REQUIRED else {}


def may(acting: Acting, action: str, args: Data) -> bool:
    """Tell whether the policy permits an act, and the engine does not refuse it to this person."""
    person, snap = acting.origin.person, acting.snap
    if person is None or (action in ANSWERS and "warning" not in args and snap.leaf != "review"):
        return False
    if action in ("return", "reopen") and not targets(acting):
        return False
    try:
        for_ = for_whom(acting, action, args)
    except (Forbidden, Missing):
        return False
    if action not in PROBED:
        return True
    running = children(acting)
    context = acting.context(for_=for_, children=running, holder=NOBODY)
    found = engine.decide(acting.compiled, snap, action, args, context)
    if not isinstance(found, engine.Refusal):
        return True
    # which way on holds is for the content to say, and that is not read here
    return action == "approve" and not running and found.code == "transition.not_allowed"


def for_whom(acting: Acting, action: str, args: Data) -> int | None:
    """Return for which absent person this one may do an act, None in their own right; raises as the policy does."""
    person = acting.origin.person
    if person is None:
        raise Forbidden("actor.system", "this action needs a person")
    return policy.permit(acting.driver, acting.scope, acting.snap, action, args, person, acting.today,
                         acts.approving(acting, action), acts.asked_as(acting, action))  # fmt: skip


def children(acting: Acting) -> int:
    """Return how many cycles below this one still run, where that can hold it."""
    implement = acting.compiled.definition.covering("implement")
    held = implement is not None and acting.snap.stage == implement.key
    return successors.running_children(acting.driver, acting.snap.id) if held else 0


def targets(acting: Acting) -> tuple[str, ...]:
    """Return the earlier stages that were walked: where the cycle can be sent back to."""
    snap, order = acting.snap, acting.compiled.definition.order
    if snap.stage not in order:
        return ()
    walked = (key for key in order[: order.index(snap.stage)] if key in snap.visits)
    return tuple(key for key in walked if snap.visits[key].state in ("done", "void"))


def on_warning(acting: Acting, one: WarningLife) -> tuple[str, ...]:
    """Return which acts on an open warning this person may do."""
    if acting.row.sealed or acting.snap.status != "running":
        return ()
    fitting = [a for a, states in ON_WARNING.items() if one.state in states and (a == "dismiss" or not one.proposal)]
    fitting += ANSWERS if one.proposal else ()
    return tuple(a for a in fitting if may(acting, a, {"warning": one.id, "reason": "?"}))


def on_item(acting: Acting, number: int) -> tuple[str, ...]:
    """Return which acts on an open work item this person may do."""
    if acting.row.sealed:
        return ()
    can = engine.actions(acting.compiled, acting.snap)
    return tuple(a for a in ON_ITEM if a in can and may(acting, a, {"item": number}))
