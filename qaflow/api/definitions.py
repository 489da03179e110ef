"""Definitions: the published versions, one whole and drawn, what differs, check and publish, migrate with a dry run."""

from __future__ import annotations

import json
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.definition_schemas import (
    BODY,
    HIGHEST,
    Changed,
    Checking,
    Definition,
    Language,
    Line,
    Migration,
    Moving,
    Standing,
    Verdict,
    Versions,
    Which,
    faults,
)
from qaflow.api.files import FileAnswer
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine import loader
from qaflow.engine.definition import to_plain
from qaflow.engine.differences import Change
from qaflow.engine.drawing import bpmn as drawing_bpmn
from qaflow.engine.drawing import mermaid as drawing_mermaid
from qaflow.engine.drawing import svg as drawing_svg
from qaflow.errors import Missing
from qaflow.services.cycles import migrating
from qaflow.services.cycles.migrating import Page
from qaflow.services.definitions import published, uploading
from qaflow.services.definitions.published import PAGE, STATUSES, Published
from qaflow.services.definitions.uploading import Checked

resource = Resource("api_definitions", __name__, url_prefix="/definitions", description="Definitions of cycles")
YAML = "application/yaml"
DRAWINGS: dict[str, tuple[Any, str, str]] = {
    "svg": (drawing_svg.draw, "image/svg+xml", "svg"),
    "mermaid": (drawing_mermaid.draw, "text/plain", "mmd"),
    "bpmn": (drawing_bpmn.draw, "application/xml", "bpmn"),
    "yaml": (lambda found, _language: loader.dump(found), YAML, "yaml"),
}
"""What can be taken away: how it is made, its media type, the end of its name."""
NAMED = "definition.yaml"


@resource.get("", gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the versions that one's college runs, the newest first."""
    versions, _, _ = published.overview(call.session, call.origin, call.me)
    return call.page([_line(one) for one in versions], None)


@resource.get("/<key>/<int:version>", gives=Definition)
def show(call: Call, key: str, version: int) -> dict[str, Any]:
    """Show one version."""
    found = published.one(call.session, call.origin, call.me, key, _sane(version))
    stages = [{"key": one.key, "name": one.name} for one in found.definition.stages]
    others = [one.row.version for one in found.others]
    return _line(found.published) | {"stages": stages, "others": others, "may": sorted(found.may)}


@resource.get("/<key>/<int:version>/drawing/<form>", asks=Language, words={"form": list(DRAWINGS)},
              hands=tuple(media for _, media, _ in DRAWINGS.values()))  # fmt: skip
def drawing(call: Call, key: str, version: int, form: str) -> FileAnswer:
    """Hand out the drawing or the file of a version."""
    found = published.one(call.session, call.origin, call.me, key, _sane(version))
    if form not in DRAWINGS:
        raise Missing("object.not_found", f"no drawing of the form {form!r}")
    make, media, end = DRAWINGS[form]
    text: str = make(found.definition, call.query["language"])
    return FileAnswer(name=f"{key}-{version}.{end}", media=media, data=text.encode())


@resource.get("/<key>/<int:version>/cycles", asks=Which, gives=s.listing(Standing))
def cycles(call: Call, key: str, version: int) -> dict[str, Any]:
    """List the cycles that stand on a version, a hundred at a time."""
    _, _, found = published.cycles(call.session, call.origin, call.me, key, _sane(version), call.query["status"],
                                   call.after() or 0)  # fmt: skip
    return call.page([one._asdict() for one in found], found[-1].id if len(found) == PAGE else None)


@resource.get("/<key>/difference", asks=Versions, gives=s.listing(Changed))
def difference(call: Call, key: str) -> dict[str, Any]:
    """List what differs between two versions."""
    found = published.difference(call.session, call.origin, call.me, key, call.query["old"], call.query["new"])
    return call.page([_changed(one) for one in found.changes], None)


@resource.post("/check", scope="office", takes=Checking, gives=Verdict, most=BODY)
def check(call: Call) -> Answer:
    """Check a definition; nothing of it is stored. The tag of a sound one is what its publishing names."""
    found = uploading.check(call.session, call.origin, call.me, NAMED, call.body["text"].encode())
    return Answer(body=_verdict(found), tag=found.definition.hash if found.definition else "")


@resource.post("/publish", scope="office", takes=Checking, gives=Definition, status=201, matches=True, most=BODY)
def publish(call: Call) -> Answer:
    """Publish a definition whose check gave this tag; the same content again changes nothing."""
    with by_code({"def.invalid": "text"}):
        found = uploading.publish(call.session, call.origin, call.me, NAMED, call.body["text"].encode(), call.match)
    body = show(call, found.key, found.version)
    return Answer(body=body, location=f"/api/v1/definitions/{found.key}/{found.version}")


@resource.post("/<key>/<int:version>/migrate/plan", scope="office", takes=Moving, gives=Migration)
def plan(call: Call, key: str, version: int) -> dict[str, Any]:
    """Tell where each cycle of a batch would land on a version, or why it cannot; nothing is done."""
    return _migrated(call, key, version, dry_run=True)


@resource.post("/<key>/<int:version>/migrate", scope="office", takes=Moving, gives=Migration)
def migrate(call: Call, key: str, version: int) -> dict[str, Any]:
    """Move the cycles of a batch that fit to a version."""
    return _migrated(call, key, version, dry_run=False)


def _migrated(call: Call, key: str, version: int, *, dry_run: bool) -> dict[str, Any]:
    published.one(call.session, call.origin, call.me, key, _sane(version))  # another college's is not there
    renames = {one["old"]: one["new"] for one in call.body["renames"]}
    found = migrating.migrate(call.session, call.origin, key, version, dry_run, renames,
                              Page(call.body["after"], PAGE))  # fmt: skip
    return found | {"results": [_landing(one) for one in found["items"]]}


def _sane(version: int) -> int:
    """Return a version as a database can hold it: a higher one is none."""
    return version if version <= HIGHEST else 0


def _line(one: Published) -> dict[str, Any]:
    row = one.row
    counts = {status: one.counts.get(status) for status in STATUSES}
    return row._asdict() | counts | {
        "name": {"zh": row.zh, "en": row.en}, "shared": row.college is None, "newest": one.newest,
        "tracks": [track.key for track in one.tracks],
    }  # fmt: skip


def _changed(one: Change) -> dict[str, Any]:
    return one._asdict() | {"old": _written(one.old), "new": _written(one.new)}


def _written(value: Any) -> str | None:
    return None if value is None else json.dumps(to_plain(value), ensure_ascii=False, sort_keys=True)


def _verdict(found: Checked) -> dict[str, Any]:
    of = found.definition
    return {"sound": of is not None, "key": of and of.key, "version": of and of.version, "digest": of and of.hash,
            "published": found.published, "newest": found.newest, "faults": faults(found.faults)}  # fmt: skip


def _landing(item: dict[str, Any]) -> dict[str, Any]:
    return {"cycle": item["cycle"], "code": item["subject"]["code"], "subject": item["subject"]["name"],
            "from_version": item["from"], "state": item["state"], "lands": item["lands"], "moved": item["moved"],
            "refused": item["code"], "message": item["why"]}  # fmt: skip
