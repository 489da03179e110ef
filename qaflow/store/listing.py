"""Lists of cycles and histories, for the command line and the pages."""

from __future__ import annotations

from typing import Any

from qaflow.store.db import Driver, Sql

_NAMES = ("id", "college", "layer", "track", "subject", "name", "number", "status", "outcome", "stage", "leaf", "due",
          "open_warnings", "period_start", "period_end", "responsible", "parent", "previous", "definition",
          "version_of",
          "revision", "version", "adopted", "started_at", "closed_at")  # fmt: skip
_SELECT = (
    "select c.id, k.key, c.layer, c.track, j.code, j.name, c.number, c.status, c.outcome, c.stage, c.leaf, c.due, "
    "c.open_warnings, c.period_start, c.period_end, p.login, c.parent_id, c.previous_id, d.key, d.version, c.revision, "
    "c.version, c.adopted, c.started_at, c.closed_at from cycle c join college k on k.id = c.college_id join "
    "subject j on "
    "j.id = c.subject_id join definition d on d.id = c.definition_id left join person p on p.id = c.responsible_id "
)
_LIST = Sql(
    _SELECT + "where c.id > :after and (cast(:college as text) is null or k.key = :college) and "
    "(cast(:layer as text) is null or c.layer = :layer) and (cast(:status as text) is null or c.status = :status) and "
    "(cast(:stage as text) is null or c.stage = :stage) and (cast(:track as text) is null or c.track = :track) and "
    "(cast(:subject as text) is null or j.code = :subject) order by c.id limit :limit"
)
_ONE = Sql(_SELECT + "where c.id = :id")
_HISTORY = Sql(
    "select seq, kind, at, recorded_at, actor, on_behalf_of, door, request_id, definition, data, prev, hash from "
    "journal "
    "where stream = :stream order by seq"
)
_HISTORY_NAMES = ("seq", "kind", "at", "recorded_at", "actor", "on_behalf_of", "door", "request_id", "definition",
                  "data",
                  "prev", "hash")  # fmt: skip
_FOLLOWING = Sql("select id from cycle where previous_id = :id order by id")


def cycles(driver: Driver, after: int, limit: int, **filters: str | None) -> list[dict[str, Any]]:
    """Return cycles by number after one, filtered by college, layer, track, status, stage, subject."""
    wanted = {k: filters.get(k) for k in ("college", "layer", "status", "stage", "track", "subject")}
    rows = driver.all(_LIST, {"after": after, "limit": limit, **wanted})
    return [_named(row) for row in rows]


def cycle(driver: Driver, number: int) -> dict[str, Any] | None:
    """Return one cycle's row with names, and the cycle that followed it."""
    row = driver.one(_ONE, {"id": number})
    if row is None:
        return None
    return _named(row) | {"next": driver.value(_FOLLOWING, {"id": number})}


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    found = dict(zip(_NAMES, row, strict=True))
    found["adopted"] = bool(found["adopted"])
    return found


def history(driver: Driver, number: int) -> list[dict[str, Any]]:
    """Return a cycle's entries in order."""
    return [dict(zip(_HISTORY_NAMES, row, strict=True)) for row in driver.all(_HISTORY, {"stream": f"cycle:{number}"})]
