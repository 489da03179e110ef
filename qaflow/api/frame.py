"""The frame of diagnosis: its parts as they stand, reworded, added, dropped and taken up again, and the kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qaflow.api.calling import Answer, Call
from qaflow.api.frame_schemas import Framed, Kind, NewPart, Part, Rewording, part
from qaflow.api.pointing import by_code, by_field
from qaflow.api.resource import Resource
from qaflow.services.frame import edits as frame_edits
from qaflow.services.frame import tree as frame
from qaflow.services.frame.edits import Wanted

resource = Resource("api_frame", __name__, url_prefix="/frame", description="The frame of diagnosis of a college")
AT = {"frame.code": "code", "frame.code_taken": "code", "frame.parent": "parent"}
NAMED = {f"{field}_{language}": f"/{field}/{language}" for field in ("name", "requirement")
         for language in ("zh", "en")}  # fmt: skip
"""Where the body holds what the service names otherwise."""


@resource.get("", gives=Framed)
def show(call: Call) -> dict[str, Any]:
    """Show the frame of one's own college."""
    found = frame.look(call.session, call.origin, call.me)
    return {"kind": found.frame.kind, "edits": found.edits, "asked": len(found.frame.asked),
            "counts": found.frame.counts, "parts": [part(found.frame, row) for row in found.frame.rows]}  # fmt: skip


@resource.post("/kind", scope="office", takes=Kind, gives=Kind)
def kind(call: Call) -> dict[str, Any]:
    """Set the kind of the college."""
    frame_edits.set_kind(call.session, call.origin, call.me, call.body["kind"])
    return {"kind": call.body["kind"]}


@resource.post("/parts", scope="office", takes=NewPart, gives=Part, status=201)
def add(call: Call) -> Answer:
    """Add a part of the college's own."""
    body = call.body
    wanted = _wanted(Wanted(name_zh="", name_en=""), body)
    with by_code(AT), by_field(_place):
        row = frame_edits.add(call.session, call.origin, call.me, body["code"], body["parent"] or "", wanted)
    return _shown(call, row.id, location=f"/api/v1/frame/parts/{row.id}")


@resource.get("/parts/<int:number>", gives=Part)
def one(call: Call, number: int) -> Answer:
    """Show a part; its tag is its version."""
    return _shown(call, number)


@resource.patch("/parts/<int:number>", scope="office", takes=Rewording, gives=Part)
def reword(call: Call, number: int) -> Answer:
    """Change the words of a part; what is not named stays."""
    version = _held(call, number)
    row = frame_edits.part(call.session, call.origin, call.me, number)
    with by_field(_place):
        wanted = _wanted(frame_edits.words_of(row), call.body)
        frame_edits.reword(call.session, call.origin, call.me, number, version, wanted)
    return _shown(call, number)


@resource.post("/parts/<int:number>/drop", scope="office", gives=Part, matches=True)
def drop(call: Call, number: int) -> Answer:
    """Drop a part, so that it and all below it is not asked."""
    return _dropped(call, number, dropped=True)


@resource.post("/parts/<int:number>/restore", scope="office", gives=Part, matches=True)
def restore(call: Call, number: int) -> Answer:
    """Ask a dropped part again."""
    return _dropped(call, number, dropped=False)


def _dropped(call: Call, number: int, *, dropped: bool) -> Answer:
    frame_edits.drop(call.session, call.origin, call.me, number, _held(call, number), dropped)
    return _shown(call, number)


def _held(call: Call, number: int) -> int:
    """Return the version of a part that is still as it was read, to whoever may change it."""
    call.hold(f"frame:{number}")
    version = frame_edits.part(call.session, call.origin, call.me, number).version
    call.require(str(version))
    return version


def _shown(call: Call, number: int, location: str = "") -> Answer:
    found, row = frame.part(call.session, call.origin, call.me, number)
    return Answer(body=part(found.frame, row), tag=str(row.version), location=location)


def _wanted(stands: Wanted, body: dict[str, Any]) -> Wanted:
    """Return a part's words as they become."""
    found: dict[str, Any] = {name: body[name] for name in ("star", "teaching_units") if name in body}
    for field in (field for field in ("name", "requirement") if field in body):
        zh, en = f"{field}_zh", f"{field}_en"
        found[zh], found[en] = _both(body[field], getattr(stands, zh), getattr(stands, en))
    if "indicators" in body:
        found["indicators"] = tuple((each.get("zh", ""), each.get("en", "")) for each in body["indicators"])
    if "platform" in body:
        found["platform"] = tuple(body["platform"])
    return replace(stands, **found)


def _both(given: dict[str, str] | None, zh: str, en: str) -> tuple[str, str]:
    """Return a text in both languages; one that is not named stays, an empty one is the other's."""
    if given is None:
        return "", ""
    zh, en = given.get("zh", zh), given.get("en", en)
    return zh or en, en or zh


def _place(field: str) -> str:
    """Return where the body holds a field that the service names."""
    return NAMED.get(field, f"/{field}")
