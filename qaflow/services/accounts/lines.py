"""Who decides, who supervises, who assesses: persons found up the line (engine rules, 5 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from qaflow.engine.definition import Definition, Signers, Stage
from qaflow.services.college import CollegeView
from qaflow.services.policy import Scope
from qaflow.store import people
from qaflow.store.db import Driver

MAX_SIGNERS = 20


class Deciders(NamedTuple):
    """The persons asked to decide, how many of them must say yes, and why the decision went up the line."""

    persons: tuple[int, ...]
    need: int
    raised: str | None


def nearest(driver: Driver, scope: Scope, role: str, day: str, barred: Collection[int | None] = ()) -> list[int]:
    """Return the holders of a role for the nearest scope that has any besides the barred persons."""
    return _nearest(people.holders(driver, scope.college, role, scope.subject, scope.layer, scope.unit, day), barred)


def _nearest(rows: list[tuple[int, int]], barred: Collection[int | None]) -> list[int]:
    usable = [(p, d) for p, d in rows if p not in barred]
    return list(dict.fromkeys(p for p, d in usable if d == usable[0][1]))[:MAX_SIGNERS]


def up_the_line(driver: Driver, college: CollegeView, scope: Scope, role: str, day: str,
                barred: Collection[int | None]) -> tuple[list[int], str | None]:  # fmt: skip
    """Return a role's holders, or those of the next level above, at last of the head of the quality office."""
    here = people.holders(driver, scope.college, role, scope.subject, scope.layer, scope.unit, day)
    found = _nearest(here, barred)
    if {p for p, d in here if d == here[0][1]} & set(found):
        return found, None
    why = "own" if here else "vacant"
    for above in [*college.line(role), college.quality_head, "quality_office"]:
        found = nearest(driver, scope, above, day, barred)
        if found:
            return found, f"{why}:{role}>{above}"
    return [], why


def deciders(driver: Driver, college: CollegeView, scope: Scope, signers: Signers, day: str,
             barred: Collection[int | None]) -> Deciders:  # fmt: skip
    """Return who decides a stage: the role's holders, those of the further roles beside them, none of them barred."""
    first, raised = up_the_line(driver, college, scope, signers.role, day, barred)
    if signers.need == "one" and not signers.also:
        return Deciders(tuple(first), 1, raised)
    groups = [first[:1] if signers.also else first]  # with further roles beside it, each role is one signer
    for role in signers.also:
        others, why = up_the_line(driver, college, scope, role, day, {*barred, *(p for g in groups for p in g)})
        groups.append(others[:1])
        raised = raised or why
    persons = tuple(dict.fromkeys(p for group in groups for p in group))
    need = {"one": 1, "all": len(persons), "quorum": signers.quorum}[signers.need]
    return Deciders(persons, need, raised)


def approver_of(definition: Definition, stage: Stage) -> Signers:
    """Return the signers that answer for a stage; one without a decision borrows the next that has one."""
    if stage.decide is not None:
        return stage.decide
    order = [*definition.stages[definition.order.index(stage.key) :], *definition.stages]
    return next((s.decide for s in order if s.decide is not None), Signers(role="supervisor"))


def addressee(
    ask: Callable[[str], list[tuple[int, int]]], college: CollegeView, role: str, holder: int | None
) -> int | None:
    """Return to whom a level of the ladder goes: the nearest holder of the role, never the one who is late.

    Where that post is the late person's own, the level goes up the line; an empty post is skipped (engine rules, 6).
    """
    for one in (role, *college.line(role)):
        rows = ask(one)
        found = next((person for person, _ in rows if person != holder), None)
        if found is not None or not rows:
            return found
    return None


def assessor(driver: Driver, college: CollegeView, scope: Scope, role: str, day: str, responsible: int | None,
             kind: str) -> int | None:  # fmt: skip
    """Return who fills a diagnosis sheet; an appraisal's assessor is never the responsible person."""
    if role == "responsible" and kind != "appraisal":
        return responsible
    wanted = "diagnostician" if role == "responsible" else role
    found, _ = up_the_line(driver, college, scope, wanted, day, {responsible})
    return found[0] if found else None
