"""Control points and readings as sheets: what leaves can be edited in a spreadsheet and comes back by the imports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qaflow.engine import formulas
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.files import imports
from qaflow.services.files import points as imports_points
from qaflow.services.files import readings as imports_readings
from qaflow.services.files.cells import Column
from qaflow.services.ports import Leaf, Value
from qaflow.services.work import AnySession, Origin
from qaflow.store import points as rows
from qaflow.store import readings
from qaflow.store import subjects as places
from qaflow.store.db import Driver, instant, reading

from .limits import LimitBook
from .listing import At, with_sight

TITLES = {"points": {"zh": "质控点", "en": "Control points"}, "readings": {"zh": "监测数据", "en": "Readings"}}
WIDTHS = {"points": (22, 10, 26, 26, 8, 10, 10, *(10,) * 6, 16, 24, 20, 30, 12), "readings": (24, 14, 20, 12, 14, 24)}


def export(session: AnySession, origin: Origin, college: str | None, kind: str, language: str) -> list[Leaf]:
    """Return a college's points, or its current readings, for the operator; the columns are those of the import."""
    driver = reading(session)
    try:
        chosen = imports.chosen_college(driver, college)
        seen = view(session, driver, chosen.id)
        return [_leaf(driver, seen, _everything(seen), kind, language, origin, 0)]
    finally:
        session.rollback()


def exported(session: AnySession, origin: Origin, me: SignedIn, kind: str, language: str, point: int = 0) -> list[Leaf]:
    """Return the same for a person: only readings of subjects within sight, of one point or (0) of all."""

    def body(at: At) -> list[Leaf]:
        if point and rows.card(at.driver, at.college.id, point) is None:
            raise Missing("point.not_found", f"no control point {point}")
        return [_leaf(at.driver, at.college, at.params, kind, language, origin, point)]

    return with_sight(session, origin, me, body)


def _everything(college: CollegeView) -> dict[str, Any]:
    layers = tuple(layer.key for layer in college.config.layers)
    sight = policy.Reach(person=0, persons=(), layers=layers, units=(), subjects=())
    return {**sight.params, "college": college.id}


def _leaf(driver: Driver, college: CollegeView, params: dict[str, Any], kind: str, language: str, origin: Origin,
          point: int) -> Leaf:  # fmt: skip
    columns = imports_points.COLUMNS if kind == "points" else imports_readings.COLUMNS
    found = _points(driver, college, origin) if kind == "points" else _readings(driver, college, params, point)
    return Leaf(title=TITLES[kind][language], headings=headings(columns, language), rows=found, widths=WIDTHS[kind],
                fixed=1)  # fmt: skip


def headings(columns: Sequence[Column], language: str) -> list[str]:
    """Return the headings in a language; the import reads both."""
    return [column.zh if language == "zh" else column.key for column in columns]


def _points(driver: Driver, college: CollegeView, origin: Origin) -> list[list[Value]]:
    today = college.calendar.local_day(origin.now)
    book = LimitBook(driver, college.id, readings.points(driver, college.id), college.calendar)
    units = {unit.id: code for code, unit in places.units(driver, college.id).items()}
    found: list[list[Value]] = []
    for card in rows.cards(driver, college.id):
        limits, body, formula = (
            book.on(card.id, None, today).limits,
            json.loads(card.body),
            formulas.stored(card.formula),
        )
        found.append([
            card.key, card.layer, card.zh, card.en, card.unit, card.cadence, limits.direction, limits.target,
            limits.lower, limits.upper, limits.alarm_lower, limits.alarm_upper, None, None,
            formulas.shown(formula) if formula else None, _zh(body.get("source_system")), _zh(body.get("measures")),
            units.get(card.owner_unit or 0),
        ])  # fmt: skip
    return found


def _zh(text: Any) -> str | None:
    return text.get("zh") if isinstance(text, dict) else text


def _readings(driver: Driver, college: CollegeView, params: dict[str, Any], point: int) -> list[list[Value]]:
    """Return the current readings; derived ones are left out, for they arise again."""
    zone = college.calendar.tz
    return [
        [line.point, line.subject, instant(line.at).astimezone(zone).isoformat(), line.value, line.source, None]
        for line in rows.current(driver, {**params, "point": point})
        if line.source != "derived"
    ]
