"""A file of tasks sent by a browser: rehearsed first, then taken over just as it was shown."""

from __future__ import annotations

import hashlib
from typing import Any

from qaflow.errors import Stale

from . import policy, tasks
from .imports import run
from .sessions import SignedIn
from .tasks import Desk
from .work import AnySession, Origin

MOST_BYTES = 5 * 1024 * 1024


def require(session: AnySession, origin: Origin, me: SignedIn) -> str:
    """Require the office's right over files of tasks and return the college's key: a file may hold any unit's tasks."""

    def body(desk: Desk) -> str:
        policy.require_role(desk.driver, desk.college.id, me.person, "task_files", desk.today.isoformat())
        return desk.college.key

    return tasks.looked(session, origin, me, body)


def rehearse(session: AnySession, origin: Origin, me: SignedIn, name: str, data: bytes) -> dict[str, Any]:
    """Return what a file would change, and the digest of what was shown; raises `Invalid` with its faults."""
    key = require(session, origin, me)
    report = run(session, origin, "tasks", data, name, college=key, dry_run=True)
    return report | {"digest": _digest(data, report)}


def take(session: AnySession, origin: Origin, me: SignedIn, name: str, data: bytes, digest: str) -> dict[str, Any]:
    """Take a file over; `Stale` where it would change something else by now than what was shown."""
    shown = rehearse(session, origin, me, name, data)
    if shown["digest"] != digest:
        raise Stale("preview.changed", "this would do something else by now than what was shown")
    return run(session, origin, "tasks", data, name, college=shown["college"])


def _digest(data: bytes, report: dict[str, Any]) -> str:
    counts = "|".join(str(report[name]) for name in ("rows", "new", "updated", "unchanged"))
    return hashlib.sha256(hashlib.sha256(data).digest() + counts.encode()).hexdigest()
