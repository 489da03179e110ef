"""What the page of one cycle reads beside the cycle's own rows: names of control points, of the unit, files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql

_POINTS = Sql("select id, name_zh, name_en, unit from control_point where id in :ids[]")
_NAMED = Sql("select id, login, name from person where college_id = :college and disabled_at is null and "
             "(login in :texts[] or name in :texts[]) order by id")  # fmt: skip
_LAST = Sql("select kind, actor, data from journal where stream = :stream order by seq desc limit 1")
_UNIT = Sql("select name_zh, name_en from unit where id = :id")


class Point(NamedTuple):
    """A control point as a page names it."""

    zh: str
    en: str
    unit: str


class Named(NamedTuple):
    """A person by whom a text can call them."""

    id: int
    login: str
    name: str


def people_named(driver: Driver, college: int, texts: Sequence[str]) -> list[Named]:
    """Return the persons of a college whose login or name is among texts."""
    return list(map(Named._make, driver.all(_NAMED, {"college": college, "texts": list(texts)})))


def last(driver: Driver, cycle: int) -> tuple[str, str, str] | None:
    """Return (kind, actor, data) of a cycle's newest fact."""
    return driver.one(_LAST, {"stream": f"cycle:{cycle}"})


def points(driver: Driver, ids: Sequence[int]) -> dict[int, Point]:
    """Return the names of control points by their number."""
    return {row[0]: Point(row[1], row[2] or row[1], row[3] or "") for row in driver.all(_POINTS, {"ids": list(ids)})}


def unit(driver: Driver, number: int) -> dict[str, str]:
    """Return the name of a unit in both languages."""
    row = driver.one(_UNIT, {"id": number})
    return {"zh": row[0], "en": row[1] or row[0]} if row else {"zh": "", "en": ""}
