"""Who diagnoses in the demo answers points of the frame: a few with each diagnosis sheet, most before handing in."""

from __future__ import annotations

import random

from qaflow.engine.definition import Definition
from qaflow.engine.diagnosis import FRAMED, STAGE
from qaflow.errors import QaflowError
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.desk.inbox import Work
from qaflow.services.frame import answering as frame_answering
from qaflow.services.frame import diagnosing
from qaflow.services.frame import edits as frame_edits
from qaflow.services.frame import tree as frame
from qaflow.services.frame.answering import LACKING, Given

from ..college import CollegeView
from ..work import AnySession, Origin, transact
from .forms import CAUSES, EFFECTS, PROBLEMS

WITH_SHEETS = 0.25  # share of diagnosis sheets with which points are answered
ON_A_SHEET = 3  # points
IN_THE_STAGE = 0.85  # share of the points that are answered before the diagnosis is handed in
DEGREES, WEIGHTS = ("met", "mostly", "partly", "not", "inapplicable"), (58, 24, 11, 3, 4)
KINDS = {"wuhan-software": "demonstration"}
"""Assumed: document 003 hands out tasks of its ** points, so it diagnoses as a demonstration college does."""


class Framing:
    """The answers of one college's year, drawn from their own chance."""

    def __init__(self, session: AnySession, college: CollegeView, rng: random.Random) -> None:
        """Look whether the college has a frame at all."""
        self.session, self.college, self.rng = session, college, rng
        self.refused: dict[str, int] = {}
        self.frames: bool = transact(session, lambda driver: bool(frame.of(driver, college.id).asked))

    def settle(self, origin: Origin, person: int) -> None:
        """Let the office say what kind of college this is."""
        kind = KINDS.get(self.college.key)
        if kind is not None:
            me = SignedIn(session="", person=person, college=self.college.id, login="", name="", language="zh",
                          device="", kinds=frozenset(), titles=())  # fmt: skip
            frame_edits.set_kind(self.session, origin, me, kind)

    def answer(self, origin: Origin, work: Work, definition: Definition) -> int:
        """Answer what belongs to a piece of work that is about to be done; returns how many points."""
        if not self.frames or work.layer not in FRAMED or work.status != "running":
            return 0
        stage = definition.covering("diagnose")
        if work.kind == "sheet" and work.ref and self.rng.random() < WITH_SHEETS:
            return self._answer(origin, work.cycle, int(work.ref.removeprefix("sheet:")))
        if work.kind == "submit" and stage is not None and work.stage == stage.key:
            return self._answer(origin, work.cycle, STAGE)
        return 0

    def _answer(self, origin: Origin, cycle: int, place: int) -> int:
        try:
            found = diagnosing.look(self.session, origin, cycle, place)
            open_ = [code for code in found.points if not found.here(code)] if found.place.mine else []
            many = round(len(open_) * IN_THE_STAGE) if place == STAGE else min(ON_A_SHEET, len(open_))
            given = [self._given(code, place) for code in sorted(self.rng.sample(open_, many))]
            if given:
                frame_answering.answer_all(self.session, origin, cycle, given)
            return len(given)
        except QaflowError as refused:  # as in life: the cycle moved on meanwhile
            code = f"frame:{refused.code}"
            self.refused[code] = self.refused.get(code, 0) + 1
            return 0

    def _given(self, code: str, place: int) -> Given:
        (degree,) = self.rng.choices(DEGREES, WEIGHTS)
        lacking = degree in LACKING
        return Given(
            sheet_no=place, code=code, degree=degree, version=0,
            evidence="" if degree == "inapplicable" else self.rng.choice(EFFECTS),
            problems=self.rng.choice(PROBLEMS) if lacking else "", causes=self.rng.choice(CAUSES) if lacking else "",
        )  # fmt: skip
