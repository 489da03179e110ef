"""The rows of a workbook's sheet, one at a time, by the standard library's parser in C.

Openpyxl reads with defusedxml, which has to parse in Python and takes twice as long.  What that guards against, a
document type with entities, `workbook_guards` has refused before anything here is read.  Whatever is no plain number
or text is left to openpyxl.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple
from xml.etree.ElementTree import iterparse

NUMBER, TEXT = "n", "s"
DIGITS = "0123456789"
HIDDEN = ("1", "true")


class Cell(NamedTuple):
    """One cell that holds something: its column from 1, its kind as in the sheet, its value and its style."""

    column: int
    kind: str
    value: Any
    style: int


class SheetRows:
    """Reads a sheet's rows; after the last one it knows which were hidden and which cells are merged."""

    def __init__(self, source: IO[bytes], shared: Sequence[str]) -> None:
        """Take the sheet's part and the workbook's table of texts."""
        from openpyxl.worksheet import _reader

        self.source, self.shared = source, shared
        self.odd = _odd(_reader.WorkSheetParser)(source, shared)
        self.row_tag, self.value_tag, self.merge_tag = _reader.ROW_TAG, _reader.VALUE_TAG, _reader.MERGE_TAG
        self.hidden: list[int] = []
        self.merged: list[Any] = []
        self.columns: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[int, list[Cell]]]:
        """Give (line, cells) of each row."""
        from openpyxl.worksheet.merge import MergeCells

        for _, element in iterparse(self.source):  # noqa: S314 - the guards have refused every document type
            if element.tag == self.row_tag:
                line, cells = self._row(element)
                if element.get("hidden") in HIDDEN:
                    self.hidden.append(line)
                element.clear()
                yield line, cells
            elif element.tag == self.merge_tag:
                self.merged = list(MergeCells.from_tree(element).mergeCell)

    def _row(self, row: Any) -> tuple[int, list[Cell]]:
        """Return a row's line and cells; openpyxl counts where the file does not say where they stand."""
        number = row.get("r", "")
        if not (number.isascii() and number.isdigit()) or any(cell.get("r") is None for cell in row):
            line, found = self.odd.parse_row(row)
            return line, [_plain(one) for one in found if one["value"] is not None]
        line = self.odd.row_counter = int(number)
        return line, [cell for cell in map(self._cell, row) if cell is not None]

    def _cell(self, cell: Any) -> Cell | None:
        """Return a cell, None for an empty one."""
        kind = cell.get("t", NUMBER)
        if len(cell) != 1 or cell[0].tag != self.value_tag or kind not in (NUMBER, TEXT):
            found = self.odd.parse_cell(cell)
            return None if found["value"] is None else _plain(found)
        text = cell[0].text
        if not text:
            return None
        value = self.shared[int(text)] if kind == TEXT else _number(text)
        return Cell(self._column(cell.get("r")), kind, value, int(cell.get("s", 0)))

    def _column(self, place: str) -> int:
        letters = place.rstrip(DIGITS)
        found = self.columns.get(letters)
        if found is None:
            from openpyxl.utils.cell import coordinate_to_tuple

            found = self.columns[letters] = coordinate_to_tuple(place)[1]
        return found


def _number(text: str) -> float:
    return float(text) if "." in text or "E" in text or "e" in text else int(text)


def _plain(found: dict[str, Any]) -> Cell:
    return Cell(found["column"], found["data_type"], found["value"], found["style_id"])


def _odd(base: Any) -> Any:
    class Parser(base):
        """Openpyxl's reader of a sheet, which here never works out a formula."""

        def parse_formula(self, element: Any) -> str:
            """Return that there is one."""
            return "="

    return Parser
