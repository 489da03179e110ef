"""Texts in CSV files that a spreadsheet would read as formulas: an apostrophe before them, taken away when read.

A workbook needs none of this: there a text is written as a text.
"""

from __future__ import annotations

import re

SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\u2212|%"
"""What begins a formula or a call, half and full width; `|` and `%` do in older programs."""
_AT_RISK = re.compile(f"'*(?:[\\t\\r\\n]|[\\s\\u00a0\\u3000\\ufeff\\u200b]*[{SIGNS}])")


def guarded(text: str) -> str:
    """Return a text as a cell of CSV that no spreadsheet takes for a formula; `unguarded` gives it back."""
    return f"'{text}" if _AT_RISK.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell: without the apostrophe that `guarded` put there."""
    return cell[1:] if cell.startswith("'") and _AT_RISK.match(cell) else cell
