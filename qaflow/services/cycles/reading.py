"""The read side: cycles and their histories, as every door shows them."""

from __future__ import annotations

import json
from typing import Any

from qaflow.errors import Invalid, Missing
from qaflow.services.work import AnySession
from qaflow.store import colleges, content, ledger, listing, people
from qaflow.store.db import reading

from . import acts as service

FILTERS = {
    "layer": ("school", "major", "course", "teacher", "student", "service"),
    "status": ("running", "suspended", "closed", "cancelled"),
}
TEXTS = frozenset(("reason", "comment", "text", "cause", "measure", "content"))


def cycles(
    session: AnySession, after: int, limit: int, **filters: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of cycles and the cursor behind it."""
    driver = reading(session)
    for name, known in FILTERS.items():
        if filters.get(name) is not None and filters[name] not in known:
            raise Invalid("query.unknown", f"--{name} {filters[name]!r}: one of {', '.join(known)}")
    wanted = filters.get("college")
    if wanted is not None and colleges.by_key(driver, wanted) is None:
        raise Missing(
            "college.not_found", f"no college {wanted!r}; loaded: {', '.join(c.key for c in colleges.everyone(driver))}"
        )
    items = listing.cycles(driver, after, limit + 1, **filters)
    return items[:limit], str(items[limit - 1]["id"]) if len(items) > limit else None


def cycle(session: AnySession, number: int) -> dict[str, Any]:
    """Return a cycle with names, where it stands, what is allowed, and its links to the rounds before and after."""
    driver = reading(session)
    row = listing.cycle(driver, number)
    if row is None:
        raise Missing("cycle.not_found", f"no cycle {number}")
    found = row | {
        k: v for k, v in service.show(session, driver, number).items() if k not in row or k in ("due", "items")
    }
    holders = people.names(driver, [i["holder"] for i in found["items"] if i["holder"] is not None])
    for item in found["items"]:
        item["holder"] = holders.get(item["holder"], (None, None))[1]
    found["carried"] = [
        {"kind": kind, "text": content.get(driver, text), "from": source, "ref": ref, "to": to, "state": state}
        for kind, text, source, ref, to, state in ledger.of_cycle(driver, number)
    ]
    return found


def history(session: AnySession, number: int) -> list[dict[str, Any]]:
    """Return a cycle's facts in order; people's words are shown from the content they were kept as."""
    driver = reading(session)
    rows = listing.history(driver, number)
    if not rows:
        raise Missing("cycle.not_found", f"no cycle {number}")
    actors = people.names(driver, _persons(rows))
    for row in rows:
        data = json.loads(row["data"])
        row["data"] = data
        row["texts"] = _texts(driver, data)
        for name in ("actor", "on_behalf_of"):
            if row[name] is not None and row[name].isdigit():
                row[name] = actors.get(int(row[name]), ("", row[name]))[1]
    return rows


def _persons(rows: list[dict[str, Any]]) -> list[int]:
    named = {row[name] for row in rows for name in ("actor", "on_behalf_of")}
    return sorted(int(n) for n in named if n and n.isdigit())


def _texts(driver: Any, data: dict[str, Any]) -> dict[str, str | None]:
    flat = data | data.get("set", {})
    return {k: content.get(driver, v) for k, v in flat.items() if k in TEXTS and isinstance(v, str) and len(v) == 64}
