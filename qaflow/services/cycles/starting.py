"""Starting one cycle on demand: the quality office's right."""

from __future__ import annotations

import datetime as dt
from typing import Any

from qaflow.engine.dates import iso_day
from qaflow.errors import Invalid, Missing
from qaflow.services import policy
from qaflow.services.college import view
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import colleges
from qaflow.store.db import Driver

from . import acts, rounds


def on_demand(session: AnySession, origin: Origin, person: int | None, college: str, layer: str, subject: str,
              track: str, day: str | None = None, from_stage: str | None = None) -> dict[str, Any]:  # fmt: skip
    """Start (or adopt) a subject's cycle for the period that holds a day; returns where it stands."""
    wanted = _day(day)

    def body(driver: Driver) -> dict[str, Any]:
        row = colleges.by_key(driver, college)
        if row is None:
            raise Missing("college.not_found", f"no college {college!r}")
        seen = view(session, driver, row.id)
        if person is not None:
            today = seen.calendar.local_day(origin.now).isoformat()
            policy.require_role(driver, row.id, person, "start", today)
        acting = rounds.start_on_demand(session, driver, origin, seen, layer, subject, track, wanted, from_stage)
        return acts.standing(acting)

    return transact(session, body)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return iso_day(text)
    except Invalid:
        raise Invalid("date.invalid", f"--date {text!r}: a day YYYY-MM-DD is needed") from None
