"""Which facts are told outside, by what name, and what an event carries: ids, kinds, states and days.

An event never names a person and holds no text of a person: no answers, reasons, comments or findings, no holder or
actor. Who needs more asks the service, with their own rights. The facts of persons' streams (roles, deputies, accounts,
self-tests) and of quality incidents, which are reports about people, are not told at all.

The envelope is CloudEvents 1.0 in JSON. `id` is the fact's place in its history and stays the same however often the
event is sent; `subject` is what it is about; `partitionkey` says within what the order is kept; `sequence` is the
position in the whole stream. `data` holds nothing that a later change could alter, so an event always reads the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from qaflow.engine.snapshot import Data
from qaflow.store.events import Row

SPEC = "1.0"
CONTENT_TYPE = "application/cloudevents+json"
DIGITS = 19  # positions as text sort by their number


class Told(NamedTuple):
    """How one kind of fact is told."""

    type: str
    carries: tuple[str, ...] = ()


def _entered(data: Data) -> Data:
    return {name: data[name] for name in ("stage", "leaf", "visit", "due") if data.get(name) is not None}


def _items(data: list[Data]) -> list[Data]:
    return [{name: item[name] for name in ("no", "kind", "stage", "visit", "due") if name in item} for item in data]


def _warning(data: Data | str) -> Data | str:
    if isinstance(data, str):
        return data
    return {name: data[name] for name in ("id", "state", "kind", "point", "severity") if data.get(name) is not None}


def _sheet(data: Data) -> Data:
    return {name: data[name] for name in ("no", "kind", "state", "due") if data.get(name) is not None}


def _state(data: Data) -> Data:
    return {name: data[name] for name in ("state", "scope") if data.get(name) is not None}


SHAPED: dict[str, Callable[[Any], Any]] = {
    "enter": _entered, "items": _items, "warning": _warning, "sheet": _sheet, "set": _state,
}  # fmt: skip
"""Parts of a fact that hold more than an event may carry, and what is left of each."""
MOVES = ("stage", "visit", "revision", "enter", "close", "leaf", "items", "closes", "drops")
BACK = ("from", "to", "revision", "enter", "leaf", "items", "closes", "drops")
LOOP = ("warning", "set", "leaf", "items", "closes")
TOLD: dict[str, Told] = {
    "CycleStarted": Told("qaflow.cycle.started", ("subject", "layer", "track", "number", "start", "end", "unit", "key",
                                                  "definition", "enter", "items")),
    "StageSubmitted": Told("qaflow.cycle.stage-submitted", MOVES),
    "StageWithdrawn": Told("qaflow.cycle.stage-withdrawn", MOVES),
    "StageSigned": Told("qaflow.cycle.stage-signed", MOVES),
    "StageApproved": Told("qaflow.cycle.stage-approved", MOVES),
    "StageRejected": Told("qaflow.cycle.stage-rejected", MOVES),
    "StageReturned": Told("qaflow.cycle.stage-returned", BACK),
    "StageReopened": Told("qaflow.cycle.stage-reopened", BACK),
    "StageAdvanced": Told("qaflow.cycle.stage-advanced", MOVES),
    "AdvanceHeld": Told("qaflow.cycle.advance-held", ("stage", "visit")),
    "PeriodEnded": Told("qaflow.cycle.period-ended", ("stage",)),
    "ReopeningRefused": Told("qaflow.cycle.reopening-refused", LOOP),
    "SignerAdded": Told("qaflow.cycle.signer-added", ("stage", "visit", "items")),
    "CycleSuspended": Told("qaflow.cycle.suspended"),
    "CycleResumed": Told("qaflow.cycle.resumed", ("due",)),
    "CycleCancelled": Told("qaflow.cycle.cancelled", ("close", "drops")),
    "CycleClosed": Told("qaflow.cycle.closed", ("close", "drops")),
    "ResponsibleChanged": Told("qaflow.cycle.responsible-changed"),
    "DefinitionMigrated": Told("qaflow.cycle.definition-migrated", ("stage", "visit")),
    "ChildStarted": Told("qaflow.cycle.child-started", ("child",)),
    "ChildClosed": Told("qaflow.cycle.child-closed", ("child",)),
    "EvidenceAdded": Told("qaflow.cycle.evidence-added", ("stage", "visit")),
    "FrameAnswered": Told("qaflow.cycle.point-answered", ("stage", "visit", "sheet_no", "code", "degree")),
    "SheetIssued": Told("qaflow.sheet.issued", ("sheet", "items")),
    "SheetRecorded": Told("qaflow.sheet.recorded", ("sheet", "closes")),
    "WarningOpened": Told("qaflow.warning.opened", ("subject", *LOOP)),
    "WarningReceived": Told("qaflow.warning.received", LOOP),
    "WarningJoined": Told("qaflow.warning.joined", LOOP),
    "ReadingReturned": Told("qaflow.warning.reading-returned", LOOP),
    "WarningAcknowledged": Told("qaflow.warning.acknowledged", LOOP),
    "CorrectionStarted": Told("qaflow.warning.correction-started", LOOP),
    "CorrectionConfirmed": Told("qaflow.warning.correction-confirmed", LOOP),
    "WarningDismissed": Told("qaflow.warning.dismissed", LOOP),
    "ItemTransferred": Told("qaflow.item.transferred", ("item",)),
    "DeadlineExtended": Told("qaflow.item.deadline-extended", ("item", "from", "due", "deadline_no")),
    "DeadlineMoved": Told("qaflow.item.deadline-moved", ("item", "from", "due", "deadline_no")),
    "WorkEscalated": Told("qaflow.item.escalated", ("item", "deadline_no", "level", "role", "act")),
    "DefinitionPublished": Told("qaflow.college.definition-published", ("key", "version", "hash")),
    "CalendarAdopted": Told("qaflow.college.calendar-adopted", ("years", "unpublished")),
    "CalendarChanged": Told("qaflow.college.calendar-changed"),
    "UnitsAdded": Told("qaflow.college.units-added", ("count",)),
    "UnitClosed": Told("qaflow.college.unit-closed", ("unit",)),
    "SubjectsAdded": Told("qaflow.college.subjects-added", ("count", "first", "last")),
    "SubjectsChanged": Told("qaflow.college.subjects-changed", ("count",)),
    "PointsChanged": Told("qaflow.college.points-changed"),
    "LimitsSet": Told("qaflow.college.limits-set"),
    "ReadingsAccepted": Told("qaflow.readings.accepted", ("batch", "rows", "first")),
    "GoalChanged": Told("qaflow.goal.changed", ("id", "act")),
    "StandardChanged": Told("qaflow.standard.changed", ("id", "act")),
    "TaskAdded": Told("qaflow.task.added", ("task", "plan", "no")),
    "TaskChanged": Told("qaflow.task.changed", ("task", "plan", "no")),
    "TaskReported": Told("qaflow.task.reported", ("task", "plan", "no", "month", "state")),
    "TaskFinished": Told("qaflow.task.finished", ("task", "plan", "no", "day", "late")),
    "TaskResumed": Told("qaflow.task.resumed", ("task", "plan", "no")),
    "TaskDropped": Told("qaflow.task.dropped", ("task", "plan", "no")),
    "SelfTestOpened": Told("qaflow.selftest.opened", ("selftest", "key", "term", "layer", "opens", "closes")),
}  # fmt: skip
"""Every kind of fact that is told; what is not here stays inside."""
KINDS = tuple(sorted(TOLD))
TYPES = tuple(sorted({told.type for told in TOLD.values()}))


def carried(kind: str, data: Data) -> Data:
    """Return what an event of a fact carries."""
    found: Data = {}
    for name in TOLD[kind].carries:
        value = data.get(name)
        if value is not None:
            found[name] = SHAPED[name](value) if name in SHAPED else value
    return found


def envelope(row: Row) -> Data:
    """Return the CloudEvent of a fact."""
    found = carried(row.kind, json.loads(row.data))
    about = f"cycles/{row.cycle}" if row.cycle is not None else f"colleges/{row.college}"
    if row.cycle is not None:
        found = {"cycle": row.cycle, **found}
    return {
        "specversion": SPEC, "id": identity(row), "source": f"urn:qaflow:college:{row.college}",
        "type": TOLD[row.kind].type, "subject": about, "time": row.at, "datacontenttype": "application/json",
        "partitionkey": row.stream, "sequence": str(row.position).zfill(DIGITS), "data": found,
    }  # fmt: skip


def identity(row: Row) -> str:
    """Return an event's id: the stream and the place in it, the same for ever."""
    return f"{row.stream}:{row.seq}"


def body(envelope: Data) -> bytes:
    """Return an event as it is sent."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
