"""Readers of single values: texts, keys, labels, numbers, flags, dates, durations.

A plain (unquoted) word is a text only where YAML 1.2 and its elder 1.1 agree that it is one: ``no``, ``on``, ``~`` or
``12`` in the place of a text is a fault that says "quote it", since half of all tools would read something else.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from typing import Any

from ..definition import Label
from ..faults import brief, meant
from ..yaml_source import Node
from .shapes import BAD, Prop, Reader, Reading, need, record

MAX_LABEL = 400
MAX_TEXT = 8_000
MAX_KEY = 100
MAX_DIGITS = 30
MAX_WORKING_DAYS = 3_650  # ten years, whichever way they are counted
MAX_MONTHS = 120
YEARS = (1990, 2200)
NO_TEXT = re.compile(r"(?i:null|~|true|false|yes|no|on|off)?")
INTEGER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
KEY = re.compile(r"[a-z][a-z0-9_-]*")
DOTTED = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*")
DEFINITION_KEY = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+")
LOOSE = re.compile(r"[a-z0-9][a-z0-9._-]*")
DURATION = re.compile(r"([-+−]?[0-9][0-9eE.+]*)\s*(.*)")
DURATION_RANGE = "1 working day to 10 years (3,650 working days)"
DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
MONTH_DAY = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")
PERIOD = re.compile(r"P([0-9]{1,9})([YM])")
# Bidirectional overrides and embeddings turn the reading order of what follows; letters and joiners are not touched.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def forbidden(text: str) -> str | None:
    """Return the first character that no text may hold (controls, direction overrides, half surrogates), or None."""
    for char in text:
        if char in TURNING or (char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cs")):
            return char
    return None


def blank(text: str) -> bool:
    """Tell whether a text shows nothing: only blanks and characters without width."""
    return all(c.isspace() or unicodedata.category(c) == "Cf" for c in text)


def scalar(reading: Reading, node: Node) -> str | None:
    """Return the text of a scalar node, whatever it looks like; None after a fault."""
    if node.kind != "scalar":
        reading.fault(node, "type.expected_string", f"a text is needed here, not a {node.kind}", "write one value")
        return None
    if node.plain and INTEGER.fullmatch(node.text) and len(node.text) > MAX_DIGITS:
        message = f"a number of {len(node.text):,} digits, allowed are {MAX_DIGITS}"
        reading.fault(node, "number.too_long", message, "write a shorter number")
        return None
    return node.text


def text(limit: int = MAX_TEXT) -> Reader:
    """Return the reader of a text of at most ``limit`` characters that shows something."""

    def read(reading: Reading, node: Node) -> Any:
        value = scalar(reading, node)
        if value is None:
            return BAD
        if node.plain and not value:
            return reading.fault(node, "type.expected_string", "the value is missing", "write a text")
        if node.plain and (NO_TEXT.fullmatch(value) or NUMBER.fullmatch(value) or NOT_FINITE.fullmatch(value)):
            return reading.fault(
                node, "type.expected_string", f"`{brief(value)}` is no text", f'quote it: "{brief(value)}"'
            )
        if len(value) > limit:
            message = f"{len(value):,} characters, allowed are {limit:,}"
            return reading.fault(node, "text.too_long", message, "shorten it")
        char = forbidden(value)
        if char is not None:
            message = f"the text holds the control character U+{ord(char):04X}"
            return reading.fault(node, "text.control_character", message, "take the character out")
        if blank(value):
            return reading.fault(node, "text.blank", "the text shows nothing", "write a text or leave the key out")
        return value

    return read


def keyed(pattern: re.Pattern[str], shape: str) -> Reader:
    """Return the reader of a key; an ill-formed key is a fault, but still known under its name."""
    plain = text(MAX_KEY)

    def read(reading: Reading, node: Node) -> Any:
        value = plain(reading, node)
        if value is not BAD and not pattern.fullmatch(value):
            reading.fault(node, "key.invalid", f'"{brief(value)}" is no key', f"write {shape}")
        return value

    return read


key = keyed(KEY, "small letters, digits, - and _, a letter first")
dotted = keyed(DOTTED, "small letters, digits, -, _ and dots, a letter first")
definition_key = keyed(DEFINITION_KEY, "<college>.<name> in small letters, digits, - and _")
loose = keyed(LOOSE, "small letters, digits, -, _ and dots")
code = text(60)
LABEL_STAND_IN = Label(zh="?", en="?")


def label(limit: int = MAX_LABEL) -> Reader:
    """Return the reader of a text in both languages, as a `Label`."""
    return record({"zh": need(text(limit), "?"), "en": need(text(limit), "?")}, Label)


def named(limit: int = MAX_LABEL) -> Prop:
    """Describe a needed ``name`` or ``label`` in both languages."""
    return need(label(limit), LABEL_STAND_IN)


def choice(*allowed: str) -> Reader:
    """Return the reader of one of these words."""

    def read(reading: Reading, node: Node) -> Any:
        value = scalar(reading, node)
        if value is None or value in allowed:
            return BAD if value is None else value
        return reading.fault(node, "def.unknown_value", f'"{brief(value)}" is not known here', meant(value, allowed))

    return read


def flag(reading: Reading, node: Node) -> Any:
    """Read ``true`` or ``false``."""
    if node.kind == "scalar" and node.plain and node.text in ("true", "false"):
        return node.text == "true"
    return reading.fault(
        node, "type.expected_flag", "true or false is needed here", "write `true` or `false`, unquoted"
    )


def number(low: float = -1e12, high: float = 1e12, whole: bool = False) -> Reader:
    """Return the reader of a number from ``low`` to ``high``."""

    def read(reading: Reading, node: Node) -> Any:
        value = scalar(reading, node)
        if value is None:
            return BAD
        if node.plain and NOT_FINITE.fullmatch(value):
            return reading.fault(node, "number.not_finite", f"`{value}` is no finite number", "write a number")
        kind = "whole number" if whole else "number"
        if not node.plain or not (INTEGER if whole else NUMBER).fullmatch(value) or value[:2] in ("0o", "0x"):
            return reading.fault(node, "type.expected_number", f"a {kind} is needed here", "write digits, unquoted")
        if len(value) > MAX_DIGITS:
            return reading.fault(node, "number.too_long", f"a number of {len(value):,} characters", "write it shorter")
        found: float = int(value) if INTEGER.fullmatch(value) else float(value)
        if not math.isfinite(found):
            return reading.fault(node, "number.not_finite", f"`{value}` is no finite number", "write a smaller number")
        if not low <= found <= high:
            return reading.fault(node, "number.range", f"{value} is out of range", f"write {low:,} to {high:,}")
        return found

    return read


def whole(low: int, high: int) -> Reader:
    """Return the reader of a whole number."""
    return number(low, high, whole=True)


def day(reading: Reading, node: Node) -> Any:
    """Read a date, as ``YYYY-MM-DD`` text."""
    value = scalar(reading, node)
    found = DAY.fullmatch(value) if value is not None else None
    if value is None:
        return BAD
    if found and _is_date(*(int(part) for part in found.groups())) and YEARS[0] <= int(found[1]) <= YEARS[1]:
        return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
    return reading.fault(node, "date.invalid", f'"{brief(value)}" is no date', "write YYYY-MM-DD, a day that exists")


def month_day(reading: Reading, node: Node) -> Any:
    """Read a day of any year, as ``MM-DD`` text."""
    value = scalar(reading, node)
    found = MONTH_DAY.fullmatch(value) if value is not None else None
    if value is None:
        return BAD
    if found and _is_date(2000, int(found[1]), int(found[2])):
        return f"{int(found[1]):02d}-{int(found[2]):02d}"
    return reading.fault(node, "date.invalid", f'"{brief(value)}" is no day', "write MM-DD, a day that exists")


def _is_date(year: int, month: int, day_: int) -> bool:
    try:
        datetime.date(year, month, day_)
    except (ValueError, OverflowError):
        return False
    return True


def working_days(reading: Reading, node: Node) -> Any:
    """Read a duration such as ``3 working days`` (or ``3个工作日``), as a number of working days."""
    value = scalar(reading, node)
    if value is None:
        return BAD
    found = DURATION.fullmatch(value.strip())
    if not found:
        return _no_duration(reading, node, value)
    amount = _amount(found[1].replace("−", "-"))
    if amount is None:
        return _no_duration(reading, node, value)
    if not 1 <= amount <= MAX_WORKING_DAYS:
        return reading.fault(node, "duration.range", f'"{brief(value)}" is out of range', f"write {DURATION_RANGE}")
    if not re.fullmatch(r"working[ -]days?|个?工作日", found[2].strip()) or amount != int(amount):
        guess = f'did you mean "{int(amount)} working days"? {DURATION_RANGE}'
        return reading.fault(node, "duration.unit", f'"{brief(value)}" does not say working days', guess)
    return int(amount)


def _amount(digits: str) -> float | None:
    try:
        return float(digits[:MAX_DIGITS])
    except ValueError:
        return None


def _no_duration(reading: Reading, node: Node, value: str) -> Any:
    message = f'"{brief(value)}" is no duration in working days'
    return reading.fault(node, "duration.invalid", message, f'write such as "3 working days", {DURATION_RANGE}')


def days(reading: Reading, node: Node) -> Any:
    """Read working days as a bare number or a duration."""
    if node.kind == "scalar" and node.plain and INTEGER.fullmatch(node.text) and len(node.text) <= MAX_DIGITS:
        if 1 <= int(node.text) <= MAX_WORKING_DAYS:
            return int(node.text)
        return reading.fault(node, "duration.range", f"{node.text} is out of range", f"write {DURATION_RANGE}")
    return working_days(reading, node)


def period_length(reading: Reading, node: Node) -> Any:
    """Read the length of a period: ``PnY``, ``PnM``, ``semester`` or ``project``."""
    value = scalar(reading, node)
    if value is None or value in ("semester", "project"):
        return BAD if value is None else value
    found = PERIOD.fullmatch(value)
    if not found:
        remedy = "write P3Y, P1Y, P6M, semester or project (1 month to 10 years)"
        return reading.fault(node, "duration.invalid", f'"{brief(value)}" is no period', remedy)
    if not 1 <= int(found[1]) * (12 if found[2] == "Y" else 1) <= MAX_MONTHS:
        return reading.fault(node, "duration.range", f'"{value}" is out of range', "write 1 month to 10 years")
    return value
