"""The library of diagnosis points: read from the packaged files when `init` runs, kept as canonical JSON from then on.

It stands once for the whole installation, not with a college: any college takes from it what it wants into rows of its
own, and a later version of the program renews the library without touching what was taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from qaflow.engine import loader
from qaflow.engine.definition import canonical
from qaflow.engine.diagnosis import ELEMENT, ITEM, POINT
from qaflow.errors import Missing
from qaflow.services.definitions import packaged
from qaflow.services.definitions.loading_rows import Row, frame_parts
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import frame as store
from qaflow.store.db import Driver, utc

DEFAULT = "wuhan-software"
"""The packaged college whose frame is the default library: document 003 is the only source that prints one."""
Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library as a college takes from it."""

    row: store.Library

    @cached_property
    def body(self) -> Data:
        """The items as in a file, and under `tasks` the tasks of the points."""
        found: Data = json.loads(self.row.body)
        return found

    @cached_property
    def parts(self) -> dict[str, Data]:
        """Its items, elements and points by code, as a college keeps them."""
        return {part["code"]: part for item in self.body["items"] for part in map(plain_part, frame_parts(item))}

    @property
    def counts(self) -> dict[str, int]:
        """How many items, elements, points and tasks there are."""
        levels = [part["level"] for part in self.parts.values()]
        named = {"items": ITEM, "elements": ELEMENT, "points": POINT}
        return {name: levels.count(level) for name, level in named.items()} | {"tasks": len(self.body["tasks"])}

    def below(self, chosen: Mapping[str, Any] | set[str]) -> Iterator[Data]:
        """Yield what is chosen (codes of items or elements), what lies below it, and the items above it."""
        wanted = {code for code, part in self.parts.items() if self._within(part, set(chosen))}
        above = {self.parts[code]["parent"] for code in wanted}
        yield from (part for code, part in self.parts.items() if code in wanted | above)

    def _within(self, part: Data | None, chosen: set[str]) -> bool:
        return part is not None and (part["code"] in chosen or self._within(self.parts.get(part["parent"]), chosen))


def plain_part(row: Row) -> Data:
    """Return an entry of a frame by names, as it is kept, compared and hashed."""
    (code,), (level, parent, zh, en, star, body) = row
    return {"code": code, "level": level, "parent": parent, "name_zh": zh, "name_en": en, "star": star, "body": body,
            "dropped": False}  # fmt: skip


def settle(session: AnySession, origin: Origin) -> bool:
    """Store the packaged library, or renew it; False where the same content stands."""
    return transact(session, lambda driver: store.store(driver, shipped(), utc(origin.recorded)))


@cache
def shipped() -> store.Library:
    """Return the library as its files hold it, read once a process."""
    folder = packaged.folder_of(DEFAULT)
    read = {name: loader.read(folder / f"{name}.yaml").value for name in ("college", "organisation", "points", "tasks")}
    names = {unit["code"]: unit["name"]["zh"] for unit in read["organisation"]["units"]}
    body = canonical({"items": read["points"]["items"], "tasks": list(_tasks(read["tasks"], names))})
    name, digest = read["college"].name, hashlib.sha256(body.encode()).hexdigest()
    return store.Library(key=DEFAULT, name_zh=name.zh, name_en=name.en, source=read["points"]["source"], body=body,
                         digest=digest)  # fmt: skip


def _tasks(file: Data, names: Mapping[str, str]) -> Iterator[Data]:
    """Yield the tasks of the points, their departments by name: another college has other codes."""
    for task in file["tasks"]:
        if task["point"] is not None:
            yield {"plan": file["plan"], "no": task["no"], "point": task["point"], "title": task["title"],
                   "departments": [names.get(code, code) for code in task["departments"]],
                   "task_kind": task["task_kind"], "origin": task["origin"]}  # fmt: skip


def everything(driver: Driver) -> list[Library]:
    """Return the libraries that the installation holds."""
    return [Library(row=row) for row in store.libraries(driver)]


def one(driver: Driver, key: str) -> Library:
    """Return a library by key; `Missing` where the installation has none."""
    for found in everything(driver):
        if found.row.key == key:
            return found
    raise Missing("frame.no_library", f"no library {key!r} of diagnosis points: run `qaflow init`")
