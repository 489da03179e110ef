"""Subjects: a list, one with its tracks and cycles, added, and changed after its effect was shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.services.places import subject_edits, subject_pages
from qaflow.services.places.subject_edits import Effect, Wanted
from qaflow.services.places.subject_pages import STATES, Chosen, Listed
from qaflow.services.rehearsing import digest_of

resource = Resource("api_subjects", __name__, url_prefix="/subjects", description="Subjects and who answers for them")
REASON = 500
AT = {"code.blank_inside": "code", "number.invalid": "code", "ref.unknown_layer": "layer", "ref.unknown_unit": "unit",
      "unit.closed": "unit", "ref.unknown_user": "person", "ref.ambiguous_user": "person",
      "ref.disabled_user": "person", "date.order": "ends", "text.blank": "name"}  # fmt: skip


class Line(s.Strict):
    """A subject of a list; `person` answers for it, `unstarted` says why its next cycle did not start."""

    id = s.ident(required=True)
    layer = s.choice(LAYERS, required=True)
    code = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    unit = s.ident(required=True)
    person = s.text(s.NAME, required=True, allow_none=True)
    tier = s.text(s.NAME, 0, required=True, allow_none=True)
    starts = s.day(required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    ended = s.flag(required=True)
    cycles = s.whole(required=True)
    unstarted = s.text(s.NAME, 0, required=True, allow_none=True)


class Track(s.Strict):
    """A track of a subject: when its next cycle starts, and why one did not."""

    track = s.text(s.NAME, required=True)
    next_start = s.day(required=True, allow_none=True)
    reason = s.text(s.NAME, 0, required=True, allow_none=True)


class Run(s.Strict):
    """A cycle of a subject."""

    id = s.ident(required=True)
    track = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    status = s.text(s.NAME, required=True)
    outcome = s.text(s.NAME, 0, required=True, allow_none=True)
    due = s.day(required=True, allow_none=True)
    period_start = s.day(required=True)
    period_end = s.day(required=True)


class Subject(Line):
    """One subject with its tracks and its cycles."""

    tracks = s.many(Track, 1000, required=True)
    runs = s.many(Run, subject_pages.RUNS, required=True)


class Filters(s.Strict):
    """By what the list can be narrowed; the person by number."""

    text = s.text(80, load_default="")
    layer = s.choice(LAYERS, load_default="")
    unit = s.ident(loose=True, load_default=0)
    person = s.ident(loose=True, load_default=0)
    state = s.choice(STATES, load_default="on")
    after = s.text(2000)


class New(s.Strict):
    """A subject to be added; the person by login or name."""

    layer = s.choice(LAYERS, required=True)
    code = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    unit = s.ident(required=True)
    person = s.text(s.NAME, allow_none=True, load_default=None)
    tier = s.text(s.NAME, allow_none=True, load_default=None)
    starts = s.day(allow_none=True, load_default=None)
    ends = s.day(allow_none=True, load_default=None)


class Changed(s.Strict):
    """Other values; what is left out stays, null takes away."""

    name = s.text(s.NAME)
    unit = s.ident()
    person = s.text(s.NAME, allow_none=True)
    tier = s.text(s.NAME, allow_none=True)
    starts = s.day(allow_none=True)
    ends = s.day(allow_none=True)
    reason = s.text(REASON, 0, load_default="")


class Effects(s.Strict):
    """What a change does: which fields change, how many cycles and work items follow, whether the subject stops."""

    changed = s.many(s.text(s.NAME), required=True)
    cycles = s.whole(required=True)
    items = s.whole(required=True)
    stops = s.flag(required=True)


@resource.get("", asks=Filters, gives=s.listing(Line, s.LISTED, total=s.whole(required=True)))
def listed(call: Call) -> dict[str, Any]:
    """List the college's subjects."""
    asked = {k: v for k, v in call.query.items() if k != "after"}
    chosen = Chosen(**asked, after=call.after() or 0)
    found = subject_pages.subjects(call.session, call.origin, call.me, chosen)
    return call.page([_line(row) for row in found.lines], found.following) | {"total": found.total}


@resource.post("", scope="admin", takes=New, gives=Subject, status=201)
def add(call: Call) -> Answer:
    """Add a subject; its first cycle starts with the next period."""
    asked = call.body
    where = asked["layer"], asked["code"]
    with by_code(AT):
        number = subject_edits.add(call.session, call.origin, call.me, *where, _wanted(asked))
    return replace(_shown(call, number), location=f"/api/v1/subjects/{number}")


@resource.get("/<int:number>", gives=Subject)
def show(call: Call, number: int) -> Answer:
    """Show a subject."""
    return _shown(call, number)


@resource.post("/<int:number>/preview", scope="admin", takes=Changed, gives=Effects)
def preview(call: Call, number: int) -> dict[str, Any]:
    """Tell what a change would do to the running cycles; nothing is done."""
    row = subject_pages.one(call.session, call.origin, call.me, number).row
    effect = _changed(call, row, None)
    more = {"changed": list(effect.changed), "cycles": effect.cycles}
    return more | {"items": effect.items, "stops": effect.stops}


@resource.patch("/<int:number>", scope="admin", takes=Changed, gives=Subject)
def change(call: Call, number: int) -> Answer:
    """Change a subject, and its running cycles with it."""
    call.hold(f"subject:{number}")
    row = subject_pages.one(call.session, call.origin, call.me, number).row
    call.require(_tag(row))
    _changed(call, row, _changed(call, row, None).digest)
    return _shown(call, number)


def _changed(call: Call, row: Listed, agreed: str | None) -> Effect:
    held = {"name": row.name, "unit": row.unit, "person": row.person_login, "tier": row.tier, "starts": row.starts,
            "ends": row.ends}  # fmt: skip
    wanted = _wanted(held | call.body)
    with by_code(AT):
        return subject_edits.change(call.session, call.origin, call.me, row.id, wanted, call.body["reason"], agreed)


def _shown(call: Call, number: int) -> Answer:
    found = subject_pages.one(call.session, call.origin, call.me, number)
    tracks = [one._asdict() for _, one in found.tracks]
    runs = [one._asdict() for _, one in found.runs]
    return Answer(body=_line(found.row) | {"tracks": tracks, "runs": runs}, tag=_tag(found.row))


def _tag(row: Listed) -> str:
    """Return the hash of what changes by hand."""
    return digest_of([row.name, row.unit, row.person_login, row.tier, row.starts, row.ends, row.ended])[:32]


def _line(row: Listed) -> dict[str, Any]:
    return row._asdict() | {"person": row.person_login}


def _wanted(asked: dict[str, Any]) -> Wanted:
    days = {name: str(asked[name] or "") for name in ("starts", "ends")}
    return Wanted(name=asked["name"], unit=asked["unit"], person=asked["person"] or "", tier=asked["tier"] or "",
                  **days)  # fmt: skip
