"""What each kind of fact may say where it stands: the guards that replay asks (engine rules, 3 to 7).

A guard reads the fold so far and the fact's data, and raises `Disallowed` with the reason.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .diagnosis import DEGREES, FRAMED, STAGE
from .machine import CANCELLED, CLOSED, Compiled
from .snapshot import OPEN_WARNING, Data, Snapshot, Visit

if TYPE_CHECKING:
    from .replay import Replay


class Disallowed(Exception):
    """A fact that its definition does not allow where it stands."""


class Rules:
    """A compiled definition's table as replay asks it: (leaf, trigger) to each destination's guards."""

    __slots__ = ("compiled", "ways")

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.ways: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
        for key, arrows in compiled.table.items():
            ways = self.ways.setdefault(key, {})
            for arrow in arrows:
                guards = frozenset(_plain(g) for g in arrow.guards)
                ways[arrow.dest] = ways[arrow.dest] & guards if arrow.dest in ways else guards


def _plain(guard: str) -> str:
    return "demands" if guard.startswith("demands:") else guard


@lru_cache(maxsize=512)
def rules_of(compiled: Compiled) -> Rules:
    """Return the rules of a compiled definition, made once."""
    return Rules(compiled)


def _onward(data: Data) -> str:
    if "enter" in data:
        return f"{data['enter']['stage']}.{data['enter']['leaf']}"
    return CANCELLED if data["close"] == "cancelled" else CLOSED


def _here(snap: Snapshot, data: Data) -> Visit:
    """Return the current visit, which the fact must name."""
    visit = snap.visits[snap.stage]
    if data["stage"] != snap.stage or data["visit"] != visit.number:
        raise Disallowed(
            f"visit {data['visit']} of {data['stage']} is not the current one ({visit.number} of {snap.stage})"
        )
    return visit


def again(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """Refuse a second start."""
    raise Disallowed("the cycle has started already")


def submitted(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A stage is handed in: its visit is open, and nobody is asked to decide their own."""
    visit = _here(snap, data)
    if visit.state != "open":
        raise Disallowed(f"stage {snap.stage} is submitted while its visit is {visit.state}")
    if "signers" not in data:
        r.move(snap, "submit", _onward(data))
        return
    signers = data["signers"]
    if not 1 <= data["need"] <= len(signers) or len(set(signers)) != len(signers):
        raise Disallowed(f"{data['need']} of {len(signers)} signers cannot decide")
    if {data["by"], data.get("for")} & set(signers) - {None}:
        raise Disallowed("the submitter is asked to decide their own submission")
    r.move(snap, "submit", f"{snap.stage}.review")


def withdrawn(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A submission is taken back: nobody has decided yet."""
    if _here(snap, data).signed:
        raise Disallowed("a submission is withdrawn after a signer decided")
    r.move(snap, "withdraw", f"{snap.stage}.{data['leaf']}")


def _decider(snap: Snapshot, visit: Visit, data: Data, person: Any) -> None:
    if person not in visit.signers or person in visit.signed:
        raise Disallowed(f"person {person} decides {snap.stage} but was not asked, or has signed")
    if {data["by"], data.get("for")} & {visit.submitted_by, visit.for_} - {None}:
        raise Disallowed(f"person {data['by']} decides their own submission")


def said_no(trigger: str) -> Guard:
    """Return the guard of a signer's no: back to work in the same visit, or to an earlier stage."""

    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        if trigger == "reject":
            visit, dest = _here(snap, data), f"{snap.stage}.{data['leaf']}"
        else:
            visit, dest = snap.visit, _back(r, snap, data)
        _decider(snap, visit, data, data.get("for", data["by"]))
        r.move(snap, trigger, dest)

    return guard


def _back(r: Replay, snap: Snapshot, data: Data) -> str:
    """Return the leaf gone back to: an earlier stage, whose later visits are void (engine rules, 3)."""
    entered, order = data["enter"], r.rules.compiled.definition.order
    if data["from"] != snap.stage or data["to"] != entered["stage"]:
        raise Disallowed(
            f"from {data['from']} to {data['to']}, but the cycle goes from {snap.stage} to {entered['stage']}"
        )
    later = [s for s in order[order.index(entered["stage"]) :] if s in snap.visits]
    if entered.get("voids", []) != later:
        raise Disallowed(f"the visits of {', '.join(later)} must be void")
    return f"{entered['stage']}.{entered['leaf']}"


def reopened(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A decided stage is visited again; a correction had to propose it, or the quality office does."""
    if "warning" in data and snap.warnings[data["warning"]].proposal != data["to"]:
        raise Disallowed(f"warning {data['warning']} proposes no reopening of {data['to']}")
    r.move(snap, "reopen", _back(r, snap, data))


def _signing(r: Replay, snap: Snapshot, data: Data) -> Visit:
    visit, person = _here(snap, data), data["signer"]
    if snap.leaf != "review" or data.get("for", data["by"]) != person:
        raise Disallowed(f"a signature of {person} by {data['by']} in {snap.state}")
    _decider(snap, visit, data, person)
    if (
        visit.order == "sequence"
        and visit.need > 1
        and person != next(p for p in visit.signers if p not in visit.signed)
    ):
        raise Disallowed(f"person {person} signs before their turn")
    key = (visit.stage, visit.number, person)
    if "for" in data:
        r.behalf[key] = data["for"]
    else:
        r.behalf.pop(key, None)
    return visit


def signed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """One signature of several, not yet enough."""
    visit = _signing(r, snap, data)
    if len(visit.signed) + 1 >= visit.need:
        raise Disallowed(f"signature {len(visit.signed) + 1} of {visit.need} decides, but the stage stays")


def approved(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The signature that reaches the quorum moves the cycle on."""
    _signing(r, snap, data)
    r.move(snap, "approve", _onward(data))


def advanced(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The stage's deadline has come and it moves on by itself."""
    visit = _here(snap, data)
    if visit.auto_at is None or visit.auto_at > at:
        raise Disallowed(f"stage {snap.stage} advances at {at}, its deadline is {visit.auto_at}")
    r.move(snap, "advance", _onward(data))


def held(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The stage would have moved on by itself, but something is missing."""
    if _here(snap, data).auto_at is None:
        raise Disallowed(f"stage {snap.stage} does not advance by itself")


def period_ended(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The period has ended while the cycle runs."""
    if data["stage"] != snap.stage or snap.ends_at is None or snap.ends_at > at:
        raise Disallowed(f"the period ends at {at} in {data['stage']}, due {snap.ends_at} in {snap.stage}")


def opened(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A new warning, the next in number."""
    row, no = data["warning"], snap.warning_no + 1
    if data["warning_no"] != no or row["id"] != f"{snap.id}.{no}" or row["state"] != "opened":
        raise Disallowed(f"warning {row['id']} ({row['state']}) is opened where {snap.id}.{no} is next")
    _leaf(r, snap, data)


def received(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A warning still open is taken over from a former cycle."""
    row = data["warning"]
    if row["id"] in snap.warnings or row.get("state", "opened") not in OPEN_WARNING or row.get("proposal"):
        raise Disallowed(f"warning {row['id']} ({row.get('state')}) cannot be taken over")
    _leaf(r, snap, data)


def _leaf(r: Replay, snap: Snapshot, data: Data) -> None:
    if "leaf" in data:
        r_dest = f"{snap.stage}.{data['leaf']}"
        if r_dest not in r.rules.ways.get((snap.state, "follow"), ()):
            raise Disallowed(f"the quick loop does not lead from {snap.state} to {r_dest}")


def warning_step(to: tuple[str, ...], *before: str) -> Guard:
    """Return the guard of a step in a warning's life: the states it may start from and lead to."""

    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        warning, changes = snap.warnings[data["warning"]], data["set"]
        if warning.state not in before or changes["state"] not in to:
            raise Disallowed(f"warning {warning.id} goes from {warning.state} to {changes['state']}")
        if changes["state"] == "closed" and warning.breached:
            raise Disallowed(f"warning {warning.id} is closed while its readings are outside the limits")
        if warning.proposal and "proposal" not in changes:
            raise Disallowed(f"warning {warning.id} proposes a reopening that nobody answered")
        _leaf(r, snap, data)

    return guard


def refused(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A proposed reopening is refused: the correction begins anew."""
    if not snap.warnings[data["warning"]].proposal:
        raise Disallowed(f"warning {data['warning']} proposes no reopening")
    warning_step(("acknowledged",), "correcting")(r, snap, data, at)


def reading(breached: bool, after: str) -> Guard:
    """Return the guard of a reading on an open warning; only a confirmed one changes its state by it."""

    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        warning, changes = snap.warnings[data["warning"]], data["set"]
        state = after if warning.state == "confirmed" else None
        if warning.state not in OPEN_WARNING or changes.get("state") != state or changes["breached"] is not breached:
            raise Disallowed(f"a reading moves warning {warning.id} from {warning.state} to {changes.get('state')}")
        _leaf(r, snap, data)

    return guard


def passed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """Open warnings are handed on at the close."""
    for name in data["warnings"]:
        if snap.warnings[name].state not in OPEN_WARNING:
            raise Disallowed(f"warning {name} is passed on but not open")


def _open_item(snap: Snapshot, data: Data) -> Any:
    item = snap.items.get(data["item"])
    if item is None or item.state != "open":
        raise Disallowed(f"work item {data['item']} is {item.state if item else 'not there'}, not open")
    return item


def transferred(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """An open work item goes to another person."""
    item = _open_item(snap, data)
    if data["to"] is None or data["to"] == item.holder:
        raise Disallowed(f"work item {item.no} is transferred to {data['to']}, its holder")
    if item.kind in ("decide", "sign") and item.ref is None and data["to"] in snap.visit.signers:
        raise Disallowed(f"person {data['to']} is asked twice")


def extended(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """An open work item gets a later deadline with the next number."""
    item = _open_item(snap, data)
    if data["deadline_no"] != item.deadline_no + 1 or data["due"] <= item.due:
        raise Disallowed(
            f"work item {item.no}: deadline {data['deadline_no']} ({data['due']}) after {item.deadline_no} ({item.due})"
        )


def moved(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A calendar edit moves the deadline that stands; its number and the levels fired stay."""
    item = _open_item(snap, data)
    if data["from"] != item.due:
        raise Disallowed(f"work item {item.no}: the deadline moved is {data['from']}, it is {item.due}")


def escalated(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The next level of a ladder fires when it is due."""
    item = _open_item(snap, data)
    level, due = item.level, item.level_at
    ladder = r.rules.compiled.definition.ladder
    if data["deadline_no"] != item.deadline_no or data["level"] != level + 1 or level >= len(ladder):
        raise Disallowed(
            f"work item {item.no}: level {data['level']} of deadline {data['deadline_no']} follows {level}"
        )
    if due is None or due > at or data["role"] != ladder[level].to:
        raise Disallowed(f"work item {item.no} is escalated to {data['role']} at {at}, due {due}")


def reminded(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The holder of an open work item is reminded."""
    _open_item(snap, data)


def signer_added(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """One more signer is asked while the visit is under review."""
    visit = _here(snap, data)
    if snap.leaf != "review" or data["person"] in visit.signers or data["need"] != visit.need + 1:
        raise Disallowed(
            f"signer {data['person']} is added in {snap.state} with {data['need']} needed after {visit.need}"
        )


def suspended(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """Every open work item's clock stops."""
    if sorted(no for no, _ in data["stops"]) != [i.no for i in snap.open_items()]:
        raise Disallowed("a suspension stops every open work item")


def resumed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """What was stopped runs again."""
    for row in data["resumes"]:
        if snap.items[row["no"]].state != "stopped":
            raise Disallowed(f"work item {row['no']} resumes but was not stopped")


def ended(trigger: str, *outcomes: str) -> Guard:
    """Return the guard of an end by rule or by the quality office, with the outcomes it may have."""

    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        if data["close"] not in outcomes:
            raise Disallowed(f"a cycle cannot be {data['close']} by {trigger}")
        r.move(snap, trigger, _onward(data))

    return guard


def sheet(before: str, *after: str) -> Guard:
    """Return the guard of a diagnosis sheet's step."""

    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        row = data["sheet"]
        sheet = snap.sheets[row["no"]]
        if sheet.state != before or row["state"] not in after or sheet.issue_at > at:
            raise Disallowed(
                f"sheet {sheet.no} ({sheet.state}, issued from {sheet.issue_at}) becomes {row['state']} at {at}"
            )

    return guard


def migrated(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """The cycle goes on under another version in which its state exists."""
    compiled = r.resolve(data["definition"])
    if compiled is None:
        raise Disallowed(f"definition {data['definition']} is not stored or does not give its hash")
    renames = data.get("renames", {})
    if data["stage"] != renames.get(snap.stage, snap.stage) or f"{data['stage']}.{snap.leaf}" not in compiled.triggers:
        raise Disallowed(f"{snap.state} does not exist in the definition migrated to")
    for old in renames:
        if old in snap.visits:  # the rows of the visit so far keep the old name
            r.past.append(copy.copy(snap.visits[old]))
            r.renamed = True
    r.rules = rules_of(compiled)


def attached(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A file is left in the current visit."""
    _here(snap, data)


def answered(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A point of the frame is answered: in the diagnosis while it is worked on, or in an open sheet, in due order."""
    _here(snap, data)
    diagnose, number = r.rules.compiled.definition.covering("diagnose"), data["sheet_no"]
    if number == STAGE and (diagnose is None or snap.stage != diagnose.key or snap.leaf == "review"):
        raise Disallowed(f"a point is answered in {snap.state}, not in the diagnosis")
    if number != STAGE and snap.sheets[number].state != "open":
        raise Disallowed(f"a point is answered in sheet {number}, which is {snap.sheets[number].state}")
    if snap.layer not in FRAMED or data["degree"] not in DEGREES or data["by"] is None:
        raise Disallowed(f"degree {data['degree']!r} by {data['by']} on the layer {snap.layer}")
    before = sum((number, data["code"]) == row[:2] for row in r.answers)
    if data["version"] != before + 1:
        raise Disallowed(f"answer {data['version']} to {data['code']} follows {before}")
    r.answers.append((number, data["code"], data["version"], data["degree"], data["content"], at, data["by"]))


def child_started(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A child cycle runs inside this one."""
    r.children.add(data["child"])


def child_closed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """A child cycle has ended."""
    r.children.discard(data["child"])


def noted(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """Whatever the state, it may be said."""


Guard = Callable[["Replay", Snapshot, Data, str], None]
