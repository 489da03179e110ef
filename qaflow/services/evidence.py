"""Evidence (佐证材料): files that a stage leaves, kept by their hash and named in the journal."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

from qaflow.engine.snapshot import Data
from qaflow.errors import Forbidden, Invalid
from qaflow.store import ledger
from qaflow.store.db import Driver

from . import cycles, policy
from .acting import hold
from .ports import Files
from .work import AnySession, Origin, transact

LIMIT = 16 * 1024 * 1024
NAME_LENGTH = 200
OFFICE = b"PK\x03\x04"
KINDS: dict[str, tuple[str, bytes]] = {
    "pdf": ("application/pdf", b"%PDF-"),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", OFFICE),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", OFFICE),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", OFFICE),
    "txt": ("text/plain", b""),
    "csv": ("text/csv", b""),
}
"""The kinds of file taken: ending, media type, and how the bytes begin."""


def attach(session: AnySession, origin: Origin, files: Files, cycle: int, name: str, data: bytes) -> Data:
    """Keep a file as evidence of the cycle's current visit; returns where the cycle stands and the file's hash.

    Raises `Invalid` (``file.empty``, ``file.too_large``, ``file.type_refused``, ``file.type_mismatch``), and what
    `cycles.fire` raises.  The bytes are on disk before the fact that names them is written.
    """
    named = _name(name)
    media = _media(named, data)

    def body(driver: Driver) -> Data:
        acting = hold(session, driver, origin, cycle)
        if origin.person is None:
            raise Forbidden("actor.system", "evidence is given by a person")
        for_ = policy.permit(driver, acting.scope, acting.snap, "attach", {}, origin.person, acting.today)
        args = {"hash": files.keep(data), "size": len(data), "name": named, "media": media}
        acting.decide("attach", args, acting.context(for_=for_))
        cycles.finish(acting)
        return cycles.standing(acting) | {"evidence": args}

    return transact(session, body)


def _name(name: str) -> str:
    """Return the file's own name, without folders and without what cannot be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C").strip()
    if not plain or len(plain) > NAME_LENGTH:
        raise Invalid("file.name", f"a file needs a name of 1 to {NAME_LENGTH} characters")
    return plain


def _media(name: str, data: bytes) -> str:
    if not data:
        raise Invalid("file.empty", f"{name} is empty")
    if len(data) > LIMIT:
        raise Invalid("file.too_large", f"{name} has {len(data)} bytes; at most {LIMIT} are taken")
    ending = name.rpartition(".")[2].lower()
    if ending not in KINDS:
        raise Invalid("file.type_refused", f"{name}: files ending in {', '.join(KINDS)} are taken")
    media, begins = KINDS[ending]
    if not data.startswith(begins) or (not begins and not _is_text(data)):
        raise Invalid("file.type_mismatch", f"{name} does not hold what its ending says")
    return media


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def findings(driver: Driver, files: Files) -> list[dict[str, Any]]:
    """Return the files that the journal names and that are gone or altered."""
    found = []
    for cycle, digest, name in ledger.all_files(driver):
        data = files.read(digest)
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            what = "is not there" if data is None else "was altered"
            found.append({"check": "evidence", "ref": f"cycle:{cycle}", "why": f"the file {name} {what}",
                          "expected": digest, "found": None})  # fmt: skip
    return found
