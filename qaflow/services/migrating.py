"""Moving running cycles to another version of their definition: where each would land, or why it cannot."""

from __future__ import annotations

from typing import Any

from qaflow.engine.decide.life import misfit
from qaflow.engine.definition import Definition
from qaflow.errors import Missing, QaflowError
from qaflow.store import colleges
from qaflow.store import definitions as rows
from qaflow.store.db import Driver, reading

from . import cycles, policy
from .acting import Acting, hold
from .college import compiled, view
from .definitions import college_of
from .work import AnySession, Origin, transact

Data = dict[str, Any]


def migrate(session: AnySession, origin: Origin, key: str, version: int, dry_run: bool) -> Data:
    """Move the unfinished cycles of a definition that fit its version; each is one fact in a transaction of its own.

    Returns ``items`` (cycle, subject, version it stands at, where it lands or why not, whether it moved). A dry run
    writes nothing. The quality office's right.
    """
    target = transact(session, lambda driver: _target(session, driver, origin, key, version))
    found = rows.running(reading(session), key, version)
    session.rollback()
    items = []
    for cycle, code, name, at in found:
        item: Data = {"cycle": cycle, "subject": {"code": code, "name": name}, "from": at, "to": version}
        items.append(item | _one(session, origin, cycle, target, dry_run))
    moved, fit = sum(i["moved"] for i in items), sum(i["why"] is None for i in items)
    return {"key": key, "to": version, "hash": target.hash, "dry_run": dry_run, "fit": fit, "moved": moved,
            "items": items}  # fmt: skip


def _target(session: AnySession, driver: Driver, origin: Origin, key: str, version: int) -> Definition:
    row = colleges.newest(driver, key, version)
    if row is None:
        raise Missing("definition.not_found", f"version {version} of {key} is not published", key=key, version=version)
    college = college_of(driver, key)
    if origin.person is not None:
        today = view(session, driver, college.id).calendar.local_day(origin.now).isoformat()
        policy.require_role(driver, college.id, origin.person, "migrate", today)
    return compiled(session, driver, row[1]).definition


def _one(session: AnySession, origin: Origin, cycle: int, target: Definition, dry_run: bool) -> Data:
    """Move one cycle, or say why not; what goes wrong with one does not hold up the others."""
    try:
        return transact(session, lambda driver: _act(hold(session, driver, origin, cycle), target, dry_run))
    except QaflowError as error:
        return {"state": None, "lands": None, "why": error.detail, "moved": False}


def _act(acting: Acting, target: Definition, dry_run: bool) -> Data:
    snap = acting.snap
    state = f"{snap.stage}.{snap.leaf}"
    why = misfit(acting.compiled, snap, target, {})
    if why is None and not dry_run:
        acting.decide("migrate", {"definition": target}, acting.context())
        cycles.finish(acting)
    return {"state": state, "lands": state if why is None else None, "why": why, "moved": why is None and not dry_run}
