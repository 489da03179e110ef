"""Operations: what the administrator sees of the running program, and what they may set going again.

Ticks, clock, leases and disk belong to the installation and name nobody; incidents, notices and sessions are shown of
the administrator's own college and of the installation as a whole, never of another college (engine rules, 5 and 8).
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from qaflow import __version__
from qaflow.config import mask
from qaflow.errors import Invalid, Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import IDLE, LONGEST, SignedIn
from qaflow.services.college import view
from qaflow.services.ports import Ports
from qaflow.services.sweeping import tick
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import channels, installation
from qaflow.store import operations as rows
from qaflow.store.db import Driver, instant, reading, utc
from qaflow.store.db import settings as database_settings
from qaflow.store.operations import Incident, Notice, Run

from . import health

PAGE = 50
MOST = 200
GAPS = 20
LATE = 3  # so many intervals between two ticks are a gap
DIGITS = 19  # more than a number in the database has
FILES = 20_000  # so many files of evidence are looked at
STATES = {"open": ["open", "retry"], "solved": ["solved"]}
OUTBOX = ("waiting", "failed", "sent", "dropped")
DURABLE = {"journal_mode": ("wal",), "synchronous": (2, 3), "fsync": ("on",), "synchronous_commit": ("on",),
           "full_page_writes": ("on",)}  # fmt: skip
LARGEST = 2**62  # above the number of any row


class Told(NamedTuple):
    """An incident with what it is about."""

    row: Incident
    subject: str | None
    cycle: int | None

    @property
    def retried(self) -> bool:
        """Tell whether a sweep tries this kind again."""
        return self.row.kind.startswith("tick.") and not self.solved

    @property
    def solved(self) -> bool:
        """Tell whether its cause is gone."""
        return self.row.state == "solved"


class Gap(NamedTuple):
    """A time in which no sweep began although some were wanted."""

    since: str
    until: str
    missed: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All that the page of operations shows."""

    last: Run | None
    expected: datetime | None
    late: bool
    runs: list[Run]
    gaps: list[Gap]
    incidents: list[Told]
    outbox: dict[str, int]
    oldest: str | None
    broken: int  # channels
    leases: list[rows.Lease]
    machine: datetime
    database_clock: str
    now: datetime
    sandbox: bool
    paused: str | None
    database: dict[str, Any]
    settings: list[tuple[str, Any, bool | None]]
    disk_free: int
    evidence: tuple[int, int, bool]
    years: list[tuple[int, bool]]
    sessions: int
    versions: dict[str, str]
    mail: str
    interval: int


def overview(session: AnySession, ports: Ports, origin: Origin, me: SignedIn) -> Overview:
    """Return the state of the program; the administrator's right."""
    driver = _open(session, origin, me)
    try:
        held = database_settings(session)
        return _overview(driver, ports, origin, me, held)
    finally:
        session.rollback()


def _overview(d: Driver, ports: Ports, origin: Origin, me: SignedIn, held: dict[str, Any]) -> Overview:
    found, machine = installation.row(d), ports.clock.now()
    interval = timedelta(seconds=ports.settings.tick_seconds)
    runs = rows.runs(d, LARGEST, PAGE)
    last = runs[0] if runs else None
    expected = instant(last.started_at) + interval if last else None
    counts, oldest = rows.outbox(d, me.college)
    return Overview(
        last=last, expected=expected, late=expected is not None and machine > expected + LATE * interval,
        runs=runs[:5], gaps=gaps(rows.starts(d), interval), incidents=_told(d, me, STATES["open"]),
        outbox={state: counts.get(state, 0) for state in OUTBOX}, oldest=oldest,
        broken=sum(one.tries > 0 for one in channels.everyone(d, me.college or 0)), leases=rows.leases(d),
        machine=machine, database_clock=rows.clock(d), now=origin.now, sandbox=bool(found and found.sandbox),
        paused=found.paused_reason if found else None, database=_database(d, ports, found),
        settings=[(name, value, _durable(name, value)) for name, value in held.items()],
        disk_free=health.disk_free(ports.settings.home), evidence=_folder(ports.settings.home / "evidence"),
        years=[one for one in rows.years(d, me.college) if one[0] >= origin.now.year - 1],
        sessions=len(_sessions(d, me, machine)),
        versions={"qaflow": __version__, "Python": platform.python_version()}, mail=mask(ports.settings.mail_url),
        interval=ports.settings.tick_seconds,
    )  # fmt: skip


def runs(session: AnySession, origin: Origin, me: SignedIn, before: int) -> list[Run]:
    """Return a page of sweeps, the newest first."""
    driver = _open(session, origin, me)
    try:
        return rows.runs(driver, before or LARGEST, PAGE)
    finally:
        session.rollback()


def incidents(session: AnySession, origin: Origin, me: SignedIn, state: str) -> list[Told]:
    """Return the incidents that are open or solved."""
    driver = _open(session, origin, me)
    try:
        return _told(driver, me, STATES[state])
    finally:
        session.rollback()


def notices(session: AnySession, origin: Origin, me: SignedIn, state: str) -> list[Notice]:
    """Return the college's notices in a state."""
    driver = _open(session, origin, me)
    try:
        return rows.notices(driver, me.college, state, MOST)
    finally:
        session.rollback()


def signed_in(session: AnySession, ports: Ports, origin: Origin, me: SignedIn) -> list[tuple[str, str, str, str]]:
    """Return who of the college is signed in now."""
    driver = _open(session, origin, me)
    try:
        return _sessions(driver, me, ports.clock.now())
    finally:
        session.rollback()


def retry(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, number: int) -> Told:
    """Try one incident again now and return it as it stands then; another college's is not there."""
    one = _incident(session, origin, me, number)
    if one.solved:
        return one
    if not one.retried:
        raise Invalid("incident.manual", f"incident {number} ({one.row.kind}) is not cleared by a sweep")
    transact(session, lambda d: rows.try_now(d, one.row, utc(origin.now)))
    tick.run(session, ports, door=origin.door, again=True)
    return _incident(session, origin, me, number)


def send_again(session: AnySession, ports: Ports, origin: Origin, me: SignedIn) -> int:
    """Let the college's notices that failed wait again, and send them; returns how many were taken up."""
    _open(session, origin, me)
    session.rollback()
    count = transact(session, lambda d: rows.revive(d, me.college, utc(origin.now)))
    if count:
        tick.run(session, ports, door=origin.door, again=True)
    return count


def confirm(session: AnySession, ports: Ports, origin: Origin, me: SignedIn) -> tick.Report:
    """Let automatic steps go on after a leap of the clock, and sweep."""
    _open(session, origin, me)
    session.rollback()
    return tick.run(session, ports, door=origin.door, confirm=True)


def gaps(starts: list[str], interval: timedelta) -> list[Gap]:
    """Return the times in which at least two sweeps in a row were missed, the newest first."""
    found = []
    for before, after in pairwise(starts):
        length = instant(after) - instant(before)
        if length > LATE * interval:
            found.append(Gap(before, after, max(int(length / interval) - 1, 1)))
    return found[::-1][:GAPS]


def _open(session: AnySession, origin: Origin, me: SignedIn) -> Driver:
    """Begin to read as somebody who runs this program."""
    driver = reading(session)
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} belongs to no college")
    day = view(session, driver, me.college).calendar.local_day(origin.now).isoformat()
    policy.require_role(driver, me.college, me.person, "operations", day)
    return driver


def _incident(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Told:
    driver = _open(session, origin, me)
    try:
        row = rows.incident(driver, me.college, number)
        told = _about(driver, me, row) if row else None
        if told is None:
            raise Missing("incident.not_found", f"no incident {number}")
        return told
    finally:
        session.rollback()


def _told(d: Driver, me: SignedIn, states: list[str]) -> list[Told]:
    found = (_about(d, me, row) for row in rows.incidents(d, me.college, states, MOST))
    return [one for one in found if one is not None]


def _about(d: Driver, me: SignedIn, row: Incident) -> Told | None:
    """Say what an incident is about; None where that is another college's."""
    if row.kind == "tick.mail" and rows.college_of_message(d, row.ref) != me.college:
        return None
    kind, _, text = row.ref.partition(":")
    found = rows.object_of(d, kind, int(text)) if text.isdecimal() and len(text) < DIGITS else None
    if found is not None and found[0] != me.college:
        return None
    return Told(row, found[1] if found else None, int(text) if found and kind == "cycle" else None)


def _sessions(d: Driver, me: SignedIn, machine: datetime) -> list[tuple[str, str, str, str]]:
    return rows.sessions(d, me.college, utc(machine - IDLE), utc(machine - LONGEST), MOST)


def _database(d: Driver, ports: Ports, found: installation.Row | None) -> dict[str, Any]:
    file = ports.settings.sqlite_file
    wal = file.with_name(file.name + "-wal") if file else None
    return {"kind": d.dialect, "size": rows.size(d), "schema": found.schema if found else "",
            "entries": rows.entries(d), "wal": wal.stat().st_size if wal and wal.exists() else None}  # fmt: skip


def _durable(name: str, value: Any) -> bool | None:
    """Tell whether a setting keeps what was acknowledged over a power cut; None where it has no part in that."""
    return value in DURABLE[name] if name in DURABLE else None


def _folder(folder: Path) -> tuple[int, int, bool]:
    """Return files, bytes, and whether there are more than were looked at."""
    files = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            files, size = files + 1, size + (Path(place) / name).stat().st_size
            if files >= FILES:
                return files, size, True
    return files, size, False
