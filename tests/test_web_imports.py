"""Imports on the page: tried first, taken over as shown, all or nothing, by those with the right alone."""

import io
import re

import pytest
from browsing import Browser, Site
from werkzeug.test import TestResponse

GOOD = "code,kind,name_zh,parent\nlab,section,实验室,section\n"
BAD = "code,kind,name_zh,parent\nlab,section,实验室,section\nlab,palace,,nowhere\n"


def send(browser: Browser, text: bytes, name: str = "units.csv", **more: str) -> TestResponse:
    """Send a file of units to be tried."""
    return browser.post("/imports/units", "/imports", file=(io.BytesIO(text), name), **more)


def carried(page: str) -> dict[str, str]:
    """Return the hidden fields of the confirmation, as a browser sends them."""
    form = page.partition("/imports/units/take")[2].partition("</form>")[0]
    return dict(re.findall(r'name="(name|digest|content|encoding)" value="([^"]*)"', form))


def units(site: Site) -> set[str]:
    """Return the codes of all units."""
    return {code for (code,) in site.world.query("select code from unit")}


def test_a_file_is_tried_without_a_trace_and_taken_over_as_it_was_shown(site: Site) -> None:
    admin, before = site.browser("admin", "en"), units(site)
    tried = send(admin, GOOD.encode())
    between = units(site)
    done = admin.post("/imports/units/take", "/imports", **carried(tried.text))

    assert tried.status_code == 200 and "No fault." in tried.text
    assert between == before
    assert done.status_code == 303 and units(site) == before | {"lab"}
    (actor,) = site.world.query("select actor from journal where kind = 'FileImported'")[0]
    assert actor == str(site.world.persons["admin"])


def test_each_fault_is_named_with_its_place_and_nothing_is_stored(site: Site) -> None:
    before = units(site)
    answer = send(site.browser("admin", "en"), BAD.encode())

    assert answer.status_code == 422 and units(site) == before
    assert {"units.csv:3:2", "units.csv:3:3"} <= set(re.findall(r"units\.csv:\d+:\d+", answer.text))
    assert "Nothing was imported." in answer.text


def test_another_file_than_the_one_that_was_tried_is_refused(site: Site) -> None:
    admin, before = site.browser("admin", "en"), units(site)
    fields = carried(send(admin, GOOD.encode()).text) | {"digest": "0" * 64}

    answer = admin.post("/imports/units/take", "/imports", **fields)

    assert answer.status_code == 412 and units(site) == before
    assert "This is not the file that was checked" in answer.text


@pytest.mark.parametrize("login", ["head", "lead", "guest"])
def test_whoever_may_import_nothing_is_refused_before_the_file_is_read(site: Site, login: str) -> None:
    browser, before = site.browser(login), units(site)

    answer = browser.post("/imports/units", file=(io.BytesIO(BAD.encode()), "units.csv"))

    assert browser.get("/imports").status_code == 403
    assert answer.status_code == 403
    assert units(site) == before


@pytest.mark.parametrize(("data", "words"), [(b"", "The file is empty."), (b"\x00" * 40, "cannot be seen or printed")])
def test_what_is_no_table_is_told_in_words(site: Site, data: bytes, words: str) -> None:
    answer = send(site.browser("admin", "en"), data)
    assert answer.status_code == 422 and words in answer.text


def test_a_kind_that_there_is_not_is_not_found(site: Site) -> None:
    answer = site.browser("admin").post("/imports/cats", file=(io.BytesIO(b"a"), "a.csv"))
    assert answer.status_code == 404


def test_gbk_is_read_where_it_is_named(site: Site) -> None:
    answer = send(site.browser("admin", "en"), GOOD.encode("gbk"), encoding="gbk")
    assert answer.status_code == 200 and carried(answer.text)["encoding"] == "gbk"
