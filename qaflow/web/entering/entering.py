"""Letting somebody in: straight, or by way of a one-time code; and what is remembered of how they came."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, session, url_for
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.services.accounts.sessions import By
from qaflow.services.accounts.signin import Try
from qaflow.services.signin import second_factor, steps
from qaflow.store.db import db
from qaflow.web import access
from qaflow.web.requests import ports

HALF, LEAVE = "half", "leave"

log = logs.get("qaflow.web")


def tried(login: str, secret: str, provider: str = "") -> Try:
    """Return a try at this browser."""
    return Try(login, secret, access.hashed(access.device()), request.remote_addr or "", provider)


def by_password(person: int, login: str, target: str, by: By | None = None) -> Response:
    """Let in whoever gave a right password; where codes are asked of them, only to the page that asks for one."""
    if not second_factor.asked(db.session, person):
        return enter(person, target, by)
    kept = {"person": str(person), "login": login, "next": target, "provider": by.provider if by else "",
            "typed": by.login if by else ""}  # fmt: skip
    access.renew()
    _remember(HALF, kept)
    return redirect(url_for("signin.code"), 303)


def enter(person: int, target: str, by: By | None = None) -> Response:
    """Begin the session, mark the browser and go on."""
    mark = access.device() or access.new_device()
    access.enter(person, mark, by)
    log.info("signin.done", person=person, provider=by.provider if by else "", address=request.remote_addr)
    response = redirect(target, 303)
    access.mark(response, mark)
    return response


def half() -> dict[str, str] | None:
    """Return who gave a right password at this browser and owes a code."""
    name = session.get(HALF)
    return steps.look(db.session, ports(), name, HALF) if isinstance(name, str) else None


def finished() -> bool:
    """Take the half sign-in; False where it was taken before."""
    return steps.take(db.session, ports(), session.get(HALF, ""), HALF) is not None


def remember_leaving(came: By) -> None:
    """Remember by which provider somebody came who signs out here, for their sign-out there."""
    if came.provider in ports().redirecting:
        _remember(LEAVE, {"provider": came.provider, "proof": came.proof})


def may_leave() -> Any:
    """Return the provider at which this browser may still be signed in, None where there is none such."""
    name = session.get(LEAVE)
    kept = steps.look(db.session, ports(), name, LEAVE) if isinstance(name, str) else None
    return next((one for one in ports().settings.providers if kept and one.key == kept["provider"]), None)


def leaving() -> dict[str, str] | None:
    """Take what is remembered of a sign-out."""
    return steps.take(db.session, ports(), session.pop(LEAVE, ""), LEAVE)


def _remember(kind: str, data: dict[str, str]) -> None:
    name = steps.new_id()
    steps.put(db.session, ports(), name, kind, data)
    session[kind] = name
