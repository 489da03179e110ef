"""Warnings of readings (engine rules, 4): one open for point and subject, later breaches join, and how it is back.

A breach opens or joins whatever its time.  Only readings that are not older than the newest one known count towards
"back within limits": as many in a row as the definition's damping says, so that a value that wavers about a limit
keeps its one warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from qaflow.engine.control import MAJOR, breach
from qaflow.engine.definition import QuickLoop
from qaflow.engine.snapshot import Data, WarningLife
from qaflow.services.college import CollegeView
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles.acting import Acting, hold, require_open
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, Origin, Writer
from qaflow.store import cycles as rows
from qaflow.store import readings
from qaflow.store.db import Driver
from qaflow.store.readings import New, OpenWarning, Point

from .limits import Judge, LimitBook

AT_ONCE = 200  # cycles read together
LOOKED_BACK = 1000  # readings that a correction looks through
FOREVER = "9999"  # behind every instant


class Breaches:
    """The warnings of one transaction: what stands open, the cycles held, and what was done."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, college: CollegeView,
                 writer: Writer | None = None) -> None:  # fmt: skip
        """Begin with nothing held."""
        self.session, self.driver, self.origin, self.college = session, driver, origin, college
        self.writer = writer or Writer(driver, origin)
        self.held: dict[int, Acting] = {}
        self.open: dict[tuple[int, int], OpenWarning] = {}
        self.newest: dict[tuple[int, int], str] = {}
        self.cycles: dict[int, list[tuple[int, str, int]]] = {}
        self.done = {"opened": 0, "joined": 0, "returned": 0}

    def look(self, points: Sequence[int], subjects: Sequence[int]) -> None:
        """Read what stands open for points and subjects, before their new readings are stored."""
        self.open = readings.open_warnings(self.driver, self.college.id, points, subjects)
        self.newest = readings.newest(self.driver, self.college.id, self.open)

    def expect(self, subjects: Iterable[int]) -> None:
        """Read the running cycles of subjects, in which warnings will be opened."""
        self.cycles = readings.running_cycles(self.driver, self.college.id, sorted(set(subjects)))

    def judge(self, fresh: Sequence[New], ids: Sequence[int], points: dict[int, Point], book: LimitBook) -> None:
        """Hold readings, in the order of their time, against their limits; touch a cycle only where one moves."""
        judged = [book.at(new.point, new.subject, new.at) for new in fresh]
        grades = [breach(judge.limits, new.value) for judge, new in zip(judged, fresh, strict=True)]
        self._foresee(fresh, grades, points)
        for new, reading, judge, severity in zip(fresh, ids, judged, grades, strict=True):
            standing = self.open.get((new.point, new.subject))
            if severity is not None:
                self._breached(points[new.point], new, reading, severity, judge, standing)
            elif standing is not None and new.replaces is not None:
                self._corrected(new, reading, judge, standing, book)
            elif standing is not None and new.at >= self.newest.get((new.point, new.subject), ""):
                self._inside(new, reading, judge, standing)

    def _foresee(self, fresh: Sequence[New], grades: Sequence[str | None], points: dict[int, Point]) -> None:
        """Read the cycles that may move together, a few hundred at once."""
        breached = {(n.point, n.subject) for n, grade in zip(fresh, grades, strict=True) if grade is not None}
        opening = breached - self.open.keys()
        self.expect(subject for _, subject in opening)
        touched = self.open.keys() & {(n.point, n.subject) for n in fresh}
        wanted = {self.open[pair].cycle for pair in touched if pair in breached or self.open[pair].breached}
        wanted |= {self._cycle_of(subject, points[point]) for point, subject in opening}
        ids = sorted(cycle for cycle in wanted if cycle is not None and cycle not in self.held)
        for first in range(0, len(ids), AT_ONCE):
            for cycle, (snap, row) in rows.load_many(self.driver, ids[first : first + AT_ONCE]).items():
                require_open(row, cycle)
                self.held[cycle] = Acting(self.session, self.driver, self.origin, snap, row, self.writer)

    def _breached(self, point: Point, new: New, reading: int, severity: str, judge: Judge,
                  standing: OpenWarning | None) -> None:  # fmt: skip
        pair = (new.point, new.subject)
        args: Data = {"reading": reading, "value": new.value, "severity": severity, "limit": judge.limits.text,
                      "limit_id": judge.id, "version": new.version}  # fmt: skip
        if standing is None:
            more = {"point": point.id, "kind": "breach", "breached": True}
            name, cycle = self.open_warning(new.subject, more | args, track_of(point))
            self.open[pair] = OpenWarning(name, cycle, "opened", True, severity, 0, "breach")
            self.done["opened"] += 1
            return
        if standing.inside:
            readings.set_inside(self.driver, standing.id, 0)
        if standing.cycle is None:
            self._join_orphan(new, standing, args)
        else:
            acting = self.hold(standing.cycle)
            self.done["joined"] += bool(acting.decide("join", {"warning": standing.id, **args}, acting.context()))
        state = "opened" if standing.state == "confirmed" else standing.state
        grave = MAJOR if MAJOR in (severity, standing.severity) else severity
        self.open[pair] = standing._replace(inside=0, breached=True, state=state, severity=grave)

    def _join_orphan(self, new: New, standing: OpenWarning, args: Data) -> None:
        graver = args["severity"] == MAJOR != standing.severity
        if standing.breached and not graver:
            return
        severity = MAJOR if graver else standing.severity
        readings.raise_warning(self.driver, self.college.id, standing.id, severity, new.value, args["reading"])
        readings.set_breached(self.driver, self.college.id, standing.id, True, args["reading"])
        changes = {"breached": True, "severity": severity, "reading": args["reading"], "value": new.value}
        self._orphan_fact("WarningJoined", new.subject, standing.id, changes, args)
        self.done["joined"] += 1

    def _orphan_fact(self, kind: str, subject: int, warning: str, changes: Data, args: Data) -> None:
        judged = {k: args[k] for k in ("limit", "limit_id", "version") if args.get(k) is not None}
        college_fact(self.driver, self.writer, self.college.id, self.college.key, kind,
                     {"warning": warning, "set": changes, "subject": subject, **judged})  # fmt: skip

    def _inside(self, new: New, reading: int, judge: Judge, standing: OpenWarning) -> None:
        """Count readings inside the limits; as many in a row as the definition's damping says mean "returned"."""
        if not standing.breached and standing.kind != "late":
            return
        inside = standing.inside + 1
        if standing.kind != "late" and inside < self._damping(standing.cycle):
            readings.set_inside(self.driver, standing.id, inside)
            self.open[(new.point, new.subject)] = standing._replace(inside=inside)
        else:
            self._back(new, reading, judge, standing)

    def _back(self, new: New, reading: int, judge: Judge, standing: OpenWarning) -> None:
        args = {"reading": reading, "limit": judge.limits.text, "limit_id": judge.id, "version": new.version}
        pair = (new.point, new.subject)
        self.done["returned"] += 1
        if standing.cycle is None:
            readings.set_breached(self.driver, self.college.id, standing.id, False, reading)
            changes = {"breached": False, "reading": reading}
            self._orphan_fact("ReadingReturned", new.subject, standing.id, changes, args)
        else:
            acting = self.hold(standing.cycle)
            acting.decide("back", {"warning": standing.id, **args}, acting.context())
        if standing.state == "confirmed":
            del self.open[pair]
        else:
            self.open[pair] = standing._replace(breached=False, inside=0)

    def _corrected(self, new: New, reading: int, judge: Judge, standing: OpenWarning, book: LimitBook) -> None:
        """Weigh a warning anew after a reading was corrected to one within its limits.

        Without any breach left since the warning was opened it is back at once; else by the readings in a row at the
        end, as ever.
        """
        if not standing.breached:
            return
        first = readings.first_of(self.driver, self.college.id, standing.id) or new.at
        span = (min(first, new.at), FOREVER)
        found = readings.of(self.driver, self.college.id, new.point, new.subject, span, LOOKED_BACK)
        inside = [breach(book.at(new.point, new.subject, r.at).limits, r.value) is None for r in found]
        streak = next((n for n, one in enumerate(reversed(inside)) if not one), len(inside))
        if False not in inside or streak >= self._damping(standing.cycle):
            self._back(new, reading, judge, standing)
        elif streak != standing.inside:
            readings.set_inside(self.driver, standing.id, streak)
            self.open[(new.point, new.subject)] = standing._replace(inside=streak)

    def _damping(self, cycle: int | None) -> int:
        quick = self.hold(cycle).compiled.definition.quick if cycle is not None else None
        return (quick or QuickLoop()).damping

    def hold(self, cycle: int) -> Acting:
        """Return a cycle held in this transaction."""
        acting = self.held.get(cycle)
        if acting is None:
            acting = self.held[cycle] = hold(self.session, self.driver, self.origin, cycle, self.writer)
        return acting

    def _cycle_of(self, subject: int, point: Point) -> int | None:
        return pick(self.cycles.get(subject, []), track_of(point))

    def open_warning(self, subject: int, args: Data, track: str | None) -> tuple[str, int | None]:
        """Open a warning in the subject's running cycle, or with the college where none runs."""
        cycle = pick(self.cycles.get(subject, []), track)
        if cycle is None:
            return open_orphan(self.driver, self.writer, self.college, subject, args), None
        acting = self.hold(cycle)
        before = acting.snap.warning_no
        acting.decide("warn", args, acting.context())
        return f"{cycle}.{before + 1}", cycle

    def finish(self) -> None:
        """Write the cycles that moved, and the facts."""
        for acting in self.held.values():
            cycles.finish(acting)
        self.writer.flush()


def track_of(point: Point) -> str | None:
    """Return the track that a point is of, None for any."""
    if '"track"' not in point.body:
        return None
    track = json.loads(point.body).get("track")
    return str(track) if track else None


def pick(found: list[tuple[int, str, int]], track: str | None) -> int | None:
    """Return the running cycle that a reading concerns: of the point's own track, else the first."""
    named = [c for c, of, _ in found if of == track]
    return named[0] if named else (found[0][0] if found else None)


def open_orphan(driver: Driver, writer: Writer, college: CollegeView, subject: int, args: Data) -> str:
    """Open a warning that stands with the college until the subject has a running cycle."""
    name = f"s{subject}.{readings.warning_count(driver, college.id, subject) + 1}"
    life = {k: v for k, v in args.items() if v is not None and k != "version"}
    row = {"id": name, "state": "opened", **life}
    more = {"damping": QuickLoop().damping, "version": args["version"]} if "version" in args else {}
    college_fact(driver, writer, college.id, college.key, "WarningOpened", {"warning": row, "subject": subject, **more})
    rows.write_warning(driver, college.id, None, subject, WarningLife(**{"opened_at": writer.at, **row}))
    return name
