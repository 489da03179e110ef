"""Tasks and their month grid as sheets, in the headings of the sources; `imports_tasks` reads them again."""

from __future__ import annotations

from dataclasses import replace

from qaflow.errors import Invalid, Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.files.imports import chosen_college
from qaflow.services.ports import SHEETS, Cell, Leaf, Ports, Value
from qaflow.services.work import AnySession, Origin
from qaflow.store import content
from qaflow.store.db import reading

from . import desk as task_desk
from .columns import AFTER, GRID, KIND_WORDS, MORE, ORIGIN_WORDS, STATE_WORDS, heading, owner_text, unit_words, word
from .desk import Chosen, Desk, as_day
from .grid import Row, whole

MOST = 20_000
TITLES = {"grid": ("部门工作任务完成情况", "Month grid"), "tasks": ("年度工作任务", "Tasks")}
WIDTHS = {"title_zh": 44, "title_en": 30, "units": 26, "owner": 18, "result": 40, "due": 12, "starts": 12, "origin": 12}
NARROW, MONTH = 9, 6


def sheet(desk: Desk, kind: str, chosen: Chosen, language: str) -> Leaf:
    """Return the grid or the tasks of a year as one sheet."""
    found = whole(desk, chosen, MOST)
    if found.more:
        raise Invalid("rows.too_many", f"more than {MOST} tasks: choose a unit or a plan")
    numbers = [int(month[5:]) for month in found.months]
    middle = [f"{n}月" if language == "zh" else f"m{n}" for n in numbers] if kind == "grid" else []
    right = AFTER if kind == "grid" else (*AFTER, *MORE)
    headings = [*(heading(c, language) for c in GRID), *middle, *(heading(c, language) for c in right)]
    table = _Table(desk, language, found.rows, found.year, kind == "tasks")
    widths = [*(WIDTHS.get(c.key, NARROW) for c in GRID), *(MONTH for _ in middle),
              *(WIDTHS.get(c.key, NARROW) for c in right)]  # fmt: skip
    lines = [[*table.left(row), *(table.months(row) if middle else ()), *table.right(row)] for row in found.rows]
    title = f"{TITLES[kind][language != 'zh']} {found.year}"
    return Leaf(title=title, headings=headings, rows=lines, widths=widths, fixed=len(GRID) - 1, landscape=True)


class _Table:
    """The cells of tasks, in one language."""

    def __init__(self, desk: Desk, language: str, of: tuple[Row, ...], year: int, more: bool) -> None:
        self.words, self.language, self.year, self.more = unit_words(desk.units), language, year, more
        kept = [row.task.result for row in of if row.task.result] if more else []
        self.results = content.get_many(desk.driver, kept) if kept else {}

    def left(self, row: Row) -> list[Value]:
        task = row.task
        return [word(ORIGIN_WORDS, task.origin, self.language), word(KIND_WORDS, task.kind, self.language), task.no,
                task.title_zh, as_day(task.due)]  # fmt: skip

    def months(self, row: Row) -> list[Value]:
        return [Cell(word(STATE_WORDS, state, self.language), state) if state else None for state in row.cells]

    def right(self, row: Row) -> list[Value]:
        task = row.task
        units = ";".join(self.words.get(unit.code, unit.code) for unit in row.units)
        found: list[Value] = [units, owner_text(task), task.plan, self.year]
        if self.more:
            found += [task.title_en, as_day(task.starts), task.cost, task.goal_key, task.point,
                      word(STATE_WORDS, row.standing, self.language),
                      self.results.get(task.result or "")]  # fmt: skip
        return found


def export(session: AnySession, origin: Origin, college: str | None, kind: str, *, year: int | None,
           unit: str | None, language: str) -> list[Leaf]:  # fmt: skip
    """Return a college's grid or tasks for whoever runs the machine; of the running year unless told."""
    driver = reading(session)
    try:
        desk = Desk(session, driver, origin, chosen_college(driver, college).id)
        chosen = Chosen(year=year or 0)
        if unit is not None:
            if unit not in desk.by_code:
                raise Missing("unit.not_found", f"no unit {unit!r}; units: {', '.join(sorted(desk.by_code))}")
            chosen = replace(chosen, unit=desk.by_code[unit].id)
        return [sheet(desk, kind, chosen, language)]
    finally:
        session.rollback()


def download(session: AnySession, origin: Origin, me: SignedIn, ports: Ports, kind: str, form: str, chosen: Chosen,
             language: str) -> tuple[str, bytes]:  # fmt: skip
    """Return (file name, bytes) of what somebody sees and chose."""
    if kind not in TITLES or form not in SHEETS:
        raise Missing("document.unknown", f"no {kind} is written as {form}")
    leaf = task_desk.looked(session, origin, me, lambda desk: sheet(desk, kind, chosen, language))
    return f"{leaf.title}.{form}", ports.written([leaf], form)
