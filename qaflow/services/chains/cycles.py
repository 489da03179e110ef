"""Goals and standards that a cycle fixes become entries of the chains, in the transaction that approves the stage.

A second visit of the stage writes them anew: what the cycle still says in the same words stays the same entry, what it
no longer says is retired, for others may have been linked to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from qaflow.engine.chain_findings import plain
from qaflow.engine.definition import Stage
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.store import chain_writes as rows
from qaflow.store import content
from qaflow.store.db import Driver

LETTERS = {"goal": "g", "standard": "s"}
FIELDS = {"goals": "goal", "standards": "standard", "verdicts": "diagnose"}
"""Fields of a stage's form that speak of the chains, and the neutral stage in which they do."""
LONGEST = 1000


def fixes(stage: Stage) -> bool:
    """Tell whether the approval of a stage changes the chains."""
    covers = stage.covers or (stage.key,)
    return any(f.type == "records" and FIELDS.get(f.key) in covers for f in stage.form)


def fix(driver: Driver, college: int, snap: Snapshot, stage: Stage, digest: str | None, at: str) -> None:
    """Write what the approved content of a stage says of goals, standards and their attainment."""
    text = content.get(driver, digest) if digest and fixes(stage) else None
    if text is None:
        return
    values = json.loads(text)
    covers = stage.covers or (stage.key,)
    if "goal" in covers and "goals" in values:
        _replace(driver, "goal", college, snap, _goals(driver, college, snap, values["goals"]), at)
    if "standard" in covers and "standards" in values:
        _replace(driver, "standard", college, snap, _standards(driver, college, snap, values["standards"]), at)
    if "diagnose" in covers and "verdicts" in values:
        found = [(v["goal"], degree) for v in _records(values["verdicts"], "goal")
                 if (degree := _degree(v)) is not None]  # fmt: skip
        rows.verdicts(driver, college, snap.id, found, at)


def _records(found: Any, key: str) -> list[Data]:
    """Return the records that say something under a key, each wording once."""
    named = {str(one[key])[:LONGEST]: one for one in found or () if isinstance(one, dict) and one.get(key)}
    return [one | {key: text} for text, one in named.items()]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _degree(verdict: Data) -> float | None:
    said = _number(verdict.get("degree"))
    if said is not None:
        return min(100.0, max(0.0, said))
    return 100.0 if verdict.get("attained") is True else None


def _goals(driver: Driver, college: int, snap: Snapshot, found: Any) -> list[Data]:
    records = _records(found, "text")
    named = [str(one["source_goal"]).strip() for one in records if one.get("source_goal")]
    above = rows.named(driver, college, snap.subject, snap.parent, list(dict.fromkeys(named))) if named else {}
    return [{"text": one["text"], "indicator": one.get("indicator") or None, "target": _number(one.get("target")),
             "weight": weight if (weight := _number(one.get("weight"))) and weight > 0 else None,
             "above": above.get(str(one.get("source_goal") or "").strip())} for one in records]  # fmt: skip


def _standards(driver: Driver, college: int, snap: Snapshot, found: Any) -> list[Data]:
    """Return the standards, each of the goal with the same indicator, or of the cycle's only goal."""
    goals = [(number, said) for number, _, _, said, gone in rows.of_cycle(driver, "goal", college, snap.id) if not gone]
    by_indicator = {plain(said): number for number, said in goals if said}
    only = goals[0][0] if len(goals) == 1 else None
    made = []
    for one in _records(found, "text"):
        target, warning = _number(one.get("target")), _number(one.get("warning"))
        direction = None if target is None or warning is None else "lower" if warning > target else "higher"
        made.append({"text": one["text"], "indicator": one.get("indicator") or None, "target": target,
                     "direction": direction, "warn_lower": warning if direction != "lower" else None,
                     "warn_upper": warning if direction == "lower" else None,
                     "above": by_indicator.get(plain(str(one.get("indicator") or ""))) or only})  # fmt: skip
    return made


def _replace(driver: Driver, table: str, college: int, snap: Snapshot, wanted: Sequence[Data], at: str) -> None:
    """Bring a cycle's entries in step with what it says now."""
    standing = {text: number for number, _, text, _, _ in rows.of_cycle(driver, table, college, snap.id)}
    kept = [one for one in wanted if one["text"] in standing]
    new = [one for one in wanted if one["text"] not in standing]
    if kept:
        rows.fix(driver, table, [one | {"id": standing[one["text"]], "owner": snap.responsible} for one in kept])
    gone = [number for text, number in standing.items() if text not in {one["text"] for one in kept}]
    if gone:
        rows.drop(driver, table, college, snap.id, gone, at)
    first = len(standing) + 1
    rows.add(driver, table, college, [
        (f"c{snap.id}-{LETTERS[table]}{no}", "cycle", _values(table, snap, one)) for no, one in enumerate(new, first)
    ], snap.id)  # fmt: skip


def _values(table: str, snap: Snapshot, one: Mapping[str, Any]) -> Data:
    last = (date.fromisoformat(snap.end) - timedelta(days=1)).isoformat()  # a period is half-open
    given = {"goal": ("parent_id", "target"), "standard": ("goal_id", "value")}[table]
    return {"layer": snap.layer, "text_zh": one["text"], "text_en": one["text"], "indicator": one["indicator"],
            "direction": one.get("direction"), "weight": one.get("weight"), "starts": snap.start, "ends": last,
            "owner_id": snap.responsible, "subject_id": snap.subject, given[0]: one["above"], given[1]: one["target"],
            "warn_lower": one.get("warn_lower"), "warn_upper": one.get("warn_upper")}  # fmt: skip
