"""P22 over the API: an id in a body that is another college's or another unit's is answered as one that never was."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from processes import tell
from rights.world import Rights
from werkzeug.test import TestResponse

NEVER = 987_654
"""A number that nothing has."""
Case = tuple[str, str, str, Callable[[Rights, int], Any], str, str]
INCIDENT = {"title": "x", "account": "x", "category": "teaching", "occurred_on": "2025-09-01"}
TASK = {"title": {"zh": "x"}, "due": "2025-12-01"}
ROUND = {"act": "suspend", "layer": "course", "track": "teaching", "day": "2025-09-01", "reason": "x"}
CASES: dict[str, Case] = {
    "where an incident happened": (
        "lead", "POST", "/incidents", lambda r, n: INCIDENT | {"unit": n}, "units", "abroad",
    ),
    "the cycle of an incident": (
        "lead", "POST", "/incidents",
        lambda r, n: INCIDENT | {"unit": r.colleges["home"].units["section"], "cycle": n}, "cycles", "far",
    ),
    "the cycle of an incident abroad": (
        "lead", "POST", "/incidents",
        lambda r, n: INCIDENT | {"unit": r.colleges["home"].units["section"], "cycle": n}, "cycles", "abroad",
    ),
    "who leads a task": ("office", "POST", "/tasks", lambda r, n: TASK | {"lead": n}, "units", "abroad"),
    "who assists": (
        "office", "POST", "/tasks",
        lambda r, n: TASK | {"lead": r.colleges["home"].units["section"], "assisting": [n]}, "units", "abroad",
    ),
    "the goal of a task": (
        "office", "POST", "/tasks",
        lambda r, n: TASK | {"lead": r.colleges["home"].units["section"], "goal": n}, "goals", "abroad",
    ),
    "the unit of a subject": (
        "admin", "POST", "/subjects", lambda r, n: {"layer": "course", "code": "C-9", "name": "x", "unit": n}, "units",
        "abroad",
    ),
    "the unit above a unit": (
        "admin", "POST", "/units", lambda r, n: {"code": "lab-9", "kind": "section", "name": {"zh": "x"}, "parent": n},
        "units", "abroad",
    ),
    "the unit of a round": ("office", "POST", "/rounds/plan", lambda r, n: ROUND | {"unit": n}, "units", "abroad"),
    "work in bulk": (
        "lead", "POST", "/inbox/bulk/preview", lambda r, n: {"act": "remind", "items": [{"id": n}]}, "items", "far",
    ),
    "work in bulk abroad": (
        "lead", "POST", "/inbox/bulk/preview", lambda r, n: {"act": "remind", "items": [{"id": n}]}, "items", "abroad",
    ),
}  # fmt: skip


def number(rights: Rights, kind: str, place: str) -> int:
    """Return the number of something at a place."""
    found = rights.cycles[place, "fresh"] if kind == "cycles" else rights.things[kind][place]
    return int(found.number)


def answered(rights: Rights, case: Case, of: int) -> tuple[int, str]:
    """Return the status and all that is said, the number itself and the request's own left out."""
    login, method, path, body, _, _ = case
    answer: TestResponse = rights.call(login, method, "/api/v1" + path, body(rights, of))
    text = re.sub(r'"(request_id|instance)": ?"[^"]*"', "", answer.get_data(as_text=True))
    return answer.status_code, re.sub(rf"\b{of}\b", "N", text)


@pytest.mark.parametrize("what", CASES)
def test_an_id_of_others_is_answered_as_one_that_never_was(rights: Rights, what: str) -> None:
    case = CASES[what]

    theirs = answered(rights, case, number(rights, case[4], case[5]))
    changed = rights.changed()
    rights.restore()
    never = answered(rights, case, NEVER)

    tell(f"P22: {what}: {never[0]}")
    assert theirs == never
    assert changed == set() and rights.changed() == set()


@pytest.mark.parametrize("what", [what for what in CASES if what != "the goal of a task"])  # a course's goal has none
def test_the_same_with_an_id_of_ones_own_is_done(rights: Rights, what: str) -> None:
    """The twin: else whatever refuses everything would do."""
    case = CASES[what]

    assert answered(rights, case, number(rights, case[4], "near"))[0] in (200, 201)
