"""Freezes of evidence (封存): what cycles held on a day is listed, and kept still until the office lifts the freeze.

A freeze covers the cycles whose period began by its day, of one layer or of all.  While it stands nobody leaves a
file in them (`evidence.require_attach`).  Its manifest names every file and submitted text by hash and every history
by its newest entry; its digest stands in the college's stream.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine.dates import iso_day
from qaflow.errors import Altered, Invalid, Missing, Refused, Stale
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.places.organisation import Desk, desk
from qaflow.services.work import AnySession, Origin, compact, transact
from qaflow.store import content
from qaflow.store import reviews as rows
from qaflow.store.db import Driver, reading
from qaflow.store.reviews import Freeze

from .sampling import require_layer, word

FORMAT = 1
REASON = 500
LISTED = 200
MOST = 50_000  # cycles of one freeze
FROZEN, RELEASED = "EvidenceFrozen", "EvidenceReleased"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A freeze as it is asked for; `agreed` is what its preview covered, `once` the word of its form."""

    day: str
    reason: str
    layer: str = ""
    agreed: str = ""
    once: str = ""


class Preview(NamedTuple):
    """What a freeze would cover."""

    day: str
    layer: str
    cycles: int
    files: int

    @property
    def agreed(self) -> str:
        """What whoever confirms has seen."""
        return f"{self.cycles}.{self.files}"


class Line(NamedTuple):
    """A freeze with its texts and names; an erased text is None."""

    row: Freeze
    reason: str | None
    by: str
    lifted_why: str | None
    lifted_by: str


def preview(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> Preview:
    """Return how much a freeze would cover, and change nothing.

    Raises `Invalid` (``date.invalid``, ``freeze.future``, ``freeze.nothing``, ``ref.unknown_layer``, ``text.blank``,
    ``text.too_long``) and `Refused` (``freeze.stands``, ``freeze.too_many``).
    """
    try:
        return _preview(desk(session, reading(session), origin, me, "freeze"), wanted)
    finally:
        session.rollback()


def _preview(at: Desk, wanted: Wanted) -> Preview:
    day = _day(wanted.day, at.day)
    require_layer(at.college, wanted.layer)
    _reason(wanted.reason)
    if rows.same(at.driver, at.college.id, day, wanted.layer):
        raise Refused("freeze.stands", "the same freeze stands already")
    found = Preview(day, wanted.layer, *rows.count(at.driver, at.college.id, day, wanted.layer))
    if not found.cycles:
        raise Invalid("freeze.nothing", f"no period of a cycle had begun by {day}")
    if found.cycles > MOST:
        raise Refused("freeze.too_many", f"{found.cycles} cycles: one freeze covers {MOST}")
    return found


def _day(text: str, today: str) -> str:
    try:
        found: date = iso_day(text)
    except (TypeError, Invalid):
        raise Invalid("date.invalid", "write days as YYYY-MM-DD") from None
    if found.isoformat() > today:
        raise Invalid("freeze.future", "what is to come cannot be frozen")
    return found.isoformat()


def _reason(text: str) -> str:
    found = text.strip()
    if not found:
        raise Invalid("text.blank", "a reason is needed")
    if len(found) > REASON:
        raise Invalid("text.too_long", f"a reason has at most {REASON} signs")
    return found


def freeze(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> int:
    """Freeze what was previewed; returns the freeze's number. The same form freezes once.

    Raises what `preview` raises, and `Stale` (``preview.changed``) where it would cover something else by now.
    """
    asking = replace(origin, request=f"freeze-{word(wanted.once)}")

    def body(driver: Driver) -> int:
        at = desk(session, driver, origin, me, "freeze")
        stream = CollegeStream(driver, asking, at.college.id, at.college.key)  # locks: two freezes wait
        done = rows.asked(driver, stream.name, FROZEN, str(asking.request))
        if done is not None:
            return int(json.loads(done.data)["freeze"])
        found = _preview(at, wanted)
        if found.agreed != wanted.agreed:
            raise Stale("preview.changed", "this covers something else by now than what was shown")
        return _freeze(at, stream, asking, found, wanted.reason)

    return transact(session, body)


def _freeze(at: Desk, stream: CollegeStream, origin: Origin, found: Preview, reason: str) -> int:
    driver, college = at.driver, at.college
    manifest, cycles, files = _manifest(at, found, origin)
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    (number,) = driver.reserve("evidence_freeze", 1)
    why, kept = keep(driver, _reason(reason)), keep(driver, manifest)
    data = {"freeze": number, "day": found.day, "layer": found.layer, "reason": why, "cycles": cycles,
            "files": files, "digest": digest, "content": kept}  # fmt: skip
    stream.fact(FROZEN, data)
    rows.put(driver, (number, college.id, found.day, found.layer or None, why, cycles, files, digest, kept,
                      stream.at, origin.person))  # fmt: skip
    stream.close()
    return int(number)


def _manifest(at: Desk, found: Preview, origin: Origin) -> tuple[str, int, int]:
    """Return the manifest's text, and how many cycles and files it names."""
    where = (at.driver, at.college.id, found.day, found.layer)
    covered = rows.hold_covered(*where)  # before files are read: a file that is being left now comes first
    files, texts = rows.files(*where), rows.texts(*where)
    cycles: dict[int, dict[str, Any]] = {one.id: {**one._asdict(), "files": [], "texts": []} for one in covered}
    for file in files:
        cycles[file.cycle]["files"].append({k: v for k, v in file._asdict().items() if k != "cycle"})
    for cycle, stage, visit, digest in texts:
        cycles[cycle]["texts"].append({"stage": stage, "visit": visit, "hash": digest})
    whole = {"format": FORMAT, "college": at.college.key, "day": found.day, "layer": found.layer,
             "at": origin.now.isoformat(), "cycles": list(cycles.values())}  # fmt: skip
    return compact(whole), len(covered), len(files)


def lift(session: AnySession, origin: Origin, me: SignedIn, number: int, reason: str) -> None:
    """Lift a freeze with a reason: the quality office's right alone. One that is lifted stays as it is."""
    text = _reason(reason)

    def body(driver: Driver) -> None:
        at = desk(session, driver, origin, me, "freeze")
        stream = CollegeStream(driver, origin, at.college.id, at.college.key)
        if one_of(at, number).lifted_at is not None:
            return
        why = keep(driver, text)
        stream.fact(RELEASED, {"freeze": number, "reason": why})
        rows.lift(driver, at.college.id, number, stream.at, origin.person, why)
        stream.close()

    transact(session, body)


def one_of(at: Desk, number: int) -> Freeze:
    """Return a freeze of the college, or `Missing`."""
    found = rows.freeze(at.driver, at.college.id, number)
    if found is None:
        raise Missing("freeze.not_found", f"no freeze {number}")
    return found


def listed(session: AnySession, origin: Origin, me: SignedIn) -> list[Line]:
    """Return the freezes of one's college, the newest first."""
    try:
        at = desk(session, reading(session), origin, me, "freeze")
        return lines(at, rows.freezes(at.driver, at.college.id, LISTED))
    finally:
        session.rollback()


def one(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Line:
    """Return one freeze of one's college."""
    try:
        at = desk(session, reading(session), origin, me, "freeze")
        (found,) = lines(at, [one_of(at, number)])
        return found
    finally:
        session.rollback()


def lines(at: Desk, found: Iterable[Freeze]) -> list[Line]:
    """Return freezes with their texts and names."""
    found = list(found)
    texts = content.get_many(at.driver, [key for one in found for key in (one.reason, one.lifted_why) if key])
    people = rows.names(at.driver, at.college.id, [p for f in found for p in (f.frozen_by, f.lifted_by) if p])
    return [Line(one, texts.get(one.reason), people.get(one.frozen_by, ""), texts.get(one.lifted_why or ""),
                 people.get(one.lifted_by or 0, "")) for one in found]  # fmt: skip


def manifest(session: AnySession, origin: Origin, me: SignedIn, number: int) -> tuple[Freeze, str]:
    """Return a freeze with its manifest's text, which `Altered` says is not what was frozen."""
    try:
        at = desk(session, reading(session), origin, me, "freeze")
        row = one_of(at, number)
        text = manifest_of(at, row)
    finally:
        session.rollback()
    if text is None:
        raise Altered("freeze.altered", f"the manifest of freeze {number} is not what was frozen")
    return row, text


def manifest_of(at: Desk, row: Freeze) -> str | None:
    """Return the manifest where it gives the digest that the college's stream holds; None where it does not."""
    text = content.get(at.driver, row.manifest)
    if text is None or hashlib.sha256(text.encode()).hexdigest() != row.digest:
        return None
    said = rows.facts(at.driver, f"college:{at.college.key}", FROZEN, rows.EVERYTHING)
    proven = any(f'"freeze":{row.id},' in one.data and f'"digest":"{row.digest}"' in one.data for one in said)
    return text if proven else None
