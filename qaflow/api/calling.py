"""Who calls, when, and what they sent: all that a view of the API needs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from flask import current_app, g, request
from sqlalchemy.orm import scoped_session

from qaflow.api import cursors
from qaflow.errors import Missing, QaflowError, Stale, Unproven
from qaflow.services import tokens
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.ports import Ports
from qaflow.services.running.installation import now_of
from qaflow.services.signin import bearing
from qaflow.services.tokens import Bearer
from qaflow.services.work import Origin
from qaflow.store import unit
from qaflow.store.db import db, driver

SCHEME = "bearer "
PROOF = "X-Proof"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="qaflow"'}


class Unmatched(QaflowError):
    """Say in If-Match with which tag the thing was read."""

    code = "match.missing"
    status = 428
    exit = 2


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a view gives where more is to be said than the thing: its tag, and where it is found."""

    body: Any
    tag: str = ""
    location: str = ""
    status: int | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of somebody who bears a token."""

    bearer: Bearer
    origin: Origin
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    data: bytes = b""
    """The file that is the body, where the operation reads one."""
    media: str = ""
    """The content type of that file."""
    minimal: bool = False
    """Whether no body is wanted (`Prefer: return=minimal`)."""
    match: str = ""
    """The tag of `If-Match`, without its quotes."""

    @property
    def me(self) -> SignedIn:
        """Who calls."""
        return self.bearer.me

    @property
    def session(self) -> scoped_session[Any]:
        """The session; in a request that changes something a unit of work is open on it, unless it acts alone."""
        return db.session

    @property
    def address(self) -> str:
        """From where the request comes."""
        return request.remote_addr or ""

    @property
    def ports(self) -> Ports:
        """The settings and the outside."""
        return ports()

    @property
    def revision(self) -> int | None:
        """The revision of a cycle that `If-Match` names; None for ``*``, one that no cycle has where it is none."""
        if self.match == "*":
            return None
        first = self.match.partition(".")[0]
        return int(first) if first.isascii() and first.isdigit() and len(first) < DIGITS else -1

    def require(self, tag: str) -> None:
        """Require that the thing still is as it was read; whoever else changes it waits until this is done.

        Call it with the tag of the thing read in this request, after `hold`.
        """
        if self.match not in (tag, "*"):
            raise Stale("version.stale", f"the thing is at {tag!r} by now", current=tag)

    def hold(self, name: str) -> None:
        """Let requests that change the same thing go one after the other: its tag is compared and changed in one."""
        unit.hold(driver(self.session), name)

    def college(self) -> int:
        """Return the caller's college; `Missing` where they belong to none."""
        if self.me.college is None:
            raise Missing("college.not_found", "you belong to no college")
        return self.me.college

    def after(self) -> Any:
        """Return the place in a list that the cursor of this request names; None without one."""
        return cursors.read(self.query["after"], self.me.person) if self.query.get("after") else None

    def page(self, items: list[Any], following: Any) -> dict[str, Any]:
        """Return a page of a list; ``following`` is the place after it, None at the end."""
        made = None if following is None else cursors.made(following, self.me.person)
        return {"items": items, "next": made}


DIGITS = 10


def ports() -> Ports:
    """Return the settings and the outside."""
    return cast(Ports, current_app.extensions["qaflow"])


def identified() -> tuple[Bearer, Origin]:
    """Return who calls and the origin of their acts; a session's cookie opens nothing here."""
    sent = request.headers.get("Authorization", "")
    if not sent.lower().startswith(SCHEME):
        raise Unproven("token.missing", "send a token: Authorization: Bearer …", headers=CHALLENGE)
    now, recorded, _ = now_of(db.session, ports())
    try:
        bearer = tokens.bearer(db.session, sent[len(SCHEME) :].strip(), now)
    except Unproven as error:
        more = {"WWW-Authenticate": CHALLENGE["WWW-Authenticate"] + ', error="invalid_token"'}
        raise Unproven(error.code, error.detail, headers=more) from None
    g.bearer = bearer
    return bearer, Origin(now=now, recorded=recorded, door="api", person=bearer.me.person, account=bearer.me.login,
                          request=g.get("reference"))  # fmt: skip


def proven(bearer: Bearer, origin: Origin) -> Origin:
    """Return the origin with when its person last proved who they are, where a fresh proof goes along."""
    sent = request.headers.get(PROOF)
    return origin if sent is None else replace(origin, proven=bearing.proven(db.session, ports(), bearer, sent))
