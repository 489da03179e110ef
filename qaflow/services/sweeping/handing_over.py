"""Handing messages over: at least once, under one Message-ID, so that what arrives twice is recognisable.

A message that is refused is tried again, three times in all, then waits as an incident for a person.  A channel that
breaks (no connection, a limit of its vendor) rests for a growing while and costs its messages no try.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from threading import Thread
from time import monotonic

from qaflow import logs
from qaflow.errors import Invalid, QaflowError, Unavailable
from qaflow.services.notices import addressing, digesting
from qaflow.services.notices.digesting import INCIDENT
from qaflow.services.ports import Held, Mailer, Post
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import channels, messages, outbox, telling, ticks
from qaflow.store.db import Driver, utc
from qaflow.store.messages import Message

CLAIMED = dt.timedelta(minutes=10)  # how long a message taken belongs to whoever took it
BACK_OFF = (dt.timedelta(minutes=1), dt.timedelta(minutes=10))  # of a message; then a person has to look at it
REST = tuple(dt.timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30))  # of a channel after so many failures in a row
SECONDS = 20.0  # a mailer that takes longer is cut off
IN_A_ROW = 3  # so many messages of a channel that fail in a row are the channel's failure
BATCH = 50
BUDGET = 120.0  # seconds that one sweep spends on messages; the next goes on
NO_POST = Post()
LIMITED = "chat.limited"
DOWN = frozenset(("mail.unreachable", "chat.unreachable", "chat.refused", "secret.sealed", LIMITED))
"""Faults of a channel, not of a message."""
LIMIT_LASTS = {"dingtalk": dt.timedelta(minutes=10)}  # what its vendor says; of the others a minute

log = logs.get("qaflow.outbox")


def deliver(session: AnySession, origin: Origin, mailer: Mailer, post: Post = NO_POST) -> dict[str, int]:
    """Send what may leave; returns how many messages were ``sent``, ``failed`` and ``dropped``.

    Messages are claimed before they are sent: of two processes that deliver at once each takes other ones, and a crash
    between sending and marking leads to the same message again, never to another one.
    """
    digesting.sort(session, origin)
    run = _Run(session, origin, mailer, post)
    try:
        _send_all(session, origin, run)
    finally:
        if isinstance(mailer, Held):
            mailer.close()
    return run.done


def _send_all(session: AnySession, origin: Origin, run: _Run) -> None:
    ends = monotonic() + BUDGET
    while monotonic() < ends and (claimed := transact(session, lambda d: _claim(d, origin))):
        for message in claimed:
            if monotonic() < ends:
                run.send(message)
            else:
                run.give_back(message)


def retry(d: Driver, now: str) -> int:
    """Let what could not be sent be tried again."""
    messages.revive(d, now)
    return outbox.revive(d, now)


def _claim(d: Driver, origin: Origin) -> list[Message]:
    return messages.claim(d, utc(origin.now), utc(origin.now + CLAIMED), BATCH)


class _Run:
    """One delivery: what it did, and which channels it found broken."""

    def __init__(self, session: AnySession, origin: Origin, mailer: Mailer, post: Post) -> None:
        self.session, self.origin, self.mailer, self.post = session, origin, mailer, post
        self.done: dict[str, int] = {}
        self.failing: dict[int, int] = {}  # failures in a row by channel
        self.resting: set[int] = set()
        self.at = utc(origin.now)

    def send(self, message: Message) -> None:
        """Send one message and mark it; whom it is for and what it says is reckoned now."""
        if message.channel in self.resting:
            self.give_back(message)
            return
        try:
            work = addressing.ready(self.session, self.origin, message, self.mailer, self.post)
            if work is None:
                self._end(message, "dropped")
                return
            within(SECONDS, work)
        except Invalid as error:  # nothing that trying again would mend
            self._end(message, "dropped", error.detail)
        except Exception as error:  # noqa: BLE001 - whatever a mailer raises concerns this message or its channel
            self._failed(message, error)
        else:
            self._end(message, "sent")

    def give_back(self, message: Message) -> None:
        """Put a message back untried, for when its channel is tried again."""
        self._in(lambda d: messages.give_back(d, [message.id], self._rested(d, message)))

    def _in(self, body: Callable[[Driver], object]) -> None:
        transact(self.session, body)

    def _count(self, how: str) -> None:
        self.done[how] = self.done.get(how, 0) + 1

    def _end(self, message: Message, state: str, error: str | None = None) -> None:
        def body(d: Driver) -> None:
            messages.mark(d, message.id, state, self.at, error)
            telling.tried(d, message.ids, message.tries)
            outbox.mark(d, message.ids, state, self.at)
            if state == "sent":
                channels.worked(d, message.channel, self.at)
            if message.tries > len(BACK_OFF):
                ticks.solve(d, INCIDENT, message.key, self.at)

        self.failing.pop(message.channel, None)
        self._in(body)
        self._count(state)

    def _failed(self, message: Message, error: Exception) -> None:
        code = error.code if isinstance(error, QaflowError) else ""
        told = (error.detail if isinstance(error, QaflowError) else f"{type(error).__name__}: {error}")[:500]
        log.warning("outbox.failed", key=message.key, code=code, error=told)
        self._count("failed")
        if code in DOWN:
            self._in(lambda d: self._break(d, message, code, told, given_back=True))
            return
        self._in(lambda d: self._refused(d, message, told))
        self.failing[message.channel] = self.failing.get(message.channel, 0) + 1
        if self.failing[message.channel] >= IN_A_ROW:
            self._in(lambda d: self._break(d, message, code, told, given_back=False))

    def _refused(self, d: Driver, message: Message, told: str) -> None:
        """Try a message again later, three times in all; then it waits as an incident for a person."""
        telling.tried(d, message.ids, message.tries)
        if message.tries <= len(BACK_OFF):
            messages.postpone(d, message.id, utc(self.origin.now + BACK_OFF[message.tries - 1]), told)
            return
        messages.mark(d, message.id, "failed", self.at, told)
        outbox.mark(d, message.ids, "failed", self.at)
        ticks.open_incident(d, None, INCIDENT, message.key, told, self.at, None)

    def _break(self, d: Driver, message: Message, code: str, told: str, given_back: bool) -> None:
        """Let a channel rest, and what waits for it."""
        channel = channels.one(d, message.channel)
        tries = channel.tries if channel else 0
        rest = REST[min(tries, len(REST) - 1)]
        if code == LIMITED and channel:
            rest = LIMIT_LASTS.get(channel.kind, REST[0])
        until = utc(self.origin.now + rest)
        channels.broke(d, message.channel, told, self.at, until)
        if given_back:
            messages.give_back(d, [message.id], until)
        messages.hold(d, message.channel, until)
        self.resting.add(message.channel)

    def _rested(self, d: Driver, message: Message) -> str:
        channel = channels.one(d, message.channel)
        return channel.next_try_at if channel and channel.next_try_at else self.at


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do work that may hang, for so long at most; what it raises is raised here, `Unavailable` when it was cut off."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            raised.append(error)

    thread = Thread(target=guarded, daemon=True, name="qaflow-mail")
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Unavailable("mail.timeout", f"the mailer did not answer within {seconds:g} s")
    if raised:
        raise raised[0]
