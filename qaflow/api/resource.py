"""A resource: its operations, each said in one line; what every operation has in common is done here and nowhere else.

A view gets a `Call` and gives what its schema shows.  In this order an operation refuses: what cannot be answered in
the form that is wanted, who is not known, what the token is not for, what cannot be read, what the service refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from werkzeug.wrappers import Response

from qaflow.api import answering, files
from qaflow.api.calling import PROOF, Call
from qaflow.api.schemas import HIGHEST, NAME
from qaflow.services.signin.bearing import MOST_SIGNS

BODY = 1_000_000
ROOM = "api_"
View = Callable[..., Any]
DOCUMENTED = (400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 428, 429, 503)
UNREADABLE = 400
SENDS = {UNREADABLE, 413, 415}
MATCHES = {412, 428}
PART = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is said of an operation where it is declared."""

    method: str
    scope: str
    """For what a token must be (`services.tokens.SCOPES`); "" is whatever it is for."""
    takes: type[Schema] | None = None
    """The schema of the body."""
    asks: type[Schema] | None = None
    """The schema of what may stand in the address."""
    gives: type[Schema] | None = None
    """The schema of what is answered; nothing: 204."""
    matches: bool = False
    """Whether the thing must be named as it was read (`If-Match`)."""
    alone: bool = False
    """Whether it acts in transactions of its own, as a sweep does; it must be harmless when it is done twice."""
    proves: bool = False
    """Whether a fresh proof may go along (`X-Proof`), for colleges that want one of whoever signs."""
    status: int = 200
    reads: tuple[str, ...] = ()
    """The content types of a file that is the body, instead of a schema; at most `most` bytes of it."""
    hands: tuple[str, ...] = ()
    """The content types of the file that is answered (`FileAnswer`), instead of a schema; only where it looks."""
    most: int = BODY
    """The largest body in bytes."""
    deprecated: tuple[date, date] | None = None
    """Since when it should not be used, and the day on which it ends."""
    words: dict[str, list[str]] = field(default_factory=dict)
    """Parts of the address that are one of some words."""

    def __post_init__(self) -> None:
        """Refuse what cannot be: two kinds of body, or a file in a reply that is kept to be sent again."""
        if (self.takes and self.reads) or (self.hands and (self.gives or not self.safe)):
            raise ValueError("an operation takes a schema or a file; one that looks gives a schema or a file")

    @property
    def safe(self) -> bool:
        """Tell whether it only reads."""
        return self.method == "GET"


class Resource(Blueprint):
    """The operations on one kind of thing; its name begins with `ROOM`, for pages have names as well."""

    @property
    def tag(self) -> str:
        """The name under which its operations stand in the description."""
        return str(self.name).removeprefix(ROOM)

    def get(self, rule: str, **more: Any) -> Callable[[View], View]:
        """Declare how to look."""
        return self.operation("GET", rule, **{"scope": "read", **more})

    def post(self, rule: str, **more: Any) -> Callable[[View], View]:
        """Declare how to make something, or to act."""
        return self.operation("POST", rule, **{"scope": "work", **more})

    def put(self, rule: str, **more: Any) -> Callable[[View], View]:
        """Declare how to replace something."""
        return self.operation("PUT", rule, **{"scope": "work", "matches": True, **more})

    def patch(self, rule: str, **more: Any) -> Callable[[View], View]:
        """Declare how to change some of something."""
        return self.operation("PATCH", rule, **{"scope": "work", "matches": True, **more})

    def delete(self, rule: str, **more: Any) -> Callable[[View], View]:
        """Declare how to take something away."""
        return self.operation("DELETE", rule, **{"scope": "work", "status": 204, **more})

    def operation(self, method: str, rule: str, **more: Any) -> Callable[[View], View]:
        """Declare an operation."""
        one = Operation(method=method, **more)

        def decorate(view: View) -> View:
            @wraps(view)
            def answered(**path: Any) -> Response:
                return answering.answer(one, lambda call: view(call, **path))

            told = {"qaflow_public": True, "qaflow_operation": one, "_apidoc": self._described(one, view)}
            vars(answered).update(told)  # public: the web's guard knows sessions only
            self.route(rule, methods=[method], parameters=_parts(one, rule), tags=[self.tag])(answered)
            return view

        return decorate

    def _described(self, one: Operation, view: View) -> Any:
        """Return what flask-smorest keeps of an operation for the description; its own readers are not used."""
        told: Any = self.response(one.status, one.gives)(view)
        for schema, place in ((one.takes, "json"), (one.asks, "query")):
            told = self.arguments(schema, location=place)(told) if schema else told
        for status in DOCUMENTED:
            keyed = status == UNREADABLE and one.method == "POST"  # a key may be malformed where there is no body
            sends = bool(one.takes or one.reads or keyed)
            needed = (status not in SENDS or sends) and (status not in MATCHES or one.matches)
            told = self.alt_response(status, "Problem")(told) if needed else told
        more: dict[str, Any] = {"deprecated": True} if one.deprecated else {}
        more |= files.described(one.reads, one.hands, one.most, one.status)
        found: Any = self.doc(**{"x-scope": one.scope}, **more)(told)._apidoc
        found.setdefault("arguments", {}).setdefault("parameters", []).extend(_headers(one))
        return found


def _headers(one: Operation) -> list[dict[str, Any]]:
    """Return the headers that an operation knows, for the description."""
    known = (
        ("If-Match", "The tag with which the thing was read", True, one.matches),
        ("Idempotency-Key", "The same request with the same key is done once", False, one.method == "POST"),
        ("Prefer", "return=minimal: no body", False, not one.safe),
        (PROOF, "A fresh proof, as POST /me/proof gave it", False, one.proves),
    )
    return [_header(name, told, needed) for name, told, needed, stands in known if stands]


def _header(name: str, told: str, required: bool) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": MOST_SIGNS if name == PROOF else NAME}
    return {"in": "header", "name": name, "required": required, "description": told, "schema": schema}


def _parts(one: Operation, rule: str) -> list[dict[str, Any]]:
    """Return the parts of an address, for the description: one of some words, a number, or a name."""
    return [{"in": "path", "name": name, "required": True, "schema": _part(one.words.get(name), kind)}
            for kind, name in PART.findall(rule)]  # fmt: skip


def _part(words: list[str] | None, kind: str) -> dict[str, Any]:
    if words is not None:
        return {"type": "string", "enum": words}
    if kind == "int":
        return {"type": "integer", "minimum": 0, "maximum": HIGHEST}
    return {"type": "string", "minLength": 1, "maxLength": NAME}


__all__ = ["Call", "Operation", "Resource"]
