"""Workbooks for tests, good and bad: made by the libraries people use, and broken by hand."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import xlwt
from xlsxwriter import Workbook

Rows = Sequence[Sequence[Any]]
PEOPLE: Rows = (("login", "name", "language", "roles"), ("li", "李某", "zh", ""))
DAYS: Rows = (("layer", "code", "name", "unit", "starts"), ("course", "K1", "课", "sec", "2026-03-04"))


def xlsx(rows: Rows, more: dict[str, Rows] | None = None, change: Callable[[Any, Any], None] | None = None,
         options: dict[str, Any] | None = None) -> bytes:  # fmt: skip
    """Return a workbook of a sheet Sheet1, and further ones; `change` is called with the book and the first sheet."""
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, **(options or {})})
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for title, content in {"Sheet1": rows, **(more or {})}.items():
        sheet = book.add_worksheet(title)
        for y, row in enumerate(content):
            for x, value in enumerate(row):
                if isinstance(value, date | datetime):
                    sheet.write_datetime(y, x, value, day)
                elif value != "":
                    sheet.write(y, x, value)
    if change is not None:
        change(book, book.worksheets()[0])
    book.close()
    return out.getvalue()


def xls(rows: Rows, change: Callable[[Any, Any], None] | None = None, late: bool = False) -> bytes:
    """Return a workbook of the older kind."""
    book = xlwt.Workbook()
    book.dates_1904 = late
    sheet = book.add_sheet("Sheet1")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            sheet.write(y, x, value, *([day] if isinstance(value, date | datetime) else []))
    if change is not None:
        change(book, sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parts(data: bytes) -> dict[str, bytes]:
    """Return a workbook's parts by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries: Sequence[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    """Return an archive of entries, in their order, doubled ones too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def altered(data: bytes, **changes: bytes) -> bytes:
    """Return a workbook with parts replaced; underscores in a key stand for the path ``xl/KEY.xml``."""
    found = parts(data)
    for key, content in changes.items():
        found[f"xl/{key.replace('__', '/')}.xml"] = content
    return packed(list(found.items()))


def renamed(data: bytes, old: str, new: str) -> bytes:
    """Return a workbook in which a part has another name, and whoever points to it says so."""
    return packed([(name.replace(old, new), content.replace(old.encode(), new.encode()))
                   for name, content in parts(data).items()])  # fmt: skip


def with_entry(data: bytes, name: str | zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    """Return a workbook with one more entry."""
    return packed([*parts(data).items(), (name, content)])


def symlink(data: bytes) -> bytes:
    """Return a workbook with a symbolic link in it."""
    info = zipfile.ZipInfo("xl/link")
    info.external_attr = 0o120777 << 16
    return with_entry(data, info, b"/etc/passwd")


def raw_name(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return an archive whose entry bears another name of the same length, in both of its places."""
    assert len(old) == len(new) and data.count(old) >= 2
    return data.replace(old, new)


def zeros(size: int) -> bytes:
    """Return a workbook with a sheet of blanks so long, without ever holding it."""
    crc, packer, out = 0, zlib.compressobj(9, zlib.DEFLATED, -15), []
    for at in range(0, size, 2**24):
        piece = b" " * min(2**24, size - at)
        crc = zlib.crc32(piece, crc)
        out.append(packer.compress(piece))
    body = b"".join([*out, packer.flush()])
    name = b"xl/worksheets/sheet9.xml"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, crc, len(body), size, len(name), 0) + name
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, crc, len(body), size, len(name), 0, 0, 0, 0,
                        0, 0) + name  # fmt: skip
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local) + len(body), 0)
    return local + body + entry + end


def lying(data: bytes, part: str, says: int) -> bytes:
    """Return an archive whose part says it is smaller than it is."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(part)
    made = bytearray(data)
    made[info.header_offset + 22 : info.header_offset + 26] = struct.pack("<L", says)
    at = data.index(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(part)] != part.encode():
        at = data.index(b"PK\x01\x02", at + 4)
    made[at + 24 : at + 28] = struct.pack("<L", says)
    return bytes(made)


def overlapping(data: bytes, times: int) -> bytes:
    """Return an archive whose directory names one part many times: little to keep, much to unpack."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.start_dir
    at = data.index(b"PK\x01\x02", start)
    size = 46 + sum(struct.unpack_from("<3H", data, at + 28))
    entry = data[at : at + size]
    name = struct.unpack_from("<H", entry, 28)[0]
    copies = b"".join(entry[:46] + f"{n:0{name}}"[:name].encode() + entry[46 + name :] for n in range(times))
    directory = data[start : data.rindex(b"PK\x05\x06")] + copies
    end = bytearray(data[data.rindex(b"PK\x05\x06") :])
    count = struct.unpack_from("<H", end, 10)[0] + times
    count &= 0xFFFF  # the field has two bytes; readers go by the directory's length
    struct.pack_into("<2H2L", end, 8, count, count, len(directory), start)
    return data[:start] + directory + bytes(end)


def ods() -> bytes:
    """Return what an OpenDocument sheet looks like."""
    return packed([("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", b"<x/>")])


def encrypted() -> bytes:
    """Return the look of a workbook behind a password: a compound file with its package in it."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 1024
