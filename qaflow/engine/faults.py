"""Faults: what is wrong in a file, where it stands, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault of a file; ``severity`` is ``error`` or ``warning`` (a warning does not refuse the file)."""

    file: str
    line: int
    col: int
    code: str
    message: str
    remedy: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        tail = f"; {self.remedy}" if self.remedy else ""
        note = " (warning)" if self.severity == "warning" else ""
        return f"{self.file}:{self.line}:{self.col}: {self.code}{note}: {self.message}{tail}"


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the known word that the unknown one most probably meant, or None."""
    found = difflib.get_close_matches(word[:100].casefold(), list(words), n=1, cutoff=0.6)
    return found[0] if found else None


def meant(word: str, words: Iterable[str]) -> str:
    """Return a remedy: "did you mean …", or else the words to choose from."""
    known = sorted(set(words))
    guess = nearest(word, known)
    if guess is not None:
        return f'did you mean "{guess}"?'
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f"allowed here: {shown}" if known else "define it first: nothing of the kind is there yet"


def brief(text: str, limit: int = 40) -> str:
    """Return a text short and plain enough to be quoted in a message."""
    plain = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: limit + 1])
    return plain if len(text) <= limit else plain[:limit] + "…"


def faulty(faults: Iterable[Fault]) -> bool:
    """Tell whether any of the faults is an error."""
    return any(f.severity == "error" for f in faults)
