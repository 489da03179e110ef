"""How many requests a token may send in a minute, counted in this process."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from math import ceil
from threading import Lock
from typing import cast

from flask import Flask, current_app

from qaflow.errors import QaflowError

WINDOW = timedelta(minutes=1)
KEPT = 1_000
"""Tokens that are counted before those which sent nothing for a minute are forgotten."""
COUNTER = "qaflow.api.counter"


class TooMany(QaflowError):
    """This token sends more than it may; wait."""

    code = "rate.exceeded"
    status = 429
    exit = 6


class Counter:
    """The moments of each token's requests within the last minute; a refused request is not counted."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sent: dict[int, deque[datetime]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return len(self._sent)

    def wait(self, token: int, most: int, now: datetime) -> int:
        """Count a request and return 0, or the whole seconds until the token may send the next one."""
        with self._lock:
            if len(self._sent) > KEPT and token not in self._sent:
                self._sent = {one: sent for one, sent in self._sent.items() if sent and sent[-1] > now - WINDOW}
            sent = self._sent.setdefault(token, deque())
            while sent and sent[0] <= now - WINDOW:
                sent.popleft()
            if len(sent) >= most:
                return ceil((sent[-most] + WINDOW - now).total_seconds())
            sent.append(now)
            return 0


def register(app: Flask) -> None:
    """Count the requests of this app."""
    app.extensions[COUNTER] = Counter()


def count(token: int, most: int, now: datetime) -> None:
    """Count a request; refuse it where the token sent too many in the last minute."""
    seconds = cast(Counter, current_app.extensions[COUNTER]).wait(token, most, now)
    if seconds:
        raise TooMany(headers={"Retry-After": str(seconds)}, limit=most)
