"""The demo's year: for each day the tick sweeps, people act, systems measure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from qaflow.services.sweeping import tick

from ..work import AnySession
from .college_year import CollegeYear
from .values import DAY, Origins, Plan

SWEEPS = (dt.time(0, 10), dt.time(8, 5))
LIMIT = dt.timedelta(days=400)
Progress = Callable[[dt.date], None]


def run(
    session: AnySession, plan: Plan, colleges: Sequence[CollegeYear], origins: Origins, progress: Progress
) -> dt.datetime:
    """Live through the plan's days; returns the instant at which the last one ended."""
    day, moment = plan.start, colleges[0].at(plan.start, SWEEPS[0])
    while day <= plan.end:
        for time in SWEEPS:
            moment = colleges[0].at(day, time)
            tick.swept(session, origins.at(moment, account="system"), limit=LIMIT)
        for one in colleges:
            if one.calendar.is_working(day):
                one.work(day)
            one.measure(day)
        progress(day)
        day += DAY
    return colleges[0].at(plan.end, dt.time(23, 59))
