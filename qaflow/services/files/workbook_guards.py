"""What is asked of a workbook's archive before any of it is unpacked: its size in truth, its names, its XML.

The numbers are qaflow's own (assumed): no import that a person can check by eye comes near them.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from .file_faults import Faults

MOST_PARTS = 10_000
MOST_UNPACKED = 192 * 2**20
"""Bytes that all parts may come to; sheets are read row by row, never held."""
MOST_PART = 32 * 2**20
"""Bytes of a part that has to be held whole, such as the table of texts."""
MOST_RATIO = 200
RATIO_FROM = 2**20
"""Smaller parts may be as dense as they like: they cannot hurt."""
CHUNK = 2**20
SHEETS = "xl/worksheets/"
MACROS = ("vbaproject.bin", "vbadata.xml")
INNER = (".zip", ".rar", ".7z", ".gz", ".xlsx", ".xlsm", ".docx", ".docm", ".pptx", ".pptm", ".exe")
ARCHIVE = b"PK\x03\x04"
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
SYMLINK = 0o120000
END, END64 = b"PK\x05\x06", b"PK\x06\x06"
BIGGEST_ENTRY = 400  # bytes of an entry in the directory: no part of a workbook has a longer name
BROKEN = "begins like a workbook, but is damaged or cut off: save it again"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def opened(data: bytes, faults: Faults) -> zipfile.ZipFile:
    """Return the archive once it is proven harmless; else `Invalid` says what is wrong with it."""
    _directory(data, faults)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        raise faults.whole("file.not_xlsx", BROKEN) from None
    parts = archive.infolist()
    _names(parts, faults)
    _sizes(parts, len(data), faults)
    for part in parts:
        _content(data, part, faults)
    return archive


def _directory(data: bytes, faults: Faults) -> None:
    """Refuse a directory of too many entries before it is read: a million of them take seconds."""
    end = data.rfind(END, max(0, len(data) - 2**16 - 22))
    if end < 0 or len(data) < end + 22:
        raise faults.whole("file.not_xlsx", "begins like a workbook, but its end is missing: it is cut off")
    count, size = struct.unpack_from("<HL", data, end + 10)
    end64 = data.rfind(END64, max(0, end - 2**12), end)
    if end64 >= 0 and end64 + 56 <= len(data):
        count, size = struct.unpack_from("<QQ", data, end64 + 32)
    if count > MOST_PARTS or size > MOST_PARTS * BIGGEST_ENTRY:
        raise faults.whole("archive.expands_too_much", f"lists more than {MOST_PARTS} parts")


def _names(parts: list[zipfile.ZipInfo], faults: Faults) -> None:
    seen = set()
    for part in parts:
        name = part.orig_filename
        steps = name.split("/")
        bad = "\0" in name or "\\" in name or ":" in name or name.startswith("/") or ".." in steps
        bad = bad or not name.isprintable() or any(DEVICE.fullmatch(step) for step in steps)
        if bad or name.casefold() in seen or (part.external_attr >> 16) & 0o170000 == SYMLINK:
            raise faults.whole("archive.bad_entry", f"holds a part with a name that is not allowed: {name[:80]!r}")
        if part.compress_type not in METHODS:
            raise faults.whole("archive.bad_entry", f"the part {name[:80]!r} is packed in a way workbooks are not")
        seen.add(name.casefold())
        if steps[-1].casefold() in MACROS:
            raise faults.whole("file.macros", "holds macros (programs): save it as .xlsx without them")
        if name.casefold().endswith(INNER):
            raise faults.whole("archive.expands_too_much", f"holds another archive: {name[:80]!r}")
        if part.flag_bits & 1:
            raise faults.whole("file.not_xlsx", "is encrypted: save it without a password")


def _sizes(parts: list[zipfile.ZipInfo], size: int, faults: Faults) -> None:
    """Refuse what the directory itself owns up to: too much in all, too dense, or lying over one another."""
    if len(parts) > MOST_PARTS:
        raise faults.whole("archive.expands_too_much", f"lists more than {MOST_PARTS} parts")
    if sum(part.file_size for part in parts) > MOST_UNPACKED:
        told = f"unpacks to more than {MOST_UNPACKED // 2**20} MB: divide the file"
        raise faults.whole("archive.expands_too_much", told)
    held = [p for p in parts if not p.filename.startswith(SHEETS)]
    if any(part.file_size > MOST_PART for part in held):
        raise faults.whole("archive.expands_too_much", f"has a part of more than {MOST_PART // 2**20} MB")
    for part in parts:
        if part.file_size > RATIO_FROM and part.file_size > MOST_RATIO * max(1, part.compress_size):
            told = f"{part.filename[:80]!r} grows to more than {MOST_RATIO} times its size"
            raise faults.whole("archive.expands_too_much", told)
    end = 0
    for part in sorted(parts, key=lambda p: p.header_offset):
        if part.header_offset < end or part.header_offset + part.compress_size > size:
            raise faults.whole("archive.expands_too_much", "has parts that lie over one another")
        end = part.header_offset + 30 + part.compress_size


def _content(data: bytes, part: zipfile.ZipInfo, faults: Faults) -> None:
    """Unpack a part into nothing: its true size, no archive inside, and no entities in its XML."""
    try:
        name, extra = struct.unpack_from("<HH", data, part.header_offset + 26)
        begin = part.header_offset + 30 + name + extra
        packed = memoryview(data)[begin : begin + part.compress_size]
        look = _Prolog()  # whatever its name says: the workbook itself names the part that is its sheet
        true, first = 0, True
        for piece in _unpacked(packed, part.compress_type == zipfile.ZIP_DEFLATED):
            true += len(piece)
            if true > part.file_size:
                raise faults.whole("archive.expands_too_much", f"{part.filename[:80]!r} is larger than it says")
            if first and piece.startswith(ARCHIVE):
                raise faults.whole("archive.expands_too_much", f"holds another archive: {part.filename[:80]!r}")
            first = False
            if not look.done and look.feed(piece):
                told = f"{part.filename[:80]!r} declares a document type or entities"
                raise faults.whole("xml.entity_forbidden", told)
    except (zlib.error, struct.error):
        raise faults.whole("file.not_xlsx", BROKEN) from None


def _unpacked(packed: memoryview, deflated: bool) -> Iterator[bytes]:
    if not deflated:
        yield from (bytes(packed[at : at + CHUNK]) for at in range(0, len(packed), CHUNK))
        return
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    rest = bytes(packed)
    while rest and not stream.eof:
        yield stream.decompress(rest, CHUNK)
        rest = stream.unconsumed_tail


class _Prolog:
    """Reads an XML part up to its root and tells whether a document type stands before it."""

    def __init__(self) -> None:
        self.done, self.declared = False, False
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._root

    def _doctype(self, *_: object) -> None:
        self.declared = self.done = True
        self.parser.StartDoctypeDeclHandler = None
        raise _Enough

    def _root(self, *_: object) -> None:
        self.done = True
        raise _Enough

    def feed(self, piece: bytes) -> bool:
        """Read on; True once a document type or an entity is declared."""
        try:
            self.parser.Parse(piece, False)
        except _Enough:
            pass
        except expat.ExpatError:
            self.done = True  # the reader behind this says what is wrong
        return self.declared


class _Enough(Exception):
    """Ends the reading of a part's prolog."""
