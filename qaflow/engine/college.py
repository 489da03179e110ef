"""A college as its file says: roles and their line, layers, and the tracks that run on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from .definition import Label

# What a role may be to the engine; rights hang on these kinds, never on a college's own titles (engine rules, 5).
ROLE_KINDS = (
    "responsible", "approver", "supervisor", "leader", "quality_office", "quality_head", "diagnostician",
    "quality_administrator", "administrator", "committee",
)  # fmt: skip
QUALITY_KINDS = ("quality_office", "quality_head")  # where every ladder ends
UNIT_KINDS = ("functional", "teaching", "section", "class")
SYSTEMS = ("decision_command", "quality_generation", "resource_building", "support_service", "supervision_control")
CADENCES = ("real-time", "weekly", "half-month", "monthly", "quarterly", "semester", "yearly")
DIAGNOSES = ("self", "improving", "appraisal")
MONTHS_A_YEAR = 12
MONTHS_A_SEMESTER = 6
LENGTH = re.compile(r"P(\d{1,6})([YM])")


@dataclass(frozen=True, kw_only=True)
class Role:
    """A post of the college; ``is_`` is the neutral kind, ``above`` the next responsible level."""

    key: str
    is_: str
    name: Label
    above: str | None = None
    unit: str | None = None  # the kind of unit whose holder counts; None: the whole college


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One of the layers (横向层面) on which spirals run."""

    key: str
    name: Label
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Period:
    """How long a track's cycle lasts and where it is anchored (``MM-DD``, or each subject's own start)."""

    length: str  # PnY or PnM, semester, project
    anchor: str | None = None
    from_: str = "calendar"  # calendar, subject

    @property
    def months(self) -> int | None:
        """The length in months; None where each project has its own."""
        if self.length == "semester":
            return MONTHS_A_SEMESTER
        found = LENGTH.fullmatch(self.length)
        return int(found[1]) * (MONTHS_A_YEAR if found[2] == "Y" else 1) if found else None


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One kind of diagnosis of a track: how often, and in which month it is due."""

    kind: str  # self, improving, appraisal
    every: str  # a cadence, or `period`: once, at the period's end
    month: int | None = None


@dataclass(frozen=True, kw_only=True)
class Track:
    """What runs on a layer: a definition, its period, how it is watched, its kinds of diagnosis."""

    key: str
    layer: str
    name: Label
    definition: str
    period: Period
    monitoring: str
    diagnoses: tuple[Diagnosis, ...] = ()
    children: tuple[str, ...] = ()
    parent: str | None = None
    source: str = ""
    assumed: tuple[str, ...] = ()  # what the source does not say and the default gives


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A class of a layer's subjects that it tells apart, of a teacher a growth stage (001 §五(三), 五(四)4)."""

    layer: str
    key: str
    name: Label


@dataclass(frozen=True, kw_only=True)
class College:
    """A college: everything its ``college.yaml`` says."""

    key: str
    name: Label
    roles: tuple[Role, ...]
    layers: tuple[Layer, ...]
    tracks: tuple[Track, ...]
    timezone: str = "Asia/Shanghai"
    sandbox_share: int = 500
    source: str = ""
    grid_months: tuple[int, ...] = ()  # of the month grid, in its order; its file is the calendar
    tiers: tuple[Tier, ...] = ()  # those of a layer in their order, as the organisation's file has them

    @cached_property
    def role_by_key(self) -> dict[str, Role]:
        """The roles by key."""
        return {r.key: r for r in self.roles}

    @cached_property
    def track_by_key(self) -> dict[tuple[str, str], Track]:
        """The tracks by (layer, key)."""
        return {(t.layer, t.key): t for t in self.tracks}

    def roles_of(self, named: str) -> tuple[Role, ...]:
        """Return the roles that a name means: a role's key, or a neutral kind."""
        own = self.role_by_key.get(named)
        return (own,) if own is not None else tuple(r for r in self.roles if r.is_ == named)
