"""What of a college is surveyed: the reader's scope, a term's rounds, narrowed by layer, track, unit and stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from qaflow.engine.calendar import Calendar, CalendarGap
from qaflow.engine.definition import NEUTRAL_STAGES, Definition, Label, Stage
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.desk.inbox import bounds
from qaflow.services.places import structure
from qaflow.services.work import AnySession, Origin
from qaflow.store import dashboard as rows
from qaflow.store.dashboard import Term, Unit
from qaflow.store.db import Driver, utc

AGES = (3, 7, 15)
"""Working days late: up to 3, up to 7, up to 15, more."""
EVER = Term("all", "", "", "0001-01-01", "9999-12-31")
RANKED = ("teaching", "functional")
"""The kinds of unit that are ranked and chosen; sections and classes count with the unit above."""
FULL_DAY = 24


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is looked at; "" and 0 are all, ``stage`` is a run of neutral stages (``design`` or ``design-organize``)."""

    term: str = ""
    layer: str = ""
    track: str = ""
    unit: int = 0
    stage: str = ""
    what: str = "running"
    age: int = 0
    holder: int = 0
    why: str = ""
    round: str = ""
    page: int = 1


class Survey:
    """One person's look at one college now: opened once for each page."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn, chosen: Chosen) -> None:
        """Find the scope, the term and what the filters mean; `Forbidden` for whoever surveys nothing."""
        if me.college is None:
            raise Missing("college.not_found", "this person belongs to no college")
        self.session, self.driver, self.chosen = session, driver, chosen
        self.college: CollegeView = view(session, driver, me.college)
        self.today = self.college.calendar.local_day(origin.now)
        self.scope = policy.overview(driver, me.college, me.person, self.today.isoformat())
        self.terms = rows.terms(driver, me.college)
        self.term = self._term()
        self.units = {u.id: u for u in rows.units(driver, me.college)}
        found = rows.definitions(driver, me.college)
        self.definitions: dict[int, Definition] = {
            number: compiled(session, driver, digest).definition for number, digest in found.items()
        }
        self.ages = _ages(self.college.calendar, self.today)
        self.params = self._params(origin)

    def _term(self) -> Term:
        """Return the term that is chosen, else the one that runs or the last that began."""
        if self.chosen.term == EVER.key:
            return EVER
        named = [t for t in self.terms if t.key == self.chosen.term]
        begun = [t for t in self.terms if t.starts <= self.today.isoformat()]
        return (named or begun[-1:] or self.terms[:1] or [EVER])[-1]

    def _params(self, origin: Origin) -> dict[str, Any]:
        chosen, scope = self.chosen, self.scope
        offset = self.college.calendar.tz.utcoffset(origin.now.replace(tzinfo=None)) or timedelta()
        cut = FULL_DAY - max(0, round(offset.total_seconds() / 3600))
        floor, _, _ = bounds(self.college.calendar, self.today)
        first, last = self.ages[min(chosen.age, len(AGES))]
        return {
            "college": self.college.id, "whole": scope.whole, "scope_layers": list(scope.layers),
            "scope_units": list(scope.units), "scope_subjects": list(scope.subjects),
            "term_first": self.term.starts, "term_last": self.term.ends, "layer": chosen.layer,
            "track": chosen.track, "everywhere": not chosen.unit,
            "units": self.below(chosen.unit) if chosen.unit else [], "any_place": not chosen.stage,
            "places": self._places(chosen.stage) if chosen.stage else [], "today": self.today.isoformat(),
            "now": utc(origin.now), "floor": floor, "cut": f"T{cut:02d}:00:00.000000Z", "from": first, "to": last,
            "holder": chosen.holder, "why": chosen.why, "round": chosen.round,
            "handed_from": self._instant(self.term.starts), "handed_to": self._instant(self.term.ends, 1),
        }  # fmt: skip

    def _instant(self, day: str, later: int = 0) -> str:
        """Return the first instant of a day of the college, as the tables write it; the ends of time as they are."""
        if self.term is EVER:
            return day
        return utc(self.college.calendar.start_of(date.fromisoformat(day) + timedelta(days=later)))

    def below(self, unit: int) -> list[int]:
        """Return a unit and all under it; nothing where the college has no such unit."""
        return structure.below(self.units, unit)

    def line(self, unit: int | None) -> list[int]:
        """Return a unit and those above it."""
        return structure.line(self.units, unit)

    def ranked(self) -> list[Unit]:
        """Return the units that stand by themselves and lie within reach; a layer lies in all of them."""
        everywhere = self.scope.whole or bool(self.scope.layers)
        return [u for u in self.units.values() if u.kind in RANKED and (everywhere or u.id in self.scope.units)]

    def _places(self, stages: str) -> list[str]:
        first, _, last = stages.partition("-")
        if first not in NEUTRAL_STAGES or (last or first) not in NEUTRAL_STAGES:
            return []
        span = range(NEUTRAL_STAGES.index(first), NEUTRAL_STAGES.index(last or first) + 1)
        return [f"{number}:{stage.key}" for number, definition in self.definitions.items()
                for stage in definition.stages if seat(stage) in span]  # fmt: skip

    def stage_name(self, digest: str, key: str) -> Label:
        """Return the name of a stage as its definition has it."""
        found = next((d.by_key[key] for d in self.definitions.values() if d.hash == digest and key in d.by_key), None)
        return found.name if found else Label(zh=key, en=key)

    def layer_name(self, key: str) -> Label:
        """Return the name of a layer."""
        return self.college.layer_name(key)

    def track_name(self, layer: str, key: str) -> Label:
        """Return the name of a track."""
        found = self.college.config.track_by_key.get((layer, key))
        return found.name if found else Label(zh=key, en=key)

    def age(self, due: str) -> int:
        """Return in which of the spans of lateness a day lies."""
        return next(at for at, (first, _) in enumerate(self.ages) if due >= first)


def seat(stage: Stage) -> int:
    """Return the first neutral stage that a stage covers (engine rules, 3), by its place."""
    return min((NEUTRAL_STAGES.index(k) for k in stage.covers or (stage.key,) if k in NEUTRAL_STAGES), default=0)


def spans(definition: Definition) -> list[tuple[Stage, int, int]]:
    """Return the stages with the neutral ones that each stands over, so that all are parted among them."""
    first: dict[int, Stage] = {}
    for stage in definition.stages:
        first.setdefault(seat(stage), stage)
    edges = sorted(first)
    starts = [0, *edges[1:]]
    return [(first[edge], start, end) for edge, start, end in
            zip(edges, starts, [*starts[1:], len(NEUTRAL_STAGES)], strict=True)]  # fmt: skip


def _ages(calendar: Calendar, today: date) -> tuple[tuple[str, str], ...]:
    """Return the deadlines (from, to) of each span of lateness; a day off belongs to the working day after it."""
    floor, _, _ = bounds(calendar, today)
    to = (date.fromisoformat(floor) - timedelta(days=1)).isoformat()
    found: list[tuple[str, str]] = []
    for days in AGES:
        try:
            edge = calendar.back_working(today, days + 1) + timedelta(days=1)
        except CalendarGap:
            edge = today - timedelta(days=days)
        found.append((edge.isoformat(), to))
        to = (edge - timedelta(days=1)).isoformat()
    return (*found, (EVER.starts, to))


def quantile(counted: Mapping[int, int], share: float) -> int:
    """Return the least value that at least a share of all do not exceed."""
    wanted, seen = share * sum(counted.values()), 0
    for value in sorted(counted):
        seen += counted[value]
        if seen >= wanted:
            return value
    return 0


def of_units(survey: Survey, counted: Iterable[tuple[int, int, int]]) -> dict[int, tuple[int, int]]:
    """Return (all, met) for each unit with everything under it."""
    sums: dict[int, tuple[int, int]] = {}
    for unit, many, met in counted:
        for one in survey.line(unit):
            before = sums.get(one, (0, 0))
            sums[one] = (before[0] + many, before[1] + met)
    return sums


def labels(units: Sequence[Unit]) -> dict[int, Label]:
    """Return the names of units by number."""
    return {u.id: Label(zh=u.name_zh, en=u.name_en or u.name_zh) for u in units}
