"""Programs: the accounts of neighbour systems, and the tokens that administrators make and revoke for them."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.me import TOKENS, MadeToken, NewToken, as_token
from qaflow.api.people import AT_PERSON
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.services.accounts import programs

resource = Resource("api_programs", __name__, url_prefix="/programs", description="Neighbour systems and their tokens")


class Program(s.Strict):
    """The account of a program; its roles are given under `/people`, as to a person."""

    id = s.ident(required=True)
    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    disabled_at = s.instant(required=True, allow_none=True)
    tokens = s.whole(required=True)
    last_used_at = s.instant(required=True, allow_none=True)


class New(s.Strict):
    """A program to be added."""

    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)


@resource.get("", gives=s.listing(Program))
def listed(call: Call) -> dict[str, Any]:
    """List the college's programs by login."""
    return call.page([one._asdict() for one in programs.listed(call.session, call.origin, call.me)], None)


@resource.post("", scope="admin", takes=New, gives=Program, status=201)
def add(call: Call) -> Answer:
    """Add an account of a program; nobody signs in by it."""
    with by_code(AT_PERSON):
        number = programs.add(call.session, call.origin, call.me, **call.body)
    made = programs.one(call.session, call.origin, call.me, number).program
    return Answer(body=made._asdict(), location=f"/api/v1/programs/{number}")


@resource.get("/<int:number>", gives=Program)
def show(call: Call, number: int) -> dict[str, Any]:
    """Show a program."""
    return programs.one(call.session, call.origin, call.me, number).program._asdict()


@resource.get("/<int:number>/tokens", gives=TOKENS)
def tokens_of(call: Call, number: int) -> dict[str, Any]:
    """List a program's tokens that still open something, the newest first."""
    found = programs.one(call.session, call.origin, call.me, number)
    return call.page([as_token(row) for row in found.tokens], None)


@resource.post("/<int:number>/tokens", scope="admin", takes=NewToken, gives=MadeToken, status=201)
def issue(call: Call, number: int) -> dict[str, Any]:
    """Make a token of a program, for no more than the one that asks; its text is shown this once."""
    asked = call.body
    made, text = programs.issue(call.session, call.origin, call.me, number, asked["name"], asked["scopes"],
                                asked["days"], call.bearer.scopes)  # fmt: skip
    found = programs.one(call.session, call.origin, call.me, number)
    return as_token(next(row for row in found.tokens if row.id == made)) | {"token": text}


@resource.delete("/<int:number>/tokens/<int:token>", scope="admin")
def revoke(call: Call, number: int, token: int) -> Answer:
    """Revoke a token of a program: whoever bears it is refused from now on."""
    programs.revoke(call.session, call.origin, call.me, number, token)
    return Answer(body=None)
