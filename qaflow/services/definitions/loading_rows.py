"""A college's folder as rows: what each table should hold, by the rows' own keys; nothing is read or written here.

A row that names another (a unit's parent, a standard's plan) asks `refs` for the other's number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from qaflow.engine import formulas
from qaflow.engine.college import Tier
from qaflow.engine.definition import Label, canonical, to_plain
from qaflow.engine.loader import Folder
from qaflow.errors import Invalid
from qaflow.store import loading as store
from qaflow.store.loading import Key, Table

Row = tuple[Key, tuple[Any, ...]]
Refs = Callable[[str, str | None], int | None]
SPIRAL_UNITS = ("functional", "teaching")
"""Units that run spirals of their own; sections and classes take part in those of others."""


def units(folder: Folder, refs: Refs) -> list[Row]:
    """Return the college itself as the root unit, and its units below it, parents first."""
    college = folder.college
    assert college is not None
    root = ((college.key,), ("college", None, college.name.zh, college.name.en, None, "[]", None))
    return [root, *(_unit(one, college.key, refs) for one in _by_depth(_organised(folder), "code"))]


def _organised(folder: Folder) -> Sequence[dict[str, Any]]:
    return folder.organisation["units"] if folder.organisation else ()


def _unit(one: dict[str, Any], root: str, refs: Refs) -> Row:
    if one["code"] == root:
        raise Invalid("def.duplicate_id", f"the unit {root!r} has the college's own key; give it another code")
    name = one["name"]
    return (one["code"],), (one["kind"], one["system"], name["zh"], name["en"], refs("unit", one["parent"] or root),
                            canonical(one["aliases"]), None)  # fmt: skip


def _by_depth(entries: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Return the entries with each parent before its children; the files were checked for circles."""
    by_key = {one[key]: one for one in entries}

    def depth(one: dict[str, Any]) -> int:
        above = by_key.get(one["parent"])
        return 0 if above is None else 1 + depth(above)

    return sorted(by_key.values(), key=depth)


def subjects(folder: Folder, refs: Refs) -> list[Row]:
    """Return the school layer's subjects, the school and each unit, and the service layer's (engine rules, 2)."""
    college = folder.college
    assert college is not None
    layers = {layer.key for layer in college.layers}
    found: list[Row] = []
    if "school" in layers:
        found.append((("school", college.key), (college.name.zh, refs("unit", college.key), "college", None)))
    for one in _organised(folder):
        own = ("school",) if one["kind"] in SPIRAL_UNITS else ()
        served = ("service",) if one["kind"] == "functional" else ()
        values = (one["name"]["zh"], refs("unit", one["code"]), one["kind"], None)
        found += [((layer, one["code"]), values) for layer in (*own, *served) if layer in layers]
    return found


def tracks(folder: Folder, refs: Refs) -> list[Row]:
    """Return the tracks; the whole of each stands in its body."""
    assert folder.college is not None
    return [((t.layer, t.key), (t.definition, t.parent, canonical(to_plain(t)))) for t in folder.college.tracks]


def frame(folder: Folder, refs: Refs) -> list[Row]:
    """Return the frame's items, elements and diagnosis points."""
    return [row for item in (folder.points or {}).get("items", ()) for row in frame_parts(item)]


BELOW = {"item": ("element", "elements"), "element": ("point", "points")}


def frame_parts(one: dict[str, Any], level: str = "item", parent: str | None = None) -> Iterator[Row]:
    """Yield an item of a frame and what lies below it, each by its code."""
    inner, name = BELOW.get(level, ("", ""))
    body = canonical({k: v for k, v in one.items() if k != name})
    yield (one["code"],), (level, parent, one["name"]["zh"], one["name"]["en"], one.get("star", ""), body)
    for below in one.get(name, ()):
        yield from frame_parts(below, inner, one["code"])


LATER = ("formula", "alarm_lower", "alarm_upper")
"""What stands in a control point's text only where it is said, so that those without it stay as they were."""


def control_points(folder: Folder, refs: Refs) -> list[Row]:
    """Return the control points; each needs a target, for readings are judged against it."""
    return [_control_point(one) for one in (folder.points or {}).get("control_points", ())]


def _control_point(one: dict[str, Any]) -> Row:
    if one["target"] is None:
        raise Invalid("point.target", f"control point {one['key']} has no target; give it the value to be reached")
    name = one["name"]
    return (one["key"],), (one["layer"], name["zh"], name["en"], one["unit"], one["cadence"], one["direction"],
                           float(one["target"]), one["warn_lower"], one["warn_upper"],
                           formulas.canonical(formulas.parse(one["formula"])) if one["formula"] else None,
                           canonical({k: v for k, v in one.items() if v is not None or k not in LATER}))  # fmt: skip


def plan_tasks(folder: Folder, refs: Refs) -> list[Row]:
    """Return the tasks of all plans; the first department named owns the task."""
    return [_task(file, one, refs) for file in folder.tasks for one in file["tasks"]]


def _task(file: dict[str, Any], one: dict[str, Any], refs: Refs) -> Row:
    title, departments = one["title"], one["departments"]
    owner = refs("unit", departments[0]) if departments else None
    body = canonical(one | {"plan": file["plan"]})
    return (file["plan"]["key"], one["no"]), (
        title["zh"], title["en"], canonical(departments), owner, one["point"], one["task_kind"], one["origin"],
        one["source_time"] or None, one["month"], one["recurs"], body,
    )  # fmt: skip


def goals(folder: Folder, refs: Refs) -> list[Row]:
    """Return the entries of the goal chain, parents first."""
    return [
        ((one["key"],), (one["layer"], one["name"]["zh"], one["name"]["en"], canonical(one["departments"]),
                         refs("goal", one["parent"]), canonical(one)))
        for one in _by_depth(folder.plans, "key")
    ]  # fmt: skip


def standards(folder: Folder, refs: Refs) -> list[Row]:
    """Return the entries of the standard chain."""
    return [
        ((one["key"],), (one["layer"], one["name"]["zh"], one["name"]["en"], canonical(one["departments"]),
                         refs("goal", one["plan"]), canonical(one["indicator"]) if one["indicator"] else None,
                         one["system"], canonical(one)))
        for one in folder.standards
    ]  # fmt: skip


def terms(folder: Folder, refs: Refs) -> list[Row]:
    """Return the terms of the teaching years."""
    found = [t for year in (folder.calendar or {}).get("years", ()) for t in year["terms"]]
    return [((t["key"],), (t["name"]["zh"], t["name"]["en"], t["starts"], t["ends"])) for t in found]


def catalogue(folder: Folder, refs: Refs) -> list[Row]:
    """Return the self-tests, and the categories and grades of incidents."""
    found: list[Row] = [(("selftest", form.key), (canonical(to_plain(form)),)) for form in folder.selftests]
    if folder.incidents is not None:
        found.append((("incidents", "incidents"), (canonical(to_plain(folder.incidents)),)))
    return found


ORDER: dict[str, tuple[Table, Callable[[Folder, Refs], list[Row]]]] = {
    "unit": (store.UNIT, units),
    "subject": (store.SUBJECT, subjects),
    "track": (store.TRACK, tracks),
    "frame": (store.FRAME, frame),
    "control_point": (store.CONTROL_POINT, control_points),
    "plan_task": (store.PLAN_TASK, plan_tasks),
    "goal": (store.GOAL, goals),
    "standard": (store.STANDARD, standards),
    "term": (store.TERM, terms),
    "catalogue": (store.CATALOGUE, catalogue),
}
"""The tables that files fill, those that are named by others first."""


def college_values(folder: Folder) -> dict[str, Any]:
    """Return the college's own row."""
    college = folder.college
    assert college is not None
    months = tuple((folder.calendar or {}).get("grid_months", ()))
    return {"key": college.key, "name_zh": college.name.zh, "name_en": college.name.en, "timezone": college.timezone,
            "body": canonical(to_plain(replace(college, grid_months=months, tiers=_tiers(folder)))),
            "until": until(folder)}  # fmt: skip


def _tiers(folder: Folder) -> tuple[Tier, ...]:
    found = (folder.organisation or {}).get("tiers", ())
    return tuple(Tier(layer=one["layer"], key=one["key"], name=Label(**one["name"])) for one in found)


def until(folder: Folder) -> str | None:
    """Return the last day of the teaching years, the last break included."""
    years = (folder.calendar or {}).get("years", ())
    return max((part["ends"] for year in years for part in (*year["terms"], *year["breaks"])), default=None)


def digests(folder: Folder) -> dict[str, str]:
    """Return the SHA-256 of each part of the folder, so that the journal names exactly what was loaded."""
    parts: dict[str, Any] = {
        "college": to_plain(folder.college), "calendar": folder.calendar, "organisation": folder.organisation,
        "points": folder.points, "tasks": folder.tasks, "plans": folder.plans, "standards": folder.standards,
        "selftests": [to_plain(form) for form in folder.selftests],
        "incidents": to_plain(folder.incidents) if folder.incidents else None,
    }  # fmt: skip
    return {name: hashlib.sha256(canonical(part).encode()).hexdigest() for name, part in parts.items()}


def keys_of(wanted: dict[str, list[Row]]) -> dict[str, list[list[Any]]]:
    """Return the keys of all rows by table, as plain JSON."""
    return {name: [list(key) for key, _ in rows] for name, rows in wanted.items()}
