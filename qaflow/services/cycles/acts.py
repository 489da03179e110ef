"""Use cases on one cycle: fire an action, attach a file, read its history (engine rules, 3 to 5)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from qaflow.engine import decide as engine
from qaflow.engine.definition import canonical
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import Forbidden, Invalid, Missing, Stale
from qaflow.services import policy
from qaflow.services.accounts.lines import Deciders, approver_of, deciders
from qaflow.services.college import compiled
from qaflow.services.signin import reproof
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import content, cycle_page, ledger, people
from qaflow.store import cycles as rows
from qaflow.store.db import Driver

from . import frame_gate, mentions, successors
from .acting import Acting, hold, keep

TEXTS = {"reason": 2000, "comment": 2000, "text": 8000, "cause": 2000, "measure": 2000}
"""Keys of a command's data that hold people's words, and how long they may be; kept as erasable content."""
NAMES = ("warning", "scope", "category", "stage", "point", "due")
"""Keys that name something by its text."""
MAX_CONTENT = 1_000_000
HALF_PAIR = re.compile("[\ud800-\udfff]")


def fire(session: AnySession, origin: Origin, cycle: int, action: str, args: Data, revision: int | None = None) -> Data:
    """Let a person act on a cycle; returns where it stands after.

    Raises `Missing` (not there, or not theirs to see), `Forbidden`, `Refused` with the allowed actions, `Invalid` with
    every fault of the data, `Stale` where ``revision`` is not the visit's any more.
    """
    checked = check_args(action, args)

    def body(driver: Driver) -> Data:
        acting = hold(session, driver, origin, cycle)
        act(acting, action, checked, revision)
        finish(acting)
        return standing(acting)

    return transact(session, body)


def check_args(action: str, args: Data) -> Data:
    """Check the keys and texts of a command's data; unknown ones are refused by name."""
    if action not in engine.ACTIONS:
        raise Invalid("action.unknown", f"action {action!r} is unknown; one of {', '.join(engine.ACTIONS)}")
    if not isinstance(args, dict):
        raise Invalid("json.not_object", "the data of an action must be a JSON object")
    required = engine.REQUIRED.get(action, ())
    known = {*required, *engine.OPTIONAL.get(action, ())}
    takes = ", ".join(sorted(known)) or "nothing"
    errors = [{"pointer": k, "code": "field.unknown", "message": f"{k}: unknown; {action} takes {takes}"}
              for k in sorted(set(args) - known)]  # fmt: skip
    errors += [{"pointer": k, "code": "field.required", "message": f"{k}: is required"}
               for k in required if args.get(k) in (None, "")]  # fmt: skip
    errors += [fault for k in args if k in TEXTS for fault in text_faults(k, args[k], TEXTS[k])]
    errors += [_no_text(k) for k in NAMES if k in args and not isinstance(args[k], str | None)]
    if errors:
        raise Invalid("data.invalid", f"{action}: " + "; ".join(e["message"] for e in errors), errors=errors)
    return {k: v for k, v in args.items() if v is not None}


def _no_text(key: str) -> Data:
    return {"pointer": key, "code": "type.expected_string", "message": f"{key}: must be a text"}


def text_faults(key: str, value: Any, most: int) -> list[Data]:
    """Return what is wrong with people's words: no text, too long, blank, or with signs that no text may hold."""
    if value is None:
        return []
    if not isinstance(value, str):
        return [_no_text(key)]
    if len(value) > most:
        return [{"pointer": key, "code": "text.too_long", "message": f"{key}: longer than {most} characters"}]
    if not value.strip(" \t\r\n\u200b\u200c\u200d\ufeff\u3000\xa0"):
        return [{"pointer": key, "code": "text.blank", "message": f"{key}: is blank"}]
    if any((c < " " and c not in "\t\r\n") or "\ud800" <= c <= "\udfff" for c in value):
        return [{"pointer": key, "code": "text.control_character", "message": f"{key}: holds a control character"}]
    return []


def act(acting: Acting, action: str, args: Data, revision: int | None = None) -> None:
    """Check the right, resolve people and content, decide — all on a held cycle."""
    person = acting.origin.person
    snap = acting.snap
    if person is None:
        raise Forbidden("actor.system", "the system never decides: this action needs a person")
    for_ = policy.permit(acting.driver, acting.scope, snap, action, args, person, acting.today,
                         approving(acting, action), asked_as(acting, action))  # fmt: skip
    reproof.require(acting.driver, acting.row.college, acting.origin, action)
    if revision is not None and revision != snap.revision:
        raise Stale("visit.stale", f"cycle {snap.id} is at revision {snap.revision}, your form was made at {revision}",
                    revision=snap.revision)  # fmt: skip
    args, more = _resolve(acting, action, args, for_)
    acting.decide(action, args, acting.context(for_=for_, **more))


def asked_as(acting: Acting, action: str) -> tuple[str, ...]:
    """Return the roles by which people are asked to decide here: what a deputy for one role stands in for."""
    definition = acting.compiled.definition
    if action not in policy.DECISIONS:
        return ()
    key = definition.hinge if action in ("confirm", "dismiss") else None
    signers = approver_of(definition, definition.by_key[key or acting.snap.stage])
    return (signers.role, *signers.also)


def approving(acting: Acting, action: str) -> frozenset[int]:
    """Return the approvers whose right does not hang on a pending decision: they hear of the state, not of rights."""
    if action in ("dismiss", "confirm"):
        return frozenset(_approvers(acting).persons)
    snap, definition = acting.snap, acting.compiled.definition
    if action not in policy.DECISIONS or (snap.leaf == "review" and snap.status == "running"):
        return frozenset()
    if acting.origin.person is not None and rows.asked(acting.driver, snap.id, acting.origin.person):
        return frozenset((acting.origin.person,))  # the decision fell without this signature
    signers = approver_of(definition, definition.by_key[snap.stage])
    found = deciders(acting.driver, acting.college, acting.scope, signers, acting.today, {snap.responsible})
    return frozenset(found.persons)


def _resolve(acting: Acting, action: str, args: Data, for_: int | None) -> tuple[Data, Data]:
    """Turn a command's words into content hashes and its persons into numbers; load what the decision needs."""
    if action == "comment":
        named = mentions.find(acting, args["text"]).told
        args = args | {"mentioned": [one.id for one in named if one.id != acting.origin.person]}
    args = {k: keep(acting.driver, v) if k in TEXTS else v for k, v in args.items()}
    more = _content(acting, action, args) if action in ("submit", "record") else {}
    if acting.snap.status == "running":
        more |= _circumstances(acting, action) | _asked(acting, action, for_)
    for key in ("to", "person"):
        if key in args and action in ("transfer", "copy", "add_signer"):
            more["holder"] = person_of(acting, args[key])
    if _may_end(acting, action):
        more["carried"] = tuple(successors.left_over(acting, current=more.get("values")))
    if action == "copy" and not policy.may_see(acting.driver, acting.scope, acting.snap, more["holder"], acting.today):
        raise Invalid("copy.may_not_see", f"{args['to']} may not see cycle {acting.snap.id}")
    if action == "warn":
        args |= successors.point_of(acting, args)
    return args, more


def _circumstances(acting: Acting, action: str) -> Data:
    """Return what moves of the slow loop look at: files, running children, the content under review."""
    found = _surroundings(acting) if action in ("submit", "approve", "return", "reopen") else {}
    return found | (_submitted(acting) if action == "approve" and acting.snap.leaf == "review" else {})


def _may_end(acting: Acting, action: str) -> bool:
    """Tell whether this act can close the cycle: the last stage's submission (without approval) or last signature."""
    snap = acting.snap
    if snap.status != "running" or not successors.closes(acting):
        return False
    if action == "submit":
        stage = acting.compiled.definition.by_key[snap.stage]
        return stage.decide is None or any(m.automatic for m in stage.moves)
    return action == "approve" and snap.leaf == "review" and len(snap.visit.signed) + 1 >= snap.visit.need


def _asked(acting: Acting, action: str, for_: int | None) -> Data:
    """Return who is asked to decide by this act: never whoever acts, nor for whom they act."""
    own = {acting.origin.person, for_, acting.snap.responsible}
    if action == "correct":
        found = _approvers(acting, own)
    elif action == "submit" and (signers := acting.compiled.definition.by_key[acting.snap.stage].decide) is not None:
        found = deciders(acting.driver, acting.college, acting.scope, signers, acting.today, own)
    else:
        return {}
    return {"signers": found.persons, "need": found.need, "raised": found.raised}


def _approvers(acting: Acting, barred: Collection[int | None] = ()) -> Deciders:
    """Return who answers for corrections: the approvers of the stage that holds the quick loop, never the corrector."""
    definition = acting.compiled.definition
    stage = definition.by_key[definition.hinge or acting.snap.stage]
    signers = approver_of(definition, stage)
    own = {acting.snap.responsible, *barred}
    found = deciders(acting.driver, acting.college, acting.scope, signers, acting.today, own)
    return found._replace(persons=found.persons[:3])


def _content(acting: Acting, action: str, args: Data) -> Data:
    """Keep the form handed in; without one, the last content of the visit stands (unchanged content, one submit)."""
    values = args.pop("content", None)
    if values is None:
        return _submitted(acting) if action == "submit" and acting.snap.stage else {"content": None, "values": {}}
    if not isinstance(values, dict):
        raise Invalid("json.not_object", "content must be a JSON object of the form's fields")
    text = canonical(values)
    if len(text) > MAX_CONTENT:
        raise Invalid("text.too_long", f"content is longer than {MAX_CONTENT} characters")
    if HALF_PAIR.search(text):
        raise Invalid("text.invalid_unicode", "content holds half of a surrogate pair")
    return {"content": keep(acting.driver, text), "values": values}


def _submitted(acting: Acting) -> Data:
    """Return the content that the visit holds: the submission under review, or the draft it began with."""
    digest = acting.snap.visits[acting.snap.stage].content
    text = content.get(acting.driver, digest) if digest else None
    return {"content": digest, "values": json.loads(text) if text else {}}


def _surroundings(acting: Acting) -> Data:
    """Return what gate and guards look at beside the form: files and running children."""
    snap, definition = acting.snap, acting.compiled.definition
    stage = definition.by_key[snap.stage]
    found: Data = {}
    conditions = (*stage.gate, *(m.when or "" for m in stage.moves))
    if stage.evidence or any("evidence" in text for text in conditions):
        found["evidence"] = ledger.evidence_count(acting.driver, acting.row.college, snap.id, snap.stage)
    if stage.frame == "required":
        found["unanswered"] = frame_gate.unanswered(acting)
    if definition.covering("implement") is stage or any("children" in text for text in conditions):
        found["children"] = successors.running_children(acting.driver, snap.id)
    return found


def person_of(acting: Acting, named: Any) -> int:
    """Return the person that a command names by login, number or name; `ref.unknown_user` where nobody here fits."""
    found = None
    if isinstance(named, int) and not isinstance(named, bool) and 0 < named < 2**63:
        found = people.by_id(acting.driver, named)
    elif isinstance(named, str):
        found = people.by_login(acting.driver, named) or _by_name(acting, named)
    if found is None or found.college_id != acting.row.college:
        raise Invalid("ref.unknown_user", f"no person {named!r} in this college")
    if found.disabled_at is not None:
        raise Invalid("ref.disabled_user", f"{found.login} is disabled")
    return found.id


def _by_name(acting: Acting, named: str) -> people.Person | None:
    found = cycle_page.people_named(acting.driver, acting.row.college, [named])
    if len(found) > 1:
        raise Invalid("ref.ambiguous_user", f"several persons are called {named!r}: give the login")
    return people.by_id(acting.driver, found[0].id) if found else None


def finish(acting: Acting) -> None:
    """Write the act; a cycle that closed hands its left-overs and open warnings on in the same transaction."""
    acting.flush()
    if acting.snap.status in ("closed", "cancelled"):
        successors.hand_over(acting)
    acting.writer.flush()


def standing(acting: Acting) -> Data:
    """Return where a cycle stands, as every door shows it."""
    return describe(acting.snap, engine.actions(acting.compiled, acting.snap))


def describe(snap: Snapshot, actions: tuple[str, ...]) -> Data:
    """Return a snapshot's public face."""
    visit = snap.visits.get(snap.stage)
    return {
        "id": snap.id, "status": snap.status, "outcome": snap.outcome, "state": snap.state, "stage": snap.stage,
        "leaf": snap.leaf, "visit": visit.number if visit else 0, "revision": snap.revision,
        "due": visit.due if visit else None, "version": snap.version, "number": snap.number, "track": snap.track,
        "layer": snap.layer, "period": [snap.start, snap.end], "allowed": list(actions),
        "items": [_item(i) for i in snap.items.values() if i.state == "open"],
        "warnings": [{"id": w.id, "state": w.state, "severity": w.severity, "scope": w.scope, "proposal": w.proposal}
                     for w in snap.open_warnings()],
        "sheets": [{"no": s.no, "kind": s.kind, "due": s.due, "state": s.state} for s in snap.sheets.values()],
        "signatures": {"need": visit.need, "given": len(visit.signed)} if visit and snap.leaf == "review" else None,
    }  # fmt: skip


def _item(item: Any) -> Data:
    return {"no": item.no, "kind": item.kind, "stage": item.stage, "holder": item.holder, "due": item.due,
            "ref": item.ref, "level": item.level, "deadline_no": item.deadline_no}  # fmt: skip


def show(session: AnySession, driver: Driver, cycle: int) -> Data:
    """Return a cycle with the actions that its state allows."""
    found = rows.load(driver, cycle, lock=False)
    if found is None:
        raise Missing("cycle.not_found", f"no cycle {cycle}")
    snap, _ = found
    return describe(snap, engine.actions(compiled(session, driver, snap.definition), snap))
