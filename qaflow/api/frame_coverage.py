"""How far a term's diagnoses answered the frame, with the list behind each number, and the table of annex 3."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.files import FileAnswer
from qaflow.api.frame_schemas import PARTS, Progress, Words, progress
from qaflow.api.resource import Resource
from qaflow.engine.diagnosis import DEGREES, FRAMED
from qaflow.services.accounts.book import LANGUAGES
from qaflow.services.frame import annex, annex_sheet
from qaflow.services.frame import coverage as frame_coverage
from qaflow.services.frame.annex import Line as AnnexLine
from qaflow.services.frame.annex import Measured
from qaflow.services.frame.coverage import WHATS, Chosen, Coverage, Line
from qaflow.services.frame.edits import CODE_LENGTH
from qaflow.services.ports import SHEETS
from qaflow.store.frame_answers import Diagnosed

resource = Resource("api_frame_coverage", __name__, url_prefix="/frame", description="How far the frame is answered")
CYCLES = 10_000
XLSX = SHEETS["xlsx"]


class Diagnosis(s.Strict):
    """A cycle that answers the frame."""

    id = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    code = s.text(s.NAME, required=True)
    layer = s.choice(FRAMED, required=True)
    number = s.whole(required=True)
    status = s.text(s.NAME, required=True)
    unit = s.text(s.NAME, required=True)
    start = s.day(required=True)
    progress = s.one(Progress, required=True)


class OfItem(s.Strict):
    """A diagnosis item, and how far its points are answered in all these cycles."""

    code = s.text(CODE_LENGTH, required=True)
    name = s.one(s.Named, required=True)
    progress = s.one(Progress, required=True)


class Covered(s.Strict):
    """A term's answers as far as one may see the cycles, whole, by item and by diagnosis."""

    term = s.text(s.NAME, required=True)
    terms = s.many(s.text(s.NAME), 1000, required=True)
    total = s.one(Progress, required=True)
    items = s.many(OfItem, PARTS, required=True)
    cycles = s.many(Diagnosis, CYCLES, required=True)


class Term(s.Strict):
    """Which term (the running one, `all` for every one)."""

    term = s.text(40, load_default="")


class Which(Term):
    """What the number counts, in which unit, cycle, item, element or point."""

    what = s.choice(WHATS, load_default=WHATS[0])
    unit = s.ident(loose=True, load_default=0)
    cycle = s.ident(loose=True, load_default=0)
    part = s.text(CODE_LENGTH, load_default="")
    after = s.text(2000)


class Counted(s.Strict):
    """A point that a cycle is asked, with the degree of its newest answer."""

    cycle = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    point = s.text(CODE_LENGTH, required=True)
    name = s.one(s.Named, required=True)
    degree = s.choice(DEGREES, required=True, allow_none=True)


class Of(s.Strict):
    """Whose table: a subject of the school or its units, the first that one may see unless told."""

    subject = s.ident(loose=True, load_default=0)


class Sheet(Of):
    """Whose table, and in which language: one's own unless told."""

    language = s.choice(LANGUAGES)


class Task(s.Strict):
    """A task of a point."""

    id = s.ident(required=True)
    plan = s.text(s.NAME, required=True)
    no = s.whole(required=True)
    title = s.one(Words, required=True)


class Reading(s.Strict):
    """A control point of a point: its newest value, or the mean of so many; null where there is none or few."""

    id = s.ident(required=True)
    key = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)
    unit = s.text(s.NAME, 0, required=True)
    warn_lower = s.number(required=True, allow_none=True)
    warn_upper = s.number(required=True, allow_none=True)
    value = s.number(required=True, allow_none=True)
    at = s.instant(required=True, allow_none=True)
    many = s.whole(required=True)
    hidden = s.flag(required=True)


class Row(s.Strict):
    """A point of the table."""

    point = s.text(CODE_LENGTH, required=True)
    element = s.text(CODE_LENGTH, required=True)
    name = s.one(s.Named, required=True)
    asked = s.flag(required=True)
    requirement = s.one(Words, required=True, allow_none=True)
    tasks = s.many(Task, 1000, required=True)
    measured = s.many(Reading, 1000, required=True)


class Table(s.Strict):
    """The table of self-diagnosis (annex 3 of document 003) of one subject."""

    subject = s.ident(required=True, allow_none=True)
    subjects = s.many(s.Subject, CYCLES, required=True)
    lines = s.many(Row, PARTS, required=True)


@resource.get("/coverage", asks=Term, gives=Covered)
def coverage(call: Call) -> dict[str, Any]:
    """Tell how far a term's diagnoses answered the frame."""
    found = frame_coverage.look(call.session, call.origin, call.me, call.query["term"])
    by_item = [{"code": item.code, "name": item.name, "progress": progress(of)} for item, of in found.by_item]
    return {"term": found.term.key, "terms": [term.key for term in found.terms], "total": progress(found.total),
            "items": by_item, "cycles": [_diagnosis(found, one) for one in found.cycles]}  # fmt: skip


@resource.get("/coverage/list", asks=Which, gives=s.listing(Counted))
def listed(call: Call) -> dict[str, Any]:
    """List what a number of the coverage counts."""
    page = call.after() or 1
    asked = {name: value for name, value in call.query.items() if name != "after"}
    found = frame_coverage.listed(call.session, call.origin, call.me, Chosen(**asked, page=page))
    return call.page([_counted(one) for one in found.lines], page + 1 if page < found.pages else None)


@resource.get("/annex3", asks=Of, gives=Table)
def table(call: Call) -> dict[str, Any]:
    """Tell the table of annex 3."""
    found = annex.look(call.session, call.origin, call.me, call.query["subject"])
    return {"subject": found.subject and found.subject.id, "subjects": [one._asdict() for one in found.subjects],
            "lines": [_row(found.frame.bodies[one.point.code], one) for one in found.lines]}  # fmt: skip


@resource.get("/annex3.xlsx", asks=Sheet, hands=(XLSX,))
def workbook(call: Call) -> FileAnswer:
    """Hand out the table of annex 3 as a workbook."""
    asked = call.query.get("language", call.me.language)
    data = annex_sheet.workbook(call.session, call.origin, call.me, call.ports, call.query["subject"], asked)
    return FileAnswer(name="annex3.xlsx", media=XLSX, data=data)


def _diagnosis(found: Coverage, one: Diagnosed) -> dict[str, Any]:
    return one._asdict() | {"progress": progress(found.of(one.id))}


def _counted(one: Line) -> dict[str, Any]:
    return {"cycle": one.cycle.id, "subject": one.cycle.subject, "point": one.point.code, "name": one.point.name,
            "degree": one.degree}  # fmt: skip


def _row(body: dict[str, Any], one: AnnexLine) -> dict[str, Any]:
    return {
        "point": one.point.code, "element": one.point.parent, "name": one.point.name, "asked": one.asked,
        "requirement": body.get("requirement"), "measured": [_reading(each) for each in one.measured],
        "tasks": [task._asdict() | {"title": task.title} for task in one.tasks],
    }  # fmt: skip


def _reading(one: Measured) -> dict[str, Any]:
    control = one.control
    return {"id": control.id, "key": control.key, "name": control.name, "unit": control.unit,
            "warn_lower": one.limits.lower, "warn_upper": one.limits.upper, "value": one.value, "at": one.at,
            "many": one.many, "hidden": one.hidden}  # fmt: skip
