"""Making a demo: colleges loaded, people cast, cycles adopted, the year lived through, all of it counted and proved."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import resource
import secrets
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from qaflow import __version__
from qaflow.engine.loader import Folder
from qaflow.errors import Refused
from qaflow.services.accounts import passwords
from qaflow.services.auditing import audit
from qaflow.services.definitions import loading
from qaflow.services.frame import library as frame_library
from qaflow.services.places import structure
from qaflow.services.running import doctor, installation
from qaflow.services.sweeping import handing_over
from qaflow.store import db, figures
from qaflow.store import installation as rows
from qaflow.store.db import Driver, driver, utc

from ..college import CollegeView, view
from ..ports import Notice, Ports
from ..work import AnySession, Origin, transact
from . import adoption, year
from .cast import Cast, Casting
from .college_year import CollegeYear
from .values import Origins, Plan, sizes_of

FIRST_LIGHT = dt.timedelta(minutes=5)
SYNCS = 25
PASSWORD_BYTES = 9
Progress = Callable[[dt.date], None]
Data = dict[str, Any]


def produce(session: AnySession, ports: Ports, plan: Plan, folders: Sequence[Folder], progress: Progress) -> Data:
    """Fill an empty sandbox and return its figures, which are also kept in it."""
    begun = ports.clock.now()
    origins = Origins(begun, ports.decide)
    db.set_synchronous(session, "OFF")
    try:
        with _rare_collection():
            end = fill(session, plan, folders, origins, progress)
            visited = _admit(session, origins.at(end))
    finally:
        db.set_synchronous(session, "FULL")
    db.checkpoint(session)
    transact(session, lambda d: rows.set_clock(d, utc(end), utc(ports.clock.now()), None))
    document = report(session, ports, plan, begun) | visited
    kept = json.dumps(document, ensure_ascii=False)
    transact(session, lambda d: rows.set_clock(d, utc(end), utc(ports.clock.now()), kept))
    db.checkpoint(session)
    return document


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Let the collector of circles run rarely: a year makes millions of short-lived objects and hardly a circle."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def fill(
    session: AnySession, plan: Plan, folders: Sequence[Folder], origins: Origins, progress: Progress
) -> dt.datetime:
    """Load the colleges and live through the year; returns the simulated end."""
    assert folders[0].college is not None
    session.rollback()
    first = origins.at(dt.datetime.combine(plan.start, dt.time(), dt.UTC) - dt.timedelta(days=1))
    installation.create(session, first, sandbox=True)
    frame_library.settle(session, first)
    colleges = [_college(session, plan, folder, origins) for folder in folders]
    end = year.run(session, plan, colleges, origins, progress)
    handing_over.deliver(session, origins.at(end, account="system"), Unread())
    return end


def _admit(session: AnySession, origin: Origin) -> Data:
    """Let visitors in: one holder of each role of each college, under one password made by chance."""
    password, holders = secrets.token_urlsafe(PASSWORD_BYTES), transact(session, figures.holders)
    passwords.share(session, origin, {one.person for one in holders}, password)
    told = [{"college": one.college, "role": one.role, "login": one.login, "name": one.name} for one in holders]
    return {"password": password, "accounts": told}


class Unread:
    """The mailbox of invented people: what was told in the simulated year is never sent to anybody."""

    def send(self, notice: Notice) -> None:
        """Take the notice."""


def _college(session: AnySession, plan: Plan, folder: Folder, origins: Origins) -> CollegeYear:
    assert folder.college is not None
    key, zone = folder.college.key, dt.datetime.combine(plan.start, dt.time(), ZoneInfo(folder.college.timezone))
    origin = origins.at((zone + FIRST_LIGHT).astimezone(dt.UTC))
    loading.load_college(session, origin, folder)
    college, cast = transact(session, lambda d: _cast(session, d, plan, folder, key, origin))
    adoption.adopt(session, origin, college, plan.start)
    return CollegeYear(session, college, cast, plan, origins)


def _cast(
    session: AnySession, d: Driver, plan: Plan, folder: Folder, key: str, origin: Origin
) -> tuple[CollegeView, Cast]:
    number = structure.college_id(d, key)
    assert number is not None
    sizes = sizes_of(folder.organisation, plan.scale)
    cast = Casting(session, d, origin, view(session, d, number), sizes, plan.seed, plan.start).make()
    return view(session, d, number), cast


def report(session: AnySession, ports: Ports, plan: Plan, begun: dt.datetime) -> Data:
    """Count, verify and examine what was made."""
    counted = transact(session, figures.colleges)
    verified = audit.verify(session)
    examined = doctor.check(session, verified=verified)
    settings = db.settings(session)
    session.rollback()
    home = ports.settings.sqlite_file.parent if ports.settings.sqlite_file else ports.settings.home
    return {
        "seed": plan.seed, "scale": plan.scale, "start": plan.start.isoformat(), "end": plan.end.isoformat(),
        "seconds": round((ports.clock.now() - begun).total_seconds(), 2), "peak_rss_mb": _peak(),
        "fsync_ms": _sync(home, ports),
        "settings": settings, "colleges": counted,
        "audit": {"verified": verified["verified"], "entries": verified["entries"]},
        "doctor": {"ok": examined["ok"], "findings": examined["findings"]},
        "plan": plan.plain() | {"version": __version__}, "reused": False,
    }  # fmt: skip


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _sync(folder: Path, ports: Ports) -> float:
    """Return the median time of writing a page durably beside the database, in milliseconds."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            file.write(b"\0" * 4096)
            file.flush()
            before = ports.clock.now()
            os.fsync(file.fileno())
            taken.append((ports.clock.now() - before).total_seconds() * 1000)
    return round(statistics.median(taken), 3)


def standing(session: AnySession, plan: Plan) -> Data | None:
    """Return the figures of a sandbox made by this plan and version, None where another sandbox stands.

    Raises `Refused` where the database is no sandbox: a demo never touches an installation.
    """
    try:
        found = rows.row(driver(session))
    finally:
        session.rollback()
    if found is None or not found.sandbox:
        raise Refused(
            "demo.not_sandbox", "this home holds an installation that is no sandbox; set QAFLOW_HOME to another folder"
        )
    if found.figures is None:
        return None
    kept: Data = json.loads(found.figures)
    return kept | {"reused": True} if kept.get("plan") == plan.plain() | {"version": __version__} else None


def alive(document: Data) -> bool:
    """Tell whether the demo lived: cycles ran in every college, the audit and the doctor found nothing."""
    started = all(figures["cycles_started"] for figures in document["colleges"].values())
    return bool(document["colleges"]) and started and document["audit"]["verified"] and document["doctor"]["ok"]
