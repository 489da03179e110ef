"""To whom a task of the year is given: its owner, and who answers for its lead unit and for those that assist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .desk import Desk

NOBODY: dict[str, Any] = {"owner_id": None, "owner_unit_id": None, "departments": "[]"}


def given(desk: Desk, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[int]:
    """Return who has a task by its columns now and had it not, or in another part: those hear of it."""
    new = _parts(desk, after) - _parts(desk, before or NOBODY)
    return sorted({person for _, person in new})


def _parts(desk: Desk, columns: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Return (part, person) of everybody who has a part in a task."""
    lead, owner = columns["owner_unit_id"], columns["owner_id"]
    found = {("owner", owner)} if owner is not None else set()
    found |= {("lead", person) for person in desk.answering.get(lead or 0, ())}
    assisting = {desk.by_code[code].id for code in json.loads(columns["departments"]) if code in desk.by_code} - {lead}
    return found | {("assisting", person) for unit in assisting for person in desk.answering.get(unit, ())}
