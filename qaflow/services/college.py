"""A college as the services see it: file, calendar, definitions, each built once and kept while unchanged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from qaflow.engine import calendar as calendars
from qaflow.engine.calendar import Calendar, Term
from qaflow.engine.college import College, Role, Track
from qaflow.engine.definition import Label, build_value, from_plain
from qaflow.engine.machine import Compiled, compile_definition
from qaflow.errors import CorruptHistory, Missing
from qaflow.store import colleges
from qaflow.store.db import Driver

from .work import AnySession


@dataclass(frozen=True, kw_only=True)
class CollegeView:
    """One college's configuration and calendar as of a configuration number."""

    id: int
    key: str
    config: College
    calendar: Calendar

    def line(self, role: str) -> list[str]:
        """Return the roles above one, up to the quality office's head (the next responsible levels)."""
        found: list[str] = []
        above = self._above(role)
        while above and above not in found:
            found.append(above)
            above = self._above(above)
        return found

    def _above(self, role: str) -> str | None:
        roles = self.config.roles_of(role)
        return roles[0].above if roles else None

    @cached_property
    def quality_head(self) -> str:
        """The role at the end of every line."""
        heads: tuple[Role, ...] = self.config.roles_of("quality_head") or self.config.roles_of("quality_office")
        return heads[0].key if heads else "quality_office"

    def layer_name(self, key: str) -> Label:
        """Return the name of a layer; one that is no longer there is its key."""
        return next((one.name for one in self.config.layers if one.key == key), Label(zh=key, en=key))

    def track(self, layer: str, key: str) -> Track:
        """Return a track of a layer."""
        track = self.config.track_by_key.get((layer, key))
        if track is None:
            known = ", ".join(k for of, k in self.config.track_by_key if of == layer) or "none"
            raise Missing("track.not_found", f"layer {layer} of {self.key} has no track {key!r}; tracks: {known}")
        return track


_views: WeakKeyDictionary[Any, dict[int, tuple[int, CollegeView]]] = WeakKeyDictionary()
_compiled: WeakKeyDictionary[Any, dict[str, Compiled]] = WeakKeyDictionary()


def view(session: AnySession, driver: Driver, college: int) -> CollegeView:
    """Return the college, from the cache where its configuration number still holds."""
    kept = _views.setdefault(driver.engine, {})
    number = colleges.config_no(driver, college)
    if number is None:
        raise Missing("college.not_found", f"no college {college}")
    found = kept.get(college)
    if found is None or found[0] != number:
        found = kept[college] = (number, _load(driver, college))
    return found[1]


def _load(driver: Driver, college: int) -> CollegeView:
    row = colleges.by_id(driver, college)
    assert row is not None
    config: College = build_value(College, json.loads(row.body))
    return CollegeView(id=row.id, key=row.key, config=config, calendar=_calendar(driver, row))


def _calendar(driver: Driver, row: colleges.CollegeRow) -> Calendar:
    days, terms, years = colleges.calendar_rows(driver, row.id)
    return calendars.build(
        row.timezone,
        ((date.fromisoformat(day), working) for day, working in days),
        [Term(key=k, starts=date.fromisoformat(a), ends=date.fromisoformat(b)) for k, a, b in terms],
        [year for year, _ in years],
        unpublished=[year for year, published in years if not published],
        until=date.fromisoformat(row.calendar_until) if row.calendar_until else None,
    )


def compiled(session: AnySession, driver: Driver, digest: str) -> Compiled:
    """Return the compiled definition of a hash; stored JSON is read once a process."""
    kept = _compiled.setdefault(driver.engine, {})
    found = kept.get(digest)
    if found is None:
        body = colleges.definition_body(driver, digest)
        if body is None:
            raise CorruptHistory("definition.missing", f"no stored definition has the hash {digest}")
        definition = from_plain(json.loads(body))
        if definition.hash != digest:
            raise CorruptHistory("definition.altered", f"definition {definition.key} no longer gives its hash {digest}")
        found = kept[digest] = compile_definition(definition)
    return found


def forget(session: AnySession) -> None:
    """Drop what is cached for a database (after a restore)."""
    _views.pop(session.get_bind(), None)
    _compiled.pop(session.get_bind(), None)
