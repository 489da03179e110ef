"""What of a message its reader may still know: each notice weighed against the rights of the moment it is sent."""

from __future__ import annotations

import json
from collections.abc import Set

from qaflow.services import policy
from qaflow.services.college import CollegeView
from qaflow.services.voices import incident_rights
from qaflow.store import incidents, tasks, telling
from qaflow.store.db import Driver
from qaflow.store.outbox import Carried

from .digesting import as_text, cycle_of


def may_know(d: Driver, college: CollegeView, person: int, day: str, rows: list[Carried]) -> list[Carried]:
    """Return those notices whose cycle or quality incident the person may read now, or whose task is still theirs.

    Of a notice of several tasks those stay that are.
    """
    told = [json.loads(row.payload) for row in rows]
    cycles = _cycles(d, college, person, day, {number for row in rows if (number := cycle_of(row.stream)) is not None})
    cases = _incidents(d, college, person, day, {one["incident"] for one in told if "incident" in one})
    own = _tasks(d, college, person, day, {number for one in told for number in one.get("tasks", ())})
    found = []
    for row, one in zip(rows, told, strict=True):
        number = cycle_of(row.stream)
        if "tasks" in one:
            left = [task for task in one["tasks"] if task in own]
            found += [row._replace(payload=as_text(one | {"tasks": left}))] if left else []
        elif one["incident"] in cases if "incident" in one else number is None or number in cycles:
            found.append(row)
    return found


def _cycles(d: Driver, college: CollegeView, person: int, day: str, asked: Set[int]) -> set[int]:
    if not asked:
        return set()
    layers = [layer.key for layer in college.config.layers]
    return telling.seen(d, college.id, sorted(asked), policy.reach(d, college.id, layers, person, day).params)


def _incidents(d: Driver, college: CollegeView, person: int, day: str, asked: Set[int]) -> set[int]:
    if not asked:
        return set()
    return incidents.readable(d, college.id, incident_rights.sight(d, college.id, person, day), sorted(asked))


def _tasks(d: Driver, college: CollegeView, person: int, day: str, asked: Set[int]) -> set[int]:
    """Return the open tasks that are the person's own, or theirs for whom they stand in: what passed on is not."""
    if not asked:
        return set()
    reach = policy.tasks(d, college.id, person, day)
    return tasks.theirs(d, college.id, sorted(asked), reach.persons, reach.answers)
