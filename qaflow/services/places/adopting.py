"""Adopting a college's calendar: the state's days of each year as rows, the college's own days over them.

A year's days are read from the library once; a later release of it moves no deadline (engine rules, 9). A year that
was adopted before its make-up days were decreed is offered again once they are.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine.definition import canonical
from qaflow.engine.loader import Folder
from qaflow.store import loading as store
from qaflow.store.db import Driver

from .calendar import state_days

YEARS_BEFORE = 2  # three-year rounds may have begun so long before the first teaching year
LAST_YEAR = 2032
STATE, OWN, PAGE = "state", "college", "page"

Day = tuple[bool, str, str]  # working, name, source


class Adoption(NamedTuple):
    """What differs between the calendar that stands and the one that is wanted."""

    years: dict[int, bool]  # to be adopted, and whether their make-up days are known
    days: dict[str, Day]  # to be written
    gone: list[str]  # days to be taken out
    own: dict[str, Day]  # the college's own days, as the files say

    @property
    def empty(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.years or self.days or self.gone)


def wanted(driver: Driver, college: int, folder: Folder, before: set[str]) -> Adoption:
    """Compare the calendar's rows with the files and the state's decrees; `before` are own days of the last loading.

    What was set by hand on the calendar's page stands, whatever the files say.
    """
    days: dict[str, Day] = {k[0]: (bool(r.values[0]), *r.values[1:]) for k, r in _standing(driver, store.DAY, college)}
    years = {int(k[0]): bool(r.values[0]) for k, r in _standing(driver, store.YEAR, college)}
    open_years = [year for year in _years(folder) if not years.get(year)]
    fresh = {year: state for year in open_years if (state := _adoptable(year, year in years))}
    own = own_days(folder)
    target = {day: row for day, row in days.items() if row[2] == OWN and day not in before - own.keys()}
    target |= {day: row for day, row in days.items() if row[2] != OWN and int(day[:4]) not in fresh}
    for rows in fresh.values():
        target = rows.rows | target
    target |= _uncovered(before - own.keys(), target) | own
    target |= {day: row for day, row in days.items() if row[2] == PAGE}
    changed = {day: row for day, row in target.items() if days.get(day) != row}
    return Adoption({y: f.published for y, f in fresh.items()}, changed, sorted(days.keys() - target.keys()), own)


class _Year(NamedTuple):
    published: bool
    rows: dict[str, Day]


def _standing(driver: Driver, table: store.Table, college: int) -> Any:
    return store.standing(driver, table, college).items()


def _years(folder: Folder) -> range:
    listed = (folder.calendar or {}).get("years", ())
    first = min((t["starts"] for year in listed for t in year["terms"]), default=None)
    return range(int(first[:4]) - YEARS_BEFORE, LAST_YEAR + 1) if first else range(0)


def _adoptable(year: int, adopted: bool) -> _Year | None:
    """Return a year's days; None where it was adopted as unpublished and still is."""
    found = state_days(year)
    published = any(one.published for one in found)
    if adopted and not published:
        return None
    return _Year(published, {one.day.isoformat(): (one.working, one.name, STATE) for one in found})


def own_days(folder: Folder) -> dict[str, Day]:
    """Return the college's own working days and days off."""
    found: dict[str, Day] = {}
    for year in (folder.calendar or {}).get("years", ()):
        found |= dict.fromkeys(year["working"], (True, "校历工作日", OWN))
        found |= dict.fromkeys(year["free"], (False, "校历休息日", OWN))
    return found


def _uncovered(days: set[str], target: dict[str, Day]) -> dict[str, Day]:
    """Return the state's rows of days that are no longer the college's own."""
    found: dict[str, Day] = {}
    for year in {int(day[:4]) for day in days}:
        rows = {one.day.isoformat(): (one.working, one.name, STATE) for one in state_days(year)}
        found |= {day: row for day, row in rows.items() if day in days and day not in target}
    return found


def adopt(driver: Driver, college: int, adoption: Adoption, at: str) -> None:
    """Write the rows."""
    store.take_out(driver, store.DAY, college, [(day,) for day in {*adoption.gone, *adoption.days}], ())
    store.insert(driver, store.DAY, college, [(None, (day,), row) for day, row in sorted(adoption.days.items())])
    store.take_out(driver, store.YEAR, college, [(year,) for year in adoption.years], ())
    years = [(None, (year,), (known, at)) for year, known in sorted(adoption.years.items())]
    store.insert(driver, store.YEAR, college, years)


def fact(folder: Folder, adoption: Adoption) -> dict[str, Any]:
    """Return the data of the fact that says what was adopted."""
    calendar = folder.calendar or {}
    days = canonical(sorted((day, *row) for day, row in adoption.days.items()))
    return {
        "years": sorted(adoption.years),
        "unpublished": sorted(y for y, known in adoption.years.items() if not known),
        "days": len(adoption.days),
        "gone": adoption.gone,
        "digest": hashlib.sha256(days.encode()).hexdigest(),
        "terms": [[t["key"], t["starts"], t["ends"]] for year in calendar.get("years", ()) for t in year["terms"]],
        "breaks": [[b["starts"], b["ends"]] for year in calendar.get("years", ()) for b in year["breaks"]],
        "grid_months": list(calendar.get("grid_months", ())),
    }


def shown(adoption: Adoption) -> list[dict[str, Any]]:
    """Return the differences for people."""
    years = [{"what": "calendar_year", "key": str(y), "change": "new"} for y in sorted(adoption.years)]
    changed = [day for day in sorted(adoption.days) if not _inside(day, adoption)]
    own = [{"what": "calendar_day", "key": day, "change": "changed"} for day in changed]
    gone = [{"what": "calendar_day", "key": d, "change": "gone"} for d in adoption.gone]
    return [*years, *own, *gone]


def _inside(day: str, adoption: Adoption) -> bool:
    return date.fromisoformat(day).year in adoption.years
