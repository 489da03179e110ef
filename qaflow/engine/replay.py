"""Replay: the journal of one cycle folded again, each fact held against its definition (engine rules, 7).

A chain of hashes proves that nothing was changed after it was written; replay proves that what was written could
happen at all.  Each kind of fact has a guard that says in which state it may stand and what it may carry; the moves are
looked up in the compiled machine's table, so that a forged fact needs more than good hashes.  Gates and conditions on a
form are not repeated: contents may have been erased.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from .fold import EFFECTS, evolve
from .machine import Compiled
from .replay_guards import Disallowed, Rules, rules_of
from .replay_kinds import ELSEWHERE, ITEM_KINDS, NOT_RUNNING, RULES, STRANGE
from .snapshot import RUNNING, Data, Item, Sheet, Snapshot, Visit

Resolve = Callable[[str], Compiled | None]

LIVE = ("open", "stopped")
_BROKEN = (KeyError, TypeError, AttributeError, ValueError, IndexError)


class Replay:
    """One cycle's facts folded so far; `take` refuses what could not happen."""

    __slots__ = ("answers", "behalf", "children", "cycle", "past", "renamed", "resolve", "rules", "snap")

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
        self.answers: list[tuple[int, str, int, str, str, str, int]] = []  # to points of the frame, as their rows

    def take(self, kind: str, at: str, actor: str, behalf: str | None, definition: str | None, data: Data) -> None:
        """Take one fact in; `Disallowed` says why it cannot stand here."""
        snap = self.snap
        if snap is None:
            self._begin(kind, at, actor, definition, data)
            return
        guard, strange, carries, quick = RULES.get(kind) or _unknown(kind)
        if definition != snap.definition:
            raise Disallowed(f"the entry names definition {definition}, the cycle is pinned to {snap.definition}")
        if not strange.isdisjoint(data):
            raise Disallowed(f"{kind} cannot carry {', '.join(sorted(strange & data.keys()))}")
        try:
            _in_time(kind, snap.status)
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
        if "close" in data:
            _all_ended(kind, snap)

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
        compiled = self.resolve(data["definition"])
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
            self.cycle, RUNNING, data["definition"], data["subject"], data["track"], data["layer"], data["number"],
            data.get("parent"), data.get("previous"), data["start"], data["end"], data["ends_at"], None, stage,
            entered["leaf"], 0, data["responsible"], data["unit"], bool(adopted), at, None, 1, 0, 0, 1,
        )  # fmt: skip
        visits = self.snap.visits
        if adopted:
            for former in adopted:
                visits[former] = Visit(stage=former, number=1, state="done", entered_at=at, outcome="adopted")
        visits[stage] = Visit(
            stage=stage, number=1, entered_at=at, due=entered.get("due"), auto_at=entered.get("auto_at")
        )
        holder = item["holder"]
        self.snap.items[1] = Item(
            no=1, kind="submit", stage=item["stage"], visit=item["visit"], ref=item.get("ref"), holder=holder,
            owner=holder, opened_at=at, due=item["due"], level_at=item.get("level_at"),
        )  # fmt: skip
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
        in_loop = (
            snap.stage == self.rules.compiled.definition.hinge and snap.leaf != "review" and snap.status == RUNNING
        )
        if in_loop and snap.leaf != snap.demanded():
            raise Disallowed(f"{kind} leaves {snap.state}, the open warnings demand {snap.demanded()}")


def _unknown(kind: str) -> NoReturn:
    raise Disallowed(f"{kind} is no fact that this program knows")


def _in_time(kind: str, status: str) -> None:
    if kind in NOT_RUNNING if status == RUNNING else kind not in ELSEWHERE[status]:
        raise Disallowed(f"{kind} in a cycle that is {status}")


def _all_ended(kind: str, snap: Snapshot) -> None:
    if any(i.state in LIVE for i in snap.items.values()):
        raise Disallowed(f"{kind} ends the cycle while work items are open")


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


def _check_start(compiled: Compiled, stage: str, leaf: str, adopted: tuple[str, ...] | None) -> None:
    order = compiled.definition.order
    place = order.index(stage)
    if (order[:place] if adopted is not None else ()) != (adopted or ()) or (place and adopted is None):
        raise Disallowed(f"the cycle starts in {stage}, the stages before it are not adopted")
    if f"{stage}.{leaf}" != compiled.entry(stage):
        raise Disallowed(f"the cycle starts in {stage}.{leaf}")


_TEXTS = ("content", "reason", "comment", "text", "name", "mail")
_INNER = ("cause", "measure", "reason", "content")
_PLAIN = frozenset(("CycleStarted", "WorkEscalated", "SheetIssued", "AdvanceHeld", "PeriodEnded", "EvidenceAdded",
                    "ItemReminded", "CopySent", "SignerAdded"))  # fmt: skip
_HASH = re.compile("[0-9a-f]{64}")


def named(kind: str, data: Data) -> list[str]:
    """Return the content hashes that a fact names: forms, reasons, causes, names, mail addresses, what is carried."""
    if kind in _PLAIN:
        return []
    found = [data[key] for key in _TEXTS if key in data]
    for part in ("set", "warning", "sheet"):
        inner = data.get(part)
        if isinstance(inner, dict):
            found += [inner[key] for key in _INNER if key in inner]
    found += [row["text"] for row in data.get("carried", ())]
    return [text for text in found if isinstance(text, str) and _HASH.fullmatch(text)]
