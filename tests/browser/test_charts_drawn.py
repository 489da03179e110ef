"""Charts in Chromium, under the pages' own policy: drawn, in both themes, with what is not markup shown as text."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from charted import MARKUP, everything
from driving import WATCHER
from flask import render_template_string
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from qaflow.app import create_app
from qaflow.config import Settings, ensure_secret
from qaflow.store import db
from qaflow.web.access import public

pytestmark = pytest.mark.browser
SOON = 30_000
PAGE = """<!doctype html>
<html lang="zh-CN" data-bs-theme="light"><head><meta charset="utf-8"><title>图</title>
<link rel="icon" href="{{ asset_url('eight.svg') }}">
<link rel="stylesheet" href="{{ asset_url('bootstrap.css') }}">
<link rel="stylesheet" href="{{ asset_url('qaflow.css') }}">
{% import "charts.html" as c %}{{ c.assets() }}</head>
<body><main class="q-page"><h1>图</h1>
{% for one in all %}<section class="q-sheet">{{ c.chart(one, '/charts-of-all?') }}</section>{% endfor %}
</main></body></html>"""
FIRST_BAR = "document.querySelector('#chart-bars svg .mark-rect path')"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve one page with a chart of each kind, with the program's assets and headers."""
    home: Path = tmp_path_factory.mktemp("charts")
    app = create_app(ensure_secret(Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db")))
    with app.app_context():
        db.upgrade(app)

    @app.get("/charts-of-all")
    @public
    def show() -> str:
        return render_template_string(PAGE, all=everything())

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/charts-of-all"
    server.shutdown()
    thread.join()


@pytest.fixture(params=[1280, 390])
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the page at a width and wait until every chart is drawn; what the policy refused is asked at the end."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, reduced_motion="reduce")
    found = context.new_page()
    said: list[str] = []
    found.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: said.append(str(error)))
    found.add_init_script(WATCHER)
    found.goto(address)
    drawn(found)
    yield found
    assert found.evaluate("window.qBroken") == []
    assert said == []
    context.close()


def drawn(page: Page) -> None:
    """Wait until each chart has marks."""
    many = len(everything())
    page.wait_for_function(f"document.querySelectorAll('[data-spec] svg .mark-group').length >= {many}", timeout=SOON)
    page.wait_for_function("[...document.querySelectorAll('[data-spec]')].every(p => p.querySelector('svg path'))",
                           timeout=SOON)  # fmt: skip


def test_every_kind_of_chart_is_drawn_within_its_place(page: Page) -> None:
    wide = page.evaluate("""[...document.querySelectorAll('.q-plot')].map(p =>
        [p.clientWidth, p.querySelector('svg').getBoundingClientRect().width])""")

    assert len(wide) == len(everything())
    assert [pair for pair in wide if pair[1] > pair[0] + 1] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_charts_break_no_rule_of_accessibility(page: Page) -> None:
    found = Axe().run(page, {"include": [[".q-figure"]]}).response["violations"]

    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []


def test_charts_follow_the_theme(page: Page) -> None:
    def colour() -> str:
        found: str = page.evaluate(f"{FIRST_BAR}.getAttribute('fill')")
        return found

    light = colour()
    page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
    page.wait_for_function(f"{FIRST_BAR}?.getAttribute('fill') === '#86b8de'", timeout=SOON)

    assert light == "#22577f"


def test_what_stands_beside_the_pointer_is_text(page: Page) -> None:
    page.locator("#chart-bars svg .mark-rect path").first.hover()
    tip = page.locator("#chart-bars [data-q-tip]")
    tip.wait_for(state="visible", timeout=SOON)

    assert MARKUP in tip.inner_text()
    assert page.locator("img").count() == 0


def test_the_same_figures_stand_in_a_table_that_the_keyboard_opens(page: Page) -> None:
    details = page.locator("#chart-over-time details")
    details.locator("summary").focus()
    page.keyboard.press("Enter")

    assert details.locator("tbody tr").count() == 6
    assert details.locator("tbody td").first.inner_text() == "92"
