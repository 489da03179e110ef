"""What a review by the quality office begins with: whose office it is, and whether it may."""

from __future__ import annotations

from qaflow.errors import Forbidden, Missing
from qaflow.services import policy
from qaflow.services.college import CollegeView, view
from qaflow.services.work import AnySession, Origin
from qaflow.store import trail
from qaflow.store.db import Driver


def office(session: AnySession, driver: Driver, origin: Origin, college: int | None, action: str) -> CollegeView:
    """Return the college whose quality office acts; `Forbidden` for everybody else (engine rules, 5)."""
    if college is None or origin.person is None:
        raise Forbidden("action.forbidden", f"this needs the right {action!r}, which you do not have", action=action)
    found = view(session, driver, college)
    policy.require_role(driver, college, origin.person, action, found.calendar.local_day(origin.now).isoformat())
    return found


def cycle_of(driver: Driver, college: int, number: int) -> trail.CycleOf:
    """Return a cycle of this college; another's is not there."""
    found = trail.cycles(driver, [number]).get(number)
    if found is None or found.college != college:
        raise Missing("cycle.not_found", f"no cycle {number}")
    return found
