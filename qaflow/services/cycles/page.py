"""The read side of one cycle's page: where it stands, its records, its facts, and what this person may do there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, cast

from qaflow.engine import periods
from qaflow.engine.definition import Definition
from qaflow.engine.snapshot import Data, Snapshot, WarningLife
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.college import CollegeView
from qaflow.services.once import Once
from qaflow.services.work import AnySession, Origin, Writer
from qaflow.store import content, listing, people, watching
from qaflow.store import cycle_page as rows
from qaflow.store import cycles as cycle_rows
from qaflow.store.cycle_beside import Measured
from qaflow.store.cycle_page import Point
from qaflow.store.db import Driver, reading

from . import drafting, evidence, rights
from .acting import Acting
from .beside import Beside, beside
from .drafting import Draft
from .gate import Gate
from .reading import TEXTS


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


class Submission(NamedTuple):
    """What was handed in once: for which stage and visit, at which revision of the cycle."""

    seq: int
    stage: str
    visit: int
    revision: int
    at: str
    who: str
    values: Data


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
    attaches: bool
    frozen: bool
    submissions: tuple[Submission, ...]
    beside: Beside
    draft: Draft | None
    older: tuple[Draft, ...]
    watched: bool

    @property
    def points(self) -> tuple[Measured, ...]:
        """The control points of the cycle's layer."""
        return self.beside.points

    @property
    def logins(self) -> tuple[tuple[str, str], ...]:
        """Logins and names of those who have a part in the cycle."""
        return self.beside.logins

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
    gate = Gate.of(acting, records)
    drafts = drafting.of(acting)
    here = [one for one in drafts if one.fits(snap)]
    return CyclePage(
        row=row, snap=snap, definition=acting.compiled.definition, college=acting.college, today=acting.day,
        sealed=acting.row.sealed, unit=rows.unit(driver, snap.unit), names=names, acts=rights.permitted(acting),
        approvers=_signers(snap, names), targets=rights.targets(acting), records=records, missing=gate.missing,
        evidence=gate.evidence, children=gate.children, warnings=_warnings(acting, names, texts),
        owed=_owed(acting, names), history=tuple(_told(f, names, texts) for f in facts),
        attaches=evidence.may_attach(acting), frozen=evidence.is_frozen(acting),
        submissions=_submissions(facts, names, texts),
        beside=beside(acting, names), draft=here[0] if here else None,
        older=tuple(one for one in drafts if not one.fits(snap)),
        watched=any(w.cycle == number for w in watching.of(driver, acting.row.college, acting.origin.person or 0)),
    )  # fmt: skip


def _submissions(facts: Sequence[Data], names: Mapping[int, str],
                 texts: Mapping[str, str | None]) -> tuple[Submission, ...]:  # fmt: skip
    found = []
    revision = 0
    for fact in facts:
        data = fact["data"]
        revision = data.get("revision", revision)
        if fact["kind"] == "StageSubmitted":
            found.append(Submission(fact["seq"], data["stage"], data.get("visit", 1), revision, fact["at"],
                                    names.get(int(fact["actor"]), "") if str(fact["actor"]).isdigit() else "",
                                    _values(texts.get(data.get("content") or ""))))  # fmt: skip
    return tuple(found)


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
            holder=names.get(item.holder or 0) if item else None, acts=rights.on_warning(acting, one),
        ))  # fmt: skip
    return tuple(found)


def _owed(acting: Acting, names: Mapping[int, str]) -> tuple[Owed, ...]:
    return tuple(
        Owed(no=i.no, kind=i.kind, stage=i.stage, holder=names.get(i.holder or 0), due=i.due,
             mine=i.holder == acting.origin.person,
             acts=rights.on_item(acting, i.no))
        for i in acting.snap.open_items()
    )  # fmt: skip


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
