"""The graph of a definition's stages: reachability, dead ends, endless loops, ambiguous automatic moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from .conditions import ConditionError
from .definition import Definition, Move, Stage
from .faults import meant
from .overlap import can_both

END = "end"


@dataclass(frozen=True)
class GraphFault:
    """One fault of the graph, at a path in the file's own keys."""

    path: tuple[str | int, ...]
    code: str
    message: str
    remedy: str


def faults(definition: Definition) -> Iterator[GraphFault]:
    """Yield the faults of the graph that moves (or the stages' order, where they have none) make."""
    if not definition.stages:
        return
    yield from _targets(definition)
    ways = {s.key: _ways(definition, place) for place, s in enumerate(definition.stages)}
    yield from _unreachable(definition, ways)
    trapped = set(ways) - _closing(ways)
    yield from _loops(definition, ways, trapped)
    yield from _dead_ends(definition, ways, trapped)
    yield from _ambiguous(definition)


def _ways(definition: Definition, place: int) -> list[Move]:
    """Return the ways on from a stage that lead to a known stage or the end."""
    stage = definition.stages[place]
    known = set(definition.order)
    if stage.moves:
        return [m for m in stage.moves if m.to is None or m.to in known]
    after = definition.stages[place + 1].key if place + 1 < len(definition.stages) else None
    return [Move(to=after)]


def _targets(definition: Definition) -> Iterator[GraphFault]:
    order = definition.order
    for place, stage in enumerate(definition.stages):
        for number, move in enumerate(stage.moves):
            path = ("stages", place, "moves", number, "to")
            if move.to is not None and move.to not in order:
                yield GraphFault(
                    path, "def.unknown_stage", f'there is no stage "{move.to}"', meant(move.to, [*order, END])
                )
            elif move.to is not None and order.index(move.to) <= place:
                yield GraphFault(path, "def.backward_move", f'"{stage.key}" leads back to "{move.to}"',
                                 "moves lead forward; back goes only the approver's return")  # fmt: skip


def _reach(start: str, ways: dict[str, list[Move]]) -> dict[str, str | None]:
    """Return every stage reachable from one, with the stage it was reached from."""
    came: dict[str, str | None] = {start: None}
    todo = [start]
    while todo:
        here = todo.pop(0)
        for move in ways[here]:
            if move.to is not None and move.to not in came:
                came[move.to] = here
                todo.append(move.to)
    return came


def _path(came: dict[str, str | None], end: str) -> str:
    steps: list[str] = []
    here: str | None = end
    while here is not None:
        steps.append(here)
        here = came[here]
    return " → ".join(reversed(steps))


def _unreachable(definition: Definition, ways: dict[str, list[Move]]) -> Iterator[GraphFault]:
    came = _reach(definition.stages[0].key, ways)
    for place, stage in enumerate(definition.stages):
        if stage.key not in came:
            message = f'no way leads from "{definition.stages[0].key}" to "{stage.key}"'
            yield GraphFault(("stages", place, "key"), "def.unreachable", message, "add a move to it, or take it out")


def _closing(ways: dict[str, list[Move]]) -> set[str]:
    """Return the stages from which the end can be reached."""
    closing: set[str] = set()
    grew = True
    while grew:
        more = {
            k for k, moves in ways.items() if k not in closing and any(m.to is None or m.to in closing for m in moves)
        }
        closing |= more
        grew = bool(more)
    return closing


def _dead_ends(definition: Definition, ways: dict[str, list[Move]], trapped: set[str]) -> Iterator[GraphFault]:
    if trapped == set(ways):
        yield GraphFault(("stages",), "def.no_end", "no stage closes the cycle", f"let one move lead to `{END}`")
    first = definition.stages[0].key
    came = _reach(first, ways)
    for place, stage in enumerate(definition.stages):
        if stage.key in trapped and not ways[stage.key]:
            way = _path(came, stage.key) if stage.key in came else stage.key
            yield GraphFault(("stages", place, "moves"), "def.dead_end", f"no way leads to the end from {way}",
                             f"add a move that leads on, or to `{END}`")  # fmt: skip


def _circle(start: str, ways: dict[str, list[Move]], automatic: bool = False) -> list[str]:
    """Return a shortest circle of stages through one, empty where there is none."""
    some = {k: [m for m in moves if m.automatic or not automatic] for k, moves in ways.items()}
    came: dict[str, str] = {}
    todo = [start]
    while todo:
        here = todo.pop(0)
        for move in some[here]:
            if move.to == start:
                steps = [start]
                while here != start:
                    steps.append(here)
                    here = came[here]
                return [start, *reversed(steps[1:]), start]
            if move.to is not None and move.to not in came:
                came[move.to] = here
                todo.append(move.to)
    return []


def _loops(definition: Definition, ways: dict[str, list[Move]], trapped: set[str]) -> Iterator[GraphFault]:
    told: set[frozenset[str]] = set()
    for place, stage in enumerate(definition.stages):
        spinning = _circle(stage.key, ways, automatic=True)
        circle = spinning or _circle(stage.key, ways)
        members = frozenset(circle)
        if not circle or members in told:
            continue
        shown = " → ".join(circle)
        if spinning:
            reason = "runs by itself for ever"
        elif members <= trapped:
            reason = "has no way out"
        elif _exits_by_itself_only(members, ways):
            reason = "is left by an automatic move only"
        else:
            continue
        told.add(members)
        yield GraphFault(("stages", place, "moves"), "def.endless_loop", f"the loop {shown} {reason}",
                         "add a move out of it that a person decides")  # fmt: skip


def _exits_by_itself_only(members: frozenset[str], ways: dict[str, list[Move]]) -> bool:
    exits = [m for k in members for m in ways[k] if m.to not in members]
    return all(m.automatic for m in exits)


def _ambiguous(definition: Definition) -> Iterator[GraphFault]:
    for place, stage in enumerate(definition.stages):
        for (_, one), (number, other) in combinations(enumerate(stage.moves), 2):
            if _by_itself(stage, one) and _by_itself(stage, other) and _together(one, other):
                message = f"the moves to {one.to or END} and {other.to or END} can both be due at the same time"
                yield GraphFault(("stages", place, "moves", number), "def.ambiguous", message,
                                 f"let one exclude the other: `not ({one.when or 'condition'})`")  # fmt: skip


def _by_itself(stage: Stage, move: Move) -> bool:
    return move.automatic or stage.auto_advance


def _together(one: Move, other: Move) -> bool:
    try:
        return can_both(one.when, other.when)
    except ConditionError:
        return False  # the condition itself is reported
