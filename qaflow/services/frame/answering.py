"""One answer to a point of the frame, or several at once: what it must hold, and which version it becomes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qaflow.engine import decide as engine
from qaflow.engine.definition import canonical
from qaflow.engine.diagnosis import DEGREES
from qaflow.errors import Forbidden, Invalid, Stale
from qaflow.services import policy
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles.acting import Acting, hold, keep, refusal
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import content, cycle_beside
from qaflow.store import frame_answers as store
from qaflow.store.db import Driver

from . import tree as frames

TEXTS = ("evidence", "problems", "causes")
TEXT_LENGTH = 2000
LACKING = ("partly", "not")
"""Degrees that name what is lacking: their problems must be told (assumed; 003 annex 4, note 2 asks for them)."""
Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Given:
    """One answer as it was entered; `version` is that of the answer it takes the place of, 0 for the first."""

    sheet_no: int
    code: str
    degree: str
    version: int
    evidence: str = ""
    problems: str = ""
    causes: str = ""
    files: tuple[str, ...] = ()


def answer(session: AnySession, origin: Origin, number: int, given: Given) -> int:
    """Answer one point; returns the answer's version.

    Raises `Invalid` with the field, `Stale` (``frame.answer_stale``) where somebody answered meanwhile, `Refused`
    (``frame.not_now``, ``frame.layer``), `Forbidden`, `Missing`.  The same answer sent twice is one.
    """
    return answer_all(session, origin, number, [given])[0]


def answer_all(session: AnySession, origin: Origin, number: int, given: Sequence[Given]) -> list[int]:
    """Answer several points of a cycle, all or none; returns the answers' versions.

    A fault says in `of` which of the answers it is about, the first being 0.
    """
    words = []
    for place, one in enumerate(given):
        with _placed(place):
            words.append(_words(one))

    def body(driver: Driver) -> list[int]:
        acting = hold(session, driver, origin, number)
        if origin.person is None:
            raise Forbidden("actor.system", "a person answers, never the system")
        for_ = policy.permit(driver, acting.scope, acting.snap, "answer", {}, origin.person, acting.today)
        points = frames.of(driver, acting.row.college).concerning(acting.snap.unit)
        files = {one.hash for one in cycle_beside.files(driver, acting.row.college, acting.snap.id)}
        versions = []
        for place, (one, said) in enumerate(zip(given, words, strict=True)):
            with _placed(place):
                _fits(acting, one, points, files)
            versions.append(_answer(driver, acting, one, said, for_))
        cycles.finish(acting)
        return versions

    return transact(session, body)


@contextmanager
def _placed(place: int) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        faults = [one if isinstance(one, str) else {**one, "of": place} for one in error.errors]
        raise Invalid(error.code, error.detail, errors=faults) from None


def _answer(driver: Driver, acting: Acting, given: Given, words: Data, for_: int | None) -> int:
    version = store.version(driver, acting.row.college, acting.snap.id, given.sheet_no, given.code)
    args = {"sheet_no": given.sheet_no, "code": given.code, "degree": given.degree, "version": version + 1,
            "content": "", "files": list(given.files)}  # fmt: skip
    context = acting.context(for_=for_)
    found = engine.decide(acting.compiled, acting.snap, "answer", args, context)
    if isinstance(found, engine.Refusal):  # whoever may not answer hears that first
        raise refusal(found)
    if version != given.version:
        if version == given.version + 1 and _stands(driver, acting, given, words):
            return version
        raise Stale("frame.answer_stale", f"{given.code} was answered meanwhile", version=version)
    acting.decide("answer", args | {"content": keep(driver, canonical(words))}, context)
    return version + 1


def _words(given: Given) -> Data:
    """Return the words as they are kept, or refuse them with the field."""
    if given.degree not in DEGREES:
        raise Invalid("frame.degree", f"degree {given.degree!r}: one of {', '.join(DEGREES)}",
                      errors=[{"pointer": "degree", "code": "frame.degree"}])  # fmt: skip
    found: Data = {}
    errors = []
    for name in TEXTS:
        text = getattr(given, name).strip()
        errors += cycles.text_faults(name, text, TEXT_LENGTH) if text else []
        found[name] = text
    if given.degree in LACKING and not found["problems"]:
        errors.append({"pointer": "problems", "code": "frame.problems", "message": "problems: is blank"})
    if errors:
        raise Invalid(errors[0]["code"], "; ".join(e["message"] for e in errors), errors=errors)
    return found | {"files": list(given.files)}


def _fits(acting: Acting, given: Given, points: Collection[str], files: Collection[str]) -> None:
    """Refuse a point that this diagnosis is not asked, and files that it does not hold."""
    if given.code not in points:
        raise Invalid("frame.not_asked", f"cycle {acting.snap.id} is not asked {given.code!r}",
                      errors=[{"pointer": "code", "code": "frame.not_asked"}])  # fmt: skip
    if not set(files).issuperset(given.files):
        raise Invalid("frame.file_unknown", "the cycle holds no such file",
                      errors=[{"pointer": "files", "code": "frame.file_unknown"}])  # fmt: skip


def _stands(driver: Driver, acting: Acting, given: Given, words: Data) -> bool:
    """Tell whether the newest answer is this very one, sent once more by the same person."""
    newest = next(one for one in store.of_cycle(driver, acting.row.college, acting.snap.id)
                  if (one.sheet_no, one.code) == (given.sheet_no, given.code))  # fmt: skip
    same = newest.degree == given.degree and content.get(driver, newest.text) == canonical(words)
    return same and newest.person == acting.origin.person
