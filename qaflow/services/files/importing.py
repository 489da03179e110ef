"""A file that somebody sends from a page: rehearsed first, and imported only as it was rehearsed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from qaflow.errors import Forbidden, Missing, Stale
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.definitions.uploading import shown
from qaflow.services.work import AnySession, Origin
from qaflow.store.db import Driver, reading

from . import imports

MOST_BYTES = 11_000_000
"""Of a file from a page: encoded, it must fit the form that carries it to the confirmation."""
T = TypeVar("T")


class Sent(NamedTuple):
    """A file as it came."""

    kind: str
    name: str
    data: bytes
    encoding: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def kinds(session: AnySession, origin: Origin, me: SignedIn) -> list[imports.Kind]:
    """Return the kinds of file that a person may import; `Forbidden` where there are none."""

    def body(driver: Driver, college: CollegeView) -> list[imports.Kind]:
        day = college.calendar.local_day(origin.now).isoformat()
        every = imports.kinds().values()
        rights = policy.allowed(driver, college.id, me.person, sorted({kind.right for kind in every}), day)
        return [
            kind
            for kind in every
            if kind.right in rights or (kind.scoped and policy.anywhere(driver, college.id, me.person, kind.right, day))
        ]

    found = _read(session, me, body)
    if not found:
        raise Forbidden("action.forbidden", "you may import nothing", action="import")
    return found


def require(session: AnySession, origin: Origin, me: SignedIn, kind: str) -> None:
    """Require that a person may import a kind of file; `Missing` where there is none such."""
    if kind in {one.key for one in kinds(session, origin, me)}:
        return
    if kind not in imports.kinds():
        raise Missing("object.not_found", f"no import of {kind!r}")
    raise Forbidden("action.forbidden", f"you may not import {kind}", action="import")


def rehearse(session: AnySession, origin: Origin, me: SignedIn, sent: Sent) -> dict[str, Any]:
    """Return what an import would do, and take it back; `Invalid` names every fault of the file."""
    return _run(session, origin, me, sent, True)


def take(session: AnySession, origin: Origin, me: SignedIn, sent: Sent, digest: str) -> dict[str, Any]:
    """Import the file that was rehearsed; another one is refused."""
    require(session, origin, me, sent.kind)  # before anything is told of the file
    if sent.digest != digest:
        raise Stale("import.other_content", "this is not the file that was checked")
    return _run(session, origin, me, sent, False)


def _run(session: AnySession, origin: Origin, me: SignedIn, sent: Sent, dry: bool) -> dict[str, Any]:
    require(session, origin, me, sent.kind)
    key = _read(session, me, lambda _driver, college: college.key)
    return imports.run(session, origin, sent.kind, sent.data, shown(sent.name), college=key, dry_run=dry,
                       encoding=sent.encoding)  # fmt: skip


def _read(session: AnySession, me: SignedIn, body: Callable[[Driver, CollegeView], T]) -> T:
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} is of no college")
    driver = reading(session)
    try:
        return body(driver, view(session, driver, me.college))
    finally:
        session.rollback()
