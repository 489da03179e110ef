"""The read side of one cycle's page: where it stands, its records, its facts, and what this person may do there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from qaflow.engine import decide as engine
from qaflow.engine import periods
from qaflow.engine.decide.stages import gate_missing
from qaflow.engine.definition import Definition
from qaflow.engine.snapshot import Data, Snapshot, WarningLife
from qaflow.errors import Forbidden, Missing
from qaflow.store import content, ledger, listing, people
from qaflow.store import cycle_page as rows
from qaflow.store import cycles as cycle_rows
from qaflow.store.cycle_page import Point
from qaflow.store.db import Driver, reading

from . import cycles, policy, successors
from .acting import Acting
from .college import CollegeView
from .once import Once
from .reading import TEXTS
from .work import AnySession, Origin, Writer

ON_WARNING = {"acknowledge": ("opened",), "correct": ("acknowledged", "correcting"), "confirm": ("correcting",),
              "dismiss": ("opened", "acknowledged", "correcting", "confirmed")}  # fmt: skip
"""In which states of a warning an act on it can be done (engine rules, 4)."""
ANSWERS = ("approve", "reject")
ON_ITEM = ("extend", "transfer", "remind")
PROBED = ("approve", "reject", "return", "confirm", "dismiss", "withdraw")
"""Acts of which the engine itself asks who does them: it is asked before they are offered."""


@dataclass(frozen=True, kw_only=True)
class Warned:
    """An open warning as the page shows it."""

    life: WarningLife
    point: Point | None
    due: str | None
    holder: str | None
    acts: tuple[str, ...]
    texts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Owed:
    """An open work item, and what this person may do about it."""

    no: int
    kind: str
    stage: str
    holder: str | None
    mine: bool
    due: str
    acts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CyclePage:
    """All that the page of a cycle shows to one person."""

    row: Data
    snap: Snapshot
    definition: Definition
    college: CollegeView
    today: date
    sealed: bool
    unit: dict[str, str]
    names: dict[int, str]
    approvers: tuple[str, ...]
    acts: tuple[str, ...]
    targets: tuple[str, ...]
    records: dict[str, Data]
    missing: tuple[Data, ...]
    evidence: int
    children: int
    warnings: tuple[Warned, ...]
    owed: tuple[Owed, ...]
    history: tuple[Data, ...]

    @property
    def period(self) -> periods.Period:
        """The round's period, whose end is the first day that is no longer of it."""
        return periods.Period(date.fromisoformat(self.snap.start), date.fromisoformat(self.snap.end))


def look(session: AnySession, origin: Origin, number: int) -> CyclePage:
    """Return a cycle's page for whoever is signed in; `Missing` where it is not theirs to see."""
    try:
        acting = _held(session, origin, number)
        _require_sight(acting)
        return _page(acting, number)
    finally:
        session.rollback()


def _held(session: AnySession, origin: Origin, number: int) -> Acting:
    driver = cast(Driver, Once(reading(session)))
    found = cycle_rows.load(driver, number, lock=False)
    if found is None:
        raise Missing("cycle.not_found", f"no cycle {number}")
    return Acting(session, driver, origin, *found, Writer(driver, origin))


def _require_sight(acting: Acting) -> None:
    person = acting.origin.person
    if person is None or not policy.may_see(acting.driver, acting.scope, acting.snap, person, acting.today):
        raise Missing("cycle.not_found", f"no cycle {acting.snap.id}")


def _page(acting: Acting, number: int) -> CyclePage:
    driver, snap = acting.driver, acting.snap
    row = listing.cycle(driver, number)
    assert row is not None
    facts = listing.history(driver, number)
    for fact in facts:
        fact["data"] = json.loads(fact["data"])
    texts = content.get_many(driver, sorted({h for f in facts for h in _hashes(f["data"]).values()} | _kept(snap)))
    names = {k: v[0] for k, v in people.names(driver, sorted(_persons(snap, facts))).items()}
    records = {key: _values(texts.get(v.content or "")) for key, v in snap.visits.items()}
    gate = _Gate.of(acting, records)
    return CyclePage(
        row=row, snap=snap, definition=acting.compiled.definition, college=acting.college, today=acting.day,
        sealed=acting.row.sealed, unit=rows.unit(driver, snap.unit), names=names, acts=permitted(acting),
        approvers=_signers(snap, names), targets=_targets(acting), records=records, missing=gate.missing,
        evidence=gate.evidence, children=gate.children, warnings=_warnings(acting, names, texts),
        owed=_owed(acting, names), history=tuple(_told(f, names, texts) for f in facts),
    )  # fmt: skip


def permitted(acting: Acting) -> tuple[str, ...]:
    """Return which of the actions that the cycle's state allows the policy permits to this person.

    Acts on one warning or one work item are told beside it, by `_warnings` and `_owed`.
    """
    if acting.row.sealed:
        return ()
    apart = (*ON_WARNING, *ON_ITEM)
    offered = [a for a in engine.actions(acting.compiled, acting.snap) if a not in apart]
    return tuple(a for a in dict.fromkeys(offered) if _may(acting, a, _probe(acting, a)))


def _probe(acting: Acting, action: str) -> Data:
    if action == "return":
        return {"to": next(iter(_targets(acting)), ""), "reason": "?"}
    return {"reason": "?"} if action in engine.REQUIRED else {}


def _may(acting: Acting, action: str, args: Data) -> bool:
    """Tell whether the policy permits an act, and the engine does not refuse it to this person."""
    person, snap = acting.origin.person, acting.snap
    if person is None or (action in ANSWERS and "warning" not in args and snap.leaf != "review"):
        return False
    if action in ("return", "reopen") and not _targets(acting):
        return False
    try:
        for_ = policy.permit(acting.driver, acting.scope, snap, action, args, person, acting.today,
                             cycles.approving(acting, action), cycles.asked_as(acting, action))  # fmt: skip
    except (Forbidden, Missing):
        return False
    if action not in PROBED:
        return True
    children = _children(acting)
    found = engine.decide(acting.compiled, snap, action, args, acting.context(for_=for_, children=children))
    if not isinstance(found, engine.Refusal):
        return True
    # which way on holds is for the content to say, and that is not read here
    return action == "approve" and not children and found.code == "transition.not_allowed"


def _children(acting: Acting) -> int:
    """Return how many cycles below this one still run, where that can hold it."""
    implement = acting.compiled.definition.covering("implement")
    held = implement is not None and acting.snap.stage == implement.key
    return successors.running_children(acting.driver, acting.snap.id) if held else 0


def _targets(acting: Acting) -> tuple[str, ...]:
    """Return the earlier stages that were walked: where the cycle can be sent back to."""
    snap, order = acting.snap, acting.compiled.definition.order
    if snap.stage not in order:
        return ()
    walked = (key for key in order[: order.index(snap.stage)] if key in snap.visits)
    return tuple(key for key in walked if snap.visits[key].state in ("done", "void"))


def _signers(snap: Snapshot, names: Mapping[int, str]) -> tuple[str, ...]:
    visit = snap.visits.get(snap.stage)
    return tuple(names.get(p, "") for p in visit.signers) if visit and snap.leaf == "review" else ()


def _warnings(acting: Acting, names: Mapping[int, str], texts: Mapping[str, str | None]) -> tuple[Warned, ...]:
    live = acting.snap.open_warnings()
    points = rows.points(acting.driver, [w.point for w in live if w.point is not None]) if live else {}
    found = []
    for one in live:
        item = next((i for i in acting.snap.items.values() if i.ref == one.id and i.state == "open"), None)
        said = {k: texts.get(getattr(one, k) or "") or "" for k in ("cause", "measure", "reason")}
        found.append(Warned(
            life=one, point=points.get(one.point or 0), due=item.due if item else None, texts=said,
            holder=names.get(item.holder or 0) if item else None, acts=_on_warning(acting, one),
        ))  # fmt: skip
    return tuple(found)


def _on_warning(acting: Acting, one: WarningLife) -> tuple[str, ...]:
    if acting.row.sealed or acting.snap.status != "running":
        return ()
    fitting = [a for a, states in ON_WARNING.items() if one.state in states and (a == "dismiss" or not one.proposal)]
    fitting += ANSWERS if one.proposal else ()
    return tuple(a for a in fitting if _may(acting, a, {"warning": one.id, "reason": "?"}))


def _owed(acting: Acting, names: Mapping[int, str]) -> tuple[Owed, ...]:
    can = set() if acting.row.sealed else set(engine.actions(acting.compiled, acting.snap))
    return tuple(
        Owed(no=i.no, kind=i.kind, stage=i.stage, holder=names.get(i.holder or 0), due=i.due,
             mine=i.holder == acting.origin.person,
             acts=tuple(a for a in ON_ITEM if a in can and _may(acting, a, {"item": i.no})))
        for i in acting.snap.open_items()
    )  # fmt: skip


@dataclass(frozen=True)
class _Gate:
    """What the current stage still lacks, going by its last content."""

    missing: tuple[Data, ...]
    evidence: int
    children: int

    @classmethod
    def of(cls, acting: Acting, records: Mapping[str, Data]) -> _Gate:
        """Ask the gate of the current stage."""
        snap = acting.snap
        stage = acting.compiled.definition.by_key.get(snap.stage)
        if stage is None or snap.status != "running":
            return cls((), 0, 0)
        files = ledger.evidence_count(acting.driver, acting.row.college, snap.id, snap.stage)
        children = _children(acting)
        if snap.leaf == "review":
            return cls((), files, children)
        ctx = acting.context(values=records.get(snap.stage, {}), evidence=files, children=children)
        return cls(tuple(gate_missing(stage, snap, ctx)), files, children)


def _values(text: str | None) -> Data:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _hashes(data: Data) -> dict[str, str]:
    flat = data | (data["set"] if isinstance(data.get("set"), dict) else {})
    return {k: v for k, v in flat.items() if k in TEXTS and isinstance(v, str) and len(v) == 64}


def _kept(snap: Snapshot) -> set[str]:
    """Return the hashes of what stands on the cycle: forms, and the words of its warnings."""
    words = {w for one in snap.warnings.values() for w in (one.cause, one.measure, one.reason)}
    return ({v.content for v in snap.visits.values()} | words) - {None}  # type: ignore[return-value]


def _persons(snap: Snapshot, facts: Iterable[Data]) -> set[int]:
    named = {f[name] for f in facts for name in ("actor", "on_behalf_of")}
    held = {i.holder for i in snap.items.values()} | {snap.responsible}
    for visit in snap.visits.values():
        held |= {visit.submitted_by, visit.for_, *visit.signers}
    return {int(n) for n in named if n and n.isdigit()} | {p for p in held if p is not None}


def _told(fact: Data, names: Mapping[int, str], texts: Mapping[str, str | None]) -> Data:
    """Return a fact with its people and their words; forms are shown with their stage, not here."""
    said = {k: texts.get(h) for k, h in _hashes(fact["data"]).items() if k != "content"}
    who = {n: names.get(int(fact[n]), "") if fact[n] and fact[n].isdigit() else None
           for n in ("actor", "on_behalf_of")}  # fmt: skip
    return fact | who | {"texts": said}
