"""CSV files as people save them: their encoding, delimiter and cells, with the place of every fault.

Nothing is guessed where two readings are possible: then the fault says what to type.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from qaflow.errors import Invalid, Usage

from .cells import SHOWN, Column, cell_value
from .guarding import unguarded
from .words import clean_code

MOST_ROWS = 200_000
MOST_FAULTS = 200
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
OTHER_DELIMITERS = "|:，；、"
GBK = "gb18030"
COMMON_LEAD = range(0xB0, 0xD8)  # GB 2312, level 1: the 3,755 signs of everyday writing
SIGNS_LEAD = range(0xA1, 0xA4)
SURE_SHARE = 0.8


@dataclass(kw_only=True)
class Faults:
    """The faults of one file, each with its place; `raise_any` refuses the file."""

    name: str
    found: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, column: int, code: str, detail: str) -> None:
        """Note a fault at a line and a column (the number of the cell)."""
        self.count += 1
        if len(self.found) < MOST_FAULTS:
            self.found.append({"at": f"{self.name}:{line}:{column}", "line": line, "column": column, "code": code,
                               "detail": detail})  # fmt: skip

    def raise_any(self) -> None:
        """Refuse the file if anything was found; one kind of fault gives its own code."""
        if self.count:
            codes = {one["code"] for one in self.found}
            more = f"; the first {MOST_FAULTS} are shown" if self.count > MOST_FAULTS else ""
            first = self.found[0]
            told = f"{self.name} has {self.count} fault(s), nothing was imported{more}; first {first['at']}: "
            told += first["detail"]
            code = codes.pop() if len(codes) == 1 else "import.invalid"
            raise Invalid(code, told, errors=self.found, faults=self.count)

    def stop(self, line: int, column: int, code: str, detail: str) -> Invalid:
        """Return the refusal for a fault behind which nothing can be read."""
        self.add(line, column, code, detail)
        return Invalid(code, f"{self.name}:{line}:{column}: {detail}", errors=self.found, faults=self.count)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: its first line, and its cells by column, cleaned; an empty cell is None."""

    line: int
    cells: dict[str, Any]
    places: dict[str, int]

    def __getitem__(self, key: str) -> Any:
        return self.cells.get(key)

    def place(self, key: str) -> int:
        """Return the number of a column's cell, 1 where the file has no such column."""
        return self.places.get(key, 1)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file holds: its rows, and which columns it has."""

    rows: list[Row]
    columns: frozenset[str]
    faults: Faults


def read(data: bytes, name: str, columns: Sequence[Column], encoding: str | None = None,
         allow_empty: bool = False) -> Table:  # fmt: skip
    """Read a CSV file; faults of single cells are collected, what makes the file unreadable raises `Invalid`."""
    faults = Faults(name=name)
    text = decode(data, encoding, faults)
    if not text.strip():
        raise faults.stop(1, 1, "file.empty", "the file is empty: it needs a line of headings")
    records = _records(text, _delimiter(text, columns, faults), faults)
    line, headings = next(records)
    order = _headings(line, headings, columns, faults)
    rows = [_row(number, cells, order, faults) for number, cells in _fitting(records, len(order), faults)]
    if not rows and not faults.count and not allow_empty:
        raise faults.stop(line, 1, "file.empty", "there are headings but no row; use --allow-empty if that is meant")
    return Table(rows=rows, columns=frozenset(c.key for c in order), faults=faults)


# Encoding


def decode(data: bytes, encoding: str | None, faults: Faults) -> str:
    """Return the text: UTF-8 (a mark at its start is dropped), or GBK where declared or beyond doubt."""
    if encoding is not None:
        text = _declared(data, encoding, faults)
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise faults.stop(1, 1, "encoding.not_utf8", "the file is UTF-16: save it as UTF-8, or use --encoding utf-16")
    else:
        text = _undeclared(data, faults)
    place = text.find("\0")
    if place >= 0:
        line = text.count("\n", 0, place) + 1
        raise faults.stop(line, 1, "text.control_character", "a NUL stands here: no text file, or a damaged one")
    return text.removeprefix("\ufeff")


def _declared(data: bytes, encoding: str, faults: Faults) -> str:
    try:
        known = codecs.lookup(encoding)
    except (LookupError, ValueError):
        raise Usage("encoding.unknown", f"no encoding is called {encoding!r}; for example utf-8 or gbk") from None
    if not getattr(known, "_is_text_encoding", True):
        raise Usage("encoding.unknown", f"{encoding} is no encoding of text; for example utf-8 or gbk")
    name = GBK if known.name in ("gbk", "gb2312") else known.name
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        code = "encoding.not_utf8" if known.name.startswith("utf-8") else "encoding.mismatch"
        raise faults.stop(_line(data, error.start), 1, code, f"byte {error.start} is not {encoding}") from None


def _undeclared(data: bytes, faults: Faults) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        where = error.start
    try:
        text = data.decode(GBK)
    except UnicodeDecodeError:
        text = ""
    line, odd = _line(data, where), sum(byte > 0x7F for byte in data)
    if b"\0" in data or not text:
        told = f"byte {where} is not UTF-8: save the file as UTF-8, or name what it is with --encoding"
        raise faults.stop(line, 1, "encoding.not_utf8", told)
    if _common_share(text) >= SURE_SHARE and odd > 1:
        return text
    told = f"byte {where} is not UTF-8, and may be GBK or something else: use --encoding gbk (or what it is)"
    raise faults.stop(line, 1, "encoding.ambiguous", told)


def _common_share(text: str) -> float:
    """Return how many of the signs beyond ASCII are everyday Chinese: other encodings read as GBK give rare ones."""
    signs = [c for c in text if not c.isascii()]
    common = 0
    for sign in signs:
        pair = sign.encode("gb2312", "ignore")
        common += len(pair) > 1 and (pair[0] in COMMON_LEAD or pair[0] in SIGNS_LEAD)
    return common / len(signs) if signs else 0.0


def _line(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, place) + 1


# Lines and cells


def _delimiter(text: str, columns: Sequence[Column], faults: Faults) -> str:
    """Return the delimiter under which the first line gives the most known headings."""
    first = re.split(r"[\r\n]", text.lstrip("\r\n \t"), maxsplit=1)[0]
    known = {c.key for c in columns} | {c.zh for c in columns}
    fits = {d: sum(_heading(cell) in known for cell in first.split(d)) for d in DELIMITERS}
    best = max(fits, key=lambda d: fits[d])
    if not any(d in first for d in DELIMITERS) and any(sign in first for sign in OTHER_DELIMITERS):
        raise faults.stop(1, 1, "csv.delimiter", "cells are parted by commas, semicolons or tabs; this line has none")
    return best if fits[best] else ","


def _heading(cell: str) -> str:
    return clean_code(cell.strip().strip('"')).casefold()


def _records(text: str, delimiter: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Give (first line, cells) of each record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    count, line = 0, 1
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "text.too_long" if "limit" in str(error) else "csv.quote"
            long = f"a cell has more than {csv.field_size_limit()} characters"
            told = long if code == "text.too_long" else f"quotes: {error}"
            raise faults.stop(line, 1, code, told) from None
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MOST_ROWS + 1:
                raise faults.stop(line, 1, "rows.too_many", f"more than {MOST_ROWS} rows: divide the file")
            yield line, [unguarded(cell) for cell in cells]


def _headings(line: int, cells: list[str], columns: Sequence[Column], faults: Faults) -> list[Column]:
    """Return the columns in the file's order; a missing, doubled or unknown heading refuses the file."""
    by_name = {c.key: c for c in columns} | {c.zh: c for c in columns}
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


def _fitting(records: Iterator[tuple[int, list[str]]], width: int, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    for line, cells in records:
        if len(cells) == width:
            yield line, cells
        else:
            told = f"{len(cells)} cells; the headings are {width}"
            faults.add(line, min(len(cells), width), "csv.column_count", told)


def _row(line: int, cells: list[str], order: list[Column], faults: Faults) -> Row:
    found: dict[str, Any] = {}
    places: dict[str, int] = {}
    for number, (column, text) in enumerate(zip(order, cells, strict=True), 1):
        places[column.key] = number
        try:
            found[column.key] = cell_value(column, text)
        except Invalid as fault:
            found[column.key] = None
            faults.add(line, number, fault.code, f"{column.key}: {fault.detail}")
    return Row(line=line, cells=found, places=places)


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
