"""How a fact changes the snapshot of a cycle.

`evolve` changes a snapshot in place (replay owns its snapshot and must be fast); `apply` works on a copy and is the
pure face of the same rule.  Every change notes which row it touched, so that the store writes those rows and no others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from .snapshot import RUNNING, SUSPENDED, Data, Item, Sheet, Snapshot, Visit, WarningLife


def apply(snapshot: Snapshot, kind: str, data: Data, at: str) -> Snapshot:
    """Return the snapshot after a fact; the one given stays as it is."""
    following = copy.deepcopy(snapshot)
    evolve(following, kind, data, at)
    return following


def evolve(snapshot: Snapshot, kind: str, data: Data, at: str) -> None:
    """Change a snapshot by one fact; unknown kinds raise KeyError."""
    EFFECTS[kind](snapshot, data, at)
    snapshot.version += 1
    if "closes" in data:
        _end(snapshot, data["closes"], "done", at)
    if "drops" in data:
        _end(snapshot, data["drops"], "dropped", at)
    if "stops" in data:
        _stop(snapshot, data["stops"])
    if "enter" in data:
        _enter(snapshot, data["enter"], at)
    if "close" in data:
        _close(snapshot, data["close"], at)
    if "leaf" in data:
        snapshot.leaf = data["leaf"]
    if "items" in data:
        for item in data["items"]:
            _open(snapshot, item, at)


def _end(snapshot: Snapshot, numbers: list[int], state: str, at: str) -> None:
    for no in numbers:
        item = snapshot.items[no]
        item.state, item.closed_at, item.level_at = state, at, None
        snapshot.touched.add(("item", no))


def _stop(snapshot: Snapshot, stops: list[list[int]]) -> None:
    for no, left in stops:
        item = snapshot.items[no]
        item.state, item.left, item.level_at = "stopped", left, None
        snapshot.touched.add(("item", no))


def _resume(snapshot: Snapshot, resumes: list[Data]) -> None:
    for row in resumes:
        item = snapshot.items[row["no"]]
        item.state, item.left = "open", None
        item.due, item.level_at = row["due"], row.get("level_at")
        if "visit" in row:
            item.visit = row["visit"]
        snapshot.touched.add(("item", item.no))


def _open(snapshot: Snapshot, row: Data, at: str) -> None:
    no = row["no"]
    snapshot.items[no] = Item(
        no=no, kind=row["kind"], stage=row["stage"], visit=row["visit"], ref=row.get("ref"), holder=row["holder"],
        owner=row["holder"], opened_at=at, due=row["due"], level_at=row.get("level_at"),
        state="stopped" if "left" in row else "open", left=row.get("left"),
    )  # fmt: skip
    snapshot.item_no = max(snapshot.item_no, no)
    snapshot.touched.add(("item", no))


def _enter(snapshot: Snapshot, enter: Data, at: str) -> None:
    stage = enter["stage"]
    snapshot.stage, snapshot.leaf = stage, enter["leaf"]
    for later in enter.get("voids", ()):
        if later in snapshot.visits and snapshot.visits[later].state != "void":
            snapshot.visits[later].state = "void"
            snapshot.touched.add(("visit", later, snapshot.visits[later].number))
    before = snapshot.visits.get(stage)
    snapshot.visits[stage] = Visit(
        stage=stage, number=enter["visit"], entered_at=at, due=enter.get("due"),
        content=before.content if before else None, auto_at=enter.get("auto_at"),
    )  # fmt: skip
    snapshot.touched.add(("visit", stage, enter["visit"]))
    if "resumes" in enter:
        _resume(snapshot, enter["resumes"])


def _close(snapshot: Snapshot, outcome: str, at: str) -> None:
    snapshot.status = "cancelled" if outcome == "cancelled" else "closed"
    snapshot.outcome, snapshot.closed_at = outcome, at


def _started(snapshot: Snapshot, data: Data, at: str) -> None:
    for name in ("definition", "subject", "track", "layer", "number", "parent", "previous", "start", "end",
                 "ends_at", "responsible", "unit"):  # fmt: skip
        setattr(snapshot, name, data.get(name))
    snapshot.status, snapshot.started_at = RUNNING, at
    snapshot.adopted = bool(data.get("adopted"))
    for stage in data.get("adopted", ()):
        snapshot.visits[stage] = Visit(stage=stage, number=1, state="done", entered_at=at, outcome="adopted")
        snapshot.touched.add(("visit", stage, 1))
    for row in data.get("sheets", ()):
        snapshot.sheets[row["no"]] = Sheet(**row)
        snapshot.sheet_no = max(snapshot.sheet_no, row["no"])
        snapshot.touched.add(("sheet", row["no"]))


def _touch_visit(snapshot: Snapshot) -> Visit:
    visit = snapshot.visits[snapshot.stage]
    snapshot.touched.add(("visit", visit.stage, visit.number))
    return visit


def _submitted(snapshot: Snapshot, data: Data, at: str) -> None:
    visit = _touch_visit(snapshot)
    snapshot.revision = visit.revision = data["revision"]
    visit.submitted_at, visit.submitted_by, visit.for_ = at, data["by"], data.get("for")
    visit.content = data.get("content")
    visit.auto_at = None
    if "signers" in data:
        visit.state, visit.need, visit.order = "review", data["need"], data["order"]
        visit.signers = list(data["signers"])
        visit.signed = {}
        snapshot.leaf = "review"
    else:
        visit.state, visit.outcome, visit.decided_at = "done", "none", at


def _withdrawn(snapshot: Snapshot, data: Data, at: str) -> None:
    visit = _touch_visit(snapshot)
    snapshot.revision = visit.revision = data["revision"]
    visit.state, visit.signers, visit.signed, visit.need = "open", [], {}, 0
    visit.auto_at = data.get("auto_at")


def _signed(snapshot: Snapshot, data: Data, at: str) -> None:
    visit = _touch_visit(snapshot)
    visit.signed[data["signer"]] = {"by": data["by"], "at": at, "content": visit.content, "decision": "approve"}


def _approved(snapshot: Snapshot, data: Data, at: str) -> None:
    _signed(snapshot, data, at)
    visit = snapshot.visits[snapshot.stage]
    snapshot.revision = data["revision"]
    visit.state, visit.outcome, visit.decided_at = "done", "approved", at


def _returned(snapshot: Snapshot, data: Data, at: str) -> None:
    visit = _touch_visit(snapshot)
    snapshot.revision = data["revision"]
    visit.state, visit.outcome, visit.decided_at = "void", data.get("outcome", "returned"), at
    for warning in data.get("met", ()):
        snapshot.warnings[warning].proposal = None
        snapshot.touched.add(("warning", warning))


def _advanced(snapshot: Snapshot, data: Data, at: str) -> None:
    visit = _touch_visit(snapshot)
    snapshot.revision = data["revision"]
    visit.state, visit.outcome, visit.decided_at, visit.auto_at = "done", "auto", at, None


def _held(snapshot: Snapshot, data: Data, at: str) -> None:
    _touch_visit(snapshot).auto_at = None


def _period_ended(snapshot: Snapshot, data: Data, at: str) -> None:
    snapshot.ends_at = None


def _warning_opened(snapshot: Snapshot, data: Data, at: str) -> None:
    row = data["warning"]
    snapshot.warnings[row["id"]] = WarningLife(**{"opened_at": at, "state": "opened", **row})
    if "warning_no" in data:
        snapshot.warning_no = data["warning_no"]
    snapshot.touched.add(("warning", row["id"]))


def _warning_changed(snapshot: Snapshot, data: Data, at: str) -> None:
    warning = snapshot.warnings[data["warning"]]
    for name, value in data["set"].items():
        setattr(warning, name, value)
    if warning.state in ("closed", "dismissed"):
        warning.closed_at = at
    elif warning.state == "confirmed" and warning.confirmed_at is None:
        warning.confirmed_at = at
    snapshot.touched.add(("warning", warning.id))


def _warning_passed(snapshot: Snapshot, data: Data, at: str) -> None:
    for name in data["warnings"]:
        del snapshot.warnings[name]


def _transferred(snapshot: Snapshot, data: Data, at: str) -> None:
    item = snapshot.items[data["item"]]
    former, item.holder = item.holder, data["to"]
    snapshot.touched.add(("item", item.no))
    if item.kind in ("decide", "sign") and item.ref is None:
        visit = _touch_visit(snapshot)
        visit.signers = [data["to"] if p == former else p for p in visit.signers]


def _extended(snapshot: Snapshot, data: Data, at: str) -> None:
    item = snapshot.items[data["item"]]
    item.due, item.deadline_no = data["due"], data["deadline_no"]
    item.level, item.level_at = 0, data.get("level_at")
    snapshot.touched.add(("item", item.no))
    if item.kind == "submit":
        visit = _touch_visit(snapshot)
        visit.due = data["due"]
        visit.auto_at = data.get("auto_at", visit.auto_at)


def _deadline_moved(snapshot: Snapshot, data: Data, at: str) -> None:
    item = snapshot.items[data["item"]]
    item.due, item.level_at = data["due"], data.get("level_at")
    snapshot.touched.add(("item", item.no))
    if item.kind == "submit":
        visit = _touch_visit(snapshot)
        visit.due = data["due"]
        visit.auto_at = data.get("auto_at", visit.auto_at)


def _escalated(snapshot: Snapshot, data: Data, at: str) -> None:
    item = snapshot.items[data["item"]]
    item.level, item.level_at = data["level"], data.get("level_at")
    if "holder" in data:
        item.holder = data["holder"]
    snapshot.touched.add(("item", item.no))


def _signer_added(snapshot: Snapshot, data: Data, at: str) -> None:
    visit = _touch_visit(snapshot)
    visit.signers.append(data["person"])
    visit.need = data["need"]


def _suspended(snapshot: Snapshot, data: Data, at: str) -> None:
    snapshot.status, snapshot.left = SUSPENDED, data["left"]


def _resumed(snapshot: Snapshot, data: Data, at: str) -> None:
    snapshot.status, snapshot.left = RUNNING, None
    snapshot.ends_at = data.get("ends_at", snapshot.ends_at)
    visit = _touch_visit(snapshot)
    visit.due, visit.auto_at = data.get("due", visit.due), data.get("auto_at")
    _resume(snapshot, data["resumes"])


def _sheet_changed(snapshot: Snapshot, data: Data, at: str) -> None:
    row = data["sheet"]
    sheet = snapshot.sheets[row["no"]]
    for name, value in row.items():
        setattr(sheet, name, value)
    if sheet.state == "done":
        sheet.recorded_at = at
    snapshot.touched.add(("sheet", sheet.no))


def _carried(snapshot: Snapshot, data: Data, at: str) -> None:
    snapshot.carried_in += data["carried"]


def _moved(snapshot: Snapshot, data: Data, at: str) -> None:
    if "unit" in data:
        snapshot.unit = data["unit"]
    if "responsible" in data:
        snapshot.responsible = data["responsible"]


def _migrated(snapshot: Snapshot, data: Data, at: str) -> None:
    snapshot.definition = data["definition"]
    for old, new in data.get("renames", {}).items():
        if old in snapshot.visits:
            snapshot.visits[new] = snapshot.visits.pop(old)
            snapshot.visits[new].stage = new
            snapshot.touched.add(("visit", new, snapshot.visits[new].number))
    snapshot.stage = data["stage"]
    for item in snapshot.items.values():
        if item.state in ("open", "stopped") and item.stage in data.get("renames", {}):
            item.stage = data["renames"][item.stage]
            snapshot.touched.add(("item", item.no))
    for warning in snapshot.open_warnings():
        if warning.proposal in data.get("renames", {}):
            warning.proposal = data["renames"][warning.proposal]
            snapshot.touched.add(("warning", warning.id))
    for no, rung in data.get("rungs", ()):
        snapshot.items[no].level_at = rung
        snapshot.touched.add(("item", no))


def _noted(snapshot: Snapshot, data: Data, at: str) -> None:
    """A fact that is only remembered."""


EFFECTS: dict[str, Callable[[Snapshot, Data, str], None]] = {
    "CycleStarted": _started,
    "StageSubmitted": _submitted,
    "StageWithdrawn": _withdrawn,
    "StageSigned": _signed,
    "StageApproved": _approved,
    "StageRejected": _withdrawn,
    "StageReturned": _returned,
    "StageReopened": _returned,
    "StageAdvanced": _advanced,
    "AdvanceHeld": _held,
    "PeriodEnded": _period_ended,
    "WarningOpened": _warning_opened,
    "WarningReceived": _warning_opened,
    "WarningJoined": _warning_changed,
    "ReadingReturned": _warning_changed,
    "WarningAcknowledged": _warning_changed,
    "CorrectionStarted": _warning_changed,
    "CorrectionConfirmed": _warning_changed,
    "ReopeningRefused": _warning_changed,
    "WarningDismissed": _warning_changed,
    "WarningsPassed": _warning_passed,
    "ItemTransferred": _transferred,
    "DeadlineExtended": _extended,
    "DeadlineMoved": _deadline_moved,
    "WorkEscalated": _escalated,
    "SignerAdded": _signer_added,
    "CycleSuspended": _suspended,
    "CycleResumed": _resumed,
    "CycleCancelled": _noted,
    "CycleClosed": _noted,
    "SheetIssued": _sheet_changed,
    "SheetRecorded": _sheet_changed,
    "CarryReceived": _carried,
    "ResponsibleChanged": _moved,
    "DefinitionMigrated": _migrated,
    "EvidenceAdded": _noted,
    "FrameAnswered": _noted,
    "ItemReminded": _noted,
    "CopySent": _noted,
    "Commented": _noted,
    "ChildStarted": _noted,
    "ChildClosed": _noted,
    "WorkFrozen": _noted,
}
