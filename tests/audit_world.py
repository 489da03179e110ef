"""An eventful tiny college: people act at random, days pass, readings cross limits; what proof is tested on."""

import random
from dataclasses import replace
from typing import Any

from qaflow.engine.college import Diagnosis
from qaflow.engine.definition import Definition, QuickLoop, Signers
from qaflow.errors import QaflowError
from qaflow.services.work import AnySession
from qaflow.store.db import db
from qaflow.testing import World, appraisal, sheet, spiral, stage, track

JOINT = Signers(role="major_leader", need="all", also=("unit_head",), days=3)
SPIRAL = replace(
    spiral(
        stages=(
            stage("goal", submit="responsible"),
            stage("design", decide=JOINT),
            stage("organize", decide=None),
            stage("implement", auto_advance=False),
            stage("diagnose"),
        ),
        sheets=(sheet("self", "responsible"), sheet("appraisal", "diagnostician")),
    ),
    quick=QuickLoop(acknowledge_days=2, correct_days=5, confirm_days=2, damping=1),
)
ACTORS = ("lead", "major", "head", "office", "diag", "vp", "deputy")
MONTHLY = Diagnosis(kind="self", every="monthly")
REASONED = ("reject", "dismiss", "suspend", "cancel", "warn")
SCOPES = ("implementation", "design", "goal")


def eventful(session: AnySession, seed: int, courses: int = 12, acts: int = 400, spiral_: Definition = SPIRAL,
             of: type[World] = World) -> World:  # fmt: skip
    """Return a world in which people did many things; the seed says which."""
    chance = random.Random(seed)
    world = of(session, spiral_, tracks=[track(definition=spiral_.key, diagnoses=(appraisal(), MONTHLY))])
    world.courses([f"R{n}" for n in range(courses)], "section", "lead")
    world.point("hours")
    world.deputy("major", "deputy", days=300)
    world.tick()
    cycles = [row[0] for row in world.query("select id from cycle order by id")]
    world.done = 0  # type: ignore[attr-defined]  # how many acts the engine let through
    for n in range(acts):
        _act(world, chance, cycles)
        if n % 10 == 9:
            world.tick(world.later(chance.choice((1, 1, 2, 5))))
    return world


def _act(world: World, chance: random.Random, cycles: list[int]) -> None:
    cycle = chance.choice(cycles)
    if chance.random() < 0.1:
        world.read(chance.choice((20.0, 60.0)), course=f"R{chance.randrange(4)}")
        return
    found = world.state(cycle)
    action = chance.choice(_wished(found))
    for login in chance.sample(ACTORS, len(ACTORS)):
        try:
            world.fire(cycle, action, login, **_args(world, chance, action, found))
        except QaflowError:
            continue
        world.done += 1  # type: ignore[attr-defined]
        return


def _wished(found: dict[str, Any]) -> list[str]:
    """Return the actions to choose from: what moves a cycle on comes more often than what hinders it."""
    rare = ("cancel", "suspend", "withdraw", "comment", "copy", "remind", "extend", "transfer", "add_signer", "dismiss")
    often = ("submit", "approve", "acknowledge", "correct", "confirm", "record", "resume")
    weight = dict.fromkeys(rare, 1) | dict.fromkeys(often, 12) | {"cancel": 0, "suspend": 1}
    return [a for a in found["allowed"] or ["comment"] for _ in range(weight.get(a, 3))] or ["comment"]


def _args(world: World, chance: random.Random, action: str, found: dict[str, Any]) -> dict[str, Any]:
    sheets = [s["no"] for s in found["sheets"]]
    items, warnings = [i["no"] for i in found["items"]], [w["id"] for w in found["warnings"]]
    given: dict[str, Any] = {
        "submit": {"content": {}}, "record": {"content": {"note": "seen"}, "sheet": _first(chance, sheets)},
        "return": {"to": "goal", "reason": "again"}, "reopen": {"stage": "goal", "reason": "anew"},
        "extend": {"item": _first(chance, items), "due": f"2028-{world.now:%m-%d}", "reason": "late"},
        "transfer": {"item": _first(chance, items), "to": chance.choice(("guest", "new")), "reason": "away"},
        "add_signer": {"person": "guest"}, "remind": {"item": _first(chance, items)}, "copy": {"to": "head"},
        "comment": {"text": "well"}, "acknowledge": {"cause": "why", "warning": _first(chance, warnings)},
        "correct": {"scope": chance.choice(SCOPES), "measure": "so", "warning": _first(chance, warnings)},
        "confirm": {"warning": _first(chance, warnings)}, "approve": {"comment": "fine"},
    }.get(action, {"reason": "because"} if action in REASONED else {})  # fmt: skip
    if action == "dismiss":
        given["warning"] = _first(chance, warnings)
    return {k: v for k, v in given.items() if v is not None}


def _first(chance: random.Random, found: list[Any]) -> Any:
    return chance.choice(found) if found else None


__all__ = ["SPIRAL", "db", "eventful"]
