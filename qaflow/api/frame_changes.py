"""The frame taken from a library, or replaced by a file: what changes is shown, and done under the tag of just that."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.definition_schemas import BODY, FAULTS, Checking, Fault, faults
from qaflow.api.frame_schemas import PARTS, Change, Counts, LibraryPart, change
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.services.frame import changes as frame_changes
from qaflow.services.frame.changes import Change as Changed
from qaflow.services.frame.edits import CODE_LENGTH
from qaflow.services.frame.library import Library

resource = Resource("api_frame_changes", __name__, url_prefix="/frame", description="The frame taken or replaced")
MOST_CHOSEN = 500
NAMED = "frame.yaml"


class LibraryLine(s.Strict):
    """A library that the installation holds."""

    key = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)
    source = s.text(s.TEXT, 0, required=True)
    digest = s.text(64, 64, required=True)
    counts = s.one(Counts, required=True)
    parts = s.many(LibraryPart, PARTS, required=True)


class Taking(s.Strict):
    """Which items and elements of a library are taken, and whether their tasks are."""

    library = s.text(s.NAME, required=True)
    parts = s.many(s.text(CODE_LENGTH), MOST_CHOSEN, 1, required=True)
    tasks = s.flag(load_default=False)


class Verdict(s.Strict):
    """What a file of ``kind: points`` holds: its faults, and what its frame would change where it is sound."""

    sound = s.flag(required=True)
    faults = s.many(Fault, FAULTS, required=True)
    change = s.one(Change, required=True, allow_none=True)


@resource.get("/libraries", scope="office", gives=s.listing(LibraryLine))
def libraries(call: Call) -> dict[str, Any]:
    """List the libraries that a frame can be taken from."""
    return call.page([_library(one) for one in frame_changes.libraries(call.session, call.origin, call.me)], None)


@resource.post("/take/plan", scope="office", takes=Taking, gives=Change)
def plan(call: Call) -> Answer:
    """Tell what taking changes; nothing is done. The tag is what taking names."""
    return _told(_take(call, None))


@resource.post("/take", scope="office", takes=Taking, gives=Change, matches=True)
def take(call: Call) -> Answer:
    """Take items and elements of a library, if that still changes what was told."""
    return _told(_take(call, call.match))


@resource.post("/replace/plan", scope="office", takes=Checking, gives=Verdict, most=BODY)
def check(call: Call) -> Answer:
    """Check a file, and tell what its frame in place of the college's changes; nothing is done."""
    found = frame_changes.check(call.session, call.origin, call.me, NAMED, call.body["text"].encode())
    body = {"sound": found.change is not None, "faults": faults(found.faults),
            "change": found.change and change(found.change)}  # fmt: skip
    return Answer(body=body, tag=found.change.digest if found.change else "")


@resource.post("/replace", scope="office", takes=Checking, gives=Change, matches=True, most=BODY)
def replace(call: Call) -> Answer:
    """Replace the frame by a file, if that still changes what was told; parts that it does not hold are dropped."""
    with by_code({"frame.file": "text"}):
        data = call.body["text"].encode()
        return _told(frame_changes.replace(call.session, call.origin, call.me, NAMED, data, call.match))


def _take(call: Call, agreed: str | None) -> Changed:
    asked = call.body
    with by_code({"frame.nothing_chosen": "parts"}):
        return frame_changes.take(call.session, call.origin, call.me, asked["library"], asked["parts"],
                                  tasks=asked["tasks"], agreed=agreed)  # fmt: skip


def _told(found: Changed) -> Answer:
    return Answer(body=change(found), tag=found.digest)


def _library(one: Library) -> dict[str, Any]:
    parts = [part | {"name": {"zh": part["name_zh"], "en": part["name_en"]}} for part in one.parts.values()]
    return one.row._asdict() | {"name": {"zh": one.row.name_zh, "en": one.row.name_en}, "counts": one.counts,
                                "parts": parts}  # fmt: skip
