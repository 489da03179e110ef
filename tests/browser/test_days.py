"""The main day of each role, from sign-in to sign-out, in both languages, at a desk and on a phone.

Everything is done as people do it: by links, buttons, fields and keys; what came of it is read on the next page.
Nothing is found by its words, for they differ between the languages.
"""

from collections.abc import Iterator

import crowd
import pytest
from crowd import holder, let_in
from driving import Served, Visitor, visiting
from playwright.sync_api import Browser, FilePayload, Locator

pytestmark = pytest.mark.browser

WAYS = [("zh", 1280), ("en", 390), ("zh", 390), ("en", 1280)]
BY_ALL = pytest.mark.parametrize(("lang", "width"), WAYS)
AT_DESKS = pytest.mark.parametrize("lang", ["zh", "en"])
TOUCH = 40  # pixels that a finger needs
PHONE = 500
NOTE: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Attendance: 96 of 100.\n"}
SMALL = """least => [...document.querySelectorAll("button, .btn, summary.q-tool, main select, main input.form-control")]
  .filter(one => one.checkVisibility())
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.height < least - 0.5 || box.width < least - 0.5))
  .map(([one, box]) => `${one.tagName} ${one.className} ${one.name || ''} ${box.width} x ${box.height}`)"""
"""What is too small for a finger."""
DOCKED = (
    "one => { const {top, bottom} = one.getBoundingClientRect(); return top >= 0 && bottom <= window.innerHeight + 1; }"
)


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


def turn_to(visitor: Visitor, path: str) -> None:
    """Go to a part of the program by the bar on top, or by its menu on a phone."""
    menu = visitor.page.locator("details.q-narrow-only > summary")
    group = visitor.page.locator(f"nav.q-nav details:has(a[href='{path}']) > summary")
    for closed in (menu, group):
        if closed.is_visible():
            closed.click()
    with visitor.page.expect_navigation(wait_until="load"):
        visitor.page.locator(f"header.q-bar a[href='{path}']:visible").last.click()
    looked(visitor)


def figure(found: Locator) -> int:
    """Return the number that stands among the words of an element."""
    return int("".join(one for one in found.first.inner_text() if one.isdigit()))


def box(visitor: Visitor, name: str = "mine") -> int:
    """Return how much the inbox, which is open, counts in one of its lists."""
    href = "/inbox" if name == "mine" else f"/inbox?box={name}"
    return figure(visitor.page.locator(f".q-boxes a[href='{href}'] .q-count"))


def facts(visitor: Visitor) -> int:
    """Return how many facts the history of the cycle that is open counts."""
    return figure(visitor.page.locator("#history .q-count"))


def told(visitor: Visitor) -> str:
    """Return the latest facts of the cycle's history that is open."""
    return visitor.page.locator("section[aria-labelledby=history] .q-timeline").first.inner_text()


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
    turn_to(visitor, "/inbox")
    return visitor.page.locator(".q-item[data-q-decide]").count()


@BY_ALL
@pytest.mark.parametrize(("layer", "role", "reviewed"), [("student", "", 0), ("course", "course_leader", 1)])
def test_whoever_is_responsible_fills_in_a_stage_keeps_a_draft_adds_evidence_submits_and_comments(
    browser: Browser, demo: Served, office: Visitor, layer: str, role: str, reviewed: int, lang: str, width: int
) -> None:
    found = holder(demo, "submit", layer, role, stage="incentivize")
    let_in(office, found.person)
    link, words = f".q-item-title a[href='/cycles/{found.cycle}']", f"written by {found.login} in {lang} at {width}"
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(found.login, crowd.PASSWORD)
        looked(visitor)
        mine, submitted = box(visitor), box(visitor, "submitted")
        step(visitor, link)
        before = facts(visitor)
        fill(visitor, words)
        visitor.page.locator(".q-stage-form [name^='f/']").first.scroll_into_view_if_needed()
        assert visitor.page.locator(".q-stage-form .btn-primary").evaluate(DOCKED) or width > PHONE
        step(visitor, ".q-stage-form button[formaction]")
        turn_to(visitor, "/inbox")
        step(visitor, link)
        assert visitor.has(".q-drafted")
        assert words in written(visitor)

        visitor.page.set_input_files("#evidence-file", files=[NOTE])
        step(visitor, "form[enctype='multipart/form-data'] button")
        assert visitor.page.locator("#files a[download]").count() == 1
        assert words in written(visitor)

        step(visitor, ".q-stage-form button.btn-primary")
        assert visitor.has(".q-note-ok")
        assert visitor.page.locator(".q-stage-form [name=stage][value=incentivize]").count() == 0
        act(visitor, "comment", text=f"said: {words}")
        assert f"said: {words}" in told(visitor)
        assert facts(visitor) > before + 2
        step(visitor, "svg a[href*='stage=incentivize']:visible text")
        assert words in visitor.page.inner_text("#record")

        turn_to(visitor, "/inbox")
        assert box(visitor) == mine - reviewed  # what nobody reviews leads straight to the next stage
        assert box(visitor, "submitted") == submitted + reviewed
        visitor.sign_out()


@pytest.mark.parametrize(("lang", "width"), WAYS[2:])
def test_the_gate_names_what_an_empty_form_misses_and_nothing_happens(
    browser: Browser, demo: Served, office: Visitor, lang: str, width: int
) -> None:
    found = holder(demo, "submit", "course", "course_leader", stage="incentivize")
    let_in(office, found.person)
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(found.login, crowd.PASSWORD)
        waiting = box(visitor)
        step(visitor, f".q-item-title a[href='/cycles/{found.cycle}']")
        before, missing = facts(visitor), visitor.page.locator(".q-missing li").count()

        step(visitor, ".q-stage-form button.btn-primary")
        assert missing > 0
        assert visitor.has("main [role=alert]")
        assert visitor.page.locator(".q-missing li").count() == missing
        assert visitor.has(".q-stage-form .q-fault")
        assert facts(visitor) == before
        turn_to(visitor, "/inbox")
        assert box(visitor) == waiting
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
        assert "Read and found good." in told(visitor)
        assert decisions(visitor) == waiting - 1

        step(visitor, ".q-item[data-q-decide] .q-item-title a")
        act(visitor, "reject", reason="The numbers of the second week are wanting.")
        assert "The numbers of the second week are wanting." in told(visitor)
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
        assert "Both seen." in told(visitor)
        assert decisions(visitor) == waiting - 3
        visitor.sign_out()


@AT_DESKS
def test_the_inbox_goes_by_keys(browser: Browser, demo: Served, lang: str) -> None:
    row = "document.activeElement.closest('[data-q-row]')"
    place = f"[...document.querySelectorAll('[data-q-row]')].indexOf({row})"
    with visiting(browser, demo, lang, 1280) as visitor:
        visitor.sign_in(demo.login("course_leader"))
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


def watched(visitor: Visitor) -> None:
    """Watch the cycle that is open, find it among those watched, stop watching it in that list."""
    path = visitor.page.url.removeprefix(visitor.site.base).partition("?")[0]
    step(visitor, f"form[action='{path}/watch'] button")
    assert visitor.page.locator(f"form[action='{path}/watch'] [name=on]").input_value() == "no"
    turn_to(visitor, "/inbox")
    many = box(visitor, "watch")
    step(visitor, ".q-boxes a[href='/inbox?box=watch']")
    assert visitor.has(f".q-item-title a[href='{path}']")
    step(visitor, f"form[action='{path}/watch'] button")
    assert not visitor.has(f".q-item-title a[href='{path}']")
    assert box(visitor, "watch") == many - 1


def reminded(visitor: Visitor) -> None:
    """Remind the holder of the inbox's first row, by the dry run; the cycle's history must tell it."""
    turn_to(visitor, "/inbox")
    step(visitor, ".q-item-title a")
    path, before = visitor.page.url.removeprefix(visitor.site.base), facts(visitor)
    turn_to(visitor, "/inbox")
    visitor.page.locator("input[form=together]").first.check()
    step(visitor, "#together button[value=remind]")
    step(visitor, "form[action='/inbox/bulk'] button.btn-primary")
    assert visitor.page.locator(".q-results > li .q-ok").count() == 1
    step(visitor, f".q-results a[href='{path}']")
    assert facts(visitor) == before + 1


def late_ones(visitor: Visitor) -> None:
    """Narrow the list of cycles to what is late, and open the first."""
    turn_to(visitor, "/cycles")
    late = figure(visitor.page.locator(".q-list-total a[href*='when=late']"))
    step(visitor, ".q-list-total a[href*='when=late']")
    rows = visitor.page.locator(".q-list tbody tr")
    assert 0 < rows.count() <= late
    assert rows.locator("td:nth-of-type(2) .q-late").count() == rows.count()
    step(visitor, ".q-list tbody th a")
    assert visitor.has(".q-badge.q-late")


@BY_ALL
@pytest.mark.parametrize("role", ["unit_head", "vice_president"])
def test_whoever_watches_over_others_finds_what_is_late_watches_it_and_reminds(
    browser: Browser, demo: Served, role: str, lang: str, width: int
) -> None:
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(demo.login(role))
        late_ones(visitor)
        watched(visitor)
        reminded(visitor)
        visitor.sign_out()


@BY_ALL
def test_the_quality_office_goes_from_a_number_to_its_cycle_and_plans_a_round_without_doing_it(
    browser: Browser, demo: Served, lang: str, width: int
) -> None:
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(demo.login("quality_office"))
        turn_to(visitor, "/office")
        many = figure(visitor.page.locator(".q-heat a.q-large"))
        step(visitor, ".q-heat a.q-large")
        assert figure(visitor.page.locator("main p[role=status]")) == many
        step(visitor, ".q-lines th a")
        cycle, before = visitor.page.url, facts(visitor)

        turn_to(visitor, "/office")
        step(visitor, ".q-tabs a[href^='/office/rounds']")
        running = visitor.page.locator(".q-rounds tbody tr:has(td:nth-of-type(3) a)").first
        planned = running.locator("a.btn").get_attribute("href")
        step(visitor, f".q-rounds a.btn[href='{planned}']")
        visitor.page.select_option("select#act", "suspend")
        visitor.page.fill("input#reason", "Only to see what it would do.")
        step(visitor, ".q-plan button[type=submit]")
        assert visitor.page.locator(".q-lines tbody tr").count() > 0
        assert visitor.has("form[action^='/office/rounds/plan'][method=post] button")

        turn_to(visitor, "/organisation")
        step(visitor, ".q-boxes a[href='/organisation/people']")
        assert not visitor.has("a[href='/organisation/people/new']")
        turn_to(visitor, "/definitions")
        step(visitor, "main table th a")
        assert visitor.page.locator(".q-def-eight svg:visible").count() > 0
        assert visitor.page.locator(".q-def-eight a[download]").count() == 4
        visitor.page.goto(cycle)
        assert facts(visitor) == before  # a dry run does nothing
        visitor.sign_out()


@BY_ALL
def test_a_diagnostician_warns_of_a_cycle_that_is_carried_out(
    browser: Browser, demo: Served, lang: str, width: int
) -> None:
    reason = f"Too few visits to lessons, seen in {lang} at {width}."
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(demo.login("diagnostician"))
        turn_to(visitor, "/cycles")
        with visitor.page.expect_navigation(wait_until="load"):
            visitor.page.select_option("select[name=stage]", "implement")
        looked(visitor)
        step(visitor, ".q-list tbody tr:has(td:nth-of-type(3) .q-mute) th a")
        before, warnings = facts(visitor), figure(visitor.page.locator("#warnings .q-count"))

        act(visitor, "warn", reason=reason)
        assert figure(visitor.page.locator("#warnings .q-count")) == warnings + 1
        assert reason in visitor.page.inner_text("#warnings")
        assert facts(visitor) == before + 1
        assert visitor.has("a.q-badge[href='#warnings']")
        visitor.sign_out()


def unfolded(visitor: Visitor, action: str) -> str:
    """Open the form of a person's page that sends to an action; returns where it is."""
    form = f"form[action$='/{action}']"
    visitor.page.click(f"details:has({form}) > summary")
    looked(visitor)
    return form


@BY_ALL
def test_the_administrator_adds_a_person_with_a_role_and_an_absence_and_looks_after_the_machine(
    browser: Browser, demo: Served, lang: str, width: int
) -> None:
    login = f"ws-x{lang}{width}"
    with visiting(browser, demo, lang, width) as visitor:
        visitor.sign_in(demo.login("administrator"))
        turn_to(visitor, "/organisation")
        step(visitor, ".q-boxes a[href='/organisation/people']")
        step(visitor, "a[href='/organisation/people/new']")
        visitor.page.fill("[name=login]", login)
        visitor.page.fill("[name=name]", f"Visitor {lang} {width}")
        step(visitor, "main form[method=post] button")
        assert login in visitor.page.inner_text("main header")

        form = unfolded(visitor, "roles")
        visitor.page.select_option(f"{form} [name=role]", "diagnostician")
        step(visitor, f"{form} button")
        assert visitor.page.locator("#roles li").count() == 1
        form = unfolded(visitor, "absences")
        visitor.page.fill(f"{form} [name=starts]", "2026-02-02")
        visitor.page.fill(f"{form} [name=ends]", "2026-02-06")
        visitor.page.fill(f"{form} [name=reason]", "training")
        step(visitor, f"{form} button")
        assert visitor.page.locator("#absences li").count() == 1
        step(visitor, ".q-boxes a[href='/organisation/absences']")
        assert f"Visitor {lang} {width}" in visitor.text()

        turn_to(visitor, "/operations")
        step(visitor, "main a[href='/operations/ticks']")
        assert visitor.page.locator("main tbody tr").count() > 0
        turn_to(visitor, "/operations")
        step(visitor, "main a[href^='/operations/incidents']")
        step(visitor, "main a[href='/operations/incidents?state=solved']")
        assert visitor.page.locator("main a[aria-current=page][href$='state=solved']").count() == 1
        visitor.sign_out()
