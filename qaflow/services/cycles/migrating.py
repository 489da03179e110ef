"""Moving running cycles to another version of their definition: where each would land, or why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qaflow.engine.decide.life import misfit
from qaflow.engine.definition import Definition
from qaflow.errors import Invalid, Missing, QaflowError
from qaflow.services import policy
from qaflow.services.college import compiled, view
from qaflow.services.definitions.publishing import college_of
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import colleges
from qaflow.store import definitions as rows
from qaflow.store.db import Driver, reading

from . import acts
from .acting import Acting, hold

Data = dict[str, Any]


class Page(NamedTuple):
    """Which cycles are looked at: so many after a number."""

    after: int
    most: int


def migrate(session: AnySession, origin: Origin, key: str, version: int, dry_run: bool,
            renames: Mapping[str, str] | None = None, page: Page | None = None) -> Data:  # fmt: skip
    """Move the unfinished cycles of a definition that fit its version; each is one fact in a transaction of its own.

    ``renames`` says which old stage is which new one; ``page`` takes only so many cycles after a number. Returns
    ``items`` (cycle, subject, version it stands at, where it lands or why not, whether it moved). A dry run writes
    nothing. The quality office's right.
    """
    wanted = dict(renames or {})
    target = transact(session, lambda driver: _target(session, driver, origin, key, version))
    _require_stages(session, target, wanted)
    found = rows.running(reading(session), key, version, *(page or ()))
    session.rollback()
    items = []
    for cycle, code, name, at in found:
        item: Data = {"cycle": cycle, "subject": {"code": code, "name": name}, "from": at, "to": version}
        items.append(item | _one(session, origin, cycle, target, dry_run, wanted))
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


def _require_stages(session: AnySession, target: Definition, renames: Mapping[str, str]) -> None:
    """Refuse a renaming of what no version has, or to what the new one has not."""
    if not renames:
        return
    driver = reading(session)
    digests = [digest for digest, at in rows.hashes(driver, target.key) if at != target.version]
    known = {stage for digest in digests for stage in compiled(session, driver, digest).definition.order}
    session.rollback()
    for old, new in renames.items():
        if old not in known or new not in target.by_key:
            one, where = (old, "an older version") if old not in known else (new, f"version {target.version}")
            raise Invalid("stage.unknown", f"{one!r} is no stage of {where} of {target.key}")


def _one(session: AnySession, origin: Origin, cycle: int, target: Definition, dry_run: bool,
         renames: Mapping[str, str]) -> Data:  # fmt: skip
    """Move one cycle, or say why not; what goes wrong with one does not hold up the others."""
    try:
        return transact(session, lambda driver: _act(hold(session, driver, origin, cycle), target, dry_run, renames))
    except QaflowError as error:
        return {"state": None, "lands": None, "why": error.detail, "code": error.code, "stage": "", "moved": False}


def _act(acting: Acting, target: Definition, dry_run: bool, renames: Mapping[str, str]) -> Data:
    snap = acting.snap
    own = {old: new for old, new in renames.items() if old in acting.compiled.definition.by_key}
    problem = misfit(acting.compiled, snap, target, own)
    if problem is None and not dry_run:
        acting.decide("migrate", {"definition": target, "renames": own}, acting.context())
        acts.finish(acting)
    found: Data = {"state": f"{snap.stage}.{snap.leaf}", "code": None, "stage": "", "lands": None, "why": None}
    if problem is not None:
        return found | {"why": problem.told, "code": problem.code, "stage": problem.stage, "moved": False}
    return found | {"lands": f"{own.get(snap.stage, snap.stage)}.{snap.leaf}", "moved": not dry_run}
