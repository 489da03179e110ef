"""Limits and formulas of control points as a college's files give them, beside those that people set since.

What the files said last is compared with what they say now and with what holds today.  Where only the files changed,
their limits hold from today: readings were judged by the former ones.  Where people set others meanwhile, theirs stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from qaflow.engine import formulas
from qaflow.engine.calendar import Calendar
from qaflow.engine.control import Limits
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.files.points import limit_values
from qaflow.services.points.limits import LimitBook
from qaflow.store import limits as rows
from qaflow.store import readings
from qaflow.store.db import Driver
from qaflow.store.loading import CONTROL_POINT, Key, Standing

from .loading_rows import Row

BY_FILES = "由学校文件载入 / loaded from the college's files"
SYSTEM_ACCOUNT = 1
HELD = ("direction", "target", "warn_lower", "warn_upper", "formula")
"""The columns that people change too."""
PLACES = {name: CONTROL_POINT.values.index(name) for name in (*HELD, "body")}


@dataclass
class FileLimits:
    """What a loading does to limits and formulas: which are written with a day, which stay people's."""

    dated: list[tuple[str, str, Limits]] = field(default_factory=list)  # key, first day, limits
    kept: list[str] = field(default_factory=list)

    def settle(self, driver: Driver, college: int, calendar: Calendar, today: date, standing: Mapping[Key, Standing],
               wanted: Sequence[Row]) -> list[Row]:  # fmt: skip
        """Return the rows as they are to stand, noting what becomes of their limits."""
        points = {p.key: p for p in readings.points(driver, college)}
        book = LimitBook(driver, college, points.values(), calendar)
        return [self._row(driver, college, book, points, standing.get(row[0]), row, today) for row in wanted]

    def _row(self, driver: Driver, college: int, book: LimitBook, points: Mapping[str, readings.Point],
             old: Standing | None, row: Row, today: date) -> Row:  # fmt: skip
        (key,), values = row
        plain = json.loads(values[PLACES["body"]])
        said = of_file(plain)
        if old is None:
            if _alarmed(said):
                self.dated.append((key, date.min.isoformat(), said))
            return row
        former = json.loads(old.values[PLACES["body"]])
        found = list(values)
        now = book.on(points[key].id, None, today).limits
        before = of_file(former) if former.get("target") is not None else None
        plainly = before is not None and not _alarmed(said) and not _lived(driver, college, points[key].id)
        if not (plainly and now == before):
            for name in HELD[:-1]:
                found[PLACES[name]] = old.values[PLACES[name]]
            if said not in (before, now) and now == before:
                self.dated.append((key, today.isoformat(), said))
            elif said not in (before, now):
                self.kept.append(f"limits {key}")
        if old.values[PLACES["formula"]] != formula_of(former):
            found[PLACES["formula"]] = old.values[PLACES["formula"]]
            if formula_of(plain) not in (formula_of(former), old.values[PLACES["formula"]]):
                self.kept.append(f"formula {key}")
        return (key,), tuple(found)

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What is told of limits that get a day of their own."""
        return [{"what": "point_limit", "key": f"{key} {day}", "change": "new"} for key, day, _ in self.dated
                if day != date.min.isoformat()]  # fmt: skip

    def write(self, driver: Driver, college: int, stream: CollegeStream, at: str) -> None:
        """Write the limits that got a day, with the fact that tells them."""
        if not self.dated:
            return
        points = {p.key: p.id for p in readings.points(driver, college)}
        reason = keep(driver, BY_FILES)
        by = {"reason": reason, "set_at": at, "set_by": SYSTEM_ACCOUNT}
        made = [limit_values(points[key], None, day, limits) | by for key, day, limits in self.dated]
        numbers = rows.put(driver, college, made)
        told = [{"limit": number, **one} for number, one in zip(numbers, made, strict=True)]
        stream.fact("LimitsSet", {"limits": told})


def of_file(plain: Mapping[str, Any]) -> Limits:
    """Return the limits that a file's control point gives."""
    values = [plain.get(name) for name in ("warn_lower", "warn_upper", "alarm_lower", "alarm_upper")]
    numbers = [None if value is None else float(value) for value in values]
    return Limits(direction=plain["direction"], target=float(plain["target"]), lower=numbers[0], upper=numbers[1],
                  alarm_lower=numbers[2], alarm_upper=numbers[3])  # fmt: skip


def formula_of(plain: Mapping[str, Any]) -> str | None:
    """Return the formula that a file's control point gives, as it is stored."""
    text = plain.get("formula")
    return formulas.canonical(formulas.parse(text)) if text else None


def _alarmed(limits: Limits) -> bool:
    return limits.alarm_lower is not None or limits.alarm_upper is not None


def _lived(driver: Driver, college: int, point: int) -> bool:
    """Tell whether anything was judged by a point's limits, or they have a history."""
    return readings.ever_read(driver, college, point) or bool(rows.of(driver, college, [point]))
