"""Who one is, and one's tokens."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.errors import Missing
from qaflow.services import tokens
from qaflow.services.accounts import profile
from qaflow.services.accounts.passwords import MOST_DAYS
from qaflow.services.accounts.signin import LONGEST_PASSWORD
from qaflow.services.signin import bearing
from qaflow.services.signin.second_factor import LONGEST_CODE

resource = Resource("api_me", __name__, url_prefix="/me", description="Who one is, and one's tokens")
DAYS = 90


class Me(s.Strict):
    """Who bears this token, and what it is for."""

    id = s.ident(required=True)
    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    language = s.choice(("zh", "en"), required=True)
    college = s.text(s.NAME, required=True, allow_none=True)
    kinds = s.many(s.text(s.NAME), required=True)
    titles = s.many(s.Named, required=True)
    scopes = s.many(s.choice(tokens.SCOPES), required=True)


class Token(s.Strict):
    """A token, without its text."""

    id = s.ident(required=True)
    name = s.text(s.NAME, 0, required=True)
    prefix = s.text(s.NAME, required=True, allow_none=True)
    scopes = s.many(s.choice(tokens.SCOPES), required=True)
    created_at = s.instant(required=True)
    expires_at = s.instant(required=True, allow_none=True)
    last_used_at = s.instant(required=True, allow_none=True)


class NewToken(s.Strict):
    """What a new token is for, and how long it lasts."""

    name = s.text(s.NAME, required=True)
    scopes = s.many(s.choice(tokens.SCOPES), len(tokens.SCOPES), 1, required=True)
    days = s.whole(1, MOST_DAYS, load_default=DAYS)


class MadeToken(Token):
    """A new token with its text, which is shown this once."""

    token = s.text(s.NAME, required=True)


class Proving(s.Strict):
    """What proves who one is: the password here, and a one-time code where these are set up."""

    password = s.text(LONGEST_PASSWORD, load_default="")
    code = s.text(LONGEST_CODE, load_default="")


class Proof(s.Strict):
    """A fresh proof, to be sent in `X-Proof` beside the same token, and until when it counts."""

    proof = s.text(bearing.MOST_SIGNS, required=True)
    until = s.instant(required=True)


TOKENS = s.listing(Token)


@resource.get("", scope="", gives=Me)
def show(call: Call) -> dict[str, Any]:
    """Show who bears this token."""
    college = profile.college(call.session, call.me)
    return {"id": call.me.person, "login": call.me.login, "name": call.me.name, "language": call.me.language,
            "college": college and college.key, "kinds": sorted(call.me.kinds), "titles": call.me.titles,
            "scopes": sorted(call.bearer.scopes)}  # fmt: skip


@resource.get("/tokens", scope="", gives=TOKENS)
def listed(call: Call) -> dict[str, Any]:
    """List one's tokens that still open something, the newest first."""
    found = tokens.listed(call.session, call.me, call.origin.now)
    return call.page([as_token(row) for row in found], None)


@resource.post("/tokens", scope="", takes=NewToken, gives=MadeToken, status=201)
def make(call: Call) -> Answer:
    """Make a token that is for no more than the one that asks."""
    asked = call.body
    number, text = tokens.make(call.session, call.origin, call.me, asked["name"], asked["scopes"], asked["days"],
                               call.bearer.scopes)  # fmt: skip
    made = next(row for row in tokens.listed(call.session, call.me, call.origin.now) if row.id == number)
    return Answer(body=as_token(made) | {"token": text}, location=f"/api/v1/me/tokens/{number}")


@resource.get("/tokens/<int:number>", scope="", gives=Token)
def one(call: Call, number: int) -> dict[str, Any]:
    """Show one of one's tokens."""
    found = [row for row in tokens.listed(call.session, call.me, call.origin.now) if row.id == number]
    if not found:
        raise Missing("token.not_found", f"no token {number}")
    return as_token(found[0])


@resource.delete("/tokens/<int:number>", scope="")
def revoke(call: Call, number: int) -> None:
    """Revoke one of one's tokens, this one too."""
    tokens.revoke(call.session, call.origin, call.me, number)


@resource.post("/proof", alone=True, takes=Proving, gives=Proof, status=201)
def prove(call: Call) -> dict[str, Any]:
    """Prove anew who one is, for colleges that want it of whoever approves."""
    asked = call.body  # alone: a password is weighed dearly, and a guess counts before it is weighed, for all to see
    made = bearing.prove(call.session, call.ports, call.bearer, asked["password"], asked["code"], call.address)
    return {"proof": made.text, "until": made.until}


def as_token(row: tokens.Row) -> dict[str, Any]:
    """Return a token as it is shown."""
    return row._asdict() | {"scopes": sorted(tokens.scopes_of(row.scopes))}
