"""Audit: the college's history searched, one entry, proofs, checkpoints, and histories as files."""

from __future__ import annotations

import json
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.files import FileAnswer
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.services.auditing import packs, proving, trail
from qaflow.services.auditing.proving import FOUR, SHOWN, Proven
from qaflow.services.auditing.trail import BEYOND, STREAMS, Asked, Line
from qaflow.services.events import log_files
from qaflow.services.events.log_files import MEDIA
from qaflow.services.events.mining import Wanted

resource = Resource("api_audit", __name__, url_prefix="/audit", description="The college's history and its proofs")
JSON = "application/json"
LONGEST = 80
DATA = 1_000_000
MOST_CHECKPOINT = 100_000_000
MOST_PROOF = 16 * 1024 * 1024  # bytes: a checkpoint and its quotes; larger ones are for the command line
AT_PROOF = {"checkpoint.invalid": "checkpoint", "file.too_large": "checkpoint"}


class Entry(s.Strict):
    """One entry of the history; found again by stream and number. `data` is the JSON text as it is hashed."""

    stream = s.text(s.NAME, required=True)
    seq = s.ident(required=True)
    kind = s.text(s.NAME, required=True)
    at = s.instant(required=True)
    recorded_at = s.instant(required=True)
    who = s.text(s.NAME, 0, required=True, allow_none=True)
    on_behalf_of = s.text(s.NAME, 0, required=True, allow_none=True)
    subject = s.text(s.NAME, 0, required=True)
    door = s.text(s.NAME, required=True)
    words = s.many(s.text(s.TEXT, 0, allow_none=True), required=True)
    hash = s.text(64, 64, required=True)
    prev = s.text(64, 0, required=True)
    """Empty where it is the first of its stream."""


class Whole(Entry):
    """One entry whole, and whether another came after it."""

    data = s.text(DATA, required=True)
    request = s.text(s.NAME, required=True, allow_none=True)
    definition = s.text(64, 64, required=True, allow_none=True)
    newer = s.flag(required=True)


class Filters(s.Strict):
    """By what the history is narrowed: who (login or name, `system`), a kind of facts, days, part of a subject."""

    person = s.text(LONGEST, load_default="")
    unit = s.ident(loose=True, load_default=0)
    kind = s.text(LONGEST)
    first = s.day(load_default=None)
    last = s.day(load_default=None)
    subject = s.text(LONGEST, load_default="")
    stream = s.choice(STREAMS, load_default="")
    door = s.text(LONGEST, load_default="")
    after = s.text(2000)


class Chosen(s.Strict):
    """Of which layer and days a log is, and whether it calls people and subjects by their names."""

    layer = s.text(s.NAME, load_default="")
    first = s.day(load_default=None)
    last = s.day(load_default=None)
    names = s.choice(("true", "false"), load_default="false")


class Found(s.Strict):
    """How many faults one of the four proofs found."""

    proof = s.choice(FOUR, required=True)
    faults = s.whole(required=True)


class Compared(s.Strict):
    """The checkpoint that a verification was held against: of how many heads how many are the same."""

    at = s.instant(required=True)
    streams = s.whole(required=True)
    same = s.whole(required=True)
    public_key = s.text(64, 64, required=True)


class Proof(s.Strict):
    """One verification of the whole history."""

    id = s.ident(required=True)
    started_at = s.instant(required=True)
    ended_at = s.instant(required=True, allow_none=True)
    who = s.text(s.NAME, 0, required=True, allow_none=True)
    running = s.flag(required=True)
    broken_off = s.flag(required=True)
    entries = s.whole(required=True)
    streams = s.whole(required=True)
    faults = s.whole(required=True)
    results = s.many(Found, len(FOUR), required=True)
    first_fault = s.text(s.TEXT, required=True, allow_none=True)
    checkpoint = s.one(Compared, required=True, allow_none=True)


class Proving(s.Strict):
    """A verification to begin, against the text of a checkpoint where one was kept outside."""

    checkpoint = s.text(proving.MOST_BYTES)


class Checkpointed(s.Strict):
    """The last checkpoint: when, its place in the college's stream, and by whom."""

    at = s.instant(required=True)
    seq = s.ident(required=True)
    who = s.text(s.NAME, 0, required=True, allow_none=True)


class Standing(s.Strict):
    """What the history rests on."""

    proofs = s.many(Proof, SHOWN, required=True)
    checkpoint = s.one(Checkpointed, required=True, allow_none=True)


class Checkpoint(s.Strict):
    """A checkpoint, to be kept outside as a file of this name with this text."""

    name = s.text(s.NAME, required=True)
    text = s.text(MOST_CHECKPOINT, required=True)


class Verified(s.Strict):
    """Whether a cycle's history hashes and replays, and what the first fault is."""

    consistent = s.flag(required=True)
    entries = s.whole(required=True)
    head = s.text(64, required=True)
    first_fault = s.text(s.TEXT, required=True, allow_none=True)


@resource.get("/entries", asks=Filters, gives=s.listing(Entry))
def entries(call: Call) -> dict[str, Any]:
    """List the college's history, the newest entries first; a page may be empty and have another behind."""
    given = {name: value for name, value in call.query.items() if name not in ("after", "kind")}
    kinds = (call.query["kind"],) if "kind" in call.query else ()
    asked = Asked(**given, kinds=kinds, after=call.after() or BEYOND)
    found = trail.search(call.session, call.origin, call.me.college, asked)
    return call.page([_entry(line) for line in found.lines], found.following)


@resource.get("/entries/<stream>/<int:seq>", gives=Whole)
def entry(call: Call, stream: str, seq: int) -> dict[str, Any]:
    """Show one entry whole."""
    found = trail.one(call.session, call.origin, call.me.college, stream[:LONGEST], seq)
    of = found.line.entry
    return _entry(found.line) | {"data": of.data, "request": of.request_id, "definition": of.definition,
                                 "newer": found.newer}  # fmt: skip


@resource.get("/proofs", gives=Standing)
def proofs(call: Call) -> dict[str, Any]:
    """Show the last verifications and the last checkpoint."""
    found = proving.standing(call.session, call.origin, call.me.college)
    last = dict(zip(("at", "seq", "who"), found.checkpoint, strict=True)) if found.checkpoint else None
    return {"proofs": [_proof(one) for one in found.proofs], "checkpoint": last}


@resource.post("/proofs", scope="office", alone=True, takes=Proving, gives=Proof, most=MOST_PROOF, status=202)
def prove(call: Call) -> Answer:
    """Begin to verify the whole history, unless that is at work already; its place tells what comes of it."""
    text = call.body.get("checkpoint")
    with by_code(AT_PROOF):
        number = proving.start(call.session, call.ports, call.origin, call.me.college, text and text.encode())
    return Answer(body=proof(call, number), location=f"/api/v1/audit/proofs/{number}")


@resource.get("/proofs/<int:number>", gives=Proof)
def proof(call: Call, number: int) -> dict[str, Any]:
    """Show one verification, at work or ended."""
    return _proof(proving.one(call.session, call.origin, call.me.college, number))


@resource.post("/checkpoints", scope="office", takes=s.Nothing, gives=Checkpoint, status=201)
def checkpoint(call: Call) -> dict[str, str]:
    """Make a checkpoint, to be kept outside this machine."""
    made = proving.seal(call.session, call.origin, call.ports, call.me.college)
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    return {"name": f"checkpoint-{made['at'][:10]}.json", "text": text}


@resource.get("/cycles/<int:number>/pack", hands=(JSON,))
def pack(call: Call, number: int) -> FileAnswer:
    """Hand out a cycle's whole history as a file that proves itself."""
    made = proving.pack(call.session, call.origin, call.me.college, number)
    return FileAnswer(name=f"cycle-{number}.json", media=JSON, data=packs.as_text(made).encode())


@resource.get("/cycles/<int:number>/verify", gives=Verified)
def verify(call: Call, number: int) -> dict[str, Any]:
    """Hash and replay one cycle now."""
    found = proving.cycle(call.session, call.origin, call.me.college, number)
    first = found["findings"][0] if found["findings"] else None
    return {"consistent": found["consistent"], "entries": found["entries"], "head": found["head"],
            "first_fault": first and _fault(first)}  # fmt: skip


@resource.get("/logs/<kind>", asks=Chosen, hands=tuple(MEDIA.values()), words={"kind": list(MEDIA)})
def log(call: Call, kind: str) -> FileAnswer:
    """Hand out the history as a log for process mining (XES, OCEL 2.0) or as lines of JSON with their hashes."""
    wanted = Wanted(**{**call.query, "names": call.query["names"] == "true"})
    with by_code({"export.days": "?last"}):
        found = log_files.download(call.session, call.origin, call.me.college, kind, wanted)
    return FileAnswer(name=found.name, media=found.media, data=found, size=found.size)


def _entry(line: Line) -> dict[str, Any]:
    return line.entry._asdict() | {"who": line.who, "on_behalf_of": line.for_, "subject": line.subject,
                                   "words": line.said}  # fmt: skip


def _proof(one: Proven) -> dict[str, Any]:
    results = [{"proof": name, "faults": one.results.get(name, 0)} for name in FOUR]
    more = {"running": one.running, "broken_off": one.broken_off, "results": results, "checkpoint": one.checkpoint}
    return one.row._asdict() | more | {"first_fault": one.first and _fault(one.first)}


def _fault(found: dict[str, Any]) -> str:
    return f"{found['stream']}/{found['seq']}: {found['why']}"[: s.TEXT]
