"""The quality office: a term's rounds by layer and stage, units by punctuality, time by stage, and the lists behind."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import lazy_gettext as _

from qaflow.services.figures import dashboard
from qaflow.services.figures.dashboard import AGES, Chosen
from qaflow.services.policy import OFFICE
from qaflow.store.db import db
from qaflow.web.access import me, mine

NEUTRAL: dict[str, Any] = {
    "goal": _("Goals"), "standard": _("Standards"), "design": _("Design"), "organize": _("Organisation"),
    "implement": _("Implementation"), "diagnose": _("Diagnosis"), "incentivize": _("Incentives"),
    "learn": _("Learning"), "innovate": _("Innovation"), "improve": _("Improvement"),
}  # fmt: skip
"""The ten neutral stages, in which colleges with other stages are compared."""
WHATS: dict[str, Any] = {
    "all": _("All cycles"),
    "running": _("Running cycles"),
    "waiting": _("Waiting for a decision"),
    "late": _("Overdue cycles"),
    "aged": _("Overdue cycles"),
    "suspended": _("Suspended cycles"),
    "closed": _("Closed cycles"),
    "nobody": _("Nobody has the work"),
    "proposal": _("A reopening is proposed and not answered"),
    "period": _("The period is over, the cycle still runs"),
    "advance": _("Could not go on by itself"),
    "sealed": _("Read-only: the history does not agree"),
    "unstarted": _("Not started"),
    "due": _("Stages whose deadline passed in the term"),
    "met": _("Stages handed in by their deadline"),
    "missed": _("Stages not handed in by their deadline"),
    "worked": _("Stages handed in"),
    "decided": _("Stages decided"),
    "decisions": _("Open decisions"),
    "late_decisions": _("Overdue decisions"),
}
"""What the lists hold."""
WHYS: dict[str, Any] = {
    "nobody": _("No open work has a holder with an account: name a responsible person or fill the post."),
    "proposal": _("A correction wants to reopen an earlier stage. The approver must say yes or no."),
    "period": _("It waits for somebody to finish it, or for the quality office to cancel it."),
    "advance": _("At its deadline the gate was not met, or a warning or a decision was open."),
    "sealed": _("The audit must clear it before anybody can go on."),
}
"""What each reason for being stuck means."""
UNSTARTED: dict[str, Any] = {
    "responsible.missing": _("no responsible person"),
    "parent.not_running": _("the containing cycle does not run"),
    "overlap.wait": _("the cycle before is not closed"),
    "unclosed.two": _("two cycles are not closed"),
    "calendar.not_adopted": _("the calendar of that year is not adopted"),
}
"""Why a subject's cycle did not start."""
AGE_TITLES: tuple[Any, ...] = ("1–3", "4–7", "8–15", _("over 15"))
LONGEST = 40  # of a value in the address
NUMBER = 9  # digits
BAR = 120  # units of the longest bar

pages = Blueprint("office", __name__, url_prefix="/office")


@pages.get("")
def index() -> str:
    """Show all rounds of a term as layer × stage."""
    chosen = asked()
    found = dashboard.heat(db.session, mine(), me(), chosen)
    return page_of("office.html", chosen, found.survey, found=found, may_steer=bool(me().kinds & OFFICE))


@pages.get("/stuck")
def stuck() -> str:
    """Show what takes no next step soon, and why."""
    chosen = asked()
    found = dashboard.stuck(db.session, mine(), me(), chosen)
    return page_of("office_stuck.html", chosen, found.survey, found=found)


@pages.get("/units")
def units() -> str:
    """Show the units by how punctual they are."""
    chosen = asked()
    found = dashboard.rates(db.session, mine(), me(), chosen)
    return page_of("office_units.html", chosen, found.survey, found=found)


@pages.get("/time")
def time() -> str:
    """Show how long stages take and where decisions pile up."""
    chosen = asked()
    found = dashboard.times(db.session, mine(), me(), chosen)
    return page_of("office_time.html", chosen, found.survey, found=found, bar=_bar)


@pages.get("/list")
def listing() -> str:
    """Show what a number counts."""
    chosen = asked()
    found = dashboard.listed(db.session, mine(), me(), chosen)
    return page_of("office_list.html", chosen, found.survey, found=found)


def page_of(template: str, chosen: Chosen, survey: Any, **more: Any) -> str:
    """Return a page of this part with its words and the addresses that it names."""
    words = {"neutral": NEUTRAL, "whats": WHATS, "whys": WHYS, "unstarted_words": UNSTARTED, "age_titles": AGE_TITLES}
    tools = {"list_of": _list_of(chosen, survey), "here_with": _here_with(chosen, survey), "run": _run}
    return render_template(template, chosen=chosen, survey=survey, **words, **tools, **more)


def asked() -> Chosen:
    """Return what the address asks for; what it cannot mean counts as not said."""
    return Chosen(term=text("term"), layer=text("layer"), track=text("track"), stage=text("stage"),
                  unit=number_of("unit"), what=text("what") or "running", age=min(number_of("age"), len(AGES)),
                  holder=number_of("holder"), why=text("why"), round=text("round"),
                  page=number_of("page") or 1)  # fmt: skip


def text(name: str) -> str:
    """Return a text of the address, "" where it is none that could be meant."""
    found = request.values.get(name, "")
    return found if len(found) <= LONGEST and found.isprintable() else ""


def number_of(name: str) -> int:
    """Return a number of the address, 0 where it is none."""
    found = request.values.get(name, "")
    return int(found) if found.isascii() and found.isdecimal() and len(found) <= NUMBER else 0


def _narrowed(chosen: Chosen, survey: Any) -> dict[str, Any]:
    return {"term": survey.term.key, "layer": chosen.layer, "track": chosen.track, "unit": chosen.unit}


def _list_of(chosen: Chosen, survey: Any) -> Any:
    """Return how a template names the list behind a number; nothing where the person sees sums alone."""

    def address(what: str, **more: Any) -> str | None:
        values = {**_narrowed(chosen, survey), "what": what, **more}
        kept = {k: v for k, v in values.items() if v not in ("", 0)}
        return url_for("office.listing", **kept) if survey.scope.lists else None

    return address


def _here_with(chosen: Chosen, survey: Any) -> Any:
    """Return how a template names another page of this part with the same filters."""

    def address(endpoint: str, **changes: Any) -> str:
        return url_for(endpoint, **{k: v for k, v in (_narrowed(chosen, survey) | changes).items() if v not in ("", 0)})

    return address


def _run(stage: str) -> list[Any]:
    """Return the names of a run of neutral stages: of the first and the last."""
    return [NEUTRAL[key] for key in dict.fromkeys(stage.split("-")) if key in NEUTRAL]


def _bar(days: int, longest: int) -> int:
    """Return how long a bar is drawn for so many days."""
    return max(1, round(BAR * days / longest)) if longest and days else 0
