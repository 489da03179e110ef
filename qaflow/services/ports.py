"""What the use cases ask of the outside; `adapters` answers, `app` puts them together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

from qaflow.config import Settings
from qaflow.engine.decide import Decide, decide
from qaflow.errors import Unavailable


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
    html: str = ""
    why: str = ""  # the address of the page that tells why this was sent
    language: str = "zh"
    at: datetime | None = None  # by the machine's clock
    given: bool = True  # whether the person or their college gave the address: a sandbox's logins make none


class Mailer(Protocol):
    """Hands notices over."""

    def send(self, notice: Notice) -> None:
        """Hand the notice over; raise Unavailable where that is not possible now."""
        ...


class Answer(NamedTuple):
    """What came of one request to somebody else's server; no status where it gave none."""

    status: int | None
    millis: int
    detail: str = ""
    wait: int = 0  # seconds for which the server asks

    @property
    def taken(self) -> bool:
        """Tell whether the server says that it has it."""
        return self.status is not None and 200 <= self.status < 300


class Poster(Protocol):
    """Sends to addresses that people gave, and never into the machine's own network."""

    def check(self, url: str, plain: bool) -> None:
        """Refuse an address that may not be sent to: `Invalid` ``url.*``; ``plain`` allows http."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes, plain: bool) -> Answer:
        """Send, within bounded time; whatever goes wrong is in the answer."""
        ...


@runtime_checkable
class Held(Protocol):
    """A mailer that keeps a connection between messages."""

    def close(self) -> None:
        """Part from the server."""
        ...


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One message to the group of a bot."""

    kind: str  # wecom, dingtalk, feishu
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)
    title: str
    text: str
    at: datetime


class Chats(Protocol):
    """Speaks to groups through their bots."""

    def check(self, kind: str, address: str) -> None:
        """Raise Invalid where the address is not one of this vendor's bots."""
        ...

    def send(self, chat: Chat) -> None:
        """Say it; raise Unavailable (``chat.*``) where the vendor did not take it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Post:
    """What messages need beside a mailer: bots, the pages' address, and the key that channels are sealed with."""

    chats: Chats | None = None
    base_url: str = ""
    secret_key: str = field(default="", repr=False)


class Files(Protocol):
    """Keeps evidence by its hash."""

    def keep(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256; raise Unavailable where that is not possible now."""
        ...

    def read(self, digest: str) -> bytes | None:
        """Return the bytes under a digest, whatever they are now, or None."""
        ...


class Cell(NamedTuple):
    """A cell of a workbook with a tone: ``done``, ``going``, ``late``, ``planned`` or ``head``."""

    value: str | float | date | None
    tone: str = ""


Value = str | float | date | Cell | None


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One sheet of a workbook: its headings and rows; what lies left of `fixed` and the headings stay in sight."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]
    widths: Sequence[int] = ()
    fixed: int = 0
    note: str = ""  # a line above the headings
    landscape: bool = False


class Workbooks(Protocol):
    """Writes workbooks (xlsx) in which every text is a text, never a formula."""

    def write(self, leaves: Sequence[Leaf]) -> bytes:
        """Return the workbook's bytes."""
        ...


class Tables(Protocol):
    """Writes tables as CSV in which no text can become a formula."""

    def write(self, leaves: Sequence[Leaf]) -> bytes:
        """Return the file's bytes; raise Invalid for more than one sheet."""
        ...


SHEETS = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}
"""How sheets are written, each form with its content type."""


class Pictures(Protocol):
    """Draws charts without a browser."""

    def draw(self, spec: Mapping[str, Any], form: str, language: str = "zh") -> bytes:
        """Return a Vega-Lite description as ``svg`` or ``png``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a provider says of who signed in; nothing in it is looked up here but by the mapping."""

    provider: str
    subject: str  # never changes, never becomes another's
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # nested ones as `outer.inner`
    session: str = ""  # by which the provider ends this session
    proof: str = field(default="", repr=False)  # for its own sign-out
    proven_at: datetime | None = None  # when they last proved to it who they are, where it says so


class Sent(NamedTuple):
    """Where a browser is sent to sign in, and what must be known when it comes back."""

    url: str
    kept: dict[str, str]


class Ended(NamedTuple):
    """Whose sessions a provider ended: one session, or where that is "" all of a subject."""

    session: str
    subject: str


class Redirecting(Protocol):
    """A provider to which the browser goes and from which it comes back."""

    def begin(self, back: str, state: str, now: datetime, fresh: bool) -> Sent:
        """Return where to send the browser; with `fresh` the provider asks again who it is.

        Raises `Unavailable` where the provider does not answer.
        """
        ...

    def finish(self, back: str, kept: Mapping[str, str], answer: Mapping[str, str], now: datetime) -> Identity:
        """Return who signed in; raise `Unproven` (``signin.*``) where what came back does not prove it."""
        ...

    def leave(self, back: str, proof: str, now: datetime) -> str | None:
        """Return where the provider itself signs the browser out, None where it has no such place."""
        ...

    def ended(self, sent: Mapping[str, str], now: datetime) -> Ended:
        """Return whose sessions a provider's own request ends; raise `Unproven` where it is not the provider's."""
        ...


class Weighing(Protocol):
    """A provider that weighs a password."""

    def weigh(self, login: str, password: str, now: datetime) -> Identity | None:
        """Return who it is, None where login and password do not fit; raise `Unavailable`."""
        ...


class Beside(Protocol):
    """Does long work beside the requests."""

    def __call__(self, work: Callable[[Any], None]) -> None:
        """Begin the work, which gets a session of its own, and wait for nothing; what fails there is logged."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The settings and the outside that every door hands to the use cases: `app.extensions["qaflow"]`."""

    settings: Settings
    clock: Clock
    files: Files | None = None
    mailer: Mailer | None = None
    chats: Chats | None = None
    workbooks: Workbooks | None = None
    tables: Tables | None = None
    pictures: Pictures | None = None
    poster: Poster | None = None
    redirecting: Mapping[str, Redirecting] = field(default_factory=dict)  # by the provider's key
    weighing: Mapping[str, Weighing] = field(default_factory=dict)
    beside: Beside | None = None
    decide: Decide = decide

    @property
    def post(self) -> Post:
        """What messages need beside a mailer."""
        return Post(chats=self.chats, base_url=self.settings.base_url, secret_key=self.settings.secret_key)

    def written(self, leaves: Sequence[Leaf], form: str = "xlsx") -> bytes:
        """Return sheets in one of the forms of `SHEETS`; `Unavailable` (``document.writer``) without a writer."""
        writer = self.workbooks if form == "xlsx" else self.tables
        if writer is None:
            raise Unavailable("document.writer", "this program was put together without a writer of documents")
        return writer.write(leaves)
