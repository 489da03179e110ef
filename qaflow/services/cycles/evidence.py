"""Evidence (佐证材料): files that a stage leaves, kept by their hash and named in the journal."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.engine.snapshot import Data
from qaflow.errors import Altered, Forbidden, Invalid, Missing, Refused, Unavailable
from qaflow.services import policy
from qaflow.services.ports import Files
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import cycle_beside as beside
from qaflow.store import cycles as cycle_rows
from qaflow.store import ledger, reviews, ticks
from qaflow.store.db import Driver, reading, utc

from . import acts, file_kinds
from .acting import Acting, hold

MOST = 20  # files at once
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


def attach(session: AnySession, origin: Origin, files: Files, cycle: int, name: str, data: bytes,
           media: str = "") -> Data:  # fmt: skip
    """Keep a file as evidence of the cycle's current visit; returns where the cycle stands and the file as it is kept.

    Raises `Invalid` (``file.empty``, ``file.too_large``, ``file.type_refused``, ``file.type_mismatch``, also where it
    is said to be of another type than its name says), and what `cycles.fire` raises.  The bytes are on disk before the
    fact that names them is written.
    """
    if media and checked_file(name, data)[1] != media:
        raise Invalid("file.type_mismatch", f"{name} is no {media}")
    return attach_all(session, origin, files, cycle, [(name, data)])


def attach_all(session: AnySession, origin: Origin, files: Files, cycle: int,
               given: Sequence[tuple[str, bytes]]) -> Data:  # fmt: skip
    """Keep several files, all or none; what lies in the visit already under that name is not left twice."""
    if not given:
        raise Invalid("file.none", "no file was chosen")
    if len(given) > MOST:
        raise Invalid("file.too_many", f"at most {MOST} files at once")
    checked = [checked_file(name, data) for name, data in given]

    def body(driver: Driver) -> Data:
        acting = hold(session, driver, origin, cycle)
        for_ = require_attach(acting)
        args: Data = {}
        for (named, media), (_, data) in zip(checked, given, strict=True):
            args = {"hash": files.keep(data), "size": len(data), "name": named, "media": media}
            if not _left(acting, args):
                acting.decide("attach", args, acting.context(for_=for_))
        acts.finish(acting)
        kept = _left(acting, args)
        return acts.standing(acting) | {"evidence": args | {"id": kept and kept.id}}

    return transact(session, body)


def require_attach(acting: Acting) -> int | None:
    """Return for whom this person may leave a file here; the one place where that is decided."""
    if acting.origin.person is None:
        raise Forbidden("actor.system", "evidence is given by a person")
    for_ = policy.permit(acting.driver, acting.scope, acting.snap, "attach", {}, acting.origin.person, acting.today)
    if is_frozen(acting):
        raise Refused("evidence.frozen", "the evidence is frozen for an outside review")
    return for_


def is_frozen(acting: Acting) -> bool:
    """Tell whether a freeze for an outside review covers the cycle."""
    return reviews.stands(acting.driver, acting.row.college, acting.snap.layer, acting.snap.start)


def may_attach(acting: Acting) -> bool:
    """Tell whether this person may leave a file in the current visit now."""
    try:
        require_attach(acting)
    except (Forbidden, Missing, Refused):
        return False
    return acting.snap.status == "running" and not acting.row.sealed


def _left(acting: Acting, args: Data) -> beside.File | None:
    """Return the file as it lies in the current visit under its name."""
    snap = acting.snap
    here = (snap.stage, snap.visit.number, args["hash"], args["name"])
    every = beside.files(acting.driver, acting.row.college, snap.id)
    return next((f for f in every if (f.stage, f.visit, f.hash, f.name) == here), None)


def look(session: AnySession, origin: Origin, cycle: int) -> list[beside.File]:
    """Return the files of a cycle to whoever may see it, in the order in which they came."""
    driver = reading(session)
    try:
        acting = _seen(session, driver, origin, cycle)
        if acting is None:
            raise Missing("cycle.not_found", f"no cycle {cycle}")
        return beside.files(driver, acting.row.college, cycle)
    finally:
        session.rollback()


def _seen(session: AnySession, driver: Driver, origin: Origin, cycle: int) -> Acting | None:
    """Return a cycle that this person may see."""
    loaded = cycle_rows.load(driver, cycle, lock=False)
    if loaded is None or origin.person is None:
        return None
    acting = Acting(session, driver, origin, *loaded, Writer(driver, origin))
    return acting if policy.may_see(driver, acting.scope, acting.snap, origin.person, acting.today) else None


def keeper(files: Files | None) -> Files:
    """Return where files are kept, if this door keeps any."""
    if files is None:
        raise Unavailable("evidence.folder", "this door keeps no files")
    return files


class Fetched(NamedTuple):
    """A file as it was left."""

    name: str
    media: str
    data: bytes


def fetch(session: AnySession, origin: Origin, files: Files, cycle: int, number: int) -> Fetched:
    """Return a file of a cycle to whoever may see it.

    Where the disk holds something else than what was left, that is an incident and `Altered`, never other content.
    """

    def found(driver: Driver) -> beside.File:
        acting = _seen(session, driver, origin, cycle)
        every = beside.files(driver, acting.row.college, cycle) if acting else ()
        for one in every:
            if one.id == number:
                return one
        raise Missing("file.not_found", f"cycle {cycle} has no file {number}")

    one = transact(session, found)
    data = files.read(one.hash)
    if data is None or hashlib.sha256(data).hexdigest() != one.hash:
        why = "is gone" if data is None else "was altered"
        told = f"the file {one.name} of cycle {cycle} {why} on disk"
        transact(session, lambda driver: ticks.open_incident(driver, None, "evidence", f"cycle:{cycle}/{number}", told,
                                                             utc(origin.now), None))  # fmt: skip
        raise Altered("file.integrity", told)
    return Fetched(one.name, one.media, data)


def _name(name: str) -> str:
    """Return the file's own name, without folders and without what cannot be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C").strip()
    if not plain or len(plain) > NAME_LENGTH:
        raise Invalid("file.name", f"a file needs a name of 1 to {NAME_LENGTH} characters")
    return plain


def checked_file(name: str, data: bytes) -> tuple[str, str]:
    """Return a file's own name and media type, or refuse it."""
    named = _name(name)
    return named, _media(named, data)


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
    file_kinds.look(name, ending, data)
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
