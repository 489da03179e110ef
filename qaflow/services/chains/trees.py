"""The chains of goals and standards as people read them: the tree with its attainment, lists, one goal, one standard.

Entries of plans (without a subject) are read by everybody of the college with any role but the administrator's; those
of a subject by whoever may see the subject.  What others' subjects attain enters a sum only where at least `FEW` of
them are unseen, so that no sum tells of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qaflow.engine import chains as engine
from qaflow.engine.chains import Node, Pool, Rolled
from qaflow.errors import Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import chain_reads, chain_tasks
from qaflow.store import chains as rows
from qaflow.store.chain_tasks import TaskRow
from qaflow.store.chains import Entry

from .book import Book, Chosen, opened

FEW = 5
"""Groups of fewer subjects, teachers or students are not shown (issue 4, 3)."""
LINES = 50
MOST_PAGES = 1000


class Told(NamedTuple):
    """A goal with its roll-up, and how many goals of subjects that the person sees lie directly under it."""

    entry: Entry
    rolled: Rolled
    subjects: int
    fits: bool = True  # by the filters; else it is shown for what lies under it


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The goals of all layers, each after the one above it."""

    book: Book
    lines: tuple[Told, ...]
    years: tuple[str, ...]
    whole: int


def tree(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Tree:
    """Return the tree, narrowed to what fits and what stands above it."""
    try:
        book = opened(session, origin, me, chosen)
        told = spread(book)
        fitting = _fitting(book, told)
        kept = fitting | {up for i in fitting for up in engine.above({n: t.entry.above for n, t in told.items()}, i)}
        lines = [one._replace(fits=i in fitting) for i, one in told.items() if i in kept]
        years = rows.years(book.driver, book.college.id)
        return Tree(book=book, lines=tuple(lines), years=tuple(years), whole=len(told))
    finally:
        session.rollback()


def _fitting(book: Book, told: Mapping[int, Told]) -> set[int]:
    """Return the goals that the filters mean."""
    chosen, units_ = book.chosen, set(book.params["units"])
    return {
        i for i, (e, *_) in told.items()
        if chosen.layer in ("", e.layer) and chosen.kind in ("", e.kind) and chosen.owner in (0, e.owner)
        and (not chosen.unit or e.owner_unit in units_) and in_year(e, chosen.year)
    }  # fmt: skip


def in_year(entry: Entry, year: str) -> bool:
    """Tell whether a goal belongs to a year: its period begins in it, or lasts through it, or it has none."""
    if not year or entry.starts is None or entry.starts[:4] == year:
        return True
    return entry.starts < f"{year}-01-01" and (entry.ends or "9999") >= f"{year}-12-31"


def spread(book: Book) -> dict[int, Told]:
    """Return every goal of the tree that the person sees, each after the one above it, with its roll-up."""
    inner = rows.inner(book.driver, book.reach.params | {"college": book.college.id})
    pooled = rows.pools(book.driver, book.reach.params | {"college": book.college.id})
    hidden = _hidden(inner, pooled)
    reads = chain_reads.reads(book.driver, book.college.id)
    nodes = [Node(id=e.id, parent=e.above if e.above not in hidden or seen else None, weight=e.weight,
                  own=measured(e, reads), grouped=e.subject is not None) for e, seen in inner]  # fmt: skip
    rolled = engine.rollup(nodes, _pools(pooled, hidden))
    many = {p.parent: p.many for p in pooled if p.seen}
    for entry, seen in inner:
        if seen and entry.subject is not None and entry.above is not None:
            many[entry.above] = many.get(entry.above, 0) + 1
    shown = {e.id: e for e, seen in inner if seen}
    return {i: Told(shown[i], one, many.get(i, 0)) for i, one in rolled.items() if i in shown}


def measured(entry: Entry, reads: Mapping[int, Sequence[Any]]) -> float | None:
    """Return how far a goal is attained by its own measure: its control point's, its stated value, its degree."""
    value = reads[entry.id][3] if entry.id in reads else entry.attained
    share = engine.attainment(value, entry.target, entry.direction)
    if share is None and entry.degree is not None:
        return min(1.0, max(0.0, entry.degree / 100))
    return share


def _hidden(inner: Sequence[tuple[Entry, bool]], pooled: Sequence[rows.PoolRow]) -> set[int]:
    """Return the goals whose unseen subjects are too few to be told together."""
    unseen: dict[int, int] = {p.parent: p.subjects for p in pooled if not p.seen}
    for entry, seen in inner:
        if not seen and entry.above is not None:
            unseen[entry.above] = unseen.get(entry.above, 0) + 1
    return {goal for goal, many in unseen.items() if many < FEW}


def _pools(pooled: Sequence[rows.PoolRow], hidden: set[int]) -> dict[int, Pool]:
    """Return what is counted together under each goal."""
    found: dict[int, Pool] = {}
    for one in pooled:
        if one.seen or one.parent not in hidden:
            sums = Pool(*one.sums)
            before = found.get(one.parent, Pool())
            found[one.parent] = Pool._make(a + b for a, b in zip(before, sums, strict=True))
    return found


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of goals or standards."""

    book: Book
    table: str
    many: int
    entries: tuple[Entry, ...]
    shares: Mapping[int, float | None]
    more: bool
    years: tuple[str, ...]


def listed(session: AnySession, origin: Origin, me: SignedIn, table: str, chosen: Chosen,
           ids: Sequence[int] | None = None) -> Listed:  # fmt: skip
    """Return a page of the goals or standards that a choice means; with ``ids``, of those."""
    try:
        book = opened(session, origin, me, chosen)
        offset = (min(max(chosen.page, 1), MOST_PAGES) - 1) * LINES
        if ids is None:
            many, found = rows.page(book.driver, table, book.params, LINES, offset)
        else:
            many, found = len(ids), rows.entries(book.driver, table, book.college.id, ids[offset : offset + LINES])
        return made(book, table, many, found, offset)
    finally:
        session.rollback()


def made(book: Book, table: str, many: int, found: Sequence[Entry], offset: int) -> Listed:
    """Return a page of a list."""
    reads = chain_reads.reads(book.driver, book.college.id) if table == "goal" else {}
    return Listed(book=book, table=table, many=many, entries=tuple(found), more=many > offset + LINES,
                  shares={e.id: measured(e, reads) for e in found} if table == "goal" else {},
                  years=tuple(rows.years(book.driver, book.college.id)))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GoalPage:
    """One goal: where it stands in the tree, what lies under it, its standards and tasks."""

    book: Book
    entry: Entry
    told: Told | None  # its roll-up, where it stands in the tree
    share: float | None
    line: tuple[Entry, ...]  # the goals above, the topmost first
    below: tuple[Told, ...]
    ends: tuple[Entry, ...]  # goals of subjects directly under it, a few
    ends_many: int
    standards: tuple[Entry, ...]
    tasks: tuple[TaskRow, ...]
    may_keep: bool
    reads: tuple[Any, ...] | None


def goal(session: AnySession, origin: Origin, me: SignedIn, number: int) -> GoalPage:
    """Return one goal; `Missing` where it is not there or not theirs to see."""
    try:
        book = opened(session, origin, me, Chosen(under=number), f"goal {number}")
        entry, told = book.one("goal", number), spread(book)
        reads = chain_reads.reads(book.driver, book.college.id)
        ups = [i for i in rows.upward(book.driver, book.college.id, number) if i != number]
        line = [e for e in rows.entries(book.driver, "goal", book.college.id, ups) if e.id in told]
        many, ends = rows.page(book.driver, "goal", book.params, LINES, 0)
        _, standards = rows.page(book.driver, "standard", book.params, LINES, 0)
        return GoalPage(
            book=book, entry=entry, told=told.get(number), share=measured(entry, reads), line=tuple(reversed(line)),
            below=tuple(t for t in told.values() if t.entry.above == number),
            ends=tuple(e for e in ends if e.id not in told), ends_many=many, standards=tuple(standards),
            tasks=tuple(chain_tasks.tasks(book.driver, book.tasks, number)), may_keep=book.may_keep(entry),
            reads=tuple(reads[number]) if number in reads else None,
        )  # fmt: skip
    finally:
        session.rollback()


@dataclass(frozen=True, kw_only=True)
class StandardPage:
    """One standard, and the goal it is the yardstick of."""

    book: Book
    entry: Entry
    goal: Entry | None
    may_keep: bool


def standard(session: AnySession, origin: Origin, me: SignedIn, number: int) -> StandardPage:
    """Return one standard; `Missing` where it is not there or not theirs to see."""
    try:
        book = opened(session, origin, me, thing=f"standard {number}")
        entry = book.one("standard", number)
        try:
            over = book.one("goal", entry.above) if entry.above is not None else None
        except Missing:
            over = None  # of a subject that the reader does not see
        return StandardPage(book=book, entry=entry, goal=over, may_keep=book.may_keep(entry))
    finally:
        session.rollback()
