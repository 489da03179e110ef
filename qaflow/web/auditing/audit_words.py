"""What the audit says of entries: kinds of facts in groups, doors, what a fact changed, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _

from qaflow.services.auditing.trail import Line
from qaflow.web.cycles import words as cycle_words
from qaflow.web.language import pair
from qaflow.web.words import clock, college, day

FACTS: dict[str, Any] = {
    **cycle_words.FACTS,
    "PersonAdded": _("Person added"),
    "PersonRenamed": _("Person renamed"),
    "MailAddressSet": _("Mail address set"),
    "PersonDisabled": _("Account disabled"),
    "RoleGranted": _("Role given"),
    "RoleRevoked": _("Role taken away"),
    "PasswordSet": _("Password set"),
    "AccountLinked": _("Account at a provider linked"),
    "AccountUnlinked": _("Account at a provider parted"),
    "SecondFactorSet": _("Second factor set up"),
    "SecondFactorReset": _("Second factor reset"),
    "RecoveryCodesMade": _("Recovery codes made"),
    "SignInRulesSet": _("Rules of the sign-in set"),
    "TokenIssued": _("Token made"),
    "TokensRevoked": _("Tokens revoked"),
    "LanguageChosen": _("Language chosen"),
    "DeputyAppointed": _("Deputy appointed"),
    "DeputyEnded": _("Deputy ended"),
    "AbsenceNoted": _("Absence noted"),
    "AbsenceEnded": _("Absence taken back"),
    "CalendarAdopted": _("Calendar adopted"),
    "CalendarChanged": _("Calendar changed"),
    "ChannelAdded": _("Channel added"),
    "ChannelRemoved": _("Channel removed"),
    "CollegeLoaded": _("College loaded from its files"),
    "DefinitionPublished": _("Definition published"),
    "FileImported": _("File imported"),
    "GoalChanged": _("Goal changed"),
    "StandardChanged": _("Standard changed"),
    "ReadingsAccepted": _("Readings accepted"),
    "PointsChanged": _("Control points changed"),
    "LimitsSet": _("Limits set"),
    "SubjectsAdded": _("Subjects added"),
    "SubjectsChanged": _("Subjects changed"),
    "TaskAdded": _("Task planned"),
    "TaskChanged": _("Task changed"),
    "TaskReported": _("Task reported"),
    "TaskFinished": _("Task finished"),
    "TaskDropped": _("Task dropped"),
    "TaskResumed": _("Task taken up again"),
    "UnitsAdded": _("Units added"),
    "UnitClosed": _("Unit closed"),
    "UnitChanged": _("Unit changed"),
    "CheckpointMade": _("Checkpoint made"),
    "SampleDrawn": _("Sample drawn for a review"),
    "EvidenceFrozen": _("Evidence frozen for a review"),
    "EvidenceReleased": _("Freeze of evidence lifted"),
    "FrameTaken": _("Diagnosis points taken from the library"),
    "FrameChanged": _("Diagnosis points changed"),
    "SelfTestOpened": _("Self-test opened"),
    "SelfTestHandedIn": _("Self-test handed in"),
    "IncidentReported": _("Incident reported"),
    "IncidentGraded": _("Incident graded"),
    "IncidentHandled": _("Incident handled"),
    "IncidentAnswered": _("Incident answered"),
    "IncidentClosed": _("Incident closed"),
}
OTHER = _("Another fact")
GROUPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "decisions": (_("Decisions"), tuple(sorted(cycle_words.DECISIONS))),
    "work": (_("Submissions and evidence"), ("StageSubmitted", "StageWithdrawn", "EvidenceAdded", "SheetRecorded",
             "FrameAnswered")),
    "warnings": (_("Warnings and corrections"), ("WarningOpened", "WarningJoined", "WarningReceived",
                 "ReadingReturned", "WarningAcknowledged", "CorrectionStarted", "CorrectionConfirmed",
                 "ReopeningRefused", "WarningDismissed", "WarningsPassed")),
    "lateness": (_("Escalations and deadlines"), ("WorkEscalated", "DeadlineExtended", "DeadlineMoved", "ItemReminded",
                 "ItemTransferred", "AdvanceHeld", "StageAdvanced", "PeriodEnded")),
    "life": (_("Start, stop and end of cycles"), ("CycleStarted", "CycleSuspended", "CycleResumed", "CycleCancelled",
             "CycleClosed", "ChildStarted", "ChildClosed", "CarryReceived", "DefinitionMigrated")),
    "people": (_("People and rights"), ("PersonAdded", "PersonRenamed", "MailAddressSet", "PersonDisabled",
               "RoleGranted", "RoleRevoked", "PasswordSet", "TokenIssued", "TokensRevoked", "DeputyAppointed",
               "DeputyEnded", "AbsenceNoted", "AbsenceEnded", "ResponsibleChanged", "AccountLinked", "AccountUnlinked",
               "SecondFactorSet", "SecondFactorReset", "RecoveryCodesMade")),
    "college": (_("College, calendar, definitions"), ("CalendarAdopted", "CalendarChanged", "CollegeLoaded",
                "DefinitionPublished", "FileImported", "ReadingsAccepted", "PointsChanged",
                "LimitsSet", "SubjectsAdded", "SubjectsChanged", "UnitsAdded", "UnitClosed", "UnitChanged",
                "FrameTaken", "FrameChanged", "ChannelAdded", "ChannelRemoved", "SignInRulesSet")),
    "chains": (_("Goals and standards"), ("GoalChanged", "StandardChanged")),
    "tasks": (_("Tasks of plans"), ("TaskAdded", "TaskChanged", "TaskReported", "TaskFinished", "TaskDropped",
              "TaskResumed")),
    "review": (_("Checkpoints and reviews"), ("CheckpointMade", "SampleDrawn", "EvidenceFrozen", "EvidenceReleased")),
    "voices": (_("Self-tests and incidents"), ("SelfTestOpened", "SelfTestHandedIn", "IncidentReported",
               "IncidentGraded", "IncidentHandled", "IncidentAnswered", "IncidentClosed")),
}  # fmt: skip
"""What one searches for: groups of kinds of facts."""
STREAMS: dict[str, Any] = {"cycle": _("cycles"), "person": _("people"), "college": _("the college")}
DOORS: dict[str, Any] = {
    "web": _("browser"), "cli": _("command line"), "tick": _("sweep"), "scheduler": _("scheduler"),
    "demo": _("demo"), "api": _("program"),
}  # fmt: skip
PROOFS: dict[str, tuple[Any, Any]] = {
    "chain": (_("Chain"), _("every entry hashes to its digest and names the one before")),
    "replay": (_("Replay"), _("every fact was allowed where it stands")),
    "projection": (_("Present state"), _("what the pages show is what the facts give")),
    "checkpoint": (_("Checkpoint"), _("the heads agree with those kept outside")),
}  # fmt: skip
CHECKPOINT_FAULTS: dict[str, Any] = {
    "file.too_large": _("This checkpoint is too large for the browser. Use the command line: qaflow audit verify."),
    "checkpoint.invalid": _("This file is no checkpoint with a true signature."),
}
SHORT = 12  # signs of a digest


class Told(NamedTuple):
    """One entry as the list shows it."""

    shape: str
    day: str
    time: str
    who: str
    for_: str
    what: str
    about: str
    where: str
    said: tuple[str, ...]
    door: str
    hash: str
    prev: str


def told(line: Line) -> Told:
    """Return an entry in words."""
    entry, at = line.entry, datetime.fromisoformat(line.entry.at)
    view = college()
    stage = line.stages.get(str(line.data.get("to", ""))) or line.stages.get(str(line.data.get("stage", "")))
    visit = line.data.get("visit")
    where = pair(stage) if stage else ""
    if where and isinstance(visit, int):
        where += " · " + str(_("visit %(num)d", num=visit))
    return Told(
        shape="decision" if entry.kind in cycle_words.DECISIONS else "person" if line.who else "system",
        day=day(view.calendar.local_day(at) if view else at.date(), True), time=clock(at), who=line.who or "",
        for_=line.for_ or "", what=str(FACTS.get(entry.kind, OTHER)), about=line.subject, where=where,
        said=tuple(str(_("(erased)")) if text is None else text for text in line.said),
        door=str(DOORS.get(entry.door.partition(".")[0], entry.door)), hash=entry.hash[:SHORT], prev=entry.prev[:SHORT],
    )  # fmt: skip
