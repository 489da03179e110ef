"""Bodies read strictly: JSON in UTF-8 that says one thing only, or a refusal that says where not."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from qaflow.errors import Invalid, QaflowError, Usage

JSON = "application/json"
DEPTH = 32
DIGITS = 19  # of a whole number: more than any database holds
HALF_PAIR = re.compile("[\ud800-\udfff]")


class Unsupported(QaflowError):
    """Only the content types that `Accept` names, not compressed, are read here."""

    code = "media.unsupported"
    status = 415
    exit = 2


class TooLarge(QaflowError):
    """The body is larger than this operation reads."""

    code = "body.too_large"
    status = 413
    exit = 2


def body(most: int) -> dict[str, Any]:
    """Return the request's JSON object."""
    kind, options = request.mimetype, request.mimetype_params
    if kind != JSON or options.get("charset", "utf-8").lower() != "utf-8":
        raise Unsupported(headers={"Accept": JSON})
    _require_plain()
    return parsed(raw(most))


def file(kinds: tuple[str, ...], most: int) -> bytes:
    """Return the request's bytes as they are; refuse content types that are not named, and what is compressed."""
    if request.mimetype not in kinds:
        raise Unsupported(headers={"Accept": ", ".join(kinds)})
    _require_plain()
    return raw(most)


def _require_plain() -> None:
    if request.content_encoding not in (None, "", "identity"):
        raise Unsupported(headers={"Accept-Encoding": "identity"})


def raw(most: int) -> bytes:
    """Return the request's bytes, unless they are more than so many."""
    if (request.content_length or 0) > most:
        raise TooLarge(limit=most)
    try:
        found = request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise TooLarge(limit=most) from None
    if len(found) > most:
        raise TooLarge(limit=most)
    return found


def parsed(data: bytes) -> dict[str, Any]:
    """Return the JSON object that these bytes are, and nothing that readers could understand differently."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Usage("encoding.not_utf8", f"not UTF-8 at byte {error.start}", offset=error.start) from None
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float,
                           parse_int=_whole)  # fmt: skip
    except json.JSONDecodeError as error:
        raise Usage("json.syntax", f"{error.msg} at character {error.pos}", offset=error.pos) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(found, dict):
        raise Invalid("json.not_object", "a JSON object is needed", errors=[{"pointer": "", "code": "json.not_object"}])
    _sound(found)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Usage("json.duplicate_key", f"the key {twice[:80]!a} stands twice")
    return found


def _constant(name: str) -> float:
    raise Usage("number.not_finite", f"{name} is no number")


def _float(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise Usage("number.not_finite", f"{text[:40]} is larger than any number here")
    return found


def _whole(text: str) -> int:
    if len(text) > DIGITS + 1:
        raise Usage("number.not_finite", f"{text[:40]} is larger than any number here")
    return int(text)


def _too_deep() -> Usage:
    return Usage("json.too_deep", f"nested deeper than {DEPTH} levels")


def _sound(whole: Any) -> None:
    """Refuse what is nested too deep, and texts that are no Unicode; level by level, so that depth costs no stack."""
    level = [whole]
    for _ in range(DEPTH):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, str):
                if not one.isascii() and HALF_PAIR.search(one):
                    raise Invalid("text.invalid_unicode", "a text holds half of a surrogate pair")
            elif isinstance(one, dict):
                inner.extend(one)
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        if not inner:
            return
        level = inner
    raise _too_deep()
