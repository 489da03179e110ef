"""The college calendar: a year with its days and terms; edits whose moved deadlines are told before."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.services.places import calendar_edits, calendar_page
from qaflow.services.places.calendar_edits import HOWS, Change, Edit

resource = Resource("api_calendar", __name__, url_prefix="/calendar", description="Days, terms and teaching weeks")
REASON = 500
MOST_MOVED = 100_000
KINDS = ("work", "rest", "off", "makeup")
AT = {"date.order": "last", "term.reversed": "last", "value.range": "last", "text.too_long": "name",
      "date.invalid": "first"}  # fmt: skip


class Day(s.Strict):
    """One day: its kind, whether the college and not the state says so, and the teaching week in which it lies."""

    day = s.day(required=True)
    kind = s.choice(KINDS, required=True)
    own = s.flag(required=True)
    name = s.text(s.NAME, 0, required=True)
    week = s.whole(required=True, allow_none=True)


class Term(s.Strict):
    """A term."""

    key = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)
    starts = s.day(required=True)
    ends = s.day(required=True)


class Year(s.Strict):
    """A civil year: whether it is adopted, and whether its make-up days were published by then."""

    year = s.whole(1900, 2199, required=True)
    adopted = s.flag(required=True)
    published = s.flag(required=True)
    may_edit = s.flag(required=True)
    terms = s.many(Term, 100, required=True)
    days = s.many(Day, 366, required=True)


class Which(s.Strict):
    """Which year is shown; the running one where none is named."""

    year = s.whole(1900, 2199, loose=True)


class Try(s.Strict):
    """Whether it is only told what would be done."""

    dry_run = s.choice(("true", "false"), load_default="false")


class Days(s.Strict):
    """Days taken off, worked, or given back to the state's."""

    first = s.day(required=True)
    last = s.day(allow_none=True, load_default=None)
    how = s.choice(HOWS, required=True)
    name = s.text(s.NAME, 0, load_default="")
    reason = s.text(REASON, 0, load_default="")


class TermDays(s.Strict):
    """Other days of a term."""

    first = s.day(required=True)
    last = s.day(required=True)
    reason = s.text(REASON, 0, load_default="")


class Moved(s.Strict):
    """A deadline that moves."""

    cycle = s.ident(required=True)
    item = s.ident(required=True)
    subject = s.ident(required=True)
    was = s.day(required=True)
    due = s.day(required=True)


class Changed(s.Strict):
    """What an edit does, or would do: days that change, days given back, the days a term had, deadlines that move."""

    dry_run = s.flag(required=True)
    days = s.many(s.day(), 1000, required=True)
    gone = s.many(s.day(), 1000, required=True)
    term = s.many(s.day(), 2, required=True)
    moved = s.many(Moved, MOST_MOVED, required=True)


@resource.get("", asks=Which, gives=Year)
def show(call: Call) -> dict[str, Any]:
    """Show a year of the calendar."""
    found = calendar_page.year(call.session, call.origin, call.me, call.query.get("year"))
    named = {"year": found.year, "adopted": found.adopted, "published": found.published, "may_edit": found.may_edit}
    terms = [{"key": one.key, "name": {"zh": one.name_zh, "en": one.name_en}, "starts": one.starts,
              "ends": one.ends} for one in found.terms]  # fmt: skip
    return named | {"terms": terms, "days": _days(found)}


@resource.post("/days", scope="office", asks=Try, takes=Days, gives=Changed)
def days(call: Call) -> dict[str, Any]:
    """Set what days are, and move the deadlines that lie on them."""
    asked = call.body
    edit = Edit(first=str(asked["first"]), last=str(asked["last"] or ""), how=asked["how"], name=asked["name"],
                reason=asked["reason"])  # fmt: skip
    return _edited(call, edit)


@resource.post("/terms/<term>", scope="office", asks=Try, takes=TermDays, gives=Changed)
def term(call: Call, term: str) -> dict[str, Any]:
    """Set a term's first and last day, and move the deadlines that hang on it."""
    edit = Edit(first=str(call.body["first"]), last=str(call.body["last"]), term=term, reason=call.body["reason"])
    return _edited(call, edit)


def _edited(call: Call, edit: Edit) -> dict[str, Any]:
    dry = call.query["dry_run"] == "true"
    with by_code(AT):
        told = calendar_edits.change(call.session, call.origin, call.me, edit)
        done = told if dry else calendar_edits.change(call.session, call.origin, call.me, edit, told.digest)
    return _told(done, dry)


def _told(done: Change, dry: bool) -> dict[str, Any]:
    moved = [one._asdict() for one in done.deadlines]
    return {"dry_run": dry, "days": [one.day for one in done.days], "gone": list(done.gone),
            "term": list(done.term or ()), "moved": moved}  # fmt: skip


def _days(found: calendar_page.Year) -> list[dict[str, Any]]:
    weeks = [week for month in found.months for week in month.weeks]
    return [cell._asdict() | {"week": week.number} for week in weeks for cell in week.cells if cell.inside]
