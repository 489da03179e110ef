"""What stands beside a cycle on its page: kin, carried items, goals, standards, control points, files, sheets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qaflow.engine import decide as engine
from qaflow.engine.definition import Label
from qaflow.engine.definition import Sheet as Form
from qaflow.engine.diagnosis import FRAMED, Tally, tally
from qaflow.engine.snapshot import Data, Sheet
from qaflow.services.college import compiled
from qaflow.services.frame import tree as frame
from qaflow.store import cycle_beside as rows
from qaflow.store import frame_answers
from qaflow.store.cycle_beside import Carried, File, Kin, Link, Measured

from . import rights
from .acting import Acting

NOT_THEIRS = ("approval.own", "sheet.not_assessor")


@dataclass(frozen=True, kw_only=True)
class SheetLine:
    """An open diagnosis sheet: its form, who fills it in by when, and whether this person may."""

    no: int
    due: str
    holder: str
    form: Form
    mine: bool


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What the page shows beside the 8."""

    kin: tuple[tuple[Kin, Label], ...]
    carried_in: tuple[Carried, ...]
    carried_out: tuple[Carried, ...]
    points: tuple[Measured, ...]
    chain: tuple[Link, ...]
    files: tuple[File, ...]
    sheets: tuple[SheetLine, ...]
    logins: tuple[tuple[str, str], ...]
    framed: Tally | None  # how far the frame is answered, on the layers that answer it


def beside(acting: Acting, names: Mapping[int, str]) -> Beside:
    """Return what stands beside a cycle."""
    driver, snap, college = acting.driver, acting.snap, acting.row.college
    carried = rows.carried(driver, college, snap.id, snap.subject, snap.track)
    chain = rows.chain(driver, college, snap.layer, snap.id)
    return Beside(
        kin=tuple((one, _stage(acting, one)) for one in rows.kin(driver, college, snap.id, snap.parent)),
        carried_in=tuple(one for one in carried if one.to == snap.id),
        carried_out=tuple(one for one in carried if one.source == snap.id),
        points=tuple(rows.points(driver, college, snap.layer, snap.subject)),
        chain=tuple(_of_unit(chain, rows.unit_code(driver, snap.unit))) if chain else (),
        files=tuple(rows.files(driver, college, snap.id)), sheets=tuple(_sheets(acting, names)),
        logins=tuple(rows.people(driver, sorted(names))), framed=_framed(acting),
    )  # fmt: skip


def _framed(acting: Acting) -> Tally | None:
    """Return how far a cycle of the school or service layer has answered the frame; None without one."""
    driver, college, snap = acting.driver, acting.row.college, acting.snap
    if snap.layer not in FRAMED:
        return None
    points = frame.of(driver, college).concerning(snap.unit)
    return tally(points, frame_answers.newest(driver, college, [snap.id]).get(snap.id, {})) if points else None


def _stage(acting: Acting, one: Kin) -> Label:
    found = compiled(acting.session, acting.driver, one.definition).definition.by_key.get(one.stage)
    return found.name if found else Label(zh=one.stage, en=one.stage)


def _of_unit(chain: Sequence[Link], code: str) -> list[Link]:
    """Return the entries that name the cycle's unit or come from the cycle; all of the layer where none does."""
    own = [one for one in chain if one.cycle is not None or code in json.loads(one.units)]
    return own or list(chain)


def _sheets(acting: Acting, names: Mapping[int, str]) -> list[SheetLine]:
    found = []
    for sheet in acting.snap.sheets.values():
        form = acting.compiled.definition.sheet(sheet.kind)
        if sheet.state == "open" and form is not None:
            items = acting.snap.open_items("sheet", f"sheet:{sheet.no}")
            holder = items[0].holder if items else sheet.assessor
            found.append(SheetLine(no=sheet.no, due=sheet.due, holder=names.get(holder or 0, ""), form=form,
                                   mine=_fills(acting, sheet)))  # fmt: skip
    return found


def _fills(acting: Acting, sheet: Sheet) -> bool:
    """Tell whether this person may fill in a sheet: the engine is asked as if it were empty."""
    args: Data = {"sheet": sheet.no}
    if acting.row.sealed or acting.snap.status != "running" or not rights.may(acting, "record", args):
        return False
    ctx = acting.context(for_=rights.for_whom(acting, "record", args), values={})
    found = engine.decide(acting.compiled, acting.snap, "record", args, ctx)
    return not isinstance(found, engine.Refusal) or found.code not in NOT_THEIRS
