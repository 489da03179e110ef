"""One effect for a request, however often it is sent: its reply is kept in the transaction of its effect.

The key is looked up and taken within the unit of work that does what was asked.  Whoever sends the same at the same
time waits there for the first one's end, and then finds its reply: no order of events gives two effects.

What is done in many transactions (`apart`: a sweep) takes its key before and keeps its reply after.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import Fernet

from qaflow.errors import Invalid, QaflowError, Refused, Usage
from qaflow.store import repeats as rows
from qaflow.store.db import Contended, Driver, Duplicate, utc

from .ports import Ports
from .work import AnySession, Origin, together, transact

KEPT = timedelta(hours=24)
UNDER_WAY = timedelta(minutes=10)  # an act apart without a reply after so long broke off with its process
KEY = re.compile(r"[\x21-\x7e]{1,200}")
FAULTY = 500  # from this status on nothing was answered that counts
WAIT = 5  # seconds after which whoever asks too early may ask again
UNPROVEN = 401
FORGOTTEN = 1000  # so many at a sweep


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What was answered: enough to answer it once more, sign for sign."""

    status: int
    headers: Mapping[str, str]
    body: str | bytes | Iterator[bytes]
    """A text where the reply is kept; bytes are a file, which is only looked at."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request with its key; ``secret`` is known to nobody but who sent it, and seals the reply."""

    key: str
    digest: str
    secret: str

    def seal(self, ports: Ports) -> Fernet:
        """Return what seals the reply: it may hold people's words, or a token that is shown once."""
        parts = f"{ports.settings.secret_key}\n{self.secret}\n{self.key}".encode()
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(parts).digest()))


def fitting(key: str) -> str:
    """Return a key that can be one; refuse it else, whatever was sent with it."""
    if not KEY.fullmatch(key):
        raise Usage("idempotency.key", "an idempotency key has 1 to 200 visible ASCII characters")
    return key


def asked(key: str, secret: str, *parts: bytes) -> Asked:
    """Return a request as it is recognised: same token, method, address and body; refuse a key that cannot be one."""
    whole = [secret.encode(), *parts]
    digest = hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in whole)).hexdigest()
    return Asked(key=fitting(key), secret=secret, digest=digest)


def once(session: AnySession, ports: Ports, origin: Origin, one: Asked | None, act: Callable[[], Reply],
         refused: Callable[[QaflowError], Reply]) -> Reply:  # fmt: skip
    """Do what was asked as one unit of work, or answer as before where it was done.

    A refusal is an answer like another: it is kept, with what was done before it.  Who is not proven was not heard yet:
    the key stays free for the same with a proof.  A fault of the program or of the database leaves nothing.

    Raises `Invalid` (``idempotency.mismatch``) where the key was used for something else.
    """

    def body(driver: Driver) -> Reply:
        if one is None:
            return _tried(session, act, refused)
        seal = one.seal(ports)
        found = _taken(driver, origin, one, seal)
        if found is not None:
            return found
        session.commit()  # moves the unit's mark: a refusal rolls back to here
        reply = _tried(session, act, refused)
        _settle(driver, origin, one, seal, reply)
        return reply

    return together(session, body)


def apart(session: AnySession, ports: Ports, origin: Origin, one: Asked | None, act: Callable[[], Reply],
          refused: Callable[[QaflowError], Reply]) -> Reply:  # fmt: skip
    """Do what was asked in transactions of its own, or answer as before where it was done.

    Raises what `once` raises, and `Refused` (``idempotency.under_way``) while the same is being done.  What broke off
    with its process is done again by the first that asks after `UNDER_WAY`: an act that must not be done twice has no
    place here.
    """
    if one is None:
        return _tried(session, act, refused)
    seal = one.seal(ports)
    found = transact(session, lambda driver: _taken(driver, origin, one, seal))
    if found is not None:
        return found
    try:
        reply = _tried(session, act, refused)
        transact(session, lambda driver: _settle(driver, origin, one, seal, reply))
    except BaseException:
        session.rollback()
        transact(session, lambda driver: rows.give_back(driver, origin.person or 0, one.key, one.digest))
        raise
    return reply


def _tried(session: AnySession, act: Callable[[], Reply], refused: Callable[[QaflowError], Reply]) -> Reply:
    try:
        return act()
    except (Contended, Duplicate):
        raise
    except QaflowError as error:
        if error.status >= FAULTY:
            raise
        session.rollback()
        return refused(error)


def _taken(driver: Driver, origin: Origin, one: Asked, seal: Fernet) -> Reply | None:
    """Return the reply that was kept under a key, or take the key for this request."""
    person = origin.person or 0
    rows.drop(driver, person, one.key, utc(origin.recorded - KEPT), utc(origin.recorded - UNDER_WAY))
    found = rows.find(driver, person, one.key)
    if found is not None:
        return _again(one, seal, *found)
    rows.claim(driver, person, one.key, one.digest, utc(origin.recorded))
    return None


def _settle(driver: Driver, origin: Origin, one: Asked, seal: Fernet, reply: Reply) -> None:
    """Keep the reply under its key, or give the key back to whoever was not proven."""
    if reply.status == UNPROVEN:
        rows.give_back(driver, origin.person or 0, one.key, one.digest)
        return
    text = json.dumps([reply.status, dict(reply.headers), reply.body])
    rows.answer(driver, origin.person or 0, one.key, one.digest, seal.encrypt(text.encode()))


def _again(one: Asked, seal: Fernet, digest: str, sealed: bytes) -> Reply:
    if digest != one.digest:
        raise Invalid("idempotency.mismatch", "this idempotency key was used for another request")
    if not sealed:
        wait = {"Retry-After": str(WAIT)}
        raise Refused("idempotency.under_way", "the first request with this key is still being answered", headers=wait)
    status, headers, text = json.loads(seal.decrypt(sealed))
    return Reply(status=status, headers=headers, body=text)


def forget(driver: Driver, origin: Origin) -> int:
    """Forget keys that were taken more than a day ago; return how many."""
    return rows.forget(driver, utc(origin.recorded - KEPT), FORGOTTEN)
