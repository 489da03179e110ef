"""A college's frame of diagnosis points as its pages read it: the tree, what is asked, tasks and control points."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qaflow.engine import diagnosis
from qaflow.engine.diagnosis import ELEMENT, ITEM, POINT, Part, Whose
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.rehearsing import digest_of
from qaflow.services.work import AnySession, Origin
from qaflow.store import frame as store
from qaflow.store import frame_points
from qaflow.store.db import Driver, reading
from qaflow.store.frame import Row, Task, Unit
from qaflow.store.frame_points import Control

Data = dict[str, Any]
FRAME = "frame"
"""The right to take, change and replace a college's frame."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A college's frame; dropped parts stand in it and are not asked."""

    kind: str
    rows: tuple[Row, ...]
    tasks: dict[str, list[Task]]
    units: dict[str, Unit]
    controls: dict[str, list[Control]]

    @cached_property
    def by_code(self) -> dict[str, Row]:
        """Its rows by code."""
        return {row.code: row for row in self.rows}

    @cached_property
    def bodies(self) -> dict[str, Data]:
        """What else the rows say: requirement, indicators, numbers of the data platform."""
        return {row.code: json.loads(row.body) for row in self.rows}

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Its rows as the rules read them."""
        return tuple(
            Part(row.code, row.level, row.parent, row.star, row.dropped,
                 self.bodies[row.code].get("teaching_units", True), tuple(self.bodies[row.code].get("departments", ())))
            for row in self.rows
        )  # fmt: skip

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The codes of the points that this college is asked."""
        return diagnosis.asked(self.parts, self.kind)

    @cached_property
    def named(self) -> dict[str, set[str]]:
        """The departments that tasks name, by point."""
        return {code: {d for task in tasks for d in json.loads(task.departments)} for code, tasks in self.tasks.items()}

    def concerning(self, unit: int) -> tuple[str, ...]:
        """Return which points asked concern a subject that lies in a unit; the school's lies in the root unit."""
        found = next((one for one in self.units.values() if one.id == unit), None)
        whose = Whose(found.kind, found.code) if found else Whose("", "")
        return diagnosis.concerning(self.parts, self.asked, whose, self.named)

    def below(self, code: str | None) -> list[Row]:
        """Return what lies directly below a part (None: the items), in the order of the codes."""
        return self._below.get(code or "", [])

    @cached_property
    def _below(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.parent or "", []).append(row)
        return found

    @property
    def counts(self) -> dict[str, int]:
        """How many items, elements, points and tasks stand in it, dropped ones left out, and how many are asked."""
        standing = [row.code for row in self.rows if not self.dropped(row.code)]
        levels = [self.by_code[code].level for code in standing]
        tasks = sum(len(self.tasks.get(code, ())) for code in standing)
        return {"items": levels.count(ITEM), "elements": levels.count(ELEMENT), "points": levels.count(POINT),
                "tasks": tasks, "asked": len(self.asked)}  # fmt: skip

    def dropped(self, code: str) -> bool:
        """Tell whether a part, or one above it, was dropped."""
        return any(part.dropped for part in diagnosis.line(self._parts, code))

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return {part.code: part for part in self.parts}

    def departments(self, code: str) -> list[Unit]:
        """Return the units that the tasks of a point name."""
        return [self.units[d] for d in sorted(self.named.get(code, ())) if d in self.units]


def plain(row: Row) -> Data:
    """Return a row as facts and digests hold it."""
    return {"code": row.code, "level": row.level, "parent": row.parent, "name_zh": row.name_zh, "name_en": row.name_en,
            "star": row.star, "body": row.body, "dropped": row.dropped}  # fmt: skip


def digest(rows: Iterable[Row]) -> str:
    """Return the hash over a frame: the same words give the same, however they came."""
    return digest_of(sorted((plain(row) for row in rows), key=lambda one: str(one["code"])))


def natural(code: str) -> tuple[Any, ...]:
    """Return the key that orders codes as people count: 1.10 after 1.9."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in code.split("."))


def of(driver: Driver, college: int) -> Frame:
    """Return a college's frame."""
    tasks: dict[str, list[Task]] = {}
    for task in store.tasks(driver, college):
        tasks.setdefault(task.point, []).append(task)
    controls: dict[str, list[Control]] = {}
    rows = tuple(sorted(store.rows(driver, college), key=lambda row: natural(row.code)))
    for control in frame_points.controls(driver, college):
        if control.diagnosis_point:
            controls.setdefault(control.diagnosis_point, []).append(control)
    return Frame(kind=store.kind(driver, college), rows=rows, tasks=tasks, controls=controls,
                 units={unit.code: unit for unit in store.units(driver, college)})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Look:
    """The frame as one person looks at it: `edits` tells whether they may change it."""

    college: CollegeView
    day: str
    frame: Frame
    edits: bool


def look(session: AnySession, origin: Origin, me: SignedIn) -> Look:
    """Return the frame of one's own college: everybody in it may read what they are diagnosed by."""
    driver = reading(session)
    try:
        college = own(session, driver, me)
        day = college.calendar.local_day(origin.now).isoformat()
        edits = bool(policy.allowed(driver, college.id, me.person, (FRAME,), day))
        return Look(college=college, day=day, frame=of(driver, college.id), edits=edits)
    finally:
        session.rollback()


def part(session: AnySession, origin: Origin, me: SignedIn, number: int) -> tuple[Look, Row]:
    """Return a part of the frame of one's own college, and the frame that it stands in."""
    found = look(session, origin, me)
    row = next((one for one in found.frame.rows if one.id == number), None)
    if row is None:
        raise Missing("frame.not_found", f"no part {number} of the frame")
    return found, row


def own(session: AnySession, driver: Driver, me: SignedIn) -> CollegeView:
    """Return one's own college."""
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} is of no college")
    return view(session, driver, me.college)
