"""How many requests a token may send in a minute, counted in this process."""

from __future__ import annotations

from typing import cast

from flask import current_app
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from qaflow.config import Settings
from qaflow.errors import QaflowError
from qaflow.services.tokens import Bearer

WINDOW = 60  # seconds
COUNTER = "qaflow.api.counter"


class TooMany(QaflowError):
    """This token sends more than it may; wait."""

    code = "rate.exceeded"
    status = 429
    exit = 6


def count(bearer: Bearer, settings: Settings) -> None:
    """Count a request; refuse it where the token sent too many in the last minute."""
    item = RateLimitItemPerMinute(settings.api_rate)
    if not _counter().hit(item, str(bearer.token)):
        raise TooMany(headers={"Retry-After": str(WINDOW)}, limit=settings.api_rate)


def _counter() -> MovingWindowRateLimiter:
    return cast(MovingWindowRateLimiter, current_app.extensions.setdefault(
        COUNTER, MovingWindowRateLimiter(MemoryStorage())))  # fmt: skip
