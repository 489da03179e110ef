"""Events: what changed in the college, as CloudEvents, in one order without gaps, for those who poll."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from qaflow.api import event_data
from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.resource import Resource
from qaflow.services.events import events
from qaflow.services.events import stream as event_stream

resource = Resource("api_events", __name__, url_prefix="/events", description="What changed, for those who poll")


class Event(s.Strict):
    """A CloudEvent 1.0: it names what changed, no person and no text."""

    specversion = s.text(s.NAME, required=True)
    id = s.text(s.NAME, required=True)
    source = s.text(s.NAME, required=True)
    type = s.choice(events.TYPES, required=True)
    subject = s.text(s.NAME, required=True)
    time = s.instant(required=True)
    datacontenttype = s.text(s.NAME, required=True)
    partitionkey = s.text(s.NAME, required=True)
    sequence = s.text(events.DIGITS, events.DIGITS, required=True)
    data = fields.Raw(required=True, metadata={"anyOf": event_data.described()})


class Page(s.Strict):
    """Events in their order; `after` is what the next call gives, also where nothing came."""

    items = s.many(Event, event_stream.MOST, required=True)
    after = s.whole(required=True)
    more = s.flag(required=True)


class Asked(s.Strict):
    """After which position, how many, and of which type."""

    after = s.whole(loose=True, load_default=0)
    limit = s.whole(1, event_stream.MOST, loose=True, load_default=event_stream.PAGE)
    type = s.choice(events.TYPES)


@resource.get("", scope="events", asks=Asked, gives=Page)
def poll(call: Call) -> dict[str, Any]:
    """Give the events after a position, as far as whoever asks may see them."""
    types = (call.query["type"],) if "type" in call.query else ()
    page = event_stream.poll(call.session, call.origin, call.me, call.query["after"], call.query["limit"], types)
    return {"items": page.items, "after": page.after, "more": page.more}
