"""What a file holds beyond its first bytes: an office file's parts, an image's size."""

from __future__ import annotations

import io
import struct
import zipfile

from qaflow.errors import Invalid

PARTS = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
"""The part without which an office file is only some archive."""
MACROS = "vbaproject.bin"
INNER = (".zip", ".rar", ".7z", ".exe", ".docm", ".xlsm", ".pptm")
ENTRY = b"PK\x01\x02"  # how each entry of an archive's directory begins, whatever it says of their number
MOST_PARTS = 10_000
MOST_PIXELS = 100_000_000
"""Larger images are refused: whoever opens one needs four bytes of memory for each point."""
MARKUP = (b"<html", b"<script", b"<!doctype html", b"<svg")
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def look(name: str, ending: str, data: bytes) -> None:
    """Refuse an office file with macros, archives inside or no document, and an image too large or of two kinds."""
    if ending in PARTS:
        _office(name, ending, data)
    elif ending in ("png", "jpg", "jpeg"):
        _image(name, ending, data)


def _office(name: str, ending: str, data: bytes) -> None:
    if data.count(ENTRY) > MOST_PARTS:  # asked before it is read: 300,000 of them take seconds, and 250 MB
        raise Invalid("file.type_mismatch", f"{name} lists more than {MOST_PARTS} parts")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [part.lower() for part in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Invalid("file.type_mismatch", f"{name} cannot be opened") from error
    if PARTS[ending] not in parts:
        raise Invalid("file.type_mismatch", f"{name} does not hold what its ending says")
    if any(part.endswith(MACROS) or part.endswith(INNER) for part in parts):
        raise Invalid("file.type_refused", f"{name} holds a program or an archive")


def _image(name: str, ending: str, data: bytes) -> None:
    size = _png(data) if ending == "png" else _jpeg(data)
    if size is None or any(mark in data[:1024].lower() for mark in MARKUP):
        raise Invalid("file.type_mismatch", f"{name} does not hold what its ending says")
    if size[0] * size[1] > MOST_PIXELS:
        raise Invalid("image.too_large", f"{name} has {size[0]} x {size[1]} points")


def _png(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Return the size that the frame's header gives; None where there is no frame."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind in FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return int(width), int(height)
        if length < 2:
            return None
        at += 2 + length
    return None
