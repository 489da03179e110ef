"""What is told to whom: the topics of notices, and how each reaches people unless a definition says otherwise.

A topic (提醒事项) groups the facts that tell somebody the same.  Urgent notices leave at once, others wait for the
day's digest; a definition may say more, and a person chooses within what it allows.
"""

from __future__ import annotations

from .definition import Definition, NoticeRule

HOWS = ("urgent", "digest", "off")
TOPICS = {
    "StageSubmitted": "decision", "StageSigned": "decision", "SignerAdded": "decision",
    "StageRejected": "returned", "StageReturned": "returned",
    "StageReopened": "reopened", "ReopeningRefused": "reopened",
    "WarningOpened": "warning", "WarningReceived": "warning", "WarningJoined": "warning",
    "CorrectionStarted": "correction", "SheetIssued": "sheet", "ItemTransferred": "transferred",
    "WorkEscalated": "escalated", "ItemReminded": "reminder", "CopySent": "copy", "Commented": "mention",
    "IncidentGraded": "incident", "IncidentHandled": "incident", "IncidentAnswered": "incident",
    "IncidentClosed": "incident",
    "TaskAdded": "task", "TaskChanged": "task", "FileImported": "task",
}  # fmt: skip
"""The topic of each fact that tells somebody."""
_RULES = (
    NoticeRule(what="decision"), NoticeRule(what="returned"), NoticeRule(what="reopened"),
    NoticeRule(what="warning", how="urgent"), NoticeRule(what="correction"), NoticeRule(what="sheet"),
    NoticeRule(what="transferred"), NoticeRule(what="escalated"), NoticeRule(what="reminder", how="urgent"),
    NoticeRule(what="copy", allow=HOWS), NoticeRule(what="mention", allow=HOWS), NoticeRule(what="incident"),
    NoticeRule(what="task"),
)  # fmt: skip
DEFAULT = {rule.what: rule for rule in _RULES}
"""How each topic is told where a definition says nothing of it."""
OF_A_CYCLE = tuple(what for what in DEFAULT if what not in ("incident", "task"))
"""The topics of which a definition may speak."""
IN_BULK = frozenset(("FileImported",))
"""Facts that tell of much at once: of them people hear in their digest, whatever they chose for the topic."""


def rules(definition: Definition | None) -> dict[str, NoticeRule]:
    """Return how each topic is told in the cycles of a definition."""
    return DEFAULT | {rule.what: rule for rule in (definition.notices if definition is not None else ())}


def chosen(rule: NoticeRule, choice: str | None, kind: str = "") -> str:
    """Return how a fact's notice is told: as the person chose where the rule allows it, else as the rule says."""
    how = choice if choice is not None and choice in rule.allow else rule.how
    return "digest" if how == "urgent" and kind in IN_BULK else how
