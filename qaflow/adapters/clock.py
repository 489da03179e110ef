"""Clocks: the only place where the machine's clock is read."""

import time
from collections.abc import Callable
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


def steady() -> float:
    """Return the seconds since the machine was started, time asleep included: nobody can set this clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Watch:
    """Compares a clock with the machine's steady one, so that a leap of the first is seen."""

    def __init__(self, clock: Clock, seconds: Callable[[], float] | None = None) -> None:
        """Begin to watch the clock."""
        self._clock, self._seconds = clock, seconds or steady
        self.trust()

    def trust(self) -> None:
        """Take the clock as it stands now to be right."""
        self._began, self._since = self._clock.now(), self._seconds()

    def ahead(self) -> timedelta:
        """Return how far the clock has left the steady one; negative where it fell behind."""
        return self._clock.now() - self._began - timedelta(seconds=self._seconds() - self._since)
