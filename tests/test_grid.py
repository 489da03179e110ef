"""The month grid's arithmetic: states, months in the college's order, lateness, progress."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaflow.engine import grid
from qaflow.engine.grid import Entry

TODAY = date(2026, 11, 19)
WUHAN = (1, 2, 3, 4, 5, 6, 9, 10, 11, 12)
SHAPES = {"done": "✓", "going": "◐", "late": "!", "planned": "○", None: "."}


def drawn(entry: Entry, today: date = TODAY) -> str:
    """Return a task's year as signs, month by month as 003 prints them."""
    return "".join(SHAPES[found] for found in grid.row(entry, grid.months(WUHAN, 2026), today))


MOCKUP = [  # rows of the picture 07-monthgrid, today being 19 November: January to June, September to December
    ("notes to October, this month going", Entry(state="going", starts=date(2026, 2, 1), due=date(2026, 12, 18),
     notes={f"2026-{m:02}": "done" for m in (2, 3, 4, 5, 6, 9, 10)}), ".✓✓✓✓✓✓✓◐○"),
    ("finished in June, nothing after it", Entry(state="done", starts=date(2026, 2, 1), due=date(2026, 6, 10),
     done=date(2026, 6, 9)), ".✓✓✓✓✓...."),
    ("finish passed in October: late from then on", Entry(state="going", starts=date(2026, 5, 1),
     due=date(2026, 10, 31), notes={"2026-05": "done", "2026-06": "done", "2026-09": "done"}), "....✓✓✓!!."),
    ("planned ahead, nothing begun", Entry(state="planned", starts=date(2026, 11, 1), due=date(2026, 12, 25)),
     "........○○"),
    ("finished late: late until it was done", Entry(state="done", starts=date(2026, 9, 1), due=date(2026, 9, 30),
     done=date(2026, 11, 2)), "......!!✓."),
    ("dropped: only what was noted", Entry(state="dropped", starts=date(2026, 1, 5), due=date(2026, 3, 1),
     notes={"2026-01": "done"}), "✓........."),
    ("due today is not late", Entry(state="planned", due=TODAY), "........○."),
    ("without days and begun: this month", Entry(state="going"), "........◐."),
    ("without days, not begun: empty", Entry(state="planned"), ".........."),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), [row[1:] for row in MOCKUP], ids=[row[0] for row in MOCKUP])
def test_a_task_is_drawn_as_the_picture_shows_it(entry: Entry, expected: str) -> None:
    assert drawn(entry) == expected


def test_a_year_of_the_teaching_kind_goes_over_the_turn_of_the_civil_one() -> None:
    teaching = (9, 10, 11, 12, 1, 2, 3, 4, 5, 6)

    assert grid.months(teaching, 2025)[3:5] == ("2025-12", "2026-01")
    assert grid.span(teaching, 2025) == (date(2025, 9, 1), date(2026, 8, 31))
    assert [grid.year_of(teaching, d) for d in (date(2025, 8, 31), date(2025, 9, 1), date(2026, 7, 1))] == [
        2024, 2025, 2025,
    ]  # fmt: skip


days = st.dates(date(2025, 6, 1), date(2027, 6, 30))
notes = st.dictionaries(days.map(grid.month_of), st.sampled_from(grid.NOTED), max_size=4)
numbers = st.integers(1, 12).flatmap(
    lambda first: st.lists(st.integers(1, 12), unique=True, max_size=12).map(
        lambda more: tuple(sorted({first, *more}, key=lambda m: (m - first) % 12))
    )
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Return any task: done ones with a day, days in any order."""
    state = draw(st.sampled_from(("planned", "going", "done", "dropped")))
    starts, due = draw(st.none() | days), draw(st.none() | days)
    return Entry(state=state, starts=starts, due=due, done=draw(days) if state == "done" else None, notes=draw(notes))


@given(numbers, days)
def test_each_day_lies_in_the_year_whose_span_holds_it_and_its_month_stands_there_once(
    of: tuple[int, ...], day: date
) -> None:
    year = grid.year_of(of, day)
    first, last = grid.span(of, year)
    shown = grid.months(of, year)

    assert first <= day <= last and (last - first) in (timedelta(364), timedelta(365))
    assert len(shown) == len(set(shown)) == len(of) and list(shown) == sorted(shown)
    assert (grid.month_of(day) in shown) == (day.month in of)


def late_months(entry: Entry, today: date) -> set[str]:
    """Return the months on whose days the finish had come and the task was open, day by day; an independent model."""
    if entry.state == "dropped" or entry.due is None or (entry.state == "done" and entry.done is None):
        return set()
    if entry.due >= (entry.done or today):
        return set()
    open_till = today if entry.done is None else min(today, entry.done - timedelta(days=entry.done.day))
    return {grid.month_of(entry.due + timedelta(days=n)) for n in range((open_till - entry.due).days + 1)}


@given(entries(), days, days)
def test_a_month_is_late_when_the_finish_had_come_in_it_and_the_task_was_open_else_as_noted(
    entry: Entry, month: date, today: date
) -> None:
    named = grid.month_of(month)
    found = grid.cell(entry, named, today)

    if named in late_months(entry, today):
        assert found == grid.LATE
    elif named in entry.notes:
        assert found == entry.notes[named]
    else:
        assert found in (None, grid.DONE, grid.GOING, grid.PLANNED)
        assert entry.state != "dropped" or found is None


@given(st.lists(entries(), max_size=8), days)
def test_counts_are_of_all_tasks_and_progress_lies_between_nothing_and_all(found: list[Entry], today: date) -> None:
    shown = grid.months(grid.ALL_YEAR, today.year)
    progress = [grid.progress(entry, shown, today) for entry in found]
    mean = grid.together(progress)

    assert sum(grid.counts(found, today).values()) == len(found)
    assert all(0 <= p.made <= 1 and 0 <= p.planned <= 1 for p in [*progress, mean])
    assert all(p.made == 1 for p, entry in zip(progress, found, strict=True) if entry.state == "done")
