"""Channels of notices: how each fares, a group's bot added, tried, let go on and removed.

A trial and what waited leave at the next sweep: over the API nothing is sent while a request lasts.
"""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.services.notices import channels
from qaflow.services.notices.channels import ADDRESS_LENGTH, BOTS, LANGUAGES, NewBot, Standing
from qaflow.services.notices.digesting import MAIL
from qaflow.services.words import NAME_LENGTH

resource = Resource("api_channels", __name__, url_prefix="/operations/channels", description="Channels of notices")
AT_BOT = {"channel.address": "address", "channel.taken": "name", "text.blank": "name", "value.unknown": "unit"}


class Channel(s.Strict):
    """A channel and how it fares; `shown` is its address, masked. `unit` null speaks of the whole college."""

    id = s.ident(required=True)
    kind = s.choice((MAIL, *BOTS), required=True)
    name = s.text(s.NAME, 0, required=True)
    unit = s.ident(required=True, allow_none=True)
    language = s.choice(LANGUAGES, required=True)
    shown = s.text(1000, 0, required=True)
    broken = s.flag(required=True)
    waiting = s.whole(required=True)
    tries = s.whole(required=True)
    next_try_at = s.instant(required=True, allow_none=True)
    last_error = s.text(s.TEXT, 0, required=True, allow_none=True)
    failed_at = s.instant(required=True, allow_none=True)
    sent_at = s.instant(required=True, allow_none=True)


class New(s.Strict):
    """The bot of a group; its address and secret are kept encrypted and never shown again."""

    kind = s.choice(BOTS, required=True)
    name = s.text(NAME_LENGTH, required=True)
    address = s.text(ADDRESS_LENGTH, required=True)
    secret = s.text(NAME_LENGTH, 0, load_default="")
    unit = s.ident(allow_none=True, load_default=None)
    language = s.choice(LANGUAGES, load_default="zh")


@resource.get("", scope="admin", gives=s.listing(Channel))
def listed(call: Call) -> dict[str, Any]:
    """List the college's channels, mail first."""
    found = channels.everyone(call.session, call.ports, call.origin, call.me)
    return call.page([_told(one) for one in found], None)


@resource.post("", scope="admin", takes=New, gives=Channel, status=201)
def add(call: Call) -> Answer:
    """Add the bot of a group."""
    with by_code(AT_BOT):
        number = channels.add(call.session, call.ports, call.origin, call.me, NewBot(**call.body))
    return Answer(body=_shown(call, number), location=f"/api/v1/operations/channels/{number}")


@resource.get("/<int:number>", scope="admin", gives=Channel)
def show(call: Call, number: int) -> dict[str, Any]:
    """Show a channel."""
    return _shown(call, number)


@resource.post("/<int:number>/resume", scope="admin", gives=Channel)
def resume(call: Call, number: int) -> dict[str, Any]:
    """Let it be tried at the next sweep, with all that waits for it."""
    channels.wake(call.session, call.origin, call.me, number)
    return _shown(call, number)


@resource.post("/<int:number>/trial", scope="admin", gives=Channel)
def trial(call: Call, number: int) -> dict[str, Any]:
    """Put a trial message into its queue."""
    channels.put_trial(call.session, call.origin, call.me, number)
    return _shown(call, number)


@resource.delete("/<int:number>", scope="admin")
def remove(call: Call, number: int) -> None:
    """Remove a bot with its address; what waits for it is dropped."""
    channels.remove(call.session, call.origin, call.me, number)


def _shown(call: Call, number: int) -> dict[str, Any]:
    return _told(channels.one(call.session, call.ports, call.origin, call.me, number))


def _told(one: Standing) -> dict[str, Any]:
    return one.row._asdict() | {"shown": one.shown, "broken": one.broken, "waiting": one.waiting}
