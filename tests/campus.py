"""A campus for tests: the program served on a port, its providers beside it, and a browser that goes between them."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import serving
from browsing import TOKEN, Site
from werkzeug.serving import make_server

from qaflow.adapters.clock import StoppedClock, SystemClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.providers import Provider
from qaflow.store.db import Sql, db, driver
from qaflow.testing import World

FORM = re.compile(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"')
NAMES = {"name_zh": "统一身份认证", "name_en": "Campus"}
WAIT = 15


@dataclass
class Campus:
    """The program on a port, its clock that of the providers."""

    site: Site
    url: str
    browsers: list[Visitor] = field(default_factory=list)

    def visitor(self) -> Visitor:
        """Open a browser."""
        made = Visitor(self.url)
        self.browsers.append(made)
        return made

    def rows(self, text: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return what a query gives."""
        try:
            return driver(db.session).all(Sql(text), values)
        finally:
            db.session.rollback()


class Visitor(requests.Session):
    """A browser with cookies, which follows no redirect by itself."""

    def __init__(self, home: str) -> None:
        super().__init__()
        self.home, self.trust_env = home, False
        self.headers["Accept"] = "text/html"

    def look(self, path: str) -> requests.Response:
        """Open an address, ours where it names no host."""
        return self.get(urljoin(self.home, path), allow_redirects=False, timeout=WAIT)

    def submit(self, path: str, at: str = "", **data: Any) -> requests.Response:
        """Send a form of ours, with the proof of the page on which it stands."""
        proof = TOKEN.search(self.look(at or path).text)
        return self.post(urljoin(self.home, path), data={"csrf_token": proof[1] if proof else "", **data},
                         allow_redirects=False, timeout=WAIT)  # fmt: skip

    def follow(self, answer: requests.Response) -> requests.Response:
        """Go where an answer sends."""
        return self.look(urljoin(answer.url, answer.headers["Location"]))

    def is_in(self) -> bool:
        """Tell whether the program takes this browser for somebody's."""
        return self.look("/me").status_code == 200


def free() -> socket.socket:
    """Return a listening socket on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@contextmanager
def threaded(app: Any) -> Iterator[str]:
    """Serve any application on a port of its own; return its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    with serving.beside(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def served(settings: Settings, *providers: Provider) -> Iterator[Campus]:
    """Serve the program with the tiny college in it, at the machine's own time."""
    listener = free()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    clock = StoppedClock(SystemClock().now())
    app = create_app(replace(settings, providers=providers, base_url=url), clock=clock)
    with app.app_context():
        server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno())
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        campus = Campus(Site(app, clock, World(db.session)), url)
        thread.start()
        try:
            yield campus
        finally:
            for browser in campus.browsers:
                browser.close()
            server.shutdown()
            thread.join(WAIT)
            server.server_close()
            listener.close()
            db.session.remove()
            db.engine.dispose()


def hidden(text: str) -> dict[str, str]:
    """Return what a page's form holds already."""
    return dict(FORM.findall(text))


def path_of(url: str) -> str:
    """Return an address without its host."""
    parts = urlsplit(url)
    return parts.path + ("?" + parts.query if parts.query else "")
