"""Every check of the rights, found in the sources, and each of them taken out in turn while the program runs.

A check is a question to `services/policy`, a refusal that is raised, a condition inside `policy`, or an entry of its
tables.  What is taken out of a function is taken out of its code object, so that whoever holds the function runs it.
"""

from __future__ import annotations

import ast
import copy
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import qaflow
from qaflow.services import policy
from qaflow.services.policy import RIGHTS, Right

ROOT = Path(qaflow.__file__).parent
ROOMS = ("services", "web")
QUESTIONS = {"permit": None, "require_role": None, "require_right": None, "_require_sight": None, "may_see": True}
"""What asks for a right, and the answer of somebody who asks nobody."""
REFUSALS = {"Missing", "Forbidden", "Unproven"}
Place = tuple[str, str]  # file, top function


@dataclass(frozen=True)
class Mutant:
    """One check that can be taken out."""

    name: str
    place: Place
    on: Callable[[], Callable[[], None]]
    """Takes the check out and returns what puts it back."""
    rows: str = ""
    """The end of the addresses that it concerns, where it concerns not all that come to its place."""


@contextmanager
def without(mutant: Mutant) -> Iterator[None]:
    """Run the program without a check."""
    back = mutant.on()
    try:
        yield
    finally:
        back()


def reached(act: Callable[[], object]) -> set[Place]:
    """Return the functions of the program that an act comes to."""
    found: set[Place] = set()

    def note(frame: FrameType, event: str, _arg: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)):
            found.add((code.co_filename, _top(code.co_qualname)))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return found


def _top(qualname: str) -> str:
    return qualname.partition(".<locals>")[0]


def all_mutants(places: Iterable[Place]) -> list[Mutant]:
    """Return every check in the functions that are reached, and every entry of the tables of rights."""
    return [*in_code(set(places)), *in_tables()]


def in_tables() -> list[Mutant]:
    """Return the entries of the tables, each dropped, and each act's right given to whoever sees the thing."""
    place = (str(ROOT / "services" / "policy.py"), "permit")
    everything = Right(("viewer",), policy.SEES_SCOPE)
    found = []
    for action, right in RIGHTS.items():
        found.append(_entry(action, everything, place, f"{action}: any viewer"))
        fewer = [replace(right, relations=tuple(r for r in right.relations if r != one)) for one in right.relations]
        fewer += [replace(right, roles=right.roles - {kind}) for kind in sorted(right.roles)]
        found += [_entry(action, less, place, f"{action}: {less.relations} {sorted(less.roles)}") for less in fewer]
    seen = sorted(policy.SEES_SCOPE)
    found += [_scope(policy.SEES_SCOPE - {kind}, place, f"sees: not {kind}") for kind in seen]
    return [*found, _scope(policy.SEES_SCOPE | policy.ADMINISTRATORS, place, "sees: administrator too")]


def _entry(action: str, right: Right, place: Place, name: str) -> Mutant:
    def on() -> Callable[[], None]:
        was = RIGHTS[action]
        RIGHTS[action] = right
        return lambda: RIGHTS.__setitem__(action, was)

    return Mutant(name, place, on, action)


def _scope(kinds: frozenset[str], place: Place, name: str) -> Mutant:
    def on() -> Callable[[], None]:
        was = policy.SEES_SCOPE
        policy.SEES_SCOPE = kinds
        return lambda: setattr(policy, "SEES_SCOPE", was)

    return Mutant(name, place, on)


def in_code(places: set[Place]) -> Iterator[Mutant]:
    """Yield the checks of the functions that are reached, file by file."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for top, node in _tops(tree):
                if (str(file), top) in places:
                    yield from _of(file, tree, top, node)


def _tops(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{f.name}", f) for f in node.body if isinstance(f, ast.FunctionDef))


def _of(file: Path, tree: ast.Module, top: str, node: ast.AST) -> Iterator[Mutant]:
    inner = file.name == "policy.py"
    for number, one in enumerate(ast.walk(node)):
        for what, make in _changes(one, inner):
            name = f"{file.relative_to(ROOT)} {top}: {what}"
            yield Mutant(name, (str(file), top), _swap(file, tree, top, number, make))


def _changes(node: ast.AST, inner: bool) -> Iterator[tuple[str, Callable[[Any], ast.AST]]]:
    if isinstance(node, ast.Call) and _called(node) in QUESTIONS:
        yield f"asks not {_called(node)}", lambda n: ast.Constant(QUESTIONS[_called(n)])
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _called(node.exc) in REFUSALS:
        yield f"raises not {ast.unparse(node.exc)[:50]}", lambda _: ast.Pass()
    if inner and isinstance(node, ast.If):
        for answer in (True, False):
            yield f"if {ast.unparse(node.test)[:50]} is {answer}", lambda n, a=answer: _tested(n, a)
    told = isinstance(node, ast.Return) and isinstance(node.value, ast.Compare | ast.Call)
    if inner and told and _called(node.value) in ("any", "all", ""):
        yield f"returns True for {ast.unparse(node.value)[:50]}", lambda _: ast.Return(ast.Constant(True))


def _tested(node: ast.If, answer: bool) -> ast.If:
    node.test = ast.Constant(answer)
    return node


def _called(node: ast.AST) -> str:
    func = getattr(node, "func", None)
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _swap(file: Path, tree: ast.Module, top: str, number: int,
          make: Callable[[Any], ast.AST]) -> Callable[[], Callable[[], None]]:  # fmt: skip
    def on() -> Callable[[], None]:
        changed = copy.deepcopy(tree)
        (root,) = (node for name, node in _tops(changed) if name == top)
        target = list(ast.walk(root))[number]
        _Replaced(target, make(target)).visit(root)
        code = compile(ast.fix_missing_locations(changed), str(file), "exec", dont_inherit=True)
        function = _function(file, top)
        was = function.__code__
        function.__code__ = _code(code, top)
        return lambda: setattr(function, "__code__", was)

    return on


class _Replaced(ast.NodeTransformer):
    def __init__(self, target: ast.AST, by: ast.AST) -> None:
        self.target, self.by = target, by

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.by, node) if node is self.target else self.generic_visit(node)


def _code(code: CodeType, qualname: str) -> CodeType:
    found = [c for c in _codes(code) if c.co_qualname == qualname]
    return found[-1]


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


def _function(file: Path, top: str) -> FunctionType:
    name = ".".join(("qaflow", *file.relative_to(ROOT).with_suffix("").parts))
    found: Any = importlib.import_module(name)
    for part in top.split("."):
        found = vars(found)[part]
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    found = getattr(found, "__wrapped__", found)
    assert isinstance(found, FunctionType), (file, top)
    return found
