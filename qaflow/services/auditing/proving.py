"""Proving history: begun by the quality office, worked off beside the requests, the result kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from qaflow.errors import Invalid, Missing, QaflowError
from qaflow.services.ports import Ports
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import people, proofs
from qaflow.store.db import Driver, reading, utc
from qaflow.store.proofs import Proof

from . import audit, checkpoints, packs
from .review import cycle_of, office

HELD = timedelta(hours=1)  # after that a verification without an end was broken off with its process
SHOWN = 10
MOST_BYTES = 15 * 1024 * 1024  # of a checkpoint that is sent; larger ones are for the command line
FOUR = ("chain", "replay", "projection", "checkpoint")
"""The four proofs: bytes hash as stored, facts are allowed one by one, rows are what they give, heads agree."""
OF = {"definition": "chain", "content": "chain", "evidence": "projection", "readings": "projection"}
COMPARED = ("at", "same", "streams", "public_key")
Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Proven:
    """One verification, read."""

    row: Proof
    running: bool
    broken_off: bool
    first: Data | None
    results: dict[str, int]
    checkpoint: Data | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a college's history rests on: its verifications, and its last checkpoint (instant, place, by whom)."""

    proofs: tuple[Proven, ...]
    checkpoint: tuple[str, int, str | None] | None


class Begun(NamedTuple):
    """A verification, of which college, and whether it begins now or was at work already."""

    number: int
    college: str
    fresh: bool


def standing(session: AnySession, origin: Origin, college: int | None) -> Standing:
    """Return the last verifications and the last checkpoint of a college."""
    driver = reading(session)
    try:
        seen = office(session, driver, origin, college, "audit")
        kept = proofs.checkpoint(driver, f"college:{seen.key}")
        who = people.names(driver, [int(kept[2])]).get(int(kept[2])) if kept and kept[2].isdigit() else None
        found = tuple(_read(row, origin) for row in proofs.latest(driver, seen.id, SHOWN))
        return Standing(proofs=found, checkpoint=(kept[0], kept[1], who[0] if who else None) if kept else None)
    finally:
        session.rollback()


def one(session: AnySession, origin: Origin, college: int | None, number: int) -> Proven:
    """Return one verification; another college's is not there."""
    driver = reading(session)
    try:
        row = proofs.one(driver, office(session, driver, origin, college, "audit").id, number)
    finally:
        session.rollback()
    if row is None:
        raise Missing("proof.not_found", f"no verification {number}")
    return _read(row, origin)


def _read(row: Proof, origin: Origin) -> Proven:
    fresh = row.started_at > utc(origin.recorded - HELD)
    return Proven(
        row=row, running=row.ended_at is None and fresh, broken_off=row.ended_at is None and not fresh,
        first=json.loads(row.first_fault) if row.first_fault else None, results=json.loads(row.results),
        checkpoint=json.loads(row.checkpoint) if row.checkpoint else None,
    )  # fmt: skip


def start(session: AnySession, ports: Ports, origin: Origin, college: int | None, checkpoint: bytes | None) -> int:
    """Begin to verify the history beside what asks for it; returns the number of this verification, or of one at work.

    A checkpoint that is sent along is held against it.  Raises `Invalid` (``checkpoint.invalid``, ``file.too_large``).
    """
    against = None if checkpoint is None else given(checkpoint)
    number, own, fresh = begin(session, origin, college)
    if fresh and ports.beside is not None:
        ports.beside(lambda session: work(session, ports, number, own, against))
    return number


def begin(session: AnySession, origin: Origin, college: int | None) -> Begun:
    """Note that a verification begins, unless one is at work."""

    def body(driver: Driver) -> Begun:
        seen = office(session, driver, origin, college, "audit")
        at_work = proofs.running(driver, seen.id, utc(origin.recorded - HELD))
        if at_work is not None:
            return Begun(at_work, seen.key, fresh=False)
        assert origin.person is not None
        number = proofs.begin(driver, seen.id, origin.person, origin.door, utc(origin.recorded))
        return Begun(number, seen.key, fresh=True)

    return transact(session, body)


def work(session: AnySession, ports: Ports, number: int, own: str, checkpoint: Data | None = None) -> None:
    """Verify the whole installation and keep the result; whatever stops it is told as the first fault."""
    try:
        report = audit.verify(session, checkpoint)
    except QaflowError as error:
        report = {"entries": 0, "streams": 0, "findings": [audit.finding("chain", None, None, error.detail)]}
    session.rollback()
    at = utc(ports.clock.now())
    transact(session, lambda d: proofs.end(d, number, {"at": at, **_kept(d, report, own)}))


def _kept(driver: Driver, report: Data, own: str) -> Data:
    """Return what is kept of a report; the first fault is one of this college's, if it has any."""
    findings = report["findings"]
    results = dict.fromkeys(FOUR, 0)
    for one in findings:
        results[OF.get(one["kind"], one["kind"])] += 1
    ours = [f for f in findings if _ours(driver, f["stream"], own)]
    first = next((f for f in ours if f["kind"] in ("chain", "replay")), ours[0] if ours else None)
    told = {k: first[k] for k in ("stream", "seq", "why")} if first else None
    compared = report.get("checkpoint")
    return {
        "entries": report["entries"], "streams": report["streams"],
        "faults": len(findings) + report.get("unlisted", 0), "results": json.dumps(results),
        "first": json.dumps(told, ensure_ascii=False) if told else None,
        "checkpoint": json.dumps({k: compared[k] for k in COMPARED}) if compared else None,
    }  # fmt: skip


def _ours(driver: Driver, stream: str | None, own: str) -> bool:
    if stream is None:
        return True
    of, _, number = stream.partition(":")
    if of == "college":
        return number == own
    return number.isdigit() and proofs.college_of(driver, of, int(number)) == own


def given(data: bytes) -> Data:
    """Return the checkpoint that a file holds, `Invalid` where it is none."""
    if len(data) > MOST_BYTES:
        raise Invalid("file.too_large", f"a checkpoint has at most {MOST_BYTES} bytes")
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Invalid("checkpoint.invalid", "the file is no JSON") from error
    if not isinstance(found, dict) or found.get("kind") != checkpoints.KIND or list(checkpoints.Marks(found).faults()):
        raise Invalid("checkpoint.invalid", "the file is no checkpoint with a true signature")
    return found


def seal(session: AnySession, origin: Origin, ports: Ports, college: int | None) -> Data:
    """Make a checkpoint of the college's heads, to be kept outside this machine."""
    driver = reading(session)
    try:
        own = office(session, driver, origin, college, "audit").id
    finally:
        session.rollback()
    return checkpoints.make(session, origin, ports.settings.home, own)


def pack(session: AnySession, origin: Origin, college: int | None, cycle: int) -> Data:
    """Return one cycle's whole history in a document that proves itself; another college's is not there."""
    driver = reading(session)
    try:
        cycle_of(driver, office(session, driver, origin, college, "audit").id, cycle)
    finally:
        session.rollback()
    return packs.make(session, cycle)


def cycle(session: AnySession, origin: Origin, college: int | None, number: int) -> Data:
    """Hash and replay one cycle now: ``consistent``, ``entries``, ``findings``."""
    return packs.verify(pack(session, origin, college, number))
