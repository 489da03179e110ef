"""The shape of a file of ``kind: definition`` (流程定义)."""

from __future__ import annotations

import re
from typing import Any

from ..college import DIAGNOSES
from ..definition import (
    LAYERS,
    Deadline,
    Definition,
    Field,
    Level,
    Move,
    NoticeRule,
    QuickLoop,
    Sheet,
    Signers,
    Stage,
)
from ..faults import brief
from ..notices import DEFAULT, HOWS, OF_A_CYCLE
from ..yaml_source import Node
from . import scalars
from .scalars import choice, day, days, flag, key, label, month_day, named, number, text, whole, working_days
from .shapes import BAD, Reader, Reading, constant, is_word, many, may, need, or_none, record, words

FIELD_TYPES = ("text", "number", "date", "choice", "flag", "records")
NEEDS = ("one", "all", "quorum")
END = "end"
MAX_STAGES, MAX_FIELDS, MAX_LEVELS, MAX_NESTING = 60, 80, 9, 3
SHARE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,12})?)\s*%")
ROLE = need(key, "responsible")


def field(nesting: int = 1) -> Reader:
    """Return the reader of a form field; records may hold fields of their own, a few levels deep."""
    plain = {
        "key": need(key),
        "label": named(),
        "type": may(choice(*FIELD_TYPES), "text"),
        "required": may(flag, False),
        "min_items": may(whole(0, 1000), 0),
        "max_length": may(whole(1, 100_000), 8000),
        "choices": may(many(words(text(200)), 1, 200), ()),
    }
    if nesting < MAX_NESTING:
        plain["fields"] = may(many(field(nesting + 1), 1, MAX_FIELDS, unique="key"), ())
    shape = record(plain, Field)

    def read(reading: Reading, node: Node) -> Any:
        value = shape(reading, node)
        if value is not BAD:
            _field_fits(reading, node, value)
        return value

    return read


def _field_fits(reading: Reading, node: Node, value: Field) -> None:
    for name, kind, given in (("choices", "choice", value.choices), ("fields", "records", value.fields)):
        if value.type == kind and not given and node.get(name) is None:
            reading.fault(node, "def.missing_key", f'the field "{value.key}" is of type {kind}', f"add `{name}:`")
        elif value.type != kind and given:
            reading.fault(node, "def.unused_key", f'"{name}" is for fields of type {kind}', f"write `type: {kind}`")
    if value.min_items and value.type != "records":
        reading.fault(node, "def.unused_key", '"min_items" is for fields of type records', "write `required: true`")


def share(reading: Reading, node: Node) -> Any:
    """Read a share of the period, ``10%`` or ``0.1``, as a number above 0 and up to 1."""
    found = SHARE.fullmatch(node.text.strip()) if node.kind == "scalar" else None
    if found is not None:
        value: Any = float(found[1]) / 100
    else:
        value = number(-1e15, 1e15)(reading, node)
    if value is BAD or 0 < value <= 1:
        return value
    return reading.fault(node, "duration.range", f"{brief(node.text)} is no share of a period", "write 1% to 100%")


def deadline(reading: Reading, node: Node) -> Any:
    """Read when a stage is due: ``{share: 10%}``, ``{date: 10-15}``, ``{after: 5 working days}`` or the value alone."""
    if node.kind == "scalar":
        return _short_deadline(reading, node)
    value = _DEADLINE(reading, node)
    if value is BAD:
        return BAD
    if len(node.entries) == 1 and value == Deadline():
        return BAD
    if sum(part is not None for part in (value.share, value.date, value.working_days)) == 1 == len(node.entries):
        return value
    return reading.fault(
        node, "def.deadline", "a deadline is one of share, date, after", "give exactly one of the three"
    )


def _short_deadline(reading: Reading, node: Node) -> Any:
    written = node.text.strip()
    if written.endswith("%"):
        value = share(reading, node)
        return value if value is BAD else Deadline(share=value)
    if scalars.DAY.fullmatch(written) or scalars.MONTH_DAY.fullmatch(written):
        value = _due_date(reading, node)
        return value if value is BAD else Deadline(date=value)
    value = working_days(reading, node)
    return value if value is BAD else Deadline(working_days=value)


def _due_date(reading: Reading, node: Node) -> Any:
    full = node.kind == "scalar" and scalars.DAY.fullmatch(node.text.strip())
    return day(reading, node) if full else month_day(reading, node)


_DEADLINE = record(
    {"share": may(share), "date": may(_due_date), "after": may(working_days, name="working_days")}, Deadline
)
signers = record(
    {
        "role": ROLE,
        "need": may(choice(*NEEDS), "one"),
        "quorum": may(whole(1, 100), 1),
        "order": may(choice("any", "sequence"), "any"),
        "days": may(days, 3),
        "also": may(many(words(key), 0, 20), ()),
    },
    Signers,
)
form = may(many(field(), 0, MAX_FIELDS, unique="key"), ())
condition = text(500)


def move_target(reading: Reading, node: Node) -> Any:
    """Read where a move leads: a stage's key, or ``end`` (None)."""
    return None if is_word(END, "null", "~")(node) else key(reading, node)


move = record(
    {"to": need(move_target), "when": may(condition), "automatic": may(flag, False)},
    Move,
)


def moves(reading: Reading, node: Node) -> Any:
    """Read the ways on from a stage; an empty list is a stage from which nothing leads on."""
    value = many(move, 0, MAX_STAGES)(reading, node)
    if value == () and node.kind == "list" and not node.items:
        return reading.fault(
            node, "def.dead_end", "nothing leads on from this stage", "leave `moves` out, or add a move"
        )
    return value


stage = record(
    {
        "key": need(key),
        "name": named(),
        "covers": may(many(words(text(40)), 0, 10), ()),
        "form": form,
        "evidence": may(whole(0, 100), 0),
        "gate": may(many(condition, 0, 30), ()),
        "frame": may(choice("optional", "required"), "optional"),
        "submit": may(key, "responsible"),
        "approval": need(or_none(signers), None, "decide"),
        "deadline": may(or_none(deadline)),
        "auto_advance": may(flag, False),
        "moves": may(moves, ()),
    },
    Stage,
)
level = record(
    {"after": need(days, 1), "to": ROLE, "act": may(choice("remind", "reassign"), "remind")},
    Level,
)
sheet = record(
    {
        "kind": need(choice(*DIAGNOSES)),
        "name": named(),
        "assessor": may(key, "responsible"),
        "days": may(days, 10),
        "form": form,
    },
    Sheet,
)


def quick_names(reading: Reading, node: Node) -> Any:
    """Read the names of the quick loop's three states."""
    value = many(label(), 3, 3)(reading, node)
    return value if value is not BAD and len(value) == 3 else BAD


quick_loop = record(
    {
        "acknowledge": may(days, QuickLoop.acknowledge_days, "acknowledge_days"),
        "correct": may(days, QuickLoop.correct_days, "correct_days"),
        "confirm": may(days, QuickLoop.confirm_days, "confirm_days"),
        "damping": may(whole(1, 100), QuickLoop.damping),
        "names": may(quick_names, QuickLoop.names),
    },
    QuickLoop,
)


def _notice_rule(what: str, how: str | None, allow: tuple[str, ...] | None, also: tuple[str, ...]) -> NoticeRule:
    usual = DEFAULT[what]
    told = how or usual.how
    return NoticeRule(what=what, how=told, allow=allow or (*usual.allow, *({told} - {*usual.allow})), also=also)


_NOTICE = record(
    {
        "what": need(choice(*OF_A_CYCLE)),
        "how": may(choice(*HOWS)),
        "allow": may(many(words(choice(*HOWS)), 1, len(HOWS))),
        "also": may(many(words(key), 0, 10), ()),
    },
    _notice_rule,
)


def notice(reading: Reading, node: Node) -> Any:
    """Read how a topic of notices is told; what is said must be among what is allowed."""
    value = _NOTICE(reading, node)
    if value is not BAD and value.how not in value.allow:
        message = f'"{value.what}" is told "{value.how}", which is not allowed'
        return reading.fault(node.get("allow") or node, "def.notice_choice", message, f"add {value.how} to `allow`")
    return value


definition = record(
    {
        "kind": need(constant(None), None),
        "key": need(scalars.definition_key),
        "version": need(whole(1, 999_999), 1),
        "name": named(),
        "layer": need(choice(*LAYERS), "school"),
        "source": may(text(500), ""),
        "stages": need(many(stage, 1, MAX_STAGES, code="def.no_end"), ()),
        "quick_loop": may(or_none(quick_loop), None, "quick"),
        "ladder": need(many(level, 1, MAX_LEVELS, code="def.escalation_limit"), ()),
        "sheets": may(many(sheet, 0, len(DIAGNOSES), unique="kind"), ()),
        "catch_up": may(choice("all", "once", "skip"), "all"),
        "overlap": may(choice("start", "wait", "close"), "start"),
        "on_period_end": may(choice("wait", "lapse"), "wait"),
        "notices": may(many(notice, 0, len(OF_A_CYCLE), unique="what"), ()),
    },
    lambda kind, **given: Definition(**given),
)
