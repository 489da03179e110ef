"""The bench's world: one college of code, whose cycles are started as every other's are."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from qaflow.engine.college import College, Layer, Period, Role, Track
from qaflow.engine.definition import Deadline, Definition, Field, Label, Level, Signers, Stage, canonical, to_plain
from qaflow.services.cycles import rounds
from qaflow.services.running import installation
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import rounds as schedule
from qaflow.store.bench import world as bench_world
from qaflow.store.db import Driver, checkpoint, set_synchronous, utc

UTC8 = dt.timezone(dt.timedelta(hours=8))
BEGINS = dt.datetime(2025, 9, 1, tzinfo=UTC8)  # first instant of the period
ACTS = dt.datetime(2025, 9, 15, 10, tzinfo=UTC8)  # when people act
SWEEPS = dt.datetime(2025, 9, 16, 8, tzinfo=UTC8)  # when the first measured tick comes, the others a minute apart each
MINUTE = dt.timedelta(minutes=1)
LAYER = "course"
UNITS = 20
PEOPLE = 1000  # who answer for subjects; each unit has one approver and one supervisor beside them
FIRST_PERSON = 100
HEAD_OF_OFFICE = 99
PORTION = 1000
YEARS = range(2024, 2031)


@dataclass(frozen=True, kw_only=True)
class World:
    """What of the world is measured: how many subjects, on how many tracks, and in how many runs."""

    subjects: int
    tracks: int = 1
    runs: int = 0
    portion: int = PORTION  # how many cycles a run advances, and how many it escalates

    @property
    def step(self) -> int:
        """How far the cycles of one portion lie apart."""
        return max(self.subjects // self.portion, 1)


def approver(unit: int) -> int:
    """Return who approves in a unit."""
    return 10 + unit


def supervisor(unit: int) -> int:
    """Return who supervises in a unit."""
    return 40 + unit


def label(text: str) -> Label:
    """Return a name that is the same in both languages."""
    return Label(zh=text, en=text)


def spiral() -> Definition:
    """Return the definition: plain gates, one approver a stage, a ladder of two levels."""
    decide = Signers(role="section_head")
    report = (Field(key="report", label=label("report")),)
    stages = tuple(
        Stage(
            key=key,
            name=label(key),
            form=report,
            decide=decide,
            deadline=Deadline(share=share),
            auto_advance=key == "goal",
        )
        for key, share in (("goal", 0.3), ("standard", 0.5), ("implement", 0.8), ("improve", 1.0))
    )
    ladder = (Level(after=1, to="supervisor"), Level(after=3, to="quality_office"))
    return Definition(key="bench.course", version=1, name=label("bench"), layer=LAYER, stages=stages, ladder=ladder)


def house(tracks: int) -> College:
    """Return the college's file."""
    titles = (("teacher", "responsible", "section_head"), ("section_head", "approver", "dean"),
              ("dean", "supervisor", "quality_office"), ("quality_office", "quality_office", None))  # fmt: skip
    roles = tuple(Role(key=key, is_=kind, name=label(key), above=above) for key, kind, above in titles)
    runs = tuple(
        Track(
            key=f"t{n}", layer=LAYER, name=label(f"t{n}"), definition="bench.course", monitoring="monthly",
            period=Period(length="P1Y", anchor="09-01"),
        )
        for n in range(tracks)
    )  # fmt: skip
    layers = (Layer(key=LAYER, name=label(LAYER)),)
    return College(key="bench", name=label("bench"), roles=roles, layers=layers, tracks=runs)


def build(session: AnySession, world: World) -> None:
    """Fill an empty database with the college, its people, subjects and schedule; nothing is started yet."""
    set_synchronous(session, "OFF")
    origin = Origin(now=BEGINS, recorded=BEGINS, door="bench")
    installation.create(session, origin, sandbox=True)
    transact(session, lambda d: _college(d, world.tracks))
    transact(session, lambda d: _people(d))
    for first in range(1, world.subjects + 1, 20 * PORTION):
        rest = range(first, min(first + 20 * PORTION, world.subjects + 1))
        transact(session, lambda d, r=rest: _subjects(d, r, world.tracks))  # type: ignore[misc]
    settle(session)


def settle(session: AnySession) -> None:
    """Make the settings durable again and the log empty."""
    checkpoint(session)
    set_synchronous(session, "FULL")


def _college(driver: Driver, tracks: int) -> None:
    at, form = utc(BEGINS), spiral()
    bench_world.college(driver, {"key": "bench", "zone": "Asia/Shanghai", "body": canonical(to_plain(house(tracks))),
                                 "until": None, "at": at})  # fmt: skip
    bench_world.definition(driver, {"key": form.key, "hash": form.hash, "layer": form.layer,
                                    "stages": json.dumps(form.order), "body": form.canonical, "at": at})  # fmt: skip
    bench_world.years(driver, YEARS, at)
    bench_world.units(driver, UNITS)


def _people(driver: Driver) -> None:
    units = range(1, UNITS + 1)
    teachers = range(FIRST_PERSON, FIRST_PERSON + PEOPLE)
    posts: list[tuple[int, str, str, str, int | None]] = []
    posts += [(approver(u), "section_head", "approver", "unit", u) for u in units]
    posts += [(supervisor(u), "dean", "supervisor", "unit", u) for u in units]
    posts.append((HEAD_OF_OFFICE, "quality_office", "quality_office", "college", None))
    posts += [(p, "teacher", "responsible", "unit", p % UNITS + 1) for p in teachers]
    bench_world.persons(driver, [p[0] for p in posts], utc(BEGINS))
    bench_world.grants(driver, posts)


def _subjects(driver: Driver, numbers: range, tracks: int) -> None:
    rows = [(n, n % UNITS + 1, FIRST_PERSON + n % PEOPLE) for n in numbers]
    bench_world.subjects(driver, LAYER, rows)
    day = BEGINS.date().isoformat()
    schedule.schedule(driver, [(1, n, f"t{t}", day, utc(BEGINS + t * MINUTE)) for t in range(tracks) for n in numbers])


def launch(session: AnySession, now: dt.datetime) -> int:
    """Start every cycle that is due at an instant, as the tick does; returns how many."""
    origin, started = Origin(now=now, recorded=now, door="bench"), 0
    while True:
        count, seen = transact(session, lambda d: rounds.start_due(session, d, origin, 1))
        started += count
        if not seen:
            return started


def fill(session: AnySession, world: World) -> None:
    """Start all cycles, and make a portion of advances and one of levels due at the instant of each run."""
    set_synchronous(session, "OFF")
    launch(session, BEGINS)
    transact(session, lambda d: _stagger(d, world))
    settle(session)


def _stagger(driver: Driver, world: World) -> None:
    """Scatter what is due in a run over all cycles, as deadlines are."""
    for run in range(world.runs):
        at = SWEEPS + run * MINUTE
        bench_world.advance_at(driver, world.step, 2 * run, utc(at))
        bench_world.late_at(driver, world.step, 2 * run + 1, utc(at), (at.date() - dt.timedelta(days=1)).isoformat())
