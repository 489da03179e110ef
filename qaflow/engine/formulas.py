"""Formulas of derived control points: a closed grammar over the readings of other points of the same subject.

``ratio(a, b)`` is a / b, ``share(a, b)`` a / b as per cent, ``difference(a, b)`` a − b, ``sum(a, b, …)`` and
``mean(a, b, …)`` what they say; operands are keys of control points or formulas.  Nothing else can be said: a formula
is read into canonical JSON and reckoned by walking it, never evaluated as a program.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from qaflow.errors import Invalid

MOST_DEEP = 5
MOST_OPERANDS = 20
MOST_CHARACTERS = 1000
TWO = ("ratio", "share", "difference")
OPERATIONS = (*TWO, "sum", "mean")
_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9_.-]*)|(?P<sign>[(),]))", re.ASCII)

Formula = dict[str, Any] | str
"""``{"op": NAME, "of": [FORMULA, …]}``, or the key of a control point."""


def parse(text: str) -> Formula:
    """Return the formula of a text; `Invalid` (``formula.invalid``) says at which character it fails."""
    if len(text) > MOST_CHARACTERS:
        raise Invalid("formula.invalid", f"a formula has at most {MOST_CHARACTERS} characters")
    tokens = list(_tokens(text))
    formula, rest = _operand(tokens, 0)
    if rest < len(tokens) - 1:
        raise _fault(tokens[rest], "the formula should end here")
    if isinstance(formula, str):
        raise Invalid("formula.invalid", f"begin with one of {', '.join(OPERATIONS)}: {OPERATIONS[0]}(a, b)")
    return formula


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    at = 0
    bare = text.rstrip()
    while at < len(bare):
        found = _TOKEN.match(bare, at)
        if found is None:
            rest = bare[at:].lstrip()
            raise _fault((rest[:1], len(bare) - len(rest) + 1), "only keys, commas and parentheses may stand here")
        yield found["name"] or found["sign"], found.start(found.lastgroup or 0) + 1
        at = found.end()
    yield "", len(bare) + 1


def _fault(token: tuple[str, int], why: str) -> Invalid:
    return Invalid("formula.invalid", f"at character {token[1]} ({token[0] or 'the end'}): {why}")


def _operand(tokens: list[tuple[str, int]], at: int, deep: int = 1) -> tuple[Formula, int]:
    name = tokens[at][0]
    if not name or name in "(),":
        raise _fault(tokens[at], "a key or an operation should stand here")
    if tokens[at + 1][0] != "(":
        return name, at + 1
    if name not in OPERATIONS:
        raise _fault(tokens[at], f"the operations are {', '.join(OPERATIONS)}")
    if deep > MOST_DEEP:
        raise _fault(tokens[at], f"formulas stand at most {MOST_DEEP} deep in one another")
    found, place = [], at + 2
    while True:
        one, place = _operand(tokens, place, deep + 1)
        found.append(one)
        if tokens[place][0] == ")":
            break
        if tokens[place][0] != ",":
            raise _fault(tokens[place], "a comma or ) should stand here")
        place += 1
    if (name in TWO and len(found) != len("ab")) or not 1 < len(found) <= MOST_OPERANDS:
        raise _fault(tokens[at], f"{name} takes {'two' if name in TWO else f'2 to {MOST_OPERANDS}'} operands")
    return {"op": name, "of": found}, place + 1


def canonical(formula: Formula) -> str:
    """Return the JSON text that is stored."""
    return json.dumps(formula, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def stored(text: str | None) -> Formula | None:
    """Return a stored formula, None where a point is measured itself."""
    return json.loads(text) if text else None


def shown(formula: Formula) -> str:
    """Return a formula as people type it."""
    if isinstance(formula, str):
        return formula
    return f"{formula['op']}({', '.join(map(shown, formula['of']))})"


def parts(formula: Formula) -> frozenset[str]:
    """Return the keys of the points that a formula needs."""
    if isinstance(formula, str):
        return frozenset((formula,))
    return frozenset().union(*map(parts, formula["of"]))


def value(formula: Formula, read: Mapping[str, float]) -> float | None:
    """Return a formula's value; None where a part has none, or it divides by nothing, or grows past all numbers."""
    if isinstance(formula, str):
        return read.get(formula)
    found = [value(one, read) for one in formula["of"]]
    if None in found:
        return None
    result = _REDUCE[formula["op"]]([one for one in found if one is not None])
    return result if result is not None and math.isfinite(result) else None


def _ratio(of: list[float]) -> float | None:
    return of[0] / of[1] if of[1] else None


def _share(of: list[float]) -> float | None:
    return of[0] * 100 / of[1] if of[1] else None


_REDUCE: dict[str, Callable[[list[float]], float | None]] = {
    "ratio": _ratio,
    "share": _share,
    "difference": lambda of: of[0] - of[1],
    "sum": lambda of: sum(of),
    "mean": lambda of: sum(of) / len(of),
}


def circle(formulas: Mapping[str, Formula]) -> list[str] | None:
    """Return a chain of points that need one another in a circle, None where there is none."""
    needs = {key: sorted(parts(formula)) for key, formula in formulas.items()}
    done: set[str] = set()

    def walk(key: str, trail: list[str]) -> list[str] | None:
        if key in trail:
            return [*trail[trail.index(key) :], key]
        if key in done or key not in needs:
            return None
        found = next((c for n in needs[key] if (c := walk(n, [*trail, key]))), None)
        done.add(key)
        return found

    return next((found for key in needs if (found := walk(key, []))), None)


def ordered(formulas: Mapping[str, Formula]) -> list[str]:
    """Return the derived points so that each stands behind those it needs; they hold no circle."""
    placed: dict[str, None] = {}

    def place(key: str) -> None:
        if key in formulas and key not in placed:
            for need in sorted(parts(formulas[key])):
                place(need)
            placed[key] = None

    for key in formulas:
        place(key)
    return list(placed)


def period(cadence: str, day: date) -> tuple[date, date] | None:
    """Return first and last day of the span in which parts belong together; None: only the same instant (real time).

    Semesters are taken from February to July and from August to January (assumed: colleges set their own terms, a
    derived value must not hang on them).
    """
    if cadence == "real-time":
        return None
    if cadence == "weekly":
        monday = day.toordinal() - day.weekday()
        return date.fromordinal(monday), date.fromordinal(monday + 6)
    if cadence == "half-month":
        first = day.replace(day=1 if day.day <= HALF else HALF + 1)
        return first, day.replace(day=HALF) if day.day <= HALF else _before(_months(day.replace(day=1), 1))
    months = MONTHS.get(cadence, 12)
    start = (day.month - 1 - SHIFT.get(cadence, 0)) // months * months + SHIFT.get(cadence, 0)
    first = _months(date(day.year, 1, 1), start)
    return first, _before(_months(first, months))


HALF = 15
MONTHS = {"monthly": 1, "quarterly": 3, "semester": 6, "yearly": 12}
SHIFT = {"semester": 1}


def _months(first: date, n: int) -> date:
    years, month = divmod(first.month - 1 + n, 12)
    return date(first.year + years, month + 1, 1)


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
