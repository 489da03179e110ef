"""Work that changes hands because people do: items of a leaver, of a former responsible person (engine rules, 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from qaflow.engine.snapshot import Item, Snapshot
from qaflow.errors import Invalid
from qaflow.services.college import view
from qaflow.services.cycles.acting import Acting, hold, keep
from qaflow.services.places import subjects
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import accounts as rows
from qaflow.store import subjects as subject_rows
from qaflow.store.db import Driver

from . import lines as line
from .book import find, require_right

Left = list[dict[str, Any]]
DECIDING = ("decide", "sign", "confirm")
LIVE = ("open", "stopped")
NOBODY: Mapping[int, rows.Account] = {}


def handover(session: AnySession, origin: Origin, from_: str, to: str, reason: str) -> dict[str, Any]:
    """Pass a leaver's work on in one step: the subjects they answer for, then every live work item they hold.

    Roles stay with whoever holds them.  An item that the successor may not hold (they would decide their own
    submission) goes up its line.  Returns counts and what is left: items without an heir, and those whose clock stands.
    What is left is shown to the quality office (`accounts.orphaned`); a second handover takes it once its clock runs.
    """

    def body(driver: Driver) -> dict[str, Any]:
        leaver, heir = find(driver, from_), find(driver, to)
        require_right(session, driver, origin, leaver.college_id)
        return pass_on(session, driver, origin, leaver, heir, reason)

    return transact(session, body)


def pass_on(session: AnySession, driver: Driver, origin: Origin, leaver: rows.Account, heir: rows.Account, reason: str,
            others: Mapping[int, rows.Account] = NOBODY) -> dict[str, Any]:  # fmt: skip
    """Pass a leaver's work on within a transaction that does more; `others` are the heirs of single subjects."""
    for one in (heir, *others.values()):
        _fit(leaver, one)
    writer, kept = Writer(driver, origin), keep(driver, reason.strip() or "handover")
    college = view(session, driver, leaver.college_id or 0)
    held = rows.cycles_held(driver, college.id, leaver.id)
    theirs = [s for s in subject_rows.of_person(driver, college.id, leaver.id) if not s.ended]
    changed = [s._replace(responsible_id=others.get(s.id, heir).id) for s in theirs]
    moved = subjects.change(session, driver, writer, origin, college, theirs, changed, kept)
    left: Left = []
    for cycle in held:
        acting = hold(session, driver, origin, cycle, writer)
        count, unmoved = pass_items(acting, leaver.id, others.get(acting.snap.subject, heir).id, kept)
        acting.flush()
        moved, left = moved + count, left + unmoved
    writer.flush()
    return {"from": leaver.login, "to": heir.login, "subjects": len(theirs), "items": moved, "left": left}


def _fit(leaver: rows.Account, heir: rows.Account) -> None:
    if heir.id == leaver.id:
        raise Invalid("handover.self", "hand over to somebody else")
    if leaver.college_id is None or heir.college_id != leaver.college_id:
        raise Invalid("ref.unknown_user", f"{heir.login} is not of {leaver.login}'s college")
    if heir.disabled_at is not None:
        raise Invalid("ref.disabled_user", f"{heir.login} is disabled")


def pass_items(acting: Acting, former: int, to: int, reason: str, kinds: Collection[str] = ()) -> tuple[int, Left]:
    """Transfer a person's live work items of a held cycle; returns (how many, those without an heir)."""
    mine = [i for i in _held(acting, former) if not kinds or i.kind in kinds]
    return _pass(acting, mine, to, reason)


def _held(acting: Acting, person: int | None) -> list[Item]:
    return [i for i in acting.snap.items.values() if i.holder == person and i.state in LIVE]


def settle(acting: Acting, reason: str) -> tuple[int, Left]:
    """Move up the line what the responsible person holds but may not do: decide or appraise their own work."""
    own = acting.snap.responsible
    theirs = [i for i in _held(acting, own) if own in barred(acting.snap, i)]
    return _pass(acting, theirs, None, reason)


def _pass(acting: Acting, items: list[Item], to: int | None, reason: str) -> tuple[int, Left]:
    count = 0
    left: Left = []
    for item in items:
        taker = _taker(acting, item, to)
        if taker is None or not _transfer(acting, item, taker, reason):
            left.append({"cycle": acting.snap.id, "item": item.no, "kind": item.kind, "state": item.state})
        else:
            count += 1
    return count, left


def barred(snap: Snapshot, item: Item) -> set[int | None]:
    """Return who may not hold an item: the submitter decides nothing of their own, no signer signs twice."""
    if item.kind in ("decide", "sign"):
        return {snap.responsible, snap.visit.submitted_by, snap.visit.for_, *snap.visit.signers} - {None}
    if item.kind == "confirm" or _appraisal(snap, item):
        return {snap.responsible} - {None}
    return set()


def _appraisal(snap: Snapshot, item: Item) -> bool:
    sheet = snap.sheets.get(int(item.ref.removeprefix("sheet:"))) if item.kind == "sheet" and item.ref else None
    return sheet is not None and sheet.kind == "appraisal"


def _taker(acting: Acting, item: Item, to: int | None) -> int | None:
    """Return the successor, or where they may not the nearest who may, up the line of whoever decides."""
    against = barred(acting.snap, item)
    if to is not None and to not in against:
        return to
    role = "diagnostician"
    if item.kind in DECIDING:
        definition = acting.compiled.definition
        key = item.stage if item.kind != "confirm" else definition.hinge or item.stage
        role = line.approver_of(definition, definition.by_key[key or acting.snap.stage]).role
    others = {*against, item.holder}
    found, _ = line.up_the_line(acting.driver, acting.college, acting.scope, role, acting.today, others)
    return found[0] if found else None


def _transfer(acting: Acting, item: Item, to: int, reason: str) -> bool:
    """Transfer an item; one whose clock stands cannot change hands until its cycle or stage goes on."""
    if acting.snap.status != "running" or item.state != "open":
        return False
    acting.decide("transfer", {"item": item.no, "reason": reason}, acting.context(holder=to))
    return True
