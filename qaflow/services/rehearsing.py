"""Doing something to see what it does: the same code in the same transaction, taken back unless it was agreed to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from qaflow.engine.definition import canonical
from qaflow.errors import Stale
from qaflow.store.db import Driver

from .college import forget
from .work import AnySession, transact


class Outcome(Protocol):
    """What an act would do, or did; `digest` tells one outcome from another."""

    @property
    def digest(self) -> str:
        """The hash over everything that was shown."""


O = TypeVar("O", bound=Outcome)  # noqa: E741 - the outcome


class _TakenBack(Exception):
    """Takes the writing back and its outcome out."""

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self.outcome = outcome


def rehearsed(session: AnySession, body: Callable[[Driver], O], agreed: str | None = None) -> O:
    """Run a body and take it back; with the digest of what was shown, write it if it still does just that.

    Raises `Stale` (``preview.changed``) where it would do something else by now.
    """

    def whole(driver: Driver) -> O:
        outcome = body(driver)
        if agreed is None:
            raise _TakenBack(outcome)
        if outcome.digest != agreed:
            raise Stale("preview.changed", "this would do something else by now than what was shown")
        return outcome

    try:
        return transact(session, whole)
    except _TakenBack as taken:
        found: O = taken.outcome
        return found
    finally:
        forget(session)  # what was cached of a transaction that is taken back must not outlive it


def digest_of(outcome: Any) -> str:
    """Return the hash over plain data."""
    return hashlib.sha256(canonical(outcome).encode()).hexdigest()
