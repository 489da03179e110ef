"""The state's days off and make-up working days (调休), as rows for the calendar tables.

They are read from the `holidays` package once, when a year is adopted, and are then the college's own rows
(engine rules, 9).
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import holidays

from qaflow.errors import Invalid

STATE = "CN"
FIRST_YEAR, LAST_YEAR = 2001, 2099  # decrees in the package begin in 2001; its lunar tables end in 2099
MAKE_UP = {"zh_CN": "调休上班", "en_US": "Make-up working day"}


class StateDay(NamedTuple):
    """One day that the state takes off or gives back; `published` is False while the year's decree is not known."""

    day: date
    working: bool
    name: str
    published: bool


def state_days(year: int, language: str = "zh_CN") -> list[StateDay]:
    """Return a year's state holidays and make-up working days in order.

    A year whose make-up days the package does not know has its statutory holidays only, none `published`: it may be
    adopted but stays flagged.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid("calendar.year", f"no state calendar of {year}; years from {FIRST_YEAR} to {LAST_YEAR} are known")
    state = holidays.country_holidays(STATE, years=year, language=language)
    make_up = sorted(d for d in state.weekend_workdays if d.year == year)
    published = bool(make_up)
    days = [StateDay(d, False, name, published) for d, name in state.items() if d.year == year]
    return sorted(days + [StateDay(d, True, MAKE_UP[language], published) for d in make_up])


def published(year: int) -> bool:
    """Tell whether the package knows the year's make-up working days."""
    return any(row.published for row in state_days(year))
