"""The main day of each role, from sign-in to sign-out, in both languages, at a desk and on a phone.

Everything is done as people do it: by links, buttons, fields and keys; what came of it is read on the next page. Nothing
is found by its words, for they differ between the languages.
"""

from collections.abc import Iterator

import crowd
import pytest
from crowd import holder, let_in
from driving import Served, Visitor, visiting
from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.browser

WAYS = [("zh", 1280), ("en", 390), ("zh", 390), ("en", 1280)]
BY_ALL = pytest.mark.parametrize(("lang", "width"), WAYS)
AT_DESKS = pytest.mark.parametrize("lang", ["zh", "en"])
TOUCH = 40  # pixels that a finger needs
PHONE = 500
NOTE = {"name": "notes.txt", "mimeType": "text/plain", "buffer": "Attendance of the week: 96 of 100.\n".encode()}
SMALL = """least => [...document.querySelectorAll("button, .btn, summary.q-tool, main select, main input.form-control")]
  .filter(one => one.checkVisibility())
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.height < least - 0.5 || box.width < least - 0.5))
  .map(([one, box]) => `${one.tagName} ${one.className} ${one.name || ''} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
DOCKED = """one => { const box = one.getBoundingClientRect(); return box.top >= 0 && box.bottom <= window.innerHeight + 1; }"""


@pytest.fixture(scope="module")
def office(browser: Browser, demo: Served) -> Iterator[Visitor]:
    """Return the administrator, signed in, who lets people in."""
    with visiting(browser, demo) as visitor:
        visitor.sign_in(demo.login("administrator"))
        yield visitor


def looked(visitor: Visitor) -> None:
    """Look at the page: within its width and, on a phone, fit for fingers."""
    where = visitor.page.url
    assert not visitor.overflows(), where
    if visitor.width < PHONE:
        assert visitor.page.evaluate(SMALL, TOUCH) == [], where


def step(visitor: Visitor, selector: str) -> None:
    """Press something and look at the page behind it."""
    visitor.press(selector)
    looked(visitor)


def shown(visitor: Visitor, path: str) -> None:
    """Open an address that must be there, and look at the page."""
    assert visitor.open(path) == 200, path
    looked(visitor)


def turn_to(visitor: Visitor, path: str) -> None:
    """Go to a part of the program by the bar on top, or by its menu on a phone."""
    menu = visitor.page.locator("details.q-narrow-only > summary")
    if menu.is_visible():
        menu.click()
    with visitor.page.expect_navigation(wait_until="load"):
        visitor.page.locator(f"header.q-bar a[href='{path}']:visible").last.click()
    looked(visitor)


def figure(found: Locator) -> int:
    """Return the number that an element shows."""
    return int(found.inner_text().replace(",", ""))


def box(visitor: Visitor, name: str = "mine") -> int:
    """Return how much the inbox counts in one of its lists."""
    visitor.open("/inbox")
    href = "/inbox" if name == "mine" else f"/inbox?box={name}"
    return figure(visitor.page.locator(f".q-boxes a[href='{href}'] .q-count"))


def facts(visitor: Visitor) -> int:
    """Return how many facts the history of the cycle that is open counts."""
    return figure(visitor.page.locator("#history .q-count"))


def act(visitor: Visitor, action: str, **entries: str) -> None:
    """Open the form of an act, fill it in, send it; the page must say that it is done."""
    form = f"form[action$='/{action}']"
    fold = visitor.page.locator(f"details:has({form}) > summary").first
    if fold.count():
        fold.click()
    for name, words in entries.items():
        visitor.page.locator(f"{form} [name={name}]").first.fill(words)
    step(visitor, f"{form} button[type=submit]:visible")
    assert visitor.has(".q-note-ok"), visitor.text()


def fill(visitor: Visitor, words: str) -> None:
    """Fill in every field of the stage's form that is empty, each by its kind."""
    for control in visitor.page.locator(".q-stage-form [name^='f/']").all():
        kind = control.evaluate("one => one.tagName === 'INPUT' ? one.inputMode || one.type : one.tagName")
        if kind == "checkbox":
            control.check()
        elif control.input_value():
            continue
        elif kind == "SELECT":
            control.select_option(index=1)
        else:
            control.fill({"decimal": "3", "date": "2026-03-02"}.get(kind, words))


def written(visitor: Visitor) -> list[str]:
    """Return what stands in the texts of the stage's form."""
    return [one.input_value() for one in visitor.page.locator(".q-stage-form textarea").all()]


def decisions(visitor: Visitor) -> int:
    """Return how many rows of the inbox wait for my decision."""
    visitor.open("/inbox")
    looked(visitor)
    return visitor.page.locator(".q-item[data-q-decide]").count()


@BY_ALL
@pytest.mark.parametrize(("role", "layer"), [("student", "student"), ("course_leader", "course")])
def test_whoever_is_responsible_fills_in_a_stage_keeps_a_draft_adds_evidence_submits_and_comments(
    browser: Browser, demo: Served, office: Visitor, role: str, layer: str, lang: str, width: int
) -> None:
    found = holder(demo, "submit", layer, "" if role == "student" else role)
    let_in(office, found.person)
    link, words = f".q-item-title a[href='/cycles/{found.cycle}']", f"written by {found.login} in {lang} at {width}"
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(found.login, crowd.PASSWORD)
        mine, submitted = box(visitor), box(visitor, "submitted")
        visitor.open("/inbox")
        looked(visitor)
        step(visitor, link)
        before = facts(visitor)
        assert visitor.page.locator(".q-missing li").count() > 0  # an empty form: the gate names what it misses

        step(visitor, ".q-stage-form button.btn-primary")
        assert visitor.has("[role=alert]")
        assert facts(visitor) == before

        fill(visitor, words)
        assert visitor.page.locator(".q-stage-form .btn-primary").evaluate(DOCKED) or width > PHONE
        step(visitor, ".q-stage-form button[formaction]")
        visitor.open("/inbox")
        step(visitor, link)
        assert visitor.has(".q-drafted")
        assert words in written(visitor)

        visitor.page.set_input_files("#evidence-file", files=[NOTE])
        step(visitor, "form[enctype='multipart/form-data'] button")
        assert visitor.page.locator("#files a[download]").count() == 1
        assert words in written(visitor)

        step(visitor, ".q-stage-form button.btn-primary")
        assert visitor.has(".q-note-ok")
        assert not visitor.has(".q-stage-form")
        assert words in visitor.page.inner_text("#record")
        act(visitor, "comment", text=f"said: {words}")
        assert f"said: {words}" in visitor.page.locator(".q-timeline").last.inner_text()
        assert facts(visitor) > before + 2

        assert box(visitor) == mine - 1
        assert box(visitor, "submitted") == submitted + 1
        visitor.sign_out()


@BY_ALL
def test_a_leader_of_a_major_approves_one_stage_and_rejects_another(
    browser: Browser, demo: Served, office: Visitor, lang: str, width: int
) -> None:
    found = holder(demo, "decide", "course", "major_leader", least=2)
    let_in(office, found.person)
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(found.login, crowd.PASSWORD)
        waiting = decisions(visitor)

        step(visitor, ".q-item[data-q-decide] .q-item-title a")
        act(visitor, "approve", comment="Read and found good.")
        assert "Read and found good." in visitor.page.locator(".q-timeline").last.inner_text()
        assert decisions(visitor) == waiting - 1

        step(visitor, ".q-item[data-q-decide] .q-item-title a")
        act(visitor, "reject", reason="The numbers of the second week are wanting.")
        assert "The numbers of the second week are wanting." in visitor.page.locator(".q-timeline").last.inner_text()
        assert not visitor.has("form[action$='/approve']")
        assert decisions(visitor) == waiting - 2
        visitor.sign_out()


@BY_ALL
def test_a_class_adviser_approves_one_stage_alone_and_two_together(
    browser: Browser, demo: Served, office: Visitor, lang: str, width: int
) -> None:
    found = holder(demo, "decide", "student", "class_adviser", least=3)
    let_in(office, found.person)
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(found.login, crowd.PASSWORD)
        waiting = decisions(visitor)
        step(visitor, ".q-item[data-q-decide] .q-item-title a")
        act(visitor, "approve", comment="Seen.")

        assert decisions(visitor) == waiting - 1
        boxes = visitor.page.locator(".q-item[data-q-decide] input[form=together]")
        boxes.nth(0).check()
        boxes.nth(1).check()
        looked(visitor)
        together = visitor.page.locator("#together button[value=approve]")
        assert together.evaluate(DOCKED)
        step(visitor, "#together button[value=approve]")
        assert visitor.page.locator(".q-results > li").count() == 2
        assert visitor.page.locator("form[action='/inbox/bulk'] [name=item]").count() == 2

        visitor.page.fill("[name=comment]", "Both seen.")
        step(visitor, "form[action='/inbox/bulk'] button.btn-primary")
        assert visitor.page.locator(".q-results > li .q-ok").count() == 2
        step(visitor, ".q-results > li a")
        assert "Both seen." in visitor.page.locator(".q-timeline").last.inner_text()
        assert decisions(visitor) == waiting - 3
        visitor.sign_out()


@AT_DESKS
def test_the_inbox_goes_by_keys(browser: Browser, demo: Served, lang: str) -> None:
    row = "document.activeElement.closest('[data-q-row]')"
    place = f"[...document.querySelectorAll('[data-q-row]')].indexOf({row})"
    with visiting(browser, demo, lang, 1280) as visitor:
        visitor.sign_in(demo.login("course_leader"))
        visitor.open("/inbox")
        ticked = visitor.page.locator("input[form=together]:checked")
        seen = []
        for key in "jjjk":
            visitor.page.keyboard.press(key)
            seen.append(visitor.page.evaluate(place))
        visitor.page.keyboard.press("x")

        assert seen == [0, 1, 2, 1]
        assert visitor.page.evaluate(f"{row}.querySelector('[form=together]').checked")
        assert ticked.count() == 1
        assert visitor.has("#together button")
        visitor.page.keyboard.press("x")
        assert ticked.count() == 0
        visitor.page.keyboard.press("Enter")
        visitor.page.wait_for_url("**/cycles/*")
        visitor.sign_out()
