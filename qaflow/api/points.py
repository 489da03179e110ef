"""Control points: by layer, one with its limits over time, its subjects' newest readings, and new limits."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.engine.control import DIRECTIONS, MAJOR, MINOR, Limits
from qaflow.engine.definition import LAYERS
from qaflow.services.points import edits as point_limits
from qaflow.services.points import listing as points
from qaflow.services.points.edits import NewLimit
from qaflow.services.points.limits import Judge
from qaflow.services.points.listing import ALL, SHOWS, Item

resource = Resource("api_points", __name__, url_prefix="/points", description="Control points and their limits")
REASON = 500


class Limit(s.Strict):
    """Limits: within the warning values all is well, beyond the alarm values a breach is major."""

    direction = s.text(s.NAME, required=True)
    target = s.number(required=True, allow_none=True)
    lower = s.number(required=True, allow_none=True)
    upper = s.number(required=True, allow_none=True)
    alarm_lower = s.number(required=True, allow_none=True)
    alarm_upper = s.number(required=True, allow_none=True)


class Line(s.Strict):
    """A control point of a list, with how many subjects stand outside its limits or are late."""

    id = s.ident(required=True)
    key = s.text(s.NAME, required=True)
    layer = s.choice(LAYERS, required=True)
    name = s.one(s.Named, required=True)
    unit = s.text(s.NAME, 0, required=True)
    cadence = s.text(s.NAME, required=True)
    derived = s.flag(required=True)
    limits = s.one(Limit, required=True)
    outside = s.whole(required=True)
    late = s.whole(required=True)


class Dated(s.Strict):
    """Limits from a day on, of all subjects or of one."""

    valid_from = s.day(required=True)
    subject = s.text(s.NAME, required=True, allow_none=True)
    standing = s.flag(required=True)
    limits = s.one(Limit, required=True)
    reason = s.text(s.TEXT, 0, required=True)


class Newest(s.Strict):
    """A subject with its newest reading."""

    id = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    at = s.instant(required=True, allow_none=True)
    value = s.number(required=True, allow_none=True)
    severity = s.choice((MINOR, MAJOR), required=True, allow_none=True)


class Point(Line):
    """One control point."""

    formula = s.text(s.TEXT, 0, required=True)
    may_set = s.flag(required=True)
    dated = s.many(Dated, 1000, required=True)
    subjects = s.many(Newest, points.LINES, required=True)
    following = s.text(s.NAME, required=True, allow_none=True)


class Which(s.Strict):
    """Which subjects are shown, and after which code."""

    show = s.choice(SHOWS, load_default=ALL)
    after_code = s.text(s.NAME, load_default="")


class NewLimits(s.Strict):
    """Limits from a day on, today at the earliest: what was judged before is not judged again."""

    valid_from = s.day(required=True)
    direction = s.choice(DIRECTIONS, required=True)
    target = s.number(required=True)
    lower = s.number(allow_none=True, load_default=None)
    upper = s.number(allow_none=True, load_default=None)
    alarm_lower = s.number(allow_none=True, load_default=None)
    alarm_upper = s.number(allow_none=True, load_default=None)
    subject = s.text(s.NAME, load_default="")
    reason = s.text(REASON, required=True)


@resource.get("", gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the control points, layer by layer."""
    found = points.listed(call.session, call.origin, call.me)
    return call.page([_line(item) for layer in found.layers for item in layer.items], None)


@resource.get("/<int:number>", asks=Which, gives=Point)
def show(call: Call, number: int) -> Answer:
    """Show a control point; its tag is its version, which new limits name."""
    return _shown(call, number, call.query["show"], call.query["after_code"])


@resource.post("/<int:number>/limits", scope="office", takes=NewLimits, gives=Point, matches=True)
def limit(call: Call, number: int) -> Answer:
    """Set limits from a day on."""
    call.hold(f"point:{number}")
    call.require(str(points.look(call.session, call.origin, call.me, number).item.card.version))
    asked = call.body
    limits = Limits(**{name: asked[name] for name in Limit().fields})
    wanted = NewLimit(limits=limits, valid_from=asked["valid_from"], reason=asked["reason"], subject=asked["subject"],
                      version=call.revision or 0)  # fmt: skip
    point_limits.set_limit(call.session, call.origin, call.me, number, wanted)
    return _shown(call, number)


def _shown(call: Call, number: int, show: str = ALL, after: str = "") -> Answer:
    found = points.look(call.session, call.origin, call.me, number, show, after)
    dated = [{"valid_from": one.row.valid_from, "subject": one.subject and one.subject.code, "standing": one.standing,
              "limits": _limits(one.judge), "reason": one.reason} for one in found.limits]  # fmt: skip
    newest = [{"id": one.subject.id, "code": one.subject.code, "at": one.last and one.last.at,
               "value": one.last and one.last.value, "severity": one.severity} for one in found.lines]  # fmt: skip
    body = _line(found.item) | {"formula": found.formula, "may_set": found.may_set, "dated": dated, "subjects": newest,
                                "following": found.following}  # fmt: skip
    return Answer(body=body, tag=str(found.item.card.version))


def _line(item: Item) -> dict[str, Any]:
    card = item.card
    return {"id": card.id, "key": card.key, "layer": card.layer, "name": {"zh": card.zh, "en": card.en},
            "unit": card.unit, "cadence": card.cadence, "derived": card.formula is not None,
            "limits": _limits(item.judge), "outside": item.outside, "late": item.late}  # fmt: skip


def _limits(judge: Judge) -> dict[str, Any]:
    return {name: getattr(judge.limits, name) for name in Limit().fields}
