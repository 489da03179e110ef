"""Self-tests (自测诊断): a questionnaire as a value, the figures of its answers, and which groups' means may be shown.

004 §5.5 has 4 dimensions of 3 elements each and a radar chart; 003 §4 names the dimensions.  Means are shown of groups
of five and more only, and of no set of groups whose differences would give a smaller one away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .definition import Label

LOWEST, HIGHEST = 1, 5
"""The grades of an answer: from "not at all" to "wholly"."""
FEWEST = 5
"""Of so many people at least a mean may be shown (issue 4, portraits and self-test)."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, answered by a grade."""

    key: str
    text: Label


@dataclass(frozen=True, kw_only=True)
class Element:
    """One element (要素) of a dimension and the questions that ask for it."""

    key: str
    name: Label
    questions: tuple[Question, ...]
    source: str = ""
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One dimension (维度) of development."""

    key: str
    name: Label
    elements: tuple[Element, ...]
    source: str = ""
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Form:
    """A questionnaire; ``scale`` names the grades from 1 to 5, a mean below ``low`` is pointed out as weak."""

    key: str
    name: Label
    layer: str
    scale: tuple[Label, ...]
    dimensions: tuple[Dimension, ...]
    low: float = 3.0
    source: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def elements(self) -> tuple[Element, ...]:
        """All elements in order: the axes of the radar."""
        return tuple(element for dimension in self.dimensions for element in dimension.elements)

    @property
    def places(self) -> tuple[Place, ...]:
        """All questions in order, each with where it stands."""
        return tuple(Place(dimension, element, question) for dimension in self.dimensions
                     for element in dimension.elements for question in element.questions)  # fmt: skip


class Place(NamedTuple):
    """One question within its dimension and element."""

    dimension: Dimension
    element: Element
    question: Question


Answers = Mapping[str, int]
"""The grade (1 to 5) of each question that is answered, by the question's key."""
Scores = Mapping[str, float]
"""The mean grade of each element or dimension, by its key."""


def missing(form: Form, answers: Answers) -> tuple[int, ...]:
    """Return the numbers (from 1) of the questions without an answer."""
    return tuple(no for no, place in enumerate(form.places, 1) if place.question.key not in answers)


def scores(form: Form, answers: Answers) -> dict[str, float]:
    """Return the mean grade of each element; one of whose questions none is answered is left out."""
    found = {}
    for element in form.elements:
        given = [answers[q.key] for q in element.questions if q.key in answers]
        if given:
            found[element.key] = sum(given) / len(given)
    return found


def by_dimension(form: Form, of: Scores) -> dict[str, float]:
    """Return the mean of each dimension's elements, each element weighing the same; without any it is left out."""
    found = {}
    for dimension in form.dimensions:
        given = [of[e.key] for e in dimension.elements if e.key in of]
        if given:
            found[dimension.key] = sum(given) / len(given)
    return found


def weak(form: Form, of: Scores) -> tuple[Element, ...]:
    """Return the elements below the form's limit, in order."""
    return tuple(element for element in form.elements if of.get(element.key, HIGHEST) < form.low)


def mean(of: Iterable[Scores]) -> dict[str, float]:
    """Return the mean of many people's scores, key by key, over those who have the key."""
    sums: dict[str, tuple[float, int]] = {}
    for one in of:
        for key, value in one.items():
            total, many = sums.get(key, (0.0, 0))
            sums[key] = (total + value, many + 1)
    return {key: total / many for key, (total, many) in sums.items()}


def rate(handed_in: int, asked: int) -> float | None:
    """Return the share of those asked who handed in; None where nobody was asked."""
    return handed_in / asked if asked else None


class Group(NamedTuple):
    """A group of people and the one around it; ``many`` counts those who handed in, all groups within included."""

    key: int
    above: int | None
    many: int


def showable(groups: Sequence[Group]) -> frozenset[int]:
    """Return the groups whose means may be shown side by side: no difference of them is of fewer than five people.

    The groups lie within one another like units.  What can be reckoned from the shown ones is built of each shown
    group less the nearest shown ones within it, so every such rest must be empty or of five people at least.  Where
    it is not, the smallest of those within is hidden too, until it is.
    """
    within: dict[int | None, list[Group]] = {}
    keys = {group.key for group in groups}
    for group in groups:
        within.setdefault(group.above if group.above in keys else None, []).append(group)
    shown: set[int] = set()
    for top in within.get(None, ()):
        _settle(top, within, shown)
    return frozenset(shown)


def _settle(group: Group, within: Mapping[int | None, Sequence[Group]], shown: set[int]) -> list[Group]:
    """Decide what of a group is shown; return the outermost shown groups in it (itself, where it is shown)."""
    inner = [found for one in within.get(group.key, ()) for found in _settle(one, within, shown)]
    if group.many < FEWEST:
        return inner
    while inner and 0 < group.many - sum(one.many for one in inner) < FEWEST:
        smallest = min(inner, key=lambda one: (one.many, one.key))
        shown.discard(smallest.key)
        inner.remove(smallest)
        inner += _under(smallest, within, shown)
    shown.add(group.key)
    return [group]


def _under(group: Group, within: Mapping[int | None, Sequence[Group]], shown: set[int]) -> list[Group]:
    """Return the outermost shown groups within one that is not shown itself."""
    found: list[Group] = []
    for one in within.get(group.key, ()):
        found += [one] if one.key in shown else _under(one, within, shown)
    return found


def told_to_member(many: int) -> bool:
    """Tell whether a member may see their group's mean: what they know of it, their own answers, is taken off first."""
    return many - 1 >= FEWEST
