"""One's private calendar: whether one has one, its address made or renewed, and closed."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.services.events import feeds

resource = Resource("api_feeds", __name__, url_prefix="/me/calendar", description="One's private calendar")


class Feed(s.Strict):
    """Whether one has a calendar, since when its address is good, and when it was last read; never the address."""

    exists = s.flag(required=True)
    created_at = s.instant(required=True, allow_none=True)
    used_at = s.instant(required=True, allow_none=True)


class Made(Feed):
    """A calendar with its address, which is shown this once: whoever knows it reads one's deadlines."""

    address = s.text(2000, required=True)


@resource.get("", gives=Feed)
def show(call: Call) -> dict[str, Any]:
    """Tell whether one has a calendar, without its address."""
    found = feeds.mine(call.session, call.me)
    return {"exists": found is not None, **(found._asdict() if found else {"created_at": None, "used_at": None})}


@resource.post("", gives=Made, status=201)
def renew(call: Call) -> Answer:
    """Make the calendar's address, or a new one that closes the one before."""
    token = feeds.renew(call.session, call.origin, call.me)
    address = feeds.address(call.ports.settings.base_url, token)
    return Answer(body=show(call) | {"address": address}, location="/api/v1/me/calendar")


@resource.delete("")
def revoke(call: Call) -> None:
    """Close the calendar: its address opens nothing any more."""
    feeds.revoke(call.session, call.me)
