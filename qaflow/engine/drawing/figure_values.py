"""The values of the 8: what a caller says of a cycle, and what the layout gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .captions import Caption
from .lemniscate import Point

STATES = ("passed", "passed_late", "current", "late", "returned", "again", "ahead")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a stage or quick state is: its shape and a note of at most 12 characters."""

    state: str = "ahead"  # one of STATES; a quick state may also be `warning`
    note: str = ""
    late: bool = False  # the note tells of lateness


@dataclass(frozen=True, kw_only=True)
class Readout:
    """The number in the slow loop: "29 天", or "迟 3 个工作日" with ``before`` 迟 and ``late``."""

    big: str
    unit: str = ""
    before: str = ""
    lines: tuple[str, ...] = ()  # at most two, below the number
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a cycle stands in its definition."""

    round: int
    current: str | None  # the stage, None once the cycle is closed
    leaf: str = ""  # monitor, warn or correct, in the hinge
    marks: Mapping[str, Mark] = field(default_factory=dict)  # by stage key
    quick: Mapping[str, Mark] = field(default_factory=dict)  # by quick state; else from leaf and open warnings
    open_warnings: int = 0
    readout: Readout | None = None


@dataclass(frozen=True, kw_only=True)
class Format:
    """The measures of one size of the picture."""

    width: float
    height: float
    cross: Point
    slow: float  # a
    quick: float  # b
    radius: float
    lone: float  # the height where there is no quick loop
    gap: float  # between a bead and its caption


DESK = Format(width=560, height=616, cross=(280, 378), slow=318, quick=176, radius=13, lone=440, gap=12)
PHONE = Format(width=362, height=500, cross=(181, 308), slow=248, quick=142, radius=10.5, lone=362, gap=9)


@dataclass(frozen=True, kw_only=True)
class Bead:
    """One stage or quick state on the line."""

    key: str
    place: Point
    radius: float
    state: str  # one of STATES, `plan` (a definition's), `warning`
    number: int | None
    caption: Caption
    spoken: str
    full: str  # the whole name, where the caption had to cut it


@dataclass(frozen=True)
class Stroke:
    """One drawn stretch: plan, gone, ahead, fast, idle or back."""

    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Chevron:
    """An arrow head on a line, in the tone of its stroke."""

    place: Point
    heading: float  # radians
    kind: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """A run of one size within a line; ``gap`` is the space before it."""

    text: str
    size: float
    bold: bool = False
    gap: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Text:
    """A centred line of words that belongs to no bead."""

    place: Point
    parts: tuple[Part, ...]
    tone: str = ""  # "", mute, warn, late
    target: str = ""  # what it leads to: round:before, round:after


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The whole figure, ready to be written down."""

    width: float
    height: float
    title: str
    description: str
    strokes: tuple[Stroke, ...]
    chevrons: tuple[Chevron, ...]
    beads: tuple[Bead, ...]
    quick: tuple[Bead, ...]
    texts: tuple[Text, ...]
