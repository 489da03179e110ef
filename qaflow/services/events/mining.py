"""A college's journal as logs for process mining and for keeping: XES 2.0, OCEL 2.0 and lines of JSON, streamed.

Without names people are P1, P2, … in the order in which the log first meets them, subjects are numbers, and of each
fact only what an event may carry is told (`services/events/events`); so the numbers say nothing of the person beyond
these logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from qaflow.engine.dates import between
from qaflow.errors import Invalid, Missing
from qaflow.services.college import CollegeView, view
from qaflow.services.files import imports
from qaflow.services.work import AnySession
from qaflow.store import audit, mining
from qaflow.store.db import Driver, utc
from qaflow.store.journal import Entry

from . import log_journal, log_ocel, log_xes


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which part of the history; "" and None are all, both days count."""

    layer: str = ""
    first: date | None = None
    last: date | None = None
    names: bool = False


@dataclass
class Source:
    """One steady look at a college's history, and how people are called in this log."""

    driver: Driver
    college: int
    key: str
    layer: str
    span: dict[str, str]
    names: bool
    told: int = 0
    _called: dict[str, str] = field(default_factory=dict)

    def called(self, actor: str | None) -> str | None:
        """Return what a log calls an actor; the program's own accounts keep their names."""
        if actor is None or not actor.isdecimal():
            return actor
        if actor not in self._called:
            self._called[actor] = self._name(actor)
        return self._called[actor]

    def _name(self, actor: str) -> str:
        if not self.names:
            return f"P{len(self._called) + 1}"
        found = mining.names(self.driver, [int(actor)]).get(int(actor))
        return f"{found[1]} ({found[0]})" if found else actor

    def subject(self, number: int, code: str, name: str) -> str:
        """Return what a log calls a subject: it may be a teacher or a student."""
        return f"{code} {name}" if self.names else f"S{number}"

    def pages(self) -> Iterator[list[mining.Case]]:
        """Yield the cycles in pages."""
        return mining.cases(self.driver, self.college, self.layer)

    def facts(self, streams: list[str]) -> Iterator[Entry]:
        """Yield the entries of streams within the days that are wanted, and count them."""
        for entry in mining.facts(self.driver, streams, self.span):
            self.told += 1
            yield entry

    def histories(self, page: list[mining.Case]) -> dict[int, list[Entry]]:
        """Return the entries of a page's cycles."""
        found: dict[int, list[Entry]] = {case.id: [] for case in page}
        for entry in self.facts([f"cycle:{case.id}" for case in page]):
            found[int(entry.stream[6:])].append(entry)
        return found


KINDS: dict[str, Callable[[Source], Iterator[str]]] = {
    "xes": log_xes.lines, "ocel": log_ocel.lines, "journal": log_journal.lines,
}  # fmt: skip
"""What can be made of the journal."""


def export(session: AnySession, college: str | None, kind: str, wanted: Wanted,
           save: Callable[[Iterator[str]], None]) -> int:  # fmt: skip
    """Hand the text of a log to `save`, for the operator, as of one moment; returns how many facts it holds.

    `Missing` for a college that there is not, and as `told` refuses.
    """
    driver = audit.steady(session)
    try:
        chosen = imports.chosen_college(driver, college)
        return told(driver, view(session, driver, chosen.id), kind, wanted, save)
    finally:
        session.rollback()


def told(driver: Driver, of: CollegeView, kind: str, wanted: Wanted, save: Callable[[Iterator[str]], None]) -> int:
    """Hand the text of a college's log to `save`; returns how many facts it holds.

    `Invalid` for days that end before they begin, `Missing` for a layer that there is not.
    """
    if wanted.layer and wanted.layer not in {layer.key for layer in of.config.layers}:
        raise Missing("layer.not_found", f"no layer {wanted.layer!r}")
    source = Source(driver=driver, college=of.id, key=of.key, layer=wanted.layer, names=wanted.names,
                    span=_span(of.calendar.tz, wanted))  # fmt: skip
    save(KINDS[kind](source))
    return source.told


def _span(tz: Any, wanted: Wanted) -> dict[str, str]:
    if wanted.first and wanted.last and wanted.last < wanted.first:
        raise Invalid("export.days", "the last day is before the first")
    first, until = between(tz, wanted.first, wanted.last)
    return {"first": utc(first), "until": utc(until)}
