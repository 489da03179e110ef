"""Taking a frame from a library, or replacing it by a file: what would change is shown before it is done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qaflow.engine import loader
from qaflow.engine.definition import canonical
from qaflow.engine.faults import Fault
from qaflow.errors import Invalid
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.definitions.loading_rows import frame_parts
from qaflow.services.definitions.uploading import shown
from qaflow.services.places.organisation import Desk, desk
from qaflow.services.rehearsing import digest_of, rehearsed
from qaflow.services.work import AnySession, LostRace, Origin
from qaflow.store import frame as store
from qaflow.store.db import Driver, reading
from qaflow.store.frame import Row

from . import library as frame_library
from .library import Library, plain_part
from .tree import FRAME, digest, plain

Data = dict[str, Any]
LOADED_TASKS = ("id", "college_id", "plan", "no", "title_zh", "title_en", "departments", "owner_unit_id", "point_code",
                "task_kind", "origin", "recurs", "state", "late_warned", "body", "loaded", "version")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Change:
    """What taking or replacing does to a frame: parts that are new, changed (as they were, as they become), dropped."""

    new: tuple[Data, ...]
    changed: tuple[tuple[Data, Data], ...]
    dropped: tuple[Data, ...]
    tasks: tuple[Data, ...] = ()

    @property
    def empty(self) -> bool:
        """Tell whether the frame stands as wanted already."""
        return not (self.new or self.changed or self.dropped or self.tasks)

    @cached_property
    def digest(self) -> str:
        """The hash over what was shown."""
        return digest_of([list(self.new), [list(two) for two in self.changed], list(self.dropped), list(self.tasks)])

    @property
    def counts(self) -> dict[str, int]:
        """How much of each there is."""
        return {"new": len(self.new), "changed": len(self.changed), "dropped": len(self.dropped),
                "tasks": len(self.tasks)}  # fmt: skip


def take(session: AnySession, origin: Origin, me: SignedIn, library: str, chosen: Sequence[str], *,
         tasks: bool = False, agreed: str | None = None) -> Change:  # fmt: skip
    """Show what taking items or elements of a library changes; with the digest of what was shown, take them.

    What the college wrote itself in other parts stays.  Raises `Invalid` (``frame.nothing_chosen``), `Stale`
    (``preview.changed``).
    """

    def body(driver: Driver) -> Change:
        at = desk(session, driver, origin, me, FRAME)
        found = frame_library.one(driver, library)
        parts = list(found.below(set(chosen)))
        if not parts:
            raise Invalid("frame.nothing_chosen", "choose items or elements of the library")
        codes = {part["code"] for part in parts}
        wanted = [task for task in found.body["tasks"] if task["point"] in codes] if tasks else []
        change = _compared(store.rows(driver, at.college.id), parts, whole=False)
        change = _with_tasks(at, change, wanted)
        told = {"library": library, "source": found.row.source, "library_digest": found.row.digest,
                "chosen": sorted(chosen)}  # fmt: skip
        _write(at, origin, change, "FrameTaken", told)
        return change

    return rehearsed(session, body, agreed)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What an uploaded file holds: its faults, and what it would change where there is no error among them."""

    faults: tuple[Fault, ...]
    change: Change | None = None
    counts: dict[str, int] | None = None


def check(session: AnySession, origin: Origin, me: SignedIn, name: str, data: bytes) -> Checked:
    """Check a file of ``kind: points`` as the command line does, and show what its frame would change."""
    _require(session, origin, me)
    faults, parts = _read(shown(name), data)
    if parts is None:
        return Checked(faults=faults)
    levels = [part["level"] for part in parts]
    counts = {f"{level}s": levels.count(level) for level in ("item", "element", "point")}
    return Checked(faults=faults, change=replace(session, origin, me, name, data), counts=counts)


def replace(session: AnySession, origin: Origin, me: SignedIn, name: str, data: bytes,
            agreed: str | None = None) -> Change:  # fmt: skip
    """Show what a file's frame in place of the college's changes; with the digest of what was shown, replace it.

    Parts that the file does not hold are dropped, not taken out: answers of the past name them.
    """
    _require(session, origin, me)
    faults, parts = _read(shown(name), data)
    if parts is None:
        raise Invalid("frame.file", f"{shown(name)} has {len(faults)} faults")

    def body(driver: Driver) -> Change:
        at = desk(session, driver, origin, me, FRAME)
        change = _compared(store.rows(driver, at.college.id), parts, whole=True)
        _write(at, origin, change, "FrameChanged", {"change": "replaced", "file": shown(name)})
        return change

    return rehearsed(session, body, agreed)


def _require(session: AnySession, origin: Origin, me: SignedIn) -> None:
    """Ask for the right before a file is read."""
    driver = reading(session)
    try:
        desk(session, driver, origin, me, FRAME)
    finally:
        session.rollback()


def _read(name: str, data: bytes) -> tuple[tuple[Fault, ...], list[Data] | None]:
    """Return a file's faults and the parts of its frame, None where there is no sound frame in it."""
    loaded = loader.read(data, name)
    if loaded.value is None:
        return loaded.faults, None
    if loaded.kind != "points":
        told = f"the file is of kind {loaded.kind}"
        return _fault(name, (1, 1), "frame.not_points", told, "give a file of kind points"), None
    parts = [plain_part(row) for item in loaded.value["items"] for row in frame_parts(item)]
    if not parts:
        place = loaded.marks.at(("items",))
        return _fault(name, place, "frame.empty", "the file holds no items", "write the frame under `items`"), None
    return loaded.faults, parts


def _fault(name: str, place: tuple[int, int], code: str, told: str, remedy: str) -> tuple[Fault, ...]:
    return (Fault(name, *place, code, told, remedy),)


def _compared(rows: Iterable[Row], wanted: Sequence[Data], *, whole: bool) -> Change:
    standing = {row.code: plain(row) for row in rows}
    codes = {part["code"] for part in wanted}
    return Change(
        new=tuple(part for part in wanted if part["code"] not in standing),
        changed=tuple((standing[p["code"]], p) for p in wanted if p["code"] in standing and standing[p["code"]] != p),
        dropped=tuple(p for code, p in standing.items() if whole and code not in codes and not p["dropped"]),
    )


def _with_tasks(at: Desk, change: Change, tasks: Sequence[Data]) -> Change:
    """Add the library's tasks that the college's plan does not hold yet; departments are those of the same name."""
    known = {plan: store.task_numbers(at.driver, at.college.id, plan) for plan in {t["plan"]["key"] for t in tasks}}
    units = {name: unit for unit in store.units(at.driver, at.college.id)
             for name in (unit.name_zh, *json.loads(unit.aliases))}  # fmt: skip
    new = []
    for task in tasks:
        if task["no"] not in known[task["plan"]["key"]]:
            found = [units[name] for name in task["departments"] if name in units]
            new.append(task | {"departments": [u.code for u in found], "owner": found[0].id if found else None})
    return Change(new=change.new, changed=change.changed, dropped=change.dropped, tasks=tuple(new))


def _write(at: Desk, origin: Origin, change: Change, kind: str, told: Data) -> None:
    """Write a change and tell it in the college's stream, with the frame's digest before and after."""
    if change.empty:
        return
    driver, college = at.driver, at.college
    stream = CollegeStream(driver, origin, college.id, college.key)
    rows = {row.code: row for row in store.rows(driver, college.id)}
    was = digest(rows.values())
    store.add(driver, college.id, change.new)
    written = [new | {"version": rows[new["code"]].version} for _, new in change.changed]
    written += [one | {"dropped": True, "version": rows[one["code"]].version} for one in change.dropped]
    if not store.change(driver, college.id, written):
        raise LostRace
    driver.insert_rows("plan_task", LOADED_TASKS, _task_rows(at, change.tasks))
    texts = {"before": canonical([old for old, _ in change.changed] + list(change.dropped)),
             "after": canonical([*change.new, *(new for _, new in change.changed)])}  # fmt: skip
    kept = {name: keep(driver, text) for name, text in texts.items()}
    stream.fact(kind, {**told, **change.counts, **kept, "was": was, "digest": digest(store.rows(driver, college.id))})
    stream.close()


def _task_rows(at: Desk, tasks: Sequence[Data]) -> list[tuple[Any, ...]]:
    numbers = at.driver.reserve("plan_task", len(tasks)) if tasks else ()
    return [
        (number, at.college.id, t["plan"]["key"], t["no"], t["title"]["zh"], t["title"]["en"],
         canonical(t["departments"]), t["owner"], t["point"], t["task_kind"], t["origin"], False, "planned", False,
         canonical({"plan": t["plan"]}), False, 1)
        for number, t in zip(numbers, tasks, strict=True)
    ]  # fmt: skip


def libraries(session: AnySession, origin: Origin, me: SignedIn) -> list[Library]:
    """Return the libraries that a frame can be taken from, to whoever may take one."""
    driver = reading(session)
    try:
        desk(session, driver, origin, me, FRAME)
        return frame_library.everything(driver)
    finally:
        session.rollback()
