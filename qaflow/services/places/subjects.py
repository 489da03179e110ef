"""Subjects: add many with their place in the schedule; change who answers for them and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from qaflow.errors import Invalid
from qaflow.services.college import CollegeView
from qaflow.services.cycles import scheduling
from qaflow.services.cycles.acting import hold, keep
from qaflow.services.streams import college_fact, digest_of
from qaflow.services.work import AnySession, Origin, Writer
from qaflow.store import rounds as schedule
from qaflow.store import subjects as rows
from qaflow.store.db import Driver
from qaflow.store.subjects import SubjectRow

DUTIES = ("submit", "acknowledge", "correct", "sheet")
"""The work items that are the responsible person's own."""


class NewSubject(NamedTuple):
    """A subject to be added; days are text, units, persons and parents numbers."""

    layer: str
    code: str
    name: str
    unit: int
    responsible: int | None = None
    starts: str | None = None
    ends: str | None = None
    tier: str | None = None
    anchor: str | None = None
    parent: int | None = None
    kind: str | None = None
    attributes: str = "{}"


def add_subjects(session: AnySession, driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
                 subjects: Sequence[NewSubject]) -> list[int]:  # fmt: skip
    """Add many subjects and enter every track of their layers in the schedule; returns their numbers in order.

    A subject's first cycle of a track is the one whose period begins on the day it appears, or next after it.
    """
    if not subjects:
        return []
    layers = {layer.key for layer in college.config.layers}
    unknown = next((s.layer for s in subjects if s.layer not in layers), None)
    if unknown is not None:
        raise Invalid("ref.unknown_layer", f"no layer {unknown!r} in {college.key}; one of {', '.join(sorted(layers))}")
    ids = list(driver.reserve("subject", len(subjects)))
    today = college.calendar.local_day(origin.now)
    own = {t.layer for t in college.config.tracks if t.period.from_ == "subject"}
    placed = [_anchored(s, today) if s.layer in own else s for s in subjects]
    pairs = list(zip(ids, placed, strict=True))
    rows.put_subjects(driver, [(i, college.id, s.layer, s.code, s.name, s.unit, s.responsible, s.starts, s.ends, s.tier,
                                s.kind, s.anchor, s.parent, s.attributes, False) for i, s in pairs])  # fmt: skip
    schedule.schedule(driver, _schedule(college, today, ids, placed))
    batch = digest_of([i, s.layer, s.code, s.unit, s.responsible, s.starts, s.ends, s.anchor, s.parent]
                      for i, s in pairs)  # fmt: skip
    data = {"count": len(ids), "first": ids[0], "last": ids[-1], "digest": batch}
    college_fact(driver, writer, college.id, college.key, "SubjectsAdded", data)
    return ids


def _anchored(subject: NewSubject, today: date) -> NewSubject:
    """A track that counts from the subject itself needs a first day: its own, else the one on which it was added."""
    return subject if subject.anchor or subject.starts else subject._replace(anchor=today.isoformat())


def _schedule(college: CollegeView, today: date, ids: Sequence[int],
              subjects: Sequence[NewSubject]) -> list[tuple[int, int, str, str | None, str | None]]:  # fmt: skip
    found: dict[tuple[str, str | None, str | None, str | None], list[tuple[str, str | None, str | None]]] = {}
    entries = []
    for number, one in zip(ids, subjects, strict=True):
        key = (one.layer, one.starts, one.anchor, one.ends)
        if key not in found:
            found[key] = _starts(college, today, one)
        entries += [(college.id, number, track, start, at) for track, start, at in found[key]]
    return entries


def _starts(college: CollegeView, today: date, one: NewSubject) -> list[tuple[str, str | None, str | None]]:
    day = max(today, date.fromisoformat(one.starts)) if one.starts else today
    tracks = [t for t in college.config.tracks if t.layer == one.layer]
    return [(t.key, *scheduling.first_start(college, t, day, one.anchor or one.starts, one.ends)) for t in tracks]


def change(session: AnySession, driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
           before: Sequence[SubjectRow], after: Sequence[SubjectRow], reason: str) -> int:  # fmt: skip
    """Write changed subjects; their running cycles follow to a new unit or a new responsible person.

    ``reason`` is the hash of kept content.  Returns how many work items changed hands.
    """
    changed = {new.id: (old, new) for old, new in zip(before, after, strict=True) if old != new}
    if not changed:
        return 0
    rows.set_subjects(driver, college.id, [new for _, new in changed.values()])
    batch = digest_of(_plain(new) for _, new in changed.values())
    data = {"count": len(changed), "digest": batch, "reason": reason}
    college_fact(driver, writer, college.id, college.key, "SubjectsChanged", data)
    moved = [i for i, (old, new) in changed.items() if old[4:6] != new[4:6]]  # unit, responsible
    found = rows.unclosed_cycles(driver, college.id, moved) if moved else []
    return sum(_follow(session, driver, writer, origin, cycle, changed[subject][1], reason) for cycle, subject in found)


def _plain(row: SubjectRow) -> list[object]:
    return [row.id, row.unit_id, row.responsible_id, row.starts, row.ends, row.tier, row.anchor, row.parent_id]


def _follow(session: AnySession, driver: Driver, writer: Writer, origin: Origin, cycle: int, subject: SubjectRow,
            reason: str) -> int:  # fmt: skip
    """Let one cycle follow its subject, with the work that its former responsible person owed."""
    from qaflow.services.accounts.reseating import pass_items, settle

    acting = hold(session, driver, origin, cycle, writer)
    snap, former = acting.snap, acting.snap.responsible
    wanted = {"unit": (subject.unit_id, snap.unit), "responsible": (subject.responsible_id, former)}
    args = {key: new for key, (new, old) in wanted.items() if new != old}
    if not args:
        return 0
    acting.decide("change_people", args | {"reason": reason}, acting.context())
    count = 0
    if "responsible" in args and subject.responsible_id is not None:
        if former is not None:
            count += pass_items(acting, former, subject.responsible_id, reason, DUTIES)[0]
        count += settle(acting, reason)[0]
    acting.flush()
    if "unit" in args:
        rows.move_items(driver, acting.row.college, cycle, subject.unit_id)
    return count


def change_responsible(session: AnySession, driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
                       changes: dict[int, int | None], reason: str = "") -> int:  # fmt: skip
    """Give subjects (by number) other responsible persons; returns how many work items changed hands."""
    return _changed(session, driver, writer, origin, college, changes, "responsible_id", reason)


def move(session: AnySession, driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
         changes: dict[int, int], reason: str = "") -> int:  # fmt: skip
    """Move subjects (by number) to other units; their running cycles go with them."""
    return _changed(session, driver, writer, origin, college, changes, "unit_id", reason)


def end(session: AnySession, driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
        changes: dict[int, str], reason: str = "") -> int:  # fmt: skip
    """Let subjects (by number) end with a day; the tick cancels what still runs after it."""
    return _changed(session, driver, writer, origin, college, changes, "ends", reason)


def _changed(session: AnySession, driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
             changes: Mapping[int, Any], field: str, reason: str) -> int:  # fmt: skip
    before = rows.by_ids(driver, college.id, changes)
    after = [row._replace(**{field: changes[row.id]}) for row in before]
    return change(session, driver, writer, origin, college, before, after, keep(driver, reason.strip() or field))
