"""Workbooks in xlsx: every text is written as a text, so that none can become a formula."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from xlsxwriter import Workbook

from qaflow.errors import Invalid
from qaflow.services.ports import Cell, Leaf, Value

MOST_TEXT = 32_767
"""Characters of a cell; a longer text would be cut without a word."""
MOST_TITLE = 31
MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - what a workbook says of its making: the same data give the same bytes
FORBIDDEN = "[]:*?/\\'"
"""What the title of a sheet may not hold."""
TONES: dict[str, dict[str, Any]] = {
    "head": {"bold": True, "bg_color": "#e6eff6", "border": 1, "text_wrap": True, "valign": "top"},
    "done": {"bg_color": "#e5f2eb", "align": "center"},
    "going": {"bg_color": "#fcf2dd", "align": "center"},
    "late": {"bg_color": "#fbebe9", "font_color": "#a9271c", "bold": True, "align": "center"},
    "planned": {"font_color": "#5b6873", "align": "center"},
}


class XlsxWorkbooks:
    """Writes workbooks with xlsxwriter."""

    def write(self, leaves: Sequence[Leaf]) -> bytes:
        """Return the workbook's bytes; raises `Invalid` for a text that no cell can hold."""
        out = io.BytesIO()
        book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                              "strings_to_numbers": False})  # fmt: skip
        book.set_properties({"created": MADE})
        looks = {"": book.add_format({"valign": "top", "text_wrap": True}),
                 "day": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})}  # fmt: skip
        looks |= {tone: book.add_format(look) for tone, look in TONES.items()}
        for leaf in leaves:
            _leaf(book, leaf, looks)
        book.close()
        return out.getvalue()


def _leaf(book: Any, leaf: Leaf, looks: dict[str, Any]) -> None:
    sheet = book.add_worksheet("".join("_" if c in FORBIDDEN else c for c in leaf.title)[:MOST_TITLE])
    top = 0
    if leaf.note:
        _put(sheet, 0, 0, leaf.note, looks)
        top = 1
    for column, heading in enumerate(leaf.headings):
        _put(sheet, top, column, Cell(heading, "head"), looks)
    for column, width in enumerate(leaf.widths):
        sheet.set_column(column, column, width)
    for number, row in enumerate(leaf.rows, top + 1):
        for column, value in enumerate(row):
            _put(sheet, number, column, value, looks)
    sheet.freeze_panes(top + 1, leaf.fixed)
    sheet.repeat_rows(top)
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    if leaf.landscape:
        sheet.set_landscape()


def _put(sheet: Any, row: int, column: int, given: Value, looks: dict[str, Any]) -> None:
    value, tone = given if isinstance(given, Cell) else (given, "")
    look = looks.get(tone, looks[""])
    if value is None or value == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(value, str):
        if len(value) > MOST_TEXT:
            raise Invalid("text.too_long", f"a text of {len(value)} characters does not fit a cell of {MOST_TEXT}")
        sheet.write_string(row, column, value, look)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, looks["day"])
    else:
        sheet.write_number(row, column, value, look)
