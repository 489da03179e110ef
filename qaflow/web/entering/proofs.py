"""The fresh proof that a college may want of whoever approves: asked for in the approval's own form."""

from __future__ import annotations

from flask import Flask, g, request

from qaflow.services.signin import reproof
from qaflow.services.signin.reproof import SIGNING, Ways
from qaflow.store.db import db
from qaflow.web import access
from qaflow.web.access import me
from qaflow.web.forms import CODE
from qaflow.web.requests import ports

PASSWORD, ONE_TIME = "proof_password", "proof_code"


def register(app: Flask) -> None:
    """Let forms ask for a fresh proof."""
    app.jinja_env.globals["proof_ways"] = ways


def ways(action: str) -> Ways | None:
    """Return how whoever is signed in would prove anew who they are for an act, None where it needs no fresh proof."""
    if action not in SIGNING:
        return None
    if "proof_ways" not in g:
        g.proof_ways = reproof.ways(db.session, ports(), me())
    found: Ways | None = g.proof_ways
    return found


def take() -> None:
    """Take the proof that a form holds, if it holds one; raises what weighing it raises."""
    password, code = request.form.get(PASSWORD, ""), request.form.get(ONE_TIME, "")[:CODE].strip()
    if not (password or code):
        return
    reproof.prove(db.session, ports(), me(), password, code, request.remote_addr or "")
    access.reload()
    g.pop("proof_ways", None)
