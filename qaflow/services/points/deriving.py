"""Derived readings: what the formulas of points give where all their parts have readings of one period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from qaflow.engine import formulas
from qaflow.engine.formulas import Formula
from qaflow.services.college import CollegeView
from qaflow.services.cycles.acting import keep
from qaflow.store import limits as rows
from qaflow.store import readings
from qaflow.store.db import Driver, instant, utc
from qaflow.store.readings import Kept, New, Point

SOURCE = "derived"
CHANGED = "A part of the formula was corrected or came later."


class _Span(NamedTuple):
    """The instants between which parts belong together."""

    first: str
    last: str


class Deriving:
    """The derived points of a college, for one delivery of readings."""

    def __init__(self, driver: Driver, college: CollegeView, points: Mapping[str, Point]) -> None:
        """Read the formulas, each behind those it needs."""
        self.driver, self.college, self.points = driver, college, points
        found: dict[str, Formula] = {}
        for key, _, _, text in rows.formulas(driver, college.id):
            formula = formulas.stored(text)
            if formula is not None:
                found[key] = formula
        self.formulas = found
        self.order = formulas.ordered(found)
        self._why: str | None = None
        self._spans: dict[tuple[str, str], _Span] = {}

    def of(self, fresh: Sequence[New]) -> list[New]:
        """Return the readings that arise from fresh ones, in the order of the formulas."""
        arisen: list[New] = []
        by_point: dict[int, list[New]] = {}
        for new in fresh:
            by_point.setdefault(new.point, []).append(new)
        for key in self.order:
            needed = {self.points[k].id: k for k in formulas.parts(self.formulas[key]) if k in self.points}
            parts = [new for point in needed for new in by_point.get(point, ())]
            if parts:
                made = self._arise(self.points[key], self.formulas[key], needed, parts)
                by_point.setdefault(self.points[key].id, []).extend(made)
                arisen += made
        return arisen

    def _arise(self, point: Point, formula: Formula, needed: Mapping[int, str], parts: Sequence[New]) -> list[New]:
        spans = {(new.subject, self._span(point.cadence, new.at)) for new in parts}
        read = self._read(needed, parts, spans)
        wanted: list[tuple[int, str, float]] = []
        for subject, span in sorted(spans):
            newest: dict[str, tuple[str, float]] = {}
            for at, name, value in sorted(read.get(subject, ())):
                if span.first <= at <= span.last:
                    newest[name] = (at, value)
            result = formulas.value(formula, {name: of for name, (_, of) in newest.items()})
            if result is not None and len(newest) == len(needed):
                wanted.append((subject, max(at for at, _ in newest.values()), result))
        return self._versions(point, wanted)

    def _read(self, needed: Mapping[int, str], parts: Sequence[New],
              spans: Iterable[tuple[int, _Span]]) -> dict[int, list[tuple[str, str, float]]]:  # fmt: skip
        """Return (instant, key, value) of the parts by subject: those stored, and over them those on their way in."""
        found = list(spans)
        first, last = min(s.first for _, s in found), max(s.last for _, s in found)
        subjects = sorted({subject for subject, _ in found})
        kept = readings.known(self.driver, self.college.id, sorted(needed), subjects, (first, last))
        values = {key: of.value for key, of in kept.items()}
        values |= {(new.point, new.subject, new.at, new.source): new.value for new in parts}
        read: dict[int, list[tuple[str, str, float]]] = {}
        for (of, subject, at, _), value in values.items():
            read.setdefault(subject, []).append((at, needed[of], value))
        return read

    def _versions(self, point: Point, wanted: Sequence[tuple[int, str, float]]) -> list[New]:
        """Return what is new of the wanted values: a first reading, or a later version where one stands already."""
        if not wanted:
            return []
        ats = [at for _, at, _ in wanted]
        subjects = sorted({subject for subject, _, _ in wanted})
        kept = readings.known(self.driver, self.college.id, [point.id], subjects, (min(ats), max(ats)), [SOURCE])
        made = []
        for subject, at, value in wanted:
            old: Kept | None = kept.get((point.id, subject, at, SOURCE))
            if old is None:
                made.append(New(point.id, subject, at, value, SOURCE))
            elif old.value != value:
                made.append(New(point.id, subject, at, value, SOURCE, old.version + 1, old.id, self._reason()))
        return made

    def _reason(self) -> str:
        if self._why is None:
            self._why = keep(self.driver, CHANGED)
        return self._why

    def _span(self, cadence: str, at: str) -> _Span:
        """Return the period of an instant in which parts belong together; in real time only the instant itself."""
        calendar = self.college.calendar
        day = calendar.local_day(instant(at)).isoformat() if cadence != "real-time" else at
        found = self._spans.get((cadence, day))
        if found is None:
            period = None if cadence == "real-time" else formulas.period(cadence, date.fromisoformat(day))
            found = _Span(at, at)
            if period is not None:
                after = date.fromordinal(period[1].toordinal() + 1)
                found = _Span(utc(calendar.start_of(period[0])), _before(utc(calendar.start_of(after))))
            self._spans[(cadence, day)] = found
        return found


def _before(at: str) -> str:
    """Return a text that sorts behind every instant before this one."""
    return at[:-1]  # without its Z it sorts before the instant itself, and behind all earlier ones
