"""Watched cycles: begin and stop to watch one."""

from __future__ import annotations

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.services.cycles import page as cycle_page
from qaflow.services.cycles import watching

resource = Resource("api_watches", __name__, url_prefix="/cycles", description="Cycles that one watches")


class Watch(s.Strict):
    """Whether whoever asks watches a cycle."""

    on = s.flag(required=True)


@resource.get("/<int:number>/watch", gives=Watch)
def show(call: Call, number: int) -> dict[str, bool]:
    """Tell whether one watches a cycle."""
    return {"on": cycle_page.look(call.session, call.origin, number).watched}


@resource.post("/<int:number>/watch", takes=Watch, gives=Watch)
def choose(call: Call, number: int) -> Answer:
    """Begin or stop to watch a cycle; the list is the inbox's box of watched work."""
    watching.choose(call.session, call.origin, number, call.body["on"])
    return Answer(body={"on": call.body["on"]})
