"""Annex 3 of document 003, the table of self-diagnosis (自我诊断要素一览表), as data for the page and the workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from qaflow.engine.control import Limits
from qaflow.engine.diagnosis import FRAMED
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView
from qaflow.services.points.limits import LimitBook
from qaflow.services.work import AnySession, Origin
from qaflow.store import frame_points, people, readings
from qaflow.store.db import Driver, reading
from qaflow.store.frame import Row, Task
from qaflow.store.frame_points import Control, Newest, Subject

from . import tree as frames
from .tree import Frame, own

FEW = 5
"""A mean over fewer teachers or students is not shown: it would tell of single persons."""
PERSONAL = ("teacher", "student")


class Measured(NamedTuple):
    """A control point with its limits and a subject's newest reading, or the mean of `many`; None where none is."""

    control: Control
    limits: Limits  # in force today
    value: float | None
    at: str | None
    many: int
    hidden: bool = False


class Line(NamedTuple):
    """A row of annex 3; `item` and `element` are None where the row above has the same."""

    item: Row | None
    element: Row | None
    point: Row
    asked: bool
    tasks: list[Task]
    measured: list[Measured]
    spans: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Annex:
    """The table for one subject: the school or one of its units."""

    college: CollegeView
    frame: Frame
    subjects: tuple[Subject, ...]
    subject: Subject | None
    lines: tuple[Line, ...]


def look(session: AnySession, origin: Origin, me: SignedIn, subject: int = 0) -> Annex:
    """Return the table, its readings those that this person may see; `Missing` for another's subject."""
    driver = reading(session)
    try:
        college = own(session, driver, me)
        day = college.calendar.local_day(origin.now).isoformat()
        reach = policy.reach(driver, college.id, [x.key for x in college.config.layers], me.person, day)
        framed = [layer.key for layer in college.config.layers if layer.key in FRAMED]
        subjects = frame_points.subjects(driver, college.id, framed, reach.params)
        chosen = next((one for one in subjects if one.id == subject), None)
        if chosen is None and subject:
            raise Missing("subject.not_found", f"no subject {subject}")
        frame = frames.of(driver, college.id)
        chosen = chosen or next(iter(subjects), None)
        controls = [one.id for found in frame.controls.values() for one in found]
        newest = frame_points.newest(driver, college.id, controls, reach.params)
        book = LimitBook(driver, college.id, readings.points(driver, college.id), college.calendar)
        found = _Readings(newest, chosen, _units(driver, college.id, chosen), lambda p, s: book.on(p, s, day).limits)
        return Annex(college=college, frame=frame, subjects=tuple(subjects), subject=chosen,
                     lines=tuple(_lines(frame, chosen, found)))  # fmt: skip
    finally:
        session.rollback()


def _units(driver: Driver, college: int, subject: Subject | None) -> set[int] | None:
    """Return the units whose readings count; None are all, for the school."""
    if subject is None or subject.unit_kind == "college":
        return None
    return set(people.units_below(driver, college, [subject.unit_id]))


class _Readings:
    """The newest readings, by control point."""

    def __init__(self, newest: Iterable[Newest], subject: Subject | None, units: set[int] | None,
                 limits: Callable[[int, int | None], Limits]) -> None:  # fmt: skip
        self.subject, self.limits = subject, limits
        self.by_point: dict[int, list[Newest]] = {}
        for one in newest:
            if units is None or one.unit in units:
                self.by_point.setdefault(one.point, []).append(one)

    def of(self, control: Control) -> Measured:
        """Return what a control point shows: the subject's own reading on its layer, else the mean of those below."""
        found = self.by_point.get(control.id, [])
        if self.subject is not None and control.layer == self.subject.layer:
            limits = self.limits(control.id, self.subject.id)
            own = next((one for one in found if one.subject == self.subject.id), None)
            if own is not None:
                return Measured(control, limits, own.value, own.at, 1)
        else:
            limits = self.limits(control.id, None)
        if not found:
            return Measured(control, limits, None, None, 0)
        if control.layer in PERSONAL and len(found) < FEW:
            return Measured(control, limits, None, None, len(found), hidden=True)
        mean, last = fmean(one.value for one in found), max(one.at for one in found)
        return Measured(control, limits, mean, last, len(found))


def _lines(frame: Frame, subject: Subject | None, newest: _Readings) -> Iterable[Line]:
    asked = set(frame.asked)
    if subject is None or subject.unit_kind == "college":
        shown = {row.code for row in frame.rows if not frame.dropped(row.code)}
    else:
        shown = set(frame.concerning(subject.unit_id))
    for item in frame.below(None):
        elements = [(e, [p for p in frame.below(e.code) if p.code in shown]) for e in frame.below(item.code)]
        many = sum(len(points) for _, points in elements)
        first = True
        for element, points in elements:
            for n, point in enumerate(points):
                measured = [newest.of(control) for control in frame.controls.get(point.code, ())]
                yield Line(item if first else None, None if n else element, point, point.code in asked,
                           frame.tasks.get(point.code, []), measured, (many, len(points)))  # fmt: skip
                first = False


def counts(lines: Sequence[Line]) -> tuple[int, int, int, int]:
    """Return how many items, elements, points and tasks the table holds."""
    return (sum(one.item is not None for one in lines), sum(one.element is not None for one in lines), len(lines),
            sum(len(one.tasks) for one in lines))  # fmt: skip
