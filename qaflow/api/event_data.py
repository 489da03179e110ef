"""What events carry, for the description: of each type just the members that `services/events` tells, each bounded."""

from __future__ import annotations

from typing import Any

from qaflow.api.schemas import HIGHEST, NAME
from qaflow.engine.definition import LAYERS
from qaflow.engine.diagnosis import DEGREES
from qaflow.services.events.events import TOLD

Described = dict[str, Any]
MOST = 1000  # of one list
WHOLE: Described = {"type": "integer", "minimum": 0, "maximum": HIGHEST}
WORD: Described = {"type": "string", "maxLength": NAME}
DAY: Described = {"type": "string", "format": "date"}
HASH: Described = {"type": "string", "minLength": 64, "maxLength": 64}
FLAG: Described = {"type": "boolean"}


def _none(of: Described) -> Described:
    """Return a member that may be null."""
    return {**of, "type": [of["type"], "null"]}


def _all(of: Described) -> Described:
    """Return a list."""
    return {"type": "array", "maxItems": MOST, "items": of}


def _some(**members: Described) -> Described:
    """Return an object of these members, any of which may be absent."""
    return {"type": "object", "properties": members, "additionalProperties": False}


WARNING = _some(id=WORD, state=WORD, kind=WORD, point=WHOLE, severity=WORD)
ITEM = _some(no=WHOLE, kind=WORD, stage=_none(WORD), visit=_none(WHOLE), due=_none(DAY))
MEMBERS: dict[str, Described] = {
    **dict.fromkeys(
        ("child", "count", "cycle", "deadline_no", "first", "id", "item", "last", "level", "no", "number", "revision",
         "rows", "selftest", "sheet_no", "subject", "task", "unit", "version", "visit", "batch"), WHOLE),
    **dict.fromkeys(("act", "close", "code", "from", "key", "leaf", "month", "plan", "role", "stage", "state", "term",
                     "to", "track"), WORD),
    **dict.fromkeys(("day", "due", "end", "opens", "start"), DAY),
    **dict.fromkeys(("closes", "drops", "years", "unpublished"), _all(WHOLE)),
    **dict.fromkeys(("definition", "hash"), HASH),
    "degree": {"type": "string", "enum": list(DEGREES)},
    "enter": _some(stage=WORD, leaf=WORD, visit=WHOLE, due=DAY),
    "items": _all(ITEM),
    "late": FLAG,
    "layer": {"type": "string", "enum": list(LAYERS)},
    "set": _some(state=WORD, scope=WORD),
    "sheet": _some(no=WHOLE, kind=WORD, state=WORD, due=DAY),
    "warning": {"anyOf": [WORD, WARNING]},
}  # fmt: skip
"""Each member by its name."""
OTHERWISE = {("SelfTestOpened", "closes"): DAY}
"""Members that mean something else in one kind of fact."""
OF_CYCLE = ("qaflow.cycle.", "qaflow.sheet.", "qaflow.warning.", "qaflow.item.")


def described() -> list[Described]:
    """Return what the data of an event may be, each with the types that carry it."""
    found: dict[str, tuple[Described, list[str]]] = {}
    for kind, (type_, carries) in TOLD.items():
        names = [*(["cycle"] if type_.startswith(OF_CYCLE) else []), *carries]
        members = {name: OTHERWISE.get((kind, name), MEMBERS[name]) for name in names}
        found.setdefault(repr(members), (members, []))[1].append(type_)
    return [{"description": ", ".join(types), **_some(**members)} for members, types in found.values()]
