"""Who reads a quality incident, and who may do what with it."""

from __future__ import annotations

from typing import Any

from qaflow.services import policy
from qaflow.store import incidents as rows
from qaflow.store import people
from qaflow.store.db import Driver
from qaflow.store.incidents import Row

OF_OFFICE = frozenset(("grade", "answer", "close"))


def sight(driver: Driver, college: int, person: int, day: str) -> dict[str, Any]:
    """Return what narrows reading: one's own reports, what one handles, and what one's roles cover."""
    whole, of_units = policy.hears(driver, college, person, day)
    return rows.sight(whole, of_units, person, sorted(_absent(driver, college, person, day)))


def may(driver: Driver, college: int, row: Row, person: int, day: str) -> frozenset[str]:
    """Return the acts that a person has a right to, whatever the incident's state."""
    office = bool(policy.allowed(driver, college, person, ("incidents",), day))
    handles = row.owner_id is not None and row.owner_id in {person} | _absent(driver, college, person, day)
    return (OF_OFFICE if office else frozenset()) | ({"handle"} if handles else frozenset())


def oversees(seen: dict[str, Any], row: Row) -> bool:
    """Tell whether somebody reads an incident by their roles, not only as its reporter or handler."""
    return bool(seen["whole"]) or row.unit_id in seen["units"]


def _absent(driver: Driver, college: int, person: int, day: str) -> set[int]:
    """Return for whom a person stands in whole: not in one role or layer alone."""
    return {one for one, role in people.stands_in_for(driver, college, person, day, layer="") if role is None}
