"""What the operations on the frame of diagnosis take and give."""

from __future__ import annotations

import json
from typing import Any

from qaflow.api import schemas as s
from qaflow.engine.diagnosis import DEGREES, LEFT_OUT, Tally
from qaflow.services.frame.changes import Change as Changes
from qaflow.services.frame.edits import CODE_LENGTH, INDICATORS, STARS, TEXT_LENGTH
from qaflow.services.frame.tree import Frame
from qaflow.store.frame import Row

PARTS = 10_000
LEVELS = ("item", "element", "point")


class Words(s.Strict):
    """A longer text in both languages; one that is empty is the other's."""

    zh = s.text(TEXT_LENGTH, 0)
    en = s.text(TEXT_LENGTH, 0)


class LibraryPart(s.Strict):
    """A part of a frame by its place and its name."""

    code = s.text(CODE_LENGTH, required=True)
    level = s.choice(LEVELS, required=True)
    parent = s.text(CODE_LENGTH, required=True, allow_none=True)
    name = s.one(s.Named, required=True)
    star = s.choice(STARS, required=True)


class Plain(LibraryPart):
    """A part as it is compared: what it says, and whether it is dropped."""

    dropped = s.flag(required=True)
    requirement = s.one(Words, required=True, allow_none=True)
    indicators = s.many(Words, INDICATORS, required=True)
    platform = s.many(s.text(s.NAME), required=True)
    teaching_units = s.flag(required=True)


class Part(Plain):
    """An item, element or point as it stands; `asked` of points alone, `tasks` counts those of a point."""

    id = s.ident(required=True)
    asked = s.flag(required=True)
    tasks = s.whole(required=True)
    version = s.ident(required=True)


class Counts(s.Strict):
    """How much there is of each."""

    items = s.whole(required=True)
    elements = s.whole(required=True)
    points = s.whole(required=True)
    tasks = s.whole(required=True)


class Framed(s.Strict):
    """The college's frame in the order of its codes; dropped parts stand in it, and are counted nowhere."""

    kind = s.choice(LEFT_OUT, required=True)
    edits = s.flag(required=True)
    asked = s.whole(required=True)
    counts = s.one(Counts, required=True)
    parts = s.many(Part, PARTS, required=True)


class Kind(s.Strict):
    """The kind of the college, which leaves points with stars out."""

    kind = s.choice(LEFT_OUT, required=True)


class Rewording(s.Strict):
    """What of a part's words changes; a `requirement` of null is taken away."""

    name = s.one(s.Named)
    star = s.choice(STARS)
    requirement = s.one(Words, allow_none=True)
    indicators = s.many(s.Named, INDICATORS)
    platform = s.many(s.text(s.NAME))
    teaching_units = s.flag()


class NewPart(Rewording):
    """A part of the college's own: under another one, or an item under none."""

    code = s.text(CODE_LENGTH, required=True)
    parent = s.text(CODE_LENGTH, load_default="", allow_none=True)
    name = s.one(s.Named, required=True)


class Pair(s.Strict):
    """A part as it was and as it becomes."""

    before = s.one(Plain, required=True)
    after = s.one(Plain, required=True)


class NewTask(s.Strict):
    """A task of the library that the college's plan does not hold yet."""

    plan = s.text(s.NAME, required=True)
    no = s.whole(required=True)
    point = s.text(CODE_LENGTH, required=True)
    title = s.one(Words, required=True)


class Change(s.Strict):
    """What taking or replacing changes, or changed; the digest is the tag that doing it names."""

    digest = s.text(64, 64, required=True)
    new = s.many(Plain, PARTS, required=True)
    changed = s.many(Pair, PARTS, required=True)
    dropped = s.many(Plain, PARTS, required=True)
    tasks = s.many(NewTask, PARTS, required=True)


class Degree(s.Strict):
    """So many answers of one degree."""

    degree = s.choice(DEGREES, required=True)
    count = s.whole(required=True)


class Progress(s.Strict):
    """How far what is asked is answered."""

    asked = s.whole(required=True)
    answered = s.whole(required=True)
    missing = s.whole(required=True)
    percent = s.whole(0, 100, required=True)
    degrees = s.many(Degree, len(DEGREES), required=True)


def plain(one: dict[str, Any]) -> dict[str, Any]:
    """Return a part as it is kept and compared."""
    body = json.loads(one["body"])
    named = {name: body.get(name) for name in ("requirement", "indicators", "platform")}
    return {**one, "name": {"zh": one["name_zh"], "en": one["name_en"]}, "requirement": named["requirement"],
            "indicators": named["indicators"] or (), "platform": named["platform"] or (),
            "teaching_units": body.get("teaching_units", True)}  # fmt: skip


def part(frame: Frame, row: Row) -> dict[str, Any]:
    """Return a part as it stands in its frame."""
    return plain(row._asdict()) | {"asked": row.code in frame.asked, "tasks": len(frame.tasks.get(row.code, ()))}


def change(found: Changes) -> dict[str, Any]:
    """Return what taking or replacing does to a frame."""
    changed = [{"before": plain(before), "after": plain(after)} for before, after in found.changed]
    return {"digest": found.digest, "new": map(plain, found.new), "changed": changed,
            "dropped": map(plain, found.dropped),
            "tasks": [one | {"plan": one["plan"]["key"]} for one in found.tasks]}  # fmt: skip


def progress(found: Tally) -> dict[str, Any]:
    """Return a tally with what is reckoned of it."""
    degrees = [{"degree": degree, "count": count} for degree, count in found.degrees.items()]
    return {"asked": found.asked, "answered": found.answered, "missing": found.missing, "percent": found.percent,
            "degrees": degrees}  # fmt: skip
