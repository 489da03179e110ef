"""What the page of operations says: kinds of jobs and incidents, reasons, times and sizes, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from qaflow.store.operations import Run
from qaflow.web.definitions.words import joined
from qaflow.web.words import clock, college, day, number

DONE: dict[str, Any] = {
    "started": _("cycles started"),
    "advanced": _("stages moved on"),
    "held": _("stages held for what is missing"),
    "periods_ended": _("periods ended"),
    "lapsed": _("cycles lapsed"),
    "cancelled": _("cycles cancelled with their subject"),
    "sheets": _("diagnosis sheets issued"),
    "escalated": _("levels of the ladder"),
    "deputies_ended": _("deputies' times ended"),
    "readings_late": _("late readings"),
    "tasks_late": _("late tasks"),
    "incidents": _("incidents"),
    "incidents_retried": _("incidents tried again"),
    "messages": _("messages sent"),
    "messages_failed": _("messages failed"),
    "events_sent": _("events sent"),
    "events_failed": _("events that failed"),
}
SKIPPED: dict[str, Any] = {
    "clock": _("the clock went back"),
    "paused": _("automatic steps wait for a confirmation"),
    "busy": _("others were working on it"),
    "sheets": _("missed diagnosis sheets left out"),
    "notices": _("notices told before the restore"),
    "broken_off": _("broken off"),
}
INCIDENTS: dict[str, Any] = {
    "tick.cycle": _("A cycle's automatic step"),
    "tick.item": _("Escalation of overdue work"),
    "tick.start": _("Start of a cycle"),
    "tick.subject": _("End of a subject"),
    "tick.deputies": _("End of deputies' times"),
    "tick.readings": _("Search for late readings"),
    "tick.tasks": _("Search for late tasks"),
    "tick.mail": _("Sending a message"),
    "webhook": _("A webhook that was paused"),
    "clock": _("The machine's clock"),
    "history": _("A cycle's history"),
}
OUTBOX: dict[str, Any] = {
    "waiting": _("waiting"),
    "failed": _("failed"),
    "sent": _("sent"),
    "dropped": _("dropped"),
}
STATES: dict[str, Any] = {"open": _("unsolved"), "retry": _("to be tried again"), "solved": _("solved")}
DOORS: dict[str, Any] = {
    "scheduler": _("by the program"), "tick": _("by hand, command line"), "web": _("by hand, this page"),
    "api": _("by hand, another program"), "demo": _("by the demo"),
}  # fmt: skip
MANUAL: dict[str, Any] = {
    "clock": _("No sweep clears this: see to the machine's clock, then confirm it on the page of operations."),
    "history": _("No sweep clears this: whoever runs the machine types qaflow doctor, which checks it again."),
}
STEPS = ("B", "kB", "MB", "GB", "TB")
KILO = 1024
MINUTE, HOUR, DAY = 60, 3600, 86_400


def done(run: Run) -> str:
    """Return what a sweep did."""
    return _counted(DONE, run.done) or str(gettext("nothing was due"))


def skipped(run: Run) -> str:
    """Return what a sweep passed over, and why."""
    return _counted(SKIPPED, run.skipped)


def _counted(words: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    said = [f"{words.get(k, k)} {number(v)}" if isinstance(v, int) and k != "paused" else str(words.get(k, k))
            for k, v in values.items()]  # fmt: skip
    return joined(said)


def at(instant: str | datetime | None) -> str:
    """Return an instant as the college's clocks show it."""
    if instant is None:
        return ""
    found = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    view = college()
    return f"{day(view.calendar.local_day(found) if view else found.date())} {clock(found)}"


def took(run: Run) -> str:
    """Return how long a sweep took."""
    if run.ended_at is None:
        return str(gettext("still running, or cut off"))
    seconds = (datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds()
    return length(seconds)


def length(of: float | timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = of.total_seconds() if isinstance(of, timedelta) else of
    if seconds < MINUTE:
        return str(gettext("%(num)s s", num=f"{max(seconds, 0):.1f}"))
    if seconds < HOUR:
        return str(ngettext("%(num)d minute", "%(num)d minutes", int(seconds / MINUTE)))
    if seconds < 2 * DAY:
        return str(ngettext("%(num)d hour", "%(num)d hours", int(seconds / HOUR)))
    return str(ngettext("%(num)d day", "%(num)d days", int(seconds / DAY)))


def between(first: str | datetime, last: str | datetime) -> str:
    """Return how far two instants lie apart."""
    a, b = (datetime.fromisoformat(x) if isinstance(x, str) else x for x in (first, last))
    return length(abs(b - a))


def size(count: int | None) -> str:
    """Return a count of bytes in its largest unit."""
    if count is None:
        return str(gettext("none"))
    value, step = float(count), 0
    while value >= KILO and step < len(STEPS) - 1:
        value, step = value / KILO, step + 1
    return f"{value:.0f} {STEPS[step]}" if step == 0 else f"{value:.1f} {STEPS[step]}"
