"""Chromium at the running program: who visits, what they were shown, and what must hold of every page.

The program is the real one: a demo's database made by `qaflow demo`, served by `qaflow run`. What is recorded of each
visit (requests, errors of the console, refusals of the page's policy) is asked at the end, not looked for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
COLLEGE, DAYS = "wuhan-software", 150
"""The demo that is visited: one college until the middle of its winter, so that much is open and some is late."""
SOON = 60_000  # milliseconds in which a page must be there
HEIGHT = {1280: 900, 390: 844}
GRAVE = ("serious", "critical")
MOST_PAGES = 80
WATCHER = """
window.qBroken = [];
const note = text => window.qBroken.push(text);
document.addEventListener('securitypolicyviolation', e => note(e.violatedDirective + ' ' + e.blockedURI));
window.addEventListener('error', e => note('error ' + e.message));
"""
"""Runs before each page's own scripts: what the policy refuses is remembered for whoever asks."""


def chromium() -> str:
    """Return the path of the browser; without one this fails, for no page would be looked at."""
    found = os.environ.get("QAFLOW_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "Chromium is not installed: `make test-browser` installs Debian's; or name yours in QAFLOW_CHROMIUM"
    return found


@contextmanager
def opened() -> Iterator[Browser]:
    """Run the browser without a screen."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Served:
    """The program at its address, and who may sign in there."""

    base: str
    home: Path
    password: str
    accounts: list[dict[str, str]]
    process: subprocess.Popen[str]

    def login(self, role: str) -> str:
        """Return the login of whoever holds a role."""
        return next(one["login"] for one in self.accounts if one["role"] == role)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of an installation's processes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("QAFLOW_", "FLASK_"))}
    return kept | {"QAFLOW_HOME": str(home), "QAFLOW_MAIL_URL": f"file:{home}/mail", "QAFLOW_TICK_SECONDS": "3600"}


def lived(home: Path) -> dict[str, Any]:
    """Make the demo and return its summary."""
    asked = ["demo", "--no-serve", "--json", "--college", COLLEGE, "--days", str(DAYS)]
    command = [sys.executable, "-m", "qaflow", *asked]
    done = subprocess.run(command, env=environment(home), capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@contextmanager
def serving(home: Path, password: str, accounts: list[dict[str, str]], *command: str) -> Iterator[Served]:
    """Serve a home's database until the block ends, by `qaflow run` or by a command that does the same."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "qaflow")), "run", "--port", str(port)],
            env=environment(home), stdout=subprocess.PIPE, stderr=log, encoding="utf-8",
        )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == f"qaflow: http://127.0.0.1:{port}\n", (first, (home / "server.log").read_text())
        yield Served(f"http://127.0.0.1:{port}", home, password, accounts, process)
    finally:
        process.kill()
        process.communicate()


@dataclass
class Visitor:
    """Somebody at a browser of their own: one width, one language."""

    site: Served
    context: BrowserContext
    page: Page
    width: int
    lang: str
    abroad: list[str] = field(default_factory=list)  # requests that left the host
    faults: list[str] = field(default_factory=list)  # of scripts and of the policy
    bytes: int = 0

    def open(self, path: str) -> int:
        """Open an address of the site; returns the status."""
        answer = self.page.goto(self.site.base + path)
        self._ask()
        assert answer is not None
        return answer.status

    def sign_in(self, login: str, password: str | None = None) -> None:
        """Sign in by the form and choose the language."""
        page = self.page
        page.goto(f"{self.site.base}/signin?lang={self.lang}")
        page.fill("[name=login]", login)
        page.fill("[name=password]", password or self.site.password)
        page.click("form.q-sheet button[type=submit]")
        page.wait_for_selector(".q-who")
        self._ask()

    def sign_out(self) -> None:
        """Sign out by the menu of one's name, and see that the home is closed again."""
        page = self.page
        page.click("summary.q-who")
        page.click("form[action='/signout'] button")
        page.wait_for_selector("a[href^='/signin'], form[action='/signin']")
        self._ask()
        page.goto(self.site.base + "/inbox")
        assert urlsplit(page.url).path == "/signin"

    def press(self, selector: str) -> None:
        """Press what sends a form or follows a link, and wait for the page behind it."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.locator(selector).first.click()
        self._ask()

    def has(self, selector: str) -> bool:
        """Tell whether the page shows something."""
        return self.page.locator(selector).first.is_visible()

    def text(self) -> str:
        """Return what the page says."""
        return self.page.inner_text("body")

    def _ask(self) -> None:
        broken = self.page.evaluate("window.qBroken ? window.qBroken.splice(0) : []")
        self.faults += [f"{urlsplit(self.page.url).path}: {one}" for one in broken]

    def overflows(self) -> bool:
        """Tell whether the page is wider than its window."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
        return wide

    def barriers(self) -> list[str]:
        """Return what keeps people out, by axe's rules of grave impact."""
        found = [one for one in Axe().run(self.page).response["violations"] if one["impact"] in GRAVE]
        return [f"{one['id']} {[node['target'] for node in one['nodes']][:3]}" for one in found]

    def links(self) -> list[str]:
        """Return the addresses of this site to which the page leads, files left out."""
        script = "all => all.filter(a => !a.hasAttribute('download')).map(a => a.getAttribute('href'))"
        return [href for href in self.page.eval_on_selector_all("a[href]", script) if href and href.startswith("/")]


@contextmanager
def visiting(
    browser: Browser, site: Served, lang: str = "zh", width: int = 1280, scheme: Any = "light"
) -> Iterator[Visitor]:
    """Give somebody a fresh browser; at the end nothing may have left the host or been refused by a page's policy."""
    size: Any = {"width": width, "height": HEIGHT[width]}
    context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=width < 500, accept_downloads=True)
    context.set_default_timeout(SOON)
    context.add_init_script(WATCHER)
    visitor = Visitor(site, context, context.new_page(), width, lang)
    host = urlsplit(site.base).netloc
    context.on("request", lambda r: visitor.abroad.append(r.url) if _leaves(r.url, host) else None)
    context.on("response", lambda r: _weigh(visitor, r))
    visitor.page.on("pageerror", lambda e: visitor.faults.append(f"{visitor.page.url}: {e}"))
    try:
        yield visitor
        assert visitor.abroad == []
        assert visitor.faults == []
    finally:
        context.close()


def _leaves(url: str, host: str) -> bool:
    return not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != host


def _weigh(visitor: Visitor, response: Response) -> None:
    visitor.bytes += int(response.headers.get("content-length", 0))


def kind_of(path: str) -> str:
    """Return an address without what differs between pages of one kind: numbers, keys, digests, questions."""
    path = re.sub(r"(?<=/docs/)[a-z_]+", "K", path)  # a part of the manual of the API
    bare = re.sub(r"/[a-z0-9-]+\.[a-z0-9.-]+(?=/|$)", "/K", urlsplit(path).path)  # the key of a definition
    return re.sub(r"(?<=[/:.])\d+(?=[/:.]|$)", "N", re.sub(r"\b[0-9a-f]{12,64}\b", "H", bare))


def wandered(visitor: Visitor, first: str = "/inbox") -> dict[str, str]:
    """Follow every link from a page on, one page of each kind; returns an address by kind, files left out."""
    found: dict[str, str] = {}
    left, seen = [first], {kind_of(first)}
    while left and len(found) < MOST_PAGES:
        path = left.pop(0)
        answer = visitor.context.request.get(visitor.site.base + path, headers={"Accept": "text/html"}, max_redirects=0)
        if answer.status != 200 or "html" not in answer.headers.get("content-type", ""):
            assert answer.status < 400, f"{path}: {answer.status}"
            continue
        found[kind_of(path)] = path
        for href in re.findall(r'<a [^>]*href="(/[^"#]*)"', answer.text()):
            target = href.replace("&amp;", "&")
            if "lang=" not in target and kind_of(target) not in seen:
                seen.add(kind_of(target))
                left.append(target)
    return found
