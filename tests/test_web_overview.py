"""The overview's pages in the browser: numbers that are links, whom portraits and comparisons are shown to."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from browsing import Browser, Site, plain
from browsing import site as made
from overviewing import peopled

from qaflow.config import Settings
from qaflow.services.figures import comparing
from qaflow.store.db import db

NUMBER = re.compile(r'<a class="q-n[^"]*" href="(/overview/list[^"]*)"[^>]*>(?:<svg.*?</svg> )?([\d,]+)</a>')
LINES = 50
LINK = re.compile(r'href="(/(?:overview|portraits|compare)[^"#]*)"')


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with everything in it."""
    found = made(settings)
    peopled(found.world)
    found.clock.instant = found.world.now
    yield found
    db.session.remove()
    db.engine.dispose()


@pytest.mark.parametrize("login", ["vp", "office", "head", "far_head", "major", "lead", "far_lead", "diag"])
def test_each_number_of_each_role_opens_a_list_of_that_many_lines(site: Site, login: str) -> None:
    browser = site.browser(login, "en")

    found = NUMBER.findall(browser.get("/overview").text)

    assert len(found) > 8
    for address, number in found:
        answer = browser.get(unescape(address))
        lines = answer.text.partition("<tbody>")[2].count("<tr>")
        assert (answer.status_code, lines) == (200, min(int(number), LINES)), address


def crawl(browser: Browser) -> dict[str, str]:
    """Return every page of this part that links lead to, and each chart as the text that its png is drawn from."""
    seen: dict[str, str] = {}
    waiting = ["/overview", "/portraits", "/compare"]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            answer = browser.get(path)
            assert answer.status_code == 200, path
            seen[path] = answer.text
            waiting += [unescape(link) for link in LINK.findall(seen[path]) if "form=png" not in link]
    return seen


@pytest.mark.parametrize("login", ["far_head", "far_lead", "far_major", "guest"])
def test_nobody_meets_a_name_or_a_word_of_another_unit(site: Site, login: str) -> None:
    site.world.query("update subject set name = 'SECRET-' || code where unit_id = :u returning id",
                     u=site.world.units["section"])  # fmt: skip
    site.world.query("update plan_task set title_zh = 'SECRET', title_en = 'SECRET' where owner_unit_id <> :u "
                     "returning id", u=site.world.units["far"])  # fmt: skip
    pages = crawl(site.browser(login, "en"))

    assert [path for path, text in pages.items() if "SECRET" in text] == []
    own = [path for path, text in pages.items() if "F0" in plain(text)]
    assert own if login != "guest" else not own
    assert any("SECRET-N0" in text for text in crawl(site.browser("lead", "en")).values())


@pytest.mark.parametrize("login", ["far_head", "far_lead", "guest", "admin"])
def test_another_s_portrait_and_comparison_are_not_there(site: Site, login: str) -> None:
    number = site.world.subjects["N0"]
    browser = site.browser(login)

    for path in (f"/portraits/{number}", f"/compare/{number}", "/portraits/987654"):
        assert browser.get(path).status_code == 404
    for path in (f"/portraits/{number}", f"/compare/{number}"):
        assert site.browser("lead").get(path).status_code == 200


def test_a_committee_reads_sums_and_opens_no_list_and_no_portrait(site: Site) -> None:
    site.world.person("board", "committee")
    browser = site.browser("board", "en")

    text = browser.get("/overview").text

    assert NUMBER.findall(text) == [] and ">8<" in text
    assert "N0" not in " ".join(map(plain, crawl(browser).values()))
    assert browser.get(f"/portraits/{site.world.subjects['N0']}").status_code == 404


@pytest.mark.parametrize("query", ["what=secret", "page=999999"])
def test_an_address_of_no_list_is_refused_calmly(site: Site, query: str) -> None:
    assert site.browser("office").get(f"/overview/list?{query}").status_code == 422
    for path in ("/overview/list?group=%00&span=x", "/portraits?q=%25&layer=x&page=0", "/compare?layer=x&point=y"):
        assert site.browser("office").get(path).status_code == 200


@pytest.mark.parametrize(("wanted", "found"), [
    (("major", "core"), ("major", "")), (("course", "core"), ("course", "core")),
    (("course", "own"), ("course", "basic")), (("", ""), ("course", "basic")),
    (("nowhere", "core"), ("course", "basic")),
])  # fmt: skip
def test_a_layer_is_chosen_even_where_the_former_layers_kind_is_still_named(
    wanted: tuple[str, str], found: tuple[str, str]
) -> None:
    kinds = [("course", "basic"), ("course", "core"), ("major", "")]

    assert comparing.shown(kinds, comparing.Chosen(layer=wanted[0], kind=wanted[1])) == found
    assert comparing.shown([], comparing.Chosen(layer=wanted[0])) is None


def test_kinds_of_subjects_have_words_and_a_colleges_own_stand_as_written(site: Site) -> None:
    site.world.query("update subject set kind = case when id % 2 = 0 then 'basic' else 'own-kind' end "
                     "where layer = 'course' returning id")  # fmt: skip

    text = site.browser("office", "en").get("/compare?layer=course").text

    kinds = dict(re.findall(r'<option value="([\w-]+)"[^>]*>([^<]+)</option>', text))
    assert (kinds["basic"], kinds["own-kind"]) == ("Basic course of a major", "own-kind")
