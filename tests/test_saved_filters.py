"""Kept filters of the inbox: each person's own, bounded, made of choices that make sense."""

import json
import re
from collections.abc import Iterator
from html import unescape

import pytest
from browsing import Browser, Site
from browsing import site as made

from qaflow.config import Settings
from qaflow.services.desk.saved_filters import MOST, SIGNS
from qaflow.store.db import db


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college."""
    found = made(settings)
    found.world.start()
    yield found
    db.session.remove()
    db.engine.dispose()


def names(site: Site) -> list[str]:
    return [name for (name,) in site.world.query("select name from saved_filter order by name")]


def save(browser: Browser, name: str, **choices: str) -> int:
    return browser.post("/inbox/filters", name=name, **choices).status_code


def test_a_kept_filter_opens_the_list_as_it_was(site: Site) -> None:
    browser = site.browser("lead", "en")

    answer = browser.post("/inbox/filters", name="late goals", box="mine", stage="goal", when="0", sort="subject")

    assert answer.status_code == 303
    page = unescape(browser.get("/inbox").text)
    (link,) = re.findall(r'href="(/inbox\?[^"]+)">late goals<', page)
    assert sorted(link.partition("?")[2].split("&")) == ["sort=subject", "stage=goal", "when=0"]
    assert link == answer.headers["Location"] and browser.get(link).status_code == 200


def test_the_same_name_is_written_over_and_a_double_click_keeps_one(site: Site) -> None:
    browser = site.browser("lead")

    assert [save(browser, "a", stage="goal"), save(browser, "a", stage="goal"), save(browser, "a", sort="unit")] == [
        303
    ] * 3

    ((query,),) = site.world.query("select query from saved_filter")
    assert json.loads(query)["sort"] == "unit" and json.loads(query)["stage"] == ""


def test_only_choices_are_kept_and_no_address(site: Site) -> None:
    save(
        site.browser("lead"),
        "x",
        box="https://evil.example/",
        sort="drop",
        unit="-1",
        when="77",
        after="z.9",
        next="//e",
    )

    ((query,),) = site.world.query("select query from saved_filter")
    assert json.loads(query) == {
        "box": "mine",
        "kind": "",
        "layer": "",
        "sort": "due",
        "stage": "",
        "unit": 0,
        "when": -1,
    }


def test_a_filter_is_renamed_and_deleted_by_its_owner_alone(site: Site) -> None:
    mine, other = site.browser("lead", "en"), site.browser("far_lead", "en")
    save(mine, "a")
    save(mine, "b")
    (a,), (_b,) = site.world.query("select id from saved_filter order by name")

    assert ">a<" not in other.get("/inbox/filters").text
    for path in (f"/inbox/filters/{a}/rename", f"/inbox/filters/{a}/delete", "/inbox/filters/999/delete"):
        assert other.post(path, name="z").status_code == 404
    taken = mine.post(f"/inbox/filters/{a}/rename", name="b")
    assert taken.status_code == 422 and "Another filter has this name." in taken.text
    assert mine.post(f"/inbox/filters/{a}/rename", name="c").status_code == 303 and names(site) == ["b", "c"]
    assert mine.post(f"/inbox/filters/{a}/delete").status_code == 303 and names(site) == ["b"]


@pytest.mark.parametrize(("bad", "good"), [
    ("", "x"), (" \u3000", "x"), ("x" * (SIGNS + 1), "x" * SIGNS), ("a\x07b", "a b"), ("\u202eevil", "evil"),
])  # fmt: skip
def test_a_name_must_be_one(site: Site, bad: str, good: str) -> None:
    browser = site.browser("lead", "en")

    answer = browser.post("/inbox/filters", name=bad, stage="goal")
    assert answer.status_code == 422 and 'name="stage" value="goal"' in answer.text and names(site) == []
    assert save(browser, good) == 303 and names(site) == [good]


def test_so_many_are_kept_and_no_more(site: Site) -> None:
    browser = site.browser("lead", "en")
    for number in range(MOST):
        assert save(browser, f"f{number:02}") == 303

    answer = browser.post("/inbox/filters", name="one more")

    assert answer.status_code == 409 and "Twenty filters are kept already" in answer.text and len(names(site)) == MOST
    assert save(browser, "f00", sort="unit") == 303 and len(names(site)) == MOST
