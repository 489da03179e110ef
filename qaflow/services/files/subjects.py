"""Subjects from a file: what runs spirals, where it lies and who answers for it."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.services.cycles.acting import keep
from qaflow.services.places import subjects
from qaflow.services.places.subjects import NewSubject
from qaflow.store import accounts as people
from qaflow.store import subjects as rows
from qaflow.store.subjects import SubjectRow

from .cells import Column
from .imports import Import, Kind, loops
from .tabular import Row, unique

REASON = "import"
COLUMNS = (
    Column(key="layer", zh="层面", what="code", required=True),
    Column(key="code", zh="代码", what="code", required=True),
    Column(key="name", zh="名称", required=True),
    Column(key="unit", zh="单位", what="code", required=True),
    Column(key="responsible", zh="责任人", what="code"),
    Column(key="starts", zh="开始", what="day"),
    Column(key="ends", zh="结束", what="day"),
    Column(key="tier", zh="层次"),
    Column(key="anchor", zh="起算日", what="day"),
    Column(key="parent", zh="上级", what="code", length=130),
)


class Known(NamedTuple):
    """What rows may refer to: subjects and their parents by ``layer/code``, units by code, people by login."""

    subjects: dict[str, SubjectRow]
    units: dict[str, int]
    people: dict[str, people.Account]


def take(run: Import) -> None:
    """Add the subjects that are new, with their schedule, and write those that differ; running cycles follow."""
    named = unique(run.table, "layer", "code")
    known = _known(run)
    _check(run, named, known)
    run.table.faults.raise_any()
    fresh = [row for row in named if _key(row) not in known.subjects]
    old = [row for row in named if _key(row) in known.subjects]
    ids = {key: subject.id for key, subject in known.subjects.items()}
    for batch in _parents_first(fresh, ids):
        made = subjects.add_subjects(run.session, run.driver, run.writer, run.origin, run.college,
                                     [_new(row, known, ids) for row in batch])  # fmt: skip
        ids |= dict(zip(map(_key, batch), made, strict=True))
    before = [known.subjects[_key(row)] for row in old]
    after = [_changed(run, row, known, ids) for row in old]
    run.new, run.updated = len(fresh), sum(a != b for a, b in zip(before, after, strict=True))
    run.unchanged = len(named) - run.new - run.updated
    if run.updated:
        reason = keep(run.driver, REASON)
        subjects.change(run.session, run.driver, run.writer, run.origin, run.college, before, after, reason)


def _key(row: Row) -> str:
    return f"{row['layer']}/{row['code']}"


def _parent_key(row: Row) -> str | None:
    """Return ``layer/code`` of the parent; a code alone means the row's own layer."""
    parent: str | None = row["parent"]
    return parent if parent is None or "/" in parent else f"{row['layer']}/{parent}"


def _known(run: Import) -> Known:
    college = run.college.id
    logins = {row["responsible"] for row in run.table.rows if row["responsible"]}
    standing = {f"{s.layer}/{s.code}": s for s in rows.subjects(run.driver, college)}
    units = {code: unit.id for code, unit in rows.units(run.driver, college).items()}
    found = people.by_logins(run.driver, logins)
    ours = {k: a for k, a in found.items() if a.college_id == college and not (a.is_system or a.program_since)}
    return Known(standing, units, ours)


def _check(run: Import, named: list[Row], known: Known) -> None:
    layers = {layer.key for layer in run.college.config.layers}
    codes = {subject.id: key for key, subject in known.subjects.items()}
    parents = {key: codes.get(subject.parent_id or 0) for key, subject in known.subjects.items()}
    every = set(known.subjects) | {_key(row) for row in named}
    for row in named:
        if row["layer"] not in layers:
            told = f"no layer {row['layer']!r}; one of {', '.join(sorted(layers))}"
            run.fault(row, "layer", "ref.unknown_layer", told)
        if row["unit"] is not None and row["unit"] not in known.units:
            run.fault(row, "unit", "ref.unknown_unit", f"no unit {row['unit']!r} in this college")
        _check_person(run, row, known)
        _check_days(run, row, known)
        if run.has("parent"):
            parents[_key(row)] = _check_parent(run, row, every)
    by_key = {_key(row): row for row in named}
    for key, chain in loops(parents, list(by_key)):
        run.fault(by_key[key], "parent", "org.cycle", f"subjects lie under themselves: {' → '.join(chain)}")


def _check_person(run: Import, row: Row, known: Known) -> None:
    login = row["responsible"]
    if login is None:
        return
    account, standing = known.people.get(login), known.subjects.get(_key(row))
    if account is None:
        run.fault(row, "responsible", "ref.unknown_user", f"no person {login!r} in this college")
    elif account.disabled_at is not None and (standing is None or standing.responsible_id != account.id):
        run.fault(row, "responsible", "ref.unknown_user", f"{login} is disabled: name somebody who can act")


def _check_days(run: Import, row: Row, known: Known) -> None:
    standing = known.subjects.get(_key(row))
    starts = row["starts"] if run.has("starts") or standing is None else standing.starts
    ends = row["ends"] if run.has("ends") or standing is None else standing.ends
    if starts and ends and ends < starts:
        run.fault(row, "ends", "date.order", f"the end {ends} lies before the start {starts}")


def _check_parent(run: Import, row: Row, every: set[str]) -> str | None:
    parent = _parent_key(row)
    if parent == _key(row):
        run.fault(row, "parent", "org.self_supervision", f"{parent} cannot lie under itself")
        return None
    if parent is not None and parent not in every:
        run.fault(row, "parent", "ref.unknown_subject", f"no subject {parent!r} in the college or in this file")
    return parent


def _parents_first(fresh: list[Row], ids: dict[str, int]) -> list[list[Row]]:
    """Return the new rows in batches so that a parent stands before what lies under it."""
    placed, left, batches = set(ids), fresh, []
    while left:
        ready = [row for row in left if _parent_key(row) is None or _parent_key(row) in placed]
        batches.append(ready)
        placed |= {_key(row) for row in ready}
        left = [row for row in left if _key(row) not in placed]
    return batches


def _person(row: Row, known: Known) -> int | None:
    return known.people[row["responsible"]].id if row["responsible"] else None


def _new(row: Row, known: Known, ids: dict[str, int]) -> NewSubject:
    parent = _parent_key(row)
    unit, person = known.units[row["unit"]], _person(row, known)
    return NewSubject(row["layer"], row["code"], row["name"], unit, person, row["starts"], row["ends"], row["tier"],
                      row["anchor"], ids[parent] if parent else None)  # fmt: skip


def _changed(run: Import, row: Row, known: Known, ids: dict[str, int]) -> SubjectRow:
    """Return the subject as the file wants it; a column that the file has not stays as it stands."""
    old = known.subjects[_key(row)]
    parent = _parent_key(row)
    given: dict[str, Any] = {"responsible": ("responsible_id", _person(row, known)),
                             "starts": ("starts", row["starts"]), "ends": ("ends", row["ends"]),
                             "tier": ("tier", row["tier"]),
                             "anchor": ("anchor", row["anchor"] or old.anchor),
                             "parent": ("parent_id", ids[parent] if parent else None)}  # fmt: skip
    fields = dict(pair for key, pair in given.items() if run.has(key))
    return old._replace(name=row["name"], unit_id=known.units[row["unit"]], **fields)


SUBJECTS = Kind(key="subjects", columns=COLUMNS, take=take)
