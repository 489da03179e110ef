"""What one sets for oneself: language, how one is told, days away and who stands in."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from qaflow.api import schemas as s
from qaflow.api.answering import tag_of_value
from qaflow.api.calling import Answer, Call
from qaflow.api.people import as_text
from qaflow.api.people_away import AT, DEPUTIES, Made, NewAbsence, NewDeputy
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.config import ADDRESS_LENGTH as ADDRESS
from qaflow.engine import notices as topics
from qaflow.engine.quiet import HOURS
from qaflow.errors import Missing
from qaflow.services.accounts import absences, book, profile
from qaflow.services.notices import choices
from qaflow.services.notices.choices import Told
from qaflow.store.telling import Choice

resource = Resource("api_profile", __name__, url_prefix="/me", description="What one sets for oneself")
AT_NOTICES = {"mail.address": "address", "value.unknown": "topics"}
TOPICS = tuple(topics.DEFAULT)


class Language(s.Strict):
    """In which language one reads pages and notices."""

    language = s.choice(book.LANGUAGES, required=True)


class Topic(s.Strict):
    """How one is told of a topic."""

    what = s.choice(TOPICS, required=True)
    how = s.choice(topics.HOWS, required=True)


class Allowed(Topic):
    """How one is told of a topic, and how one may be."""

    allow = s.many(s.choice(topics.HOWS), len(topics.HOWS), 1, required=True)


class Notices(s.Strict):
    """Whether by mail, to which address (null: none is known), and at which hour the digest comes."""

    mail = s.flag(required=True)
    address = s.text(ADDRESS, required=True, allow_none=True)
    hour = s.whole(HOURS[0], HOURS[-1], required=True)
    topics = s.many(Allowed, len(TOPICS), required=True)


class Choosing(Notices):
    """The same as one wants it; of topics that are not named one is told as the definitions say."""

    topics = s.many(Topic, len(TOPICS), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def _once(self, found: dict[str, Any], **_: Any) -> None:
        named = [one["what"] for one in found["topics"]]
        if len(set(named)) != len(named):
            raise ValidationError("list.twice", "topics")


class Away(s.Strict):
    """From when to when one is away, both days included."""

    id = s.ident(required=True)
    starts = s.day(required=True)
    ends = s.day(required=True)


@resource.get("/language", gives=Language)
def language(call: Call) -> Answer:
    """Tell in which language one reads pages and notices."""
    return _spoken(profile.spoken(call.session, call.me))


@resource.put("/language", takes=Language, gives=Language)
def speak(call: Call) -> Answer:
    """Choose the language in which one reads pages and notices."""
    call.hold(f"person:{call.me.person}")
    call.require(tag_of_value(profile.spoken(call.session, call.me)))
    profile.speak(call.session, call.origin, call.me, call.body["language"])
    return _spoken(call.body["language"])


@resource.get("/notices", gives=Notices)
def told(call: Call) -> Answer:
    """Tell how one is told."""
    return _told(_own(call))


@resource.put("/notices", takes=Choosing, gives=Notices)
def choose(call: Call) -> Answer:
    """Choose how one is told."""
    call.hold(f"notices:{call.me.person}")
    call.require(tag_of_value(_own(call)))
    asked = call.body
    choice = Choice(asked["mail"], asked["address"], asked["hour"])
    hows = {one["what"]: one["how"] for one in asked["topics"]}
    with by_code(AT_NOTICES):
        choices.choose(call.session, call.origin, call.me, choice, hows)
    return _told(_own(call))


@resource.get("/absences", gives=s.listing(Away))
def away(call: Call) -> dict[str, Any]:
    """List one's own absences that last or come."""
    return call.page([one._asdict() for one in absences.mine(call.session, call.origin, call.me)], None)


@resource.post("/absences", takes=NewAbsence, gives=Made, status=201)
def absent(call: Call) -> dict[str, Any]:
    """Note that one will be away; it is ended under `/absences`."""
    days = as_text(call.body["starts"]), as_text(call.body["ends"])
    with by_code(AT):
        made = absences.note(call.session, call.origin, call.me, call.me.person, *days, call.body["reason"])
    return {"id": made}


@resource.get("/deputies", gives=DEPUTIES)
def deputies(call: Call) -> dict[str, Any]:
    """List who stands in for one, and for whom one stands in."""
    found = profile.standing(call.session, call.origin, call.me)
    return call.page([one._asdict() for one in (*found.mine, *found.i_am)] if found else [], None)


@resource.post("/deputies", takes=NewDeputy, gives=Made, status=201)
def appoint(call: Call) -> dict[str, Any]:
    """Let a colleague stand in for oneself."""
    asked = call.body
    days = as_text(asked["starts"]), as_text(asked["ends"])
    with by_code(AT):
        made = profile.appoint(call.session, call.origin, call.me, asked["who"], *days, asked["layer"],
                               asked["reason"])  # fmt: skip
    return {"id": made}


@resource.delete("/deputies/<int:number>")
def end(call: Call, number: int) -> Answer:
    """End an appointment of one's own, or by which one stands in, before its last day."""
    profile.end(call.session, call.origin, call.me, number)
    return Answer(body=None)


def _spoken(spoken: str) -> Answer:
    return Answer(body={"language": spoken}, tag=tag_of_value(spoken))


def _own(call: Call) -> Told:
    found = choices.mine(call.session, call.me)
    if found is None:
        raise Missing("college.not_found", "you belong to no college")
    return found


def _told(found: Told) -> Answer:
    lines = [{"what": one.what, "how": one.how, "allow": one.allow} for one in found.topics]
    return Answer(body=found.choice._asdict() | {"topics": lines}, tag=tag_of_value(found))
