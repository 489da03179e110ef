"""What the use cases ask of the outside; `adapters` answers, `app` puts them together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from qaflow.config import Settings
from qaflow.engine.decide import Decide, decide


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One message to one person, ready to be sent."""

    key: str  # unique: the same notice is never sent twice
    to: str
    subject: str
    body: str


class Mailer(Protocol):
    """Hands notices over."""

    def send(self, notice: Notice) -> None:
        """Hand the notice over; raise Unavailable where that is not possible now."""
        ...


class Files(Protocol):
    """Keeps evidence by its hash."""

    def keep(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256; raise Unavailable where that is not possible now."""
        ...

    def read(self, digest: str) -> bytes | None:
        """Return the bytes under a digest, whatever they are now, or None."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The settings and the outside that every door hands to the use cases: `app.extensions["qaflow"]`."""

    settings: Settings
    clock: Clock
    files: Files | None = None
    mailer: Mailer | None = None
    decide: Decide = decide
