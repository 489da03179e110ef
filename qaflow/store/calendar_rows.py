"""A college's calendar as it is edited: days with their names and sources, terms, adopted years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Day(NamedTuple):
    """A day that is not what its weekday says, or that somebody set; `source` is state, college (files) or page."""

    day: str
    working: bool
    name: str
    source: str


class Term(NamedTuple):
    """A term."""

    key: str
    name_zh: str
    name_en: str
    starts: str
    ends: str

    @property
    def name(self) -> dict[str, str]:
        """Its name in both languages."""
        return {"zh": self.name_zh, "en": self.name_en}


_DAYS = Sql("select day, working, name, source from calendar_day where college_id = :college and day >= :first and "
            "day <= :last order by day")  # fmt: skip
_TERMS = Sql("select key, name_zh, name_en, starts, ends from term where college_id = :college order by starts")
_YEARS = Sql("select year, published from calendar_year where college_id = :college order by year")
_DROP = Sql("delete from calendar_day where college_id = :college and day in :days[]")
_TERM = Sql("update term set starts = :starts, ends = :ends where college_id = :college and key = :key")


def days(driver: Driver, college: int, first: str, last: str) -> list[Day]:
    """Return the rows of a span of days."""
    rows = driver.all(_DAYS, {"college": college, "first": first, "last": last})
    return [Day(day, bool(working), name, source) for day, working, name, source in rows]


def terms(driver: Driver, college: int) -> list[Term]:
    """Return every term."""
    return list(map(Term._make, driver.all(_TERMS, {"college": college})))


def years(driver: Driver, college: int) -> dict[int, bool]:
    """Return the adopted years, and whether their make-up days were published."""
    return {year: bool(published) for year, published in driver.all(_YEARS, {"college": college})}


def replace(driver: Driver, college: int, gone: Sequence[str], new: Sequence[Day]) -> None:
    """Write days anew, and take others out."""
    driver.run(_DROP, {"college": college, "days": [*gone, *(one.day for one in new)]})
    driver.insert_rows("calendar_day", ("college_id", "day", "working", "name", "source"),
                       [(college, *one) for one in new])  # fmt: skip


def set_term(driver: Driver, college: int, key: str, starts: str, ends: str) -> None:
    """Give a term other days."""
    driver.run(_TERM, {"college": college, "key": key, "starts": starts, "ends": ends})
