"""Waking the tick in a process that runs on: one of several does it, and it watches the machine's clock meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from qaflow.services.ports import Ports
from qaflow.services.work import AnySession

from . import tick


class Watch(Protocol):
    """Compares the machine's clock with a steady one."""

    def ahead(self) -> dt.timedelta:
        """Return how far the clock has left the steady one."""
        ...

    def trust(self) -> None:
        """Take the clock as it stands now to be right."""
        ...


class Waker:
    """Wakes the tick in its process when it holds the lease."""

    def __init__(self, ports: Ports, watch: Watch, holder: str) -> None:
        """Take the outside, the watched clock, and the name under which the lease is held."""
        self._ports, self._watch, self.holder = ports, watch, holder
        self._noted: str | None = None

    def wake(self, session: AnySession) -> tick.Report | None:
        """Sweep once, unless another process holds the lease."""
        ahead = self._leap(session)
        now = self._ports.clock.now() - (ahead or tick.NONE)
        if not tick.elect(session, self.holder, now, self._ports.settings.tick_seconds):
            return None
        return tick.run(session, self._ports, door="scheduler", ahead=ahead)

    def rest(self, session: AnySession) -> None:
        """Give the lease up, so that another process takes over at once."""
        tick.resign(session, self.holder, self._ports.clock.now())

    def _leap(self, session: AnySession) -> dt.timedelta | None:
        """Return how far the clock leapt ahead, None where it may be believed.

        A leap is noted once. It is believed when a person confirms it (`qaflow tick --confirm`), and forgotten when
        the clock comes back. A clock that fell behind needs nothing more: the tick waits until it has caught up.
        """
        ahead, now = self._watch.ahead(), self._ports.clock.now()
        if abs(ahead) <= tick.CLOCK_SLACK:
            if self._noted == tick.LEAP:
                tick.forget_leap(session, now)
            self._noted = None
            return None
        way = tick.LEAP if ahead > tick.NONE else tick.BACK
        if self._noted != way:
            tick.note_clock(session, ahead, now)
            self._noted = way
        elif way == tick.LEAP and not tick.leap_stands(session):
            self._watch.trust()
            self._noted = None
            return None
        return ahead if way == tick.LEAP else None
