"""The gate of a diagnosis that must answer the whole frame before it is handed in (`frame: required` of its stage)."""

from __future__ import annotations

from qaflow.engine.diagnosis import FRAMED
from qaflow.services.frame import tree as frame
from qaflow.store import frame_answers

from .acting import Acting


def unanswered(acting: Acting) -> tuple[str, ...]:
    """Return the points that the current stage must still answer; none where its definition does not ask for it.

    A point counts as answered in the cycle, whether in the stage itself or with one of its diagnosis sheets.
    """
    snap = acting.snap
    stage = acting.compiled.definition.by_key.get(snap.stage)
    if stage is None or stage.frame != "required" or snap.layer not in FRAMED:
        return ()
    answered = frame_answers.newest(acting.driver, acting.row.college, [snap.id]).get(snap.id, {})
    asked = frame.of(acting.driver, acting.row.college).concerning(snap.unit)
    return tuple(code for code in asked if code not in answered)
