"""One operation from the request to the reply, the same for all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.api import files, limiting, problems, strict
from qaflow.api.calling import Answer, Call, Unmatched, identified, ports, proven
from qaflow.errors import Invalid, QaflowError, Stale
from qaflow.services import repeats, tokens
from qaflow.services.repeats import Reply
from qaflow.store.db import db

if TYPE_CHECKING:
    from qaflow.api.resource import Operation

log = logs.get("qaflow.api")
KINDS = ("application/json", "application/problem+json")
QUOTED = 200
CREATED, UNPROVEN = 201, 401
STEP_UP = 'Bearer realm="qaflow", error="insufficient_user_authentication"'
MINIMAL = "return=minimal"


class Unacceptable(QaflowError):
    """Only the content types that `offers` names are answered here."""

    code = "media.not_acceptable"
    status = 406
    exit = 2


@cache
def ready(schema: type[Schema]) -> Schema:
    """Return a schema made once: making one copies all its fields."""
    return schema()


def answer(operation: Operation, view: Callable[[Call], Any]) -> Response:
    """Answer a request, whatever comes of it."""
    try:
        reply = _replied(operation, view)
    except QaflowError as error:
        db.session.rollback()
        reply = problems.answer(error)
    except Exception as error:
        db.session.rollback()
        log.error("api.internal", exc_info=error, path=request.path)
        reply = problems.answer(QaflowError())
    response = Response(reply.body, reply.status, dict(reply.headers))
    _mark(operation, response)
    return response


def _replied(operation: Operation, view: Callable[[Call], Any]) -> Reply:
    offers = (*operation.hands, KINDS[1]) if operation.hands else KINDS
    if request.accept_mimetypes and not request.accept_mimetypes.best_match(offers):
        raise Unacceptable(offers=list(offers))
    bearer, origin = identified()
    limiting.count(bearer.token, ports().settings.api_rate, origin.recorded)
    if operation.scope:
        tokens.require(bearer, operation.scope)
    if operation.proves:
        origin = proven(bearer, origin)
    key = _key(operation)
    call = Call(
        bearer=bearer, origin=origin, data=strict.file(operation.reads, operation.most) if operation.reads else b"",
        media=request.mimetype if operation.reads else "", query=_query(operation), match=_match(operation),
        minimal=_minimal(), body=_loaded(operation.takes, strict.body(operation.most)) if operation.takes else {},
    )  # fmt: skip
    if operation.safe:
        given = view(call)
        return files.reply(operation.hands, given) if operation.hands else _shown(operation, call, given)
    asked = None if key is None else repeats.asked(key, request.headers["Authorization"], *_asked())
    done = repeats.apart if operation.alone else repeats.once
    return done(db.session, call.ports, origin, asked, lambda: _shown(operation, call, view(call)), problems.answer)


def _key(operation: Operation) -> str | None:
    """Return the key under which this is to be done once; what cannot be one is refused before the body is read."""
    key = request.headers.get("Idempotency-Key") if operation.method == "POST" else None
    return None if key is None else repeats.fitting(key)


def _asked() -> tuple[bytes, ...]:
    """Return what makes two requests the same."""
    named = (request.headers.get(name, "") for name in ("If-Match", "Prefer", "Content-Type"))
    return (request.method.encode(), request.full_path.encode(), *(n.encode() for n in named), request.get_data())


def _loaded(schema: type[Schema] | None, given: dict[str, Any], mark: str = "/") -> dict[str, Any]:
    try:
        return dict(ready(schema).load(given)) if schema else given
    except ValidationError as error:
        raise problems.invalid(error, mark) from None


def _query(operation: Operation) -> dict[str, Any]:
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    unknown = [] if operation.asks else list(request.args)
    if twice or unknown:
        code = "query.twice" if twice else "query.unknown"
        fault = {"pointer": f"?{(twice or unknown)[0][:QUOTED]}", "code": code}
        raise Invalid(code, "this is asked twice, or not known here", errors=[fault])
    return _loaded(operation.asks, request.args.to_dict(), "?")


def _match(operation: Operation) -> str:
    """Return the tag that a change names."""
    sent = request.headers.get("If-Match", "").strip()
    if not operation.matches:
        return ""
    if not sent:
        raise Unmatched
    if len(sent) > QUOTED or not (sent == "*" or (sent[:1] == sent[-1:] == '"' and len(sent) > 1)):
        raise Stale("version.stale", "If-Match holds no tag that was given here")
    return sent if sent == "*" else sent[1:-1]


def _shown(operation: Operation, call: Call, given: Any) -> Reply:
    """Return what a view gave as a reply."""
    found = given if isinstance(given, Answer) else Answer(body=given)
    status = found.status or operation.status
    if operation.gives is None or found.body is None:
        more = {"Preference-Applied": MINIMAL} if operation.gives and call.minimal else {}
        return Reply(status=204, headers=_headers(found, "") | more, body="")
    schema = ready(operation.gives)
    body = json.dumps(schema.dump(found.body), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    single = "items" not in schema.fields
    headers = _headers(found, tag_of(body) if single and operation.safe else "")
    if not operation.safe and call.minimal:
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        return Reply(status=status if status == CREATED else 204, headers=kept | {"Preference-Applied": MINIMAL},
                     body="")  # fmt: skip
    return Reply(status=status, headers=headers | {"Content-Type": KINDS[0]}, body=body)


def tag_of(body: str) -> str:
    """Return the tag of a thing that has no version of its own: what its description hashes to."""
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def tag_of_value(value: object) -> str:
    """Return the tag of a value that a service gives: it changes when any part of the value does."""
    return tag_of(repr(value))


def _headers(found: Answer, tag: str) -> dict[str, str]:
    tag = found.tag or tag
    more = {"ETag": f'"{tag}"'} if tag else {}
    return more | ({"Location": found.location} if found.location else {})


def _minimal() -> bool:
    parts = request.headers.get("Prefer", "").lower().replace(" ", "").split(",")
    return any(part.partition(";")[0] == MINIMAL for part in parts)


def _mark(operation: Operation, response: Response) -> None:
    """Say what holds of every reply: nobody keeps it; an operation that ends says when."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Authorization, Prefer"
    if response.status_code == UNPROVEN:  # who bears the token is known, and not proven well enough (RFC 9470)
        response.headers.setdefault("WWW-Authenticate", STEP_UP)
    if operation.deprecated is not None:
        since, ends = operation.deprecated
        response.headers["Deprecation"] = f"@{int(_midnight(since).timestamp())}"
        response.headers["Sunset"] = format_datetime(_midnight(ends), usegmt=True)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
