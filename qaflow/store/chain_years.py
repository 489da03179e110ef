"""The goals of plans whose period begins in one year, those that were retired since included."""

from __future__ import annotations

from qaflow.store.chains import PERSON, Entry, statement
from qaflow.store.db import Driver

_OF_YEAR = statement(
    "goal",
    "select {shown} {joined}" + PERSON + "where g.college_id = :college and g.subject_id is null and "
    "substr(g.starts, 1, 4) = :year order by g.layer, g.id",
)


def of_year(driver: Driver, college: int, year: str) -> list[Entry]:
    """Return the goals of a year's plans."""
    return list(map(Entry._make, driver.all(_OF_YEAR, {"college": college, "year": year})))
