"""Conditions of gates and moves: parsed once, asked of a form's content, never evaluated as code.

A comparison with a value that is missing or of another type does not hold, whatever the operator.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .grammar import (
    MAX_LENGTH,
    Compare,
    ConditionError,
    Group,
    Literal,
    Not,
    Parser,
    Part,
    Term,
    Truth,
    show,
    shown,
    terms,
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What a condition is asked about: the form's values and four counts."""

    values: Mapping[str, Any]
    evidence: int = 0
    open_warnings: int = 0
    children: int = 0


@dataclass(frozen=True)
class Condition:
    """A parsed condition."""

    text: str
    root: Part

    def holds(self, values: Mapping[str, Any], evidence: int = 0, open_warnings: int = 0, children: int = 0) -> bool:
        """Tell whether the condition holds for a form's content."""
        return _true(self.root, Facts(values, evidence, open_warnings, children))

    def missing(
        self, values: Mapping[str, Any], evidence: int = 0, open_warnings: int = 0, children: int = 0
    ) -> str | None:
        """Return the first part that does not hold, with the present value where there is one; None if all holds."""
        facts = Facts(values, evidence, open_warnings, children)
        parts = self.root.parts if isinstance(self.root, Group) and self.root.word == "and" else (self.root,)
        failed = next((p for p in parts if not _true(p, facts)), None)
        if failed is None:
            return None
        written = self.text if len(parts) == 1 else show(failed)
        if isinstance(failed, Compare) and isinstance(failed.left, Term):
            now = _value(failed.left, facts)
            return f"{written} ({'—' if now is None else shown(now)})"
        return written

    def terms(self) -> Iterator[Term]:
        """Yield every term that the condition asks about."""
        yield from terms(self.root)


@lru_cache(maxsize=2048)
def parse(text: str) -> Condition:
    """Parse a condition; raises `ConditionError` with the column where it leaves the grammar."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(MAX_LENGTH, f"longer than {MAX_LENGTH} characters")
    return Condition(text, Parser(text).whole())


def _true(part: Part, facts: Facts) -> bool:
    if isinstance(part, Group):
        return (all if part.word == "and" else any)(_true(p, facts) for p in part.parts)
    if isinstance(part, Not):
        return not _true(part.inner, facts)
    if isinstance(part, Truth):
        return _value(part.term, facts) is True
    return compare(_operand_value(part.left, facts), part.op, _operand_value(part.right, facts))


def _operand_value(side: Literal | Term, facts: Facts) -> Any:
    return side.value if isinstance(side, Literal) else _value(side, facts)


def compare(left: Any, op: str, right: Any) -> bool:
    """Compare two values of one kind (number, text, flag); anything else does not hold."""
    if not (_number(left) and _number(right)) and not (type(left) is type(right) and isinstance(left, str | bool)):
        return False
    if op in ("==", "!="):
        return bool((left == right) is (op == "=="))
    if isinstance(left, bool):
        return False
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op])


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def filled(value: Any) -> bool:
    """Tell whether a form's value holds anything: no blank text, no empty list."""
    return value is not None and value != [] and value != () and not (isinstance(value, str) and not value.strip())


def _value(term: Term, facts: Facts) -> Any:
    given = facts.values.get(term.field) if term.field else None
    rows = [r for r in given if isinstance(r, Mapping)] if isinstance(given, list | tuple) else []
    match term.function:
        case "":
            return given if filled(given) else None
        case "evidence" | "open_warnings" | "children":
            return getattr(facts, term.function)
        case "count":
            return len(given) if isinstance(given, list | tuple) else int(filled(given))
        case "filled":
            return filled(given)
        case "sum":
            return _total([r.get(term.part) for r in rows])
        case _:
            return all(filled(r.get(term.part)) for r in rows)  # none at all: nothing is lacking


def _total(values: list[Any]) -> float:
    numbers: list[float] = [v for v in values if _number(v)]
    if all(isinstance(n, int) for n in numbers):
        return sum(numbers)
    return round(math.fsum(numbers), 9)


__all__ = ["Condition", "ConditionError", "Facts", "compare", "filled", "parse"]
