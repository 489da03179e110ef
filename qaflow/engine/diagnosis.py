"""The frame of diagnosis (诊断项目、诊断要素、诊断点): what is asked, of whom, and how far it is answered.

The rules are those of document 003: annex 1, note 3 (stars by the kind of college), annex 4, notes 1 and 2 (teaching
units fill in items 2 to 6, functional departments only what tasks are handed to them).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ITEM, ELEMENT, POINT = "item", "element", "point"
BELOW = {ITEM: ELEMENT, ELEMENT: POINT}
DEGREES = ("met", "mostly", "partly", "not", "inapplicable")
"""How far a diagnosis point (诊断点) is met; an inapplicable one is answered too."""
FRAMED = ("school", "service")
"""The layers whose diagnoses answer the frame: the school, its units and its departments."""
LEFT_OUT: dict[str, frozenset[str]] = {
    "new": frozenset(("*", "**")),
    "ordinary": frozenset(("**",)),
    "demonstration": frozenset(),
}
"""Which stars the kind of a college (院校类别) leaves out: * not for new ones, ** only for demonstration ones."""
STAGE = 0
"""The number that stands for the stage of diagnosis itself where a sheet's number is meant."""


class Part(NamedTuple):
    """An item, element or point of a frame; `units` says of an item whether teaching units answer it."""

    code: str
    level: str
    parent: str | None
    star: str = ""
    dropped: bool = False
    units: bool = True
    departments: tuple[str, ...] = ()


class Whose(NamedTuple):
    """Who diagnoses: the kind of the subject (college, teaching, functional) and the code of its unit."""

    kind: str
    unit: str


def line(parts: Mapping[str, Part], code: str) -> list[Part]:
    """Return a part and those above it, the part first."""
    found: list[Part] = []
    while code in parts and parts[code] not in found:
        found.append(parts[code])
        code = parts[code].parent or ""
    return found


def asked(parts: Iterable[Part], kind: str) -> tuple[str, ...]:
    """Return the codes of the points that a college of a kind is asked, in the order of the frame."""
    by_code = {one.code: one for one in parts}
    return tuple(
        one.code for one in by_code.values()
        if one.level == POINT and not any(p.dropped or p.star in LEFT_OUT[kind] for p in line(by_code, one.code))
    )  # fmt: skip


def concerning(parts: Iterable[Part], points: Collection[str], whose: Whose,
               tasks: Mapping[str, Collection[str]]) -> tuple[str, ...]:  # fmt: skip
    """Return which of the points asked concern a subject; ``tasks`` gives the departments that tasks name by point.

    The school answers all.  A teaching unit answers the items that are for teaching units, a functional department the
    points with a task of its own; where no task names any department at all, everything concerns everybody.
    """
    by_code = {one.code: one for one in parts}
    named = {code: {*tasks.get(code, ()), *by_code[code].departments} for code in by_code}
    if whose.kind == "college" or not any(named.values()):
        return tuple(points)
    if whose.kind == "teaching":
        return tuple(code for code in points if all(p.units for p in line(by_code, code)))
    return tuple(code for code in points if whose.unit in named[code])


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many answers are asked, how many of them are given, and of which degree."""

    asked: int = 0
    degrees: Mapping[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many are answered."""
        return sum(self.degrees.values())

    @property
    def missing(self) -> int:
        """How many are not answered yet."""
        return self.asked - self.answered

    @property
    def percent(self) -> int:
        """The share that is answered in whole per cent, rounded down: 100 is all of them."""
        return self.answered * 100 // self.asked if self.asked else 0


def tally(points: Collection[str], answers: Mapping[str, str]) -> Tally:
    """Return how far one diagnosis answered what it is asked; ``answers`` gives the degree by point, the newest.

    What was answered and is no longer asked does not count.
    """
    given = Counter(answers[code] for code in points if code in answers)
    return Tally(asked=len(points), degrees={degree: given[degree] for degree in DEGREES if given[degree]})


def total(tallies: Iterable[Tally]) -> Tally:
    """Return several diagnoses taken together."""
    every = list(tallies)
    degrees: Counter[str] = Counter()
    for one in every:
        degrees.update(one.degrees)
    return Tally(asked=sum(one.asked for one in every), degrees={d: degrees[d] for d in DEGREES if degrees[d]})
