"""Comments and copies as people send them: what they say is said once, however often the button is pressed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from qaflow.errors import Invalid
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import content
from qaflow.store import cycle_page as rows
from qaflow.store.db import Driver

from . import acts, mentions
from .acting import Acting, hold
from .mentions import Mentions

MOST = 20  # persons of one copy


def comment(session: AnySession, origin: Origin, cycle: int, text: str, revision: int | None) -> Mentions:
    """Comment on a cycle; returns whom it named. The same words as its newest fact, by the same person, stand once."""
    args = acts.check_args("comment", {"text": text})

    def body(driver: Driver) -> Mentions:
        acting = hold(session, driver, origin, cycle)
        if not _said(acting, "Commented", "text", text):
            acts.act(acting, "comment", args, revision)
            acts.finish(acting)
        return mentions.find(acting, text)

    return transact(session, body)


def copy(session: AnySession, origin: Origin, cycle: int, names: Sequence[str], revision: int | None) -> int:
    """Send a cycle to persons named by login or name, to all or to none; returns how many were told."""
    if not names:
        fault = {"pointer": "to", "code": "field.required", "message": "to: is required"}
        raise Invalid("data.invalid", "copy: to: is required", errors=[fault])
    if len(names) > MOST:
        raise Invalid("copy.too_many", f"at most {MOST} persons at once")

    def body(driver: Driver) -> int:
        acting = hold(session, driver, origin, cycle)
        persons = list(dict.fromkeys(acts.person_of(acting, name) for name in names))
        if _said(acting, "CopySent", "to", persons[-1]):
            return 0
        for person in persons:
            acts.act(acting, "copy", {"to": person}, revision)
        acts.finish(acting)
        return len(persons)

    return transact(session, body)


def _said(acting: Acting, kind: str, key: str, value: str | int) -> bool:
    """Tell whether the newest fact is this person's and says just this."""
    found = rows.last(acting.driver, acting.snap.id)
    if found is None or found[:2] != (kind, acting.origin.actor):
        return False
    kept = json.loads(found[2]).get(key)
    return bool(value == (content.get(acting.driver, kept) if key == "text" else kept))
