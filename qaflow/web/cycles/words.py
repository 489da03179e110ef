"""What a cycle's page says of facts, states and what is missing, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from qaflow.services.cycles.mentions import Mentions
from qaflow.services.cycles.page import CyclePage
from qaflow.web.language import pair
from qaflow.web.words import clock, day

FACTS: dict[str, Any] = {
    "CycleStarted": _("Cycle started"),
    "StageSubmitted": _("Submitted"),
    "StageWithdrawn": _("Submission withdrawn"),
    "StageSigned": _("Signed"),
    "StageApproved": _("Approved"),
    "StageRejected": _("Rejected"),
    "StageReturned": _("Returned to an earlier stage"),
    "StageReopened": _("Stage reopened"),
    "StageAdvanced": _("Moved on at the deadline"),
    "AdvanceHeld": _("Not moved on at the deadline: something was missing"),
    "PeriodEnded": _("The period ended"),
    "WarningOpened": _("Warning opened"),
    "WarningReceived": _("Warning taken over from the round before"),
    "WarningJoined": _("A further reading beyond the limit"),
    "ReadingReturned": _("Readings back within the limits"),
    "WarningAcknowledged": _("Warning acknowledged"),
    "CorrectionStarted": _("Correction handed in"),
    "CorrectionConfirmed": _("Correction confirmed"),
    "ReopeningRefused": _("Reopening refused"),
    "WarningDismissed": _("Warning dismissed"),
    "WarningsPassed": _("Warnings passed on to the next round"),
    "ItemTransferred": _("Work transferred"),
    "DeadlineExtended": _("Deadline extended"),
    "DeadlineMoved": _("Deadline moved with the calendar"),
    "WorkEscalated": _("Lateness told to the next level"),
    "SignerAdded": _("Signer added"),
    "CycleSuspended": _("Cycle suspended"),
    "CycleResumed": _("Cycle resumed"),
    "CycleCancelled": _("Cycle cancelled"),
    "CycleClosed": _("Cycle closed"),
    "SheetIssued": _("Diagnosis sheet issued"),
    "SheetRecorded": _("Diagnosis sheet recorded"),
    "CarryReceived": _("Problems and goals carried over"),
    "ResponsibleChanged": _("Responsible person or unit changed"),
    "DefinitionMigrated": _("Gone over to another version of the definition"),
    "EvidenceAdded": _("Evidence added"),
    "FrameAnswered": _("Diagnosis point answered"),
    "ItemReminded": _("Reminded"),
    "CopySent": _("Copy sent"),
    "Commented": _("Comment"),
    "ChildStarted": _("A cycle below this one started"),
    "ChildClosed": _("A cycle below this one closed"),
    "WorkFrozen": _("Frozen for an outside review"),
}
"""Every kind of fact of a cycle's history."""

DECISIONS = frozenset(("StageSigned", "StageApproved", "StageRejected", "StageReturned", "StageReopened",
                       "CorrectionConfirmed", "WarningDismissed", "ReopeningRefused"))  # fmt: skip
"""Facts by which somebody decided."""
CARRIED: dict[str, Any] = {
    "problem": _("open problem"),
    "goal": _("open goal"),
    "child": _("left over by the cycle below"),
}
KILO = 1024

LEAVES: dict[str, Any] = {
    "open": _("being worked on"),
    "review": _("under review"),
    "monitor": _("monitoring"),
    "warn": _("warned"),
    "correct": _("correcting"),
}
STATUS: dict[str, Any] = {
    "running": _("running"),
    "suspended": _("suspended"),
    "closed": _("closed"),
    "cancelled": _("cancelled"),
}
WARNED: dict[str, Any] = {
    "opened": _("to be acknowledged"),
    "acknowledged": _("acknowledged"),
    "correcting": _("correction handed in"),
    "confirmed": _("confirmed, readings awaited"),
    "closed": _("closed"),
    "dismissed": _("dismissed"),
}
SEVERITY: dict[str, Any] = {"minor": _("minor"), "major": _("serious")}
SCOPES: dict[str, Any] = {
    "implementation": _("implementation"),
    "design": _("design"),
    "standard": _("standard"),
    "goal": _("goal"),
}
CATEGORIES: dict[str, Any] = {
    "people": _("people"),
    "equipment": _("equipment"),
    "material": _("material"),
    "method": _("method"),
    "measurement": _("measurement"),
    "environment": _("environment"),
}
"""Kinds of cause."""
WARNING_KINDS: dict[str, Any] = {
    "breach": _("Limit broken"),
    "late": _("Reading overdue"),
    "task": _("Task off plan"),
    "manual": _("Warning by hand"),
}


def days(start: str, end: str) -> str:
    """Return the days of a period whose end is the first day that is no longer of it."""
    last = date.fromisoformat(end) - timedelta(days=1)
    return str(gettext("%(first)s to %(last)s", first=day(start), last=day(last)))


def moment(page: CyclePage, at: str) -> str:
    """Return an instant as people write it."""
    of = datetime.fromisoformat(at)
    return f"{day(page.college.calendar.local_day(of))} {clock(of)}"


def size(many: int) -> str:
    """Return the size of a file as people write it."""
    if many < KILO:
        return f"{many} B"
    return f"{many / KILO:.0f} kB" if many < KILO * KILO else f"{many / KILO / KILO:.1f} MB"


def figure(value: float) -> str:
    """Return a reading or a limit without needless digits."""
    return f"{value:.10g}"


def layer(page: CyclePage) -> str:
    """Return the name of the cycle's layer."""
    return next((pair(one.name) for one in page.college.config.layers if one.key == page.snap.layer), page.snap.layer)


def track(page: CyclePage, of_layer: str, key: str) -> str:
    """Return the name of a track."""
    found = page.college.config.track_by_key.get((of_layer, key))
    return pair(found.name) if found else key


def signatures(page: CyclePage, stage: str) -> list[Line]:
    """Return what was decided in a stage, in its order."""
    kinds = DECISIONS - {"CorrectionConfirmed", "WarningDismissed"}
    return [_line(page, fact) for fact in page.history if fact["kind"] in kinds and fact["data"].get("stage") == stage]


class Line(NamedTuple):
    """One line of the timeline."""

    seq: int
    day: str
    time: str
    who: str
    for_: str
    system: bool
    what: str
    where: str
    said: tuple[str, ...]
    hash: str
    prev: str
    shape: str  # decision, person, system


def mentioned(found: Mentions) -> list[str]:
    """Return what is to be said of a comment's mentions: whom it could not tell."""
    said = [gettext("%(name)s was not told: they may not see this cycle.", name=one.name) for one in found.blind]
    said += [gettext("Nobody, or more than one person, is called “%(name)s”: nobody was told.", name=name)
             for name in found.unknown]  # fmt: skip
    return said


def timeline(page: CyclePage) -> list[Line]:
    """Return a cycle's facts, the newest first."""
    return [_line(page, fact) for fact in reversed(page.history)]


def _line(page: CyclePage, fact: Mapping[str, Any]) -> Line:
    at = datetime.fromisoformat(fact["at"])
    said = tuple(gettext("(erased)") if text is None else text for text in fact["texts"].values())
    said += _changed(page, fact)
    return Line(
        seq=fact["seq"], day=day(page.college.calendar.local_day(at)), time=clock(at), who=fact["actor"] or "",
        for_=fact["on_behalf_of"] or "", system=fact["actor"] is None, what=str(FACTS[fact["kind"]]),
        where=_where(page, fact["data"]), said=said, hash=fact["hash"][:12],
        prev=fact["prev"][:12], shape=_shape(fact),
    )  # fmt: skip


def _changed(page: CyclePage, fact: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which fields a submission filled or changed, by their names; a file by its own."""
    if fact["kind"] == "EvidenceAdded":
        return (str(fact["data"].get("name", "")),)
    handed = next((one for one in page.submissions if one.seq == fact["seq"]), None)
    stage = page.definition.by_key.get(handed.stage) if handed else None
    if handed is None or stage is None:
        return ()
    former = [one.values for one in page.submissions if one.stage == handed.stage and one.seq < handed.seq]
    before = former[-1] if former else {}
    names = [pair(f.label) for f in stage.form if before.get(f.key) != handed.values.get(f.key)]
    return (gettext("Filled in: %(fields)s", fields=", ".join(names)) if not former else
            gettext("Changed: %(fields)s", fields=", ".join(names)),) if names else ()  # fmt: skip


def _shape(fact: Mapping[str, Any]) -> str:
    return "decision" if fact["kind"] in DECISIONS else "system" if fact["actor"] is None else "person"


def _where(page: CyclePage, data: Mapping[str, Any]) -> str:
    """Return which stage and visit a fact is about."""
    key = data.get("to") if data.get("to") in page.definition.by_key else data.get("stage")
    stage = page.definition.by_key.get(str(key))
    if stage is None:
        warning = data.get("warning")
        return str(gettext("warning %(num)s", num=warning.rpartition(".")[2])) if isinstance(warning, str) else ""
    number = data.get("visit") or (data.get("enter") or {}).get("visit")
    name = pair(stage.name)
    return gettext("%(stage)s, visit %(num)d", stage=name, num=number) if isinstance(number, int) else name
