"""The chains seen across: the matrix of systems and layers (五纵五横), and a year's plan beside the last year's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from qaflow.engine import chain_findings as engine
from qaflow.engine.chains import Rolled
from qaflow.engine.college import SYSTEMS
from qaflow.engine.definition import Label
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import chain_reads, chain_tasks, chain_years
from qaflow.store import chains as rows
from qaflow.store.chain_tasks import TaskRow
from qaflow.store.chains import Entry

from .book import Book, Chosen, opened
from .trees import LINES, MOST_PAGES, measured, spread

NO_SYSTEM = "none"
"""What lies with a unit of none of the five systems, or with no unit."""


class Cell(NamedTuple):
    """What one system does for one layer."""

    goals: int
    standards: int
    tasks: int

    @property
    def gap(self) -> str:
        """What is missing: ``all``, ``goals``, ``standards``, or nothing."""
        if not self.goals and not self.standards:
            return "all"
        return "" if self.goals and self.standards else "standards" if self.goals else "goals"


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Goals, standards and tasks by system and layer."""

    book: Book
    layers: tuple[tuple[str, Label], ...]
    cells: Mapping[tuple[str, str], Cell]  # (system, layer)
    years: tuple[str, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        """The five systems, and the rest where there is any."""
        rest = any(any(cell[:3]) for (system, _), cell in self.cells.items() if system == NO_SYSTEM)
        return (*SYSTEMS, NO_SYSTEM) if rest else SYSTEMS

    @property
    def gaps(self) -> int:
        """How many of the cells of the five systems hold neither goal nor standard."""
        return sum(cell.gap == "all" for (system, _), cell in self.cells.items() if system != NO_SYSTEM)


def matrix(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Matrix:
    """Return how many goals, standards and tasks each system has for each layer."""
    try:
        book = opened(session, origin, me, Chosen(year=chosen.year))
        goals, standards = (rows.cells(book.driver, table, book.params) for table in ("goal", "standard"))
        tasks = Counter((t.layer, t.system) for t in chain_tasks.tasks(book.driver, book.tasks, year=chosen.year))
        layers = [layer.key for layer in book.college.config.layers]
        layers += sorted({layer for found in (goals, standards, tasks) for layer, _ in found} - set(layers))
        cells = {(system, layer): Cell(*(found.get((layer, system), 0) for found in (goals, standards, tasks)))
                 for system in (*SYSTEMS, NO_SYSTEM) for layer in layers}  # fmt: skip
        return Matrix(book=book, layers=tuple((key, book.layer_name(key)) for key in layers), cells=cells,
                      years=tuple(rows.years(book.driver, book.college.id)))  # fmt: skip
    finally:
        session.rollback()


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """A page of the tasks that a cell of the matrix counts."""

    book: Book
    many: int
    tasks: tuple[TaskRow, ...]
    more: bool


def tasks(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Tasks:
    """Return the tasks of a layer and a system."""
    try:
        book = opened(session, origin, me, chosen)
        found = [t for t in chain_tasks.tasks(book.driver, book.tasks, chosen.under, chosen.year)
                 if chosen.layer in ("", t.layer) and chosen.system in ("", t.system)]  # fmt: skip
        offset = (min(max(chosen.page, 1), MOST_PAGES) - 1) * LINES
        return Tasks(book=book, many=len(found), tasks=tuple(found[offset : offset + LINES]),
                     more=len(found) > offset + LINES)  # fmt: skip
    finally:
        session.rollback()


class Line(NamedTuple):
    """A goal of this year beside the same one of the year before; one of them may be missing."""

    now: Entry | None
    before: Entry | None
    rolled: Rolled | None  # of this year's
    share: float | None
    share_before: float | None

    @property
    def depth(self) -> int:
        """How far under its topmost goal this year's stands."""
        return self.rolled.depth if self.rolled else 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A year's plan: its goals in the order of the tree, beside last year's; then what was not continued."""

    book: Book
    year: str
    years: tuple[str, ...]
    lines: tuple[Line, ...]
    ended: tuple[Line, ...]


def plan(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Plan:
    """Return a year's plan, the running year's unless another is chosen."""
    try:
        book = opened(session, origin, me, chosen)
        years = rows.years(book.driver, book.college.id)
        begun = [y for y in years if y <= str(book.today.year)]
        year = chosen.year or (begun or years or [str(book.today.year)])[-1]
        last = str(int(year) - 1) if year.isdecimal() else ""
        told, reads = spread(book), chain_reads.reads(book.driver, book.college.id)
        now, before = ({e.id: e for e in chain_years.of_year(book.driver, book.college.id, y)} for y in (year, last))
        order = [i for i in told if i in now and now[i].retired_at is None]
        pairs = engine.compare({i: (e.key, e.text_zh) for i, e in before.items()},
                               {i: (now[i].key, now[i].text_zh) for i in order})  # fmt: skip

        def share(entry: Entry | None) -> float | None:
            rolled = told[entry.id].rolled if entry and entry.id in told else None
            return rolled.value if rolled else measured(entry, reads) if entry else None

        lines = [Line(now.get(m.now or 0), before.get(m.before or 0), told[m.now].rolled if m.now else None,
                      share(now.get(m.now or 0)), share(before.get(m.before or 0))) for m in pairs]  # fmt: skip
        return Plan(book=book, year=year, years=tuple(years), lines=tuple(one for one in lines if one.now),
                    ended=tuple(one for one in lines if one.now is None))  # fmt: skip
    finally:
        session.rollback()
