"""CSV files as people save them: their encoding, their delimiter, their lines.

Nothing is guessed where two readings are possible: then the fault says what to type.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator

from qaflow.errors import Usage

from .file_faults import MOST_ROWS, Faults
from .guarding import unguarded

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
OTHER_DELIMITERS = "|:，；、"
GBK = "gb18030"
COMMON_LEAD = range(0xB0, 0xD8)  # GB 2312, level 1: the 3,755 signs of everyday writing
SIGNS_LEAD = range(0xA1, 0xA4)
SURE_SHARE = 0.8

Record = tuple[int, list[str]]
"""The first line of a row, and its cells."""


def records(data: bytes, encoding: str | None, known: Callable[[str], bool], faults: Faults) -> Iterator[Record]:
    """Give each record that is not blank; `known` says of a text whether it is a heading."""
    text = decode(data, encoding, faults)
    if not text.strip():
        raise faults.stop(1, 1, "file.empty", "the file is empty: it needs a line of headings")
    return _lines(text, _delimiter(text, known, faults), faults)


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


def _delimiter(text: str, known: Callable[[str], bool], faults: Faults) -> str:
    """Return the delimiter under which the first line gives the most known headings."""
    first = re.split(r"[\r\n]", text.lstrip("\r\n \t"), maxsplit=1)[0]
    fits = {d: sum(map(known, first.split(d))) for d in DELIMITERS}
    best = max(fits, key=lambda d: fits[d])
    if not any(d in first for d in DELIMITERS) and any(sign in first for sign in OTHER_DELIMITERS):
        raise faults.stop(1, 1, "csv.delimiter", "cells are parted by commas, semicolons or tabs; this line has none")
    return best if fits[best] else ","


def _lines(text: str, delimiter: str, faults: Faults) -> Iterator[Record]:
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
