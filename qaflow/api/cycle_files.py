"""Evidence: the files that stages of a cycle left, kept one at a time, and each handed out as it was left."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.files import FileAnswer
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.services.cycles import evidence
from qaflow.services.cycles.evidence import KINDS, LIMIT, NAME_LENGTH
from qaflow.store.cycle_beside import File

resource = Resource("api_cycle_files", __name__, url_prefix="/cycles", description="Evidence of cycles")
TYPES = tuple(dict.fromkeys(media for media, _ in KINDS.values()))
AT = dict.fromkeys(("file.name", "file.type_refused", "file.type_mismatch"), "?name")
"""The faults that the name has a part in; what it hides is in the body."""


class Left(s.Strict):
    """A file as it was left in a visit of a stage; answers to the frame name files by their hash."""

    id = s.ident(required=True)
    name = s.text(NAME_LENGTH, required=True)
    media = s.choice(TYPES, required=True)
    size = s.whole(1, LIMIT, required=True)
    hash = s.text(64, 64, required=True)
    stage = s.text(s.NAME, required=True)
    visit = s.whole(required=True)
    at = s.instant(required=True)
    by = s.text(s.NAME, 0, required=True, allow_none=True)


class Named(s.Strict):
    """What the file is called; its ending says what it is, and so must its content type."""

    name = s.text(NAME_LENGTH, required=True)


@resource.get("/<int:number>/files", gives=s.listing(Left))
def listed(call: Call, number: int) -> dict[str, Any]:
    """List the files of a cycle in the order in which they came."""
    return call.page([_left(one) for one in evidence.look(call.session, call.origin, number)], None)


@resource.post("/<int:number>/files", asks=Named, reads=TYPES, most=LIMIT, gives=Left, status=201)
def attach(call: Call, number: int) -> Answer:
    """Keep a file as evidence of the current visit; the same one under the same name is kept once."""
    with by_code(AT):
        keeper = evidence.keeper(call.ports.files)
        stands = evidence.attach(call.session, call.origin, keeper, number, call.query["name"], call.data, call.media)
    file = stands["evidence"]["id"]
    (kept,) = (one for one in evidence.look(call.session, call.origin, number) if one.id == file)
    return Answer(body=_left(kept), location=f"/api/v1/cycles/{number}/files/{file}")


@resource.get("/<int:number>/files/<int:file>", hands=TYPES)
def fetch(call: Call, number: int, file: int) -> FileAnswer:
    """Hand out a file as it was left."""
    found = evidence.fetch(call.session, call.origin, evidence.keeper(call.ports.files), number, file)
    return FileAnswer(name=found.name, media=found.media, data=found.data)


def _left(one: File) -> dict[str, Any]:
    return one._asdict()
