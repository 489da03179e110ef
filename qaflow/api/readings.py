"""Readings of control points: handed in many at once, one corrected, and a subject's series."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.engine.control import MAJOR, MINOR
from qaflow.services.points import handing_in
from qaflow.services.points import readings as point_readings
from qaflow.services.points.handing_in import Given
from qaflow.services.points.intake import SOURCE_LENGTH

resource = Resource("api_readings", __name__, url_prefix="/readings", description="Readings of control points")
BYTES = 4_000_000  # of one delivery
REASON = 500


class NewReading(s.Strict):
    """One value: the point's key, the subject's code, when it was measured, and from which system it is."""

    point = s.text(s.NAME, required=True)
    subject = s.text(s.NAME, required=True)
    at = s.instant(required=True)
    value = s.number(required=True)
    source = s.text(SOURCE_LENGTH, required=True)
    reason = s.text(REASON)


class Delivery(s.Strict):
    """Readings of one delivery; all of them or none, or each for itself."""

    items = s.many(NewReading, handing_in.MOST, 1, required=True)
    all_or_nothing = s.flag(load_default=False)


class Result(s.Strict):
    """What became of one reading, by its place in the delivery."""

    at = s.whole(required=True)
    status = s.choice(("kept", "known", "refused"), required=True)
    code = s.text(s.NAME, allow_none=True)
    message = s.text(s.TEXT, allow_none=True)


class Handed(s.Strict):
    """What became of a delivery, and what it did to warnings."""

    accepted = s.whole(required=True)
    known = s.whole(required=True)
    corrected = s.whole(required=True)
    refused = s.whole(required=True)
    derived = s.whole(required=True)
    opened = s.whole(required=True)
    joined = s.whole(required=True)
    returned = s.whole(required=True)
    results = s.many(Result, handing_in.MOST, required=True)


class Correction(s.Strict):
    """The right value of a reading, and why the former one was wrong."""

    value = s.number(required=True)
    reason = s.text(REASON, required=True)


class Line(s.Strict):
    """One reading as it stands to the limits of its day; a corrected one is replaced."""

    id = s.ident(required=True)
    at = s.instant(required=True)
    value = s.number(required=True)
    source = s.text(s.NAME, required=True)
    version = s.ident(required=True)
    severity = s.choice((MINOR, MAJOR), required=True, allow_none=True)
    replaced = s.flag(required=True)
    reason = s.text(s.TEXT, 0, required=True)


class Series(s.Strict):
    """A subject's latest readings of a point."""

    point = s.text(s.NAME, required=True)
    subject = s.text(s.NAME, required=True)
    may_give = s.flag(required=True)
    items = s.many(Line, point_readings.LINES, required=True)


class Reading(Line):
    """One reading, whichever version, with all its versions, the newest first."""

    point = s.text(s.NAME, required=True)
    subject = s.text(s.NAME, required=True)
    may_give = s.flag(required=True)
    versions = s.many(Line, point_readings.LINES, required=True)


class Named(s.Strict):
    """Whose readings of which point, by their numbers."""

    point = s.ident(loose=True, required=True)
    subject = s.ident(loose=True, required=True)


@resource.post("", scope="readings", takes=Delivery, gives=Handed, most=BYTES)
def hand_in(call: Call) -> dict[str, Any]:
    """Hand readings in; what is known already counts once."""
    given = [Given(**one) for one in call.body["items"]]
    found = handing_in.hand_in(call.session, call.origin, call.me, given, call.body["all_or_nothing"])
    return {**found.counts, "results": found.results}


@resource.get("", asks=Named, gives=Series)
def series(call: Call) -> dict[str, Any]:
    """Show a subject's readings of a point, the newest first."""
    return _series(call, call.query["point"], call.query["subject"])


@resource.get("/<int:number>", gives=Reading)
def show(call: Call, number: int) -> dict[str, Any]:
    """Show a reading with its versions."""
    found = _told(point_readings.one(call.session, call.origin, call.me, number))
    versions: list[dict[str, Any]] = found.pop("items")
    (asked,) = (one for one in versions if one["id"] == number)
    return found | asked | {"versions": versions}


@resource.post("/<int:number>/correct", scope="readings", takes=Correction, gives=Series)
def correct(call: Call, number: int) -> Answer:
    """Correct a reading; the former value stays on record."""
    found = point_readings.correct(call.session, call.origin, call.me, number, call.body["value"], call.body["reason"])
    return Answer(body=_series(call, found.card.id, found.subject.id))


def _series(call: Call, point: int, subject: int) -> dict[str, Any]:
    return _told(point_readings.look(call.session, call.origin, call.me, point, subject))


def _told(found: point_readings.Series) -> dict[str, Any]:
    lines = [{"id": one.last.id, "at": one.last.at, "value": one.last.value, "source": one.last.source,
              "version": one.last.version, "severity": one.severity, "replaced": one.replaced, "reason": one.reason}
             for one in found.lines]  # fmt: skip
    return {"point": found.card.key, "subject": found.subject.code, "may_give": found.may_give, "items": lines}
