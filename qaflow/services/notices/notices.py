"""Which facts tell whom: computed from the fact alone, so that the audit can reckon it again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from qaflow.engine.snapshot import Data

TELLS_ITEM_HOLDERS = frozenset((
    "StageSubmitted", "StageSigned", "StageRejected", "StageReturned", "StageReopened", "SignerAdded", "WarningOpened",
    "WarningReceived", "WarningJoined", "CorrectionStarted", "ReopeningRefused", "SheetIssued",
))  # fmt: skip
TELLS_TO = frozenset((
    "ItemTransferred", "WorkEscalated", "ItemReminded", "CopySent", "IncidentGraded", "IncidentHandled",
    "IncidentAnswered", "IncidentClosed",
))  # fmt: skip
TELLS_NAMED = frozenset(("Commented",))
TELLS_GIVEN = frozenset(("TaskAdded", "TaskChanged", "FileImported"))
TELLING = TELLS_ITEM_HOLDERS | TELLS_TO | TELLS_NAMED | TELLS_GIVEN
_as_text = json.JSONEncoder(ensure_ascii=False).encode


def recipients(kind: str, data: Data) -> list[int]:
    """Return the persons a fact tells: holders of the work it opens, whom it is addressed to, names or gives to."""
    if kind in TELLS_TO:
        return [data["to"]] if data["to"] is not None else []
    if kind in TELLS_NAMED:
        return list(data.get("mentioned", ()))
    if kind in TELLS_GIVEN:
        return list(data.get("given", ()))
    if kind in TELLS_ITEM_HOLDERS:
        return list(dict.fromkeys(i["holder"] for i in data.get("items", ()) if i["holder"] is not None))
    return []


def told(kind: str, data: Data, actor: str) -> list[int]:
    """Return whom a fact must have told: its recipients but the actor, who is not told of their own act."""
    return [p for p in recipients(kind, data) if str(p) != actor]


def summary(kind: str, data: Data) -> Data:
    """Return the few words a notice carries: never the content of findings."""
    found: Data = {"kind": kind}
    for name in ("stage", "item", "level", "due"):
        if name in data:
            found[name] = data[name]
    return found


def of_incident(no: int, kind: str) -> str:
    """Return the payload of a notice of a quality incident: its number, no word of what happened."""
    return _as_text({"incident": no, "kind": kind})


def of_tasks(kind: str, tasks: Sequence[int], no: int | None = None) -> str:
    """Return the payload of a notice of tasks of the year, of one with its number in the plan."""
    return _as_text({"tasks": list(tasks), "kind": kind} | ({} if no is None else {"no": no}))


def payload(cycle: int, kind: str, data: Data) -> str:
    """Return a notice's payload as the outbox keeps it."""
    return _as_text({"cycle": cycle, **summary(kind, data)})
