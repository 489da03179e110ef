"""Texts that people type or that come from files: one spelling of codes and names, and what no text may hold."""

from __future__ import annotations

import unicodedata

from qaflow.engine.dates import iso_day
from qaflow.errors import Invalid

NAME_LENGTH = 200
CODE_LENGTH = 64
NEVER = ("Cc", "Cs")
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
BLANKS = dict.fromkeys([0xA0, 0x3000, *range(0x2000, 0x200B), 0x202F, 0x205F, ord("\t")], " ")
DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_name(text: str) -> str:
    """Return a name as it is kept: composed (NFC), no invisible signs, no blanks around it.

    Full-width signs stay: they are right in Chinese names.
    """
    return unicodedata.normalize("NFC", text.translate(INVISIBLE)).translate(BLANKS).strip()


def clean_code(text: str) -> str:
    """Return a code or login as it is kept: also half-width (NFKC), so that what looks alike is alike."""
    return unicodedata.normalize("NFKC", clean_name(text)).strip()


def day_of(text: str) -> str | None:
    """Return a day that was typed as it is kept, YYYY-MM-DD, None for no text; `Invalid` (``date.invalid``) else."""
    try:
        return iso_day(text).isoformat() if text.strip() else None
    except (TypeError, Invalid):
        raise Invalid("date.invalid", f"{text!r} is no day: write YYYY-MM-DD") from None


def control_character(text: str) -> str | None:
    """Return the first sign that no text may hold, as ``U+0007``: control signs, turns of direction, half pairs."""
    bad = next((sign for sign in text if sign != "\t" and _forbidden(sign)), None)
    return None if bad is None else f"U+{ord(bad):04X}"


def _forbidden(sign: str) -> bool:
    return sign in DIRECTIONS or unicodedata.category(sign) in NEVER


def foreign_digit(text: str) -> str | None:
    """Return the first digit that is not of 0 to 9 (full-width, Arabic): in a code it may mean another number."""
    return next((sign for sign in text if not sign.isascii() and unicodedata.category(sign) == "Nd"), None)
