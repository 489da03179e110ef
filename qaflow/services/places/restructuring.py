"""Units added, renamed, moved and closed by hand: codes are unique, none lies under itself, a closed one is empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qaflow.engine.college import SYSTEMS, UNIT_KINDS
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView
from qaflow.services.cycles.acting import keep
from qaflow.services.files.cells import Column, cell_value
from qaflow.services.files.imports import chain_of
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges, organisation
from qaflow.store import subjects as rows
from qaflow.store.db import Driver
from qaflow.store.subjects import UnitRow

from .organisation import ACCOUNTS, Desk, desk

CODE = Column(key="code", zh="代码", what="code", required=True)
NAME_ZH = Column(key="name_zh", zh="中文名称", required=True)
NAME_EN = Column(key="name_en", zh="英文名称")
ROOT = "college"
"""The kind of the unit at the top, which the college's files bring: it is neither made nor moved here."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A unit as somebody entered it; `parent` is a number, 0 for none."""

    kind: str
    name_zh: str
    name_en: str = ""
    system: str = ""
    parent: int = 0


def add(session: AnySession, origin: Origin, me: SignedIn, code: str, wanted: Wanted) -> int:
    """Add a unit and return its number; the same one once more, as a double click makes it, is the one that stands."""
    called: str = cell_value(CODE, code)

    def body(driver: Driver) -> int:
        at, writer = desk(session, driver, origin, me, ACCOUNTS), Writer(driver, origin)
        colleges.head(driver, at.college.id)  # two changes of the tree wait for each other
        standing = rows.units(driver, at.college.id)
        (number,) = driver.reserve("unit", 1)
        made = _checked(at, standing, UnitRow(number, called, "", None, "", "", None, "[]"), wanted)
        same = standing.get(called)
        if same is not None and same._replace(id=number) == made:
            return same.id
        if same is not None:
            raise Refused("unit.taken", f"there is a unit {called} already")
        rows.put_units(driver, [(made.id, at.college.id, *made[1:])])
        _tell(driver, writer, at.college, "UnitAdded", made)
        return number

    return transact(session, body)


def change(session: AnySession, origin: Origin, me: SignedIn, number: int, wanted: Wanted) -> None:
    """Rename a unit, give it another kind or system, or put it under another one."""

    def body(driver: Driver) -> None:
        at, writer = desk(session, driver, origin, me, ACCOUNTS), Writer(driver, origin)
        colleges.head(driver, at.college.id)
        standing = rows.units(driver, at.college.id)
        old = _find(standing, number)
        new = _checked(at, standing, old, wanted)
        if new != old:
            rows.set_units(driver, at.college.id, [new])
            _tell(driver, writer, at.college, "UnitChanged", new)

    transact(session, body)


def close(session: AnySession, origin: Origin, me: SignedIn, number: int, reason: str) -> None:
    """Close a unit from today on: history goes on naming it.

    Raises `Refused` (``unit.in_use``) while units lie under it, subjects in it, or roles are held for it.
    """

    def body(driver: Driver) -> None:
        at, writer = desk(session, driver, origin, me, ACCOUNTS), Writer(driver, origin)
        colleges.head(driver, at.college.id)
        unit = _find(rows.units(driver, at.college.id), number)
        if rows.unit_closed(driver, at.college.id, number, at.day):
            return
        left = organisation.burden(driver, at.college.id, number, at.day)
        if unit.kind == ROOT or any(left.values()):
            raise Refused("unit.in_use", f"{unit.code} still holds {left}: move or end them first", left=left)
        organisation.close(driver, at.college.id, number, at.day)
        data = {"unit": number, "code": unit.code, "ends": at.day}
        more = {"reason": keep(driver, reason)} if reason.strip() else {}
        college_fact(driver, writer, at.college.id, at.college.key, "UnitClosed", data | more)
        colleges.reconfigure(driver, at.college.id)
        writer.flush()

    transact(session, body)


def _find(standing: Mapping[str, UnitRow], number: int) -> UnitRow:
    found = next((unit for unit in standing.values() if unit.id == number), None)
    if found is None:
        raise Missing("unit.not_found", f"no unit {number}")
    return found


def _checked(at: Desk, standing: Mapping[str, UnitRow], unit: UnitRow, wanted: Wanted) -> UnitRow:
    """Return the unit as it is wanted; `Invalid` where that cannot be."""
    kinds = (*UNIT_KINDS, ROOT) if unit.kind == ROOT else UNIT_KINDS
    if wanted.kind not in kinds or (unit.kind == ROOT and (wanted.kind != ROOT or wanted.parent)):
        raise Invalid("unit.kind", f"kind {wanted.kind!r}: one of {', '.join(UNIT_KINDS)}")
    if wanted.system and wanted.system not in SYSTEMS:
        raise Invalid("value.unknown", f"system {wanted.system!r}: one of {', '.join(SYSTEMS)}")
    zh: str = cell_value(NAME_ZH, wanted.name_zh)
    en: str = cell_value(NAME_EN, wanted.name_en) or zh
    _check_parent(at, standing, unit, wanted.parent)
    return unit._replace(kind=wanted.kind, system=wanted.system or None, name_zh=zh, name_en=en,
                         parent_id=wanted.parent or None)  # fmt: skip


def _check_parent(at: Desk, standing: Mapping[str, UnitRow], unit: UnitRow, parent: int) -> None:
    if not parent or parent == unit.parent_id:
        return
    if parent == unit.id:
        raise Invalid("org.self_supervision", f"{unit.code} cannot lie under itself")
    codes = {one.id: one.code for one in standing.values()}
    if parent not in codes:
        raise Invalid("ref.unknown_unit", f"no unit {parent} in this college")
    if rows.unit_closed(at.driver, at.college.id, parent, at.day):
        raise Invalid("unit.closed", f"{codes[parent]} is closed")
    above = {one.code: codes.get(one.parent_id or 0) for one in standing.values()} | {unit.code: codes[parent]}
    chain = chain_of(above, unit.code)
    if chain is not None:
        raise Invalid("org.cycle", f"units would lie under themselves: {' → '.join(chain)}")


def _tell(driver: Driver, writer: Writer, college: CollegeView, kind: str, unit: UnitRow) -> None:
    data = {"unit": unit.id, "code": unit.code, "kind": unit.kind, "system": unit.system, "parent": unit.parent_id,
            "name": {"zh": unit.name_zh, "en": unit.name_en}}  # fmt: skip
    college_fact(driver, writer, college.id, college.key, kind, {k: v for k, v in data.items() if v is not None})
    colleges.reconfigure(driver, college.id)
    writer.flush()
