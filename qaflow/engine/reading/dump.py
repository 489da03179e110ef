"""Writing a definition as YAML, so that reading it again gives an equal value."""

from __future__ import annotations

import json
import re
from typing import Any

from ..definition import Deadline, Definition, Field, Label, Level, Move, NoticeRule, QuickLoop, Sheet, Signers, Stage
from .definition import END

# What JSON leaves as it stands and a YAML reader does not: C1 controls, separators, byte order marks.
ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dump(definition: Definition) -> str:
    """Return the YAML text of a definition; its content and hash survive the way there and back."""
    top: dict[str, Any] = {"kind": Word("definition"), "key": definition.key, "version": definition.version}
    top |= {"name": definition.name, "layer": definition.layer, "source": definition.source or None}
    top["stages"] = [_stage(s) for s in definition.stages]
    if definition.quick is not None:
        top["quick_loop"] = _quick(definition.quick)
    top["ladder"] = [_level(one) for one in definition.ladder]
    top["sheets"] = [_sheet(s) for s in definition.sheets] or None
    top |= {"catch_up": definition.catch_up, "overlap": definition.overlap, "on_period_end": definition.on_period_end}
    top["notices"] = [_notice(n) for n in definition.notices] or None
    return "\n".join(_lines(top)) + "\n"


class Word(str):
    """A text written without quotes."""

    __slots__ = ()


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "key": stage.key,
        "name": stage.name,
        "covers": list(stage.covers) or None,
        "form": [_field(f) for f in stage.form] or None,
        "evidence": stage.evidence or None,
        "gate": list(stage.gate) or None,
        "frame": None if stage.frame == "optional" else stage.frame,
        "submit": stage.submit,
        "approval": Word("none") if stage.decide is None else _signers(stage.decide),
        "deadline": None if stage.deadline is None else _deadline(stage.deadline),
        "auto_advance": stage.auto_advance or None,
        "moves": [_move(m) for m in stage.moves] or None,
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "key": field.key,
        "type": field.type,
        "label": field.label,
        "required": field.required or None,
        "min_items": field.min_items or None,
        "max_length": field.max_length,
        "choices": list(field.choices) or None,
        "fields": [_field(f) for f in field.fields] or None,
    }


def _signers(signers: Signers) -> dict[str, Any]:
    return {
        "role": signers.role,
        "need": signers.need,
        "quorum": signers.quorum,
        "order": signers.order,
        "days": signers.days,
        "also": list(signers.also) or None,
    }


def _deadline(deadline: Deadline) -> dict[str, Any]:
    return {"share": deadline.share, "date": deadline.date, "after": _duration(deadline.working_days)}


def _duration(days: int | None) -> Word | None:
    return None if days is None else Word(f"{days} working day{'s' * (days != 1)}")


def _move(move: Move) -> dict[str, Any]:
    return {"to": Word(END) if move.to is None else move.to, "when": move.when, "automatic": move.automatic or None}


def _level(level: Level) -> dict[str, Any]:
    return {"after": _duration(level.after), "to": level.to, "act": level.act}


def _notice(rule: NoticeRule) -> dict[str, Any]:
    return {"what": rule.what, "how": rule.how, "allow": list(rule.allow), "also": list(rule.also) or None}


def _quick(quick: QuickLoop) -> dict[str, Any]:
    return {
        "acknowledge": _duration(quick.acknowledge_days),
        "correct": _duration(quick.correct_days),
        "confirm": _duration(quick.confirm_days),
        "damping": quick.damping,
        "names": list(quick.names),
    }


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "kind": sheet.kind,
        "name": sheet.name,
        "assessor": sheet.assessor,
        "days": sheet.days,
        "form": [_field(f) for f in sheet.form] or None,
    }


def _lines(value: dict[str, Any], indent: str = "") -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, list) and item and not isinstance(item[0], str):
            lines.append(f"{indent}{key}:")
            for entry in item:
                lines += _entry(entry, indent + "  ")
        elif isinstance(item, dict):
            lines += [f"{indent}{key}:", *_lines(item, indent + "  ")]
        elif item is not None:
            lines.append(f"{indent}{key}: {_scalar(item)}")
    return lines


def _entry(entry: Any, indent: str) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{indent}- {_scalar(entry)}"]
    first, *rest = _lines(entry, indent + "  ")
    return [f"{indent}- {first.lstrip()}", *rest]


def _scalar(value: Any) -> str:
    if isinstance(value, Word):
        return value
    if isinstance(value, Label):
        return f"{{zh: {_quoted(value.zh)}, en: {_quoted(value.en)}}}"
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(v) for v in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return ESCAPED.sub(lambda m: f"\\u{ord(m.group()):04x}", json.dumps(text, ensure_ascii=False))
