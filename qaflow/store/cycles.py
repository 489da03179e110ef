"""The cycle aggregate: its snapshot read from the rows, and the rows written from a changed snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from qaflow.engine.snapshot import Item, Sheet, Snapshot, Visit, WarningLife
from qaflow.store.db import Driver, Sql

CYCLE_COLUMNS = (
    "id", "status", "outcome", "stage", "leaf", "revision", "responsible_id", "unit_id", "adopted", "started_at",
    "closed_at", "item_no", "warning_no", "sheet_no", "version", "ends_at", "clock_left", "subject_id", "track",
    "layer", "number", "parent_id", "previous_id", "period_start", "period_end",
)  # fmt: skip
ITEM_COLUMNS = (
    "no", "kind", "stage", "visit", "ref", "holder_id", "owner_id", "opened_at", "due", "deadline_no", "level",
    "next_level_at", "state", "closed_at", "clock_left",
)  # fmt: skip
VISIT_COLUMNS = (
    "stage", "number", "state", "entered_at", "due", "submitted_at", "submitted_by", "submitted_for", "decided_at",
    "outcome", "revision", "content", "order_kind", "need", "auto_at",
)  # fmt: skip
WARNING_COLUMNS = (
    "id", "point_id", "task_id", "kind", "severity", "state", "breached", "opened_at", "reading_id", "limit_text",
    "value", "cause", "scope", "measure", "proposal", "reason", "confirmed_at", "closed_at", "acknowledged_by",
    "limit_id", "category",
)  # fmt: skip
WARNING_FIELDS = tuple(f.name for f in fields(WarningLife))
SHEET_COLUMNS = ("no", "kind", "due", "issue_at", "state", "assessor_id", "content", "recorded_at", "recorded_by")
SHEET_FIELDS = tuple(f.name for f in fields(Sheet))
ITEM_FIELDS = tuple(f.name for f in fields(Item))

WRITTEN = (
    "status", "outcome", "stage", "leaf", "visit", "revision", "due", "next_due", "open_warnings", "item_no",
    "warning_no", "sheet_no", "ends_at", "closed_at", "clock_left", "unit_id", "responsible_id", "proposal",
)  # fmt: skip
"""What facts change on a cycle's row, beside its version and head."""

_CYCLE = Sql(f"select {', '.join('c.' + c for c in (*CYCLE_COLUMNS, *WRITTEN))}, c.head, c.college_id, d.hash, "
             "exists (select 1 from incident n where n.kind = 'history' and n.ref = 'cycle:' || c.id and n.state "
             "<> 'solved') "
             "from cycle c join definition d on d.id = c.definition_id where c.id = :id")  # fmt: skip
_CYCLE_LOCKED = Sql(_CYCLE.sqlite, postgresql=_CYCLE.sqlite + " for update of c")
_VISITS = Sql(f"select {', '.join(VISIT_COLUMNS)} from visit where cycle_id = :id order by number")
_SIGNERS = Sql("select person_id, decision, at, signed_by, content from signature where cycle_id = :id and "
               "stage = :stage and visit = :visit and revision = :revision order by position")  # fmt: skip
_ITEMS = Sql(f"select {', '.join(ITEM_COLUMNS)} from work_item where cycle_id = :id and state in ('open', 'stopped') "
             "order by no")  # fmt: skip
_WARNINGS = Sql(f"select {', '.join(WARNING_COLUMNS)} from warning where college_id = :college and cycle_id = :id and "
                "state not in ('closed', 'dismissed') order by opened_at, id")  # fmt: skip
_SHEETS = Sql(f"select {', '.join(SHEET_COLUMNS)} from sheet where college_id = :college and cycle_id = :id and "
              f"state in ('planned', 'open') "
              "order by no")  # fmt: skip

_MANY_CYCLES = _CYCLE.sqlite.replace("c.id = :id", "c.id in :ids[] order by c.id")
_MANY_SELECT = (
    "select x.cycle_id, {columns} from {table} x join cycle c on c.id = x.cycle_id{more} "
    "where c.id in :ids[] and {only}"
)
_MANY = {
    "cycle": Sql(_MANY_CYCLES, postgresql=_MANY_CYCLES + " for update of c"),
    "look": Sql(_MANY_CYCLES),
    "visit": Sql(_MANY_SELECT.format(columns=", ".join(f"x.{c}" for c in VISIT_COLUMNS), table="visit", more="",
                                     only="true order by x.cycle_id, x.number")),
    "signature": Sql(_MANY_SELECT.format(
        columns="x.person_id, x.decision, x.at, x.signed_by, x.content", table="signature",
        more=" and c.stage = x.stage and c.visit = x.visit join visit v on v.cycle_id = c.id and "
             "v.stage = c.stage and v.number = c.visit and v.revision = x.revision",
        only="c.leaf = 'review' order by x.cycle_id, x.position")),
    "item": Sql(_MANY_SELECT.format(columns=", ".join(f"x.{c}" for c in ITEM_COLUMNS), table="work_item", more="",
                                    only="x.state in ('open', 'stopped') order by x.cycle_id, x.no")),
    "warning": Sql(_MANY_SELECT.format(
        columns=", ".join(f"x.{c}" for c in WARNING_COLUMNS), table="warning", more=" and x.college_id = c.college_id",
        only="c.open_warnings > 0 and x.state not in ('closed', 'dismissed') order by x.opened_at, x.id")),
    "sheet": Sql(_MANY_SELECT.format(
        columns=", ".join(f"x.{c}" for c in SHEET_COLUMNS), table="sheet", more=" and x.college_id = c.college_id",
        only="c.sheet_no > 0 and x.state in ('planned', 'open') order by x.cycle_id, x.no")),
}  # fmt: skip


class Row:
    """What stands on the cycle's row beside its snapshot: college, head of the stream, the columns as stored."""

    __slots__ = ("college", "head", "sealed", "stored")

    def __init__(self, college: int, head: str, stored: tuple[Any, ...], sealed: bool = False) -> None:
        self.college = college
        self.head = head
        self.sealed = sealed  # its history does not prove what stands on it: read-only
        self.stored = stored


def load(driver: Driver, cycle: int, *, lock: bool = True) -> tuple[Snapshot, Row] | None:
    """Read a cycle's snapshot with what can still change, or None where there is no such cycle."""
    row = driver.one(_CYCLE_LOCKED if lock else _CYCLE, {"id": cycle})
    if row is None:
        return None
    snap, found = _bare(row)
    key = {"id": cycle, "college": found.college}
    for visit in driver.all(_VISITS, key):
        snap.visits[visit[0]] = _visit(visit)
    if snap.leaf == "review":
        _read_signers(driver, snap)
    for item in driver.all(_ITEMS, key):
        snap.items[item[0]] = Item(**dict(zip(ITEM_FIELDS, item, strict=True)))
    if found.stored[_OPEN_WARNINGS]:
        for values in driver.all(_WARNINGS, key):
            snap.warnings[values[0]] = _warning(values)
    if snap.sheet_no:
        for values in driver.all(_SHEETS, key):
            snap.sheets[values[0]] = Sheet(**dict(zip(SHEET_FIELDS, values, strict=True)))
    return snap, found


def load_many(driver: Driver, ids: Iterable[int], *, lock: bool = True) -> dict[int, tuple[Snapshot, Row]]:
    """Read many cycles at once, as `load` reads each of them."""
    key: dict[str, Any] = {"ids": list(ids)}
    found = {row[0]: _bare(row) for row in driver.all(_MANY["cycle" if lock else "look"], key)}
    for one, *visit in driver.all(_MANY["visit"], key):
        found[one][0].visits[visit[0]] = _visit(tuple(visit))
    for one, person, decision, at, by, content in driver.all(_MANY["signature"], key):
        _note_signer(found[one][0].visit, person, decision, at, by, content)
    for one, *item in driver.all(_MANY["item"], key):
        found[one][0].items[item[0]] = Item(**dict(zip(ITEM_FIELDS, item, strict=True)))
    for one, *warning in driver.all(_MANY["warning"], key):
        found[one][0].warnings[warning[0]] = _warning(tuple(warning))
    for one, *sheet in driver.all(_MANY["sheet"], key):
        found[one][0].sheets[sheet[0]] = Sheet(**dict(zip(SHEET_FIELDS, sheet, strict=True)))
    return found


def _bare(row: tuple[Any, ...]) -> tuple[Snapshot, Row]:
    """Return the snapshot that a cycle's row gives, without what stands in other tables."""
    own = row[: len(CYCLE_COLUMNS)]
    (cycle, status, outcome, stage, leaf, revision, responsible, unit, adopted, started_at, closed_at, item_no,
     warning_no, sheet_no, version, ends_at, left, subject, track, layer, number, parent, previous, start,
     end) = own  # fmt: skip
    stored, (head, college, definition, sealed) = row[len(CYCLE_COLUMNS) : -4], row[-4:]
    snap = Snapshot(
        cycle, status, definition, subject, track, layer, number, parent, previous, start, end, ends_at, outcome, stage,
        leaf, revision, responsible, unit, bool(adopted), started_at, closed_at, item_no, warning_no, sheet_no, version,
        json.loads(left) if left else None,
    )  # fmt: skip
    return snap, Row(college, head, stored, bool(sealed))


def _visit(row: tuple[Any, ...]) -> Visit:
    return Visit(stage=row[0], number=row[1], state=row[2], entered_at=row[3], due=row[4], submitted_at=row[5],
                 submitted_by=row[6], for_=row[7], decided_at=row[8], outcome=row[9], revision=row[10],
                 content=row[11], order=row[12] or "any", need=row[13], auto_at=row[14])  # fmt: skip


def _warning(row: tuple[Any, ...]) -> WarningLife:
    warning = WarningLife(**dict(zip(WARNING_FIELDS, row, strict=True)))
    warning.breached = bool(warning.breached)
    return warning


def _read_signers(driver: Driver, snap: Snapshot) -> None:
    visit = snap.visit
    key = {"id": snap.id, "stage": visit.stage, "visit": visit.number, "revision": visit.revision}
    for row in driver.all(_SIGNERS, key):
        _note_signer(visit, *row)


def _note_signer(
    visit: Visit, person: int, decision: str | None, at: str | None, by: int | None, content: str | None
) -> None:
    visit.signers.append(person)
    if decision:
        visit.signed[person] = {"by": by, "at": at, "content": content, "decision": decision}


_OPEN_WARNINGS = WRITTEN.index("open_warnings")
_updates: dict[tuple[str, ...], Sql] = {}


def _update(changed: tuple[str, ...]) -> Sql:
    """Return the statement that writes these columns: an index is rewritten where its column is named."""
    found = _updates.get(changed)
    if found is None:
        settings = ", ".join(f"{name} = :{name}" for name in (*changed, "version", "head"))
        found = _updates[changed] = Sql(f"update cycle set {settings} where id = :id and version = :was")
    return found


_SET_DEFINITION = Sql(
    "update cycle set definition_id = (select min(id) from definition where hash = :hash) where id = :id"
)
_PUT_VISIT = Sql(
    "insert into visit (cycle_id, stage, number, state, entered_at, due, submitted_at, submitted_by, submitted_for, "
    "decided_at, outcome, revision, content, order_kind, need, auto_at) values (:cycle, :stage, :number, :state, "
    ":entered_at, :due, :submitted_at, :submitted_by, :for_, :decided_at, :outcome, :revision, :content, :order, "
    ":need, :auto_at) on conflict (cycle_id, stage, number) do update set state = excluded.state, "
    "due = excluded.due, submitted_at = excluded.submitted_at, submitted_by = excluded.submitted_by, "
    "submitted_for = excluded.submitted_for, decided_at = excluded.decided_at, outcome = excluded.outcome, "
    "revision = excluded.revision, content = excluded.content, order_kind = excluded.order_kind, "
    "need = excluded.need, auto_at = excluded.auto_at"
)
_VOID_VISIT = Sql("update visit set state = 'void' where cycle_id = :cycle and stage = :stage and number = :number")
_NEW_ITEM = Sql(
    "insert into work_item (college_id, cycle_id, subject_id, no, kind, stage, visit, ref, holder_id, owner_id, "
    "unit_id, "
    "layer, opened_at, due, deadline_no, level, next_level, next_level_at, state, closed_at, clock_left) values "
    "(:college, :cycle, :subject, :no, :kind, :stage, :visit, :ref, :holder, :owner, :unit, :layer, :opened_at, :due, "
    ":deadline_no, :level, :next_level, :level_at, :state, :closed_at, :left)"
)
_SET_ITEM = Sql(
    "update work_item set stage = :stage, visit = :visit, holder_id = :holder, due = :due, deadline_no = :deadline_no, "
    "level = :level, next_level = :next_level, next_level_at = :level_at, state = :state, closed_at = :closed_at, "
    "clock_left = :left where college_id = :college and cycle_id = :cycle and no = :no"
)
_END_ITEM = Sql(
    "update work_item set state = :state, closed_at = :closed_at, next_level = null, next_level_at = null "
    "where college_id = :college and cycle_id = :cycle and no = :no"
)
_PUT_WARNING = Sql(
    "insert into warning (id, college_id, cycle_id, subject_id, point_id, task_id, kind, severity, state, breached, "
    "inside, opened_at, reading_id, limit_text, value, cause, scope, measure, proposal, reason, confirmed_at, "
    "closed_at, acknowledged_by, limit_id, category) values (:id, :college, :cycle, :subject, :point, :task, :kind, "
    ":severity, :state, :breached, 0, :opened_at, :reading, :limit, :value, :cause, :scope, :measure, :proposal, "
    ":reason, :confirmed_at, :closed_at, :acknowledged_by, :limit_id, :category) on conflict (id) do update set "
    "cycle_id = excluded.cycle_id, severity = excluded.severity, state = excluded.state, breached = excluded.breached, "
    "reading_id = excluded.reading_id, value = excluded.value, cause = excluded.cause, scope = excluded.scope, "
    "measure = excluded.measure, proposal = excluded.proposal, reason = excluded.reason, "
    "confirmed_at = excluded.confirmed_at, closed_at = excluded.closed_at, acknowledged_by = excluded.acknowledged_by, "
    "category = excluded.category"
)
_PUT_SHEET = Sql(
    "insert into sheet (college_id, cycle_id, no, kind, number, due, issue_at, assessor_id, state, content, "
    "recorded_at, recorded_by) values (:college, :cycle, :no, :kind, :no, :due, :issue_at, :assessor, :state, "
    ":content, :recorded_at, :recorded_by) on conflict (college_id, cycle_id, no) do update set due = excluded.due, "
    "assessor_id = excluded.assessor_id, state = excluded.state, content = excluded.content, "
    "recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by"
)
_PUT_SIGNER = Sql(
    "insert into signature (cycle_id, stage, visit, revision, position, person_id, added, decision, at, on_behalf_of, "
    "signed_by, content, void) values (:cycle, :stage, :visit, :revision, :position, :person, :added, null, "
    "null, null, "
    "null, null, false)"
)
_SIGN = Sql(
    "update signature set decision = :decision, at = :at, signed_by = :by, on_behalf_of = :for_, content = :content "
    "where cycle_id = :cycle and stage = :stage and visit = :visit and revision = :revision and person_id = :person"
)
_VOID_SIGNERS = Sql("update signature set void = true where cycle_id = :cycle and stage = :stage and visit = :visit "
                    "and not void")  # fmt: skip
_ASKED = Sql("select 1 from signature where cycle_id = :cycle and person_id = :person limit 1")
_MOVE_SIGNER = Sql(
    "update signature set person_id = :to where cycle_id = :cycle and stage = :stage and visit = :visit "
    "and revision = :revision and person_id = :former and decision is null"
)

_item_values = attrgetter(*ITEM_FIELDS)
_visit_values = attrgetter(*(f.name for f in fields(Visit)))
_VISIT_FIELDS = tuple(f.name for f in fields(Visit))


def save(driver: Driver, snap: Snapshot, row: Row, was: int, last_item: int) -> bool:
    """Write a changed snapshot; False where somebody else changed the cycle since version ``was``."""
    values = _values(snap)
    changed = {name: value for name, value, old in zip(WRITTEN, values, row.stored, strict=True) if value != old}
    key = {"version": snap.version, "head": row.head, "id": snap.id, "was": was}
    if driver.run(_update(tuple(changed)), changed | key) != 1:
        return False
    row.stored = values
    write_touched(driver, snap, row.college, last_item)
    return True


def _values(snap: Snapshot) -> tuple[Any, ...]:
    """Return the snapshot's values of the columns `WRITTEN`."""
    visit = snap.visits.get(snap.stage)
    return (
        snap.status, snap.outcome, snap.stage, snap.leaf, visit.number if visit else 0, snap.revision,
        visit.due if visit else None, snap.next_due(), len(snap.open_warnings()) if snap.warnings else 0, snap.item_no,
        snap.warning_no, snap.sheet_no, snap.ends_at, snap.closed_at, json.dumps(snap.left) if snap.left else None,
        snap.unit, snap.responsible, next((w.id for w in snap.warnings.values() if w.proposal), None),
    )  # fmt: skip


def write_touched(driver: Driver, snap: Snapshot, college: int, last_item: int) -> None:
    """Write the rows that facts touched: visits, work items, warnings, sheets."""
    for mark in snap.touched:
        if mark[0] == "item":
            _write_item(driver, snap, college, snap.items[mark[1]], last_item)
        elif mark[0] == "visit":
            _write_visit(driver, snap, mark[1], mark[2])
        elif mark[0] == "warning":
            if mark[1] in snap.warnings:
                write_warning(driver, college, snap.id, snap.subject, snap.warnings[mark[1]])
        else:
            _write_sheet(driver, snap, college, snap.sheets[mark[1]])
    snap.touched.clear()


def _write_item(driver: Driver, snap: Snapshot, college: int, item: Item, last_item: int) -> None:
    if item.closed_at and item.no <= last_item:
        driver.run(_END_ITEM, {"state": item.state, "closed_at": item.closed_at, "college": college, "cycle": snap.id,
                               "no": item.no})  # fmt: skip
        return
    values = item_params(item, snap, college)
    driver.run(_NEW_ITEM if item.no > last_item else _SET_ITEM, values)


def item_params(item: Item, snap: Snapshot, college: int) -> dict[str, Any]:
    """Return a work item's row as parameters."""
    values = dict(zip(ITEM_FIELDS, _item_values(item), strict=True))
    values["college"], values["cycle"], values["subject"] = college, snap.id, snap.subject
    values["unit"], values["layer"] = snap.unit, snap.layer
    values["next_level"] = item.level + 1 if item.level_at else None
    return values


def _write_visit(driver: Driver, snap: Snapshot, stage: str, number: int) -> None:
    visit = snap.visits[stage]
    if visit.number != number:
        driver.run(_VOID_VISIT, {"cycle": snap.id, "stage": stage, "number": number})
        return
    values = dict(zip(_VISIT_FIELDS, _visit_values(visit), strict=True))
    values["cycle"] = snap.id
    driver.run(_PUT_VISIT, values)


def write_warning(driver: Driver, college: int, cycle: int | None, subject: int, warning: WarningLife) -> None:
    """Write one warning's row."""
    values = {name: getattr(warning, name) for name in WARNING_FIELDS}
    driver.run(_PUT_WARNING, values | {"college": college, "cycle": cycle, "subject": subject})


def _write_sheet(driver: Driver, snap: Snapshot, college: int, sheet: Sheet) -> None:
    values = {name: getattr(sheet, name) for name in SHEET_FIELDS}
    driver.run(_PUT_SHEET, values | {"college": college, "cycle": snap.id})


def set_definition(driver: Driver, cycle: int, digest: str) -> None:
    """Pin a cycle to another stored definition (a migration)."""
    driver.run(_SET_DEFINITION, {"hash": digest, "id": cycle})


def ask(driver: Driver, snap: Snapshot, signers: Iterable[int], *, added: bool = False, first: int = 1) -> None:
    """Write the signers asked to decide the current visit."""
    visit = snap.visit
    for position, person in enumerate(signers, first):
        driver.run(_PUT_SIGNER, {"cycle": snap.id, "stage": visit.stage, "visit": visit.number,
                                 "revision": visit.revision, "position": position, "person": person,
                                 "added": added})  # fmt: skip


def sign(driver: Driver, snap: Snapshot, visit: Visit, revision: int, person: int, for_: int | None) -> None:
    """Write one signature of a visit."""
    signed = visit.signed[person]
    driver.run(_SIGN, {"decision": signed["decision"], "at": signed["at"], "by": signed["by"], "for_": for_,
                       "content": signed["content"], "cycle": snap.id, "stage": visit.stage, "visit": visit.number,
                       "revision": revision, "person": person})  # fmt: skip


_INVITED = Sql("select 1 from signature where cycle_id = :cycle and stage = :stage and visit = :visit and "
               "person_id = :person and added limit 1")  # fmt: skip


def invited(driver: Driver, snap: Snapshot, person: int) -> bool:
    """Tell whether another signer named a person to sign the current visit, whatever their post."""
    key = {"cycle": snap.id, "stage": snap.stage, "visit": snap.visit.number, "person": person}
    return driver.value(_INVITED, key) is not None


def asked(driver: Driver, cycle: int, person: int) -> bool:
    """Tell whether a person was ever asked to sign in a cycle."""
    return driver.value(_ASKED, {"cycle": cycle, "person": person}) is not None


def void_signers(driver: Driver, cycle: int, stage: str, visit: int) -> None:
    """Void the signatures of a visit whose submission was withdrawn, rejected or sent back."""
    driver.run(_VOID_SIGNERS, {"cycle": cycle, "stage": stage, "visit": visit})


def move_signer(driver: Driver, snap: Snapshot, former: int, to: int) -> None:
    """Let another person sign in somebody's place."""
    visit = snap.visit
    driver.run(_MOVE_SIGNER, {"cycle": snap.id, "stage": visit.stage, "visit": visit.number,
                              "revision": visit.revision, "former": former, "to": to})  # fmt: skip
