"""The channels as the administrator sees and sets them: their state, a bot added, tried, resumed, removed."""

from __future__ import annotations

from dataclasses import dataclass

from qaflow.config import mask
from qaflow.errors import Invalid, Missing, Unavailable
from qaflow.services import policy, sealing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.ports import Ports
from qaflow.services.streams import college_fact
from qaflow.services.sweeping import tick
from qaflow.services.words import NAME_LENGTH, clean_name
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import channels, messages, telling
from qaflow.store.channels import Channel
from qaflow.store.db import Driver, reading, utc
from qaflow.store.messages import New

from . import addressing
from .digesting import MAIL

BOTS = ("wecom", "dingtalk", "feishu")
LANGUAGES = ("zh", "en")
ADDRESS_LENGTH = 500
SHOWN = 4  # characters at the end of an address that a page shows
PURPOSE = addressing.PURPOSE


@dataclass(frozen=True, kw_only=True)
class NewBot:
    """A bot to be added; ``unit`` None speaks of the whole college."""

    kind: str
    name: str
    address: str
    secret: str = ""
    unit: int | None = None
    language: str = "zh"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A channel as it stands: its masked address, what waits for it, whether it rests after a failure."""

    row: Channel
    shown: str
    waiting: int

    @property
    def broken(self) -> bool:
        """Tell whether the last tries failed."""
        return self.row.tries > 0


def everyone(session: AnySession, ports: Ports, origin: Origin, me: SignedIn) -> list[Standing]:
    """Return the college's channels, mail first; the administrator's right."""
    driver = reading(session)
    try:
        college = _college(session, driver, origin, me)
        waiting = messages.waiting(driver, college.id)
        return [Standing(row=one, shown=_shown(ports, one), waiting=waiting.get(one.id, 0))
                for one in channels.everyone(driver, college.id)]  # fmt: skip
    finally:
        session.rollback()


def one(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, number: int) -> Standing:
    """Return one of the college's channels; the administrator's right."""
    found = [each for each in everyone(session, ports, origin, me) if each.row.id == number]
    if not found:
        raise _absent(number)
    return found[0]


def units(session: AnySession, me: SignedIn) -> list[tuple[int, str, str]]:
    """Return the units of whose work a bot may speak."""
    try:
        return telling.units(reading(session), me.college or 0)
    finally:
        session.rollback()


def add(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, new: NewBot) -> int:
    """Add the bot of a group; its address and secret are kept encrypted and never shown again.

    Raises `Invalid`: ``channel.address``, ``channel.taken``, ``value.unknown``, ``text.*``.
    """
    name = clean_name(new.name)
    if not name or len(name) > NAME_LENGTH:
        raise Invalid("text.blank" if not name else "text.too_long", "the channel's name")
    if new.kind not in BOTS or new.language not in LANGUAGES or ports.chats is None:
        raise Invalid("value.unknown", f"{new.kind} {new.language}: one of {', '.join(BOTS)}")
    if len(new.address) > ADDRESS_LENGTH:
        raise Invalid("text.too_long", "the bot's address")
    ports.chats.check(new.kind, new.address)

    def body(driver: Driver) -> int:
        college = _college(session, driver, origin, me)
        if any((one.kind, one.name) == (new.kind, name) for one in channels.everyone(driver, college.id)):
            raise Invalid("channel.taken", f"there is a channel {name!r} already")
        if new.unit is not None and new.unit not in {number for number, _, _ in telling.units(driver, college.id)}:
            raise Invalid("value.unknown", f"no unit {new.unit}")
        key = ports.settings.secret_key
        number = channels.add(driver, (
            college.id, new.kind, name, new.unit, new.language, sealing.seal(key, PURPOSE, new.address.encode()),
            sealing.seal(key, PURPOSE, new.secret.encode()) if new.secret else None,
            sealing.mark(key, PURPOSE, new.address), 0, utc(origin.now),
        ))  # fmt: skip
        _noted(driver, origin, college, "ChannelAdded", {"channel": number, "kind": new.kind, "name": name})
        return number

    return transact(session, body)


def remove(session: AnySession, origin: Origin, me: SignedIn, number: int) -> None:
    """Remove a bot with its address; what waited for it is dropped. The mail server stays."""

    def body(driver: Driver) -> None:
        college = _college(session, driver, origin, me)
        one = _one(driver, college, number)
        if one.kind == MAIL:
            raise Invalid("channel.mail", "mail is set by QAFLOW_MAIL_URL")
        channels.remove(driver, number, utc(origin.now))
        _noted(driver, origin, college, "ChannelRemoved", {"channel": number, "kind": one.kind, "name": one.name})

    transact(session, body)


def wake(session: AnySession, origin: Origin, me: SignedIn, number: int) -> None:
    """Let a channel be tried at the next sweep, with all that waits for it."""

    def body(driver: Driver) -> None:
        _one(driver, _college(session, driver, origin, me), number)
        _free(driver, origin, number)

    transact(session, body)


def put_trial(session: AnySession, origin: Origin, me: SignedIn, number: int) -> None:
    """Put a trial message into the queue of a group, and let its channel be tried at the next sweep."""

    def body(driver: Driver) -> None:
        college = _college(session, driver, origin, me)
        if _one(driver, college, number).kind == MAIL:
            raise Invalid("channel.mail", "mail goes to persons")
        at, day = utc(origin.now), college.calendar.local_day(origin.now).isoformat()
        messages.put(driver, [New(college.id, f"trial.{number}.{at}", "trial", number, None, day, "[]", at, at)])
        _free(driver, origin, number)

    transact(session, body)


def _free(driver: Driver, origin: Origin, number: int) -> None:
    channels.resume(driver, number)
    messages.free(driver, number, utc(origin.now))


def resume(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, number: int) -> bool:
    """Try a channel again now, with all that waits for it; tells whether it works."""
    wake(session, origin, me, number)
    return _swept(session, ports, origin, number)


def try_out(session: AnySession, ports: Ports, origin: Origin, me: SignedIn, number: int) -> bool:
    """Send a trial message to a group now; tells whether it arrived."""
    put_trial(session, origin, me, number)
    return _swept(session, ports, origin, number)


def _swept(session: AnySession, ports: Ports, origin: Origin, number: int) -> bool:
    tick.run(session, ports, door=origin.door, again=True)
    found = transact(session, lambda driver: channels.one(driver, number))
    return found is not None and found.tries == 0


def _college(session: AnySession, driver: Driver, origin: Origin, me: SignedIn) -> CollegeView:
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} belongs to no college")
    college = view(session, driver, me.college)
    day = college.calendar.local_day(origin.now).isoformat()
    policy.require_role(driver, me.college, me.person, "operations", day)
    return college


def _one(driver: Driver, college: CollegeView, number: int) -> Channel:
    found = {one.id: one for one in channels.everyone(driver, college.id)}.get(number)
    if found is None:
        raise _absent(number)
    return found


def _absent(number: int) -> Missing:
    return Missing("channel.not_found", f"no channel {number}")


def _noted(driver: Driver, origin: Origin, college: CollegeView, kind: str, data: dict[str, object]) -> None:
    writer = Writer(driver, origin)
    college_fact(driver, writer, college.id, college.key, kind, data)
    writer.flush()


def _shown(ports: Ports, one: Channel) -> str:
    if one.kind == MAIL:
        return mask(ports.settings.mail_url)
    try:
        address = sealing.unseal(ports.settings.secret_key, PURPOSE, one.address or b"").decode()
    except Unavailable:  # sealed with another key: its state says so once it is tried
        return "…"
    host = address.partition("://")[2].partition("/")[0]
    return f"{host}/…{address[-SHOWN:]}"
