"""Workbooks (xlsx) as rows of texts: each cell as a person reads it, formulas and errors named, hidden rows told.

The sheet is read row by row (`sheet_rows`), over `workbook_guards`; numbers become dates here, because a day that never
was (29 February 1900) and the 1904 system must be told apart.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException

from .cells import Dated, Faulty
from .csv_files import Record
from .file_faults import MOST_ROWS, Faults
from .sheet_rows import TEXT, Cell, SheetRows
from .workbook_guards import opened

EPOCH, EPOCH_1904 = datetime(1899, 12, 31), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet's days have no zone
NEVER_WAS = 60  # 29 February 1900 in sheets, which take 1900 for a leap year
LAST_SERIAL = 2_958_466  # 31 December 9999
DAMAGED = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, NotImplementedError, struct.error,
    AssertionError, ParseError, zipfile.BadZipFile, zlib.error, DefusedXmlException,
)  # fmt: skip
"""What a reader may raise over a workbook that is not what it says."""
KINDS = {"content.xml": "an OpenDocument sheet (.ods)", "word/document.xml": "a Word document",
         "ppt/presentation.xml": "a presentation"}  # fmt: skip


@dataclass(kw_only=True)
class Sheet:
    """The sheet that is read: its title, its rows, and what is to be told of it."""

    title: str
    rows: Iterator[Record]
    notices: list[str] = field(default_factory=list)


def sheet_of(data: bytes, wanted: str | None, faults: Faults) -> Sheet:
    """Return the wanted sheet of an xlsx workbook, or its first; `Invalid` tells what the file is instead."""
    archive = opened(data, faults)
    names = archive.namelist()
    kind = next((told for part, told in KINDS.items() if part in names), "some other archive")
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise faults.whole("file.not_xlsx", f"is no workbook (.xlsx): it seems to be {kind}")
    book = _book(archive, faults)
    titles = [one.title for one in book.worksheets]
    chosen = book.worksheets[choose(titles, wanted, faults)]
    hidden = [one.title for one in book.worksheets if one.sheet_state != "visible" and one.title != chosen.title]
    faults.sheet = chosen.title
    sheet = Sheet(title=chosen.title, rows=iter(()), notices=told_of(titles, chosen.title, hidden))
    sheet.rows = _rows(book, chosen, sheet.notices, faults)
    return sheet


def choose(titles: list[str], wanted: str | None, faults: Faults) -> int:
    """Return which sheet is read: the one that is named, else the first."""
    if not titles:
        raise faults.whole("file.not_xlsx", "begins like a workbook, but has no sheet that can be read")
    if wanted is None:
        return 0
    if wanted not in titles:
        raise faults.whole("sheet.unknown", f"has no sheet {wanted!r}; there are {', '.join(titles)}")
    return titles.index(wanted)


def told_of(titles: list[str], chosen: str, hidden: list[str]) -> list[str]:
    """Return the notice that other sheets stand in the file and were not read."""
    others = [f"{one} (hidden)" if one in hidden else one for one in titles if one != chosen]
    return [f"the sheet {chosen} was read; not read: {', '.join(others)} (choose with --sheet)"] if others else []


def _book(archive: zipfile.ZipFile, faults: Faults) -> Any:
    from openpyxl.reader.excel import ExcelReader

    try:
        reader = ExcelReader(archive.fp, read_only=True, keep_links=False)
        reader.read()
    except DAMAGED:
        raise faults.whole("file.not_xlsx", "begins like a workbook, but cannot be read: save it again") from None
    return reader.wb


def _rows(book: Any, chosen: Any, notices: list[str], faults: Faults) -> Iterator[Record]:
    """Give (line, cells) of each row that holds anything, in the order of the sheet."""
    from openpyxl.utils.datetime import MAC_EPOCH

    dates, late = book._date_formats | book._timedelta_formats, book.epoch == MAC_EPOCH
    count = 0
    try:
        with book._archive.open(chosen._worksheet_path) as source:
            read = SheetRows(source, chosen._shared_strings)
            for line, cells in read:
                texts = _texts(line, cells, dates, late, faults)
                if any(text.strip() or isinstance(text, Faulty) for text in texts):
                    count += 1
                    if count > MOST_ROWS + 1:
                        raise faults.stop(line, 1, "rows.too_many", f"more than {MOST_ROWS} rows: divide the file")
                    yield line, texts
    except DAMAGED:
        raise faults.whole("file.not_xlsx", "the sheet cannot be read to its end: it is damaged") from None
    notices += hidden_rows(read.hidden)
    for merged in read.merged:
        left, top, _, _ = merged.bounds
        faults.add(top, left, "cell.merged", f"the cells {merged.ref} are merged: part them, each row with its value")


def hidden_rows(lines: list[int]) -> list[str]:
    """Return the notice that hidden rows were read like all others."""
    if not lines:
        return []
    shown = ", ".join(map(str, lines[:10])) + (" …" if len(lines) > 10 else "")
    return [f"{len(lines)} hidden row(s) were read like all others: {shown}"]


def _texts(line: int, cells: list[Cell], dates: set[int], late: bool, faults: Faults) -> list[str]:
    texts: list[str] = []
    for column, kind, value, style in cells:
        if column > len(texts):
            texts += [""] * (column - len(texts))
        plain = kind == TEXT
        texts[column - 1] = str(value) if plain else _text(line, column, kind, value, style in dates, late, faults)
    return texts


def _text(line: int, column: int, kind: str, value: Any, dated: bool, late: bool, faults: Faults) -> str:
    if kind == "n" and not dated:
        return number_text(value)
    if kind == "n":
        return moment_text(line, column, value, late, faults)
    if kind == "f":
        faults.add(line, column, "cell.formula_forbidden", "holds a formula: paste its value instead")
        return Faulty("=")
    if kind == "e":
        faults.add(line, column, "cell.error_value", f"holds the error {value}: mend it in the sheet")
        return Faulty(str(value))
    if kind == "d":
        return Dated(value.isoformat())
    return str(value)  # a truth value: no column takes one, and its check says so


def number_text(value: float) -> str:
    """Return a number as it is typed: 12 and not 12.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def moment_text(line: int, column: int, serial: float, late: bool, faults: Faults) -> str:
    """Return a sheet's date number as a day, or a day with its time; `late` is the system that counts from 1904."""
    if not 1 <= serial + late < LAST_SERIAL or (not late and int(serial) == NEVER_WAS):
        what = "29 February 1900, which never was" if int(serial) == NEVER_WAS else "no day"
        faults.add(line, column, "date.invalid", f"the date number {number_text(serial)} is {what}")
        return Faulty(str(serial))
    shift = 0 if late or serial < NEVER_WAS else 1
    seconds = round((serial - int(serial)) * 86400)
    moment = (EPOCH_1904 if late else EPOCH) + timedelta(days=int(serial) - shift, seconds=seconds)
    whole = not (moment.hour or moment.minute or moment.second)
    return Dated(moment.date().isoformat() if whole else moment.isoformat())
