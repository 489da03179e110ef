"""What a demo is made of: seed, scale, colleges, dates; and the sizes of a college in it."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

from qaflow.engine.decide import Decide, decide

from ..work import Origin

SMALL, FULL = "small", "full"
DOOR = "demo"
DAY = dt.timedelta(days=1)


def chance(*of: object) -> random.Random:
    """Return the chance of something: the same of equal things, so that the same seed gives the same year."""
    return random.Random(":".join(map(str, of)))  # noqa: S311 - it must repeat


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One demo: equal plans of one version give equal years."""

    seed: int
    scale: str
    colleges: tuple[str, ...]
    start: dt.date
    days: int

    @property
    def end(self) -> dt.date:
        """The last simulated day."""
        return self.start + dt.timedelta(days=self.days - 1)

    def plain(self) -> dict[str, Any]:
        """Return the plan as JSON data: what a made sandbox is compared with."""
        return {"seed": self.seed, "scale": self.scale, "colleges": list(self.colleges),
                "start": self.start.isoformat(), "days": self.days}  # fmt: skip


@dataclass(frozen=True)
class Origins:
    """Who acts in the demo and when: the time is simulated, what is recorded is the machine's."""

    recorded: dt.datetime
    rules: Decide = decide

    def at(self, moment: dt.datetime, person: int | None = None, account: str = "operator") -> Origin:
        """Return the origin of an act."""
        return Origin(now=moment, recorded=self.recorded, door=DOOR, person=person, account=account, decide=self.rules)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many subjects of each layer, and classes, a college has in the demo."""

    majors: int = 4
    courses: int = 12
    teachers: int = 12
    students: int = 40
    classes: int = 2


def sizes_of(organisation: dict[str, Any] | None, scale: str) -> Sizes:
    """Return a college's sizes from its organisation file; what the file leaves open takes the default."""
    given = ((organisation or {}).get("demo") or {}).get(scale) or {}
    return Sizes(**{k: int(v) for k, v in given.items() if k in Sizes.__dataclass_fields__})
