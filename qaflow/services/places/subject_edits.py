"""Subjects added and changed by hand; what a change does to running cycles is shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.accounts.profile import colleague
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.cycles.acting import keep
from qaflow.services.files.cells import Column, cell_value
from qaflow.services.rehearsing import digest_of, rehearsed
from qaflow.services.words import clean_code, day_of
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges, people
from qaflow.store import subject_list as lists
from qaflow.store import subjects as rows
from qaflow.store.db import Driver
from qaflow.store.subjects import SubjectRow, UnitRow

from . import subjects
from .organisation import ACCOUNTS, Desk, desk

CODE = Column(key="code", zh="代码", what="code", required=True)
NAME = Column(key="name", zh="名称", required=True)
TIER = Column(key="tier", zh="层次")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A subject as somebody entered it: the unit by number, the person by login or name, days as text, "" for none."""

    name: str
    unit: int
    person: str = ""
    tier: str = ""
    starts: str = ""
    ends: str = ""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a change of a subject does, or did: its fields before and after, and the cycles and work that follow."""

    before: SubjectRow
    after: SubjectRow
    cycles: int
    items: int
    stops: bool  # it ends before today: the next tick cancels what still runs

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields that change."""
        return tuple(f for f in SubjectRow._fields if getattr(self.before, f) != getattr(self.after, f))

    @cached_property
    def digest(self) -> str:
        """The hash over what was shown."""
        return digest_of([list(self.before), list(self.after), self.cycles, self.items])


def add(session: AnySession, origin: Origin, me: SignedIn, layer: str, code: str, wanted: Wanted) -> int:
    """Add a subject with its place in the schedule; returns its number.

    The same one once more, as a double click makes it, is the one that stands.
    """
    called: str = cell_value(CODE, code)

    def body(driver: Driver) -> int:
        at, writer = desk(session, driver, origin, me, ACCOUNTS), Writer(driver, origin)
        colleges.head(driver, at.college.id)
        new = _entered(at, me, SubjectRow(0, layer, called, "", 0, None, None, None, None, None, None, False), wanted)
        standing = lists.taken(driver, at.college.id, layer, called)
        if standing is not None:
            return _same(at, standing, new)
        fields = (new.name, new.unit_id, new.responsible_id, new.starts, new.ends, new.tier)
        one = subjects.NewSubject(layer, called, *fields)
        (number,) = subjects.add_subjects(session, driver, writer, origin, at.college, [one])
        writer.flush()
        return number

    return transact(session, body)


def _same(at: Desk, number: int, new: SubjectRow) -> int:
    (old,) = rows.by_ids(at.driver, at.college.id, [number])
    if old._replace(anchor=None) != new._replace(id=number):
        raise Refused("subject.taken", f"there is a subject {new.code} on this layer already")
    return number


def change(session: AnySession, origin: Origin, me: SignedIn, number: int, wanted: Wanted, reason: str = "",
           agreed: str | None = None) -> Effect:  # fmt: skip
    """Show what changing a subject does to its running cycles; with the digest of what was shown, change it."""

    def body(driver: Driver) -> Effect:
        at, writer = desk(session, driver, origin, me, ACCOUNTS), Writer(driver, origin)
        colleges.head(driver, at.college.id)
        found = rows.by_ids(driver, at.college.id, [number])
        if not found:
            raise Missing("subject.not_found", f"no subject {number}")
        old = found[0]
        if old.ended:
            raise Refused("subject.ended", f"{old.code} has ended: history stays as it is")
        new = _entered(at, me, old, wanted)
        moved = (old.unit_id, old.responsible_id) != (new.unit_id, new.responsible_id)
        cycles = len(rows.unclosed_cycles(driver, at.college.id, [number])) if moved or new.ends != old.ends else 0
        kept = keep(driver, reason.strip() or "changed")
        items = subjects.change(session, driver, writer, origin, at.college, [old], [new], kept)
        writer.flush()
        stops = new.ends is not None and new.ends < at.day
        return Effect(before=old, after=new, cycles=cycles, items=items, stops=stops)

    return rehearsed(session, body, agreed)


def _entered(at: Desk, me: SignedIn, subject: SubjectRow, wanted: Wanted) -> SubjectRow:
    """Return the subject as it is wanted; `Invalid` where that cannot be."""
    if subject.layer not in {layer.key for layer in at.college.config.layers}:
        raise Invalid("ref.unknown_layer", f"no layer {subject.layer!r}")
    starts, ends = day_of(wanted.starts), day_of(wanted.ends)
    if starts and ends and ends < starts:
        raise Invalid("date.order", f"the end {ends} lies before the start {starts}")
    person = _person(at, me, subject.responsible_id, wanted.person)
    unit = _unit(at, wanted.unit)
    if unit.id != subject.unit_id and rows.unit_closed(at.driver, at.college.id, unit.id, at.day):
        raise Invalid("unit.closed", f"{unit.code} is closed")
    return subject._replace(name=cell_value(NAME, wanted.name), unit_id=unit.id, responsible_id=person, starts=starts,
                            ends=ends, tier=cell_value(TIER, wanted.tier))  # fmt: skip


def _person(at: Desk, me: SignedIn, standing: int | None, text: str) -> int | None:
    """Return who is meant: who answers for it already stays, though their account be disabled."""
    if not text.strip():
        return None
    named = people.names(at.driver, [standing]) if standing is not None else {}
    if standing in named and clean_code(text) == named[standing][1]:
        return standing
    return colleague(at.driver, me, text)


def _unit(at: Desk, number: int) -> UnitRow:
    found = next((u for u in rows.units(at.driver, at.college.id).values() if u.id == number), None)
    if found is None:
        raise Invalid("ref.unknown_unit", f"no unit {number} in this college")
    return found
