"""Whether two conditions can hold at the same time: what makes two automatic moves ambiguous.

Both are brought into alternatives of simple demands on single terms, and each alternative is tried term by term.
Where the demands are too many to try, or compare two terms in a way not followed here, the answer is "yes, they can":
a definition must show plainly that its moves exclude each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

from .conditions import compare, parse
from .grammar import Compare, Group, Literal, Not, Part, Term, Truth

MAX_ALTERNATIVES = 512
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
COUNTED = ("count", "evidence", "open_warnings", "children")  # whole, never missing, never below 0


@dataclass(frozen=True)
class Demand:
    """One simple demand on a term: a comparison with a fixed value, or (``op`` "missing") that it has none."""

    term: str
    op: str
    value: float | str | bool = 0
    counted: bool = False


Alternative = tuple[Demand, ...]


class TooMany(Exception):
    """More alternatives than are tried."""


def can_both(first: str | None, second: str | None) -> bool:
    """Tell whether two conditions (None: always) can hold for the same content."""
    try:
        ways = [_ways(parse(text).root, True) if text else [()] for text in (first, second)]
        return any(_possible((*a, *b)) for a, b in product(*ways))
    except TooMany:
        return True


def can_hold(text: str) -> bool:
    """Tell whether a condition can hold at all."""
    return can_both(text, None)


def _ways(part: Part, wanted: bool) -> list[Alternative]:
    if isinstance(part, Not):
        return _ways(part.inner, not wanted)
    if isinstance(part, Truth):
        return _truth(part.term, wanted)
    if isinstance(part, Compare):
        return _compared(part, wanted)
    return _grouped(part, wanted)


def _grouped(part: Group, wanted: bool) -> list[Alternative]:
    inner = [_ways(p, wanted) for p in part.parts]
    if (part.word == "or") is wanted:
        found = [way for ways in inner for way in ways]
    else:
        if math.prod(len(ways) for ways in inner) > MAX_ALTERNATIVES:
            raise TooMany
        found = [tuple(d for way in combination for d in way) for combination in product(*inner)]
    if len(found) > MAX_ALTERNATIVES:
        raise TooMany
    return found


def _truth(term: Term, wanted: bool) -> list[Alternative]:
    simple: list[Alternative] = [(Demand(str(term), "==", wanted),)]
    # A flag that was never set is not true: the opposite of "holds" is "false or missing".
    return simple if wanted or term.function else [*simple, (Demand(str(term), "missing"),)]


def _compared(part: Compare, wanted: bool) -> list[Alternative]:
    left, op, right = part.left, part.op, part.right
    if isinstance(left, Literal):
        left, op, right = right, MIRRORED[op], left
    if not isinstance(left, Term):
        return [()]
    if isinstance(right, Term):
        return _between(left, op, right, wanted)
    name, counted = str(left), left.function in COUNTED
    if wanted:
        return [(Demand(name, op, right.value, counted),)]
    ways: list[Alternative] = [(Demand(name, OPPOSITE[op], right.value, counted),)]
    return ways if left.function else [*ways, (Demand(name, "missing"),), (Demand(name, "other", _kind(right.value)),)]


def _kind(value: float | str | bool) -> str:
    return "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _between(left: Term, op: str, right: Term, wanted: bool) -> list[Alternative]:
    if str(left) > str(right):
        left, op, right = right, MIRRORED[op], left
    name = f"{left} against {right}"  # their difference, as if it were a term of its own
    if wanted:
        return [(Demand(name, op, 0),)]
    unlike = [] if left.function and right.function else [(Demand(name, "missing"),)]
    return [(Demand(name, OPPOSITE[op], 0),), *unlike]


def _possible(demands: Alternative) -> bool:
    by_term: dict[str, list[Demand]] = {}
    for one in demands:
        by_term.setdefault(one.term, []).append(one)
    return all(_one_term(found) for found in by_term.values())


def _one_term(demands: list[Demand]) -> bool:
    missing = [d for d in demands if d.op == "missing"]
    if missing:
        return len(missing) == len(demands) or all(d.op in ("missing", "other") for d in demands)
    others = {d.value for d in demands if d.op == "other"}
    kinds = {_kind(d.value) for d in demands if d.op != "other"}
    if len(kinds) > 1 or kinds & others:
        return False
    compared = [d for d in demands if d.op != "other"]
    if not compared:
        return len(others) < len(("flag", "text", "number"))
    return _numbers(compared) if kinds == {"number"} else _texts(compared)


def _numbers(demands: list[Demand]) -> bool:
    counted = any(d.counted for d in demands)
    low, low_open, high, high_open = (0.0 if counted else -math.inf), False, math.inf, False
    for one in demands:
        value = float(one.value)
        if one.op in (">", ">=", "==") and (value, one.op == ">") > (low, low_open):
            low, low_open = value, one.op == ">"
        if one.op in ("<", "<=", "==") and (value, one.op != "<") < (high, not high_open):
            high, high_open = value, one.op == "<"
    if counted:
        low, high = _whole(low, low_open, 1), _whole(high, high_open, -1)
        low_open = high_open = False
    if low > high or (low == high and (low_open or high_open)):
        return False
    never = {float(d.value) for d in demands if d.op == "!="}
    if counted and high - low < len(never) + 1:
        return any(float(n) not in never for n in range(int(low), int(high) + 1))
    return not (low == high and low in never)


def _whole(edge: float, is_open: bool, step: int) -> float:
    if not math.isfinite(edge):
        return edge
    inner = math.ceil(edge) if step > 0 else math.floor(edge)
    return float(inner + step if is_open and inner == edge else inner)


def _texts(demands: list[Demand]) -> bool:
    equal = {d.value for d in demands if d.op == "=="}
    if len(equal) > 1:
        return False
    if not equal:
        never = {d.value for d in demands if d.op == "!="}
        if any(isinstance(v, bool) for v in never):
            return len(never) < 2
        return _ordered(demands)
    only = next(iter(equal))
    return all(_holds(only, d) for d in demands)


def _ordered(demands: list[Demand]) -> bool:
    lows = [str(d.value) for d in demands if d.op in (">", ">=")]
    highs = [str(d.value) for d in demands if d.op in ("<", "<=")]
    if not lows or not highs or max(lows) < min(highs):
        return True
    edge = max(lows)
    return edge == min(highs) and all(_holds(edge, d) for d in demands)


def _holds(value: float | str | bool, demand: Demand) -> bool:
    return compare(value, demand.op, demand.value)
