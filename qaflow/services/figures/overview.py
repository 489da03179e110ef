"""What a person's roles cover, in figures: goals, warnings, rounds and tasks, with trends and the lists behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.engine.definition import Label
from qaflow.errors import Invalid
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import overview as rows
from qaflow.store.overview import SPANS, WHATS, Facet

from .looking import Desk, Span, opened

LINES = 50
MOST_PAGES = 1000
OWN = 20
"""So many subjects for which somebody answers are named on the page; the others are in the list of portraits."""

__all__ = ["OWN", "WHATS", "Behind", "Chosen", "Overview", "Section", "Span", "behind", "look"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is listed: the number, of one layer or kind of task, of one span ("" is all)."""

    what: str = "running"
    group: str = ""
    span: str = ""
    page: int = 1


class Row(NamedTuple):
    """One layer's (or kind of task's) numbers, by what they count."""

    group: str
    name: Label | None
    numbers: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the overview: the numbers in all and by group, and what of them lies in each span of time."""

    key: str
    rows: tuple[Row, ...]
    total: Mapping[str, int]
    spans: tuple[Span, ...]
    trend: Mapping[str, tuple[int, ...]]

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to count and never was."""
        return not any(self.total.values()) and not any(map(any, self.trend.values()))


class Own(NamedTuple):
    """A subject for which the reader answers."""

    id: int
    name: str
    layer: Label


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The page: what is covered, in four sections, and the reader's own subjects."""

    whole: bool
    covers: bool
    lists: bool  # every number opens its list; a committee reads sums alone
    sections: tuple[Section, ...]
    own: tuple[Own, ...]
    more_own: int


SECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "goals": (("goals",), ("goals", "attained", "missed", "unmeasured"), ("goals_ended", "goals_met")),
    "warnings": (("warnings",), ("warnings", "major", "minor"), ("opened", "settled")),
    "rounds": (("rounds", "closed"), ("running", "late", "complete", "incomplete"), ("complete", "incomplete")),
    "tasks": (("tasks",), ("tasks", "tasks_done", "tasks_going", "tasks_planned", "tasks_late"),
              ("tasks", "tasks_done")),
}  # fmt: skip
"""Each section's kinds of rows, its numbers, and those of which it shows a trend."""


def look(session: AnySession, origin: Origin, me: SignedIn) -> Overview:
    """Return the figures of what a person's roles and responsibility cover."""
    if me.college is None:
        return Overview(whole=False, covers=False, lists=False, sections=(), own=(), more_own=0)
    return opened(session, origin, me, _look, kinds=policy.LOOKS_AFTER)


def _look(desk: Desk) -> Overview:
    own, many = rows.own(desk.driver, desk.shared, OWN)
    sections = tuple(_section(desk, key) for key in SECTIONS)
    reach = desk.reach
    return Overview(
        whole=desk.whole, lists=desk.opens, sections=sections, more_own=many - len(own),
        covers=bool(many or reach.layers or reach.units or reach.subjects),
        own=tuple(Own(number, name, desk.names.get(layer, Label(zh=layer, en=layer))) for number, name, layer in own),
    )  # fmt: skip


def _section(desk: Desk, key: str) -> Section:
    kinds, numbers, trend = SECTIONS[key]
    found = {kind: rows.facets(desk.driver, kind, desk.whole, desk.params(kind)) for kind in kinds}
    groups = sorted({f.group for facets in found.values() for f in facets}, key=_order(desk))
    spans = desk.spans(kinds[-1])
    lines = [Row(group, desk.named(key, group), {what: _sum(found, what, group) for what in numbers})
             for group in groups]  # fmt: skip
    return Section(
        key=key, rows=tuple(line for line in lines if any(line.numbers.values())), spans=spans,
        total={what: sum(line.numbers[what] for line in lines) for what in numbers},
        trend={what: _over(found, what, len(spans)) for what in trend},
    )  # fmt: skip


def _order(desk: Desk) -> Callable[[str], tuple[int, str]]:
    order = {key: at for at, key in enumerate((*desk.names, *TASK_KINDS))}
    return lambda group: (order.get(group, len(order)), group)


TASK_KINDS = ("key", "routine", "ad_hoc")


def _sum(found: Mapping[str, Sequence[Facet]], what: str, group: str) -> int:
    of = WHATS[what]
    return sum(f.many for f in found[of.kind] if f.group == group and f.state in of.states)


def _over(found: Mapping[str, Sequence[Facet]], what: str, many: int) -> tuple[int, ...]:
    of, sums = WHATS[what], [0] * SPANS
    for facet in found[of.kind]:
        at = facet.spans.get(of.time, -1)
        if at >= 0 and facet.state in of.states:
            sums[at] += facet.many
    return tuple(sums[:many])


class Behind(NamedTuple):
    """A page of the list behind a number."""

    kind: str
    many: int
    lines: tuple[tuple[Any, ...], ...]
    more: bool
    group: Label | None
    span: Span | None
    names: Mapping[str, Label]


def behind(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Behind:
    """Return a page of what a number counts, by the same condition."""
    if chosen.what not in WHATS or not 1 <= chosen.page <= MOST_PAGES:
        raise Invalid("query.unknown", f"no list {chosen.what!r}")
    return opened(session, origin, me, lambda desk: _behind(desk, chosen))


def _behind(desk: Desk, chosen: Chosen) -> Behind:
    what = WHATS[chosen.what]
    span = next((s for s in desk.spans(what.kind) if s.key == chosen.span), None) if what.time else None
    offset = (chosen.page - 1) * LINES
    params = desk.params(what.kind) | {
        "states": list(what.states), "group": chosen.group, "ever": span is None, "limit": LINES, "offset": offset,
        "from": desk.edge(what.kind, span.first) if span else "",
        "to": desk.edge(what.kind, span.following) if span else "",
    }  # fmt: skip
    many, lines = rows.page(desk.driver, chosen.what, desk.whole, params)
    group = desk.named(what.kind, chosen.group) if chosen.group else None
    return Behind(what.kind, many, tuple(lines), many > offset + LINES, group, span, desk.names)
