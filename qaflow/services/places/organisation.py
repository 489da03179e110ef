"""The organisation as its pages show it: who may look, who may change it, and the units with what lies in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.work import AnySession, Origin
from qaflow.store import organisation as rows
from qaflow.store.db import Driver, reading
from qaflow.store.organisation import Cycle, Unit

LINES = 50
T = TypeVar("T")
ORGANISATION, ACCOUNTS = "organisation", "accounts"

__all__ = ["Cycle", "Page", "Tree", "Unit", "cycles", "require", "tree"]


class Desk(NamedTuple):
    """Where somebody works on the organisation: their college, and its day."""

    driver: Driver
    college: CollegeView
    day: str


def desk(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, action: str) -> Desk:
    """Return the desk of whoever has the right; `Forbidden` for others, `Missing` for who is of no college."""
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} is of no college")
    college = view(session, driver, me.college)
    day = college.calendar.local_day(origin.now).isoformat()
    policy.require_role(driver, college.id, me.person, action, day)
    return Desk(driver, college, day)


def read(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[Desk], T]) -> T:
    """Read something of the organisation that is one's own college's."""
    try:
        return body(desk(session, reading(session), origin, me, ORGANISATION))
    finally:
        session.rollback()


def require(session: AnySession, origin: Origin, me: SignedIn, action: str = ACCOUNTS) -> None:
    """Require the right to change the organisation, before a form is shown that would only be refused."""
    try:
        desk(session, reading(session), origin, me, action)
    finally:
        session.rollback()


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The units in the order of the tree, each with its depth; `all` are those that others may be put under."""

    lines: tuple[tuple[int, Unit], ...]
    all: Mapping[int, Unit]
    text: str
    closed: int  # units that are closed and not shown


def tree(session: AnySession, origin: Origin, me: SignedIn, text: str = "", closed: bool = False) -> Tree:
    """Return the units, those that fit a text with all above them."""

    def body(at: Desk) -> Tree:
        units = {unit.id: unit for unit in rows.units(at.driver, at.college.id, at.day)}
        shown = {i: u for i, u in units.items() if closed or not u.closed}
        if text:
            shown = _with_above(units, [u for u in shown.values() if _fits(u, text)])
        return Tree(lines=tuple(_ordered(shown)), all=units, text=text,
                    closed=0 if closed else sum(u.closed for u in units.values()))  # fmt: skip

    return read(session, origin, me, body)


def _fits(unit: Unit, text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in word.casefold() for word in (unit.code, unit.name_zh, unit.name_en, unit.aliases))


def _with_above(units: Mapping[int, Unit], found: Iterable[Unit]) -> dict[int, Unit]:
    kept: dict[int, Unit] = {}
    for unit in found:
        above: Unit | None = unit
        while above is not None and above.id not in kept:
            kept[above.id] = above
            above = units.get(above.parent or 0)
    return kept


def _ordered(units: Mapping[int, Unit]) -> list[tuple[int, Unit]]:
    """Return (depth, unit): each after the one above it, those of one level by kind and code."""
    below: dict[int, list[Unit]] = {}
    for unit in units.values():
        above = unit.parent or 0
        below.setdefault(above if above in units else 0, []).append(unit)
    found: list[tuple[int, Unit]] = []
    stack = [(0, unit) for unit in _sorted(below.get(0, []))]
    while stack:
        depth, unit = stack.pop()
        found.append((depth, unit))
        stack += [(depth + 1, one) for one in _sorted(below.get(unit.id, []))]
    return found


def _sorted(units: list[Unit]) -> list[Unit]:
    order = {kind: at for at, kind in enumerate(("college", "functional", "teaching", "section", "class"))}
    return sorted(units, key=lambda u: (order.get(u.kind, len(order)), u.code), reverse=True)


class Page(NamedTuple):
    """One page of a list, the place after which the next begins, and how many there are in all."""

    lines: tuple[Cycle, ...]
    following: int | None
    total: int
    open_to_me: bool  # whether whoever looks may open the cycles themselves


def cycles(session: AnySession, origin: Origin, me: SignedIn, *, unit: int = 0, subject: int = 0, person: int = 0,
           after: int = 0) -> Page:  # fmt: skip
    """Return the cycles that run in a unit, for a subject or in a person's charge."""

    def body(at: Desk) -> Page:
        chosen = {"college": at.college.id, "unit": unit, "subject": subject, "person": person}
        found = rows.cycles(at.driver, after=after, limit=LINES + 1, **chosen)
        more = found[LINES - 1].id if len(found) > LINES else None
        sees = policy.sees_all(at.driver, at.college.id, me.person, at.day)
        return Page(tuple(found[:LINES]), more, rows.cycle_count(at.driver, **chosen), sees)

    return read(session, origin, me, body)
