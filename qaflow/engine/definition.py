"""Definitions: what a spiral is, as frozen, versioned, content-hashed values.

A definition (流程定义) names the stages of one slow loop, what each stage must leave behind, who submits and who
decides, the quick loop inside ``implement``, deadlines and the escalation ladder.  It is data: the loader reads it
from YAML once, the store keeps its canonical JSON, and a running cycle keeps the version it was born with
(ENGINE.md 3 and 9).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

FORMAT = 1
NEUTRAL_STAGES = (
    "goal", "standard", "design", "organize", "implement",
    "diagnose", "incentivize", "learn", "innovate", "improve",
)  # fmt: skip
LAYERS = ("school", "major", "course", "teacher", "student", "service")
QUICK_STATES = ("monitor", "warn", "correct")
SCOPES = ("implementation", "design", "standard", "goal")
CATEGORIES = ("people", "equipment", "material", "method", "measurement", "environment")
"""Kinds of cause (人机料法测环), the bones of K. Ishikawa's cause-and-effect diagram (003: 因果分析)."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """One text in the two languages of every page."""

    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a form; ``records`` holds rows of ``fields``."""

    key: str
    label: Label
    type: str = "text"  # text, number, date, choice, flag, records
    required: bool = False
    min_items: int = 0  # rows a records field must have
    max_length: int = 8000  # characters of a text
    choices: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Signers:
    """Who decides a stage: a role found up the line, and how many of its holders must say yes."""

    role: str
    need: str = "one"  # one, all, quorum
    quorum: int = 1  # signatures needed when need is quorum
    order: str = "any"  # any (at once), sequence
    days: int = 3  # working days to decide
    also: tuple[str, ...] = ()  # further roles that sign beside the first (会签)


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When a stage is due: exactly one of the three is given."""

    share: float | None = None  # of the period's length, 0 < share <= 1
    date: str | None = None  # MM-DD inside the period, or a full ISO date
    working_days: int | None = None  # after the stage is entered


@dataclass(frozen=True, kw_only=True)
class Move:
    """A way on from a stage other than to the next one; ``to`` None ends the cycle."""

    to: str | None
    when: str | None = None  # a condition on the stage's content
    automatic: bool = False  # taken without an act as soon as it holds


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage (阶段) of the slow loop."""

    key: str
    name: Label
    covers: tuple[str, ...] = ()
    form: tuple[Field, ...] = ()
    evidence: int = 0  # files the stage must leave
    gate: tuple[str, ...] = ()  # conditions, engine/conditions grammar
    frame: str = "optional"  # required: every point of the frame that concerns the subject is answered before
    submit: str = "responsible"
    decide: Signers | None = None  # None is `approval: none`
    deadline: Deadline | None = None
    auto_advance: bool = False
    moves: tuple[Move, ...] = ()  # empty: the next stage in the list


@dataclass(frozen=True, kw_only=True)
class QuickLoop:
    """The inner loop (常态纠偏): working days for each duty, and the damping of flapping readings."""

    acknowledge_days: int = 3
    correct_days: int = 10
    confirm_days: int = 3
    damping: int = 3  # readings in a row inside the limits that count as "returned"
    names: tuple[Label, Label, Label] = (
        Label(zh="监测", en="Monitor"),
        Label(zh="预警", en="Warn"),
        Label(zh="改进", en="Correct"),
    )


@dataclass(frozen=True, kw_only=True)
class Level:
    """One rung of the escalation ladder (督办): after so many working days, to whom, and what is done."""

    after: int
    to: str
    act: str = "remind"  # remind, reassign


@dataclass(frozen=True, kw_only=True)
class NoticeRule:
    """How a topic of notices (`engine.notices`) is told, what a person may choose instead, and who else is told."""

    what: str
    how: str = "digest"  # urgent, digest, off
    allow: tuple[str, ...] = ("urgent", "digest")
    also: tuple[str, ...] = ()  # roles whose holders are told beside whom the fact tells


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The form of one kind of diagnosis (自主, 改进性, 考核性) and who fills it in."""

    kind: str  # self, improving, appraisal
    name: Label
    assessor: str = "responsible"  # never the responsible person for an appraisal
    days: int = 10
    form: tuple[Field, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A whole spiral, as published; equal content has an equal ``hash``."""

    key: str  # <college>.<name>
    version: int
    name: Label
    layer: str
    stages: tuple[Stage, ...]
    quick: QuickLoop | None = None
    ladder: tuple[Level, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    catch_up: str = "all"  # all, once, skip
    overlap: str = "start"  # start, wait, close
    on_period_end: str = "wait"  # wait, lapse
    notices: tuple[NoticeRule, ...] = ()  # where they differ from `engine.notices.DEFAULT`
    source: str = ""
    format: int = FORMAT

    @cached_property
    def canonical(self) -> str:
        """The canonical JSON text that is stored and hashed."""
        return canonical(to_plain(self))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The stage keys in their order."""
        return tuple(s.key for s in self.stages)

    @cached_property
    def by_key(self) -> dict[str, Stage]:
        """The stages by key."""
        return {s.key: s for s in self.stages}

    def covering(self, neutral: str) -> Stage | None:
        """Return the stage that covers a neutral stage key, or None."""
        for stage in self.stages:
            if neutral in (stage.covers or (stage.key,)):
                return stage
        return None

    @cached_property
    def hinge(self) -> str | None:
        """The key of the stage with the quick loop (the one that covers ``implement``), or None."""
        stage = self.covering("implement")
        return stage.key if stage is not None and self.quick is not None else None

    def sheet(self, kind: str) -> Sheet | None:
        """Return the sheet form of a kind of diagnosis, or None."""
        return next((s for s in self.sheets if s.kind == kind), None)


def canonical(plain: Any) -> str:
    """Return the one JSON text of a plain value: sorted keys, no blanks, no escapes."""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def to_plain(value: Any) -> Any:
    """Turn a definition value into plain dicts and lists, leaving out fields at their default."""
    if dataclasses.is_dataclass(value):
        plain = {}
        for f in dataclasses.fields(value):
            item = getattr(value, f.name)
            default = f.default if f.default is not dataclasses.MISSING else dataclasses.MISSING
            if item != default or f.name == "format":
                plain[f.name] = to_plain(item)
        return plain
    if isinstance(value, tuple):
        return [to_plain(v) for v in value]
    return value


def from_plain(plain: dict[str, Any]) -> Definition:
    """Build a definition from the plain form that ``to_plain`` gives (stored, trusted JSON)."""
    return typing.cast(Definition, build_value(Definition, plain))


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return a value's field types; kept, for a college's definitions ask for them thousands of times."""
    return typing.get_type_hints(kind)


def build_value(kind: Any, plain: Any) -> Any:
    """Build a frozen value of a dataclass (or a tuple of them) from trusted plain data."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if plain is None:
            return None
        kind = next(a for a in typing.get_args(kind) if a is not type(None))
        return build_value(kind, plain)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(build_value(inner, p) for p in plain)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(Any, kind))
        return typing.cast(Any, kind)(**{k: build_value(hints[k], v) for k, v in plain.items()})
    return plain


__all__ = [
    "CATEGORIES", "FORMAT", "LAYERS", "NEUTRAL_STAGES", "QUICK_STATES", "SCOPES", "Deadline", "Definition", "Field",
    "Label", "Level", "Move", "NoticeRule", "QuickLoop", "Sheet", "Signers", "Stage", "canonical", "from_plain",
    "to_plain",
]  # fmt: skip
