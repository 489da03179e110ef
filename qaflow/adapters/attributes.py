"""What a provider says of a person, flattened: names with dots, values as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST, DEEP, LONGEST = 500, 5, 2000


def flat(of: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, tuple[str, ...]]:
    """Return the values by name; what is nested stands under `outer.inner`, what is neither text nor number nowhere."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in list(of.items())[:MOST]:
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            if depth < DEEP:
                found |= flat(value, f"{key}.", depth + 1)
            continue
        values = value if isinstance(value, list | tuple) else [value]
        texts = tuple(text for one in values[:MOST] if (text := _text(one)) is not None)
        if texts:
            found[key] = texts
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str) and len(str(value)) <= LONGEST:
        return str(value)
    return None
