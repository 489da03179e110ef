"""Many work items at once: approve, return, remind, transfer, extend; told beforehand, and done or refused one by one.

What is told beforehand is the act itself in a transaction that is rolled back: there is no second set of rules.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, cast

from qaflow.engine import decide as engine
from qaflow.engine.calendar import CalendarGap
from qaflow.engine.dates import iso_day
from qaflow.engine.definition import Label
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import Invalid, Missing, QaflowError, Refused, Stale
from qaflow.services import policy
from qaflow.services.accounts import profile
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import bulk
from qaflow.services.cycles.acting import Acting, require_open
from qaflow.services.once import Once
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import cycles as cycle_rows
from qaflow.store import picked
from qaflow.store.db import Driver, driver
from qaflow.store.picked import Picked

MOST = 200
ACTS = ("approve", "return", "remind", "transfer", "extend")
SAME, BEFORE = "same", "before"
"""Where work can be returned to beside a stage by name: to be improved where it stands, or to the stage before."""
ASKED = {"return": ("to", "reason"), "transfer": ("who", "reason"), "extend": ("due", "reason"),
         "approve": ("comment",)}  # fmt: skip
"""What each act asks for all items together."""
PROBE = "?"  # stands for a reason that is not given yet


class Pick(NamedTuple):
    """One ticked item, and the version of its cycle when it was shown; None before anything was shown."""

    item: int
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """One act on many items, with what it asks ("" is not given yet)."""

    act: str
    picks: tuple[Pick, ...]
    to: str = ""
    who: str = ""
    due: str = ""
    reason: str = ""
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What becomes of one item: which act, and why not where it is refused; unnamed where it is not theirs to see."""

    item: int
    row: Picked | None = None
    layer: Label | None = None
    track: Label | None = None
    stage: Label | None = None
    does: str = ""
    version: int = 0
    refused: QaflowError | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is told of a bulk act before it is done, with the earlier stages that all its items share."""

    results: tuple[Result, ...]
    stages: tuple[tuple[str, Label], ...] = ()

    @property
    def fit(self) -> int:
        """How many items would be done."""
        return sum(one.refused is None for one in self.results)


def check(asked: Bulk) -> None:
    """Require an act that there is and a bounded number of items."""
    if asked.act not in ACTS:
        raise Invalid("action.unknown", f"act {asked.act!r}: one of {', '.join(ACTS)}")
    if not asked.picks:
        raise Invalid("bulk.nothing", "no item is chosen")
    if len({pick.item for pick in asked.picks}) > MOST:
        raise Invalid("bulk.too_many", f"at most {MOST} items at once")


def preview(session: AnySession, origin: Origin, me: SignedIn, asked: Bulk) -> Told:
    """Return what would become of each item, by doing it and taking it back."""
    check(asked)
    origin = replace(origin, proven=origin.recorded)  # nothing is signed yet: a fresh proof is asked for when it is
    if me.college is None:
        return Told(results=tuple(Result(item=pick.item, refused=_missing(pick.item)) for pick in asked.picks))
    held = driver(session)
    try:
        run = _Run(session, held, origin, view(session, held, me.college), asked)
        run.read()
        known = replace(asked, who=str(profile.colleague(held, me, asked.who))) if asked.who else asked
        results = run.all(known)
        return Told(results=results, stages=run.shared(results))
    finally:
        session.rollback()


def carry_out(session: AnySession, origin: Origin, me: SignedIn, asked: Bulk, whole: bool = False) -> list[Result]:
    """Do it: each item with its own result, all in one transaction; with ``whole`` all of them or none.

    Raises `Invalid` where the act itself cannot be meant so, `Refused` (``bulk.refused``, an error an item) where one
    of a ``whole`` is refused, and then does nothing.
    """
    check(asked)
    _require(asked)
    if me.college is None:
        return [Result(item=pick.item, refused=_missing(pick.item)) for pick in asked.picks]
    college = me.college

    def body(held: Driver) -> list[Result]:
        known = replace(asked, who=str(profile.colleague(held, me, asked.who))) if asked.who else asked
        run = _Run(session, held, origin, view(session, held, college), known)
        run.read()
        results = list(run.all(known))
        if whole and any(one.refused for one in results):
            raise Refused("bulk.refused", "not all of them can be done, so none is", errors=[
                {"pointer": f"/items/{n}", "code": one.refused.code, "message": one.refused.detail}
                for n, one in enumerate(results) if one.refused])  # fmt: skip
        return results

    return transact(session, body)


def rows_of(session: AnySession, origin: Origin, me: SignedIn, items: Sequence[int]) -> dict[int, Result]:
    """Return items as they stand, those that the person may see."""
    if me.college is None:
        return {}
    held = driver(session)
    try:
        asked = Bulk(act="remind", picks=tuple(Pick(item) for item in items))
        run = _Run(session, held, origin, view(session, held, me.college), asked)
        run.read()
        return {item: run.named(run.rows[item]) for item in items if item in run.rows and run.sees(run.rows[item])}
    finally:
        session.rollback()


def _require(asked: Bulk) -> None:
    """Check what holds for all items together; every fault by its field."""
    faults = [{"pointer": name, "code": "text.blank"} for name in ASKED.get(asked.act, ())
              if name != "comment" and not getattr(asked, name).strip()]  # fmt: skip
    if asked.due and asked.act == "extend":
        try:
            iso_day(asked.due)
        except (Invalid, ValueError):
            faults.append({"pointer": "due", "code": "date.invalid"})
    if faults:
        raise Invalid("data.invalid", "something that is asked for is missing", errors=faults)
    texts = {name: getattr(asked, name) for name in ("reason", "comment") if getattr(asked, name)}
    cycles.check_args("approve", {"comment": texts["comment"]} if "comment" in texts else {})
    if "reason" in texts:
        cycles.check_args("suspend", {"reason": texts["reason"]})


def _missing(item: int) -> Missing:
    return Missing("item.not_found", f"no work item {item}")


@dataclass
class _Run:
    """One way through the items: read, weigh, act."""

    session: AnySession
    driver: Driver
    origin: Origin
    college: CollegeView
    asked: Bulk
    rows: dict[int, Picked] = field(default_factory=dict)
    held: dict[int, tuple[Snapshot, cycle_rows.Row]] = field(default_factory=dict)
    shown: dict[int, bool] = field(default_factory=dict)

    def read(self) -> None:
        """Read the ticked items and their cycles."""
        self.rows = picked.items(self.driver, self.college.id, [pick.item for pick in self.asked.picks])
        numbers = {row.cycle for row in self.rows.values()}
        self.held = cycle_rows.load_many(self.driver, numbers) if numbers else {}
        self._once = cast(Driver, Once(self.driver))

    def all(self, asked: Bulk) -> tuple[Result, ...]:
        """Weigh and fire every item once, in the order of the ticks."""
        found: dict[int, Result] = {}
        acts: dict[int, bulk.Act] = {}
        for pick in asked.picks:
            if pick.item in found:
                continue
            try:
                row = self._row(pick)
                found[pick.item] = self.named(row)
                found[pick.item], act = self._meant(asked, pick, row, found[pick.item])
                if act is not None:
                    acts[pick.item] = act
            except QaflowError as refused:
                found[pick.item] = replace(found.get(pick.item, Result(item=pick.item)), refused=refused)
        ended = bulk.fire_within(self.session, self.driver, list(acts.values()))
        for item, outcome in zip(acts, ended, strict=True):
            found[item] = replace(found[item], refused=outcome.refused)
        return tuple(found.values())

    def sees(self, row: Picked) -> bool:
        """Tell whether the person may see the cycle of an item."""
        if row.cycle not in self.shown:
            snap, _ = self.held[row.cycle]
            scope, person = policy.scope_of(snap, self.college.id), self.origin.person
            day = self.college.calendar.local_day(self.origin.now).isoformat()
            self.shown[row.cycle] = person is not None and policy.may_see(self._once, scope, snap, person, day)
        return self.shown[row.cycle]

    def named(self, row: Picked) -> Result:
        """Return an item with the words that name it."""
        snap, _ = self.held[row.cycle]
        stage = compiled(self.session, self.driver, snap.definition).definition.by_key.get(row.stage or "")
        layer = next((one.name for one in self.college.config.layers if one.key == row.layer), None)
        track = self.college.config.track_by_key.get((row.layer, row.track or ""))
        return Result(item=row.id, row=row, layer=layer, track=track.name if track else None,
                      stage=stage.name if stage else None, version=snap.version)  # fmt: skip

    def shared(self, results: Sequence[Result]) -> tuple[tuple[str, Label], ...]:
        """Return the earlier stages that every item which can be returned has walked."""
        common: dict[str, Label] | None = None
        for one in results:
            if one.row is None or one.row.kind not in ("decide", "sign") or one.row.ref is not None:
                continue
            snap, _ = self.held[one.row.cycle]
            by_key = compiled(self.session, self.driver, snap.definition).definition.by_key
            own = {key: by_key[key].name for key in self._walked(snap)}
            common = own if common is None else {key: name for key, name in common.items() if key in own}
        return tuple((common or {}).items())

    def _row(self, pick: Pick) -> Picked:
        row = self.rows.get(pick.item)
        if row is None or not self.sees(row):
            raise _missing(pick.item)
        return row

    def _meant(self, asked: Bulk, pick: Pick, row: Picked, result: Result) -> tuple[Result, bulk.Act | None]:
        """Return what is to be fired for an item; without an act where only the right to it can be asked yet."""
        snap, stored = self.held[row.cycle]
        require_open(stored, row.cycle)
        if asked.act == "remind" and row.kind == "submit" and row.state == "done":
            row = row._replace(no=self._asked(row, snap))  # who waits for a decision reminds whoever is to decide
        elif row.state not in ("open", "stopped"):
            raise Refused("item.not_open", f"work item {row.id} is {row.state}")
        if pick.version is not None and pick.version != snap.version:
            raise Stale("version.stale", f"cycle {snap.id} is at version {snap.version}, shown was {pick.version}")
        action, args = self._action(asked, row, snap)
        result = replace(result, does=action)
        if action == "transfer" and not asked.who:
            self._permit(row, snap)
            return result, None
        return result, bulk.Act(origin=self.origin, cycle=row.cycle, action=action, args=args)

    def _action(self, asked: Bulk, row: Picked, snap: Snapshot) -> tuple[str, Data]:
        if asked.act in ("approve", "return"):
            return self._decision(asked, row, snap)
        args: Data = {"item": row.no}
        if asked.act != "remind":
            args["reason"] = asked.reason or PROBE
        if asked.act == "transfer":
            args["to"] = int(asked.who) if asked.who.isdecimal() else asked.who
        if asked.act == "extend":
            args["due"] = asked.due or self._later(row)
        return asked.act, args

    def _decision(self, asked: Bulk, row: Picked, snap: Snapshot) -> tuple[str, Data]:
        if row.kind not in policy.DECIDING:
            raise Refused("item.no_decision", f"work item {row.id} is to be filled in, not decided")
        args: Data = {} if row.ref is None else {"warning": row.ref}
        if asked.act == "approve":
            action = "confirm" if row.kind == "confirm" else "approve"
            return action, args | ({"comment": asked.comment} if asked.comment and action == "approve" else {})
        if row.kind == "confirm":
            raise Refused("item.no_return", f"work item {row.id} is confirmed or dismissed, not returned")
        args["reason"] = asked.reason or PROBE
        if asked.to in ("", SAME):
            return "reject", args
        if row.ref is not None:
            raise Refused("item.no_return", f"work item {row.id} is about a correction: it has no earlier stage")
        return "return", args | {"to": self._before(snap) if asked.to == BEFORE else asked.to}

    def _asked(self, row: Picked, snap: Snapshot) -> int:
        found = (i.no for i in snap.open_items() if i.kind in ("decide", "sign") and i.stage == row.stage)
        number = next((no for no in found if snap.leaf == "review" and snap.stage == row.stage), None)
        if number is None:
            raise Refused("item.not_open", f"what work item {row.id} handed in is decided")
        return number

    def _walked(self, snap: Snapshot) -> tuple[str, ...]:
        order = compiled(self.session, self.driver, snap.definition).definition.order
        before = order[: order.index(snap.stage)] if snap.stage in order else ()
        return tuple(key for key in before if key in snap.visits and snap.visits[key].state in ("done", "void"))

    def _before(self, snap: Snapshot) -> str:
        walked = self._walked(snap)
        if not walked:
            raise Refused("stage.not_earlier", f"no stage of cycle {snap.id} was walked before {snap.stage}")
        return walked[-1]

    def _later(self, row: Picked) -> str:
        """Return a day that would be later, while none is given: whether one may extend is asked, not until when."""
        today = self.college.calendar.local_day(self.origin.now)
        day = max(today, dt.date.fromisoformat(row.due) if row.due else today) + dt.timedelta(days=1)
        try:
            return self.college.calendar.next_working(day).isoformat()
        except CalendarGap:
            return day.isoformat()

    def _permit(self, row: Picked, snap: Snapshot) -> None:
        """Ask for the right to hand an item on, while nobody is named yet."""
        acting = Acting(self.session, self._once, self.origin, snap, self.held[row.cycle][1],
                        Writer(self.driver, self.origin))  # fmt: skip
        person = cast(int, self.origin.person)
        policy.permit(self._once, acting.scope, snap, "transfer", {"item": row.no}, person, acting.today)
        if "transfer" not in engine.actions(acting.compiled, snap) or row.state != "open":
            raise Refused("transition.not_allowed", f"cycle {snap.id} does not allow to transfer")
