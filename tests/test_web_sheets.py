"""Diagnosis sheets in the browser: offered to their assessor, refused to others, recorded once, drafts kept."""

from collections.abc import Iterator

import pytest
from browsing import Site

from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.college import Diagnosis
from qaflow.store.db import db
from qaflow.testing import MONDAY, World, sheet, spiral, track


@pytest.fixture
def here(settings: Settings) -> Iterator[Site]:
    """Return the program on a college whose cycle has an open self-diagnosis."""
    clock = StoppedClock(MONDAY)
    app = create_app(settings, clock=clock)
    with app.app_context():
        whole = spiral(sheets=(sheet("self", "responsible"),))
        tracks = [track(diagnoses=(Diagnosis(kind="self", every="quarterly"),))]
        site = Site(app, clock, World(db.session, whole, tracks=tracks))
        site.world.start()
        site.later(days=121)
        site.world.tick()
        yield site
        db.session.remove()
        db.engine.dispose()


def number(site: Site) -> int:
    """Return the number of the open sheet."""
    return next(int(one["no"]) for one in site.world.state(1)["sheets"] if one["state"] == "open")


def test_a_sheet_is_filled_in_kept_as_a_draft_and_recorded_once(here: Site) -> None:
    no, lead = number(here), here.browser("lead", "en")
    path = f"/cycles/1/sheets/{no}"
    assert path in lead.get("/cycles/1").text
    form = {"revision": here.world.state(1)["revision"], "stage": f"sheet:{no}", "visit": 0, "sheet": no}

    kept = lead.post("/cycles/1/draft", **form, **{"f/note": "we <i>met</i> the goals"})
    assert kept.headers["Location"].endswith(path) and "we &lt;i&gt;met" in lead.get(path).text

    answers = [lead.post(path, **form, **{"f/note": "we met the goals"}).status_code for _ in range(2)]
    assert answers == [303, 404]
    assert here.world.kinds(1).count("SheetRecorded") == 1
    assert here.world.query("select count(*) from draft") == [(0,)]


def test_who_is_no_assessor_is_offered_no_form_and_refused_with_the_text_kept(here: Site) -> None:
    path = f"/cycles/1/sheets/{number(here)}"
    major = here.browser("major", "en")

    assert 'name="f/note"' not in major.get(path).text
    refused = major.post(path, revision=here.world.state(1)["revision"], **{"f/note": "mine"})
    assert refused.status_code == 403 and here.world.kinds(1).count("SheetRecorded") == 0


@pytest.mark.parametrize("login", ["guest", "far_lead"])
def test_a_sheet_out_of_sight_is_as_one_that_is_not_there(here: Site, login: str) -> None:
    path = f"/cycles/1/sheets/{number(here)}"

    assert here.browser(login).get(path).status_code == 404
    assert here.browser(login).post(path, revision=0).status_code == 404
    assert here.browser("lead").get("/cycles/1/sheets/999").status_code == 404
