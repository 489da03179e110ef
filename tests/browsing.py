"""A browser without a screen on the tiny college: signs in, takes each form's proof of origin along."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.store.db import db
from qaflow.testing import MONDAY, World

PASSWORD = "blue harbour seven lamps"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
PAGE = {"Accept": "text/html"}


def plain(text: str) -> str:
    """Return what a page says in one line: no markup, no drawings, no proof of origin (which may hold any letters)."""
    body = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", text.partition("<main")[2])
    return " ".join(unescape(body).split())


@dataclass
class Site:
    """The program on a database of its own, its clock in the test's hand."""

    app: Flask
    clock: StoppedClock
    world: World
    known: set[str] = field(default_factory=set)

    def browser(self, login: str | None = None, lang: str = "") -> "Browser":
        """Open a browser, and sign in where a login is given."""
        made = Browser(self, self.app.test_client())
        if login is not None:
            self.password(login)
            answer = made.sign_in(login)
            assert answer.status_code == 303, answer.text
        if lang:
            made.get(f"/?lang={lang}")
        return made

    def password(self, login: str, text: str = PASSWORD) -> None:
        """Set somebody's password as the operator does."""
        if (login, text) not in self.known:
            passwords.password(db.session, self.world.origin(), login, text)
            self.known.add((login, text))

    def later(self, **time: Any) -> None:
        """Let time pass."""
        self.clock.instant += timedelta(**time)
        self.world.now = self.clock.instant


@dataclass
class Browser:
    """One browser: its cookies and what it is shown."""

    site: Site
    client: FlaskClient

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers=PAGE | headers)

    def token(self, path: str = "/me") -> str:
        """Return the proof of origin that a page's forms hold."""
        found = TOKEN.search(self.get(path).text)
        return found[1] if found else ""

    def post(self, path: str, at: str = "/me", headers: dict[str, str] | None = None, **data: Any) -> TestResponse:
        """Send a form that stands on a page."""
        proof = {"csrf_token": self.token(at)} if "csrf_token" not in data else {}
        return self.client.post(path, data=proof | data, headers=PAGE | (headers or {}))

    def sign_in(self, login: str, password: str = PASSWORD, next: str = "/", **headers: str) -> TestResponse:
        """Sign in."""
        return self.post("/signin", "/signin", headers, login=login, password=password, next=next)

    def cookie(self, name: str = "qaflow") -> str:
        """Return what a cookie holds."""
        found = self.client.get_cookie(name)
        return found.value if found else ""

    def is_in(self) -> bool:
        """Tell whether the server takes this browser for somebody's."""
        return self.get("/me").status_code == 200


def site(settings: Settings) -> Site:
    """Make the program and the tiny college; its context must be pushed by the caller."""
    clock = StoppedClock(MONDAY)
    app = create_app(settings, clock=clock)
    app.app_context().push()
    return Site(app, clock, World(db.session))
