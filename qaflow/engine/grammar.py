"""The grammar of conditions: the parts a condition has, and the parser that makes them of its text.

    condition  := and-part ("or" and-part)*            and-part := not-part ("and" not-part)*
    not-part   := "not" not-part | "(" condition ")" | comparison
    comparison := operand (op operand)?                op       := == != < <= > >=
    operand    := number | 'text' | "text" | true | false | field | function
    function   := count(f) sum(f.g) filled(f) every(f.g) evidence() open_warnings() children()

It is closed: nothing else is understood, and nothing is ever evaluated as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LENGTH = 500
MAX_DEPTH = 16
MAX_NUMBER = 15  # characters
OPERATORS = ("==", "!=", "<=", ">=", "<", ">")
# What each function takes: nothing, a field, or a field's column.
FUNCTIONS = {"count": 1, "filled": 1, "sum": 2, "every": 2, "evidence": 0, "open_warnings": 0, "children": 0}
TRUTHS = ("filled", "every")
WORDS = ("and", "or", "not", "true", "false")
# Each branch begins with a different kind of character and has no nested repetition: matching is linear.
TOKEN = re.compile(
    r"(?P<space>[ \t\n]+)|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_-]*)|(?P<op>==|!=|<=|>=|<|>)|(?P<mark>[().])"
)


class ConditionError(Exception):
    """A condition outside the grammar; ``column`` counts from 1 in its text."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


@dataclass(frozen=True)
class Literal:
    """A number, a text, true or false."""

    value: float | str | bool


@dataclass(frozen=True)
class Term:
    """A field's value (``function`` is empty) or a function of one."""

    function: str
    field: str = ""
    part: str = ""
    column: int = 0

    def __str__(self) -> str:
        inner = self.field + (f".{self.part}" if self.part else "")
        return f"{self.function}({inner})" if self.function else inner


@dataclass(frozen=True)
class Compare:
    """Two operands and an operator."""

    left: Literal | Term
    op: str
    right: Literal | Term


@dataclass(frozen=True)
class Truth:
    """A term that is itself true or false: a flag, ``filled``, ``every``."""

    term: Term


@dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: Part


@dataclass(frozen=True)
class Group:
    """Several parts of which all (``and``) or any (``or``) must hold."""

    word: str
    parts: tuple[Part, ...]


Part = Compare | Truth | Not | Group


def show(part: Part | Literal | Term) -> str:
    """Write a part back as text."""
    if isinstance(part, Literal):
        return shown(part.value) if not isinstance(part.value, str) else repr(part.value)
    if isinstance(part, Term):
        return str(part)
    if isinstance(part, Truth):
        return str(part.term)
    if isinstance(part, Not):
        return f"not ({show(part.inner)})"
    if isinstance(part, Compare):
        return f"{show(part.left)} {part.op} {show(part.right)}"
    return f" {part.word} ".join(f"({show(p)})" if isinstance(p, Group) else show(p) for p in part.parts)


def shown(value: object) -> str:
    """Write a value as a condition would."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)[:80]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise ConditionError(place + 1, f"the character {text[place]!r} has no meaning in a condition")
        kind = str(match.lastgroup)
        if kind == "number" and len(match.group()) > MAX_NUMBER:
            raise ConditionError(place + 1, f"a number of more than {MAX_NUMBER} characters")
        if kind != "space":
            found.append(_Token("word" if match.group() in WORDS else kind, match.group(), place + 1))
        place = match.end()
    return [*found, _Token("end", "", len(text) + 1)]


class Parser:
    """Recursive descent with a bounded depth; every method takes the depth and returns a part."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.place]

    def take(self, *texts: str) -> _Token | None:
        if self.now.text in texts and self.now.kind in ("word", "mark", "op"):
            self.place += 1
            return self.tokens[self.place - 1]
        return None

    def fail(self, wanted: str) -> ConditionError:
        found = f'"{self.now.text}"' if self.now.text else "the end"
        return ConditionError(self.now.column, f"{wanted}, not {found}")

    def end(self) -> None:
        if self.now.kind != "end":
            raise self.fail("and, or, or the end is needed here")

    def whole(self) -> Part:
        """Parse the whole text; raises `ConditionError`."""
        root = self.any_of(0)
        self.end()
        return root

    def any_of(self, depth: int) -> Part:
        return self._group("or", depth)

    def _group(self, word: str, depth: int) -> Part:
        if depth > MAX_DEPTH:
            raise ConditionError(self.now.column, f"nested deeper than {MAX_DEPTH} brackets")
        parts = [self._inner(word, depth)]
        while self.take(word):
            parts.append(self._inner(word, depth))
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _inner(self, word: str, depth: int) -> Part:
        return self._group("and", depth) if word == "or" else self._negated(depth)

    def _negated(self, depth: int) -> Part:
        if self.take("not"):
            if depth > MAX_DEPTH:
                raise ConditionError(self.now.column, f"nested deeper than {MAX_DEPTH}")
            return Not(self._negated(depth + 1))
        if self.take("("):
            part = self.any_of(depth + 1)
            if not self.take(")"):
                raise self.fail("a closing bracket is needed here")
            return part
        return self._comparison()

    def _comparison(self) -> Part:
        left = self._operand()
        op = self.take(*OPERATORS)
        if op is not None:
            right = self._operand()
            if isinstance(left, Literal) and isinstance(right, Literal):
                raise ConditionError(op.column, "two fixed values are compared; one side must be a field or a function")
            return Compare(left, op.text, right)
        if isinstance(left, Literal):
            raise self.fail("a comparison is needed here")
        if left.function and left.function not in TRUTHS:
            raise self.fail(f"{left} must be compared with a number here")
        return Truth(left)

    def _operand(self) -> Literal | Term:
        token = self.now
        if token.kind not in ("number", "text", "name") and token.text not in ("true", "false"):
            raise self.fail("a field, a function, a number or a quoted text is needed here")
        self.place += 1
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "text":
            return Literal(token.text[1:-1])
        if token.kind == "word":
            return Literal(token.text == "true")
        return self._function(token) if self.take("(") else Term("", token.text, column=token.column)

    def _function(self, name: _Token) -> Term:
        if name.text not in FUNCTIONS:
            raise ConditionError(name.column, f'unknown function "{name.text}"; known are {", ".join(FUNCTIONS)}')
        field = self._name() if FUNCTIONS[name.text] else ""
        part = ""
        if FUNCTIONS[name.text] == 2:
            if not self.take("."):
                raise self.fail(f"{name.text} takes `field.column`: a dot is needed here")
            part = self._name()
        if not self.take(")"):
            raise self.fail("a closing bracket is needed here")
        return Term(name.text, field, part, name.column)

    def _name(self) -> str:
        if self.now.kind != "name":
            raise self.fail("the key of a field is needed here")
        self.place += 1
        return self.tokens[self.place - 1].text


def terms(part: Part) -> Iterator[Term]:
    """Yield every term of a part."""
    if isinstance(part, Group):
        for one in part.parts:
            yield from terms(one)
    elif isinstance(part, Not):
        yield from terms(part.inner)
    elif isinstance(part, Truth):
        yield part.term
    else:
        yield from (side for side in (part.left, part.right) if isinstance(side, Term))
