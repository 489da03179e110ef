"""The 8 of a running cycle: its marks and the words in its loops, from where the cycle stands today."""

from __future__ import annotations

from datetime import date, datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from qaflow.engine import periods
from qaflow.engine.calendar import CalendarGap
from qaflow.engine.definition import Stage
from qaflow.engine.drawing.figure import Mark, Progress, Readout
from qaflow.engine.drawing.svg import Link, draw
from qaflow.engine.snapshot import Visit
from qaflow.services.cycles.page import CyclePage
from qaflow.web.language import chosen
from qaflow.web.words import day

SHEET = "q8.css"
"""The figure's style sheet: what `drawing_svg.CSS` says, as a file, for the policy forbids styles in a page."""


def drawings(page: CyclePage) -> tuple[Markup, Markup]:
    """Return the 8 for a wide page and for a phone; the drawing escapes every text itself."""
    wide, phone = (
        draw(page.definition, chosen(), phone=small, progress=_progress(page, small), standalone=False,
             link=_links(page), ident="q8p" if small else "q8")
        for small in (False, True)
    )  # fmt: skip
    return Markup(wide), Markup(phone)  # noqa: S704 - the drawing's own markup, its texts escaped there


def _links(page: CyclePage) -> Link:
    number = page.snap.id
    rounds = {"round:before": page.snap.previous, "round:after": page.row["next"]}

    def link(target: str) -> str | None:
        if target in rounds:
            return url_for("cycles.show", number=rounds[target]) if rounds[target] else None
        if target.startswith("quick:"):
            return "#warnings"
        return url_for("cycles.show", number=number, stage=target) + "#record"

    return link


def _progress(page: CyclePage, short: bool) -> Progress:
    snap = page.snap
    live = snap.status in ("running", "suspended")
    planned = _planned(page)
    marks = {stage.key: _mark(page, stage, planned.get(stage.key), live, short) for stage in page.definition.stages}
    return Progress(round=snap.number, current=snap.stage if live else None, leaf=snap.leaf if live else "",
                    marks=marks, open_warnings=len(page.warnings), readout=readout(page))  # fmt: skip


def _planned(page: CyclePage) -> dict[str, date]:
    """Return the days on which stages ahead are due, where the period alone gives them."""
    return periods.stage_days(page.definition.stages, page.period, page.college.calendar)


def _mark(page: CyclePage, stage: Stage, planned: date | None, live: bool, short: bool) -> Mark:
    visit = page.snap.visits.get(stage.key)
    if live and stage.key == page.snap.stage:
        return _standing(page, visit, short)
    if visit is None:
        return Mark(note=_until(planned, short) if planned and live else "")
    if visit.outcome in ("returned", "reopened"):
        return Mark(state="returned", note=_nth(visit))
    if visit.state == "void":
        return Mark(state="again", note=_nth(visit))
    return _passed(page, visit, short)


def _standing(page: CyclePage, visit: Visit | None, short: bool) -> Mark:
    due = deadline(page)
    if due is None:
        return Mark(state="current", note=_nth(visit))
    late = days_late(page, due)
    if late:
        return Mark(state="late", note=_("%(num)d d late", num=late), late=True)
    return Mark(state="current", note=_brief(due) if short else _("due %(day)s", day=day(due, year=False)))


def _passed(page: CyclePage, visit: Visit, short: bool) -> Mark:
    if visit.decided_at is None:
        return Mark(state="passed", note=_nth(visit))
    decided = page.college.calendar.local_day(datetime.fromisoformat(visit.decided_at))
    handed = _local(page, visit.submitted_at) or decided
    late = days_between(page, date.fromisoformat(visit.due), handed) if visit.due else 0
    if late:
        return Mark(state="passed_late", note=_("%(num)d d late", num=late), late=True)
    note = _brief(decided) if short else day(decided, year=False)
    return Mark(state="passed", note=f"{note} {_nth(visit)}".strip() if not short else note)


def _local(page: CyclePage, at: str | None) -> date | None:
    return page.college.calendar.local_day(datetime.fromisoformat(at)) if at else None


def _nth(visit: Visit | None) -> str:
    return _("visit %(num)d", num=visit.number) if visit and visit.number > 1 else ""


def _until(of: date, short: bool) -> str:
    return _brief(of) if short else _("by %(day)s", day=day(of, year=False))


def _brief(of: date) -> str:
    return f"{of.month}-{of.day}"


def deadline(page: CyclePage) -> date | None:
    """Return by when the current stage is wanted: its decision's day where it is under review, else its own."""
    snap = page.snap
    if snap.status != "running":
        return None
    deciding = [i.due for i in snap.open_items() if i.kind in ("decide", "sign") and i.ref is None]
    text = min(deciding) if snap.leaf == "review" and deciding else snap.visit.due
    return date.fromisoformat(text) if text else None


def days_late(page: CyclePage, due: date) -> int:
    """Return by how many working days a deadline is past today."""
    return days_between(page, due, page.today)


def days_between(page: CyclePage, due: date, done: date) -> int:
    """Return by how many working days something came after its deadline; at least one where it came after."""
    calendar = page.college.calendar
    try:
        last = calendar.next_working(due)
        return max(calendar.working_between(last, done), 1) if done > last else 0
    except CalendarGap:
        return 1 if done > due else 0


def readout(page: CyclePage) -> Readout | None:
    """Return the number in the slow loop: the days left, or by how many working days it is late."""
    due = deadline(page)
    if due is None:
        return None
    ends = _("round ends %(day)s", day=day(page.period.last))
    late = days_late(page, due)
    if late:
        unit = ngettext("working day late", "working days late", late)
        return Readout(big=str(late), before="迟" if chosen() == "zh" else "",
                       unit=unit, lines=(_("was due %(day)s", day=day(due)), ends), late=True)  # fmt: skip
    return Readout(big=str(max((due - page.today).days, 0)), unit=ngettext("day", "days", (due - page.today).days),
                   lines=(_left(page, due), ends))  # fmt: skip


def _left(page: CyclePage, due: date) -> str:
    try:
        left = page.college.calendar.working_between(page.today, page.college.calendar.next_working(due))
    except CalendarGap:
        return str(_("due %(day)s", day=day(due)))
    words = ngettext("%(num)d working day", "%(num)d working days", left)
    return str(_("due %(day)s, %(days)s", day=day(due), days=words))
