"""The machine: one `transitions` machine a definition, compiled once into a table.

Every stage has the leaves ``open`` and ``review``; the stage with the quick loop has ``monitor``, ``warn``,
``correct`` and ``review`` (engine rules, 3).  All triggers hang on leaves, since in a hierarchical machine a child
answers its parent's triggers.  `decide` never fires the machine: it reads the table, and a test fires every
(leaf, trigger) on the machine and compares.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from transitions.extensions import HierarchicalMachine
from transitions.extensions.nesting import NestedState

from .definition import QUICK_STATES, Definition, Stage

CLOSED = "closed"
CANCELLED = "cancelled"
STAGE_TRIGGERS = ("submit", "withdraw", "approve", "reject", "return", "reopen", "advance")
AUTOMATIC = "automatic"  # the guard of a way that is taken without a decision
ALL_TRIGGERS = (*STAGE_TRIGGERS, "follow", "close", "cancel", "migrate")


class LeafState(NestedState):
    """A state whose path is written with a dot: ``implement.warn``."""

    separator = "."


class SpiralMachine(HierarchicalMachine):
    """A hierarchical machine with dotted state names."""

    state_cls = LeafState


@dataclass(frozen=True, slots=True)
class Arrow:
    """One way out of a leaf: where it leads, and the guards that must hold."""

    dest: str
    guards: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Compiled:
    """A definition with its machine's table: (leaf, trigger) to arrows, and each stage's entry leaves."""

    definition: Definition
    machine: Any
    table: dict[tuple[str, str], tuple[Arrow, ...]]
    triggers: dict[str, tuple[str, ...]]
    follows: dict[str, tuple[str, ...]]

    def allows(self, leaf: str, trigger: str, dest: str | None = None) -> bool:
        """Tell whether the leaf answers the trigger (and may lead to ``dest``)."""
        arrows = self.table.get((leaf, trigger), ())
        return bool(arrows) if dest is None else any(a.dest == dest for a in arrows)

    def entry(self, stage: str, demanded: str = "monitor") -> str:
        """Return the leaf in which a stage is entered; ``demanded`` is the quick state the warnings ask for."""
        return f"{stage}.{demanded}" if stage == self.definition.hinge else f"{stage}.open"


def leaves(definition: Definition, stage: Stage) -> tuple[str, ...]:
    """Return the leaf names of a stage, without the stage's own name."""
    return (*QUICK_STATES, "review") if stage.key == definition.hinge else ("open", "review")


def ways_on(definition: Definition, stage: Stage) -> tuple[tuple[str | None, str | None], ...]:
    """Return the (next stage or None for the end, condition or None) pairs that lead out of a stage."""
    if stage.moves:
        return tuple((move.to, move.when) for move in stage.moves)
    order = definition.order
    place = order.index(stage.key) + 1
    return ((order[place] if place < len(order) else None, None),)


def compile_definition(definition: Definition) -> Compiled:
    """Build the machine of a definition once and read its table; cached by content hash."""
    return _compiled(definition.hash, _Key(definition))


class _Key:
    """Carries a definition past the cache, which compares only the hash."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=512)
def _compiled(_hash: str, key: _Key) -> Compiled:
    definition = key.definition
    states: list[Any] = [
        {"name": s.key, "initial": leaves(definition, s)[0], "children": list(leaves(definition, s))}
        for s in definition.stages
    ]
    machine = SpiralMachine(
        model=None,
        states=[*states, CLOSED, CANCELLED],
        initial=_first(definition),
        auto_transitions=False,
        send_event=True,
    )
    for trigger, source, dest, guards in _arrows(definition):
        machine.add_transition(trigger, source, dest, conditions=[f"guard:{g}" for g in guards] or None)
    return _read(definition, machine)


def _first(definition: Definition) -> str:
    stage = definition.stages[0]
    return f"{stage.key}.{leaves(definition, stage)[0]}"


def _arrows(definition: Definition) -> list[tuple[str, str, str, tuple[str, ...]]]:
    found: list[tuple[str, str, str, tuple[str, ...]]] = []
    for place, stage in enumerate(definition.stages):
        found += _stage_arrows(definition, stage)
        for leaf in leaves(definition, stage):
            here = f"{stage.key}.{leaf}"
            for earlier in definition.stages[: place + 1]:
                targets = _entries(definition, earlier.key)
                if leaf == "review" and earlier is not stage:
                    found += [("return", here, d, (f"to:{earlier.key}", *g)) for d, g in targets]
                if earlier is not stage:
                    found += [("reopen", here, d, (f"to:{earlier.key}", *g)) for d, g in targets]
            found += [("close", here, CLOSED, ()), ("cancel", here, CANCELLED, ())]
    return found


def _entries(definition: Definition, stage: str) -> list[tuple[str, tuple[str, ...]]]:
    if stage == definition.hinge:
        return [(f"{stage}.{q}", (f"demands:{q}",)) for q in QUICK_STATES]
    return [(f"{stage}.open", ())]


def _stage_arrows(definition: Definition, stage: Stage) -> list[tuple[str, str, str, tuple[str, ...]]]:
    key = stage.key
    hinge = key == definition.hinge
    work = f"{key}.monitor" if hinge else f"{key}.open"
    calm: tuple[str, ...] = ("no_warning", "no_child") if hinge else ()
    if definition.covering("implement") is stage and not hinge:
        calm = ("no_child",)
    onward = _onward(definition, stage)
    found: list[tuple[str, str, str, tuple[str, ...]]] = []
    if stage.decide is None:
        found += [("submit", work, d, ("gate", *calm, *g)) for d, g in onward]
    else:
        review = f"{key}.review"
        found += [("submit", work, d, ("gate", *calm, AUTOMATIC, *g)) for d, g in _by_itself(definition, stage)]
        found.append(("submit", work, review, ("gate", *calm)))
        found += [("approve", review, d, ("quorum", *calm, *g)) for d, g in onward]
        found += [(t, review, d, g) for t in ("withdraw", "reject") for d, g in _entries(definition, key)]
    if stage.auto_advance:
        found += [("advance", work, d, ("gate", *calm, *g)) for d, g in onward]
    if hinge:
        found += [
            ("follow", f"{key}.{a}", f"{key}.{b}", (f"demands:{b}",))
            for a in QUICK_STATES
            for b in QUICK_STATES
            if a != b
        ]
    return found


def _onward(definition: Definition, stage: Stage) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for target, when in ways_on(definition, stage):
        guard = (f"when:{when}",) if when else ()
        if target is None:
            found.append((CLOSED, guard))
        else:
            found += [(d, (*guard, *g)) for d, g in _entries(definition, target)]
    return found


def _by_itself(definition: Definition, stage: Stage) -> list[tuple[str, tuple[str, ...]]]:
    """Return the ways that a submission takes without a decision, when their condition holds."""
    own = dataclasses.replace(stage, moves=tuple(m for m in stage.moves if m.automatic))
    return _onward(definition, own) if own.moves else []


def _read(definition: Definition, machine: Any) -> Compiled:
    table: dict[tuple[str, str], tuple[Arrow, ...]] = {}
    triggers: dict[str, list[str]] = {}
    for name, event in machine.events.items():
        for source, transitions in event.transitions.items():
            arrows = tuple(
                Arrow(t.dest, tuple(c.func.removeprefix("guard:") for c in t.conditions)) for t in transitions
            )
            table[(str(source), name)] = arrows
            triggers.setdefault(str(source), []).append(name)
    follows = {s.key: tuple(t for t, _ in ways_on(definition, s) if t) for s in definition.stages}
    ordered = {leaf: tuple(t for t in ALL_TRIGGERS if t in names) for leaf, names in triggers.items()}
    return Compiled(definition=definition, machine=machine, table=table, triggers=ordered, follows=follows)
