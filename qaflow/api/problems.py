"""Refusals as problem documents (RFC 9457), the faults of single fields with their pointers (RFC 6901)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import g
from marshmallow import ValidationError

from qaflow.api import schemas as s
from qaflow.errors import Invalid, QaflowError, problem
from qaflow.services.repeats import Reply

PROBLEM_JSON = "application/problem+json"
READ_ONLY = frozenset(
    ("id", "state", "status", "version", "revision", "number", "college", "created_at", "created_by", "approved_by",
     "approved_at", "submitted_by", "last_used_at", "made_by", "hash", "prefix")
)  # fmt: skip
"""Names that replies carry and no request sets."""
WORDS = {
    "field.required": "is required",
    "field.unknown": "is unknown",
    "field.read_only": "is told, not set",
    "field.null": "may not be null",
    "text.too_long": "is too long or too short",
    "text.pattern": "is not of the form that is described",
    "value.range": "is out of range",
    "value.unknown": "is none of the values that are described",
    "list.length": "has too many or too few entries",
    "list.twice": "names something twice",
    "type.expected_string": "must be a text",
    "type.expected_number": "must be a number",
    "type.expected_list": "must be a list",
    "type.expected_boolean": "must be true or false",
    "json.not_object": "must be an object",
    "date.invalid": "must be a day, YYYY-MM-DD",
    "instant.invalid": "must be an instant with its zone (RFC 3339)",
}
"""What each fault of a field means."""
MOST = 100  # faults that one reply names


class Fault(s.Strict):
    """One fault: where (`/` a field of the body, `?` of the address), its code, and what it means."""

    pointer = s.text(2000, 0, required=True)
    code = s.text(s.NAME, required=True)
    message = s.text(2000, required=True)


class Problem(s.Strict):
    """A refusal (RFC 9457); `code` is what programs go by."""

    type = s.text(s.NAME, required=True)
    title = s.text(s.NAME, required=True)
    status = s.whole(400, 599, required=True)
    code = s.text(s.NAME, required=True)
    detail = s.text(s.TEXT, required=True)
    request_id = s.text(s.NAME, 0, required=True)
    errors = s.many(Fault, MOST)
    allowed = s.many(s.text(s.NAME))
    current = s.text(s.NAME)
    """Where the thing stands by now."""


SAID = frozenset(Problem().fields)


def answer(error: QaflowError) -> Reply:
    """Return the refusal as a reply; its code is noted for the log."""
    g.refused = error.code
    told = problem(error) | {"request_id": g.get("reference", "")}
    document = {name: value for name, value in told.items() if name in SAID}  # what is not described is in the detail
    if error.errors:
        document["errors"] = [pointed(one) for one in error.errors[:MOST]]
    headers = {"Content-Type": PROBLEM_JSON, **error.data.get("headers", {})}
    return Reply(status=error.status, headers=headers, body=json.dumps(document, ensure_ascii=False))


def pointed(fault: Mapping[str, Any] | str) -> dict[str, Any]:
    """Return one fault with `pointer`, `code` and `message`; services name fields without the pointer's first sign."""
    if isinstance(fault, str):
        return {"pointer": "", "code": "data.invalid", "message": fault}
    pointer, code = str(fault.get("pointer", "")), str(fault.get("code", "data.invalid"))
    told = str(fault.get("message") or WORDS.get(code, code))
    return {"pointer": pointer if pointer[:1] in ("", "/", "?") else f"/{pointer}", "code": code, "message": told}


def invalid(error: ValidationError, mark: str = "/") -> Invalid:
    """Return what a schema refused, every fault at its pointer; ``mark`` is ``?`` for what stands in the address."""
    faults = sorted(_faults(error.messages, ()))
    errors = [_told(mark, path, code) for path, code in faults]
    code = "query.invalid" if mark == "?" else "data.invalid"
    return Invalid(code, "; ".join(f"{e['pointer']} {e['message']}" for e in errors[:3]), errors=errors)


def _told(mark: str, path: tuple[str, ...], code: str) -> dict[str, str]:
    if mark == "?":
        code = "query.unknown" if code == "field.unknown" else code
        return {"pointer": "?" + ".".join(path), "code": code, "message": WORDS.get(code, "is not known here")}
    if code == "field.unknown" and path[-1] in READ_ONLY:
        code = "field.read_only"
    escaped = (part.replace("~", "~0").replace("/", "~1") for part in path)
    return {"pointer": "".join(f"/{part}" for part in escaped), "code": code, "message": WORDS.get(code, code)}


def _faults(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path, code) of every fault; a schema's own messages are codes."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _faults(inner, path if key == "_schema" else (*path, str(key)))
    elif isinstance(messages, list | tuple):
        for one in messages:
            yield from _faults(one, path)
    else:
        yield path, str(messages)
