"""Rounds in bulk: what stands in each, and acts on many cycles at once, each with its dry run before."""

from __future__ import annotations

import secrets
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import lazy_gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from qaflow.errors import Invalid
from qaflow.services.cycles import steering
from qaflow.services.cycles.steering import Wanted
from qaflow.services.figures.dashboard import Chosen
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.wording import FAULTS, told

from .figures import asked, number_of, page_of, pages, text

ACTS: dict[str, Any] = {
    "start": _("Start cycles"),
    "suspend": _("Suspend"),
    "resume": _("Resume"),
    "extend": _("Extend the stage"),
    "migrate": _("Move to another version"),
}
"""What can be done with a round."""
WORDS = ("act", "layer", "track", "day", "stage", "until", "once")
NUMBERS = ("unit", "days", "version", "after")
REASON = 200  # signs: it travels in the address of the dry run
WORD_BYTES = 8

__all__ = ["pages"]


@pages.get("/rounds")
def rounds() -> str:
    """Show the rounds of a term."""
    chosen = asked()
    found = steering.listed(db.session, mine(), me(), chosen)
    return page_of("office_rounds.html", chosen, found.survey, found=found)


@pages.get("/rounds/plan")
def plan() -> str | tuple[str, int]:
    """Ask what to do with a round, and show the dry run of what was asked."""
    wanted = _wanted()
    if not wanted.track:
        return rounds()
    chosen = Chosen(term="all", layer=wanted.layer, track=wanted.track, round=wanted.day)
    found = steering.listed(db.session, mine(), me(), chosen)
    try:
        fates = steering.plan(db.session, mine(), me(), wanted) if wanted.act else None
    except Invalid as error:
        faults = {e["pointer"]: FAULTS[e["code"]] for e in error.errors if isinstance(e, dict)}
        return _plan(found, chosen, wanted, None, faults), error.status
    return _plan(found, chosen, wanted, fates, {})


@pages.post("/rounds/plan")
def act() -> Response:
    """Do what the dry run showed, one batch; a second confirmation finds it done."""
    wanted = _wanted()
    done = steering.run(db.session, mine(), me(), wanted)
    flash(ngettext("%(num)d cycle done.", "%(num)d cycles done.", done), "ok")
    return redirect(url_for("office.plan", **_address(wanted)), 303)


def _plan(found: Any, chosen: Chosen, wanted: Wanted, fates: Any, faults: dict[str, Any]) -> str:
    versions = steering.versions(db.session, mine(), me(), wanted)
    stages = {stage.key: stage.name for d in found.survey.definitions.values() for stage in d.stages
              if any(key == d.key for key, _version in versions)}  # fmt: skip
    once = wanted.once or secrets.token_hex(WORD_BYTES)
    further = url_for("office.plan", **_address(wanted, after=fates.following)) if fates and fates.following else None
    return page_of("office_plan.html", chosen, found.survey, found=found, wanted=wanted, fates=fates, faults=faults,
                   acts=ACTS, stages=stages, versions=versions, sent=_address(wanted, once=once), further=further,
                   told=told, longest=REASON)  # fmt: skip


def _wanted() -> Wanted:
    values: dict[str, Any] = {name: text(name) for name in WORDS} | {name: number_of(name) for name in NUMBERS}
    reason = request.values.get("reason", "")
    return Wanted(**values, reason=reason[:REASON] if reason.isprintable() else "")


def _address(wanted: Wanted, **changes: Any) -> dict[str, Any]:
    """Return what the address of a dry run says."""
    values = {name: getattr(wanted, name) for name in (*WORDS, *NUMBERS, "reason")} | changes
    return {name: value for name, value in values.items() if value}
