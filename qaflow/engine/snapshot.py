"""The snapshot of one cycle.

A snapshot is everything `decide` needs to know of a cycle: where it stands, the current visit with its signatures,
what people owe, the warnings, the diagnosis sheets.  It is the fold of the cycle's facts (`fold`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Data = dict[str, Any]

OPEN_WARNING = frozenset(("opened", "acknowledged", "correcting", "confirmed"))
RUNNING = "running"
SUSPENDED = "suspended"


@dataclass(slots=True, kw_only=True)
class Visit:
    """One stay of a cycle in a stage (第 n 次)."""

    stage: str
    number: int
    state: str = "open"  # open, review, done, void
    entered_at: str = ""
    due: str | None = None
    submitted_at: str | None = None
    submitted_by: int | None = None
    for_: int | None = None  # the absent person for whom a deputy submitted
    decided_at: str | None = None
    outcome: str | None = None  # approved, returned, reopened, auto, none, adopted
    revision: int = 0
    content: str | None = None
    order: str = "any"
    need: int = 0
    signers: list[int] = field(default_factory=list)
    signed: dict[int, Data] = field(default_factory=dict)
    auto_at: str | None = None


@dataclass(slots=True, kw_only=True)
class Item:
    """One work item (待办): what one person owes now."""

    no: int
    kind: str  # submit, decide, sign, acknowledge, correct, confirm, sheet
    stage: str
    visit: int
    ref: str | None = None  # a warning's id, or sheet:<no>
    holder: int | None = None
    owner: int | None = None
    opened_at: str = ""
    due: str = ""
    deadline_no: int = 1
    level: int = 0
    level_at: str | None = None
    state: str = "open"  # open, done, dropped, stopped
    closed_at: str | None = None
    left: int | None = None  # working days left while stopped


@dataclass(slots=True, kw_only=True)
class WarningLife:
    """One warning (预警) and its own life (engine rules, 4)."""

    id: str
    point: int | None = None
    task: int | None = None
    kind: str = "manual"  # breach, late, task, manual
    severity: str = "minor"
    state: str = "opened"
    breached: bool = False
    opened_at: str = ""
    reading: int | None = None
    limit: str | None = None
    value: float | None = None
    cause: str | None = None
    scope: str | None = None
    measure: str | None = None
    proposal: str | None = None  # the stage a correction proposes to reopen
    reason: str | None = None
    confirmed_at: str | None = None
    closed_at: str | None = None
    acknowledged_by: int | None = None
    limit_id: int | None = None  # the limit that the opening reading breached; none: the point's own
    category: str | None = None  # kind of cause, one of `definition.CATEGORIES`


@dataclass(slots=True, kw_only=True)
class Sheet:
    """One dated diagnosis sheet (诊断表) of the cycle."""

    no: int
    kind: str
    due: str
    issue_at: str
    state: str = "planned"  # planned, open, done, dropped
    assessor: int | None = None
    content: str | None = None
    recorded_at: str | None = None
    recorded_by: int | None = None


@dataclass(slots=True)
class Snapshot:
    """All that a cycle's facts add up to."""

    id: int
    status: str = ""  # running, suspended, closed, cancelled
    definition: str = ""
    subject: int = 0
    track: str = ""
    layer: str = ""
    number: int = 0
    parent: int | None = None
    previous: int | None = None
    start: str = ""
    end: str = ""
    ends_at: str | None = None
    outcome: str | None = None
    stage: str = ""
    leaf: str = ""
    revision: int = 0
    responsible: int | None = None
    unit: int = 0
    adopted: bool = False
    started_at: str = ""
    closed_at: str | None = None
    item_no: int = 0
    warning_no: int = 0
    sheet_no: int = 0
    version: int = 0
    left: Data | None = None
    visits: dict[str, Visit] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    warnings: dict[str, WarningLife] = field(default_factory=dict)
    sheets: dict[int, Sheet] = field(default_factory=dict)
    carried_in: list[Data] = field(default_factory=list)
    touched: set[tuple[Any, ...]] = field(default_factory=set, compare=False)

    @property
    def state(self) -> str:
        """The leaf state's full name, such as ``implement.warn``."""
        return f"{self.stage}.{self.leaf}" if self.status in (RUNNING, SUSPENDED) else self.status

    @property
    def visit(self) -> Visit:
        """The current visit."""
        return self.visits[self.stage]

    def open_items(self, kind: str | None = None, ref: str | None = None) -> list[Item]:
        """Return the open items, of one kind and reference where given."""
        return [
            i for i in self.items.values()
            if i.state == "open" and (kind is None or i.kind == kind) and (ref is None or i.ref == ref)
        ]  # fmt: skip

    def open_warnings(self) -> list[WarningLife]:
        """Return the warnings that are neither closed nor dismissed."""
        return [w for w in self.warnings.values() if w.state in OPEN_WARNING]

    def demanded(self) -> str:
        """Return the quick state that the open warnings ask for (engine rules, 4)."""
        found = "monitor"
        for warning in self.warnings.values():
            if warning.state == "opened":
                return "warn"
            if warning.state in OPEN_WARNING:
                found = "correct"
        return found

    def next_due(self) -> str | None:
        """Return the next instant at which the tick has to look at this cycle, or None."""
        if self.status != RUNNING:
            return None
        times = [s.issue_at for s in self.sheets.values() if s.state == "planned"]
        if self.ends_at:
            times.append(self.ends_at)
        visit = self.visits.get(self.stage)
        if visit is not None and visit.auto_at:
            times.append(visit.auto_at)
        return min(times, default=None)
