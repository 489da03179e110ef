"""Replay: the journal of one cycle folded again, each fact held against its definition (engine rules, 7).

A chain of hashes proves that nothing was changed after it was written; replay proves that what was written could
happen at all.  Each kind of fact has a guard that says in which state it may stand and what it may carry; the moves are
looked up in the compiled machine's table, so that a forged fact needs more than good hashes.  Gates and conditions on a
form are not repeated: contents may have been erased.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .machine import CANCELLED, CLOSED, Compiled
from .snapshot import EFFECTS, OPEN_WARNING, RUNNING, SUSPENDED, Data, Item, Sheet, Snapshot, Visit, evolve

Resolve = Callable[[str], Compiled | None]

LIVE = ("open", "stopped")
PARTS = frozenset(("closes", "drops", "stops", "enter", "close", "leaf", "items", "revision"))
"""What moves a cycle, whatever the kind; a kind may carry only its own (`CARRIES`)."""
_BROKEN = (KeyError, TypeError, AttributeError, ValueError, IndexError)


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


class Replay:
    """One cycle's facts folded so far; `take` refuses what could not happen."""

    __slots__ = ("behalf", "children", "cycle", "past", "renamed", "resolve", "rules", "snap")

    def __init__(self, cycle: int, resolve: Resolve) -> None:
        """Begin before the first fact; ``resolve`` gives the compiled definition of a hash."""
        self.snap: Snapshot = None  # type: ignore[assignment]  # the first fact makes it
        self.cycle = cycle
        self.resolve = resolve
        self.rules: Rules = None  # type: ignore[assignment]  # the first fact names it
        self.past: list[Visit] = []  # visits that a later one of the same stage replaced
        self.children: set[int] = set()
        self.behalf: dict[tuple[str, int, int], int] = {}  # who signed for whom: (stage, visit, signer) to the absent
        self.renamed = False

    def take(self, kind: str, at: str, actor: str, behalf: str | None, definition: str | None, data: Data) -> None:
        """Take one fact in; `Disallowed` says why it cannot stand here."""
        snap = self.snap
        if snap is None:
            self._begin(kind, at, actor, definition, data)
            return
        rule = RULES.get(kind)
        if rule is None:
            raise Disallowed(f"{kind} is no fact that this program knows")
        guard, strange, carries, quick = rule
        status = snap.status
        if kind in NOT_RUNNING if status == RUNNING else kind not in ELSEWHERE[status]:
            raise Disallowed(f"{kind} in a cycle that is {status}")
        if definition != snap.definition:
            raise Disallowed(f"the entry names definition {definition}, the cycle is pinned to {snap.definition}")
        if not strange.isdisjoint(data):
            raise Disallowed(f"{kind} cannot carry {', '.join(sorted(strange & data.keys()))}")
        try:
            if "by" in data:
                _acted(kind, actor, behalf, data)
            if not carries:
                guard(self, snap, data, at)
                EFFECTS[kind](snap, data, at)
                snap.version += 1
                return
            former = self._parts(snap, data)
            guard(self, snap, data, at)
            evolve(snap, kind, data, at)
        except _BROKEN as error:
            raise Disallowed(f"{kind} is malformed: {type(error).__name__} {error}") from error
        if former is not None:
            self.past.append(former)
        if quick:
            self._follows(snap, kind)
        if "close" in data and any(i.state in LIVE for i in snap.items.values()):
            raise Disallowed(f"{kind} ends the cycle while work items are open")

    def _begin(self, kind: str, at: str, actor: str, definition: str | None, data: Data) -> None:
        """Take the first fact in; made whole at once, for every stream has one (`evolve` gives the same)."""
        if kind != "CycleStarted":
            raise Disallowed(f"{kind} in a cycle that is not started")
        try:
            self._started(at, actor, definition, data)
        except _BROKEN as error:
            raise Disallowed(f"{kind} is malformed: {type(error).__name__} {error}") from error

    def _started(self, at: str, actor: str, definition: str | None, data: Data) -> None:
        by, entered, (item,) = data["by"], data["enter"], data["items"]
        if definition != data["definition"] or (by is not None and actor != str(by)):
            raise Disallowed(f"CycleStarted under definition {definition} by {actor}, its data says otherwise")
        compiled = self.resolve(definition)
        if compiled is None:
            raise Disallowed(f"definition {definition} is not stored or does not give its hash")
        strange = STRANGE["CycleStarted"]
        if not strange.isdisjoint(data):
            raise Disallowed(f"CycleStarted cannot carry {', '.join(sorted(strange & data.keys()))}")
        stage, adopted = entered["stage"], data.get("adopted")
        _check_start(compiled, stage, entered["leaf"], None if adopted is None else tuple(adopted))
        if entered["visit"] != 1 or item["no"] != 1 or item["kind"] != "submit":
            raise Disallowed("the first fact opens visit 1 and work item 1, to submit")
        self.rules = rules_of(compiled)
        self.snap = Snapshot(
            self.cycle, RUNNING, definition, data["subject"], data["track"], data["layer"], data["number"],
            data.get("parent"), data.get("previous"), data["start"], data["end"], data["ends_at"], None, stage,
            entered["leaf"], 0, data["responsible"], data["unit"], bool(adopted), at, None, 1, 0, 0, 1,
        )  # fmt: skip
        visits, due = self.snap.visits, item["due"]
        if adopted:
            for former in adopted:
                visits[former] = Visit(stage=former, number=1, state="done", entered_at=at, outcome="adopted")
        visits[stage] = Visit(stage=stage, number=1, entered_at=at, due=entered.get("due"), auto_at=entered.get("auto_at"))
        holder = item["holder"]
        self.snap.items[1] = Item(no=1, kind="submit", stage=item["stage"], visit=item["visit"], ref=item.get("ref"),
                                  holder=holder, owner=holder, opened_at=at, due=due, level_at=item.get("level_at"))  # fmt: skip
        if "sheets" in data:
            sheets = self.snap.sheets
            for row in data["sheets"]:
                sheets[row["no"]] = Sheet(**row)
            self.snap.sheet_no = max(sheets, default=0)

    def _parts(self, snap: Snapshot, data: Data) -> Visit | None:
        """Check what several kinds carry alike; returns the visit that the one entered will replace."""
        items = snap.items
        for part in ("closes", "drops"):
            for no in data.get(part, ()):
                item = items.get(no)
                if item is None or item.state not in LIVE:
                    raise Disallowed(f"work item {no} is ended, but it is {item.state if item else 'not there'}")
        if "revision" in data and data["revision"] != snap.revision + 1:
            raise Disallowed(f"revision {data['revision']} follows {snap.revision}")
        if "stops" in data:
            _stoppable(snap, data["stops"])
        if "items" in data:
            no = snap.item_no
            for row in data["items"]:
                no += 1
                if row["no"] != no or row["kind"] not in ITEM_KINDS:
                    raise Disallowed(f"work item {row['no']} ({row['kind']}) is opened where {no} is next")
        return self._enters(snap, data["enter"]) if "enter" in data else None

    def _enters(self, snap: Snapshot, entered: Data) -> Visit | None:
        stage = entered["stage"]
        before = snap.visits.get(stage)
        number = before.number + 1 if before else 1
        if entered["visit"] != number:
            raise Disallowed(f"visit {entered['visit']} of stage {stage} is entered where {number} is next")
        for row in entered.get("resumes", ()):
            if snap.items[row["no"]].state != "stopped":
                raise Disallowed(f"work item {row['no']} resumes but was not stopped")
        return before

    def move(self, snap: Snapshot, trigger: str, dest: str) -> None:
        """Check a move against the table, and the guards that the facts alone can answer."""
        state = snap.state
        guards = self.rules.ways.get((state, trigger), {}).get(dest)
        if guards is None:
            raise Disallowed(f"{trigger} does not lead from {state} to {dest}")
        if not guards:
            return
        if "no_warning" in guards and snap.open_warnings():
            raise Disallowed(f"{trigger} in {state} while a warning is open")
        if "no_child" in guards and self.children:
            raise Disallowed(f"{trigger} in {state} while child cycles run")
        if "quorum" in guards and len(snap.visit.signed) + 1 < snap.visit.need:
            raise Disallowed(f"{trigger} with {len(snap.visit.signed) + 1} of {snap.visit.need} signatures")
        if "demands" in guards and dest.rpartition(".")[2] != snap.demanded():
            raise Disallowed(f"{trigger} leads to {dest}, the open warnings demand {snap.demanded()}")

    def _follows(self, snap: Snapshot, kind: str) -> None:
        """Check that the quick loop's leaf is the one that the open warnings demand (engine rules, 4)."""
        if snap.stage == self.rules.compiled.definition.hinge and snap.leaf != "review" and snap.status == RUNNING:
            if snap.leaf != snap.demanded():
                raise Disallowed(f"{kind} leaves {snap.state}, the open warnings demand {snap.demanded()}")


def _acted(kind: str, actor: str, behalf: str | None, data: Data) -> None:
    """Check that the entry names the actor, and the absent person, whom its data names."""
    by, absent = data["by"], data.get("for")
    if by is not None and actor != str(by):
        raise Disallowed(f"{kind} by {by} stands under actor {actor}")
    if absent is not None and behalf != str(absent):
        raise Disallowed(f"{kind} for {absent} stands on behalf of {behalf}")


def _stoppable(snap: Snapshot, stops: list[list[int]]) -> None:
    for no, _ in stops:
        item = snap.items.get(no)
        if item is None or item.state != "open":
            raise Disallowed(f"work item {no} is stopped, but it is {item.state if item else 'not there'}")


def _onward(data: Data) -> str:
    if "enter" in data:
        return f"{data['enter']['stage']}.{data['enter']['leaf']}"
    return CANCELLED if data["close"] == "cancelled" else CLOSED


def _here(snap: Snapshot, data: Data) -> Visit:
    """Return the current visit, which the fact must name."""
    visit = snap.visits[snap.stage]
    if data["stage"] != snap.stage or data["visit"] != visit.number:
        raise Disallowed(f"visit {data['visit']} of {data['stage']} is not the current one ({visit.number} of {snap.stage})")
    return visit


def _again(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    raise Disallowed("the cycle has started already")


def _check_start(compiled: Compiled, stage: str, leaf: str, adopted: tuple[str, ...] | None) -> None:
    order = compiled.definition.order
    place = order.index(stage)
    if (order[:place] if adopted is not None else ()) != (adopted or ()) or (place and adopted is None):
        raise Disallowed(f"the cycle starts in {stage}, the stages before it are not adopted")
    if f"{stage}.{leaf}" != compiled.entry(stage):
        raise Disallowed(f"the cycle starts in {stage}.{leaf}")


def _submitted(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
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


def _withdrawn(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    if _here(snap, data).signed:
        raise Disallowed("a submission is withdrawn after a signer decided")
    r.move(snap, "withdraw", f"{snap.stage}.{data['leaf']}")


def _decider(snap: Snapshot, visit: Visit, data: Data, person: Any) -> None:
    if person not in visit.signers or person in visit.signed:
        raise Disallowed(f"person {person} decides {snap.stage} but was not asked, or has signed")
    if {data["by"], data.get("for")} & {visit.submitted_by, visit.for_} - {None}:
        raise Disallowed(f"person {data['by']} decides their own submission")


def _said_no(trigger: str) -> Guard:
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
        raise Disallowed(f"from {data['from']} to {data['to']}, but the cycle goes from {snap.stage} to {entered['stage']}")
    later = [s for s in order[order.index(entered["stage"]) :] if s in snap.visits]
    if entered.get("voids", []) != later:
        raise Disallowed(f"the visits of {', '.join(later)} must be void")
    return f"{entered['stage']}.{entered['leaf']}"


def _reopened(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    if "warning" in data and snap.warnings[data["warning"]].proposal != data["to"]:
        raise Disallowed(f"warning {data['warning']} proposes no reopening of {data['to']}")
    r.move(snap, "reopen", _back(r, snap, data))


def _signing(r: Replay, snap: Snapshot, data: Data) -> Visit:
    visit, person = _here(snap, data), data["signer"]
    if snap.leaf != "review" or data.get("for", data["by"]) != person:
        raise Disallowed(f"a signature of {person} by {data['by']} in {snap.state}")
    _decider(snap, visit, data, person)
    if visit.order == "sequence" and visit.need > 1 and person != next(p for p in visit.signers if p not in visit.signed):
        raise Disallowed(f"person {person} signs before their turn")
    key = (visit.stage, visit.number, person)
    if "for" in data:
        r.behalf[key] = data["for"]
    else:
        r.behalf.pop(key, None)
    return visit


def _signed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    visit = _signing(r, snap, data)
    if len(visit.signed) + 1 >= visit.need:
        raise Disallowed(f"signature {len(visit.signed) + 1} of {visit.need} decides, but the stage stays")


def _approved(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    _signing(r, snap, data)
    r.move(snap, "approve", _onward(data))


def _advanced(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    visit = _here(snap, data)
    if visit.auto_at is None or visit.auto_at > at:
        raise Disallowed(f"stage {snap.stage} advances at {at}, its deadline is {visit.auto_at}")
    r.move(snap, "advance", _onward(data))


def _held(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    if _here(snap, data).auto_at is None:
        raise Disallowed(f"stage {snap.stage} does not advance by itself")


def _period_ended(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    if data["stage"] != snap.stage or snap.ends_at is None or snap.ends_at > at:
        raise Disallowed(f"the period ends at {at} in {data['stage']}, due {snap.ends_at} in {snap.stage}")


def _opened(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    row, no = data["warning"], snap.warning_no + 1
    if data["warning_no"] != no or row["id"] != f"{snap.id}.{no}" or row["state"] != "opened":
        raise Disallowed(f"warning {row['id']} ({row['state']}) is opened where {snap.id}.{no} is next")
    _leaf(r, snap, data)


def _received(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    row = data["warning"]
    if row["id"] in snap.warnings or row.get("state", "opened") not in OPEN_WARNING or row.get("proposal"):
        raise Disallowed(f"warning {row['id']} ({row.get('state')}) cannot be taken over")
    _leaf(r, snap, data)


def _leaf(r: Replay, snap: Snapshot, data: Data) -> None:
    if "leaf" in data:
        r_dest = f"{snap.stage}.{data['leaf']}"
        if r_dest not in r.rules.ways.get((snap.state, "follow"), ()):
            raise Disallowed(f"the quick loop does not lead from {snap.state} to {r_dest}")


def _warning_step(to: tuple[str, ...], *before: str) -> Guard:
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


def _refused(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    if not snap.warnings[data["warning"]].proposal:
        raise Disallowed(f"warning {data['warning']} proposes no reopening")
    _warning_step(("acknowledged",), "correcting")(r, snap, data, at)


def _reading(breached: bool, after: str) -> Guard:
    """Return the guard of a reading on an open warning; only a confirmed one changes its state by it."""

    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        warning, changes = snap.warnings[data["warning"]], data["set"]
        state = after if warning.state == "confirmed" else None
        if warning.state not in OPEN_WARNING or changes.get("state") != state or changes["breached"] is not breached:
            raise Disallowed(f"a reading moves warning {warning.id} from {warning.state} to {changes.get('state')}")
        _leaf(r, snap, data)

    return guard


def _passed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    for name in data["warnings"]:
        if snap.warnings[name].state not in OPEN_WARNING:
            raise Disallowed(f"warning {name} is passed on but not open")


def _open_item(snap: Snapshot, data: Data) -> Any:
    item = snap.items.get(data["item"])
    if item is None or item.state != "open":
        raise Disallowed(f"work item {data['item']} is {item.state if item else 'not there'}, not open")
    return item


def _transferred(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    item = _open_item(snap, data)
    if data["to"] is None or data["to"] == item.holder:
        raise Disallowed(f"work item {item.no} is transferred to {data['to']}, its holder")
    if item.kind in ("decide", "sign") and item.ref is None and data["to"] in snap.visit.signers:
        raise Disallowed(f"person {data['to']} is asked twice")


def _extended(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    item = _open_item(snap, data)
    if data["deadline_no"] != item.deadline_no + 1 or data["due"] <= item.due:
        raise Disallowed(f"work item {item.no}: deadline {data['deadline_no']} ({data['due']}) follows {item.deadline_no} ({item.due})")


def _escalated(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    item = _open_item(snap, data)
    level, due = item.level, item.level_at
    ladder = r.rules.compiled.definition.ladder
    if data["deadline_no"] != item.deadline_no or data["level"] != level + 1 or level >= len(ladder):
        raise Disallowed(f"work item {item.no}: level {data['level']} of deadline {data['deadline_no']} follows {level}")
    if due is None or due > at or data["role"] != ladder[level].to:
        raise Disallowed(f"work item {item.no} is escalated to {data['role']} at {at}, due {due}")


def _reminded(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    _open_item(snap, data)


def _signer_added(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    visit = _here(snap, data)
    if snap.leaf != "review" or data["person"] in visit.signers or data["need"] != visit.need + 1:
        raise Disallowed(f"signer {data['person']} is added in {snap.state} with {data['need']} needed after {visit.need}")


def _suspended(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    if sorted(no for no, _ in data["stops"]) != [i.no for i in snap.open_items()]:
        raise Disallowed("a suspension stops every open work item")


def _resumed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    for row in data["resumes"]:
        if snap.items[row["no"]].state != "stopped":
            raise Disallowed(f"work item {row['no']} resumes but was not stopped")


def _ended(trigger: str, *outcomes: str) -> Guard:
    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        if data["close"] not in outcomes:
            raise Disallowed(f"a cycle cannot be {data['close']} by {trigger}")
        r.move(snap, trigger, _onward(data))

    return guard


def _sheet(before: str, *after: str) -> Guard:
    def guard(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
        row = data["sheet"]
        sheet = snap.sheets[row["no"]]
        if sheet.state != before or row["state"] not in after or sheet.issue_at > at:
            raise Disallowed(f"sheet {sheet.no} ({sheet.state}, issued from {sheet.issue_at}) becomes {row['state']} at {at}")

    return guard


def _migrated(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
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


def _attached(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    _here(snap, data)


def _child_started(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    r.children.add(data["child"])


def _child_closed(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    r.children.discard(data["child"])


def _noted(r: Replay, snap: Snapshot, data: Data, at: str) -> None:
    """Whatever the state, it may be said."""


Guard = Callable[[Replay, Snapshot, Data, str], None]

ITEM_KINDS = frozenset(("submit", "decide", "sign", "acknowledge", "correct", "confirm", "sheet"))
GUARDS: dict[str, Guard] = {
    "CycleStarted": _again,
    "StageSubmitted": _submitted,
    "StageWithdrawn": _withdrawn,
    "StageSigned": _signed,
    "StageApproved": _approved,
    "StageRejected": _said_no("reject"),
    "StageReturned": _said_no("return"),
    "StageReopened": _reopened,
    "StageAdvanced": _advanced,
    "AdvanceHeld": _held,
    "PeriodEnded": _period_ended,
    "WarningOpened": _opened,
    "WarningReceived": _received,
    "WarningJoined": _reading(True, "opened"),
    "ReadingReturned": _reading(False, "closed"),
    "WarningAcknowledged": _warning_step(("acknowledged",), "opened"),
    "CorrectionStarted": _warning_step(("correcting",), "acknowledged", "correcting"),
    "CorrectionConfirmed": _warning_step(("confirmed", "closed"), "correcting"),
    "ReopeningRefused": _refused,
    "WarningDismissed": _warning_step(("dismissed",), *sorted(OPEN_WARNING)),
    "WarningsPassed": _passed,
    "ItemTransferred": _transferred,
    "DeadlineExtended": _extended,
    "WorkEscalated": _escalated,
    "SignerAdded": _signer_added,
    "CycleSuspended": _suspended,
    "CycleResumed": _resumed,
    "CycleCancelled": _ended("cancel", "cancelled"),
    "CycleClosed": _ended("close", "complete", "incomplete", "lapsed"),
    "SheetIssued": _sheet("planned", "open", "dropped"),
    "SheetRecorded": _sheet("open", "done"),
    "CarryReceived": _noted,
    "ResponsibleChanged": _noted,
    "DefinitionMigrated": _migrated,
    "EvidenceAdded": _attached,
    "ItemReminded": _reminded,
    "CopySent": _noted,
    "Commented": _noted,
    "ChildStarted": _child_started,
    "ChildClosed": _child_closed,
    "WorkFrozen": _noted,
}
CARRIES: dict[str, tuple[str, ...]] = {
    "CycleStarted": ("enter", "items"),
    "StageSubmitted": ("closes", "drops", "enter", "close", "items", "revision"),
    "StageWithdrawn": ("drops", "leaf", "items", "revision"),
    "StageSigned": ("closes", "items"),
    "StageApproved": ("closes", "drops", "enter", "close", "items", "revision"),
    "StageRejected": ("drops", "leaf", "items", "revision"),
    "StageReturned": ("drops", "stops", "enter", "items", "revision"),
    "StageReopened": ("closes", "drops", "stops", "enter", "items", "revision"),
    "StageAdvanced": ("closes", "drops", "enter", "close", "items", "revision"),
    "WarningOpened": ("leaf", "items"),
    "WarningReceived": ("leaf", "items"),
    "WarningJoined": ("leaf", "items"),
    "ReadingReturned": ("leaf",),
    "WarningAcknowledged": ("closes", "leaf", "items"),
    "CorrectionStarted": ("closes", "leaf", "items"),
    "CorrectionConfirmed": ("closes", "leaf"),
    "ReopeningRefused": ("closes", "leaf", "items"),
    "WarningDismissed": ("closes", "leaf"),
    "SignerAdded": ("items",),
    "CycleSuspended": ("stops",),
    "CycleCancelled": ("close", "drops"),
    "CycleClosed": ("close", "drops"),
    "SheetIssued": ("items",),
    "SheetRecorded": ("closes",),
}
STRANGE = {kind: PARTS - set(CARRIES.get(kind, ())) for kind in GUARDS}
"""What a kind may not carry."""
RULES = {
    kind: (guard, STRANGE[kind], kind in CARRIES, "leaf" in CARRIES.get(kind, ())) for kind, guard in GUARDS.items()
}
"""All that replay asks of a kind: its guard, what it may not carry, whether it carries anything, whether it moves a leaf."""

_ALWAYS = frozenset(("Commented", "CopySent", "WarningsPassed", "ChildStarted", "ChildClosed", "WorkFrozen"))
ELSEWHERE: dict[str, frozenset[str]] = {
    SUSPENDED: _ALWAYS - {"WarningsPassed"} | {
        "CycleResumed", "CycleCancelled", "CycleClosed", "DefinitionMigrated", "ResponsibleChanged", "CarryReceived",
        "WarningJoined", "ReadingReturned",
    },
    "closed": _ALWAYS,
    "cancelled": _ALWAYS,
}  # fmt: skip
"""The kinds that may stand while a cycle does not run; while it runs, each kind's guard speaks."""
NOT_RUNNING = frozenset(("CycleStarted", "CycleResumed", "WarningsPassed"))

_TEXTS = ("content", "reason", "comment", "text")
_INNER = ("cause", "measure", "reason", "content")
_PLAIN = frozenset(("CycleStarted", "WorkEscalated", "SheetIssued", "AdvanceHeld", "PeriodEnded", "EvidenceAdded",
                    "ItemReminded", "CopySent", "SignerAdded", "ResponsibleChanged"))  # fmt: skip
HASH_LENGTH = 64


def named(kind: str, data: Data) -> list[str]:
    """Return the content hashes that a fact names: forms, reasons, comments, causes, measures, what is carried over."""
    if kind in _PLAIN:
        return []
    found = [data[key] for key in _TEXTS if key in data]
    for part in ("set", "warning", "sheet"):
        inner = data.get(part)
        if isinstance(inner, dict):
            found += [inner[key] for key in _INNER if key in inner]
    found += [row["text"] for row in data.get("carried", ())]
    return [text for text in found if isinstance(text, str) and len(text) == HASH_LENGTH]
