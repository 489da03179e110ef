"""Who is away and who stands in; who leaves, what they hold, and who takes over, told before it is done."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.people import Line, as_text, lines
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.errors import Refused, Stale
from qaflow.services.accounts import absences, directory, leaving, staffing
from qaflow.services.accounts.absences import Away
from qaflow.services.accounts.leaving import MOST_ITEMS, Heirs, Leave

resource = Resource("api_people_away", __name__, url_prefix="", description="Absences, deputies, leavers")
REASON = 500
AT = {"deputy.dates": "ends", "absence.dates": "ends", "ref.unknown_layer": "layer", "deputy.self": "who",
      "ref.unknown_user": "who", "ref.ambiguous_user": "who", "ref.disabled_user": "who"}  # fmt: skip
AT_LEAVE = {"ref.unknown_user": "heir", "ref.ambiguous_user": "heir", "handover.self": "heir",
            "ref.disabled_user": "heir", "text.blank": "heir", "ref.unknown_subject": "subjects"}  # fmt: skip


class Deputy(s.Strict):
    """Who stands in for whom, from when to when; for a role or a layer alone where one is named."""

    id = s.ident(required=True)
    person = s.ident(required=True)
    deputy = s.ident(required=True)
    role = s.text(s.NAME, required=True, allow_none=True)
    layer = s.choice(LAYERS, required=True, allow_none=True)
    starts = s.day(required=True)
    ends = s.day(required=True)


class Absence(s.Strict):
    """Somebody who is or will be away: who stands in, whether on every day, and how much falls due meanwhile."""

    id = s.ident(required=True)
    person = s.ident(required=True)
    starts = s.day(required=True)
    ends = s.day(required=True)
    reason = s.text(s.TEXT, 0, required=True)
    deputies = s.many(Deputy, 1000, required=True)
    covered = s.flag(required=True)
    due = s.whole(required=True)
    now = s.flag(required=True)


class NewAbsence(s.Strict):
    """From when to when somebody is away, both days included."""

    starts = s.day(required=True)
    ends = s.day(required=True)
    reason = s.text(REASON, 0, load_default="")


class NewDeputy(NewAbsence):
    """Who stands in, by login or name; for one layer alone where it is named."""

    who = s.text(s.NAME, required=True)
    layer = s.choice(LAYERS, allow_none=True, load_default=None)


class Made(s.Strict):
    """The number of what was made."""

    id = s.ident(required=True)


class Open(s.Strict):
    """A live work item of a person."""

    id = s.ident(required=True)
    cycle = s.ident(required=True)
    no = s.whole(required=True)
    kind = s.text(s.NAME, required=True)
    stage = s.text(s.NAME, 0, required=True, allow_none=True)
    due = s.day(required=True, allow_none=True)
    state = s.text(s.NAME, required=True)
    subject = s.ident(required=True)


class By(s.Strict):
    """Until when what is shown falls due."""

    due = s.day()
    after = s.text(2000)


class Heir(s.Strict):
    """Who takes over one subject, by login or name."""

    subject = s.ident(required=True)
    heir = s.text(s.NAME, required=True)


class Leaving(s.Strict):
    """Who takes over all, by login or name, and who single subjects; nobody: everything stays, listed among leavers."""

    heir = s.text(s.NAME, load_default="")
    subjects = s.many(Heir, 500, load_default=list)
    reason = s.text(REASON, 0, load_default="")


class Agreed(Leaving):
    """The same, with the `digest` of what the preview told."""

    agreed = s.text(s.NAME, required=True)


class Goes(s.Strict):
    """A subject or a work item, and the name of whoever it goes to; null where it stays."""

    id = s.ident(required=True)
    to = s.text(s.NAME, required=True, allow_none=True)


class Plan(s.Strict):
    """What a leave does, or did; `left` items found no heir."""

    person = s.ident(required=True)
    disables = s.flag(required=True)
    subjects = s.many(Goes, 10_000, required=True)
    items = s.many(Goes, MOST_ITEMS, required=True)
    left = s.whole(required=True)
    digest = s.text(s.NAME, required=True)


ABSENCES, DEPUTIES = s.listing(Absence), s.listing(Deputy)


@resource.get("/leavers", gives=s.listing(Line))
def leavers(call: Call) -> dict[str, Any]:
    """List the disabled people who still hold work or answer for subjects."""
    return call.page(lines(directory.leavers(call.session, call.origin, call.me)), None)


@resource.get("/absences", gives=ABSENCES)
def away(call: Call) -> dict[str, Any]:
    """List who is away now or within a month."""
    return call.page([_away(one) for one in absences.near(call.session, call.origin, call.me)], None)


@resource.delete("/absences/<int:number>")
def back(call: Call, number: int) -> Answer:
    """End an absence, one's own or somebody's: it was a mistake, or they are back."""
    absences.end(call.session, call.origin, call.me, number)
    return Answer(body=None)


@resource.get("/people/<int:number>/absences", gives=ABSENCES)
def absences_of(call: Call, number: int) -> dict[str, Any]:
    """List a person's absences that last or come."""
    found = directory.one(call.session, call.origin, call.me, number)
    return call.page([_away(one) for one in found.absences], None)


@resource.post("/people/<int:number>/absences", scope="admin", takes=NewAbsence, gives=Made, status=201)
def absent(call: Call, number: int) -> dict[str, Any]:
    """Note that somebody will be away."""
    days = as_text(call.body["starts"]), as_text(call.body["ends"])
    with by_code(AT):
        return {"id": absences.note(call.session, call.origin, call.me, number, *days, call.body["reason"])}


@resource.get("/people/<int:number>/deputies", gives=DEPUTIES)
def deputies_of(call: Call, number: int) -> dict[str, Any]:
    """List who stands in for a person, and for whom they stand in."""
    found = directory.one(call.session, call.origin, call.me, number)
    return call.page([one._asdict() for one in (*found.deputies, *found.stands_in)], None)


@resource.post("/people/<int:number>/deputies", scope="admin", takes=NewDeputy, gives=Made, status=201)
def appoint(call: Call, number: int) -> dict[str, Any]:
    """Let somebody stand in for a person."""
    asked = call.body
    days = as_text(asked["starts"]), as_text(asked["ends"])
    with by_code(AT):
        made = staffing.appoint(call.session, call.origin, call.me, number, asked["who"], *days, layer=asked["layer"],
                                reason=asked["reason"])  # fmt: skip
    return {"id": made}


@resource.delete("/people/<int:number>/deputies/<int:deputy>", scope="admin")
def end_deputy(call: Call, number: int, deputy: int) -> Answer:
    """End an appointment before its last day."""
    staffing.end_deputy(call.session, call.origin, call.me, number, deputy)
    return Answer(body=None)


@resource.get("/people/<int:number>/work", asks=By, gives=s.listing(Open, s.LISTED, total=s.whole(required=True)))
def work(call: Call, number: int) -> dict[str, Any]:
    """List the live work that somebody holds."""
    last = as_text(call.query.get("due")) or None
    found = directory.work(call.session, call.origin, call.me, number, call.after() or 0, last)
    return call.page([one.row._asdict() for one in found.lines], found.following) | {"total": found.total}


@resource.post("/people/<int:number>/leave/preview", scope="admin", takes=Leaving, gives=Plan)
def preview(call: Call, number: int) -> dict[str, Any]:
    """Tell what goes to whom if somebody leaves; nothing is done."""
    return _leave(call, number, None)


@resource.post("/people/<int:number>/leave", scope="admin", takes=Agreed, gives=Plan)
def leave(call: Call, number: int) -> dict[str, Any]:
    """Disable an account and hand over, if that still does what was told."""
    try:
        return _leave(call, number, call.body["agreed"])
    except Stale as error:  # no tag of a thing, but what was told: a conflict
        raise Refused(error.code, error.detail) from None


def _leave(call: Call, number: int, agreed: str | None) -> dict[str, Any]:
    asked = call.body
    heirs = Heirs(all=asked["heir"], subjects={one["subject"]: one["heir"] for one in asked["subjects"]})
    with by_code(AT_LEAVE):
        return _plan(leaving.leave(call.session, call.origin, call.me, number, heirs, asked["reason"], agreed))


def _plan(found: Leave) -> dict[str, Any]:
    subjects = [{"id": one.subject.id, "to": one.to} for one in found.subjects]
    items = [{"id": one.task.row.id, "to": one.to} for one in found.items]
    return {"person": found.person, "disables": found.disables, "subjects": subjects, "items": items,
            "left": found.left, "digest": found.digest}  # fmt: skip


def _away(one: Away) -> dict[str, Any]:
    row = one.absence
    return {"id": row.id, "person": row.person, "starts": row.starts, "ends": row.ends, "reason": one.reason,
            "deputies": [d._asdict() for d in one.deputies], "covered": one.covered, "due": one.due,
            "now": one.now}  # fmt: skip
