"""The gate of a cycle's current stage, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qaflow.engine.decide.stages import gate_missing
from qaflow.engine.snapshot import Data
from qaflow.store import ledger

from . import frame_gate, rights
from .acting import Acting


@dataclass(frozen=True)
class Gate:
    """What the current stage still lacks, going by its last content."""

    missing: tuple[Data, ...]
    evidence: int
    children: int

    @classmethod
    def of(cls, acting: Acting, records: Mapping[str, Data]) -> Gate:
        """Ask the gate of the current stage."""
        snap = acting.snap
        stage = acting.compiled.definition.by_key.get(snap.stage)
        if stage is None or snap.status != "running":
            return cls((), 0, 0)
        files = ledger.evidence_count(acting.driver, acting.row.college, snap.id, snap.stage)
        children = rights.children(acting)
        if snap.leaf == "review":
            return cls((), files, children)
        ctx = acting.context(values=records.get(snap.stage, {}), evidence=files, children=children,
                             unanswered=frame_gate.unanswered(acting))  # fmt: skip
        return cls(tuple(gate_missing(stage, snap, ctx)), files, children)
