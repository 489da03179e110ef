"""Tables that people hand in (csv, xlsx, xls): their headings and cells, with the place of every fault.

What a file is, its content says, not its name; a name that says otherwise is told, because the file is then not what
its sender believes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from qaflow.errors import Invalid
from qaflow.services.words import clean_code

from . import csv_files, workbook_files, workbook_old
from .cells import SHOWN, Column, Dated, Faulty, cell_value
from .csv_files import Record
from .file_faults import MOST_FAULTS, MOST_ROWS, Faults

__all__ = ["MOST_FAULTS", "MOST_ROWS", "Faults", "Row", "Table", "read", "unique"]

ARCHIVE = b"PK"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SHEET_NAMES = (".xlsx", ".xls", ".xlsm", ".xltx", ".ods")
SEEMS = ((b"%PDF", "a PDF"), (b"<!doctype", "a web page"), (b"<html", "a web page"), (b"<?xml", "XML"),
         (b"{\\rtf", "a text document"), (b"\x89PNG", "an image"))  # fmt: skip
WATCHED = 1000  # rows after which a reader is told
Watch = Callable[[int], None]
REMEMBERED = 20_000
"""Texts of a column whose value is kept: most columns repeat themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: its first line, and its cells by column, cleaned; an empty cell is None."""

    line: int
    values: tuple[Any, ...]
    places: Mapping[str, int]

    def __getitem__(self, key: str) -> Any:
        place = self.places.get(key)
        return None if place is None else self.values[place - 1]

    def filled(self, key: str, value: Any) -> Row:
        """Return the row with a value where its cell is empty or the file has no such column."""
        if self[key] is not None:
            return self
        at = self.places.get(key, len(self.values) + 1)
        values = (*self.values[: at - 1], value, *self.values[at:])
        return Row(line=self.line, values=values, places={**self.places, key: at})

    def place(self, key: str) -> int:
        """Return the number of a column's cell, 1 where the file has no such column."""
        return self.places.get(key, 1)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file holds: its rows, which columns it has, and what is to be told of it."""

    rows: list[Row]
    columns: frozenset[str]
    faults: Faults
    notices: list[str] = field(default_factory=list)


def read(data: bytes, name: str, columns: Sequence[Column], encoding: str | None = None,
         allow_empty: bool = False, sheet: str | None = None, watch: Watch | None = None) -> Table:  # fmt: skip
    """Read a table; faults of single cells are collected, what makes the file unreadable raises `Invalid`.

    ``sheet`` names the sheet of a workbook; its first is read, and told, where none is named.  ``watch`` is told how
    many rows are read so far.
    """
    faults = Faults(name=name)
    by_name = {c.key: c for c in columns} | {c.zh: c for c in columns}
    records, notices = _source(data, encoding, sheet, by_name, faults)
    line, headings = next(records, (1, []))
    if not headings:
        raise faults.stop(1, 1, "file.empty", "the file is empty: it needs a line of headings")
    order = _headings(line, headings, columns, by_name, faults)
    fitting = _filled if faults.sheet is not None else _fitting
    rows = _rows(fitting(records, len(order), faults), order, faults, watch)
    if not rows and not faults.count and not allow_empty:
        raise faults.stop(line, 1, "file.empty", "there are headings but no row; use --allow-empty if that is meant")
    return Table(rows=rows, columns=frozenset(c.key for c in order), faults=faults, notices=notices)


def _source(data: bytes, encoding: str | None, sheet: str | None, by_name: Mapping[str, Column],
            faults: Faults) -> tuple[Iterator[Record], list[str]]:  # fmt: skip
    """Return the records of the file, whatever it is, and what is to be told of it."""
    if data.startswith((ARCHIVE, COMPOUND)):
        kind = workbook_files if data.startswith(ARCHIVE) else workbook_old
        found = kind.sheet_of(data, sheet, faults)
        return found.rows, found.notices
    start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    seems = next((told for mark, told in SEEMS if start.startswith(mark.lower())), None)
    if seems is None and data and faults.name.casefold().endswith(SHEET_NAMES):
        seems = "text such as CSV; save it from the spreadsheet as .xlsx, or give it a name that ends in .csv"
    if seems is not None:
        raise faults.whole("file.not_xlsx", f"is no workbook: it seems to be {seems}")
    if sheet is not None:
        raise faults.whole("sheet.unknown", "is a CSV file: it has no sheets")
    return csv_files.records(data, encoding, lambda cell: _heading(cell) in by_name, faults), []


def _heading(cell: str) -> str:
    return clean_code(cell.strip().strip('"')).casefold()


def _headings(line: int, cells: list[str], columns: Sequence[Column], by_name: Mapping[str, Column],
              faults: Faults) -> list[Column]:  # fmt: skip
    """Return the columns in the file's order; a missing, doubled or unknown heading refuses the file."""
    order: list[Column] = []
    for number, cell in enumerate(cells, 1):
        column = by_name.get(_heading(cell))
        if column is None:
            near = get_close_matches(_heading(cell), by_name, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; headings are {', '.join(c.key for c in columns)}"
            faults.add(line, number, "header.unknown", f"the heading {cell.strip()[:SHOWN]!r} is unknown{hint}")
        elif column in order:
            faults.add(line, number, "header.duplicate", f"the heading {column.key} stands twice")
        else:
            order.append(column)
    missing = [c.key for c in columns if c.required and c not in order]
    if missing:
        raise faults.stop(line, 1, "header.missing", f"the heading {', '.join(missing)} is missing")
    faults.raise_any()
    return order


def _fitting(records: Iterable[Record], width: int, faults: Faults) -> Iterator[Record]:
    """Give the records of a CSV file that are as wide as its headings."""
    for line, cells in records:
        if len(cells) == width:
            yield line, cells
        else:
            told = f"{len(cells)} cells; the headings are {width}"
            faults.add(line, min(len(cells), width), "csv.column_count", told)


def _filled(records: Iterable[Record], width: int, faults: Faults) -> Iterator[Record]:
    """Give the rows of a sheet filled up to its headings; what stands beside them has none."""
    for line, cells in records:
        for number, cell in enumerate(cells[width:], width + 1):
            if cell.strip():
                faults.add(line, number, "cell.unheaded", f"{cell[:SHOWN]!r} stands in a column without a heading")
        yield line, cells[:width] + [""] * (width - len(cells))


def _rows(records: Iterable[Record], order: Sequence[Column], faults: Faults, watch: Watch | None) -> list[Row]:
    places = {column.key: number for number, column in enumerate(order, 1)}
    known: list[dict[str, Any]] = [{} for _ in order]
    rows = []
    for line, cells in records:
        values = []
        for number, (column, text, seen) in enumerate(zip(order, cells, known, strict=True), 1):
            key = text if text.__class__ is str else None
            if key in seen:
                values.append(seen[key])
                continue
            value, fault = _value(column, text)
            values.append(value)
            if fault is not None:
                faults.add(line, number, fault.code, f"{column.key}: {fault.detail}")
            elif key is not None and len(seen) < REMEMBERED:
                seen[key] = value
        rows.append(Row(line=line, values=tuple(values), places=places))
        if watch is not None and len(rows) % WATCHED == 0:
            watch(len(rows))
    return rows


def _value(column: Column, text: str) -> tuple[Any, Invalid | None]:
    if isinstance(text, Faulty):
        return None, None  # told already, with the same place
    if isinstance(text, Dated) and column.what not in ("day", "moment"):
        return None, Invalid("cell.is_date", f"the sheet took this for a date ({text}): format the column as text")
    try:
        return cell_value(column, str(text)), None
    except Invalid as fault:
        return None, fault


def unique(table: Table, *keys: str) -> list[Row]:
    """Return the rows whose key is complete, noting keys that stand twice with both lines."""
    seen: dict[tuple[Any, ...], int] = {}
    found = []
    for row in table.rows:
        key = tuple(row[k] for k in keys)
        if None in key:
            continue
        if key in seen:
            told = f"{'/'.join(map(str, key))} stands in rows {seen[key]} and {row.line}"
            table.faults.add(row.line, row.place(keys[-1]), "row.duplicate", told)
            continue
        seen[key] = row.line
        found.append(row)
    return found
