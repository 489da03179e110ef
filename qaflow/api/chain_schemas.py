"""What goals and standards have in common: how they are sent, and how they are given."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.engine.chains import DIRECTIONS, Rolled
from qaflow.engine.college import SYSTEMS
from qaflow.services.chains.book import Chosen
from qaflow.services.chains.fields import KINDS, MOST_DEGREE, ORIGINS, TEXT
from qaflow.services.chains.findings import FINDINGS, UNMEASURED
from qaflow.services.chains.given import said, shown
from qaflow.services.chains.views import NO_SYSTEM
from qaflow.store.chains import Entry as Row

UNIT = 40


class Year(s.Strict):
    """Which year is meant; all, or the running one, where none is named."""

    year = s.text(4, 4, r"\d{4}\Z", load_default="")


class Narrowed(Year):
    """By what goals and standards are narrowed; units and people by their numbers."""

    layer = s.text(s.NAME)
    unit = s.ident(loose=True)
    owner = s.ident(loose=True)
    kind = s.choice(KINDS)


class Filters(Narrowed):
    """By what a list is narrowed; `under` is the goal above."""

    system = s.choice((*SYSTEMS, NO_SYSTEM))
    under = s.ident(loose=True)
    retired = s.choice(("true", "false"))
    after = s.text(2000)


class GoalFilters(Filters):
    """By what the goals are narrowed; `finding` is what is to be said of them."""

    finding = s.choice(FINDINGS)


class StandardFilters(Filters):
    """By what the standards are narrowed; `finding` is what is to be said of them."""

    finding = s.choice((UNMEASURED,))


class Entry(s.Strict):
    """What goals and standards have in common."""

    id = s.ident(required=True)
    key = s.text(s.NAME, required=True)
    source = s.text(s.NAME, required=True)
    cycle = s.ident(required=True, allow_none=True)
    layer = s.text(s.NAME, required=True)
    text = s.one(s.Named, required=True)
    indicator = s.one(s.Named, required=True)
    unit = s.text(s.NAME, 0, required=True, allow_none=True)
    direction = s.choice(DIRECTIONS, required=True, allow_none=True)
    weight = s.number(required=True, allow_none=True)
    starts = s.day(required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    owner_unit = s.ident(required=True, allow_none=True)
    owner = s.text(s.NAME, required=True, allow_none=True)
    subject = s.ident(required=True, allow_none=True)
    origin = s.choice(ORIGINS, required=True, allow_none=True)
    kind = s.choice(KINDS, required=True, allow_none=True)
    point = s.ident(required=True, allow_none=True)
    above = s.ident(required=True, allow_none=True)
    retired = s.flag(required=True)


class Words(s.Strict):
    """A text, and what it is in English where that differs; both are given together."""

    zh = s.text(TEXT, required=True)
    en = s.text(TEXT, allow_none=True)


class Changed(s.Strict):
    """What is given of either: unit by code, owner by login or name, subject as LAYER/CODE, point and goal by key."""

    text = s.one(Words)
    layer = s.text(s.NAME)
    indicator = s.text(s.NAME, allow_none=True)
    unit = s.text(UNIT, allow_none=True)
    direction = s.choice(DIRECTIONS, allow_none=True)
    weight = s.number(allow_none=True)
    starts = s.day(allow_none=True)
    ends = s.day(allow_none=True)
    owner_unit = s.text(s.NAME, allow_none=True)
    owner = s.text(s.NAME, allow_none=True)
    subject = s.text(s.NAME, allow_none=True)
    origin = s.choice(ORIGINS, allow_none=True)
    kind = s.choice(KINDS, allow_none=True)
    point = s.text(s.NAME, allow_none=True)


class GoalChange(Changed):
    """What is changed of a goal: target, what is attained, or the degree in per cent where nothing is measured."""

    parent = s.text(s.NAME, allow_none=True)
    target = s.number(allow_none=True)
    attained = s.number(allow_none=True)
    degree = s.number(0, MOST_DEGREE, allow_none=True)


class StandardChange(Changed):
    """What is changed of a standard: the goal it is the yardstick of, its value and its warning values."""

    goal = s.text(s.NAME, allow_none=True)
    system = s.choice(SYSTEMS, allow_none=True)
    value = s.number(allow_none=True)
    warn_lower = s.number(allow_none=True)
    warn_upper = s.number(allow_none=True)


class NewGoal(GoalChange):
    """A goal to be added."""

    text = s.one(Words, required=True)
    layer = s.text(s.NAME, required=True)


class NewStandard(StandardChange):
    """A standard to be added."""

    text = s.one(Words, required=True)
    layer = s.text(s.NAME, required=True)


class Rolling(s.Strict):
    """What the roll-up says of a goal, in shares of one."""

    reached = s.number(required=True, allow_none=True)
    covered = s.number(required=True)
    part = s.number(required=True)
    of_top = s.number(required=True)
    depth = s.whole(required=True)


def chosen(query: dict[str, Any], page: int = 1) -> Chosen:
    """Return what an address asks for."""
    named = {name: value for name, value in query.items() if name not in ("after", "retired")}
    return Chosen(**named, retired=query.get("retired") == "true", page=page)


def entry_body(row: Row) -> dict[str, Any]:
    """Return a goal or standard as it is sent."""
    same = ("id", "key", "source", "cycle", "layer", "unit", "direction", "weight", "starts", "ends", "owner_unit",
            "subject", "origin", "kind", "point", "above")  # fmt: skip
    more = {"text": {"zh": row.text_zh, "en": row.text_en}, "owner": row.owner_login,
            "indicator": {language: said(row.indicator, language) for language in ("zh", "en")},
            "retired": row.retired_at is not None}  # fmt: skip
    return {name: getattr(row, name) for name in same} | more


def rolled_body(rolled: Rolled) -> dict[str, Any]:
    """Return a roll-up as it is sent."""
    return {"reached": rolled.value, "covered": rolled.covered, "part": rolled.share, "of_top": rolled.of_top,
            "depth": rolled.depth}  # fmt: skip


def texts(body: dict[str, Any]) -> dict[str, str]:
    """Return a body as the texts that the service reads."""
    text = body.get("text")
    words = {"text": text["zh"], "text_en": text.get("en")} if isinstance(text, dict) else {}
    return {name: shown(value) for name, value in (body | words).items()}


def place(field: str) -> str:
    """Return where a body holds a field of the service."""
    return {"text": "text/zh", "text_en": "text/en"}.get(field, field)
