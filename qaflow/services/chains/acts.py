"""Goals and standards added, changed, decomposed and retired by people; each act is a fact in the college's stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qaflow.engine import chains as engine
from qaflow.errors import Forbidden, Invalid, Missing, Refused, Stale
from qaflow.services.accounts.profile import colleague
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import chain_writes as rows
from qaflow.store import chains, subjects
from qaflow.store.chain_writes import Standing
from qaflow.store.db import Driver, utc

from .book import Book
from .fields import ABOVE, COLUMNS, Fault, Refs, agree, cells, values
from .given import said

FACTS = {"goal": "GoalChanged", "standard": "StandardChanged"}
UPWARD = {"goal": "parent_id", "standard": "goal_id"}
FREE = frozenset(("parent_id", "goal_id", "kind", "origin", "point_id", "attained", "attained_at", "owner_unit_id"))
"""What people may set of an entry that a cycle fixed: the rest is for the cycle to say."""
TEXTS = ("text_zh", "text_en")
MOST_PARTS = 50
INHERITED = ("indicator", "unit", "direction", "starts", "ends", "origin", "kind", "layer")


class Desk(Book):
    """The chains of a college, held to be written."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn, thing: str = "") -> None:
        """Open the book and hold the college's stream."""
        super().__init__(session, driver, origin, me, None, thing)
        self.origin, self.me = origin, me
        self.stream = CollegeStream(driver, origin, self.college.id, self.college.key)
        self.refs = Refs(driver, self.college, lambda text: colleague(driver, me, text))

    def told(self, table: str, act: str, number: int, key: str, before: Mapping[str, Any] | None,
             after: Mapping[str, Any] | None) -> None:  # fmt: skip
        """Write the fact of a change: what differs, texts by their hash."""
        names = sorted({*(before or {}), *(after or {})})
        changed = [n for n in names if (before or {}).get(n) != (after or {}).get(n)]
        sides = [None if side is None else {n: self._said(n, side.get(n)) for n in changed} for side in (before, after)]
        self.stream.fact(FACTS[table], {"id": number, "key": key, "act": act, "before": sides[0], "after": sides[1]})

    def _said(self, name: str, value: Any) -> Any:
        return keep(self.driver, value) if name in TEXTS and value else value

    def held(self, table: str, number: int, version: int) -> Standing:
        """Return an entry that the person may change, as it stands and as they read it."""
        entry = self.one(table, number)
        if not self.may_keep(entry):
            raise Forbidden("action.forbidden", f"{table} {number} is kept by its unit or the quality office")
        found = rows.standing(self.driver, table, self.college.id, number)
        if found is None:
            raise Missing("object.not_found", f"no {table} {number}")
        if found.retired_at is not None:
            raise Refused("chain.retired", f"{found.key} is retired: history stays as it is")
        if found.version != version:
            raise Stale("version.stale", f"{found.key} is at version {found.version}, your form was made at {version}",
                        version=found.version)  # fmt: skip
        return found

    def own(self, values_: Mapping[str, Any]) -> bool:
        """Tell whether the person keeps what lies where these values say."""
        subject = subjects.by_ids(self.driver, self.college.id, [values_.get("subject_id") or 0])
        unit = values_.get("owner_unit_id") or (subject[0].unit_id if subject else None)
        place = self.place(values_["layer"], values_.get("subject_id"), unit)
        return self.keeps.covers(place, subject[0].responsible_id if subject else None)


def add(session: AnySession, origin: Origin, me: SignedIn, table: str, given: Mapping[str, str]) -> int:
    """Add a goal or standard given as texts; returns its number.

    The same once more, as a double click makes it, is the one that stands.  Raises `Invalid` with every fault under
    ``errors``, each with the field it lies at.
    """

    def body(driver: Driver) -> int:
        desk = Desk(session, driver, origin, me)
        if not desk.may_add:
            raise Forbidden("action.forbidden", "you keep no unit's and no subject's goals")
        found = _read(desk, table, {c.key: given.get(c.key, "") for c in COLUMNS[table]}, {})
        standing = rows.alike(driver, table, desk.college.id, found)
        return standing if standing is not None else new(desk, table, [found])[0]

    return transact(session, body)


def new(desk: Desk, table: str, found: Sequence[dict[str, Any]], act: str = "add") -> list[int]:
    """Write new entries with their facts."""
    made = []
    for one in found:
        key = rows.free_key(desk.driver, table, desk.college.id)
        stamped = {n: one.get(n) for n in rows.FIELDS[table]} | _stamp(desk, one, {})
        (number,) = rows.add(desk.driver, table, desk.college.id, [(key, "entered", stamped)])
        desk.told(table, act, number, key, None, {n: v for n, v in stamped.items() if v is not None})
        made.append(number)
    desk.stream.close()
    return made


def change(session: AnySession, origin: Origin, me: SignedIn, table: str, number: int, version: int,
           given: Mapping[str, str]) -> bool:  # fmt: skip
    """Change an entry as the person read it; tells whether anything differed.

    Raises `Stale` where somebody was faster, `Refused` for what a cycle fixed and only a cycle changes.
    """

    def body(driver: Driver) -> bool:
        desk = Desk(session, driver, origin, me, f"{table} {number}")
        was = desk.held(table, number, version)
        found = was.values | _read(desk, table, given, was.values, number)
        found |= _stamp(desk, found, was.values)
        differs = {n for n in found if found[n] != was.values[n]}
        if not differs:
            return False
        if was.source == "cycle" and differs - FREE:
            raise Refused("chain.of_cycle", f"{was.key} was fixed in cycle {was.cycle}: its stage says what it is")
        taken = was.source == "plan" and differs & {*rows.OF_FILES[table]}
        if not rows.change(driver, table, desk.college.id, number, version, "entered" if taken else was.source, found):
            raise Stale("version.stale", f"{was.key} was changed in the meantime")
        desk.told(table, "change", number, was.key, was.values, found)
        desk.stream.close()
        return True

    return transact(session, body)


def retire(session: AnySession, origin: Origin, me: SignedIn, table: str, number: int, version: int) -> None:
    """Retire an entry: it stays readable, and is counted no more."""

    def body(driver: Driver) -> None:
        desk = Desk(session, driver, origin, me, f"{table} {number}")
        was = desk.held(table, number, version)
        if was.source == "cycle":
            raise Refused("chain.of_cycle", f"{was.key} was fixed in cycle {was.cycle}: its stage says what it is")
        at = utc(origin.now)
        if not rows.retire(driver, table, desk.college.id, number, version, at):
            raise Stale("version.stale", f"{was.key} was changed in the meantime")
        desk.told(table, "retire", number, was.key, {"retired_at": None}, {"retired_at": at})
        desk.stream.close()

    transact(session, body)


def decompose(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int,
              parts: Sequence[Mapping[str, str]]) -> list[int]:  # fmt: skip
    """Part a goal among units and persons in one act; each part names its owner, and may name weight, target, text.

    What a part does not say it has from the goal.  Raises `Invalid` with faults at ``N-field``, N from 0.
    """

    def body(driver: Driver) -> list[int]:
        desk = Desk(session, driver, origin, me, f"goal {number}")
        was = desk.held("goal", number, version)
        told: list[Fault] = []
        found = [_part(desk, was, at, part, told) for at, part in enumerate(parts[:MOST_PARTS])]
        if not found and not told:
            told.append(Fault("0-owner_unit", "decompose.nothing", "name at least one unit or person"))
        _raise(told)
        if not rows.change(driver, "goal", desk.college.id, number, version, was.source, was.values):
            raise Stale("version.stale", f"{was.key} was changed in the meantime")
        return new(desk, "goal", found, "decompose")

    return transact(session, body)


def _part(desk: Desk, was: Standing, at: int, part: Mapping[str, str], told: list[Fault]) -> dict[str, Any]:
    faults: list[Fault] = []
    named = {k: v for k, v in part.items() if v.strip() and k != "text"}
    given = cells("goal", named | ({"text": part["text"]} if part.get("text", "").strip() else {}), faults)
    found = {n: was.values[n] for n in (*INHERITED, *TEXTS)} | {"parent_id": was.id}
    found |= values("goal", given, desk.refs, faults)
    owner = found.get("owner_unit_id") or found.get("owner_id") or found.get("subject_id")
    if not faults and not owner:
        faults.append(Fault("owner_unit", "decompose.owner", "each part has a unit, a person or a subject"))
    subject = subjects.by_ids(desk.driver, desk.college.id, [found.get("subject_id") or 0])
    if subject:
        found["layer"] = subject[0].layer
    told += [Fault(f"{at}-{f.field}", f.code, f.detail) for f in (*faults, *agree("goal", found, None))]
    return found


def _read(desk: Desk, table: str, given: Mapping[str, str], was: Mapping[str, Any], number: int = 0) -> dict[str, Any]:
    """Return the columns that a form means; `Invalid` with every fault where it cannot be."""
    faults: list[Fault] = []
    owner = given.get("owner", "")
    cleaned = cells(table, {k: v for k, v in given.items() if k != "owner"}, faults)
    found = values(table, cleaned | ({"owner": owner.strip() or None} if "owner" in given else {}), _refs(desk, was),
                   faults)  # fmt: skip
    if was.get("indicator") and said(was["indicator"]) == found.get("indicator"):
        found["indicator"] = was["indicator"]  # the files hold it in both languages
    whole = {**was, **found}
    subject = subjects.by_ids(desk.driver, desk.college.id, [whole.get("subject_id") or 0])
    faults += agree(table, whole, subject[0].layer if subject else None)
    over = whole.get(UPWARD[table])
    parents = chains.upward(desk.driver, desk.college.id, over or 0) if table == "goal" and number else {}
    if engine.closes_circle(parents, number, over if parents else None):
        faults.append(Fault(ABOVE[table], "chain.circle", "the goal would serve itself"))
    if not faults and not desk.own(whole):
        faults.append(Fault("owner_unit", "chain.not_yours", "you keep what your units and your subjects own"))
    _raise(faults)
    return found


def _refs(desk: Desk, was: Mapping[str, Any]) -> Refs:
    """Return what fields may name; whoever owns the entry already stays, though their account be disabled."""
    standing = chains.person_of(desk.driver, was.get("owner_id"))
    if standing is None:
        return desk.refs
    person = desk.refs.person
    desk.refs.person = lambda text: standing[0] if text in standing[1:] else person(text)
    return desk.refs


def _raise(faults: Sequence[Fault]) -> None:
    if faults:
        told = "; ".join(f"{f.field}: {f.detail}" for f in faults)
        raise Invalid(faults[0].code if len(faults) == 1 else "data.invalid", told,
                      errors=[{"pointer": f.field, "code": f.code, "message": f.detail} for f in faults])  # fmt: skip


def _stamp(desk: Desk, found: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
    """Return when the value reached, or the degree, was stated: at the change of either."""
    sides = [(side.get("attained"), side.get("degree")) for side in (found, was)]
    return {} if sides[0] == sides[1] else {"attained_at": utc(desk.origin.now)}
