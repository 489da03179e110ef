"""Workbooks of the older kind (xls, Excel 97 to 2003) as rows of texts.

xlrd gives the values; formulas, hidden rows and merged cells it does not tell, so the records of the sheet are looked
through for them first.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .cells import Faulty
from .csv_files import Record
from .file_faults import MOST_ROWS, Faults
from .workbook_files import DAMAGED, Sheet, choose, hidden_rows, moment_text, number_text, told_of

BEGIN, END, BOUND, FORMULA, ROW, MERGED, PASSWORD = 0x0809, 0x0A, 0x85, 0x06, 0x0208, 0xE5, 0x2F
CELLS = frozenset({0x06, 0x27E, 0x203, 0xFD, 0x204, 0x205})
MULTIPLE = 0xBD  # a record of several numbers
MOST_CELLS = 2_000_000
HIDDEN = 0x20
VERSION_8 = 0x0600
MACROS = "_VBA_PROJECT".encode("utf-16-le")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(kw_only=True)
class _Marks:
    """What xlrd does not tell of a sheet: places count from one."""

    formulas: set[tuple[int, int]] = field(default_factory=set)
    hidden: list[int] = field(default_factory=list)
    merged: list[tuple[int, int]] = field(default_factory=list)


def sheet_of(data: bytes, wanted: str | None, faults: Faults) -> Sheet:
    """Return the wanted sheet of an xls workbook, or its first; `Invalid` tells what the file is instead."""
    import xlrd

    if ENCRYPTED in data:
        raise faults.whole("file.not_xlsx", "is encrypted: save it without a password")
    if MACROS in data:
        raise faults.whole("file.macros", "holds macros (programs): save it as .xlsx without them")
    try:
        stream = _stream(data)
        starts = _starts(stream, faults)
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        titles = book.sheet_names()
        number = choose(titles, wanted, faults)
        faults.sheet = titles[number]
        marks = _look(stream, starts[number], faults)
        sheet = book.sheet_by_index(number)
    except (*DAMAGED, xlrd.XLRDError, xlrd.compdoc.CompDocError):
        raise faults.whole("file.not_xlsx", "is no workbook that can be read (.xlsx or .xls 97-2003)") from None
    states = dict(zip(titles, book._sheet_visibility, strict=False))
    hidden = [title for title, state in states.items() if state]
    notices = told_of(titles, titles[number], hidden) + hidden_rows(marks.hidden)
    return Sheet(title=titles[number], rows=_rows(sheet, book.datemode == 1, marks, faults), notices=notices)


def _stream(data: bytes) -> memoryview:
    import xlrd

    found = xlrd.compdoc.CompDoc(data, logfile=io.StringIO())
    memory, base, size = found.locate_named_stream("Workbook")
    if memory is None:
        raise ValueError("no workbook of 1997 or later")
    return memoryview(memory)[base : base + size]


def _records(stream: memoryview, at: int) -> Iterator[tuple[int, memoryview]]:
    """Give (kind, body) of the records from a place to the end of what begins there."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        if kind == END:
            return
        at += 4 + size


def _starts(stream: memoryview, faults: Faults) -> list[int]:
    """Return where each sheet begins; charts are none."""
    starts = []
    for kind, body in _records(stream, 0):
        if kind == BEGIN and struct.unpack_from("<H", body)[0] != VERSION_8:
            raise ValueError("older than 1997")
        if kind == PASSWORD:
            raise faults.whole("file.not_xlsx", "is encrypted: save it without a password")
        if kind == BOUND and body[5] == 0:
            starts.append(struct.unpack_from("<L", body)[0])
    return starts


def _look(stream: memoryview, start: int, faults: Faults) -> _Marks:
    """Look through a sheet's records before its cells are held; too many refuse it."""
    marks, cells = _Marks(), 0
    for kind, body in _records(stream, start):
        cells += len(body) // 6 if kind == MULTIPLE else kind in CELLS
        if cells > MOST_CELLS:
            raise faults.whole("rows.too_many", f"has more than {MOST_CELLS} cells: divide the file")
        if kind == FORMULA:
            row, column = struct.unpack_from("<HH", body)
            marks.formulas.add((row + 1, column + 1))
        elif kind == ROW and body[12] & HIDDEN:
            marks.hidden.append(struct.unpack_from("<H", body)[0] + 1)
        elif kind == MERGED:
            for at in range(2, len(body) - 7, 8):
                top, _, left, _ = struct.unpack_from("<HHHH", body, at)
                marks.merged.append((top + 1, left + 1))
    return marks


def _rows(sheet: Any, late: bool, marks: _Marks, faults: Faults) -> Iterator[Record]:
    count = 0
    for index in range(sheet.nrows):
        line = index + 1
        cells = enumerate(zip(sheet.row_types(index), sheet.row_values(index), strict=True), 1)
        texts = [_text(line, column, kind, value, late, marks, faults) for column, (kind, value) in cells]
        if any(text.strip() or isinstance(text, Faulty) for text in texts):
            count += 1
            if count > MOST_ROWS + 1:
                raise faults.stop(line, 1, "rows.too_many", f"more than {MOST_ROWS} rows: divide the file")
            yield line, texts
    for line, column in marks.merged:
        faults.add(line, column, "cell.merged", "cells are merged here: part them, each row with its value")


def _text(line: int, column: int, kind: int, value: Any, late: bool, marks: _Marks, faults: Faults) -> str:
    import xlrd

    if (line, column) in marks.formulas:
        faults.add(line, column, "cell.formula_forbidden", "holds a formula: paste its value instead")
        return Faulty("=")
    if kind == xlrd.XL_CELL_NUMBER:
        return number_text(value)
    if kind == xlrd.XL_CELL_DATE:
        return moment_text(line, column, value, late, faults)
    if kind == xlrd.XL_CELL_ERROR:
        told = xlrd.error_text_from_code.get(value, "?")
        faults.add(line, column, "cell.error_value", f"holds the error {told}: mend it in the sheet")
        return Faulty(told)
    return str(value)
