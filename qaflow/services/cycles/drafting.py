"""Drafts: a form as somebody left it, seen by its author alone; no fact, and never submitted by itself."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from qaflow.engine.definition import canonical
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services import policy
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import cycles as cycle_rows
from qaflow.store import drafts as rows
from qaflow.store.db import Driver, utc

from . import acts
from .acting import Acting, hold

MOST = 50  # drafts of one person in one cycle
NAME = 60  # signs of a form's name


class Form(NamedTuple):
    """Which form is meant: its stage (``sheet:2`` for a diagnosis sheet), the visit and revision it was shown at."""

    stage: str
    visit: int
    revision: int


class Draft(NamedTuple):
    """A form as it was left."""

    id: int
    form: Form
    values: Data
    saved_at: str

    def fits(self, snap: Snapshot) -> bool:
        """Tell whether it is of the form that the cycle's current stage shows now."""
        return snap.status == "running" and self.form == Form(snap.stage, snap.visit.number, snap.revision)


def of(acting: Acting) -> list[Draft]:
    """Return the drafts of whoever looks at a cycle, the newest first."""
    found = rows.of(acting.driver, acting.row.college, acting.snap.id, acting.origin.person or 0)
    return [Draft(one.id, Form(one.stage, one.visit, one.revision), json.loads(one.content), one.saved_at)
            for one in found]  # fmt: skip


def save(session: AnySession, origin: Origin, cycle: int, form: Form, values: Data) -> None:
    """Keep a form as it stands; raises `Invalid` where it is too large, `Missing` where the cycle is not theirs."""
    text = canonical(values)
    if len(text) > acts.MAX_CONTENT:
        raise Invalid("text.too_long", f"a draft is longer than {acts.MAX_CONTENT} characters")
    if acts.HALF_PAIR.search(text):
        raise Invalid("text.invalid_unicode", "the draft holds half of a surrogate pair")

    def body(driver: Driver) -> None:
        acting = _seen(session, driver, origin, cycle)
        known = form.stage in acting.compiled.definition.by_key or form.stage.startswith("sheet:")
        if not known or len(form.stage) > NAME:
            raise Invalid("value.unknown", f"cycle {cycle} has no form {form.stage!r}")
        key = _key(acting, form)
        kept = rows.count(driver, key["college"], cycle, key["person"])
        if kept >= MOST and form not in [one.form for one in of(acting)]:
            raise Refused("draft.too_many", f"{MOST} drafts are kept for one cycle")
        rows.put(driver, key, text, utc(origin.now))

    transact(session, body)


def discard(session: AnySession, origin: Origin, cycle: int, number: int) -> None:
    """Delete one's own draft; one that is gone already is no fault."""

    def body(driver: Driver) -> None:
        acting = _seen(session, driver, origin, cycle)
        rows.drop(driver, acting.row.college, cycle, origin.person or 0, number)

    transact(session, body)


def submit(session: AnySession, origin: Origin, cycle: int, action: str, args: Data, revision: int, form: Form) -> Data:
    """Submit a stage or record a sheet as `cycles.fire` does, and delete the draft of this very form."""
    checked = acts.check_args(action, args)

    def body(driver: Driver) -> Data:
        acting = hold(session, driver, origin, cycle)
        key = _key(acting, form)
        acts.act(acting, action, checked, revision)
        acts.finish(acting)
        rows.done(driver, key)
        return acts.standing(acting)

    return transact(session, body)


def _key(acting: Acting, form: Form) -> dict[str, Any]:
    return {"college": acting.row.college, "cycle": acting.snap.id, "person": acting.origin.person or 0,
            **form._asdict()}  # fmt: skip


def _seen(session: AnySession, driver: Driver, origin: Origin, cycle: int) -> Acting:
    found = cycle_rows.load(driver, cycle, lock=False)
    if found is not None and origin.person is not None:
        acting = Acting(session, driver, origin, *found, Writer(driver, origin))
        if policy.may_see(driver, acting.scope, acting.snap, origin.person, acting.today):
            return acting
    raise Missing("cycle.not_found", f"no cycle {cycle}")
