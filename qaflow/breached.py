"""A local list of passwords that are known to others: asked by binary search, never loaded into memory.

A line is a SHA-1 in hexadecimal, whole or its first signs, with or without ``:COUNT`` (the form in which the known
collections are published); or, where the first line is none, a password itself. Lines are sorted bytewise.
"""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from qaflow.errors import ConfigError

HEX = re.compile(rb"([0-9A-Fa-f]{10,40})(?::\d+)?")
HEAD = 1000  # lines, and places, at which the order is looked at as the program starts
LONGEST = 4096


def checked(file: Path) -> Path:
    """Return the file, or refuse one that cannot be read or is not sorted (``config.breached_passwords``)."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            at = [_line_at(stream, size * n // HEAD, size) for n in range(HEAD)] if size else []
            stream.seek(0)
            head = [line for _, line in zip(range(HEAD), stream, strict=False)]
    except OSError as error:
        raise _bad(file, f"cannot be read ({error.strerror})") from error
    if not head:
        raise _bad(file, "is empty")
    hashed = HEX.fullmatch(head[0].strip()) is not None
    for lines in (head, [line for line in at if line]):
        keys = [_key(line, hashed) for line in lines]
        if any(a > b for a, b in pairwise(keys)):
            raise _bad(file, f"is not sorted; type: LC_ALL=C sort -u -o {file} {file}")
    return file


def holds(file: Path, password: str) -> bool:
    """Tell whether a list holds a password; raise ConfigError where it cannot be read any more."""
    try:
        with file.open("rb") as stream:
            first = HEX.fullmatch(stream.readline(LONGEST).strip())
            if first is None:
                return _found(stream, password.encode(), False)
            digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().encode()
            return _found(stream, digest[: len(first[1])], True)
    except OSError as error:
        raise _bad(file, f"cannot be read ({error.strerror})") from error


def _found(stream: BinaryIO, wanted: bytes, hashed: bool) -> bool:
    """Halve the file until the first line that is not before the wanted one is known."""
    size = stream.seek(0, 2)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        line = _line_at(stream, middle, size)
        if line and _key(line, hashed) < wanted:
            low = middle + 1
        else:
            high = middle
    line = _line_at(stream, low, size)
    return bool(line) and _key(line, hashed) == wanted


def _line_at(stream: BinaryIO, place: int, size: int) -> bytes:
    """Return the first line that begins at a place or after it."""
    if place == 0:
        stream.seek(0)
    else:
        stream.seek(place - 1)
        stream.readline()
    return stream.readline() if stream.tell() < size else b""


def _key(line: bytes, hashed: bool) -> bytes:
    text = line.rstrip(b"\r\n")
    return text.partition(b":")[0].strip().lower() if hashed else text


def _bad(file: Path, what: str) -> ConfigError:
    return ConfigError("config.breached_passwords", f"QAFLOW_BREACHED_PASSWORDS {file}: {what}", path=str(file))
