"""Loading a college from its folder, and again when its files changed: one transaction, told in its stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from qaflow.engine.calendar import Calendar
from qaflow.engine.faults import faulty
from qaflow.engine.loader import Folder
from qaflow.errors import Invalid, Refused
from qaflow.services.college import forget, view
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.scheduling import first_start
from qaflow.services.places import adopting as calendars_adopt
from qaflow.services.places import recalendar
from qaflow.services.places.adopting import Adoption
from qaflow.services.points import monitoring
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import colleges, rounds
from qaflow.store import loading as store
from qaflow.store.colleges import CollegeRow
from qaflow.store.db import Driver, utc
from qaflow.store.loading import Key, Standing, Table

from . import publishing
from .loading_limits import FileLimits
from .loading_rows import ORDER, Row, college_values, digests, keys_of

Data = dict[str, Any]
ENDING = ("unit", "subject")
"""What is never taken out, for history names it: it ends on the day of the loading."""


@dataclass
class Change:
    """What differs in one table."""

    table: Table
    new: list[tuple[int | None, Key, tuple[Any, ...]]]
    changed: list[tuple[Key, tuple[Any, ...]]]
    gone: list[tuple[Key, int | None]]
    kept: list[Key]  # left the files, but readings, warnings or cycles refer to them
    wanted: list[Row]
    ended: tuple[Key, ...] = ()  # left the files and ends today


def load_college(session: AnySession, origin: Origin, folder: Folder) -> Data:
    """Write a college that is not there yet, all of it or nothing; returns its key, `counts` and `digests`."""
    sound(folder)

    def body(driver: Driver) -> Data:
        assert folder.college is not None
        if colleges.by_key(driver, folder.college.key) is not None:
            known = folder.college.key
            raise Refused("college.exists", f"the college {known} is loaded already", allowed=["init --yes"])
        store.insert_college(driver, college_values(folder) | {"at": utc(origin.now)})
        return _renew(session, driver, origin, folder, first=True)

    return transact(session, body)


def renew_college(session: AnySession, origin: Origin, folder: Folder, write: bool) -> Data:
    """Compare a loaded college with its folder and, with `write`, take the folder's state over."""
    sound(folder)
    try:
        return transact(session, lambda driver: _previewed(session, driver, origin, folder, write))
    except _OnlyLooked as looked:
        return looked.summary
    finally:
        forget(session)


class _OnlyLooked(Exception):
    """Takes a preview's writing back and its summary out."""

    def __init__(self, summary: Data) -> None:
        super().__init__()
        self.summary = summary


def _previewed(session: AnySession, driver: Driver, origin: Origin, folder: Folder, write: bool) -> Data:
    """Write the folder's state and, without `write`, take it back: only so can a calendar's effect be told before."""
    summary = _renew(session, driver, origin, folder, look=not write)
    if not write:
        raise _OnlyLooked(summary)
    return summary


def is_loaded(session: AnySession, key: str) -> bool:
    """Tell whether a college is in the database."""
    return transact(session, lambda driver: colleges.by_key(driver, key) is not None)


def sound(folder: Folder) -> None:
    """Refuse a folder with faults, naming all of them."""
    if faulty(folder.faults) or folder.college is None:
        errors = [{"at": f"{f.file}:{f.line}:{f.col}", "code": f.code, "detail": f.message, "remedy": f.remedy,
                   "severity": f.severity} for f in folder.faults]  # fmt: skip
        raise Invalid("college.invalid", f"the folder has {len(errors)} faults; nothing was loaded", errors=errors)


def _renew(session: AnySession, driver: Driver, origin: Origin, folder: Folder, *, look: bool = False,
           first: bool = False) -> Data:  # fmt: skip
    values = college_values(folder)
    row = colleges.by_key(driver, values["key"])
    assert row is not None and folder.college is not None
    stream = CollegeStream(driver, origin, row.id, row.key)  # locks, so that two loadings do not mix
    former = view(session, driver, row.id).calendar
    before = _before(driver, row.key)
    limits = FileLimits()
    changes = _changes(driver, row.id, folder, before, origin, former, limits)
    adoption = calendars_adopt.wanted(driver, row.id, folder, {k[0] for k in before.get("own_day", ())})
    published = publishing.unpublished(driver, folder.definitions.values())
    college = [] if first else _college_fields(row, values)
    fresh = [{"what": "definition", "key": f"{d.key} {d.version}", "change": "new"} for d in published]
    differences = [*_shown(row.key, college, changes), *limits.shown, *calendars_adopt.shown(adoption), *fresh]
    summary: Data = {
        "key": row.key, "name": {"zh": values["name_zh"], "en": values["name_en"]}, "differences": differences,
        "counts": _counts(changes, folder, adoption),
        "kept": [f"{name} {_text(key)}" for name, change in changes.items() for key in change.kept],
        "people": limits.kept,
    }  # fmt: skip
    if look and changes["track"].kept:
        return summary
    if first or differences:
        store.update_college(driver, row.id, values)
        _write(driver, row.id, changes)
        limits.write(driver, row.id, stream, utc(origin.now))
        publishing.put(driver, origin, stream, row.id, published)
        _adopt(driver, row.id, folder, adoption, changes["term"], stream, origin)
        loaded = {"digests": digests(folder), "counts": summary["counts"],
                  "keys": keys_of({n: c.wanted for n, c in changes.items()}) | {"own_day": [[d] for d in adoption.own]},
                  **({} if first else {"changes": _tally(differences)}),
                  **({"people": limits.kept} if limits.kept else {})}  # fmt: skip
        stream.fact("CollegeLoaded", loaded)
        colleges.reconfigure(driver, row.id)
        _schedule(session, driver, origin, row.id, changes)
        stream.close()
        if not first:
            differences += recalendar.follow(session, driver, origin, row.id, former)
    return summary


def _before(driver: Driver, key: str) -> dict[str, set[Key]]:
    """Return the keys that the last loading brought, by table; what others added is not the files' to take out."""
    text = store.last_loaded(driver, key)
    keys: dict[str, list[list[Any]]] = json.loads(text)["keys"] if text else {}
    return {name: {tuple(k) for k in found} for name, found in keys.items()}


def _changes(driver: Driver, college: int, folder: Folder, before: dict[str, set[Key]], origin: Origin,
             calendar: Calendar, limits: FileLimits) -> dict[str, Change]:  # fmt: skip
    ids: dict[str, dict[str, int]] = {}
    assert folder.college is not None
    today = origin.now.astimezone(ZoneInfo(folder.college.timezone)).date()

    def refs(name: str, code: str | None) -> int | None:
        return ids.get(name, {}).get(code) if code is not None else None

    found = {}
    for name, (table, rows) in ORDER.items():
        standing = store.standing(driver, table, college)
        numbers = _numbers(driver, table, standing, [key for key, _ in rows(folder, refs)])
        ids[name] = {str(key[-1]): number for key, number in numbers.items()}
        wanted = rows(folder, refs)
        if name == "control_point":
            wanted = limits.settle(driver, college, calendar, today, standing, wanted)
        found[name] = _compare(table, standing, numbers, wanted, before.get(name, set()))
        if name in ENDING:
            _end(found[name], standing, today)
    return found


def _numbers(driver: Driver, table: Table, standing: dict[Key, Standing], keys: list[Key]) -> dict[Key, int]:
    """Return the numbers of all rows, the new ones reserved."""
    if not table.numbered:
        return {}
    known = {key: row.id for key, row in standing.items() if row.id is not None}
    new = [key for key in keys if key not in known]
    return known | dict(zip(new, driver.reserve(table.name, len(new)), strict=True)) if new else known


def _compare(table: Table, standing: dict[Key, Standing], numbers: dict[Key, int], wanted: list[Row],
             before: set[Key]) -> Change:  # fmt: skip
    keys = {key for key, _ in wanted}
    left = [(key, row) for key, row in standing.items() if key in before - keys]
    return Change(
        table=table,
        new=[(numbers.get(key), key, values) for key, values in wanted if key not in standing],
        changed=[(key, values) for key, values in wanted
                 if key in standing and standing[key].values != values and not standing[key].own],
        gone=[(key, row.id) for key, row in left if not row.held],
        kept=[key for key, row in left if row.held],
        wanted=wanted,
    )  # fmt: skip


def _end(change: Change, standing: dict[Key, Standing], day: date) -> None:
    """Let what left the files end today instead of taking it out."""
    at = change.table.values.index("ends")
    for key, _ in change.gone:
        values = list(standing[key].values)
        values[at] = day.isoformat()
        change.changed.append((key, tuple(values)))
    change.ended = tuple(key for key, _ in change.gone)
    change.gone = []


def _college_fields(row: CollegeRow, values: Data) -> list[str]:
    now = row._asdict() | {"until": row.calendar_until}
    return [name for name, value in values.items() if now[name] != value]


def _shown(key: str, college: list[str], changes: dict[str, Change]) -> list[Data]:
    found: list[Data] = [{"what": "college", "key": key, "change": "changed", "fields": college}] if college else []
    for name, change in changes.items():
        found += [{"what": name, "key": _text(k), "change": "new"} for _, k, _ in change.new]
        found += [{"what": name, "key": _text(k), "change": "gone" if k in change.ended else "changed"}
                  for k, _ in change.changed]  # fmt: skip
        found += [{"what": name, "key": _text(k), "change": "gone"} for k, _ in change.gone]
    return found


def _text(key: Key) -> str:
    return " ".join(map(str, key))


def _counts(changes: dict[str, Change], folder: Folder, adoption: Adoption) -> dict[str, int]:
    levels = [values[0] for _, values in changes["frame"].wanted]
    named = {"units": "unit", "subjects": "subject", "tracks": "track", "control_points": "control_point",
             "tasks": "plan_task", "goals": "goal", "standards": "standard", "terms": "term"}  # fmt: skip
    return {
        **{shown: len(changes[name].wanted) for shown, name in named.items()},
        "items": levels.count("item"), "elements": levels.count("element"), "points": levels.count("point"),
        "definitions": len(folder.definitions), "years_adopted": len(adoption.years),
    }  # fmt: skip


def _tally(differences: list[Data]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in differences:
        counts = found.setdefault(one["what"], {})
        counts[one["change"]] = counts.get(one["change"], 0) + 1
    return found


def _write(driver: Driver, college: int, changes: dict[str, Change]) -> None:
    if changes["track"].kept:
        named = ", ".join(map(_text, changes["track"].kept))
        raise Refused("track.in_use", f"cycles still run on {named}, which the files no longer hold; put it back")
    for change in changes.values():
        store.insert(driver, change.table, college, change.new)
        store.update(driver, change.table, college, change.changed)
    for change in reversed(changes.values()):
        keys, ids = [key for key, _ in change.gone], [number for _, number in change.gone if number is not None]
        store.take_out(driver, change.table, college, keys, ids)


def _adopt(driver: Driver, college: int, folder: Folder, adoption: Adoption, terms: Change, stream: CollegeStream,
           origin: Origin) -> None:  # fmt: skip
    """Write the calendar's days; the fact also tells of terms that changed."""
    if adoption.empty and not (terms.new or terms.changed or terms.gone):
        return
    calendars_adopt.adopt(driver, college, adoption, utc(origin.now))
    stream.fact("CalendarAdopted", calendars_adopt.fact(folder, adoption))


def _schedule(session: AnySession, driver: Driver, origin: Origin, college: int, changes: dict[str, Change]) -> None:
    """Give each subject of the files a schedule of each track of its layer: it starts at the next period's start."""
    forget(session)  # nothing of this transaction may outlive its failure in the cache
    found = view(session, driver, college)
    today = found.calendar.local_day(origin.now)
    own = sorted({track.layer for track in found.config.tracks if track.period.from_ == "subject"})
    store.anchor(driver, college, own, today.isoformat())
    rows = []
    for track in found.config.tracks:
        codes = [key[1] for key, _ in changes["subject"].wanted if key[0] == track.layer]
        for subject, anchor, ends in store.unscheduled(driver, college, track.layer, track.key, codes):
            rows.append((college, subject, track.key, *first_start(found, track, today, anchor, ends)))
    rounds.schedule(driver, rows)
    monitoring.settle_tasks(driver, college, today)
    forget(session)
