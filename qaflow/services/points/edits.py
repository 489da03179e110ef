"""Limits of a control point from a day on: a changed limit never rewrites what was judged before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from qaflow.engine.control import Limits, crossing
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles.acting import keep
from qaflow.services.files.points import limit_values
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import limits as rows
from qaflow.store import points as point_rows
from qaflow.store import readings
from qaflow.store.db import Driver

REASON = 500


@dataclass(frozen=True, kw_only=True)
class NewLimit:
    """Limits as somebody enters them; the subject's code is blank where they hold for all of the layer."""

    limits: Limits
    valid_from: date
    reason: str
    subject: str = ""
    version: int  # of the point, as the form showed it


def set_limit(session: AnySession, origin: Origin, me: SignedIn, point: int, wanted: NewLimit) -> int:
    """Set limits from a day on and return their number; the right is the quality office's.

    Raises `Invalid` (``point.limits``, ``limit.past``, ``text.blank``, ``ref.unknown_subject``) and `Refused`
    (``version.stale``) where somebody changed the point since the form was opened.
    """

    def body(driver: Driver) -> int:
        college = _college(session, driver, me)
        day = college.calendar.local_day(origin.now)
        policy.require_role(driver, college.id, me.person, "points", day.isoformat())
        found = readings.point(driver, college.id, point)
        if found is None:
            raise Missing("point.not_found", f"no control point {point}")
        _check(wanted, day)
        subject = _subject(driver, college.id, found.layer, wanted.subject)
        if not point_rows.bump(driver, college.id, point, wanted.version):
            raise Refused("version.stale", "somebody changed this control point in the meantime")
        return _write(driver, Writer(driver, origin), college, me, point, subject, wanted)

    return transact(session, body)


def version(driver: Driver, college: int, key: str) -> int:
    """Return the number of a point that a form of its limits shows."""
    found: int = rows.standing(driver, college)[key]["version"]
    return found


def _college(session: AnySession, driver: Driver, me: SignedIn) -> CollegeView:
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} is of no college")
    return view(session, driver, me.college)


def _check(wanted: NewLimit, today: date) -> None:
    if any(isinstance(value, float) and not math.isfinite(value) for value in vars(wanted.limits).values()):
        raise Invalid("number.not_finite", "a limit is a number")
    crossed = crossing(wanted.limits)
    if crossed is not None:
        raise Invalid("point.limits", f"{crossed}: alarm, warning and target values must follow one another")
    if wanted.valid_from < today:
        raise Invalid("limit.past", f"limits hold from {today} or later: the past keeps its own")
    if not wanted.reason.strip():
        raise Invalid("text.blank", "say why the limits change")
    if len(wanted.reason) > REASON:
        raise Invalid("text.too_long", f"a reason has at most {REASON} characters")


def _subject(driver: Driver, college: int, layer: str, code: str) -> int | None:
    if not code:
        return None
    found = readings.subjects(driver, college, layer, [code])
    if not found:
        raise Invalid("ref.unknown_subject", f"no {layer} {code!r}")
    return found[(layer, code)]


def _write(driver: Driver, writer: Writer, college: CollegeView, me: SignedIn, point: int, subject: int | None,
           wanted: NewLimit) -> int:  # fmt: skip
    values = limit_values(point, subject, wanted.valid_from.isoformat(), wanted.limits)
    values |= {"reason": keep(driver, wanted.reason.strip()), "set_at": writer.at, "set_by": me.person}
    (number,) = rows.put(driver, college.id, [values])
    college_fact(driver, writer, college.id, college.key, "LimitsSet", {"limits": [{"limit": number, **values}]})
    writer.flush()
    return number
