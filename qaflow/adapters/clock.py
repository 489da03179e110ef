"""Clocks: the only place where the machine's clock is read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from qaflow.services.ports import Clock


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class ShiftedClock:
    """A clock that goes as another does, `shift` ahead of it: that of a sandbox whose year is simulated."""

    base: Clock
    shift: timedelta

    def now(self) -> datetime:
        """Return the present instant of the sandbox in UTC."""
        return self.base.now() + self.shift


@dataclass
class StoppedClock:
    """A clock that stands until it is set: for simulations and tests."""

    instant: datetime

    def now(self) -> datetime:
        """Return the instant at which it stands."""
        return self.instant
