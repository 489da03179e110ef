"""A freeze held against the present: each file on disk and on record, each text, each history that it covers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.engine.definition import Label
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import compiled
from qaflow.services.places.organisation import Desk, desk
from qaflow.services.ports import Files
from qaflow.services.work import AnySession, Origin
from qaflow.store import audit
from qaflow.store import reviews as rows
from qaflow.store.db import reading

from .audit import sound
from .freezing import Line, lines, manifest_of, one_of

PAGE = 200
CHUNK = 500
SAME, CHANGED, MISSING = STATES = ("same", "changed", "missing")


class Held(NamedTuple):
    """A file of the manifest and how it stands now."""

    cycle: int
    subject: str
    stage: Label
    id: int
    name: str
    hash: str
    size: int
    at: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A freeze held against the present; of the files a page, or all that are not the same."""

    line: Line
    sound: bool  # the manifest is what the college's stream says it is
    files: tuple[Held, ...] = ()
    checked: int = 0  # files looked into
    faults: int = 0  # of them not the same
    following: int = 0  # the place after which the next page begins
    cycles: int = 0  # histories that begin as they did
    broken: tuple[int, ...] = ()  # cycles whose histories do not
    texts: int = 0
    lost: int = 0  # texts that are altered or erased
    added: int = 0  # files that came to the covered cycles since


def check(session: AnySession, origin: Origin, me: SignedIn, files: Files, number: int, after: int = 0,
          whole: bool = False) -> Checked:  # fmt: skip
    """Hold a page of a freeze's files against the present, or the whole freeze: then those files that differ."""
    try:
        at = desk(session, reading(session), origin, me, "freeze")
        row = one_of(at, number)
        (line,) = lines(at, [row])
        text = manifest_of(at, row)
        if text is None:
            return Checked(line=line, sound=False)
        return _checked(session, at, files, line, json.loads(text)["cycles"], after, whole)
    finally:
        session.rollback()


def _checked(session: AnySession, at: Desk, files: Files, line: Line, cycles: Sequence[Any], after: int,
             whole: bool) -> Checked:  # fmt: skip
    where = (at.driver, at.college.id, line.row.day, line.row.layer or "")
    recorded = {one.id: one for one in rows.files(*where)}
    held = [(cycle, file) for cycle in cycles for file in cycle["files"]]
    part = held if whole else held[after : after + PAGE]

    def name(cycle: Any, key: str) -> Label:
        stage = compiled(session, at.driver, cycle["definition"]).definition.by_key.get(key)
        return stage.name if stage else Label(zh=key, en=key)

    found = [_held(files, recorded, name, cycle, file) for cycle, file in part]
    faults = [one for one in found if one.state != SAME]
    broken = _broken(at, cycles)
    texts = [one["hash"] for cycle in cycles for one in cycle["texts"]]
    return Checked(
        line=line, sound=True, files=tuple(faults if whole else found), checked=len(found), faults=len(faults),
        following=0 if whole or after + PAGE >= len(held) else after + PAGE, cycles=len(cycles) - len(broken),
        broken=broken, texts=len(texts), lost=_lost(at, texts),
        added=len(recorded.keys() - {file["id"] for _, file in held}),
    )  # fmt: skip


def _held(files: Files, recorded: dict[int, rows.File], name: Callable[[Any, str], Label], cycle: Any,
          file: Any) -> Held:  # fmt: skip
    return Held(cycle["id"], cycle["name"], name(cycle, file["stage"]), file["id"], file["name"], file["hash"],
                file["size"], file["at"], _state(files, recorded.get(file["id"]), file))  # fmt: skip


def _state(files: Files, now: rows.File | None, file: Any) -> str:
    data = files.read(file["hash"])
    if now is None or data is None:
        return MISSING
    kept = hashlib.sha256(data).hexdigest() == file["hash"]
    same = {k: v for k, v in now._asdict().items() if k != "cycle"} == file
    return SAME if kept and same else CHANGED


def _broken(at: Desk, cycles: Sequence[Any]) -> tuple[int, ...]:
    """Return the cycles whose histories no longer hold the entry at which they were frozen."""
    places = {(f"cycle:{one['id']}", one["version"]): one for one in cycles}
    stand = rows.entries(at.driver, list(places))
    return tuple(one["id"] for place, one in places.items() if stand.get(place) != one["head"])


def _lost(at: Desk, hashes: Sequence[str]) -> int:
    """Return how many submitted texts are erased, altered or not kept."""
    good: set[str] = set()
    for first in range(0, len(hashes), CHUNK):
        kept = audit.contents_of(at.driver, hashes[first : first + CHUNK])
        good |= {key for key, salt, text, erased in kept if text is not None and sound(key, salt, text, erased)}
    return sum(one not in good for one in hashes)
