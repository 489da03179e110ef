"""Making a demo: colleges loaded, people cast, cycles adopted, the year lived through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from qaflow.engine.loader import Folder
from qaflow.store.db import Driver

from .. import installation, loading, structure
from ..college import CollegeView, view
from ..work import AnySession, Origin, transact
from . import adoption, year
from .cast import Cast, Casting
from .college_year import DOOR, CollegeYear
from .values import DAY, Plan, sizes_of

FIRST_LIGHT = dt.time(0, 5)


def make(session: AnySession, plan: Plan, folders: Sequence[Folder], recorded: dt.datetime,
         progress: Callable[[dt.date], None]) -> tuple[list[CollegeYear], dt.datetime]:  # fmt: skip
    """Fill an empty sandbox; returns the colleges' years and the simulated end."""
    eve = dt.datetime.combine(plan.start, FIRST_LIGHT, dt.timezone(dt.timedelta(hours=8))).astimezone(dt.UTC)
    origin = Origin(now=eve, recorded=recorded, door=DOOR, account="operator")
    installation.create(session, origin, sandbox=True)
    colleges = [_college(session, plan, folder, origin) for folder in folders]
    return colleges, year.run(session, plan, colleges, recorded, progress) + DAY


def _college(session: AnySession, plan: Plan, folder: Folder, origin: Origin) -> CollegeYear:
    loading.load_college(session, origin, folder)
    assert folder.college is not None
    key = folder.college.key

    def body(driver: Driver) -> tuple[CollegeView, Cast]:
        number = structure.college_id(driver, key)
        assert number is not None
        sizes = sizes_of(folder.organisation, plan.scale)
        cast = Casting(session, driver, origin, view(session, driver, number), sizes, plan.seed, plan.start).make()
        return view(session, driver, number), cast

    college, cast = transact(session, body)
    adoption.adopt(session, origin, college, plan.start)
    return CollegeYear(session, college, cast, plan, origin.recorded)
