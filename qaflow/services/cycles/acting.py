"""One act on one cycle: load, decide, evolve, write rows, journal and notices — in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from qaflow.engine.decide import Context, Fact, Refusal
from qaflow.engine.fold import evolve
from qaflow.engine.machine import Compiled
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import Forbidden, Invalid, Missing, Refused, Stale
from qaflow.services.chains import cycles as chain_cycles
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.notices import notices
from qaflow.services.policy import Scope, scope_of
from qaflow.services.work import AnySession, LostRace, Origin, Writer
from qaflow.store import content, frame_answers, ledger
from qaflow.store import cycles as rows
from qaflow.store.db import Driver

from . import watching

KINDS = {"right": Forbidden, "data": Invalid, "stale": Stale}


class Acting:
    """A cycle held in a transaction: its snapshot, what is about to be written, and how."""

    __slots__ = (
        "college",
        "compiled",
        "day",
        "driver",
        "last_item",
        "origin",
        "row",
        "session",
        "snap",
        "was",
        "writer",
    )

    def __init__(
        self, session: AnySession, driver: Driver, origin: Origin, snap: Snapshot, row: rows.Row, writer: Writer
    ) -> None:
        self.session, self.driver, self.origin = session, driver, origin
        self.snap, self.row, self.writer = snap, row, writer
        self.was, self.last_item = snap.version, snap.item_no
        self.college: CollegeView = view(session, driver, row.college)
        self.compiled: Compiled = compiled(session, driver, snap.definition)
        self.day = self.college.calendar.local_day(origin.now)

    @property
    def scope(self) -> Scope:
        """Where the cycle lies."""
        return scope_of(self.snap, self.row.college)

    @property
    def stream(self) -> str:
        """The name of the cycle's journal stream."""
        return f"cycle:{self.snap.id}"

    @property
    def today(self) -> str:
        """The day of the act in the college's zone."""
        return self.day.isoformat()

    def context(self, **more: Any) -> Context:
        """Return the frozen circumstances of a decision."""
        now = self.origin.now
        return Context(
            moment=now,
            now=self.writer.at,
            today=self.day,
            calendar=self.college.calendar,
            actor=self.origin.person,
            **{"responsible": self.snap.responsible, **more},
        )

    def decide(self, action: str, args: Data, ctx: Context) -> list[Fact]:
        """Decide and take the facts in, or raise the refusal."""
        facts = self.origin.decide(self.compiled, self.snap, action, args, ctx)
        if isinstance(facts, Refusal):
            raise refusal(facts)
        self.record(facts, ctx.for_)
        return facts

    def record(self, facts: Sequence[Fact], for_: int | None = None) -> None:
        """Let facts change the snapshot and stand in the journal."""
        snap, writer, row = self.snap, self.writer, self.row
        for fact in facts:
            kind, data = fact
            stage_before = (snap.stage, snap.visits[snap.stage].number) if snap.stage else ("", 0)
            definition = data["definition"] if kind == "CycleStarted" else snap.definition
            row.head = writer.fact(self.stream, snap.version + 1, row.head, kind, data, definition, for_)
            project = PROJECTORS.get(kind)
            was = snap.items[data["item"]].holder if "item" in data else None
            evolve(snap, kind, data, writer.at)
            if project is not None:
                project(self, data, Before(*stage_before, was, for_))
            if "carried" in data and "close" in data:
                self.carry_on(data["carried"])
            told = notices.recipients(kind, data)
            if told:
                writer.notify(row.college, self.stream, snap.version, kind, told, notices.payload(snap.id, kind, data))

    def carry_on(self, carried: Sequence[Data]) -> None:
        """Let what a closed cycle leaves over wait for the next one of its subject and track."""
        ledger.leave(self.driver, self.row.college, self.snap, carried)

    def flush(self) -> None:
        """Write the cycle's rows; `LostRace` where somebody was faster."""
        if self.snap.version == self.was:
            return
        if not rows.save(self.driver, self.snap, self.row, self.was, self.last_item):
            raise LostRace
        self.was, self.last_item = self.snap.version, self.snap.item_no


class Before(NamedTuple):
    """What a fact changed, as it was before: the visit it ended or signed, an item's holder, the absent person."""

    stage: str
    visit: int
    holder: int | None
    for_: int | None


def _ask(acting: Acting, data: Data, before: Before) -> None:
    if "signers" in data:
        rows.ask(acting.driver, acting.snap, data["signers"])
    else:
        _chain(acting, before)  # nobody needs to approve it


def _add(acting: Acting, data: Data, before: Before) -> None:
    snap = acting.snap
    rows.ask(acting.driver, snap, [data["person"]], added=True, first=len(snap.visit.signers))


def _sign(acting: Acting, data: Data, before: Before) -> None:
    visit = acting.snap.visits[before.stage]
    if visit.number == before.visit:
        rows.sign(acting.driver, acting.snap, visit, visit.revision, data["signer"], before.for_)


def _approve(acting: Acting, data: Data, before: Before) -> None:
    _sign(acting, data, before)
    _chain(acting, before)


def _chain(acting: Acting, before: Before) -> None:
    """Let the goals and standards of a stage that is through become entries of the chains."""
    stage, visit = acting.compiled.definition.by_key[before.stage], acting.snap.visits[before.stage]
    chain_cycles.fix(acting.driver, acting.row.college, acting.snap, stage, visit.content, acting.writer.at)


def _void(acting: Acting, data: Data, before: Before) -> None:
    rows.void_signers(acting.driver, acting.snap.id, before.stage, before.visit)


def _move(acting: Acting, data: Data, before: Before) -> None:
    item = acting.snap.items[data["item"]]
    if item.kind in ("decide", "sign") and item.ref is None and before.holder is not None:
        rows.move_signer(acting.driver, acting.snap, before.holder, data["to"])


def _escalate(acting: Acting, data: Data, before: Before) -> None:
    ledger.fire(acting.driver, acting.row.college, acting.snap.id, data, acting.writer.at)


def _attach(acting: Acting, data: Data, before: Before) -> None:
    ledger.attach(acting.driver, acting.row.college, acting.snap.id, data, acting.writer.at)


def _answer(acting: Acting, data: Data, before: Before) -> None:
    frame_answers.put(acting.driver, acting.row.college, acting.snap.id, data, acting.writer.at)


def _name(acting: Acting, data: Data, before: Before) -> None:
    for person in data.get("mentioned", ()):
        watching.watch(acting.driver, acting.row.college, person, acting.snap.id, watching.NAMED, acting.writer.at)


def _receive(acting: Acting, data: Data, before: Before) -> None:
    ledger.seed(acting.driver, acting.snap.id, [c["id"] for c in data["carried"]])


def _repin(acting: Acting, data: Data, before: Before) -> None:
    rows.set_definition(acting.driver, acting.snap.id, data["definition"])
    acting.compiled = compiled(acting.session, acting.driver, data["definition"])


def _watch(acting: Acting, data: Data, before: Before) -> None:
    watching.watch(acting.driver, acting.row.college, data["to"], acting.snap.id, watching.COPIED, acting.writer.at)


PROJECTORS: dict[str, Callable[[Acting, Data, Before], None]] = {
    "StageSubmitted": _ask,
    "SignerAdded": _add,
    "StageSigned": _sign,
    "StageApproved": _approve,
    "StageWithdrawn": _void,
    "StageRejected": _void,
    "StageReturned": _void,
    "StageReopened": _void,
    "ItemTransferred": _move,
    "WorkEscalated": _escalate,
    "EvidenceAdded": _attach,
    "FrameAnswered": _answer,
    "Commented": _name,
    "CarryReceived": _receive,
    "DefinitionMigrated": _repin,
    "CopySent": _watch,
}
"""What a fact writes beside the rows of its snapshot: signatures, the ledger, evidence, answers, carry-overs."""


def hold(session: AnySession, driver: Driver, origin: Origin, cycle: int, writer: Writer | None = None) -> Acting:
    """Load a cycle for an act; `Missing` where there is none."""
    found = rows.load(driver, cycle)
    if found is None:
        raise Missing("cycle.not_found", f"no cycle {cycle}")
    require_open(found[1], cycle)
    return Acting(session, driver, origin, *found, writer or Writer(driver, origin))


def require_open(row: rows.Row, cycle: int) -> None:
    """Require that the history of a cycle proves what stands on it."""
    if row.sealed:
        why = f"the history of cycle {cycle} does not prove what stands on it: it is read-only, see `qaflow doctor`"
        raise Refused("history.sealed", why)


def refusal(found: Refusal) -> Exception:
    """Return the error that tells a refusal at a door."""
    kind = KINDS.get(found.kind, Refused)
    more = {"allowed": list(found.allowed)} if found.allowed else {}
    return kind(found.code, found.detail, errors=found.errors, **more)


def keep(driver: Driver, text: str) -> str:
    """Keep a text as content and return its hash."""
    return content.put(driver, text, content.new_salt())
