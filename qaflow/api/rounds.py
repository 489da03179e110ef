"""Rounds: how the cycles of each stand, what is stuck, and acts on a whole round with their dry run."""

from __future__ import annotations

from typing import Any

from marshmallow import post_load

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.pointing import by_field
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.services.cycles import steering
from qaflow.services.cycles.steering import ACTS, BATCH, MOST_DAYS, Fate, Wanted
from qaflow.services.figures import dashboard
from qaflow.services.figures.dashboard import Chosen

resource = Resource("api_rounds", __name__, url_prefix="/rounds", description="Rounds of cycles, steered in bulk")
REASON = 200


class Round(s.Strict):
    """A round: a track and a period, and how its cycles stand; found again by layer, track and first day."""

    layer = s.choice(LAYERS, required=True)
    track = s.text(s.NAME, required=True)
    start = s.day(required=True)
    end = s.day(required=True)
    cycles = s.whole(required=True)
    running = s.whole(required=True)
    suspended = s.whole(required=True)
    closed = s.whole(required=True)


class Unstarted(s.Strict):
    """How many subjects of a track wait for their cycle of a period."""

    layer = s.choice(LAYERS, required=True)
    track = s.text(s.NAME, required=True)
    start = s.day(required=True, allow_none=True)
    count = s.whole(required=True)


class Rounds(s.Strict):
    """The rounds of a term, what waits to be started, and whether whoever asks may steer them."""

    items = s.many(Round, 10_000, required=True)
    unstarted = s.many(Unstarted, 10_000, required=True)
    term = s.text(s.NAME, required=True)
    terms = s.many(s.text(s.NAME), 1000, required=True)
    steers = s.flag(required=True)


class Reason(s.Strict):
    """So many for one reason."""

    reason = s.text(s.NAME, required=True)
    count = s.whole(required=True)


class Stuck(s.Strict):
    """What takes no next step soon, and what did not start, by reason."""

    term = s.text(s.NAME, required=True)
    stuck = s.many(Reason, required=True)
    unstarted = s.many(Reason, required=True)


class Filters(s.Strict):
    """Which term (the running one, `all` for every one), and by what it is narrowed."""

    term = s.text(40, load_default="")
    layer = s.choice(LAYERS, load_default="")
    track = s.text(40, load_default="")
    unit = s.ident(loose=True, load_default=0)


class Asked(s.Strict):
    """An act on a round: its track and first day, whom of it, and what the act asks; `after` goes on with a batch."""

    act = s.choice(ACTS, required=True)
    layer = s.choice(LAYERS, required=True)
    track = s.text(40, required=True)
    day = s.day(required=True)
    unit = s.ident(load_default=0)
    stage = s.text(40, load_default="")
    days = s.whole(1, MOST_DAYS, load_default=0)
    until = s.day()
    to_version = s.whole(1, 2**31 - 1, load_default=0)
    reason = s.text(REASON, load_default="")
    after = s.whole(load_default=0)

    @post_load
    def plain(self, found: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return it as the service takes it: days as their texts."""
        days = {name: found[name].isoformat() for name in ("day", "until") if name in found}
        version = {"version": found.pop("to_version")}
        return found | days | version


class Doing(Asked):
    """An act to be done; what was done under the same word `once` is not done again."""

    once = s.once()


class Outcome(s.Strict):
    """What becomes of one cycle, or of a subject that has none yet: done before, a new deadline, or why not."""

    cycle = s.ident(required=True, allow_none=True)
    layer = s.choice(LAYERS, required=True)
    code = s.text(s.NAME, required=True)
    subject = s.text(s.NAME, required=True)
    done = s.flag(required=True)
    due = s.day(required=True, allow_none=True)
    refused = s.text(s.NAME, required=True, allow_none=True)
    message = s.text(s.TEXT, required=True, allow_none=True)


class Plan(s.Strict):
    """A batch of an act: how many it reaches in all, what would happen to each, the place of the next batch."""

    total = s.whole(required=True)
    ahead = s.whole(required=True)
    done = s.whole(required=True)
    refused = s.whole(required=True)
    following = s.whole(required=True)
    results = s.many(Outcome, BATCH, required=True)


class Done(s.Strict):
    """On how many cycles of the batch was acted."""

    acted = s.whole(required=True)


class Version(s.Strict):
    """A version that a round's cycles could go over to."""

    key = s.text(s.NAME, required=True)
    version = s.ident(required=True)


class Which(s.Strict):
    """A round."""

    layer = s.choice(LAYERS, required=True)
    track = s.text(40, required=True)
    day = s.day(required=True)


@resource.get("", asks=Filters, gives=Rounds)
def listed(call: Call) -> dict[str, Any]:
    """List the rounds of a term, the newest first."""
    found = steering.listed(call.session, call.origin, call.me, Chosen(**call.query))
    waiting = [{"layer": layer, "track": track, "start": start, "count": many}
               for (layer, track, start), many in found.unstarted.items()]  # fmt: skip
    return {"items": [one._asdict() for one in found.rounds], "unstarted": waiting, "steers": found.steers,
            "term": found.survey.term.key, "terms": [one.key for one in found.survey.terms]}  # fmt: skip


@resource.get("/stuck", asks=Filters, gives=Stuck)
def stuck(call: Call) -> dict[str, Any]:
    """Count what takes no next step soon, by reason."""
    found = dashboard.stuck(call.session, call.origin, call.me, Chosen(**call.query))
    return {"term": found.survey.term.key, "stuck": _reasons(found.reasons.items()),
            "unstarted": _reasons(found.unstarted)}  # fmt: skip


@resource.get("/versions", asks=Which, gives=s.listing(Version))
def versions(call: Call) -> dict[str, Any]:
    """List the versions to which a round's cycles could be moved."""
    asked = Wanted(act="migrate", **call.query | {"day": call.query["day"].isoformat()})
    found = steering.versions(call.session, call.origin, call.me, asked)
    return call.page([{"key": key, "version": version} for key, version in found], None)


@resource.post("/plan", scope="read", takes=Asked, gives=Plan)
def plan(call: Call) -> dict[str, Any]:
    """Tell what an act would do to each cycle of a batch; nothing is done."""
    with by_field(_field):
        found = steering.plan(call.session, call.origin, call.me, Wanted(**call.body))
    return {"total": found.total, "ahead": found.ahead, "done": found.done, "refused": found.refused,
            "following": found.following, "results": [_outcome(one) for one in found.fates]}  # fmt: skip


@resource.post("/act", scope="office", takes=Doing, gives=Done)
def act(call: Call) -> dict[str, int]:
    """Act on a batch of a round's cycles; those that cannot be acted on stay as they are."""
    with by_field(_field):
        return {"acted": steering.run(call.session, call.origin, call.me, Wanted(**call.body))}


def _field(name: str) -> str:
    """Return how the body names what the service names: `version` is what replies carry."""
    return "to_version" if name == "version" else name


def _reasons(found: Any) -> list[dict[str, Any]]:
    return [{"reason": reason, "count": many} for reason, many in found]


def _outcome(fate: Fate) -> dict[str, Any]:
    error = fate.error
    return {"cycle": fate.cycle, "layer": fate.of.layer, "code": fate.of.code, "subject": fate.of.name,
            "done": fate.done, "due": fate.due, "refused": error and error.code,
            "message": error and error.detail}  # fmt: skip
