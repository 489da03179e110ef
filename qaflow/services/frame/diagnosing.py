"""Answering the frame in a cycle: which points concern it, what was answered, and one answer at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qaflow.engine import decide as engine
from qaflow.engine.definition import Label
from qaflow.engine.diagnosis import DEGREES, FRAMED, STAGE, Tally, tally
from qaflow.errors import Forbidden, Missing
from qaflow.services import policy
from qaflow.services.cycles import rights as cycle_rights
from qaflow.services.cycles.acting import Acting
from qaflow.services.work import AnySession, Origin, Writer
from qaflow.store import content, cycle_beside, listing
from qaflow.store import cycles as cycle_rows
from qaflow.store import frame_answers as store
from qaflow.store.cycle_beside import File
from qaflow.store.db import Driver, reading
from qaflow.store.frame import Row
from qaflow.store.frame_answers import Answer

from . import tree as frames
from .tree import Frame

Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer with its words; they are empty where they were erased."""

    answer: Answer
    evidence: str = ""
    problems: str = ""
    causes: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where answers are given: the stage of diagnosis (0) or a diagnosis sheet, and whether this person may now."""

    number: int
    name: Label
    due: str | None
    mine: bool


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The frame as one cycle answers it, at one place."""

    row: Data
    acting: Acting
    frame: Frame
    points: tuple[str, ...]
    places: tuple[Place, ...]
    place: Place
    said: dict[tuple[int, str], list[Said]]
    files: tuple[File, ...]

    @property
    def tally(self) -> Tally:
        """How far the cycle has answered, whatever the place."""
        return tally(self.points, self.degrees)

    @cached_property
    def degrees(self) -> dict[str, str]:
        """The degree of the newest answer to each point."""
        newest: dict[str, Answer] = {}
        for (_, code), all_ in self.said.items():
            if code not in newest or (all_[0].answer.at, all_[0].answer.id) > (newest[code].at, newest[code].id):
                newest[code] = all_[0].answer
        return {code: one.degree for code, one in newest.items()}

    def here(self, code: str) -> list[Said]:
        """Return the answers to a point at this place, the newest first."""
        return self.said.get((self.place.number, code), [])

    def elsewhere(self, code: str) -> list[Said]:
        """Return the newest answers to a point at other places."""
        return [all_[0] for (number, of), all_ in self.said.items() if of == code and number != self.place.number]

    def following(self, code: str) -> str:
        """Return the next point that is not answered here, "" where none is left."""
        at = self.points.index(code) + 1 if code in self.points else 0
        ahead = [*self.points[at:], *self.points[:at]]
        return next((one for one in ahead if not self.here(one)), "")

    @property
    def groups(self) -> list[tuple[Row, list[tuple[Row, list[Row]]]]]:
        """The points as items with their elements with their points."""
        found: dict[str, dict[str, list[Row]]] = {}
        for code in self.points:
            point = self.frame.by_code[code]
            element = self.frame.by_code[point.parent or ""]
            found.setdefault(element.parent or "", {}).setdefault(element.code, []).append(point)
        rows = self.frame.by_code
        return [(rows[i], [(rows[e], points) for e, points in below.items()]) for i, below in found.items()]


def look(session: AnySession, origin: Origin, number: int, place: int | None = None) -> Diagnosis:
    """Return the frame as a cycle answers it; `Missing` where it is not theirs to see, or not answered on its layer."""
    driver = reading(session)
    try:
        found = cycle_rows.load(driver, number, lock=False)
        if found is None or origin.person is None:
            raise Missing("cycle.not_found", f"no cycle {number}")
        acting = Acting(session, driver, origin, *found, Writer(driver, origin))
        if not policy.may_see(driver, acting.scope, acting.snap, origin.person, acting.today):
            raise Missing("cycle.not_found", f"no cycle {number}")
        if acting.snap.layer not in FRAMED:
            raise Missing("frame.layer", f"cycle {number} is not diagnosed by the frame")
        return _look(driver, acting, place)
    finally:
        session.rollback()


def _look(driver: Driver, acting: Acting, wanted: int | None) -> Diagnosis:
    snap, college = acting.snap, acting.row.college
    frame = frames.of(driver, college)
    places = _places(acting)
    chosen = next((one for one in places if one.number == wanted), None)
    if chosen is None and wanted is not None:
        raise Missing("sheet.not_found", f"cycle {snap.id} has no sheet {wanted}")
    place = chosen or next((one for one in places if one.mine), places[0])
    row = listing.cycle(driver, snap.id)
    assert row is not None
    return Diagnosis(
        row=row, acting=acting, frame=frame, points=frame.concerning(snap.unit), places=places, place=place,
        said=_said(driver, college, snap.id), files=tuple(cycle_beside.files(driver, college, snap.id)),
    )  # fmt: skip


def _places(acting: Acting) -> tuple[Place, ...]:
    """Return the stage of diagnosis and the diagnosis sheets that are open or were answered."""
    snap, definition = acting.snap, acting.compiled.definition
    stage = definition.covering("diagnose")
    name = stage.name if stage else Label(zh="诊断", en="Diagnosis")
    visit = snap.visits.get(stage.key) if stage else None
    found = [Place(number=STAGE, name=name, due=visit.due if visit else None, mine=_may(acting, STAGE))]
    for sheet in snap.sheets.values():
        form = definition.sheet(sheet.kind)
        if form is not None and sheet.state in ("open", "done"):
            found.append(Place(number=sheet.no, name=form.name, due=sheet.due, mine=_may(acting, sheet.no)))
    return tuple(found)


def _may(acting: Acting, number: int) -> bool:
    """Tell whether this person may answer at a place now: the policy and the engine are asked."""
    if acting.row.sealed:
        return False
    try:
        for_ = cycle_rights.for_whom(acting, "answer", {})
    except (Forbidden, Missing):
        return False
    args = {"sheet_no": number, "code": "", "degree": DEGREES[0], "content": "", "files": [], "version": 1}
    found = engine.decide(acting.compiled, acting.snap, "answer", args, acting.context(for_=for_))
    return not isinstance(found, engine.Refusal)


def _said(driver: Driver, college: int, cycle: int) -> dict[tuple[int, str], list[Said]]:
    answers = store.of_cycle(driver, college, cycle)
    texts = content.get_many(driver, sorted({one.text for one in answers}))
    found: dict[tuple[int, str], list[Said]] = {}
    for one in answers:
        words = json.loads(texts.get(one.text) or "{}")
        said = Said(answer=one, files=tuple(words.pop("files", ())), **words)
        found.setdefault((one.sheet_no, one.code), []).append(said)
    return found
