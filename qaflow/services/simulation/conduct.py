"""What people do with the work they owe: the action and its data, drawn from the college's own chance."""

from __future__ import annotations

import random
from typing import NamedTuple

from qaflow.engine.definition import SCOPES, Definition
from qaflow.engine.snapshot import Data
from qaflow.services.desk.inbox import Work

from . import forms
from .forms import Library

REJECTS, RETURNS = 0.05, 0.02
REFUSES = 0.35  # share of proposed reopenings that the approver refuses
FALSE_ALARMS = 0.06
COMMENTS = 0.1
SCOPE_WEIGHTS = (80, 10, 6, 4)  # as SCOPES: implementation, design, standard, goal


class Move(NamedTuple):
    """An action with its data."""

    action: str
    args: Data


def move(work: Work, definition: Definition, library: Library, rng: random.Random) -> Move:
    """Return what the holder of an item does."""
    if work.kind == "submit":
        return Move("submit", {"content": library.stage(definition, work.stage, work.cycle)})
    if work.kind == "sheet":
        content = library.sheet(definition, work.sheet or "self", work.cycle + work.no)
        return Move("record", {"sheet": int(work.ref.removeprefix("sheet:")), "content": content} if work.ref else {})
    if work.ref is not None:
        return _answer(work, rng)
    return _decide(work, definition, rng)


def _answer(work: Work, rng: random.Random) -> Move:
    """Return the next step of a warning's life."""
    named: Data = {"warning": work.ref}
    if work.kind == "acknowledge":
        cause = rng.choice(forms.CAUSES)
        return Move("acknowledge", named | {"cause": cause, "category": forms.CATEGORIES[cause]})
    if work.kind == "correct":
        scope = rng.choices(SCOPES, SCOPE_WEIGHTS)[0]
        return Move("correct", named | {"scope": scope, "measure": rng.choice(forms.MEASURES)})
    if work.kind == "confirm":
        if rng.random() < FALSE_ALARMS:
            return Move("dismiss", named | {"reason": "经核对属误报，数据来源已更正"})
        return Move("confirm", named)
    if rng.random() < REFUSES:
        return Move("reject", named | {"reason": "问题出在执行环节，不必重开前面的阶段"})
    return Move("approve", named)


def _decide(work: Work, definition: Definition, rng: random.Random) -> Move:
    drawn = rng.random()
    if drawn < REJECTS:
        return Move("reject", {"reason": rng.choice(forms.REASONS)})
    before = definition.order[: definition.order.index(work.stage)]
    if drawn < REJECTS + RETURNS and before and work.visit == 1:
        return Move("return", {"to": before[-1], "reason": rng.choice(forms.REASONS)})
    return Move("approve", {"comment": "同意"} if rng.random() < COMMENTS else {})
