"""Readings on their way in: checked, stored, derived from, and held against their limits, in one transaction.

A reading is known by point, subject, time and source: what is handed in twice counts once.  Another value under the
same key is a correction and needs its reason; it becomes a later version and the former one stays.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qaflow.engine.snapshot import Data
from qaflow.errors import Invalid
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles.acting import keep
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges, readings
from qaflow.store.db import Driver, utc
from qaflow.store.readings import Kept, New

from .breaches import Breaches
from .deriving import SOURCE, Deriving
from .limits import LimitBook

SYSTEM_ACCOUNT = 1
SOURCE_LENGTH = 64
AHEAD = dt.timedelta(days=1)  # a reading from further ahead is a mistake of its date
Fault = Callable[[int, str, str, str], None]
"""Takes the number of a reading, the field, a code and a sentence."""


@dataclass(frozen=True, slots=True)
class NewReading:
    """One reading handed in: whose, of which point, when, how much, from where; a reason where it corrects one."""

    point: str
    layer: str
    code: str
    at: dt.datetime
    value: float
    source: str
    reason: str | None = None


def accept(session: AnySession, origin: Origin, college: int, given: Sequence[NewReading]) -> Data:
    """Store a batch of readings and let them open, join or close warnings; all or nothing.

    A reading already stored (same point, subject, time, source) is counted as known and changes nothing.
    """

    def body(driver: Driver) -> Data:
        colleges.head(driver, college)  # two deliveries into one college wait for each other
        intake = Intake(session, driver, origin, view(session, driver, college))
        errors: list[Data] = []

        def note(n: int, where: str, code: str, message: str) -> None:
            errors.append({"pointer": f"/{n}", "code": code, "message": message})

        fresh = intake.resolve(given, note)
        if errors:
            raise Invalid("readings.invalid", f"{len(errors)} of {len(given)} readings are wrong", errors=errors)
        report = intake.take(fresh)
        intake.breaches.finish()
        return report

    return transact(session, body)


class Intake:
    """One delivery within its transaction."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, college: CollegeView,
                 writer: Writer | None = None) -> None:  # fmt: skip
        """Read the college's points."""
        self.driver, self.origin, self.college = driver, origin, college
        self.breaches = Breaches(session, driver, origin, college, writer)
        self.points = {p.key: p for p in readings.points(driver, college.id)}
        self.known = self.corrected = 0
        self.numbers: list[int] = []  # of the readings that are new, or correct one
        self._reasons: dict[str, str] = {}

    def resolve(self, given: Sequence[NewReading], fault: Fault, within: Callable[[int], bool] | None = None,
                differing: bool = False) -> list[New]:  # fmt: skip
        """Return what is new among readings, noting each fault; ``within`` says whose subjects may be written.

        ``differing`` tells another value under a known key without a reason as a fault; else it counts as known.
        """
        found = self._subjects(given)
        latest = utc(self.origin.now + AHEAD)
        instants: dict[dt.datetime, str] = {}
        resolved: list[tuple[int, New, str | None]] = []
        for n, one in enumerate(given):
            point, subject = self.points.get(one.point), found.get((one.layer, one.code))
            at = instants.get(one.at) or instants.setdefault(one.at, utc(one.at))
            if point is None:
                fault(n, "point", "ref.unknown_point", f"no control point {one.point!r}")
            elif subject is None or point.layer != one.layer or (within is not None and not within(subject)):
                fault(n, "subject", "ref.unknown_subject", f"no {one.layer} {one.code!r}")
            elif not math.isfinite(one.value):
                fault(n, "value", "number.not_finite", f"{one.value} is no measured value")
            elif at > latest:
                fault(n, "at", "date.future", f"{one.at.isoformat()} has not come yet")
            elif one.source == SOURCE or not 0 < len(one.source) <= SOURCE_LENGTH:
                fault(n, "source", "source.invalid", f"a source has 1 to {SOURCE_LENGTH} characters, not {SOURCE!r}")
            else:
                resolved.append((n, New(point.id, subject, at, float(one.value), one.source), one.reason))
        return self._unknown(resolved, fault, differing)

    def _subjects(self, given: Sequence[NewReading]) -> dict[tuple[str, str], int]:
        by_layer: dict[str, set[str]] = {}
        for one in given:
            by_layer.setdefault(one.layer, set()).add(one.code)
        found: dict[tuple[str, str], int] = {}
        for layer, codes in by_layer.items():
            found |= readings.subjects(self.driver, self.college.id, layer, sorted(codes))
        return found

    def _unknown(self, resolved: Sequence[tuple[int, New, str | None]], fault: Fault, differing: bool) -> list[New]:
        if not resolved:
            return []
        points, subjects = {r.point for _, r, _ in resolved}, {r.subject for _, r, _ in resolved}
        times = [r.at for _, r, _ in resolved]
        kept = readings.known(self.driver, self.college.id, sorted(points), sorted(subjects), (min(times), max(times)),
                              sorted({r.source for _, r, _ in resolved}))  # fmt: skip
        fresh: list[New] = []
        seen: dict[tuple[int, int, str, str], float] = {}
        for n, new, reason in sorted(resolved, key=_in_time):
            key = (*new[:3], new.source)
            old = kept.get(key)
            if seen.get(key, math.inf) == new.value:
                self.known += 1
            elif key in seen and differing:
                told = f"{seen[key]:g} and {new.value:g} stand for the same time and source"
                fault(n, "value", "row.duplicate", told)
            elif key in seen:
                self.known += 1
            elif old is None:
                fresh.append(new)
                self.numbers.append(n)
                seen[key] = new.value
            else:
                seen[key] = new.value
                self._again(n, new, old, reason, fresh, fault if differing else None)
        return fresh

    def _again(self, n: int, new: New, old: Kept, reason: str | None, fresh: list[New], fault: Fault | None) -> None:
        """Take a reading whose key is known: the same value changes nothing, another with a reason corrects it."""
        if old.value == new.value or (reason is None and fault is None):
            self.known += 1
        elif reason is None:
            assert fault is not None
            fault(n, "value", "reading.differs", f"{old.value:g} stands there already: a correction needs its reason")
        else:
            self.corrected += 1
            self.numbers.append(n)
            fresh.append(new._replace(version=old.version + 1, replaces=old.id, reason=self._kept(reason)))

    def _kept(self, reason: str) -> str:
        if reason not in self._reasons:
            self._reasons[reason] = keep(self.driver, reason)
        return self._reasons[reason]

    def take(self, fresh: Sequence[New]) -> Data:
        """Store what is new with what it gives by formulas, and hold all of it against the limits."""
        derived = Deriving(self.driver, self.college, self.points).of(fresh) if fresh else []
        if fresh:
            self._store(sorted([*fresh, *derived], key=lambda r: (r.at, r.subject, r.point)), len(derived))
        new = len(fresh) - self.corrected
        return {"accepted": new, "known": self.known, "corrected": self.corrected, "derived": len(derived),
                **self.breaches.done}  # fmt: skip

    def _store(self, rows: Sequence[New], derived: int) -> None:
        by_id = {p.id: p for p in self.points.values()}
        used = sorted({r.point for r in rows})
        book = LimitBook(self.driver, self.college.id, [by_id[p] for p in used], self.college.calendar)
        self.breaches.look(used, sorted({r.subject for r in rows}))
        digest = hashlib.sha256(
            "\n".join(f"{by_id[r.point].key}|{r.subject}|{r.at}|{r.value!r}|{r.source}" for r in rows).encode()
        ).hexdigest()
        by = self.origin.person or SYSTEM_ACCOUNT
        writer = self.breaches.writer
        batch, ids = readings.insert(self.driver, self.college.id, rows, digest, writer.at, by)
        data = {"batch": batch, "rows": len(rows), "digest": digest, "first": ids[0]}
        corrections = [
            {"reading": i, "replaces": r.replaces, "version": r.version, "value": r.value, "reason": r.reason}
            for i, r in zip(ids, rows, strict=True)
            if r.replaces is not None
        ]
        more = {"derived": derived} if derived else {}
        college_fact(self.driver, writer, self.college.id, self.college.key, "ReadingsAccepted",
                     data | more | ({"corrections": corrections} if corrections else {}))  # fmt: skip
        self.breaches.judge(rows, ids, by_id, book)


def _in_time(one: tuple[int, New, str | None]) -> tuple[str, int, int]:
    return one[1].at, one[1].subject, one[1].point
