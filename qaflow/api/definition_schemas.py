"""What the operations on definitions take and give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.api import schemas as s
from qaflow.engine.definition import LAYERS
from qaflow.engine.faults import Fault as Found
from qaflow.engine.yaml_source import MAX_BYTES
from qaflow.services.definitions.published import PAGE, STATUSES

HIGHEST = 2**31 - 1  # of a version
FAULTS = 1000
BODY = 2 * MAX_BYTES  # escaped, a text takes more room than its bytes


class Line(s.Strict):
    """One published version, and how many cycles stand on it where one may see these."""

    key = s.text(s.NAME, required=True)
    version = s.ident(required=True)
    hash = s.text(64, 64, required=True)
    layer = s.choice(LAYERS, required=True)
    name = s.one(s.Named, required=True)
    published_at = s.instant(required=True)
    by = s.text(s.NAME, 0, required=True, allow_none=True)
    shared = s.flag(required=True)
    newest = s.flag(required=True)
    tracks = s.many(s.text(s.NAME), required=True)
    running = s.whole(required=True, allow_none=True)
    suspended = s.whole(required=True, allow_none=True)
    closed = s.whole(required=True, allow_none=True)


class Stage(s.Strict):
    """One stage in its order."""

    key = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)


class Definition(Line):
    """One version: its stages, its whole text (`format=yaml` of its drawing), its other versions, what one may do."""

    stages = s.many(Stage, 100, required=True)
    others = s.many(s.ident(), 1000, required=True)
    may = s.many(s.text(s.NAME), required=True)


class Changed(s.Strict):
    """One difference; `old` and `new` as JSON texts, null for what was or is not there."""

    part = s.text(s.NAME, required=True)
    key = s.text(s.NAME, 0, required=True)
    what = s.text(s.NAME, 0, required=True)
    old = s.text(MAX_BYTES, required=True, allow_none=True)
    new = s.text(MAX_BYTES, required=True, allow_none=True)


class Versions(s.Strict):
    """Which two versions are compared."""

    old = s.whole(1, HIGHEST, loose=True, required=True)
    new = s.whole(1, HIGHEST, loose=True, required=True)


class Which(s.Strict):
    """In which status the cycles are."""

    status = s.choice(STATUSES, load_default="running")
    after = s.text(2000)


class Standing(s.Strict):
    """One cycle on a version."""

    id = s.ident(required=True)
    status = s.text(s.NAME, required=True)
    subject = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    stage = s.text(s.NAME, 0, required=True)


class Language(s.Strict):
    """In which language the names are."""

    language = s.choice(("zh", "en"), load_default="zh")


class Fault(s.Strict):
    """One fault of a file; a warning does not refuse it."""

    line = s.whole(required=True)
    col = s.whole(required=True)
    code = s.text(s.NAME, required=True)
    message = s.text(s.TEXT, 0, required=True)
    remedy = s.text(s.TEXT, 0, required=True)
    severity = s.choice(("error", "warning"), required=True)


def faults(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return a file's faults, the first ones."""
    return [{"line": one.line, "col": one.col, "code": one.code, "message": one.message[: s.TEXT],
             "remedy": one.remedy[: s.TEXT], "severity": one.severity} for one in found[:FAULTS]]  # fmt: skip


class Verdict(s.Strict):
    """What a file holds: its faults, and what would be published; the digest is the tag that its publishing names."""

    sound = s.flag(required=True)
    key = s.text(s.NAME, required=True, allow_none=True)
    version = s.whole(required=True, allow_none=True)
    digest = s.text(64, 64, required=True, allow_none=True)
    published = s.flag(required=True)
    newest = s.whole(required=True)
    faults = s.many(Fault, FAULTS, required=True)


class Checking(s.Strict):
    """A definition as YAML."""

    text = s.text(MAX_BYTES, required=True)


class Renaming(s.Strict):
    """Which old stage is which new one."""

    old = s.text(80, required=True)
    new = s.text(80, required=True)


class Moving(s.Strict):
    """Which stages have other keys, and after which cycle to go on."""

    renames = s.many(Renaming, 100, load_default=list)
    after = s.whole(load_default=0)


class Landing(s.Strict):
    """One cycle: where it stands and would land or landed, or why it stays."""

    cycle = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    subject = s.text(s.NAME, required=True)
    from_version = s.ident(required=True)
    state = s.text(s.NAME, required=True, allow_none=True)
    lands = s.text(s.NAME, required=True, allow_none=True)
    moved = s.flag(required=True)
    refused = s.text(s.NAME, required=True, allow_none=True)
    message = s.text(s.TEXT, required=True, allow_none=True)


class Migration(s.Strict):
    """A batch of a migration; the next one begins after the last cycle named here."""

    dry_run = s.flag(required=True)
    fit = s.whole(required=True)
    moved = s.whole(required=True)
    results = s.many(Landing, PAGE, required=True)
