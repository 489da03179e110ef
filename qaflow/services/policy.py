"""Who may do what: the one table of rights, asked by every door through the services (engine rules, 5).

A right follows from a *relation* of the person to the object, or from a *role* whose scope covers it.  A deputy acts
in their own name for the absent person, whose relation and roles then count.  What the state and the separation of
duties allow is the engine's to decide; here it is only asked whether this person has any business with the act.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qaflow.engine.snapshot import Data, Item, Snapshot
from qaflow.errors import Forbidden, Missing
from qaflow.store import cycles as rows
from qaflow.store import people, subjects
from qaflow.store import tasks as places
from qaflow.store.db import Driver

OFFICE = frozenset(("quality_office", "quality_head"))
SUPERVISORS = frozenset(("supervisor", "leader"))
SEES_ALL = frozenset(("quality_office", "quality_head", "leader", "diagnostician"))
SEES_SCOPE = frozenset(("supervisor", "approver", "quality_administrator", "leader", "quality_office", "quality_head",
                        "diagnostician", "responsible", "committee"))  # fmt: skip
LOOKS_AFTER = SEES_SCOPE - {"responsible"}
"""Kinds of role whose scope is counted: whoever shares work in a unit does not look after it."""
OPENS = LOOKS_AFTER - {"committee"}
"""Kinds of role that open what they count, one by one: a committee reads sums."""
DECIDING = ("decide", "sign", "confirm")
DECISIONS = ("approve", "reject", "return", "add_signer", "confirm", "dismiss")
DECIDERS = frozenset(("approver", "supervisor", "leader", "quality_office", "quality_head"))
"""Kinds of role up whose line a decision may go."""
RANKS = {"supervisor": 1, "leader": 2, "quality_office": 3, "quality_head": 3}
ADMINISTRATORS = frozenset(("administrator",))
GUARDED = ADMINISTRATORS | OFFICE | {"quality_administrator"}
"""Of whom a college may ask one-time codes at sign-in."""
HEARS = OFFICE | {"supervisor", "leader"}
"""Whose roles let them read the incidents of the units that they cover."""
SURVEYS = SEES_ALL | {"committee"}
"""Whose roles let them read the figures of what they cover."""


@dataclass(frozen=True)
class Right:
    """Who may do one act: relations to the object, and kinds of role whose scope covers it."""

    relations: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()


RIGHTS: dict[str, Right] = {
    "submit": Right(("responsible",)),
    "withdraw": Right(("submitter",)),
    "acknowledge": Right(("responsible",)),
    "correct": Right(("responsible",)),
    "record": Right(("assessor", "responsible"), frozenset(("diagnostician",))),
    "attach": Right(("responsible",)),
    "answer": Right(("assessor", "responsible"), frozenset(("diagnostician",))),
    "approve": Right(("signer", "approver")),
    "reject": Right(("signer", "approver")),
    "return": Right(("signer", "approver")),
    "add_signer": Right(("signer", "approver")),
    "confirm": Right(("confirmer", "approver")),
    "dismiss": Right(("confirmer", "approver")),
    "transfer": Right(("owner",), SUPERVISORS),
    "extend": Right((), SUPERVISORS | OFFICE),
    "remind": Right(("viewer",), SUPERVISORS),
    "comment": Right(("viewer",)),
    "copy": Right(("viewer",)),
    "warn": Right((), frozenset(("diagnostician",))),
    "start": Right((), OFFICE),
    "suspend": Right((), OFFICE),
    "resume": Right((), OFFICE),
    "cancel": Right((), OFFICE),
    "reopen": Right((), OFFICE),
    "migrate": Right((), OFFICE),
    "publish": Right((), OFFICE),
    "freeze": Right((), OFFICE),
    "rounds": Right((), OFFICE),
    "audit": Right((), OFFICE),
    "frame": Right((), OFFICE),
    "accounts": Right((), ADMINISTRATORS),
    "organisation": Right((), ADMINISTRATORS | OFFICE),
    "calendar": Right((), ADMINISTRATORS | OFFICE),
    "definitions": Right((), ADMINISTRATORS | OFFICE),
    "operations": Right((), ADMINISTRATORS),
    "oversee": Right((), SEES_ALL),
    "points": Right((), OFFICE),
    "readings": Right(("responsible",), OFFICE | {"quality_administrator"}),
    "chains": Right(("responsible",), OFFICE | SUPERVISORS),
    "plans": Right((), OFFICE),
    "plan_task": Right((), OFFICE | SUPERVISORS),
    "task_files": Right((), OFFICE),
    "report_task": Right(("owner", "responsible"), OFFICE | SUPERVISORS),
    "selftests": Right((), OFFICE),
    "incidents": Right((), OFFICE),
}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where an object lies: what a role's scope must cover."""

    college: int
    subject: int
    layer: str
    unit: int


def scope_of(snap: Snapshot, college: int) -> Scope:
    """Return where a cycle lies."""
    return Scope(college=college, subject=snap.subject, layer=snap.layer, unit=snap.unit)


def related(snap: Snapshot, relation: str, args: Data) -> set[int | None]:
    """Return the persons who stand in a relation to the cycle (or to the item or warning that is meant)."""
    if relation == "responsible":
        return {snap.responsible} | _holders(snap, "submit", "acknowledge", "correct")
    if relation == "submitter":
        return {snap.responsible, snap.visit.submitted_by, snap.visit.for_}
    if relation == "signer":
        return set(snap.visit.signers if snap.leaf == "review" else ()) | _holders(snap, "decide", "sign")
    if relation == "confirmer":
        return _holders(snap, "confirm", "decide")
    if relation == "assessor":
        return {s.assessor for s in snap.sheets.values() if s.state == "open"} | _holders(snap, "sheet")
    if relation == "owner":  # of work that is not a decision: who decides is not for the decider to say
        return {i.holder for i in _meant(snap, args) if i.kind not in DECIDING}
    return set()


def _holders(snap: Snapshot, *kinds: str) -> set[int | None]:
    return {i.holder for i in snap.items.values() if i.kind in kinds and i.state in ("open", "stopped")}


def _meant(snap: Snapshot, args: Data) -> list[Item]:
    if args.get("item") is None:
        return snap.open_items()
    return [i for i in snap.open_items() if str(i.no) == str(args["item"])]


def permit(driver: Driver, scope: Scope, snap: Snapshot, action: str, args: Data, person: int, day: str,
           approvers: frozenset[int] = frozenset(), asked_as: Sequence[str] = ()) -> int | None:  # fmt: skip
    """Return None where the person may act in their own right, or the absent person for whom they may.

    Raises `Missing` where the person may not even see the cycle, and `Forbidden` where they may see but not do this.
    """
    right = RIGHTS[action]
    direct = set[int | None](approvers if "approver" in right.relations else ())
    direct |= set().union(*(related(snap, r, args) for r in right.relations))
    identities = [(person, None), *people.stands_in_for(driver, scope.college, person, day, scope.layer)]
    if action in DECISIONS:
        direct -= {one for one, _ in identities if one in direct and _lapsed(driver, scope, snap, one, day, asked_as)}
    for one, role in identities:  # oneself first
        if one in direct and (role is None or _in_role(driver, scope, one, role, day, asked_as)):
            return None if one == person else one
    if right.roles:
        for one, role in identities:
            kinds = covering_kinds(driver, scope, one, day, role) & right.roles
            if kinds and _over(driver, scope, snap, action, args, one, kinds, day):
                return None if one == person else one
    seen = may_see(driver, scope, snap, person, day)
    if seen and "viewer" in right.relations:
        return None
    if not seen:
        raise Missing("cycle.not_found", f"no cycle {snap.id}")
    raise Forbidden("action.forbidden", f"you may not {action} cycle {snap.id}", action=action)


def _over(driver: Driver, scope: Scope, snap: Snapshot, action: str, args: Data, person: int, kinds: set[str],
          day: str) -> bool:  # fmt: skip
    """Tell whether a role reaches the work that is meant: never one's own, and a supervisor's only work below them."""
    if action not in ("extend", "transfer"):
        return True
    holders = {i.holder for i in _meant(snap, args)} - {None}
    if person in holders:
        return False
    if kinds & OFFICE:
        return True
    mine = max(RANKS[k] for k in kinds)
    above = (covering_kinds(driver, scope, h, day) & RANKS.keys() for h in holders if h is not None)
    return all(max((RANKS[k] for k in held), default=0) < mine for held in above)


def _lapsed(driver: Driver, scope: Scope, snap: Snapshot, person: int, day: str, asked_as: Sequence[str]) -> bool:
    """Tell whether a decision was asked of a person for a post that they have lost since; one passed to them stays."""
    asked = [i for i in snap.open_items() if i.kind in DECIDING and i.holder == person]
    if not asked or any(i.owner != person for i in asked):
        return False
    posts = DECIDERS | set(asked_as)
    held = any(posts & {g.role, g.kind} for g in _covering(driver, scope, person, day))
    return not held and not rows.invited(driver, snap, person)


def _in_role(driver: Driver, scope: Scope, person: int, role: str, day: str, asked_as: Sequence[str]) -> bool:
    """Tell whether a deputy for one role reaches what the absent person was asked to do, maybe by another role."""
    held = _covering(driver, scope, person, day)
    asked = [g for g in held if g.role in asked_as or g.kind in asked_as]
    return any(role in (g.role, g.kind) for g in asked or held)


def covering_kinds(driver: Driver, scope: Scope, person: int, day: str, role: str | None = None) -> set[str]:
    """Return the kinds of role that a person holds with a scope that covers the object."""
    return {g.kind for g in _covering(driver, scope, person, day) if role is None or role in (g.role, g.kind)}


def _covering(driver: Driver, scope: Scope, person: int, day: str) -> list[people.Grant]:
    held = people.grants(driver, scope.college, [person], day)
    if not held:
        return []
    above = set(people.units_above(driver, scope.unit)) if any(g.scope == "unit" for g in held) else set()
    return [g for g in held if _covers(g, scope, above)]


def _covers(grant: people.Grant, scope: Scope, above: set[int]) -> bool:
    if grant.scope == "college":
        return True
    if grant.scope == "unit":
        return grant.scope_id in above
    if grant.scope == "layer":
        return grant.scope_layer == scope.layer
    return grant.scope_id == scope.subject


def may_see(driver: Driver, scope: Scope, snap: Snapshot, person: int, day: str) -> bool:
    """Tell whether a person may see a cycle: by a part in it, or by a role whose scope covers it."""
    involved = _involved(snap)
    for one in (person, *(p for p, _ in people.stands_in_for(driver, scope.college, person, day, scope.layer))):
        if one in involved or covering_kinds(driver, scope, one, day) & SEES_SCOPE:
            return True
    return people.took_part(driver, scope.college, snap.id, person)


def _involved(snap: Snapshot) -> set[int | None]:
    people_ = {snap.responsible} | {i.holder for i in snap.items.values()} | {i.owner for i in snap.items.values()}
    for visit in snap.visits.values():
        people_ |= {visit.submitted_by, visit.for_, *visit.signers}
    return people_ - {None}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What roles and deputies let a person see, as `store.sight` asks it of many at once: texts ``number:layer``."""

    person: int
    persons: tuple[str, ...]  # oneself, and for whom one stands in
    layers: tuple[str, ...]  # seen whole
    units: tuple[str, ...]
    subjects: tuple[str, ...]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the conditions: lists, for PostgreSQL takes a tuple for a row."""
        return {"s_me": self.person, "s_persons": list(self.persons), "s_layers": list(self.layers),
                "s_units": list(self.units), "s_subjects": list(self.subjects)}  # fmt: skip

    def covers(self, scope: Scope, responsible: int | None = None) -> bool:
        """Tell whether one object lies within reach, by its scope or by the person responsible for it."""
        return (scope.layer in self.layers or f"{scope.unit}:{scope.layer}" in self.units
                or f"{scope.subject}:{scope.layer}" in self.subjects
                or f"{responsible}:{scope.layer}" in self.persons)  # fmt: skip


def reach(driver: Driver, college: int, layers: Sequence[str], person: int, day: str,
          kinds: Iterable[str] = SEES_SCOPE) -> Reach:  # fmt: skip
    """Return what a person may see, or oversee by certain kinds of role: the set-wise face of `may_see`."""
    identities = _identities(driver, college, layers, person, day)
    held = [g for g in people.grants(driver, college, sorted({p for p, _ in identities}), day) if g.kind in kinds]
    tree = people.units_under(driver, college) if any(g.scope == "unit" for g in held) else {}
    by_scope: dict[str, set[str]] = {"layer": set(), "unit": set(), "subject": set()}
    for one, layer in identities:
        for grant in held:
            if grant.person != one or grant.scope_layer not in (None, layer):
                continue
            if grant.scope in ("college", "layer"):
                by_scope["layer"].add(layer)
            elif grant.scope_id is not None:
                under = tree.get(grant.scope_id, ()) if grant.scope == "unit" else (grant.scope_id,)
                by_scope[grant.scope] |= {f"{number}:{layer}" for number in under}
    return Reach(person=person, persons=tuple(f"{p}:{layer}" for p, layer in identities),
                 layers=tuple(sorted(by_scope["layer"])), units=tuple(sorted(by_scope["unit"])),
                 subjects=tuple(sorted(by_scope["subject"])))  # fmt: skip


def _identities(driver: Driver, college: int, layers: Sequence[str], person: int, day: str) -> list[tuple[int, str]]:
    """Return oneself and for whom one stands in, by layer: an appointment may reach one layer alone."""
    found = [(person, layer) for layer in layers]
    if people.stands_in_for(driver, college, person, day):
        found += [(p, layer) for layer in layers for p, _ in people.stands_in_for(driver, college, person, day, layer)]
    return found


def require_role(driver: Driver, college: int, person: int, action: str, day: str) -> None:
    """Require a college-wide right, such as publishing definitions or starting cycles."""
    if not allowed(driver, college, person, (action,), day):
        raise Forbidden("action.forbidden", f"this needs the right {action!r}, which you do not have", action=action)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What of a college somebody may count, and whether they may also open the lists behind the numbers."""

    whole: bool
    layers: tuple[str, ...]
    units: tuple[int, ...]
    subjects: tuple[int, ...]
    lists: bool


def overview(driver: Driver, college: int, person: int, day: str) -> Overview:
    """Return what a person's roles (or those they stand in for) let them survey; a committee reads sums alone.

    Raises `Forbidden` for whoever has no such role.
    """
    held = [g for g in _held(driver, college, person, day) if g.kind in SURVEYS]
    lists = [g for g in held if g.kind in SEES_ALL]
    found = lists or held
    if not found:
        raise Forbidden("action.forbidden", "only who surveys a college may see its figures")
    roots = sorted({g.scope_id for g in found if g.scope == "unit" and g.scope_id is not None})
    return Overview(
        whole=any(g.scope == "college" for g in found), lists=bool(lists),
        layers=tuple(sorted({g.scope_layer for g in found if g.scope == "layer" and g.scope_layer})),
        units=tuple(people.units_below(driver, college, roots)) if roots else (),
        subjects=tuple(sorted({g.scope_id for g in found if g.scope == "subject" and g.scope_id is not None})),
    )  # fmt: skip


def hears(driver: Driver, college: int, person: int, day: str) -> tuple[bool, tuple[int, ...]]:
    """Return whether a person reads all quality incidents of a college, and else the units whose they read."""
    held = [g for g in _held(driver, college, person, day) if g.kind in HEARS]
    roots = sorted({g.scope_id for g in held if g.scope == "unit" and g.scope_id is not None})
    return any(g.scope == "college" for g in held), tuple(people.units_below(driver, college, roots)) if roots else ()


def _held(driver: Driver, college: int, person: int, day: str) -> list[people.Grant]:
    """Return the roles that a person holds or stands in for in the whole college: not in one layer alone."""
    own = people.grants(driver, college, [person], day)
    for one, role in people.stands_in_for(driver, college, person, day, layer=""):
        own += [g for g in people.grants(driver, college, [one], day) if role is None or role in (g.role, g.kind)]
    return own


def allowed(driver: Driver, college: int, person: int, actions: Sequence[str], day: str) -> frozenset[str]:
    """Return those of the college-wide rights that a person has."""
    kinds = {g.kind for g in people.grants(driver, college, [person], day) if g.scope == "college"}
    return frozenset(action for action in actions if kinds & RIGHTS[action].roles)


def anywhere(driver: Driver, college: int, person: int, action: str, day: str) -> bool:
    """Tell whether a person has a right somewhere in the college, by a role of whatever scope."""
    return any(g.kind in RIGHTS[action].roles for g in _held(driver, college, person, day))


def sees_all(driver: Driver, college: int, person: int, day: str) -> bool:
    """Tell whether a person may open every cycle of the college."""
    return any(g.scope == "college" and g.kind in SEES_ALL for g in people.grants(driver, college, [person], day))


def reads_plans(driver: Driver, college: int, person: int, day: str) -> bool:
    """Tell whether the plans of the college are a person's to read: by any role but the administrator's, or a subject.

    Who stands in for somebody reads what they read.
    """
    persons = [person, *(p for p, _ in people.stands_in_for(driver, college, person, day))]
    if any(g.kind not in ADMINISTRATORS for g in people.grants(driver, college, persons, day)):
        return True
    return any(subjects.of_person(driver, college, one) for one in persons)


def stewards(driver: Driver, college: int, layers: Sequence[str], person: int, day: str) -> Reach:
    """Return whose goals and standards a person keeps: the office all, a supervisor those of their units, and who
    answers for a subject that subject's own.
    """
    return reach(driver, college, layers, person, day, RIGHTS["chains"].roles)


@dataclass(frozen=True, kw_only=True)
class TaskReach:
    """Which tasks of plans a person may see, and of which lead units they may plan them."""

    whole: bool
    units: tuple[int, ...]
    persons: tuple[int, ...]  # oneself, and for whom one stands in
    plans_all: bool
    plans: tuple[int, ...]
    answers: tuple[int, ...]  # units for whose own work they answer

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the condition in `store.tasks`."""
        seen = sorted({*self.units, *self.answers})
        return {"t_whole": self.whole, "t_units": seen, "t_persons": list(self.persons)}

    def may(self, action: str, lead: int | None, owner: int | None) -> bool:
        """Tell whether they may do something with a task of a lead unit and owner."""
        if self.plans_all or lead in self.plans:
            return True
        own = owner in self.persons or (lead is not None and lead in self.answers)
        return own and bool(RIGHTS[action].relations)


EVERY_TASK = TaskReach(whole=True, units=(), persons=(), plans_all=True, plans=(), answers=())
"""The reach of whoever runs the machine."""


def tasks(driver: Driver, college: int, person: int, day: str) -> TaskReach:
    """Return a person's reach over the tasks of plans: by roles over their units, as owner, or for an absent person.

    The office plans everywhere; who supervises or leads a unit plans what it and those under it lead; the owner and
    the unit's responsible person report and finish.
    """
    held = _held(driver, college, person, day)
    persons = (person, *(p for p, _ in people.stands_in_for(driver, college, person, day, layer="")))
    sees, plans = ([g for g in held if g.kind in kinds] for kinds in (SEES_SCOPE, RIGHTS["plan_task"].roles))
    return TaskReach(
        whole=any(g.scope == "college" for g in sees), units=_under(driver, college, sees), persons=persons,
        plans_all=any(g.scope == "college" for g in plans), plans=_under(driver, college, plans),
        answers=tuple(places.answered(driver, college, persons)),
    )  # fmt: skip


def _under(driver: Driver, college: int, grants: Iterable[people.Grant]) -> tuple[int, ...]:
    roots = sorted({g.scope_id for g in grants if g.scope == "unit" and g.scope_id is not None})
    return tuple(people.units_below(driver, college, roots)) if roots else ()
