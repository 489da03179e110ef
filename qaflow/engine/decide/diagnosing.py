"""The decision on an answer to a point of the frame: when it may be given, by whom, and which version it is."""

from __future__ import annotations

from ..diagnosis import DEGREES, FRAMED, STAGE
from ..machine import Compiled
from ..snapshot import RUNNING, Data, Snapshot
from . import common
from .common import Context, Fact, refuse
from .items import require_assessor


def answer(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context) -> list[Fact]:
    """Answer a diagnosis point: in the stage of diagnosis while it is worked on, or in an open diagnosis sheet.

    ``args`` holds sheet (0 is the stage), code, degree, content, files and the version that this answer is.
    """
    if snap.status != RUNNING:
        raise common.not_allowed(compiled, snap, "answer")
    if snap.layer not in FRAMED:
        raise refuse("frame.layer", f"the frame is answered on the layers {', '.join(FRAMED)}, not on {snap.layer}")
    if args["degree"] not in DEGREES:
        raise refuse("frame.degree", f"degree {args['degree']!r}: one of {', '.join(DEGREES)}", kind="data")
    _place(compiled, snap, args["sheet_no"], ctx)
    data = {"stage": snap.stage, "visit": snap.visit.number}
    data |= {name: args[name] for name in ("sheet_no", "code", "degree", "content", "files", "version")}
    return [Fact("FrameAnswered", data | common.who(ctx))]


def _place(compiled: Compiled, snap: Snapshot, number: int, ctx: Context) -> None:
    """Refuse where the diagnosis is not worked on, or is somebody else's."""
    if number == STAGE:
        diagnose = compiled.definition.covering("diagnose")
        if diagnose is None or snap.stage != diagnose.key or snap.leaf == "review":
            raise refuse("frame.not_now", f"cycle {snap.id} stands in {snap.state}, not in its diagnosis")
        if ctx.effective not in (snap.responsible, *(i.holder for i in snap.open_items("submit"))):
            raise refuse("frame.not_theirs", "the responsible person answers in the stage of diagnosis", kind="right")
        return
    sheet = snap.sheets.get(number)
    if sheet is None or sheet.state != "open":
        raise refuse("frame.not_now", f"diagnosis sheet {number} of cycle {snap.id} is not open")
    require_assessor(snap, sheet, ctx)
