"""The quality office's pages: numbers that are links, whom they are shown to, acts on rounds in the browser."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import Browser, Site, plain
from browsing import site as made

from qaflow.config import Settings
from qaflow.store.db import db

START = "2025-09-01"
PLAN = f"/office/rounds/plan?layer=course&track=teaching&day={START}"
LINK = re.compile(r'<a class="q-n[^"]*" href="(/office/list[^"]*)">([\d,]+)</a>')
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, two cycles started."""
    found = made(settings)
    found.world.start("C1")
    found.world.start("C9")
    yield found
    db.session.remove()
    db.engine.dispose()


def confirmation(browser: Browser, path: str) -> dict[str, str]:
    """Return what the button of a dry run sends."""
    form = (
        browser.get(path).text.partition('<form method="post" action="/office/rounds/plan">')[2].partition("</form>")[0]
    )
    return {name: unescape(value) for name, value in HIDDEN.findall(form) if name != "csrf_token"}


@pytest.mark.parametrize("path", ["/office", "/office/stuck", "/office/units", "/office/time", "/office/rounds"])
@pytest.mark.parametrize("login", ["office", "vp", "diag"])
def test_each_number_opens_a_list_of_that_many_lines(site: Site, path: str, login: str) -> None:
    site.world.fire(1, "submit", "lead", content={"note": "x"})
    site.later(days=400)
    site.world.query("update schedule set unstarted_reason = 'unclosed.two' returning id")
    browser = site.browser(login, "en")

    found = LINK.findall(browser.get(path).text)

    assert found
    for address, number in found:
        answer = browser.get(unescape(address))
        lines = answer.text.partition("<tbody>")[2].count("<tr>")
        assert (answer.status_code, lines) == (200, int(number)), address


def test_who_surveys_nothing_is_refused_and_a_committee_gets_no_links(site: Site) -> None:
    site.world.person("board", "committee")
    for login in ("lead", "admin"):
        assert [site.browser(login).get(p).status_code for p in ("/office", "/office/list", "/office/rounds")] == [
            403
        ] * 3
    board = site.browser("board", "en")

    assert board.get("/office").status_code == 200 and LINK.findall(board.get("/office").text) == []
    assert board.get("/office/list").status_code == 403


def test_a_leader_of_one_unit_never_reads_another_s_subject_or_number(site: Site) -> None:
    site.world.person("far_vp", "vice_president", "far")
    browser = site.browser("far_vp", "en")

    assert ">C9<" in browser.get("/office/list").text
    for path in ("/office", "/office/stuck", "/office/units", "/office/time", "/office/list",
                 "/office/list?what=all&term=all", f"/office/list?unit={site.world.units['section']}",
                 "/office/rounds"):  # fmt: skip
        text = browser.get(path).text
        assert "C1" not in plain(text) and "section" not in plain(text), path
    assert next(n for _, n in LINK.findall(browser.get("/office").text)) == "1"


@pytest.mark.parametrize("query", [
    "term=x", "layer=%00", "unit=-1", "unit=" + "9" * 40, "stage=a-b-c", "age=99", "page=0", "holder=x", "round=y",
    "track=" + "z" * 500, "why='", "unit=999999999",
])  # fmt: skip
def test_what_an_address_cannot_mean_is_answered_calmly(site: Site, query: str) -> None:
    browser = site.browser("office")
    for path in ("/office", "/office/stuck", "/office/units", "/office/time", "/office/list", "/office/rounds"):
        assert browser.get(f"{path}?{query}").status_code == 200
    assert browser.get("/office/list?what=secret").status_code == 422
    assert browser.get("/office/list?page=999999").status_code == 422


def test_a_round_is_suspended_after_its_dry_run_and_twice_is_once(site: Site) -> None:
    browser = site.browser("office", "en")
    path = f"{PLAN}&act=suspend&reason=strike"
    assert "2 would be done" in browser.get(path).text
    sent = confirmation(browser, path)

    first = browser.post("/office/rounds/plan", **sent)
    again = browser.post("/office/rounds/plan", **sent)

    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]
    assert parse_qs(urlsplit(first.headers["Location"]).query)["once"] == [sent["once"]]
    result = browser.get(first.headers["Location"]).text
    assert "2 done" in result and "Nothing of this batch is left to do." in result
    assert site.world.kinds(1).count("CycleSuspended") == site.world.kinds(2).count("CycleSuspended") == 1


def test_faults_of_an_act_stand_at_their_fields(site: Site) -> None:
    browser = site.browser("office", "en")

    bad = browser.get(f"{PLAN}&act=extend&days=900")
    good = browser.get(f"{PLAN}&act=extend&days=9&reason=r")

    assert bad.status_code == 422 and 'id="days-fault"' in bad.text and 'id="reason-fault"' in bad.text
    assert good.status_code == 200 and "fault" not in good.text.partition("<main")[2]
    assert 'value="900"' in bad.text
    assert browser.get("/office/rounds/plan?layer=course&track=other&day=2025-09-01").status_code == 404


@pytest.mark.parametrize("login", ["vp", "diag", "lead", "admin"])
def test_only_the_office_may_act_on_rounds(site: Site, login: str) -> None:
    browser = site.browser(login, "en")

    assert "/office/rounds/plan?" not in browser.get("/office/rounds").text
    assert browser.get(f"{PLAN}&act=suspend&reason=x").status_code == 403
    sent = {"layer": "course", "track": "teaching", "day": START, "act": "suspend", "reason": "x", "once": "a"}
    assert browser.post("/office/rounds/plan", **sent).status_code == 403
    assert "CycleSuspended" not in site.world.kinds(1)


def test_a_form_without_proof_changes_nothing(site: Site) -> None:
    browser = site.browser("office")
    sent = {"layer": "course", "track": "teaching", "day": START, "act": "suspend", "reason": "x", "once": "a"}

    assert browser.client.post("/office/rounds/plan", data=sent).status_code == 400
    assert "CycleSuspended" not in site.world.kinds(1)


def test_texts_are_shown_as_text(site: Site) -> None:
    site.world.query("update subject set name = '<b onload=x>' returning id")

    assert "<b onload" not in site.browser("office").get("/office/list").text
    assert "<i>" not in site.browser("office").get(f"{PLAN}&act=suspend&reason=<i>").text
