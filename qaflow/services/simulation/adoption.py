"""Cycles whose period had begun before the demo's first day: adopted at the stage that the calendar suggests."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from functools import partial

from qaflow.engine import periods
from qaflow.engine.college import Track
from qaflow.engine.definition import Definition
from qaflow.errors import QaflowError, Refused
from qaflow.services.cycles import launching, rounds, scheduling
from qaflow.services.places import structure
from qaflow.services.places.structure import SubjectRow
from qaflow.store.db import Driver

from ..college import CollegeView
from ..work import AnySession, Origin, transact

BATCH = 200


def adopt(session: AnySession, origin: Origin, college: CollegeView, day: dt.date) -> int:
    """Adopt what runs already on a day, containing cycles first; returns how many cycles."""
    found: list[SubjectRow] = transact(session, lambda d: structure.subjects(d, college.id))
    wanted = [(one, track) for track in _parents_first(college) for one in found if one.layer == track.layer]
    running = [(one, track) for one, track in wanted if _begun(college, track, one, day)]
    for first in range(0, len(running), BATCH):
        part = running[first : first + BATCH]
        transact(session, partial(_batch, session, origin, college, part, day))
    return len(running)


def _parents_first(college: CollegeView) -> list[Track]:
    return sorted(college.config.tracks, key=lambda t: t.parent is not None)


def _begun(college: CollegeView, track: Track, one: SubjectRow, day: dt.date) -> bool:
    """Tell whether a subject's period of a track began before a day."""
    try:
        period = scheduling.period_of(college, track, None, day, one.anchor or one.starts, one.ends)
    except QaflowError:
        return False
    return one.responsible_id is not None and period.start < day


def _batch(session: AnySession, origin: Origin, college: CollegeView, rows: list[tuple[SubjectRow, Track]],
           day: dt.date, driver: Driver) -> None:  # fmt: skip
    for one, track in rows:
        period = scheduling.period_of(college, track, None, day, one.anchor or one.starts, one.ends)
        definition = launching.plan(session, driver, college, track, period).compiled.definition
        stage = stage_at(definition, period, day, college, bool(track.children))
        with suppress(Refused), driver.savepoint():
            rounds.start_on_demand(session, driver, origin, college, one.layer, one.code, track.key, day, stage)


def stage_at(definition: Definition, period: periods.Period, day: dt.date, college: CollegeView, contains: bool) -> str:
    """Return the first stage not yet due on a day; a cycle that contains others stands no later than ``implement``."""
    due = periods.stage_days(definition.stages, period, college.calendar)
    stage = next((key for key in definition.order if due.get(key, period.last) >= day), definition.order[-1])
    hinge = definition.covering("implement")
    if contains and hinge is not None and definition.order.index(stage) > definition.order.index(hinge.key):
        return hinge.key
    return stage
