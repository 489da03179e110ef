"""Webhooks: the targets of the college's events, their deliveries, and what may be done with both."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.services.events import events, webhooks
from qaflow.services.events.webhooks import PAGE, STATES

resource = Resource("api_webhooks", __name__, url_prefix="/webhooks", description="Targets of the college's events")
ADDRESS = 2000
OUTCOMES = ("waiting", "sent", "dropped")
SECRET = 200


class Webhook(s.Strict):
    """A target of events, without its secret."""

    id = s.ident(required=True)
    name = s.text(webhooks.NAME, required=True)
    url = s.text(ADDRESS, required=True)
    types = s.many(s.choice(events.TYPES), required=True)
    state = s.choice(STATES, required=True)
    why = s.text(s.TEXT, 0, required=True, allow_none=True)
    failures = s.whole(required=True)
    next_at = s.instant(required=True)
    created_at = s.instant(required=True)
    before_until = s.instant(required=True, allow_none=True)
    version = s.whole(required=True)
    waiting = s.whole(required=True)
    sent = s.whole(required=True)


class NewWebhook(s.Strict):
    """Where events are to be sent, and which; no types: all."""

    name = s.text(webhooks.NAME, required=True)
    url = s.text(ADDRESS, required=True)
    types = s.many(s.choice(events.TYPES), len(events.TYPES), load_default=[])


class Secret(s.Strict):
    """A webhook's new secret, which is shown this once."""

    id = s.ident(required=True)
    secret = s.text(SECRET, required=True)


class Delivery(s.Strict):
    """One event on its way to a webhook."""

    id = s.ident(required=True)
    event = s.ident(required=True, allow_none=True)
    message = s.text(s.NAME, required=True)
    state = s.choice(OUTCOMES, required=True)
    tries = s.whole(required=True)
    next_at = s.instant(required=True)
    status = s.whole(required=True, allow_none=True)
    millis = s.whole(required=True, allow_none=True)
    detail = s.text(s.TEXT, 0, required=True, allow_none=True)
    created_at = s.instant(required=True)
    ended_at = s.instant(required=True, allow_none=True)


@resource.get("", scope="admin", gives=s.listing(Webhook))
def listed(call: Call) -> dict[str, Any]:
    """List the college's webhooks."""
    found = webhooks.listed(call.session, call.origin, call.me)
    return call.page([vars(one) for one in found], None)


@resource.post("", scope="admin", takes=NewWebhook, gives=Secret, status=201)
def add(call: Call) -> Answer:
    """Add a webhook for the events from now on; its secret is shown this once."""
    given = call.body["name"], call.body["url"], tuple(call.body["types"])
    number, secret = webhooks.add(call.session, call.ports, call.origin, call.me, *given)
    return Answer(body={"id": number, "secret": secret}, location=f"/api/v1/webhooks/{number}")


@resource.get("/<int:number>", scope="admin", gives=Webhook)
def one(call: Call, number: int) -> Answer:
    """Show a webhook."""
    return _shown(call, number)


@resource.post("/<int:number>/pause", scope="admin", matches=True, gives=Webhook)
def pause(call: Call, number: int) -> Answer:
    """Let its events wait."""
    _held(call, number)
    webhooks.pause(call.session, call.origin, call.me, number)
    return _shown(call, number)


@resource.post("/<int:number>/resume", scope="admin", matches=True, gives=Webhook)
def resume(call: Call, number: int) -> Answer:
    """Let it go on with what waited, its address checked anew."""
    _held(call, number)
    webhooks.resume(call.session, call.ports, call.origin, call.me, number)
    return _shown(call, number)


@resource.post("/<int:number>/secret", scope="admin", matches=True, gives=Secret)
def rotate(call: Call, number: int) -> Answer:
    """Renew its secret, which is shown this once; for a day the one before signs as well."""
    _held(call, number)
    secret = webhooks.rotate(call.session, call.ports, call.origin, call.me, number)
    return Answer(body={"id": number, "secret": secret}, tag=_tag(call, number))


@resource.post("/<int:number>/trial", scope="admin", status=204)
def trial(call: Call, number: int) -> None:
    """Put a trial message, which tells nothing, into its queue."""
    webhooks.trial(call.session, call.origin, call.me, number)


@resource.post("/<int:number>/remove", scope="admin", matches=True, status=204)
def remove(call: Call, number: int) -> None:
    """Remove it; what waits for it is given up."""
    _held(call, number)
    webhooks.remove(call.session, call.origin, call.me, number)


@resource.get("/<int:number>/deliveries", scope="admin", asks=s.Onward, gives=s.listing(Delivery))
def deliveries(call: Call, number: int) -> dict[str, Any]:
    """List its deliveries, the newest first."""
    _, log = webhooks.look(call.session, call.origin, call.me, number, call.after() or 0)
    return call.page([row._asdict() for row in log], log[-1].id if len(log) == PAGE else None)


@resource.post("/<int:number>/deliveries/<int:part>/again", scope="admin", status=204)
def again(call: Call, number: int, part: int) -> None:
    """Send a delivery again, under the same id."""
    webhooks.again(call.session, call.origin, call.me, number, part)


@resource.post("/<int:number>/deliveries/<int:part>/drop", scope="admin", status=204)
def drop(call: Call, number: int, part: int) -> None:
    """Pass over a delivery that waits, so that what comes after it may go."""
    webhooks.give_up(call.session, call.origin, call.me, number, part)


def _held(call: Call, number: int) -> None:
    call.hold(f"webhook:{number}")
    call.require(_tag(call, number))


def _tag(call: Call, number: int) -> str:
    return str(webhooks.look(call.session, call.origin, call.me, number)[0].version)


def _shown(call: Call, number: int) -> Answer:
    hook, _ = webhooks.look(call.session, call.origin, call.me, number)
    return Answer(body=vars(hook), tag=str(hook.version))
