"""Roles and scopes in words, as files and the command line give them: ``role@scope``."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple, TypeVar

from qaflow.errors import Invalid
from qaflow.store import subjects as places
from qaflow.store.db import Driver

from .college import CollegeView
from .words import clean_code

T = TypeVar("T")


class Scope(NamedTuple):
    """What a role is held for: the college, a unit or subject by number, a layer by key."""

    kind: str
    id: int | None = None
    layer: str | None = None


class Scopes:
    """Reads the words of scopes: ``college``, ``unit:CODE``, ``layer:KEY``, ``subject:LAYER/CODE``."""

    def __init__(self, driver: Driver, college: CollegeView) -> None:
        """Look units and subjects up in a college, when a scope first asks for them."""
        self._driver, self._college = driver, college

    @cached_property
    def _units(self) -> dict[str, int]:
        return {code: unit.id for code, unit in places.units(self._driver, self._college.id).items()}

    @cached_property
    def _subjects(self) -> dict[str, int]:
        return {f"{s.layer}/{s.code}": s.id for s in places.subjects(self._driver, self._college.id)}

    def grant(self, text: str) -> tuple[str, Scope]:
        """Return (role, scope) of one ``role@scope``; a role alone holds for the college."""
        role, at, scope = (part.strip() for part in clean_code(text).partition("@"))
        known = self._college.config.role_by_key
        if role not in known:
            near = get_close_matches(role, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
            raise Invalid("ref.unknown_role", f"no role {role!r}; {hint}")
        return role, self.read(scope if at else "college")

    def read(self, text: str) -> Scope:
        """Return the scope that a text means."""
        kind, _, which = (part.strip() for part in text.partition(":"))
        if kind == "college" and not which:
            return Scope("college")
        if kind == "unit" and which:
            return Scope("unit", _known(self._units, which, "unit"))
        if kind == "layer" and which:
            layers = {layer.key: layer.key for layer in self._college.config.layers}
            return Scope("layer", None, _known(layers, which, "layer"))
        if kind == "subject" and which:
            return Scope("subject", _known(self._subjects, which, "subject"))
        raise Invalid("scope.invalid", f"{text!r}: a scope is college, unit:CODE, layer:KEY or subject:LAYER/CODE")


def _known(found: dict[str, T], name: str, what: str) -> T:
    """Return what a name stands for, or say that there is no such thing, and what is near."""
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Invalid(f"ref.unknown_{what}", f"no {what} {name!r} in this college{hint}")
    return found[name]
