"""Who is at the browser (flask-login over the sessions of the server), and which pages need nobody.

Every page is closed unless its view says `@public`; what a person may do there is decided by the services.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, flash, g, redirect, request, session, url_for
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, current_user, login_user
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from qaflow.errors import QaflowError, Unproven
from qaflow.services.accounts import sessions
from qaflow.services.accounts.sessions import By, SignedIn
from qaflow.services.work import Origin
from qaflow.store.db import db
from qaflow.web.requests import SAFE, origin, ports
from qaflow.web.wording import ENDED

V = TypeVar("V", bound=Callable[..., Any])
DEVICE = "qaflow-device"
DEVICE_AGE = 180 * 86_400
DEVICE_BYTES = 16
PROGRAMS = "/api/"
SIGNED_IN_AS = "_user_id"  # where flask-login keeps what `get_id` gives
UNGUARDED = frozenset({"profile.second", "profile.language", "profile.password"})
"""Pages that are open to whoever has yet to set up one-time codes."""
CARRIED = ("lang",)  # what the browser chose stays over sign-in and sign-out

manager = LoginManager()
manager.session_protection = None  # phones change their address; the server's own checks are stricter


class User(UserMixin):
    """Whoever is signed in, for flask-login: its id is the session's, never the person's."""

    def __init__(self, text: str, me: SignedIn) -> None:
        """Hold the session's id and who it is."""
        self._text, self.me = text, me

    def get_id(self) -> str:
        """Return what the browser holds."""
        return self._text


def register(app: Flask) -> None:
    """Close every page of the app that is not public."""
    secure = ports_of(app).settings.base_url.startswith("https:")
    app.config["SESSION_COOKIE_NAME"] = "__Host-qaflow" if secure else "qaflow"
    manager.init_app(app)
    app.before_request(guard)


def ports_of(app: Flask) -> Any:
    """Return the app's settings and outside."""
    return app.extensions["qaflow"]


def public(view: V) -> V:
    """Mark a view that needs nobody signed in; stands under the route's decorator."""
    view.qaflow_public = True  # type: ignore[attr-defined]
    return view


@manager.user_loader
def load(text: str) -> User | None:
    """Return who is signed in by what the browser holds."""
    found = sessions.resume(db.session, ports(), text)
    return None if found is None else User(text, found)


def me() -> SignedIn:
    """Return who is signed in; only for pages that are not public."""
    found = viewer()
    if found is None:
        raise Unproven("signin.needed", "sign in first")
    return found


def viewer() -> SignedIn | None:
    """Return who is signed in, or None; where the database does not answer it is nobody."""
    try:
        return current_user.me if current_user.is_authenticated else None
    except QaflowError:
        db.session.rollback()
        g._login_user = AnonymousUserMixin()
        return None


def mine() -> Origin:
    """Return the origin of an act of whoever is signed in."""
    return replace(origin(me().person, me().login), proven=me().proven)


def reload() -> None:
    """Read anew who is signed in: something of it changed during this request."""
    found = load(session.get(SIGNED_IN_AS, ""))
    if found is not None:
        g._login_user = found


def guard() -> AnyResponse | None:
    """Ask whoever opens a closed page to sign in first."""
    endpoint = request.endpoint or ""
    view = current_app.view_functions.get(endpoint)
    if view is None or getattr(view, "qaflow_public", False) or endpoint.rpartition(".")[2] == "static":
        return None
    if current_user.is_authenticated:
        return _enrolled(endpoint)
    tell_end()
    if request.method not in SAFE or not for_people():
        raise Unproven("signin.needed", "sign in first")
    return redirect(url_for("signin.sign_in", next=request.full_path.rstrip("?")), 303)


def _enrolled(endpoint: str) -> AnyResponse | None:
    """Send whoever the college asks codes of to the page where they begin, before anything else."""
    if not me().must_enrol or endpoint in UNGUARDED:
        return None
    if request.method not in SAFE or not for_people():
        raise Unproven("second.needed", "your college asks for one-time codes: set them up first")
    return redirect(url_for("profile.second"), 303)


def for_people() -> bool:
    """Tell whether a page is wanted, rather than a document for a program; under `/api` always the latter."""
    if request.path.startswith(PROGRAMS):
        return False
    kinds = ["application/json", "application/problem+json", "text/html"]
    return request.accept_mimetypes.best_match(kinds) == "text/html"


def tell_end() -> None:
    """Say why the session that the browser still holds is over, and take it away."""
    text = session.get(SIGNED_IN_AS)
    if text is None:
        return
    why = sessions.why_ended(db.session, text)
    renew()
    if why in ENDED:
        flash(ENDED[why], "warn")


def renew() -> None:
    """Empty the browser's session: nothing that was in it before a sign-in or sign-out counts after it."""
    kept = {key: session[key] for key in CARRIED if key in session}
    session.clear()
    session.update(kept)
    g.pop("csrf_token", None)


def enter(person: int, device: str, by: By | None = None) -> None:
    """Begin a session for a person at this browser, under a new id."""
    text = sessions.begin(db.session, ports(), person, hashed(device), request.remote_addr or "", by)
    renew()
    found = load(text)
    if found is not None:
        login_user(found)


def safe_next(target: str | None) -> str:
    """Return where to go after sign-in: a path of this site, else the start."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return url_for("start.start")
    if any(ord(sign) < ord(" ") or ord(sign) == 0x7F for sign in target):
        return url_for("start.start")
    try:
        parts = urlsplit(target)
    except ValueError:
        return url_for("start.start")
    return url_for("start.start") if parts.scheme or parts.netloc else target


def device() -> str:
    """Return the browser's lasting mark, "" where it bears none of ours."""
    try:
        found = _signer().loads(request.cookies.get(DEVICE, ""))
    except BadSignature:
        return ""
    return found if isinstance(found, str) else ""


def mark(response: AnyResponse, text: str) -> None:
    """Let the browser bear its mark, by which an owner is told from strangers who guess."""
    response.set_cookie(DEVICE, str(_signer().dumps(text)), max_age=DEVICE_AGE, httponly=True, samesite="Lax",
                        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]))  # fmt: skip


def new_device() -> str:
    """Return a mark for a browser that bears none."""
    return secrets.token_urlsafe(DEVICE_BYTES)


def hashed(text: str) -> str:
    """Return what is kept of a browser's mark."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="qaflow-device")
