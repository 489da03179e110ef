"""What is to be said of the chains: gaps, conflicts, overloads and goals that are not SMART; never a blocker.

Rules and their numbers are qaflow's own: the sources ask the questions (domain, 5) and leave the measure open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from .chains import attainment

MOST_KEY = 5
"""Key goals that one person, or one unit, can carry at once; more is an overload (assumed)."""
QUICKER = 2.0
"""How many times as quick as so far a goal may still become: beyond it, its target is out of reach (assumed)."""
FINDINGS = ("childless", "rootless", "standardless", "conflict", "overload", "no_indicator", "no_target", "no_deadline",
            "no_owner", "no_weight", "unreachable")  # fmt: skip
"""The kinds of finding of a goal, in the order of the pages."""


class Read(NamedTuple):
    """The value of a goal's indicator on a day."""

    day: date
    value: float


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A goal as the findings look at it."""

    id: int
    layer: str = ""
    parent: int | None = None
    whole: bool = True  # of a plan; else of one subject, and so the end of its chain
    indicator: str | None = None
    unit: str | None = None
    direction: str | None = None
    target: float | None = None
    weight: float | None = None
    starts: date | None = None
    ends: date | None = None
    owner: int | None = None
    owner_unit: int | None = None
    kind: str | None = None
    standards: int = 0
    reads: tuple[Read, ...] = ()


class Conflict(NamedTuple):
    """A goal that works against the one above it on the same indicator: by ``direction``, or by a weaker ``target``."""

    goal: int
    parent: int
    why: str


class Overload(NamedTuple):
    """More key goals at once than one owner can carry: a ``person``, or a ``unit`` where no person is named."""

    what: str
    owner: int
    goals: tuple[int, ...]


def findings(goals: Sequence[Goal], top: str, today: date, served: Iterable[int] = (),
             crossed: Iterable[Conflict] | None = None) -> dict[int, list[str]]:  # fmt: skip
    """Return the kinds of finding of each goal that has any; ``served`` names goals with others under them unseen.

    ``top`` is the layer whose goals need none above them; ``crossed`` are the conflicts where they are known.
    """
    below = {g.parent for g in goals if g.parent is not None} | set(served)
    crossing = {c.goal for c in (conflicts(goals) if crossed is None else crossed)}
    laden = {i for one in overloads(goals, today) for i in one.goals}
    found: dict[int, list[str]] = {}
    for goal in goals:
        told = [] if goal.id in below or not goal.whole else ["childless"]
        told += ["rootless"] if goal.parent is None and goal.layer != top else []
        told += [] if goal.standards else ["standardless"]
        told += ["conflict"] if goal.id in crossing else []
        told += ["overload"] if goal.id in laden else []
        told += smart(goal, today, goal.parent is not None)
        if told:
            found[goal.id] = told
    return found


def smart(goal: Goal, today: date, weighed: bool = True) -> list[str]:
    """Return what a goal lacks to be SMART; one without a goal above needs no weight."""
    lacks = {"no_indicator": not goal.indicator, "no_target": goal.target is None, "no_deadline": goal.ends is None,
             "no_owner": goal.owner is None and goal.owner_unit is None,
             "no_weight": weighed and goal.weight is None, "unreachable": unreachable(goal, today)}  # fmt: skip
    return [kind for kind, lacking in lacks.items() if lacking]


def unreachable(goal: Goal, today: date) -> bool:
    """Tell whether the target is out of reach from the last reading.

    It is where the deadline is over and the last value did not attain it, or where even `QUICKER` times the change a
    day between the first and the last reading of its period, kept up until the deadline, would not.  One reading
    alone shows no pace: then nothing is said before the deadline.
    """
    if not goal.reads or goal.target is None or goal.ends is None:
        return False
    reads = sorted(goal.reads)
    first, last = reads[0], reads[-1]
    if attainment(last.value, goal.target, goal.direction) == 1.0:
        return False
    if today > goal.ends:
        return True
    days = (last.day - first.day).days
    if days <= 0:
        return False
    change = (last.value - first.value) * QUICKER * (goal.ends - last.day).days / days
    return not _within(last.value, last.value + change, goal)


def _within(start: float, end: float, goal: Goal) -> bool:
    """Tell whether a value that goes from one to another meets the target on its way."""
    assert goal.target is not None
    if goal.direction == "lower":
        return min(start, end) <= goal.target
    if goal.direction == "band":
        return min(start, end) <= goal.target <= max(start, end)
    return max(start, end) >= goal.target


def conflicts(goals: Iterable[Goal]) -> list[Conflict]:
    """Return the goals that aim the other way than the goal above, or at less, on the same indicator and unit."""
    by_id = {g.id: g for g in goals}
    found = []
    for goal in by_id.values():
        over = by_id.get(goal.parent or 0)
        if over is None or over is goal or not _same_measure(goal, over):
            continue
        ways = {goal.direction or "higher", over.direction or "higher"}
        if len(ways) > 1:
            found.append(Conflict(goal.id, over.id, "direction"))
        elif goal.target is not None and over.target is not None and weaker(goal.target, over.target, ways.pop()):
            found.append(Conflict(goal.id, over.id, "target"))
    return found


def weaker(target: float, than: float, direction: str) -> bool:
    """Tell whether a target asks for less than another."""
    if direction == "band":
        return target != than
    return target > than if direction == "lower" else target < than


def _same_measure(goal: Goal, other: Goal) -> bool:
    if not goal.indicator or not other.indicator or plain(goal.indicator) != plain(other.indicator):
        return False
    return not goal.unit or not other.unit or plain(goal.unit) == plain(other.unit)


@lru_cache(maxsize=4096)  # indicators repeat
def plain(text: str) -> str:
    """Return a text without what spelling varies: blanks, case, brackets of either width."""
    return "".join(text.casefold().translate(_BRACKETS).split())


_BRACKETS = str.maketrans({"（": "(", "）": ")", "％": "%", "－": "-"})


def overloads(goals: Iterable[Goal], today: date, most: int = MOST_KEY) -> list[Overload]:
    """Return who carries more key goals (重点) at once than ``most``, among those that are not over."""
    held: dict[tuple[str, int], list[int]] = {}
    for goal in goals:
        if goal.kind != "key" or (goal.ends is not None and goal.ends < today):
            continue
        what, owner = ("person", goal.owner) if goal.owner is not None else ("unit", goal.owner_unit)
        if owner is not None:
            held.setdefault((what, owner), []).append(goal.id)
    return [Overload(what, owner, tuple(found)) for (what, owner), found in held.items() if len(found) > most]


class Match(NamedTuple):
    """Goals of two years side by side: `None` where there is none that year."""

    before: int | None
    now: int | None


def compare(before: Mapping[int, tuple[str, str]], now: Mapping[int, tuple[str, str]]) -> list[Match]:
    """Pair the goals of two years, each given as (key, text): by the key without its year, else by the text.

    What is new comes in this year's order, what ended after it.
    """
    by_key = {stem(key): i for i, (key, _) in before.items()}
    by_text = {plain(text): i for i, (_, text) in before.items()}
    free = set(before)
    found = []
    for i, (key, text) in now.items():
        old = next((o for o in (by_key.get(stem(key)), by_text.get(plain(text))) if o in free), None)
        if old is not None:
            free.discard(old)
        found.append(Match(old, i))
    return found + [Match(i, None) for i in before if i in free]


def stem(key: str) -> str:
    """Return a key without the numbers of years that it bears: ``annual-2026`` and ``annual-2025`` are the same."""
    parts = key.replace("_", "-").split("-")
    return "-".join(p for p in parts if not (p.isascii() and p.isdecimal() and len(p) == len("2026"))) or key
