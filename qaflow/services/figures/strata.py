"""Strata and causes: how units, majors and classes differ in a point, and why warnings came, each within sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.engine.charts import Step
from qaflow.engine.definition import CATEGORIES, Label
from qaflow.engine.statistics import control_charts, rules
from qaflow.engine.statistics.constants import LARGEST
from qaflow.engine.statistics.control_charts import Panel
from qaflow.engine.statistics.rules import Finding
from qaflow.engine.statistics.strata import FEWEST, Strata, compared
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import analysis as rows
from qaflow.store import content, people
from qaflow.store.analysis import Cause, Latest, Month, Point
from qaflow.store.dashboard import Term, Unit, terms, units
from qaflow.store.db import Driver

from .analysis import LINES, Desk, opened, steps_of

WAYS = ("unit", "major", "class")
UP = 4  # parents that are asked for a subject's major
DEPARTMENTS = frozenset(("teaching", "functional"))
OUTSIDE = 1e300  # a bound that nothing reaches
UNNAMED = ""
ANY = "*"
MOST_PAGES = 1000

__all__ = ["ANY", "CATEGORIES", "UNNAMED", "WAYS", "Causes", "Chosen", "Comparison", "causes", "comparison"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A point's last readings of a term by groups, and the share beyond the limits month by month."""

    point: Point
    way: str
    term: str
    terms: tuple[Term, ...]
    strata: Strata  # its groups' names are the keys of `names`
    names: Mapping[str, Label]
    apart: int  # subjects that belong to no such group
    months: tuple[Month, ...]
    panels: Mapping[str, tuple[Panel, tuple[Finding, ...]]]  # p and u over the months, Xbar and R of small months


def comparison(session: AnySession, origin: Origin, me: SignedIn, number: int, way: str, term: str) -> Comparison:
    """Return the groups within sight side by side; those of fewer than five are hidden."""

    def body(desk: Desk) -> Comparison:
        point = desk.point(number)
        chosen = desk.term(term)
        first, last = desk.span(chosen)
        key = desk.params | {"first": first, "last": last, "point": number, "layer": point.layer}
        groups, names = _groups(desk.driver, desk.college.id, rows.latest(desk.driver, key), way)
        months = _months(desk, key, steps_of(desk, number, None)[-1])
        return Comparison(
            point=point, way=way, term=chosen, terms=tuple(terms(desk.driver, desk.college.id)), months=tuple(months),
            strata=compared({k: v for k, v in groups.items() if k}), names=names, apart=len(groups.get("", ())),
            panels={one.kind: (one, rules.findings(one)) for one in _panels(desk, key, months)},
        )  # fmt: skip

    return opened(session, origin, me, body)


def _months(desk: Desk, key: Mapping[str, Any], step: Step) -> list[Month]:
    """Return the months with readings of five subjects at least, and how many lay beyond the limits in force."""
    bounds = {"lower": -OUTSIDE if step.lower is None else step.lower,
              "upper": OUTSIDE if step.upper is None else step.upper}  # fmt: skip
    return [one for one in rows.months(desk.driver, {**key, **bounds}) if one.subjects >= FEWEST]


def _panels(desk: Desk, key: Mapping[str, Any], months: Sequence[Month]) -> list[Panel]:
    """Return the control charts over months; means and ranges only of months that are small enough for a range."""
    if len(months) < control_charts.FEWEST:
        return []
    found = [control_charts.proportions([(one.beyond, one.readings) for one in months]),
             control_charts.per_unit([(one.beyond, one.subjects) for one in months])]  # fmt: skip
    if max(one.readings for one in months) <= LARGEST:
        by: dict[str, list[float]] = {one.month: [] for one in months}
        for month, value in rows.values(desk.driver, key):
            if month in by:
                by[month].append(value)
        found += control_charts.means_and_ranges(list(by.values()))
    return found


def _groups(driver: Driver, college: int, latest: Sequence[Latest],
            way: str) -> tuple[dict[str, list[float]], dict[str, Label]]:  # fmt: skip
    """Return readings by group, and the groups' names; "" is for subjects that belong to none."""
    if way == "major":
        of, names = _majors(driver, college, {one.parent for one in latest if one.parent is not None})
        keys = [of.get(one.parent or 0, "") for one in latest]
    else:
        tree = {unit.id: unit for unit in units(driver, college)}
        names = {str(u.id): Label(zh=u.name_zh, en=u.name_en or u.name_zh) for u in tree.values()}
        keys = [_unit(tree, one.unit, way) for one in latest]
    found: dict[str, list[float]] = {}
    for key, one in sorted(zip(keys, latest, strict=True)):
        found.setdefault(key, []).append(one.value)
    return found, names


def _unit(tree: Mapping[int, Unit], number: int, way: str) -> str:
    """Return the department or class in which a unit lies; one that lies in no department stands for itself."""
    seen: set[int] = set()
    at: int | None = number
    while at is not None and at in tree and at not in seen:
        seen.add(at)
        unit = tree[at]
        if (unit.kind == "class") if way == "class" else (unit.kind in DEPARTMENTS):
            return str(at)
        at = unit.parent
    return "" if way == "class" else str(number)


def _majors(driver: Driver, college: int, parents: set[int]) -> tuple[dict[int, str], dict[str, Label]]:
    """Return the major above each of some subjects, and the majors' names."""
    known: dict[int, tuple[str, str, int | None]] = {}
    wanted = set(parents)
    for _ in range(UP):
        found = rows.above(driver, college, sorted(wanted - known.keys()))
        known |= {number: (layer, name, parent) for number, layer, name, parent in found}
        wanted = {parent for _, _, parent in known.values() if parent is not None}
    of = {number: _major(known, number) for number in parents}
    return of, {key: Label(zh=known[int(key)][1], en=known[int(key)][1]) for key in of.values() if key}


def _major(known: Mapping[int, tuple[str, str, int | None]], number: int | None) -> str:
    for _ in range(UP):
        if number is None or number not in known:
            return ""
        layer, _name, parent = known[number]
        if layer == "major":
            return str(number)
        number = parent
    return ""


class Chosen(NamedTuple):
    """What is counted: warnings opened in a term, of a layer, of a unit with all under it ("" and 0 are all)."""

    term: str = ""
    layer: str = ""
    unit: int = 0
    category: str = ANY
    page: int = 1


@dataclass(frozen=True, kw_only=True)
class Causes:
    """Warnings by the kind of their cause, and a page of the list behind."""

    chosen: Chosen
    many: Mapping[str, int]  # each of `CATEGORIES`, and "" for those without one
    lines: tuple[tuple[Cause, str | None], ...]  # with the cause's words; None: none was named, or it was erased
    more: bool
    terms: tuple[Term, ...]
    layers: Mapping[str, Label]
    units: tuple[Unit, ...]


def causes(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Causes:
    """Return how many warnings within sight came by each kind of cause, and those of one kind; no false alarms."""

    def body(desk: Desk) -> Causes:
        first, last = desk.span(chosen.term)
        below = people.units_below(desk.driver, desk.college.id, [chosen.unit]) if chosen.unit else []
        tree = {unit.id: unit for unit in units(desk.driver, desk.college.id)}
        key = desk.params | {
            "first": first, "last": last, "layer": chosen.layer, "anywhere": not chosen.unit,
            "units": [unit for unit in below if unit in tree], "category": chosen.category, "limit": LINES + 1,
            "offset": (chosen.page - 1) * LINES,
        }  # fmt: skip
        counted = rows.by_category(desk.driver, key)
        found = rows.causes(desk.driver, key)
        texts = content.get_many(desk.driver, sorted({one.cause for one in found if one.cause}))
        return Causes(
            chosen=chosen, many={name: counted.get(name, 0) for name in (*CATEGORIES, UNNAMED)},
            lines=tuple((one, texts.get(one.cause or "")) for one in found[:LINES]), more=len(found) > LINES,
            terms=tuple(terms(desk.driver, desk.college.id)), layers=desk.names,
            units=tuple(u for u in tree.values() if u.kind in DEPARTMENTS),
        )  # fmt: skip

    return opened(session, origin, me, body)
