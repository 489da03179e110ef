"""Random samples for a review: drawn by lot, written down as drawn, and drawn again by whoever doubts.

A cycle's lot is the SHA-256 of ``seed:population digest:number``; the lowest lots are the sample.  So whoever has the
seed and the numbers draws the same without this program, and every draw stands in the college's stream: one that did
not please stays on the list.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView
from qaflow.services.college_stream import CollegeStream
from qaflow.services.places.organisation import Desk, desk
from qaflow.services.words import clean_name, control_character
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import reviews as rows
from qaflow.store.db import Driver, reading
from qaflow.store.reviews import Drawn, Said

MOST = 200  # cycles, of each layer where layers are drawn apart
SEED = 64
SEED_BYTES = 8
LISTED = 100
KIND = "SampleDrawn"
WORD = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a sample is asked for; `once` is the word of its form, under which it is drawn once."""

    n: int
    seed: str = ""
    layer: str = ""
    strata: bool = False
    once: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A sample as it was drawn."""

    seq: int  # its place in the college's stream
    at: str
    by: str
    n: int
    seed: str
    given: bool  # whether whoever drew named the seed
    layer: str
    strata: bool
    population: int
    last: int  # the newest cycle when it was drawn
    digest: str
    ids: tuple[int, ...]


class Shown(NamedTuple):
    """A sample with its cycles, and what drawing again gives."""

    sample: Sample
    cycles: tuple[Drawn, ...]
    same: bool  # drawn again among the same cycles, it is the same
    newer: int  # cycles that started since
    before: tuple[Sample, ...]  # earlier samples of the same population


def draw(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> int:
    """Draw a sample and write it down; returns its place in the college's stream. The same form draws once.

    Raises `Invalid` (``value.range``, ``ref.unknown_layer``, ``text.control_character``, ``text.too_long``) and
    `Refused` (``sample.empty``).
    """
    seed = _seed(wanted)
    asking = replace(origin, request=f"sample-{word(wanted.once)}")
    if not 0 < wanted.n <= MOST:
        raise Invalid("value.range", f"1 to {MOST} cycles are drawn")

    def body(driver: Driver) -> int:
        college = desk(session, driver, origin, me, "audit").college
        require_layer(college, wanted.layer)
        stream = CollegeStream(driver, asking, college.id, college.key)  # locks: two draws wait
        done = rows.asked(driver, stream.name, KIND, str(asking.request))
        if done is not None:
            return done.seq
        seq = stream.fact(KIND, _drawn(driver, college.id, wanted, seed))
        stream.close()
        return seq

    return transact(session, body)


def word(once: str) -> str:
    """Return the word of a form, or refuse a form without one."""
    if not WORD.fullmatch(once):
        raise Invalid("query.unknown", "this form has no word: open it again")
    return once


def require_layer(college: CollegeView, layer: str) -> None:
    """Refuse a layer that the college does not have; "" is all of them."""
    if layer and layer not in {one.key for one in college.config.layers}:
        raise Invalid("ref.unknown_layer", f"no layer {layer!r}")


def _seed(wanted: Wanted) -> str:
    seed = clean_name(wanted.seed)
    if control_character(seed):
        raise Invalid("text.control_character", "a seed holds no control character")
    if len(seed) > SEED:
        raise Invalid("text.too_long", f"a seed has at most {SEED} signs")
    return seed


def _drawn(driver: Driver, college: int, wanted: Wanted, seed: str) -> dict[str, Any]:
    """Return the fact of a draw among the cycles that there are now."""
    among = rows.population(driver, college, wanted.layer)
    if not among:
        raise Refused("sample.empty", "there is no cycle to draw from")
    digest, used = digest_of(among), seed or secrets.token_hex(SEED_BYTES)
    return {"seed": used, "given": bool(seed), "n": wanted.n, "layer": wanted.layer, "strata": wanted.strata,
            "population": len(among), "last": among[-1][0], "digest": digest,
            "ids": chosen(among, used, digest, wanted.n, wanted.strata)}  # fmt: skip


def digest_of(population: Sequence[tuple[int, str]]) -> str:
    """Return the SHA-256 over the numbers, one a line."""
    return hashlib.sha256("".join(f"{number}\n" for number, _ in population).encode()).hexdigest()


def chosen(population: Sequence[tuple[int, str]], seed: str, digest: str, n: int, strata: bool) -> list[int]:
    """Return the numbers with the lowest lots, so many in all or of each layer."""
    groups: dict[str, list[int]] = {}
    for number, layer in population:
        groups.setdefault(layer if strata else "", []).append(number)

    def lot(number: int) -> str:
        return hashlib.sha256(f"{seed}:{digest}:{number}".encode()).hexdigest()

    return sorted(one for group in groups.values() for one in sorted(group, key=lot)[:n])


def listed(session: AnySession, origin: Origin, me: SignedIn) -> list[Sample]:
    """Return the samples of one's college, the newest first."""
    try:
        at = desk(session, reading(session), origin, me, "audit")
        return _samples(at, rows.facts(at.driver, _stream(at.college), KIND, LISTED))
    finally:
        session.rollback()


def show(session: AnySession, origin: Origin, me: SignedIn, seq: int) -> Shown:
    """Return a sample of one's college, drawn again to compare."""
    try:
        at = desk(session, reading(session), origin, me, "audit")
        said = rows.fact(at.driver, _stream(at.college), KIND, seq)
        if said is None:
            raise Missing("object.not_found", f"no sample {seq}")
        return _shown(at, _samples(at, [said])[0])
    finally:
        session.rollback()


def _shown(at: Desk, sample: Sample) -> Shown:
    now = rows.population(at.driver, at.college.id, sample.layer)
    then = [one for one in now if one[0] <= sample.last]
    again = chosen(then, sample.seed, digest_of(then), sample.n, sample.strata)
    earlier = _samples(at, rows.facts(at.driver, _stream(at.college), KIND, LISTED, sample.seq))
    return Shown(sample, tuple(rows.drawn(at.driver, at.college.id, sample.ids)), again == list(sample.ids)
                 and digest_of(then) == sample.digest, len(now) - len(then),
                 tuple(one for one in earlier if one.digest == sample.digest))  # fmt: skip


def _samples(at: Desk, said: Sequence[Said]) -> list[Sample]:
    people = rows.names(at.driver, at.college.id, sorted({int(one.actor) for one in said if one.actor.isdecimal()}))
    return [_sample(one, people.get(int(one.actor), "") if one.actor.isdecimal() else "") for one in said]


def _sample(said: Said, by: str) -> Sample:
    data = json.loads(said.data)
    ids = tuple(data.pop("ids"))
    return Sample(seq=said.seq, at=said.at, by=by, ids=ids, **data)


def _stream(college: CollegeView) -> str:
    return f"college:{college.key}"
