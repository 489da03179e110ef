"""The kinds of facts as replay knows them: each one's guard, what it may carry, and when it may stand."""

from __future__ import annotations

from . import replay_guards as guards
from .replay_guards import Guard
from .snapshot import OPEN_WARNING, SUSPENDED

PARTS = frozenset(("closes", "drops", "stops", "enter", "close", "leaf", "items", "revision"))
"""What moves a cycle, whatever the kind; a kind may carry only its own (`CARRIES`)."""
ITEM_KINDS = frozenset(("submit", "decide", "sign", "acknowledge", "correct", "confirm", "sheet"))
GUARDS: dict[str, Guard] = {
    "CycleStarted": guards.again,
    "StageSubmitted": guards.submitted,
    "StageWithdrawn": guards.withdrawn,
    "StageSigned": guards.signed,
    "StageApproved": guards.approved,
    "StageRejected": guards.said_no("reject"),
    "StageReturned": guards.said_no("return"),
    "StageReopened": guards.reopened,
    "StageAdvanced": guards.advanced,
    "AdvanceHeld": guards.held,
    "PeriodEnded": guards.period_ended,
    "WarningOpened": guards.opened,
    "WarningReceived": guards.received,
    "WarningJoined": guards.reading(True, "opened"),
    "ReadingReturned": guards.reading(False, "closed"),
    "WarningAcknowledged": guards.warning_step(("acknowledged",), "opened"),
    "CorrectionStarted": guards.warning_step(("correcting",), "acknowledged", "correcting"),
    "CorrectionConfirmed": guards.warning_step(("confirmed", "closed"), "correcting"),
    "ReopeningRefused": guards.refused,
    "WarningDismissed": guards.warning_step(("dismissed",), *sorted(OPEN_WARNING)),
    "WarningsPassed": guards.passed,
    "ItemTransferred": guards.transferred,
    "DeadlineExtended": guards.extended,
    "DeadlineMoved": guards.moved,
    "WorkEscalated": guards.escalated,
    "SignerAdded": guards.signer_added,
    "CycleSuspended": guards.suspended,
    "CycleResumed": guards.resumed,
    "CycleCancelled": guards.ended("cancel", "cancelled"),
    "CycleClosed": guards.ended("close", "complete", "incomplete", "lapsed"),
    "SheetIssued": guards.sheet("planned", "open", "dropped"),
    "SheetRecorded": guards.sheet("open", "done"),
    "CarryReceived": guards.noted,
    "ResponsibleChanged": guards.noted,
    "DefinitionMigrated": guards.migrated,
    "EvidenceAdded": guards.attached,
    "FrameAnswered": guards.answered,
    "ItemReminded": guards.reminded,
    "CopySent": guards.noted,
    "Commented": guards.noted,
    "ChildStarted": guards.child_started,
    "ChildClosed": guards.child_closed,
    "WorkFrozen": guards.noted,
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
    "CycleResumed": ("leaf",),
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
"""Of each kind: its guard, what it may not carry, whether it carries anything, whether it moves a leaf."""

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
