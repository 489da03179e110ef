"""The frame of diagnosis in one cycle: the points that concern it with their answers, and several answered at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.frame_schemas import PARTS, Progress, Words, progress
from qaflow.api.pointing import Fault, by_fault
from qaflow.api.resource import Resource
from qaflow.engine.diagnosis import DEGREES
from qaflow.services.frame import answering as frame_answering
from qaflow.services.frame import diagnosing
from qaflow.services.frame.answering import TEXT_LENGTH, Given
from qaflow.services.frame.diagnosing import Diagnosis, Said
from qaflow.services.frame.edits import CODE_LENGTH

resource = Resource("api_cycle_frame", __name__, url_prefix="/cycles", description="Answers to the frame of diagnosis")
HASH = r"^[0-9a-f]{64}$"


class Place(s.Strict):
    """Where answers are given: the stage of diagnosis (0) or a diagnosis sheet; `mine` where one may answer now."""

    number = s.whole(required=True)
    name = s.one(s.Named, required=True)
    due = s.day(required=True, allow_none=True)
    mine = s.flag(required=True)


class Answered(s.Strict):
    """An answer; its words are empty where they were erased, its files those of the cycle by their hash."""

    place = s.whole(required=True)
    version = s.ident(required=True)
    degree = s.choice(DEGREES, required=True)
    evidence = s.text(TEXT_LENGTH, 0, required=True)
    problems = s.text(TEXT_LENGTH, 0, required=True)
    causes = s.text(TEXT_LENGTH, 0, required=True)
    files = s.many(s.text(64, 64), required=True)
    at = s.instant(required=True)
    by = s.text(s.NAME, 0, required=True, allow_none=True)


class Point(s.Strict):
    """A point that the cycle is asked, and every answer to it, the newest first."""

    code = s.text(CODE_LENGTH, required=True)
    element = s.text(CODE_LENGTH, required=True)
    name = s.one(s.Named, required=True)
    requirement = s.one(Words, required=True, allow_none=True)
    answers = s.many(Answered, 10_000, required=True)


class Diagnosed(s.Strict):
    """The frame as one cycle answers it."""

    cycle = s.ident(required=True)
    places = s.many(Place, required=True)
    progress = s.one(Progress, required=True)
    points = s.many(Point, PARTS, required=True)


class Answering(s.Strict):
    """An answer to be given; `version` is that of the one at this place that it replaces, 0 for the first."""

    code = s.text(CODE_LENGTH, required=True)
    place = s.whole(load_default=0)
    version = s.whole(required=True)
    degree = s.choice(DEGREES, required=True)
    evidence = s.text(TEXT_LENGTH, 0, load_default="")
    problems = s.text(TEXT_LENGTH, 0, load_default="")
    causes = s.text(TEXT_LENGTH, 0, load_default="")
    files = s.many(s.text(64, 64, HASH), load_default=list)


class Sent(s.Strict):
    """Answers that are kept all or none."""

    answers = s.many(Answering, s.LISTED, 1, required=True)


class Kept(s.Strict):
    """Which version an answer became."""

    code = s.text(CODE_LENGTH, required=True)
    place = s.whole(required=True)
    version = s.ident(required=True)


class Outcome(s.Strict):
    """What was kept."""

    answers = s.many(Kept, s.LISTED, required=True)


@resource.get("/<int:number>/frame", gives=Diagnosed)
def show(call: Call, number: int) -> dict[str, Any]:
    """Show the points that concern a cycle with their answers."""
    found = diagnosing.look(call.session, call.origin, number)
    places = [{"number": one.number, "name": {"zh": one.name.zh, "en": one.name.en}, "due": one.due, "mine": one.mine}
              for one in found.places]  # fmt: skip
    return {"cycle": number, "places": places, "progress": progress(found.tally), "points": list(_points(found))}


@resource.post("/<int:number>/frame", takes=Sent, gives=Outcome)
def answer(call: Call, number: int) -> dict[str, Any]:
    """Answer points of the frame, all or none; the same answer sent twice is one."""
    sent = call.body["answers"]
    given = [_given(one) for one in sent]
    with by_fault(_at_answer):
        versions = frame_answering.answer_all(call.session, call.origin, number, given)
    kept = [one | {"version": version} for one, version in zip(sent, versions, strict=True)]
    return {"answers": kept}


def _given(one: dict[str, Any]) -> Given:
    same = ("code", "degree", "version", "evidence", "problems", "causes")
    return Given(sheet_no=one["place"], files=tuple(one["files"]), **{name: one[name] for name in same})


def _at_answer(fault: Fault) -> Fault:
    """Point a fault at the answer that it is about."""
    return {**fault, "pointer": f"/answers/{fault['of']}/{fault['pointer']}"} if "of" in fault else fault


def _points(found: Diagnosis) -> Iterator[dict[str, Any]]:
    said: dict[str, list[Said]] = {}
    for (_, code), every in found.said.items():
        said.setdefault(code, []).extend(every)
    for code in found.points:
        row = found.frame.by_code[code]
        answers = sorted(said.get(code, ()), key=lambda one: (one.answer.at, one.answer.id), reverse=True)
        requirement = found.frame.bodies[code].get("requirement")
        yield {"code": code, "element": row.parent, "name": row.name, "requirement": requirement,
               "answers": map(_answered, answers)}  # fmt: skip


def _answered(one: Said) -> dict[str, Any]:
    of = one.answer
    return {"place": of.sheet_no, "version": of.version, "degree": of.degree, "evidence": one.evidence,
            "problems": one.problems, "causes": one.causes, "files": one.files, "at": of.at, "by": of.by}  # fmt: skip
