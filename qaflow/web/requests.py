"""What every request begins with: a reference number, and proof that it was not sent by somebody else's page."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import NamedTuple, cast
from urllib.parse import quote, urlsplit

import structlog
from flask import Flask, Response, current_app, g, request
from prometheus_client import Histogram

from qaflow import logs
from qaflow.errors import Forbidden
from qaflow.services.ports import Ports
from qaflow.services.running.installation import now_of
from qaflow.services.work import Origin
from qaflow.store.db import db

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REFERENCE_BYTES = 5
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds

log = logs.get("qaflow.web")


class Moment(NamedTuple):
    """When a request came, for the college and by the machine, and whether this is a sandbox."""

    now: datetime
    recorded: datetime
    sandbox: bool


def register(app: Flask) -> None:
    """Begin and end every request of the app this way."""
    app.extensions["qaflow.took"] = Histogram("qaflow_request_seconds", "Time of a request in this process",
                                              ["method", "part"], buckets=BUCKETS, registry=None)  # fmt: skip
    app.before_request(begin)
    app.before_request(refuse_foreign)
    app.after_request(number)


def ports() -> Ports:
    """Return the settings and the outside."""
    return cast(Ports, current_app.extensions["qaflow"])


def begin() -> None:
    """Give the request its reference number; a context that lives longer than a request carries nothing over."""
    for name in list(g):
        g.pop(name)
    g.began = ports().clock.now()
    g.reference = secrets.token_hex(REFERENCE_BYTES)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.reference)


def reference() -> str:
    """Return the number by which this request is found in the log and in the journal."""
    return cast(str, g.get("reference", ""))


def number(response: Response) -> Response:
    """Send the reference number with the answer; what was to change something leaves one line, done or refused."""
    response.headers["X-Request-ID"] = reference()
    if "began" in g:
        spent = ports().clock.now() - g.began
        took().labels(request.method, request.blueprint or "none").observe(spent.total_seconds())
    if request.method not in SAFE:
        someone = getattr(g.get("_login_user"), "me", None) or getattr(g.get("bearer"), "me", None)
        log.info("web.asked", method=request.method, path=quote(request.path), status=response.status_code,
                 refused=g.get("refused"), person=someone and someone.person, address=request.remote_addr)  # fmt: skip
    return response


def note(code: str) -> None:
    """Note why this request is refused, for its line in the log."""
    g.refused = code


def took() -> Histogram:
    """Return how long the requests of this process took, by method and part of the program."""
    return cast(Histogram, current_app.extensions["qaflow.took"])


def refuse_foreign() -> None:
    """Refuse what another site's page makes a browser send, whether or not it holds a token."""
    if request.method in SAFE:
        return
    origin = request.headers.get("Origin")
    if origin is not None and _host_of(origin) != request.host.lower():
        raise Forbidden("csrf.origin", "this was sent from another site's page")
    if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        raise Forbidden("csrf.origin", "this was sent from another site's page")


def _host_of(origin: str) -> str:
    """Return the host that an origin names, "" where it is none at all."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def moment() -> Moment:
    """Return the present of this request, read once: a sandbox has its own clock."""
    if "moment" not in g:
        g.moment = Moment(*now_of(db.session, ports()))
    return cast(Moment, g.moment)


def origin(person: int, login: str) -> Origin:
    """Return whose act this request is."""
    present = moment()
    return Origin(now=present.now, recorded=present.recorded, door="web", person=person, account=login,
                  request=reference())  # fmt: skip
