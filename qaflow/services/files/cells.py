"""Cells of a table: codes, names, days, instants, numbers, choices, lists, mail addresses, checked one by one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from qaflow.config import ADDRESS, ADDRESS_LENGTH
from qaflow.errors import Invalid
from qaflow.services.words import CODE_LENGTH, NAME_LENGTH, clean_code, clean_name, control_character, foreign_digit

SHOWN = 40
YEARS = range(1900, 2200)
YEAR_FIRST = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)", re.ASCII)
YEAR_LAST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}", re.ASCII)
MONTHS = 12
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
MOMENT = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
LENGTHS = {"code": CODE_LENGTH, "choice": CODE_LENGTH, "day": CODE_LENGTH, "number": CODE_LENGTH, "moment": CODE_LENGTH,
           "mail": ADDRESS_LENGTH}  # fmt: skip


class Dated(str):
    """A text that a sheet keeps as a date: only a column of days or instants may hold one."""

    __slots__ = ()


class Faulty(str):
    """A cell whose fault is told already: it has no value, and no second fault."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: what its cells are (code, name, day, moment, number, choice, list, mail), and its Chinese heading."""

    key: str
    zh: str
    what: str = "name"
    required: bool = False
    choices: tuple[str, ...] = ()
    length: int = 0

    @property
    def most(self) -> int:
        """How many characters a cell may have."""
        return self.length or LENGTHS.get(self.what, NAME_LENGTH)


def cell_value(column: Column, text: str) -> Any:
    """Return a cell's value, None for an empty one; `Invalid` says what is wrong with it.

    What looks like a formula stays the text it is.
    """
    bare = text.strip(" \t\u00a0\u3000\r\n")
    bad = control_character(bare)
    if bad:
        raise Invalid("text.control_character", f"holds the control character {bad}")
    value = clean_name(bare) if column.what in ("name", "list") else clean_code(bare)
    if not value:
        if column.required:
            raise Invalid("text.blank", "must not be blank")
        return None
    if len(value) > column.most:
        raise Invalid("text.too_long", f"{len(value)} characters; at most {column.most}")
    return KINDS.get(column.what, _plain)(column, value, bare)


def _plain(column: Column, value: str, bare: str) -> str:
    return value


def _code(column: Column, value: str, bare: str) -> str:
    digit = foreign_digit(bare)
    if digit is not None:
        raise Invalid("number.invalid", f"{bare!r} holds the digit {digit!r}: write digits as 0 to 9")
    if any(sign.isspace() for sign in value):
        raise Invalid("code.blank_inside", f"{value!r}: a code holds no blanks")
    return value


def _choice(column: Column, value: str, bare: str) -> str:
    if value not in column.choices:
        near = get_close_matches(value, column.choices, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Invalid("value.unknown", f"{value!r} is none of {', '.join(column.choices)}{hint}")
    return value


def _day(column: Column, value: str, bare: str) -> str:
    found = YEAR_FIRST.fullmatch(bare)
    if found is None:
        last = YEAR_LAST.fullmatch(bare)
        if last and int(last[1]) <= MONTHS and int(last[2]) <= MONTHS:
            raise Invalid("date.ambiguous", f"{bare}: which is the month? Write YYYY-MM-DD")
        raise Invalid("date.invalid", f"{bare[:SHOWN]!r} is no day: write YYYY-MM-DD")
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        if year not in YEARS:
            raise ValueError
        return date(year, month, day).isoformat()
    except ValueError:
        raise Invalid("date.invalid", f"{bare}: there is no such day") from None


def _mail(column: Column, value: str, bare: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise Invalid("mail.address", f"{value[:SHOWN]!r} is not a mail address")
    return value


def _moment(column: Column, value: str, bare: str) -> datetime:
    """Return an instant: a day with or without a time; aware only where the text names its zone."""
    day, _, time = bare.replace("T", " ").partition(" ")
    start = date.fromisoformat(_day(column, day, day))
    found = MOMENT.fullmatch(time.strip()) if time.strip() else None
    if time.strip() and found is None:
        raise Invalid("date.invalid", f"{bare[:SHOWN]!r} is no time: write YYYY-MM-DD HH:MM")
    hour, minute, second, zone = found.groups() if found else ("0", "0", "0", None)
    try:
        text = f"{start.isoformat()}T{int(hour):02}:{minute or '0':0>2}:{second or '0':0>2}"
        return datetime.fromisoformat(text + (zone or ""))
    except ValueError:
        raise Invalid("date.invalid", f"{bare}: there is no such time") from None


def _number(column: Column, value: str, bare: str) -> float:
    digit = foreign_digit(bare)
    if digit is not None:
        raise Invalid("number.invalid", f"{bare!r} holds the digit {digit!r}: write digits as 0 to 9")
    if value.casefold().lstrip("+-") in ("nan", "inf", "infinity"):
        raise Invalid("number.not_finite", f"{value} is no measured value")
    if not NUMBER.fullmatch(value):
        hint = ": write a point before decimals, and no thousands sign" if "," in value else ": write 12.5"
        raise Invalid("number.invalid", f"{value!r} is no number{hint}")
    number = float(value)
    if not math.isfinite(number):
        raise Invalid("number.not_finite", f"{value} is larger than can be kept")
    return number


def _list(column: Column, value: str, bare: str) -> list[str]:
    parts = (part.strip() for part in re.split(r"[;；|]", value))
    return list(dict.fromkeys(part for part in parts if part))


KINDS = {"code": _code, "choice": _choice, "day": _day, "list": _list, "mail": _mail, "moment": _moment,
         "number": _number}  # fmt: skip
