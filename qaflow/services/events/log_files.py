"""The logs of a college's history as files for its quality office, which may read all of it.

A file is made whole, as of one moment, before anything of it leaves: a fault is told as such, and nobody who reads
slowly holds the database up.  It lies in memory while it is small, else on the disk under no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

from qaflow import logs
from qaflow.engine.definition import Label
from qaflow.errors import Invalid, Missing
from qaflow.services.auditing.review import office
from qaflow.services.work import AnySession, Origin
from qaflow.store import audit
from qaflow.store.db import reading

from . import mining
from .mining import Wanted

HELD = 1024 * 1024  # bytes of a file that are held in memory
PIECE = 64 * 1024
MOST_BYTES = 256 * 1024 * 1024
MEDIA = {"xes": "application/xml", "ocel": "application/json", "journal": "application/x-ndjson"}
ENDS = {"xes": "xes", "ocel": "ocel.json", "journal": "jsonl"}
log = logs.get("qaflow.events")


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log as a file, to be read once: its pieces, the last of which closes it."""

    name: str
    media: str
    size: int
    file: IO[bytes]

    def __iter__(self) -> Iterator[bytes]:
        """Return its pieces."""
        return self

    def __next__(self) -> bytes:
        """Return the next piece."""
        piece = b"" if self.file.closed else self.file.read(PIECE)
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        """Let go of it, also where nobody reads it, as where only the head is asked for."""
        self.file.close()


def layers(session: AnySession, origin: Origin, college: int | None) -> tuple[tuple[str, Label], ...]:
    """Return the layers of which a log can be: key and name; the quality office's right."""
    try:
        seen = office(session, reading(session), origin, college, "audit")
        return tuple((layer.key, layer.name) for layer in seen.config.layers)
    finally:
        session.rollback()


def download(session: AnySession, origin: Origin, college: int | None, kind: str, wanted: Wanted,
             most: int = MOST_BYTES) -> Log:  # fmt: skip
    """Return a log of the college's history; every one that is taken leaves a line in the program's log.

    `Missing` for a kind that there is not, `Invalid` (``export.too_large``) beyond `most` bytes, and as
    `mining.told` refuses.
    """
    driver = audit.steady(session)
    file = SpooledTemporaryFile(HELD)  # noqa: SIM115 - it is closed by whoever reads it
    try:
        seen = office(session, driver, origin, college, "audit")
        if kind not in MEDIA:
            raise Missing("object.not_found", f"no log of the kind {kind!r}")
        facts = mining.told(driver, seen, kind, wanted, lambda lines: _keep(file, lines, most))
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    finally:
        session.rollback()
    log.info("events.log_taken", kind=kind, person=origin.person, names=wanted.names, facts=facts, bytes=size)
    return Log(name=f"{seen.key}.{ENDS[kind]}", media=MEDIA[kind], size=size, file=file)


def _keep(file: IO[bytes], lines: Iterator[str], most: int) -> None:
    """Write a log's lines, as long as they fit."""
    left = most
    for line in lines:
        text = line.encode()
        left -= len(text)
        if left < 0:
            raise Invalid("export.too_large", f"this log has more than {most} bytes: choose fewer days or one layer")
        file.write(text)
