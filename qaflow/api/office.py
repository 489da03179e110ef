"""The quality office's figures: a term's rounds by stage, units by punctuality, time by stage, what is stuck."""

from __future__ import annotations

from typing import Any

from qaflow.api import office_schemas as o
from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.figures import counted, label, named
from qaflow.api.resource import Resource
from qaflow.services.cycles import steering
from qaflow.services.figures import dashboard
from qaflow.services.figures.dashboard import LINES, Cell, Chosen, Rate, Row, Took
from qaflow.services.figures.survey import Survey
from qaflow.store.dashboard import Line

resource = Resource("api_office", __name__, url_prefix="/office", description="The quality office's figures")
SUBJECT = ("id", "code", "name", "layer", "track", "start", "why", "who")


@resource.get("", asks=o.Filters, gives=o.Heat)
def heat(call: Call) -> dict[str, Any]:
    """Show where the running cycles of a term's rounds stand, by layer and stage."""
    found = dashboard.heat(call.session, call.origin, call.me, Chosen(**call.query))
    late = [{"layer": key, "name": label(name), "many": many} for name, key, many in found.ages]
    return _of(found.survey) | {"rows": [_row(row) for row in found.rows], "total": _sum(found.total), "late": late,
                                "unstarted": found.unstarted}  # fmt: skip


@resource.get("/rounds", asks=o.Filters, gives=o.Rounds)
def rounds(call: Call) -> dict[str, Any]:
    """Show the rounds of a term and how their cycles stand."""
    found = steering.listed(call.session, call.origin, call.me, Chosen(**call.query))
    told = [one._asdict() | {"name": label(found.survey.track_name(one.layer, one.track)),
                             "unstarted": found.unstarted.get((one.layer, one.track, one.start), 0)}
            for one in found.rounds]  # fmt: skip
    return _of(found.survey) | {"steers": found.steers, "rounds": told}


@resource.get("/units", asks=o.Filters, gives=o.Rates)
def units(call: Call) -> dict[str, Any]:
    """Show the units by how many stages were handed in by their deadline."""
    found = dashboard.rates(call.session, call.origin, call.me, Chosen(**call.query))
    ranked, few = ([_rate(one) for one in of] for of in (found.ranked, found.few))
    return _of(found.survey) | {"ranked": ranked, "few": few, "total": _rate(found.total)}


@resource.get("/times", asks=o.Filters, gives=o.Times)
def times(call: Call) -> dict[str, Any]:
    """Show how long stages take, and where decisions pile up."""
    found = dashboard.times(call.session, call.origin, call.me, Chosen(**call.query))
    stages = [{"stage": key, "working": _took(working), "waiting": _took(waiting)}
              for key, working, waiting in found.stages]  # fmt: skip
    piles = [dict(zip(("person", "name", "many", "late"), pile, strict=True)) for pile in found.piles]
    return _of(found.survey) | {"stages": stages, "piles": piles}


@resource.get("/stuck", asks=o.Filters, gives=o.Stuck)
def stuck(call: Call) -> dict[str, Any]:
    """Show what takes no next step soon, and why."""
    found = dashboard.stuck(call.session, call.origin, call.me, Chosen(**call.query))
    return _of(found.survey) | {"reasons": _whys(found.reasons.items()), "unstarted": _whys(found.unstarted)}


@resource.get("/list", asks=o.Wanted, gives=s.listing(o.Line, LINES, many=s.whole(required=True)))
def listed(call: Call) -> dict[str, Any]:
    """List what a number counts."""
    asked, page = dict(call.query), call.after() or 1
    asked.pop("after", None)
    first = asked.pop("round", None)
    chosen = Chosen(**asked, round=first.isoformat() if first else "", page=page)
    found = dashboard.listed(call.session, call.origin, call.me, chosen)
    cycles = [{"cycle": _cycle(found.survey, one), "unstarted": None} for one in found.lines]
    subjects = [{"cycle": None, "unstarted": dict(zip(SUBJECT, one, strict=True))} for one in found.unstarted]
    return counted(call, cycles + subjects, found.many, page, found.more)


def _of(survey: Survey) -> dict[str, Any]:
    return {"term": survey.term.key, "lists": survey.scope.lists}


def _row(row: Row) -> dict[str, Any]:
    stages = [_sum(cell) | {"stage": cell.stage, "name": label(cell.name)} for cell in row.cells]
    return {"layer": row.layer, "layer_name": label(row.layer_name), "track": row.track,
            "track_name": label(row.track_name), "stages": stages, "total": _sum(row.total)}  # fmt: skip


def _sum(cell: Cell) -> dict[str, Any]:
    return {"many": cell.many, "late": cell.late, "waiting": cell.waiting}


def _rate(one: Rate) -> dict[str, Any]:
    told = {"many": one.many, "met": one.met, "share": one.share if one.many else None}
    return told | {"unit": one.unit or None, "name": label(one.name) if one.unit else None}


def _took(one: Took | None) -> dict[str, Any] | None:
    return None if one is None else one._asdict()


def _whys(found: Any) -> list[dict[str, Any]]:
    return [{"why": why, "many": many} for why, many in found]


def _cycle(survey: Survey, line: Line) -> dict[str, Any]:
    told = {name: getattr(line, name) for name in ("subject", "layer", "track", "number", "stage", "status", "due",
                                                   "who")}  # fmt: skip
    return told | {"id": line.cycle, "stage_name": label(survey.stage_name(line.definition, line.stage)),
                   "unit": named(line.unit_zh, line.unit_en)}  # fmt: skip
