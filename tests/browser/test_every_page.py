"""Every page that a role can reach by its links: whole, light, within its width, open to all ways of reading."""

import re

import pytest
from driving import Served, Visitor, visiting, wandered
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

ROLES = ("student", "course_leader", "major_leader", "unit_head", "vice_president", "quality_office", "diagnostician",
         "administrator")  # fmt: skip
FEWEST = 6  # pages that everybody reaches: inbox, cycles, one cycle, warnings, profile, password, help …
MOST_BYTES = 300_000
LIBRARY_BYTES = 310_000
"""The library of charts, on pages with charts alone: it comes once and is kept for a year."""
RAW = re.compile(r"\bundefined\b|\{\{|%\(\w+\)|\b\d{4}-\d\d-\d\dT\d\d:\d\d|Traceback")
NOTHING = re.compile(r"\bNone\b")  # an English sentence may begin with it
"""What stands on no page: values that were not put into words, instants of the machine."""


def sound(visitor: Visitor, path: str) -> list[str]:
    """Open a page and return what is wrong with it, whoever reads it."""
    status = visitor.open(path)
    found = [f"status {status}"] if status != 200 else []
    found += ["wider than its window"] if visitor.overflows() else []
    raw = RAW.findall(visitor.text()) + (NOTHING.findall(visitor.text()) if visitor.lang == "zh" else [])
    found += [f"raw: {one!r}" for one in raw[:3]]
    return found


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("lang", "width"), [("zh", 1280), ("en", 390), ("zh", 390), ("en", 1280)])
def test_every_page_of_a_role_reads_well(browser: Browser, demo: Served, role: str, lang: str, width: int) -> None:
    axe = (lang, width) in (("zh", 1280), ("en", 390))
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(demo.login(role))
        pages = wandered(visitor)

        wrong = {}
        for path in pages.values():
            found = sound(visitor, path) + (visitor.barriers() if axe else [])
            if found:
                wrong[path] = found

    assert len(pages) >= FEWEST
    assert wrong == {}


@pytest.mark.parametrize("role", ["quality_office", "course_leader"])
def test_every_page_of_a_role_reads_well_in_the_dark(browser: Browser, demo: Served, role: str) -> None:
    with visiting(browser, demo, "zh", 1280, "dark") as visitor:
        visitor.sign_in(demo.login(role))
        wrong = {}
        for path in wandered(visitor).values():
            visitor.open(path)
            if found := visitor.barriers():
                wrong[path] = found

    assert wrong == {}


@pytest.mark.parametrize("role", ["course_leader", "quality_office", "administrator"])
def test_no_page_weighs_more_than_a_phone_in_a_corridor_bears(browser: Browser, demo: Served, role: str) -> None:
    with visiting(browser, demo) as visitor:
        visitor.sign_in(demo.login(role))
        pages = wandered(visitor)
        cookies = visitor.context.cookies()
    heavy = {}
    for path in pages.values():
        with visiting(browser, demo) as fresh:
            fresh.context.add_cookies(cookies)  # type: ignore[arg-type]
            fresh.open(path)
            library = fresh.page.locator("script[src*='vega.js']").count()
            if fresh.bytes > MOST_BYTES + library * LIBRARY_BYTES:
                heavy[path] = fresh.bytes

    assert pages
    assert heavy == {}
