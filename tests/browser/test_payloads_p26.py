"""P26: texts that would be markup stand in every stored field; in a real browser nothing of them runs or is drawn."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import driving
import pytest
from driving import Served, Visitor, visiting, wandered
from payloads import HOOK, MARK, PAYLOADS, SHORT, WHOLE
from playwright.sync_api import Browser, Error

from qaflow import testing
from qaflow.app import create_app
from qaflow.config import Settings, ensure_secret
from qaflow.engine.definition import Label
from qaflow.services.accounts import passwords
from qaflow.store import db, installation
from qaflow.store.db import Sql, utc

pytestmark = pytest.mark.browser

LONG = WHOLE[:2000]
PASSWORD = "blue harbour seven lamps"
READERS = ("lead", "major", "head", "vp", "office", "diag", "admin")
HOOKS = f"window.{HOOK} = n => window.qBroken.push('ran ' + n); window.alert = window.{HOOK};"
CAREFUL = (120, 6)  # payloads, kinds of page that each reader reaches at least
NAMES = {
    "unit": ("name_zh", "name_en"), "subject": ("name",), "person": ("name",), "control_point": ("name_zh", "name_en"),
    "goal": ("text_zh", "text_en"), "standard": ("text_zh", "text_en"), "plan_task": ("title_zh", "title_en"),
    "frame": ("name_zh", "name_en"), "deputy": ("reason",), "absence": ("reason",), "saved_filter": ("name",),
    "evidence": ("name",), "incident": ("detail",), "proof": ("first_fault",), "evidence_freeze": ("reason",),
    "term": ("name_zh", "name_en"), "calendar_day": ("name",), "outbox": ("payload",),
}  # fmt: skip
"""Every stored field that holds words of people and is no content of a cycle."""


def evil() -> Label:
    """Return a label that is all of them."""
    return Label(zh=WHOLE[:2000], en=WHOLE[-2000:])


def build(home: Path) -> None:
    """Make a college whose every word is a payload, with cycles, warnings, comments, reasons and evidence."""
    settings = ensure_secret(Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=""))
    app = create_app(settings)
    with app.app_context():
        db.upgrade(app)
        stages = [replace(testing.stage(key, form=(testing.NOTE, testing.CARRIED)), name=evil())
                  for key in ("goal", "implement", "improve")]  # fmt: skip
        world = testing.World(db.db.session, replace(testing.spiral(stages=stages), name=evil()))
        world.point()
        first, second = world.start(), world.start("C9")
        head, tail = WHOLE[:8000], WHOLE[-8000:]
        world.fire(first, "submit", "lead", content={"note": head, "carried": [{"kind": "problem", "text": tail}]})
        world.fire(first, "reject", "major", reason=LONG)
        world.fire(first, "submit", "lead", content={"note": tail, "carried": [{"kind": "goal", "text": head}]})
        world.fire(first, "approve", "major", comment=LONG)
        world.read(1.0)
        world.fire(first, "acknowledge", "lead", cause=LONG)
        world.fire(first, "correct", "lead", scope="implementation", measure=LONG)
        for payload in SHORT:
            world.fire(first, "comment", "lead", text=payload)
        world.fire(second, "suspend", "office", reason=LONG)
        world.deputy("major", "deputy")
        passwords.share(db.db.session, world.origin(), set(world.persons.values()), PASSWORD)
        _spoil(world)
        real = utc(datetime.now(UTC))
        world.within(lambda d: installation.set_clock(d, utc(world.now), real, None))
        db.db.session.remove()
        db.db.engine.dispose()


def _spoil(world: testing.World) -> None:
    """Write payloads into every name, so that each payload stands in a name of its own at least once."""
    turn = cycle(PAYLOADS)
    for table, columns in NAMES.items():
        for column in columns:
            for (key,) in world.query(f"select rowid from {table}"):
                text = next(turn) + " " + next(turn) if table != "outbox" else '{"cycle": 1}'
                sql = Sql(f"update {table} set {column} = :text where rowid = :key")
                world.within(lambda d, s=sql, t=text, k=key: d.run(s, {"text": t, "key": k}))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of that college."""
    found: Path = tmp_path_factory.mktemp("evil")
    build(found)
    return found


@pytest.fixture(scope="module")
def spoiled(home: Path) -> Iterator[Served]:
    """Return that college, served."""
    with driving.serving(home, PASSWORD, []) as site:
        yield site


def planted(visitor: Visitor, path: str) -> list[str]:
    """Open a page; return what of the payloads became part of it, or ran."""
    visitor.open(path)
    drawn = visitor.page.locator(f"[{MARK}]").count()
    return ([f"{drawn} drawn"] if drawn else []) + visitor.faults


@pytest.mark.parametrize("login", READERS)
def test_no_payload_runs_or_is_drawn_on_any_page(browser: Browser, spoiled: Served, login: str) -> None:
    with visiting(browser, spoiled) as visitor:
        visitor.context.add_init_script(HOOKS)
        visitor.page.on("dialog", lambda d: visitor.faults.append(f"dialog {d.message}"))
        visitor.sign_in(login)
        pages, seen = wandered(visitor), 0
        for path in pages.values():
            assert planted(visitor, path) == [], path
            seen += visitor.page.content().count(f"{HOOK}(")

    assert len(PAYLOADS) == CAREFUL[0] and len(pages) >= CAREFUL[1]
    assert seen > 0  # they did stand there


def test_a_template_without_escaping_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    build(tmp_path)  # a home of its own: the other is being served
    with driving.serving(tmp_path, PASSWORD, [], str(Path(__file__).with_name("careless.py"))) as site:
        context = browser.new_context()
        context.add_init_script(driving.WATCHER + HOOKS)
        visitor = Visitor(site, context, context.new_page(), 1280, "zh")
        visitor.page.goto(f"{site.base}/signin")
        visitor.page.fill("[name=login]", "lead")
        visitor.page.fill("[name=password]", PASSWORD)
        visitor.page.press("[name=password]", "Enter")
        visitor.page.wait_for_load_state()

        try:
            found = planted(visitor, "/inbox")
        except Error as error:  # the page was led away before it could be asked
            found = [str(error)]
        context.close()
    assert found
