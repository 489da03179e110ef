"""The list of cycles that a person may see, and by what it can be narrowed; nothing else is counted or shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine.calendar import Term
from qaflow.engine.definition import Label
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.desk.inbox import AHEAD, ANY, LATE, TODAY, WEEK, bounds
from qaflow.services.work import AnySession, Origin
from qaflow.store import cycle_list as rows
from qaflow.store.cycle_list import SORTS, STATUS, Facet, Kind, Row, Unit
from qaflow.store.db import Driver, reading
from qaflow.store.keyset import Place

LINES = 50
NAMES = ("layer", "track", "stage", "unit", "when")

__all__ = ["AHEAD", "ANY", "LATE", "NAMES", "SORTS", "STATUS", "TODAY", "WEEK", "Chosen", "Listed", "listed"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a person looks at ("", 0 and `ANY` are all), and the place after which to go on."""

    layer: str = ""
    track: str = ""
    stage: str = ""
    unit: int = 0
    when: int = ANY
    status: str = "live"
    term: str = ""
    q: str = ""
    sort: str = "due"
    after: Place | None = None
    lines: int = LINES  # of one page

    def fits(self, facet: Facet, under: frozenset[int], but: str = "") -> bool:
        """Tell whether the filters let a facet through, one of them left aside; a unit holds those under it."""
        plain = all(not value or name == but or getattr(facet, name) == value for name, value in
                    (("layer", self.layer), ("track", self.track), ("stage", self.stage)))  # fmt: skip
        placed = but == "unit" or not self.unit or facet.unit in under
        return plain and placed and (but == "when" or self.when in (ANY, facet.when))


class Line(NamedTuple):
    """One cycle with the names of its college."""

    row: Row
    layer: Label
    track: Label
    stage: Label
    unit: Label


class Choice(NamedTuple):
    """One value of a filter and how much it would show."""

    value: Any
    name: Label | None
    many: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of the list, how many it holds in all, and what it can be narrowed by."""

    chosen: Chosen
    lines: tuple[Line, ...] = ()
    total: int = 0
    late: int = 0
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()
    term: Term | None = None
    following: Place | None = None


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of the cycles that a person may see; none where they belong to no college."""
    if me.college is None:
        return Listed(chosen=chosen)
    driver = reading(session)
    try:
        return _Reading(session, driver, view(session, driver, me.college), me.person, origin, chosen).answer()
    finally:
        session.rollback()


class _Reading:
    """One look at the list: what is asked of the database and how its answers are named."""

    def __init__(self, session: AnySession, driver: Driver, college: CollegeView, person: int, origin: Origin,
                 chosen: Chosen) -> None:  # fmt: skip
        self.session, self.driver, self.college, self.chosen = session, driver, college, chosen
        self.today = college.calendar.local_day(origin.now)
        layers = [layer.key for layer in college.config.layers]
        self.reach = policy.reach(driver, college.id, layers, person, self.today.isoformat())
        self.units = {unit.id: unit for unit in rows.units(driver, college.id)}
        self.under = _under(self.units, chosen.unit)
        self.term = _term(college.calendar.terms, chosen.term)
        whole = set(layers) <= set(self.reach.layers)
        self.kind = Kind(whole, chosen.status, self.term is not None, bool(chosen.q))

    def answer(self) -> Listed:
        chosen, params = self.chosen, self.params()
        facets = rows.facets(self.driver, self.kind, params)
        shown = [f for f in facets if chosen.fits(f, self.under)]
        found = rows.page(self.driver, self.kind, params, chosen.sort, chosen.after) if shown else []
        page = found[: chosen.lines]
        return Listed(
            chosen=chosen, lines=tuple(self.line(one.row) for one in page), total=sum(f.many for f in shown),
            late=sum(f.many for f in shown if f.when == LATE), choices=self.choices(facets), term=self.term,
            terms=self.college.calendar.terms, following=page[-1].place if len(found) > len(page) else None,
        )  # fmt: skip

    def params(self) -> dict[str, Any]:
        chosen, term = self.chosen, self.term
        floor, now, week = bounds(self.college.calendar, self.today)
        ids = sorted({int(one.partition(":")[0]) for one in self.reach.persons})
        return self.reach.params | {
            "s_ids": ids, "college": self.college.id, "floor": floor, "today": now, "week": week,
            "term_first": term.starts.isoformat() if term else "", "term_last": term.ends.isoformat() if term else "",
            "q": f"%{_literal(chosen.q)}%", "layer": chosen.layer, "track": chosen.track, "stage": chosen.stage,
            "anywhere": not chosen.unit, "units": sorted(self.under), "when": chosen.when,
            "limit": chosen.lines + 1,
        }  # fmt: skip

    def line(self, row: Row) -> Line:
        definition = compiled(self.session, self.driver, row.definition).definition
        track = self.college.config.track_by_key.get((row.layer, row.track))
        unit = self.units.get(row.unit)
        stage = definition.by_key.get(row.stage)
        return Line(row, self.layers.get(row.layer, _same(row.layer)), track.name if track else definition.name,
                    stage.name if stage else _same(row.stage), _unit(unit) if unit else _same(""))  # fmt: skip

    @property
    def layers(self) -> dict[str, Label]:
        return {layer.key: layer.name for layer in self.college.config.layers}

    def choices(self, facets: Sequence[Facet]) -> dict[str, tuple[Choice, ...]]:
        tracks = {key: track.name for (layer, key), track in self.college.config.track_by_key.items()
                  if self.chosen.layer in ("", layer)}  # fmt: skip
        named: dict[str, Mapping[Any, Label]] = {
            "layer": self.layers, "track": tracks, "stage": self.stages(facets),
            "unit": {key: _unit(unit) for key, unit in self.units.items()}, "when": {},
        }  # fmt: skip
        return {name: self.values(facets, name, named[name]) for name in NAMES}

    def stages(self, facets: Sequence[Facet]) -> dict[str, Label]:
        """Return the stages' names in the order in which their definitions walk them."""
        wanted = {(f.stage, f.definition) for f in facets if self.chosen.layer in ("", f.layer)}
        hashes = rows.hashes(self.driver, {number for _, number in wanted}) if wanted else {}
        found: dict[str, Label] = {}
        for digest in hashes.values():
            definition = compiled(self.session, self.driver, digest).definition
            found |= {s.key: s.name for s in definition.stages if s.key not in found}
        return found

    def values(self, facets: Sequence[Facet], name: str, named: Mapping[Any, Label]) -> tuple[Choice, ...]:
        sums: dict[Any, int] = {}
        for facet in facets:
            if self.chosen.fits(facet, self.under, name):
                sums[getattr(facet, name)] = sums.get(getattr(facet, name), 0) + facet.many
        order = {key: at for at, key in enumerate(named)}
        keys = sorted(sums, key=lambda key: (order.get(key, len(order)), str(key)))
        return tuple(Choice(key, named.get(key), sums[key]) for key in keys)


def _under(units: Mapping[int, Unit], root: int) -> frozenset[int]:
    """Return a unit with all units under it."""
    found, size = {root}, 0
    while root and size != len(found):
        size = len(found)
        found |= {unit.id for unit in units.values() if unit.parent in found}
    return frozenset(found)


def _term(terms: Sequence[Term], wanted: str) -> Term | None:
    """Return the term of a key or of a day in it; None where there is none such."""
    try:
        of_day = date.fromisoformat(wanted)
    except ValueError:
        return next((term for term in terms if term.key == wanted), None)
    return next((term for term in terms if of_day in term), None)


def _literal(text: str) -> str:
    """Return a text so that a pattern takes it word by word."""
    return text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _unit(unit: Unit) -> Label:
    return Label(zh=unit.zh, en=unit.en or unit.zh)


def _same(text: str) -> Label:
    return Label(zh=text, en=text)
