"""The month grid (部门工作任务完成情况一览表): how a task of the year stands in each month, reckoned from its days.

The months and their order are the college's own: the table of document 003 runs from January to December without
July and August, table 6 of document 004 through all twelve.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

PLANNED, GOING, DONE, LATE, DROPPED = "planned", "going", "done", "late", "dropped"
STATES = (DONE, GOING, LATE, PLANNED, DROPPED)
"""How a whole task stands; *late* follows from its finish and the day."""
NOTED = (PLANNED, GOING, DONE, LATE)
"""What a unit may note of a month; a month of which nothing is to be said is empty."""
ALL_YEAR = tuple(range(1, 13))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the grid needs to know of a task; `notes` are the states noted, by month as ``YYYY-MM``."""

    state: str  # planned going done dropped
    starts: date | None = None
    due: date | None = None
    done: date | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


def month_of(day: date) -> str:
    """Return the month of a day as ``YYYY-MM``."""
    return f"{day.year:04}-{day.month:02}"


def year_of(numbers: Sequence[int], day: date) -> int:
    """Return the year of the grid in which a day lies: the civil year in which it begins."""
    return day.year if day.month >= numbers[0] else day.year - 1


def months(numbers: Sequence[int], year: int) -> tuple[str, ...]:
    """Return the months of a grid's year in its own order; after the turn of the year they are the next one's."""
    found, before = [], 0
    for number in numbers:
        year += number < before
        found.append(f"{year:04}-{number:02}")
        before = number
    return tuple(found)


def span(numbers: Sequence[int], year: int) -> tuple[date, date]:
    """Return the first and the last day of a grid's year: twelve months, also those that it leaves out."""
    return date(year, numbers[0], 1), date(year + 1, numbers[0], 1) - timedelta(days=1)


def standing(entry: Entry, today: date) -> str:
    """Return how a task stands today: its own state, or late where its finish has passed (engine rules, 1)."""
    if entry.state in (DONE, DROPPED):
        return entry.state
    return LATE if entry.due is not None and entry.due < today else entry.state


def cell(entry: Entry, month: str, today: date) -> str | None:
    """Return how a task stands in a month, None where nothing is to be said of it.

    A task past its finish is late from the month of its finish to the present one, whatever was noted; else the note
    counts; else what follows from its days.
    """
    if _late(entry, month, today):
        return LATE
    noted = entry.notes.get(month)
    if noted is not None or entry.state == DROPPED:
        return noted
    first, last = _reach(entry, today)
    if first is None or last is None or not first <= month <= last:
        return None
    if entry.state == DONE:
        return DONE
    return GOING if entry.state == GOING and month <= month_of(today) else PLANNED


def _late(entry: Entry, month: str, today: date) -> bool:
    """Tell whether the finish had passed and the task was still open in a month."""
    if entry.due is None or entry.state == DROPPED or not month_of(entry.due) <= month <= month_of(today):
        return False
    if entry.state != DONE:
        return entry.due < today
    return entry.done is not None and entry.due < entry.done and month < month_of(entry.done)


def _reach(entry: Entry, today: date) -> tuple[str | None, str | None]:
    """Return the first and the last month in which a task is to be seen."""
    now = month_of(today)
    due = month_of(entry.due) if entry.due else None
    if entry.state == DONE:
        last = month_of(entry.done) if entry.done else due
    else:
        last = due or (now if entry.state == GOING else None)
    if entry.starts is not None:
        first: str | None = month_of(entry.starts)
    else:
        first = min(last, now) if last is not None and entry.state == GOING else last
    return first, last or first


def row(entry: Entry, of: Iterable[str], today: date) -> tuple[str | None, ...]:
    """Return how a task stands in each of some months."""
    return tuple(cell(entry, month, today) for month in of)


def counts(entries: Iterable[Entry], today: date) -> dict[str, int]:
    """Return how many tasks stand how."""
    found = Counter(standing(entry, today) for entry in entries)
    return {state: found[state] for state in STATES}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far work has come and how far it should have, as shares of one."""

    made: float
    planned: float


def progress(entry: Entry, of: Sequence[str], today: date) -> Progress:
    """Return how far a task has come: its months done, and those that have passed, of all in which it runs.

    The sources ask for progress on one page (002 §4.2) and say no formula; this one is qaflow's own.
    """
    if entry.state == DONE:
        return Progress(made=1.0, planned=1.0)
    cells = [(month, found) for month, found in zip(of, row(entry, of, today), strict=True) if found is not None]
    overdue = standing(entry, today) == LATE
    if not cells:
        return Progress(made=0.0, planned=float(overdue))
    made = sum(found == DONE for _, found in cells) / len(cells)
    passed = sum(month < month_of(today) for month, _ in cells) / len(cells)
    return Progress(made=made, planned=1.0 if overdue else passed)


def together(found: Sequence[Progress]) -> Progress:
    """Return the mean over tasks; of none nothing was made and nothing planned."""
    many = len(found) or 1
    return Progress(made=sum(p.made for p in found) / many, planned=sum(p.planned for p in found) / many)
