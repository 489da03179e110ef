"""Quality incidents: reported, graded, handled, answered and closed, and a year's analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine.incidents import LATE, STATES, TABLE, Case
from qaflow.services.voices import incident_analysis, incident_pages, incidents
from qaflow.services.voices.incident_analysis import Analysis
from qaflow.services.voices.incident_pages import Asked
from qaflow.services.voices.incidents import TEXT, TITLE, Grading
from qaflow.services.voices.incidents import Report as Reported
from qaflow.store.incidents import Row

resource = Resource("api_incidents", __name__, url_prefix="/incidents", description="Quality incidents")
AT = {"incident.category": "category", "incident.grade": "grade", "incident.day": "occurred_on",
      "incident.due": "due", "ref.unknown_unit": "unit", "ref.unknown_user": "handler",
      "ref.ambiguous_user": "handler", "ref.disabled_user": "handler", "cycle.unknown": "cycle",
      "warning.unknown": "warning"}  # fmt: skip
FACETS = ("category", "grade", "unit", "month", "took", "state", "late", "complaint")


class Line(s.Strict):
    """An incident of a list; `took` is the span of its answer: up to 5, 10, 20 working days, or more."""

    id = s.ident(required=True)
    no = s.ident(required=True)
    state = s.choice(STATES, required=True)
    title = s.text(s.TEXT, 0, required=True, allow_none=True)
    category = s.text(s.NAME, required=True)
    grade = s.text(s.NAME, required=True, allow_none=True)
    unit = s.ident(required=True)
    occurred_on = s.day(required=True)
    reported_at = s.instant(required=True)
    due = s.day(required=True, allow_none=True)
    handler = s.text(s.NAME, 0, required=True, allow_none=True)
    took = s.whole(0, len(LATE), required=True, allow_none=True)
    late = s.flag(required=True)
    complaint = s.flag(required=True)


class Step(s.Strict):
    """One step of an incident's life; who and what was said are null where this reader is not told."""

    state = s.choice(STATES, required=True)
    at = s.instant(required=True)
    who = s.text(s.NAME, 0, required=True, allow_none=True)
    said = s.text(s.TEXT, 0, required=True, allow_none=True)


class Incident(Line):
    """One incident, and what one may do with it now."""

    subject = s.ident(required=True, allow_none=True)
    cycle = s.ident(required=True, allow_none=True)
    warning = s.text(s.NAME, required=True, allow_none=True)
    steps = s.many(Step, len(STATES), required=True)
    acts = s.many(s.choice(TABLE), len(TABLE), required=True)


class Filters(s.Strict):
    """By what the list can be narrowed; without a year, all years."""

    year = s.whole(1900, 2199, loose=True, load_default=0)
    state = s.choice(STATES)
    category = s.text(s.NAME)
    grade = s.text(s.NAME)
    unit = s.ident(loose=True)
    month = s.whole(1, 12, loose=True)
    took = s.whole(0, len(LATE), loose=True)
    late = s.choice(("true", "false"))
    complaint = s.choice(("true", "false"))
    after = s.text(2000)


class Year(s.Strict):
    """Which year is counted; the running one where none is named."""

    year = s.whole(1900, 2199, loose=True, load_default=0)


class Report(s.Strict):
    """What is reported; `cycle` or `warning` says what it concerns, where that is known."""

    title = s.text(TITLE, required=True)
    account = s.text(TEXT, required=True)
    category = s.text(s.NAME, required=True)
    unit = s.ident(required=True)
    occurred_on = s.day(required=True)
    complaint = s.flag(load_default=False)
    cycle = s.ident()
    warning = s.text(s.NAME)


class Graded(s.Strict):
    """How an incident is graded, who handles it (login or name) and until when; null as the grade has it."""

    category = s.text(s.NAME, required=True)
    grade = s.text(s.NAME, required=True)
    handler = s.text(s.NAME, required=True)
    due = s.day(allow_none=True, load_default=None)


class Said(s.Strict):
    """What is said in an act."""

    text = s.text(TEXT, required=True)


class Counted(s.Strict):
    """How many incidents have a value of a facet, and had it the year before; null: not graded, not answered."""

    value = s.text(s.NAME, required=True, allow_none=True)
    many = s.whole(required=True)
    before = s.whole(required=True)


class Counts(s.Strict):
    """A year's incidents by each facet, beside those of the year before; `days` is the median to the answer."""

    year = s.whole(required=True)
    many = s.whole(required=True)
    before = s.whole(required=True)
    days = s.whole(required=True, allow_none=True)
    category = s.many(Counted, 1000, required=True)
    grade = s.many(Counted, 1000, required=True)
    unit = s.many(Counted, 1000, required=True)
    month = s.many(Counted, 1000, required=True)
    took = s.many(Counted, 1000, required=True)
    state = s.many(Counted, 1000, required=True)
    late = s.many(Counted, 1000, required=True)
    complaint = s.many(Counted, 1000, required=True)


@resource.get("", asks=Filters, gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the incidents that one may read, the newest first."""
    page = call.after() or 1
    wanted = {name: _asked(name, value) for name, value in call.query.items() if name in FACETS}
    asked = Asked(year=call.query["year"], wanted=wanted, page=page)
    found = incident_pages.listed(call.session, call.origin, call.me, asked)
    return call.page([_line(*one) for one in found.lines], page + 1 if found.more else None)


@resource.get("/analysis", asks=Year, gives=Counts)
def analysis(call: Call) -> dict[str, Any]:
    """Count a year's incidents by category, degree, unit, month, time to the answer and state."""
    return _counts(incident_analysis.analysis(call.session, call.origin, call.me, call.query["year"]))


@resource.get("/<int:number>", gives=Incident)
def show(call: Call, number: int) -> Answer:
    """Show an incident; its tag is its version."""
    return _shown(call, number)


@resource.post("", takes=Report, gives=Incident, status=201)
def report(call: Call) -> Answer:
    """Report an incident; the same words again within ten minutes are the report that stands."""
    with by_code(AT):
        number = incidents.report(call.session, call.origin, call.me, Reported(**call.body))
    return replace(_shown(call, number), location=f"/api/v1/incidents/{number}")


@resource.post("/<int:number>/grade", takes=Graded, gives=Incident, matches=True)
def grade(call: Call, number: int) -> Answer:
    """Grade an incident and give it to a handler."""
    given = Grading(**call.body)
    return _acted(call, number, lambda version: incidents.grade(call.session, call.origin, call.me, number, version,
                                                                given))  # fmt: skip


@resource.post("/<int:number>/handle", takes=Said, gives=Incident, matches=True)
def handle(call: Call, number: int) -> Answer:
    """Say how an incident was handled, and its cause."""
    return _said(call, number, "handle")


@resource.post("/<int:number>/answer", takes=Said, gives=Incident, matches=True)
def answer(call: Call, number: int) -> Answer:
    """Answer whoever reported."""
    return _said(call, number, "answer")


@resource.post("/<int:number>/close", takes=Said, gives=Incident, matches=True)
def close(call: Call, number: int) -> Answer:
    """Close an incident with its conclusion."""
    return _said(call, number, "close")


def _said(call: Call, number: int, action: str) -> Answer:
    text = call.body["text"]
    return _acted(call, number, lambda version: incidents.say(call.session, call.origin, call.me, number, version,
                                                              action, text))  # fmt: skip


def _acted(call: Call, number: int, act: Callable[[int], None]) -> Answer:
    call.hold(f"incident:{number}")
    version = incident_pages.look(call.session, call.origin, call.me, number).row.version
    call.require(str(version))
    with by_code(AT | {"text.blank": "text"}):
        act(version)
    return _shown(call, number)


def _shown(call: Call, number: int) -> Answer:
    found = incident_pages.look(call.session, call.origin, call.me, number)
    row = found.row
    steps = [one._asdict() for one in found.steps]
    more = {"subject": row.subject_id, "cycle": row.cycle_id, "warning": row.warning_id, "steps": steps,
            "acts": list(found.acts)}  # fmt: skip
    return Answer(body=_line(row, found.case, found.title, found.owner) | more, tag=str(row.version))


def _line(row: Row, case: Case, title: str | None, owner: str | None) -> dict[str, Any]:
    return {"id": row.id, "no": row.no, "title": title, "category": row.category, "grade": row.grade,
            "unit": row.unit_id, "occurred_on": row.occurred_on, "reported_at": row.reported_at, "due": row.due,
            "handler": owner, "state": case.state, "took": case.took, "late": case.late,
            "complaint": case.complaint}  # fmt: skip


def _asked(name: str, value: Any) -> Any:
    return value == "true" if name in ("late", "complaint") else value


def _counts(found: Analysis) -> dict[str, Any]:
    by = {facet: [{"value": _told(one.value), "many": one.many, "before": one.before} for one in found.by[facet]]
          for facet in FACETS}  # fmt: skip
    return {"year": found.year, "many": found.many, "before": found.before, "days": found.days} | by


def _told(value: Any) -> str | None:
    return None if value is None else str(value).lower()
