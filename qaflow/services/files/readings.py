"""Readings from a file: each row one value of a point, a subject, a time and a source."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from qaflow.services.points.handing_in import covered
from qaflow.services.points.intake import SOURCE_LENGTH, Intake, NewReading

from .cells import Column
from .imports import Import, Kind
from .tabular import Row

FROM_FILE = "file"
REASON = 500
COLUMNS = (
    Column(key="point", zh="质控点", what="code", required=True),
    Column(key="subject", zh="对象", what="code", required=True),
    Column(key="at", zh="时间", what="moment", required=True),
    Column(key="value", zh="数值", what="number", required=True),
    Column(key="source", zh="来源", what="code", length=SOURCE_LENGTH),
    Column(key="reason", zh="更正原因", length=REASON),
)


def take(run: Import) -> None:
    """Take the readings that are new and, with their reason, corrections of those that stand."""
    intake = Intake(run.session, run.driver, run.origin, run.college, run.writer)
    given, rows = _given(run, intake)

    def fault(n: int, where: str, code: str, detail: str) -> None:
        run.fault(rows[n], where, code, detail)

    fresh = intake.resolve(given, fault, covered(run.driver, run.college, run.origin), differing=True)
    run.table.faults.raise_any()
    done = intake.take(fresh)
    intake.breaches.finish()
    run.new, run.updated, run.unchanged = done["accepted"], done["corrected"], done["known"]
    told = {"derived": "derived by formulas", "opened": "warnings opened", "joined": "warnings joined or made graver",
            "returned": "warnings whose readings are back within limits"}  # fmt: skip
    run.notices += [f"{done[key]} {words}" for key, words in told.items() if done[key]]


def _given(run: Import, intake: Intake) -> tuple[list[NewReading], list[Row]]:
    """Return the rows whose cells are right as readings, and the rows themselves."""
    zone = run.college.calendar.tz
    given, rows = [], []
    instants: dict[datetime, datetime | None] = {}
    for row in run.table.rows:
        key, code, at, value = row["point"], row["subject"], row["at"], row["value"]
        if key is None or code is None or at is None or value is None:
            continue  # told already, with its cell
        if at not in instants:
            instants[at] = aware(at, zone)
        when = instants[at]
        if when is None:
            run.fault(row, "at", "date.ambiguous", f"{at} stands twice or never on the college's clocks: name the zone")
            continue
        point = intake.points.get(key)
        layer = point.layer if point else ""
        given.append(NewReading(key, layer, code, when, value, row["source"] or FROM_FILE, row["reason"]))
        rows.append(row)
    return given, rows


def aware(at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the instant of a time on the college's clocks; None where the clocks were moved about it."""
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    first, second = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return first.astimezone(UTC) if first.utcoffset() == second.utcoffset() else None


READINGS = Kind(key="readings", columns=COLUMNS, take=take, right="readings", scoped=True)
